"""Weekly volumes of the whole, of categories and of issues, with gaps where nothing came in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from api.services.periods import Period, monday_of, week_label
from api.services.report.cases import Cases
from api.services.report.options import ReportOptions
from api.services.report.rankings import issue_of
from mining.trends import poisson_interval, weekly_counts


def trends(cases: Cases, period: Period | None, options: ReportOptions) -> dict[str, Any]:
    """Weekly volumes; empty where the table has no times."""
    if period is None:
        return {"weeks": [], "total": [], "categories": [], "issues": []}
    span = period.weeks
    total = weekly(cases, np.zeros(len(cases), dtype=np.int64), 1, span)[0]
    return {
        "weeks": [_week(week, period) for week in span],
        "total": whole_numbers(total),
        "total_interval": _intervals(total),
        "categories": _by_category(cases, span),
        "issues": _by_issue(cases, span, options),
    }


def weekly(
    cases: Cases, groups: NDArray[np.int64], n_groups: int, span: range
) -> NDArray[np.float64]:
    """Weekly counts of groups of cases, NaN in weeks without a single complaint."""
    return weekly_counts(cases.frame["week"].to_numpy(np.int64), groups, n_groups, span)


def weekly_issues(cases: Cases, span: range) -> NDArray[np.float64]:
    """Weekly counts of every issue, by code."""
    weeks = cases.frame["week"].to_numpy(np.int64)
    mentioned = weekly_counts(weeks[cases.issue_rows], cases.issue_codes, len(cases.codes), span)
    silent = np.isnan(weekly(cases, np.zeros(len(cases), dtype=np.int64), 1, span)[0])
    mentioned = np.nan_to_num(mentioned)
    mentioned[:, silent] = np.nan
    return mentioned


def whole_numbers(row: NDArray[np.float64]) -> list[int | None]:
    """Counts as JSON carries them, null in gaps."""
    return [None if math.isnan(value) else int(value) for value in row]


def _intervals(row: NDArray[np.float64]) -> list[list[float] | None]:
    low, high = poisson_interval(np.nan_to_num(row))
    return [
        None if math.isnan(value) else [float(low[at]), float(high[at])]
        for at, value in enumerate(row)
    ]


def _week(week: int, period: Period) -> dict[str, Any]:
    return {
        "week": week_label(week),
        "from": monday_of(week).isoformat(),
        "whole": period.is_whole(week),
    }


def _by_category(cases: Cases, span: range) -> list[dict[str, Any]]:
    names = cases.frame["category"]
    found = names[names != ""].value_counts()
    order = sorted(found.index, key=lambda name: (-found[name], name))
    groups = pd.Index(order, dtype="str").get_indexer(names).astype(np.int64)
    counts = weekly(cases, groups, len(order), span)
    return [
        {"value": str(name), "counts": whole_numbers(row), "interval": _intervals(row)}
        for name, row in zip(order, counts, strict=True)
    ]


def _by_issue(cases: Cases, span: range, options: ReportOptions) -> list[dict[str, Any]]:
    counts = weekly_issues(cases, span)
    order = np.argsort(-np.nansum(counts, axis=1), kind="stable")
    return [
        {**issue_of(cases.codes[code], options), "counts": whole_numbers(counts[code])}
        for code in order
        if np.nansum(counts[code])
    ]


def weekly_of(rows: NDArray[np.bool_], cases: Cases, span: Sequence[int]) -> list[int | None]:
    """Weekly counts of the marked cases."""
    counts = weekly(cases, np.where(rows, 0, -1), 1, range(span[0], span[-1] + 1))
    return whole_numbers(counts[0])
