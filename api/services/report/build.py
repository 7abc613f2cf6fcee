"""From a table to a report: gather, count, mine, and write down what it was made from."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import metadata
from typing import Any

import numpy as np
import pandas as pd

from api.services.codes import names_beside
from api.services.periods import Period
from api.services.report.cases import Cases, Desk, extent, gather, period_of
from api.services.report.counts import Compared, counts, earlier_periods
from api.services.report.dissatisfaction import dissatisfaction
from api.services.report.findings import findings, mine, mining_summary
from api.services.report.glance import at_a_glance
from api.services.report.language import Language
from api.services.report.options import ReportOptions
from api.services.report.outlook import outlook
from api.services.report.privacy import published
from api.services.report.profile import profile
from api.services.report.rankings import danger_marks, rankings
from api.services.report.series import trends
from api.services.report.surveillance import surveillance
from api.services.report.words import words
from api.services.tables import Table
from mining.causes import CauseReport

SCHEMA = "suyuan-report/1"
Progress = Callable[[str, int, int], None]
_READING, _COUNTING, _MINING, _WATCHING, _STEPS = 0, 2, 3, 9, 12
_MOST_ERRORS = 200
_MARKED_BY = {"major": "tier", "angry": "sentiment", "escalated": "escalated_to"}
_LIBRARIES = ("numpy", "pandas", "scipy", "scikit-learn", "statsmodels", "rjieba")


@dataclass(frozen=True)
class _Scope:
    """What the report is about: its cases, its period, what it is held against."""

    cases: Cases
    everything: Cases
    period: Period | None
    earlier: list[Compared]

    @property
    def last(self) -> Compared | None:
        """The last period, where the data cover it."""
        return next((other for other in self.earlier if other.name == "last"), None)


def build_content(
    table: Table, options: ReportOptions, desk: Desk | None, progress: Progress | None
) -> dict[str, Any]:
    """Everything that report.json holds."""
    say = progress or _silent
    beside = names_beside(table.frame, options.taxonomy)
    options = replace(options, issue_names={**beside, **options.issue_names})
    say("reading", _READING, _STEPS)
    scope = _scope(table, options, desk)
    language = Language(options.language)
    say("counting", _COUNTING, _STEPS)
    content = _head(table, scope, options, language)
    content |= _counted(scope, options)
    mined = mine(scope.cases, options, scope.last, _within(say, _MINING, _WATCHING))
    content["mining"] = mining_summary(mined, scope.cases, options, language)
    content["findings"] = findings(mined, scope.cases, scope.period, options)
    say("watching", _WATCHING, _STEPS)
    content |= _watched(scope, mined, options)
    content["method"] = {"text": _method(content, language)}
    say("done", _STEPS, _STEPS)
    content = published(content)
    content["at_a_glance"] = at_a_glance(content, language)
    return content


def _within(say: Progress, start: int, end: int) -> Progress:
    """The steps of a part as steps of the whole."""

    def part(step: str, at: int, of: int) -> None:
        say(step, start + (end - start) * at // max(of, 1), _STEPS)

    return part


def _silent(step: str, at: int, of: int) -> None:
    """Nobody asked to hear of progress."""


def _scope(table: Table, options: ReportOptions, desk: Desk | None) -> _Scope:
    everything = gather(table, options, desk)
    period = period_of(everything, options)
    cases = everything.within(period) if period else everything
    return _Scope(cases, everything, period, earlier_periods(everything, period))


def _head(
    table: Table, scope: _Scope, options: ReportOptions, language: Language
) -> dict[str, Any]:
    parameters = _parameters(scope.cases, options)
    return {
        "schema": SCHEMA,
        "language": language.code,
        "title": options.title or language.say("title"),
        "period": _period(scope.period),
        "snapshot": _snapshot(table, scope, parameters),
        "parameters": parameters,
        "versions": _versions(options),
        "at_a_glance": [],
    }


def _period(period: Period | None) -> dict[str, Any] | None:
    if period is None:
        return None
    return {
        "from": period.start.isoformat(),
        "to": period.end.isoformat(),
        "days": period.days,
        "weeks": len(period.weeks),
    }


def _snapshot(table: Table, scope: _Scope, parameters: dict[str, Any]) -> dict[str, Any]:
    everything = scope.everything
    errors = sorted(everything.errors, key=lambda error: (error.row, error.column or ""))
    reach = extent(everything)
    return {
        "name": table.name,
        "digest": table.digest,
        "parameters_digest": _digest(parameters),
        "rows": table.rows_in,
        "used": len(scope.cases),
        "outside_period": len(everything) - len(scope.cases),
        "without_time": everything.without_time,
        "predicted": everything.predicted,
        "first_day": reach.start.isoformat() if reach else None,
        "last_day": reach.end.isoformat() if reach else None,
        "errors_total": len(errors),
        "errors": [
            {"row": error.row, "column": error.column, "reason": error.reason}
            for error in errors[:_MOST_ERRORS]
        ],
    }


def _digest(parameters: dict[str, Any]) -> str:
    written = json.dumps(parameters, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(written.encode()).hexdigest()


def _parameters(cases: Cases, options: ReportOptions) -> dict[str, Any]:
    demands = options.demands
    return {
        "from": options.start.isoformat() if options.start else None,
        "to": options.end.isoformat() if options.end else None,
        "period": options.period,
        "items": list(cases.items),
        "language": options.language,
        "min_support": demands.min_support,
        "min_confidence": demands.min_confidence,
        "min_lift": demands.min_lift,
        "max_q": demands.max_q,
        "max_antecedents": demands.max_antecedents,
        "frequent_share": options.frequent_share,
        "escalated_share": options.escalated_share,
        "vigilance": vars(options.vigilance),
        "small_group": options.small_group,
        "examples": options.examples,
        "only": dict(options.only),
        "judgements": len(options.judgements),
        "severity": dict(options.severity),
        "aliases": {name: dict(known) for name, known in options.aliases.items()},
        "issue_names": dict(options.issue_names),
        "personal": list(options.personal),
        "exposure_digest": _exposure_digest(options.exposure),
    }


def _exposure_digest(exposure: pd.DataFrame | None) -> str | None:
    if exposure is None:
        return None
    return hashlib.sha256(exposure.to_csv(index=False).encode()).hexdigest()


def _versions(options: ReportOptions) -> dict[str, str]:
    libraries = {name: metadata.version(name) for name in _LIBRARIES}
    return {
        "suyuan": _own_version(),
        "taxonomy": options.taxonomy.version,
        "python": platform.python_version(),
        **libraries,
    }


def _own_version() -> str:
    try:
        return metadata.version("suyuan")
    except metadata.PackageNotFoundError:
        return "source"


def _counted(scope: _Scope, options: ReportOptions) -> dict[str, Any]:
    cases = scope.cases
    head = counts(cases, scope.period, scope.earlier)
    head["danger"] = {
        name: int(mark.sum()) if cases.known(_MARKED_BY[name]) else None
        for name, mark in danger_marks(cases).items()
    }
    spent = cases.frame[["compensation", "cost"]].sum(axis=1)
    head["spent"] = float(np.nan_to_num(spent).sum())
    return {
        "counts": head,
        "rankings": rankings(cases, options, scope.earlier),
        "trends": trends(cases, scope.period, options),
        "profile": profile(cases, options.small_group),
    }


def _watched(scope: _Scope, mined: CauseReport | None, options: ReportOptions) -> dict[str, Any]:
    warnings, watched = surveillance(scope.everything, scope.period, mined, options)
    return {
        "warnings": warnings,
        "surveillance": watched,
        "outlook": outlook(scope.everything, scope.period),
        "dissatisfaction": dissatisfaction(scope.cases, options.small_group),
        "words": words(scope.cases, scope.last, options),
        "problems": [dict(problem) for problem in options.problems],
        "public": False,
    }


def _method(content: dict[str, Any], language: Language) -> list[str]:
    snapshot = content["snapshot"]
    rows = language.say(
        "method_rows",
        rows_in=f"{snapshot['rows']:,}",
        used=f"{snapshot['used']:,}",
        outside=f"{snapshot['outside_period']:,}",
        without_time=f"{snapshot['without_time']:,}",
        errors=f"{snapshot['errors_total']:,}",
    )
    labels = language.say("method_labels", predicted=f"{snapshot['predicted']:,}")
    once = [language.say("method_once")] if content["counts"]["customers"] else []
    plain = [
        language.say(key)
        for key in ("method_rules", "method_warnings", "method_intervals", "method_limits")
    ]
    return [rows, plain[0], *once, labels, *plain[1:]]
