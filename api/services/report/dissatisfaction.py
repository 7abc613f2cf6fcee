"""不满意原因: why customers stay dissatisfied after the answer, by category, team and handling."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from api.services.report.cases import Cases
from mining.significance import wilson_interval
from mining.trends import rate_ratio

_DISSATISFIED = 2.0
_GROUPS = ("category", "team")
_MOST = 12


def dissatisfaction(cases: Cases, small_group: int) -> dict[str, Any] | None:
    """Shares of rated answers that left the customer dissatisfied; None where none is rated."""
    rating = cases.frame["answer_satisfaction"].fillna(cases.frame["satisfaction"]).to_numpy(float)
    rated = ~np.isnan(rating)
    if rated.sum() < small_group:
        return None
    left = rated & (rating <= _DISSATISFIED)
    return {
        **_share(int(left.sum()), int(rated.sum())),
        "by": {
            name: _by(cases.frame[name], rated, left, small_group)
            for name in _GROUPS
            if cases.known(name)
        },
        "reasons": _reasons(cases, rated, left, small_group),
    }


def _share(count: int, of: int) -> dict[str, Any]:
    low, high = wilson_interval(count, of)
    return {
        "dissatisfied": count,
        "rated": of,
        "share": count / of,
        "share_interval": [float(low), float(high)],
    }


def _by(
    column: pd.Series[Any], rated: NDArray[np.bool_], left: NDArray[np.bool_], small_group: int
) -> list[dict[str, Any]]:
    rows = [
        {"value": str(value), **_share(int(left[held].sum()), int(rated[held].sum()))}
        for value in sorted(set(column) - {""})
        for held in [(column == value).to_numpy(dtype=np.bool_)]
        if rated[held].sum() >= small_group
    ]
    return sorted(rows, key=lambda row: -row["share_interval"][0])[:_MOST]


def _reasons(
    cases: Cases, rated: NDArray[np.bool_], left: NDArray[np.bool_], small_group: int
) -> list[dict[str, Any]]:
    """How much more often customers stay dissatisfied where something went wrong in handling."""
    reasons = []
    for name, present, absent in _marks(cases):
        here, there = rated & present, rated & absent
        if here.sum() < small_group or there.sum() < small_group:
            continue
        count, other = int((left & here).sum()), int((left & there).sum())
        ratio, low, high = rate_ratio(count, float(here.sum()), other, float(there.sum()))
        reasons.append(
            {
                "reason": name,
                **_share(count, int(here.sum())),
                "share_without": other / int(there.sum()),
                "ratio": float(ratio),
                "ratio_interval": [float(low), float(high)],
            }
        )
    return sorted(reasons, key=lambda reason: -reason["ratio_interval"][0])


def _marks(cases: Cases) -> list[tuple[str, NDArray[np.bool_], NDArray[np.bool_]]]:
    frame = cases.frame
    marks = []
    for name, bad in (("reopened", 1.0), ("returned", 1.0), ("substantiated", 0.0)):
        column = frame[name].to_numpy(float)
        marks.append((name, column == bad, ~np.isnan(column) & (column != bad)))
    paid = frame["compensation"].fillna(0.0).to_numpy(float) > 0
    if paid.any():
        marks.append(("no_compensation", ~paid, paid))
    if "answer_hours" in frame.columns and frame["answer_hours"].notna().any():
        hours = frame["answer_hours"].to_numpy(float)
        slow = float(np.nanquantile(hours, 0.75))
        marks.append(("slow_answer", hours > slow, hours <= slow))
    return marks
