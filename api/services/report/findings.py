"""Root-cause findings as the report shows them: named, dated, with masked examples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from api.services.periods import Period
from api.services.report.cases import Cases
from api.services.report.counts import Compared
from api.services.report.language import Language
from api.services.report.options import ReportOptions
from api.services.report.privacy import shown_text
from api.services.report.rankings import issue_of
from api.services.report.series import weekly_of
from mining.baskets import Item
from mining.causes import CauseReport, find_causes
from mining.findings import Finding
from mining.spelling import spelling_key

Progress = Callable[[str, int, int], None]
_EXAMPLE_LENGTHS = (12, 160)
_MOST_LOOKED_AT = 200


def mine(
    cases: Cases,
    options: ReportOptions,
    previous: Compared | None,
    progress: Progress | None = None,
) -> CauseReport | None:
    """Findings of a period held against the last one; None where there is nothing to mine."""
    if not cases.codes or not len(cases.issue_rows) or not cases.items:
        return None
    earlier = None
    if previous is not None and len(previous.cases.issue_rows):
        earlier = _causes(previous.cases, options, None).findings
    return _causes(cases, options, earlier, progress)


def _causes(
    cases: Cases,
    options: ReportOptions,
    previous: Sequence[Finding] | None,
    progress: Progress | None = None,
) -> CauseReport:
    columns = ["id", "customer_id", "issues", *cases.items]
    table = cases.frame[columns]
    if cases.timed:
        table = table.assign(received_at=cases.frame["received"])
    return find_causes(
        table,
        cases.items,
        demands=options.demands,
        aliases=options.aliases,
        exposure=options.exposure,
        severity=options.severity,
        previous=previous,
        progress=progress,
    )


def findings(
    mined: CauseReport | None,
    cases: Cases,
    period: Period | None,
    options: ReportOptions,
) -> list[dict[str, Any]]:
    """Every finding: causes, issues that come together, judged ones, explained ones."""
    if mined is None:
        return []
    place = {name: at for at, name in enumerate(cases.frame["id"])}
    shown = [_finding(finding, cases, place, period, options) for finding in mined.findings]
    return sorted(shown, key=_rank)


def _rank(finding: dict[str, Any]) -> tuple[bool, bool, bool]:
    """Every format numbers the findings in this order."""
    joint = finding["kind"] == "co-occurrence"
    return bool(finding["confounded_by"]), finding["judgement"] is not None, joint


def _finding(
    finding: Finding,
    cases: Cases,
    place: Mapping[str, int],
    period: Period | None,
    options: ReportOptions,
) -> dict[str, Any]:
    shown = named(finding, options)
    rows = np.array([place[name] for name in finding.complaints], dtype=np.int64)
    marked = np.zeros(len(cases), dtype=np.bool_)
    marked[rows] = True
    shown["complaints"] = list(finding.complaints)
    shown["weekly"] = weekly_of(marked, cases, period.weeks) if period else []
    shown["examples"] = examples(rows, cases, options.examples)
    shown["judgement"] = _judgement(finding, period, options)
    return shown


def _judgement(
    finding: Finding, period: Period | None, options: ReportOptions
) -> dict[str, Any] | None:
    """What was said of a finding, while it still stands."""
    said_of = _key((item.attribute, item.value) for item in finding.antecedents)
    for judgement in options.judgements:
        over = judgement.until and period and period.end > judgement.until
        same = _key(judgement.antecedents) == said_of
        if same and judgement.issue == finding.consequents[0].value and not over:
            until = judgement.until.isoformat() if judgement.until else None
            said = {"verdict": judgement.verdict, "reason": judgement.reason, "by": judgement.by}
            return {**said, "until": until}
    return None


def _key(items: Iterable[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    return frozenset((attribute, spelling_key(value)) for attribute, value in items)


def named(finding: Finding, options: ReportOptions) -> dict[str, Any]:
    """A finding with the names of its issues, its values masked."""
    shown = finding.to_dict()
    for side in ("antecedents", "consequents"):
        shown[side] = [_item(item, options) for item in shown[side]]
    for by in shown["confounded_by"]:
        if by["attribute"] == "issues" and by["value"]:
            by["name"] = issue_of(by["value"], options)["name"]
    return shown


def item_of(item: Item, options: ReportOptions) -> dict[str, str]:
    """One item as the report names it."""
    return _item({"attribute": item.attribute, "value": item.value}, options)


def _item(item: dict[str, str], options: ReportOptions) -> dict[str, str]:
    if item["attribute"] == "issues":
        return {**item, "name": issue_of(item["value"], options)["name"]}
    return {"attribute": item["attribute"], "value": item["value"]}


def examples(rows: NDArray[np.int64], cases: Cases, most: int) -> list[dict[str, Any]]:
    """A few masked complaints from the beginning, the middle and the end, no two alike."""
    looked_at = rows[np.unique(np.linspace(0, len(rows) - 1, _MOST_LOOKED_AT).round().astype(int))]
    texts = dict(zip(looked_at.tolist(), cases.frame["text"].iloc[looked_at], strict=True))
    short, long = _EXAMPLE_LENGTHS
    readable = {row: text for row, text in texts.items() if short <= len(text) <= long}
    first = {text: row for row, text in reversed((readable or texts).items()) if text}
    distinct = list(reversed(first.values()))
    if not distinct or not most:
        return []
    places = np.unique(np.linspace(0, len(distinct) - 1, min(most, len(distinct))).round())
    return [_example(distinct[int(at)], cases) for at in places]


def _example(row: int, cases: Cases) -> dict[str, Any]:
    frame = cases.frame
    received = frame["received"].iloc[row].isoformat() if cases.timed else None
    return {
        "id": frame["id"].iloc[row],
        "received_at": received,
        "text": shown_text(frame["text"].iloc[row]),
    }


def mining_summary(
    mined: CauseReport | None, cases: Cases, options: ReportOptions, language: Language
) -> dict[str, Any]:
    """What was tested, why nothing held where nothing did, and what came nearest."""
    if mined is None:
        missing = "no_issues" if not len(cases.issue_rows) else "no_items"
        return {
            "tests": 0,
            "min_count": None,
            "counted": 0,
            "reason": language.say(f"reason_{missing}"),
            "nearest_misses": [],
            "vanished": [],
            "messages": [],
        }
    nearest = [named(finding, options) for finding in mined.nearest]
    reason = _reason(mined, options, language) if not mined.unconfounded else None
    return {
        "tests": mined.tests,
        "min_count": mined.min_count,
        "counted": mined.counted,
        "reason": reason,
        "nearest_misses": [_without_ids(finding) for finding in nearest],
        "vanished": [_without_ids(named(finding, options)) for finding in mined.vanished],
        "messages": mined.messages,
    }


def _without_ids(finding: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in finding.items() if key != "complaints"}


def _reason(mined: CauseReport, options: ReportOptions, language: Language) -> str:
    if mined.total < mined.min_count:
        return language.say("reason_few", total=mined.total, least=mined.min_count)
    if mined.tests == 0:
        return language.say("reason_untested", least=mined.min_count)
    if mined.findings:
        return language.say("reason_confounded", count=len(mined.findings))
    return language.say(
        "reason_chance", tests=f"{mined.tests:,}", q=options.demands.max_q, least=mined.min_count
    )
