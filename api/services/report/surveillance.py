"""预警: which rises chance does not explain, and the four signatures of a problem."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from api.services.periods import Period, monday_of, week_label, week_of
from api.services.report.cases import Cases, known_until
from api.services.report.counts import shares
from api.services.report.findings import examples, item_of
from api.services.report.options import ReportOptions
from api.services.report.rankings import issue_of
from api.services.report.series import weekly, weekly_issues, whole_numbers
from api.services.report.weekload import week_loads
from mining.causes import CauseReport
from mining.significance import benjamini_hochberg
from mining.warning import Episode, Watch, episodes, false_alarms, watch

Floats = NDArray[np.float64]

_HOUSE_WEEKS = 13
_HOUSE_RATIO = 3.0
_MOST_GAPS = 3
_RECENT_WEEKS = 2
_LOCAL_P = 1e-3
_CROWD_Q = 0.01
_MOST = 10
_MOST_PLACES = 3


@dataclass(frozen=True)
class _Watched:
    """Every series that is watched, over all weeks up to the period's end."""

    span: range
    codes: tuple[int, ...]
    counts: Floats
    exposure: Floats
    found: Watch
    total: Floats

    def name(self, series: int) -> str:
        """What kind of series: an issue, the escalated ones, or all complaints."""
        extra = series - len(self.codes)
        return "issue" if extra < 0 else ("escalation", "volume")[extra]

    def latest(self, period: Period) -> int:
        """Place of the last week of a period that has data: a gap ends no alarm."""
        held = [at for at, week in enumerate(self.span) if week in period.weeks]
        return max((at for at in held if not np.isnan(self.total[at])), default=held[-1])


