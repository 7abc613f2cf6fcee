"""How many, of what share, and against which earlier period."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from api.services.periods import Period, days_in_week
from api.services.report.cases import Cases, reach
from mining.significance import wilson_interval
from mining.trends import rate_ratio

BY = ("category", "tier", "sentiment", "channel")
_ORDER = {
    "tier": ("重大", "紧急", "普通"),
    "sentiment": ("愤怒", "焦虑", "不满", "中性", "正面"),
}


@dataclass(frozen=True)
class Compared:
    """A period's cases beside those of an earlier period that the data cover."""

    name: str
    period: Period
    cases: Cases


def earlier_periods(everything: Cases, period: Period | None) -> list[Compared]:
    """The last period and the same one last year, as far as the data reach back to their start."""
    if period is None:
        return []
    known = reach(everything)
    found = []
    for name, earlier in (("last", period.before()), ("year", period.year_before())):
        if known.start <= earlier.start:
            found.append(Compared(name, earlier, everything.within(earlier)))
    return found


def counts(cases: Cases, period: Period | None, earlier: Sequence[Compared]) -> dict[str, Any]:
    """The head of the report: volume and shares, each against earlier periods."""
    frame = cases.frame
    head: dict[str, Any] = {"complaints": len(cases)}
    head["customers"] = int(frame["customer_id"][frame["customer_id"] != ""].nunique())
    head["issues"] = len(cases.issue_rows)
    head["without_issue"] = int((cases.main_issue < 0).sum())
    if period:
        covered = days_with_data(cases, period)
        head["per_day"] = len(cases) / max(covered, 1)
        head["days_with_data"] = covered
        head["weeks_without_data"] = len(period.weeks) - cases.frame["week"].nunique()
        head["against"] = {
            other.name: {
                "from": other.period.start.isoformat(),
                "to": other.period.end.isoformat(),
                "complaints": len(other.cases),
                **ratio(
                    len(cases),
                    covered or period.days,
                    len(other.cases),
                    days_with_data(other.cases, other.period) or other.period.days,
                ),
            }
            for other in earlier
        }
    head["by"] = {name: _by(cases, name, earlier) for name in BY if cases.known(name)}
    return head


def days_with_data(cases: Cases, period: Period) -> int:
    """Days of a period in weeks that brought at least one complaint."""
    return sum(days_in_week(period, int(week)) for week in cases.frame["week"].unique())


def ratio(now: int, exposure: float, then: int, exposure_then: float) -> dict[str, Any]:
    """Change of a rate against an earlier one, with its interval."""
    change, low, high = rate_ratio(now, exposure, then, exposure_then)
    return {"ratio": float(change), "ratio_interval": [float(low), float(high)]}


def _by(cases: Cases, name: str, earlier: Sequence[Compared]) -> list[dict[str, Any]]:
    values = _values(cases, name)
    rows = shares(values, [count for _, count in values.items()], len(_known(cases, name)))
    for other in earlier:
        before = _known(other.cases, name).value_counts()
        total = int(before.sum())
        for row in rows:
            row[other.name] = _share_change(row, int(before.get(row["value"], 0)), total)
    return rows


def _known(cases: Cases, name: str) -> pd.Series[Any]:
    column = cases.frame[name]
    return column[column != ""]


def _values(cases: Cases, name: str) -> dict[str, int]:
    found = _known(cases, name).value_counts()
    if name in _ORDER:
        return {value: int(found[value]) for value in _ORDER[name] if value in found}
    pairs = sorted(found.items(), key=lambda pair: (-pair[1], str(pair[0])))
    return {str(value): int(count) for value, count in pairs}


def shares(
    values: Sequence[str] | dict[str, int], found: Sequence[int], total: int
) -> list[dict[str, Any]]:
    """Count, share and its interval of each value."""
    low, high = wilson_interval(np.array(found), max(total, 1))
    return [
        {
            "value": value,
            "count": int(count),
            "share": count / max(total, 1),
            "share_interval": [float(low[at]), float(high[at])],
        }
        for at, (value, count) in enumerate(zip(values, found, strict=True))
    ]


def _share_change(row: dict[str, Any], before: int, total: int) -> dict[str, Any] | None:
    """Share then, and the ratio of the shares with its interval."""
    now = row["count"] / row["share"] if row["share"] else 0.0
    if total == 0 or now == 0:
        return None
    return {"count": before, "share": before / total, **ratio(row["count"], now, before, total)}


def group_counts(codes: NDArray[np.int64], n_groups: int) -> NDArray[np.int64]:
    """How often each code stands, -1 left aside."""
    return np.bincount(codes[codes >= 0], minlength=n_groups)
