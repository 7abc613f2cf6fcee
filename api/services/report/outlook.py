"""What is to be expected: weekly volumes ahead, peaks, hands needed, and past forecast errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from api.services.periods import Period, monday_of, week_label, week_of
from api.services.report.cases import Cases, known_until
from api.services.report.series import weekly
from api.services.report.weekload import week_loads
from mining.forecast import Forecast, backtest, forecast

Floats = NDArray[np.float64]

_AHEAD = 8
_TESTED_AHEAD = 4
_ORIGINS = 26
_FEWEST_WEEKS = 12
_CHANCE = 0.8
_PEAK = 1.15


def outlook(everything: Cases, period: Period | None) -> dict[str, Any] | None:
    """The next eight weeks after the period; None where fewer than twelve weeks are known."""
    if period is None:
        return None
    known = known_until(everything, period)
    if not len(known):
        return None
    span = range(week_of(known.frame["day"].min().date()), week_of(period.end) + 1)
    names, counts = _series(known, span)
    if np.isfinite(counts[-1]).sum() < _FEWEST_WEEKS:
        return None
    ahead = range(span.start, span.stop + _AHEAD)
    loads = week_loads(known, ahead, period.end)
    result = forecast(counts, loads, _AHEAD, _CHANCE)
    weeks = range(span.stop, ahead.stop)
    return {
        "chance": _CHANCE,
        "weeks": [{"week": week_label(w), "from": monday_of(w).isoformat()} for w in weeks],
        "total": _row(result, -1),
        "categories": [{"value": name, **_row(result, at)} for at, name in enumerate(names)],
        "peaks": _peaks(result.mean[-1], counts[-1], weeks),
        "staffing": _staffing(known, result, period),
        "backtest": _tested(counts, loads[: len(span)]),
    }


def _series(cases: Cases, span: range) -> tuple[list[str], Floats]:
    """Weekly counts of every category, the largest first, and of the whole in the last row."""
    column = cases.frame["category"]
    found = column[column != ""].value_counts()
    names = sorted(found.index, key=lambda name: (-found[name], name))
    groups = pd.Index(names, dtype="str").get_indexer(column).astype(np.int64)
    whole = weekly(cases, np.zeros(len(cases), dtype=np.int64), 1, span)
    return names, np.vstack([weekly(cases, groups, len(names), span), whole]) if names else whole


def _row(result: Forecast, at: int) -> dict[str, list[float]]:
    return {
        "mean": result.mean[at].tolist(),
        "low": result.low[at].tolist(),
        "high": result.high[at].tolist(),
    }


def _peaks(mean: Floats, counts: Floats, weeks: range) -> list[dict[str, Any]]:
    """Weeks ahead that stand out from the last three months."""
    usual = float(np.nanmedian(counts[-13:]))
    return [
        {"from": monday_of(week).isoformat(), "expected": float(mean[at]), "usual": usual}
        for at, week in enumerate(weeks)
        if mean[at] >= _PEAK * usual
    ]


def _staffing(cases: Cases, result: Forecast, period: Period) -> dict[str, Any] | None:
    """Hands needed where each does as much a week as was usual of late."""
    frame = cases.frame[cases.frame["handler"] != ""]
    frame = frame[frame["week"] > week_of(period.end) - 13]
    if frame.empty:
        return None
    done = frame.groupby("week").size() / frame.groupby("week")["handler"].nunique()
    each = float(done.median())
    return {
        "per_handler": each,
        "handlers_now": int(frame.groupby("week")["handler"].nunique().median()),
        "needed": [float(np.ceil(value / each)) for value in result.mean[-1]],
        "needed_high": [float(np.ceil(value / each)) for value in result.high[-1]],
    }


def _tested(counts: Floats, loads: Floats) -> dict[str, Any] | None:
    rows = counts[:-1] if len(counts) > 1 else counts
    done = backtest(rows, loads, _TESTED_AHEAD, _ORIGINS, _CHANCE)
    return vars(done) if done else None