def surveillance(
    everything: Cases,
    period: Period | None,
    mined: CauseReport | None,
    options: ReportOptions,
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Warnings of the period, latest rise first, and what was watched and how."""
    if period is None:
        return [], {"judged": 0, "signatures": {}}
    known = known_until(everything, period)
    cases = known.within(period)
    watched = _watch(known, period, options)
    warnings = [
        _warning(episode, watched, known, period, options)
        for episode in episodes(watched.found, watched.counts)
        if watched.span[episode.last] in period.weeks
    ]
    warnings.sort(key=lambda warning: (not warning["active"], -warning["excess"]))
    return warnings, _summary(watched, cases, period, mined, options)


def _watch(cases: Cases, period: Period, options: ReportOptions) -> _Watched:
    first = week_of(cases.frame["day"].min().date())
    span = range(first, week_of(period.end) + 1)
    total = weekly(cases, np.zeros(len(cases), dtype=np.int64), 1, span)
    by_issue = weekly_issues(cases, span)
    codes = np.flatnonzero(np.nansum(by_issue, axis=1) >= options.vigilance.fewest)
    escalated = (cases.frame["escalated_to"] != "").to_numpy(dtype=np.bool_)
    raised = weekly(cases, np.where(escalated, 0, -1), 1, span)
    counts = np.vstack([by_issue[codes], raised, total])
    exposure = np.vstack(
        [np.maximum(total - counts[:-1], 1.0), week_loads(cases, span, period.end)[None, :]]
    )
    found = watch(counts, exposure, options.vigilance)
    return _Watched(span, tuple(codes.tolist()), counts, exposure, found, total[0])


def _warning(
    episode: Episode, watched: _Watched, cases: Cases, period: Period, options: ReportOptions
) -> dict[str, Any]:
    kind = watched.name(episode.series)
    rows = _rows(episode, watched, cases)
    last = watched.latest(period)
    row = watched.counts[episode.series]
    return {
        "signature": "异动",
        "kind": kind,
        "issue": _issue(episode, watched, cases, options),
        "first_week": week_label(watched.span[episode.first]),
        "last_week": week_label(watched.span[episode.last]),
        "from": monday_of(watched.span[episode.first]).isoformat(),
        "active": episode.last > last - _RECENT_WEEKS,
        "slow": episode.slow,
        "observed": int(episode.observed),
        "expected": episode.expected,
        "excess": episode.observed - episode.expected,
        "ratio": episode.observed / max(episode.expected, 1e-9),
        "p_value": episode.p_value,
        "calls_emergency_plan": kind in ("volume", "escalation"),
        "house_rule": _house_rule(row, last),
        "where": _where(episode, watched, cases, options) if kind == "issue" else [],
        "weeks": [monday_of(week).isoformat() for week in watched.span],
        "weekly": whole_numbers(row),
        "weekly_expected": [float(value) for value in watched.found.expected[episode.series]],
        "weekly_alarm": watched.found.alarms[episode.series].tolist(),
        "weekly_upper": [float(value) for value in watched.found.upper[episode.series]],
        "complaints": cases.frame["id"].to_numpy()[rows].tolist(),
        "examples": examples(rows, cases, options.examples),
    }


def _issue(
    episode: Episode, watched: _Watched, cases: Cases, options: ReportOptions
) -> dict[str, str] | None:
    if watched.name(episode.series) != "issue":
        return None
    return issue_of(cases.codes[watched.codes[episode.series]], options)


def _rows(episode: Episode, watched: _Watched, cases: Cases) -> NDArray[np.int64]:
    """Complaints of the series in the weeks of the rise."""
    week = cases.frame["week"].to_numpy(np.int64)
    held = (week >= watched.span[episode.first]) & (week <= watched.span[episode.last])
    kind = watched.name(episode.series)
    if kind == "issue":
        held &= cases.has_issue(watched.codes[episode.series])
    elif kind == "escalation":
        held &= (cases.frame["escalated_to"] != "").to_numpy(dtype=np.bool_)
    return np.flatnonzero(held)


def _house_rule(row: Floats, last: int) -> dict[str, Any] | None:
    """The plain rule of the house: three times as many in three months as in the three before."""
    recent = row[max(last - _HOUSE_WEEKS + 1, 0) : last + 1]
    before = row[max(last - 2 * _HOUSE_WEEKS + 1, 0) : max(last - _HOUSE_WEEKS + 1, 0)]
    gaps = np.isnan(recent).sum() + np.isnan(before).sum()
    if len(before) < _HOUSE_WEEKS or gaps > _MOST_GAPS:
        return None
    now, then = float(np.nansum(recent)), float(np.nansum(before))
    return {
        "recent": int(now),
        "before": int(then),
        "change": now / then - 1 if then else None,
        "over": now >= _HOUSE_RATIO * max(then, 1.0),
    }


def _where(
    episode: Episode, watched: _Watched, cases: Cases, options: ReportOptions
) -> list[dict[str, Any]]:
    """Values that hold surely more of the rise than of its weeks and of the issue before."""
    week = cases.frame["week"].to_numpy(np.int64)
    now = (week >= watched.span[episode.first]) & (week <= watched.span[episode.last])
    issue = cases.has_issue(watched.codes[episode.series])
    before = issue & (week < watched.span[episode.first])
    places = [
        {"attribute": name, **place}
        for name in cases.items
        for place in _places(cases.frame[name], now, issue, before)
        if place["count"] >= options.vigilance.fewest
    ]
    return sorted(places, key=lambda place: float(place["p_value"]))[:_MOST_PLACES]


def _places(
    column: pd.Series[Any],
    now: NDArray[np.bool_],
    issue: NDArray[np.bool_],
    before: NDArray[np.bool_],
) -> list[dict[str, Any]]:
    """Values of one column whose share of the rise neither the weeks nor the past explain."""
    table = pd.DataFrame(
        {
            "count": column[now & issue].value_counts(),
            "usual": column[now].value_counts() / max(now.sum(), 1),
            "earlier": column[before].value_counts() / max(before.sum(), 1),
        }
    ).fillna(0.0)
    table = table[(table.index != "") & (table["count"] > 0)].sort_index()
    whole = int((now & issue).sum())
    share = np.minimum(table[["usual", "earlier"]].max(axis=1), 1.0)
    p_values = np.minimum(stats.binom.sf(table["count"] - 1, whole, share) * len(table), 1.0)
    return [
        {
            "value": str(value),
            "count": int(count),
            "share": count / whole,
            "usual_share": float(usual),
            "p_value": float(p),
        }
        for value, count, usual, p in zip(table.index, table["count"], share, p_values, strict=True)
        if p < _LOCAL_P
    ]


def _summary(
    watched: _Watched,
    cases: Cases,
    period: Period,
    mined: CauseReport | None,
    options: ReportOptions,
) -> dict[str, Any]:
    issues = slice(0, len(watched.codes) + 1)
    judged = ~np.isnan(watched.found.expected)
    silent = np.flatnonzero(np.isnan(watched.total))
    gaps = [[week_label(watched.span[a]), week_label(watched.span[b])] for a, b in runs(silent)]
    return {
        "judged": int(judged.any(axis=0).sum()),
        "series": len(watched.counts),
        "false_alarms_per_26_weeks": false_alarms(
            watched.counts[issues], watched.exposure[issues], options.vigilance
        ),
        "gaps": gaps,
        "vigilance": vars(options.vigilance),
        "house_rule": _house_table(watched, cases, options),
        "escalation": _escalation(cases, options),
        "signatures": {
            "高频": [
                issue_of(cases.codes[code], options)
                for code in range(len(cases.codes))
                if cases.has_issue(code).mean() >= options.frequent_share
            ],
            "一人多诉": _filers(mined, cases, options),
            "多人同诉": _crowds(cases, options),
        },
    }


def runs(numbers: NDArray[np.int64]) -> list[tuple[int, int]]:
    """First and last of each run of neighbouring numbers."""
    if not len(numbers):
        return []
    breaks = np.flatnonzero(np.diff(numbers) > 1)
    firsts, lasts = numbers[[0, *(breaks + 1)]], numbers[[*breaks, len(numbers) - 1]]
    return [(int(first), int(last)) for first, last in zip(firsts, lasts, strict=True)]


def _house_table(watched: _Watched, cases: Cases, options: ReportOptions) -> list[dict[str, Any]]:
    """Issues that the plain rule of the house calls a surge."""
    table = []
    for series, code in enumerate(watched.codes):
        rule = _house_rule(watched.counts[series], len(watched.span) - 1)
        if rule and rule["over"]:
            table.append({**issue_of(cases.codes[code], options), **rule})
    return table


def _escalation(cases: Cases, options: ReportOptions) -> dict[str, Any] | None:
    """The share that became a dispute, a public matter or a lawsuit, and its own threshold."""
    if not cases.known("escalated_to"):
        return None
    kinds = cases.frame["escalated_to"]
    rows = shares(["all"], [int((kinds != "").sum())], len(cases))
    return {
        **rows[0],
        "threshold": options.escalated_share,
        "over": rows[0]["share_interval"][0] > options.escalated_share,
        "by": {str(k): int(n) for k, n in kinds[kinds != ""].value_counts().sort_index().items()},
    }


def _filers(
    mined: CauseReport | None, cases: Cases, options: ReportOptions
) -> list[dict[str, Any]]:
    """一人多诉: people who filed more often than chance explains, without their names."""
    if mined is None:
        return []
    ids = cases.frame["id"].to_numpy()
    return [
        {
            "count": len(filer.complaints),
            "items": [item_of(item, options) for item in filer.commonest],
            "complaints": ids[filer.complaints].tolist(),
        }
        for filer in mined.repeat_filers[:_MOST]
    ]


def _crowds(cases: Cases, options: ReportOptions) -> list[dict[str, Any]]:
    """多人同诉: many people with one attribute in common raise one issue in one week."""
    if not len(cases.issue_rows):
        return []
    tables = [_crowd_table(cases, name) for name in cases.items if cases.known(name)]
    if not tables:
        return []
    table = pd.concat(tables, ignore_index=True)
    table["p"] = stats.poisson.sf(table["people"] - 1, table["expected"])
    table["q"] = benjamini_hochberg(table["p"].to_numpy())
    held = table[(table["q"] <= _CROWD_Q) & (table["people"] >= options.vigilance.fewest)]
    groups = [_crowd(key, part, cases, options) for key, part in held.groupby(_SAME, sort=True)]
    return sorted(groups, key=lambda crowd: -crowd["excess"])[:_MOST]


_SAME = ["attribute", "value", "issue"]


def _crowd_table(cases: Cases, name: str) -> pd.DataFrame:
    """Distinct people by week, value and issue, beside the number that independence gives."""
    frame = cases.frame
    people = frame["customer_id"].where(frame["customer_id"] != "", frame["id"])
    rows = cases.issue_rows
    raised = pd.DataFrame(
        {
            "week": frame["week"].to_numpy()[rows],
            "value": frame[name].to_numpy(object)[rows],
            "issue": cases.issue_codes,
            "who": people.to_numpy(object)[rows],
        }
    )
    raised = raised[raised["value"] != ""].drop_duplicates()
    table = raised.groupby(["week", "value", "issue"]).size().rename("people").reset_index()
    values = frame.groupby(["week", name]).size()
    issues = raised.groupby(["week", "issue"]).size()
    weeks = frame[frame[name] != ""].groupby("week").size()
    at_value = pd.MultiIndex.from_frame(table[["week", "value"]])
    at_issue = pd.MultiIndex.from_frame(table[["week", "issue"]])
    product = values.reindex(at_value).to_numpy() * issues.reindex(at_issue).to_numpy()
    table["expected"] = product / weeks.reindex(table["week"]).to_numpy()
    table["attribute"] = name
    return table


def _crowd(key: Any, part: pd.DataFrame, cases: Cases, options: ReportOptions) -> dict[str, Any]:
    attribute, value, issue = key
    people, expected = int(part["people"].sum()), float(part["expected"].sum())
    return {
        "attribute": attribute,
        "value": str(value),
        "issue": issue_of(cases.codes[int(issue)], options),
        "people": people,
        "expected": expected,
        "excess": people - expected,
        "weeks": [week_label(int(week)) for week in part["week"]],
        "q_value": float(part["q"].min()),
    }
