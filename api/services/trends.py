"""Weekly volumes of what is stored, and the weeks to come."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any

from api.services.access import Caller
from api.services.office import Office
from api.services.periods import monday_of, week_label, week_of
from api.services.queries import day_of
from api.store import trends as store
from domain.calendar import CHINA, china_day

CHANCE = 0.8
_AHEAD = 8
_FEWEST_WEEKS = 12


@dataclass(frozen=True)
class Asked:
    """Which volumes: by what, how many weeks up to which day, of which department."""

    by: str = "category"
    weeks: int = 53
    to: str | None = None
    department: str | None = None


async def trends(office: Office, caller: Caller, asked: Asked) -> dict[str, Any]:
    """Weekly counts with their groups, gaps as null, and a forecast of the whole."""
    last = day_of(asked.to, "to") or china_day(office.clock())
    span = range(week_of(last) - asked.weeks + 1, week_of(last) + 1)
    start = _midnight(monday_of(span.start))
    end = _midnight(last + timedelta(days=1))
    within = caller.departments_in(asked.department)
    work = partial(store.weekly, by=asked.by, departments=within, start=start, end=end)
    counted = await office.read(work)
    shown = _shown(counted, span, last, asked.by)
    shown["forecast"] = await asyncio.to_thread(_forecast, shown, span)
    return shown


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), CHINA)


def _shown(
    counted: Sequence[tuple[int, str | None, int]], span: range, last: date, by: str
) -> dict[str, Any]:
    groups: Mapping[str, dict[int, int]] = defaultdict(dict)
    total: dict[int, int] = defaultdict(int)
    for week, group, count in counted:
        groups[group or ""][week] = count
        total[week] += count
    order = sorted(groups, key=lambda name: (-sum(groups[name].values()), name))
    held = [week for week in span if total.get(week)]
    return {
        "by": by,
        "weeks": [_week(week, last) for week in span],
        "total": [total.get(week) for week in span],
        "groups": [
            {
                "value": name or None,
                "counts": [groups[name].get(w, 0) if w in total else None for w in span],
            }
            for name in order
        ],
        "gaps": sum(1 for week in span if held and held[0] < week < held[-1] and week not in total),
    }


def _week(week: int, last: date) -> dict[str, Any]:
    monday = monday_of(week)
    whole = monday + timedelta(days=6) <= last
    return {"week": week_label(week), "from": monday.isoformat(), "whole": whole}


def _forecast(shown: Mapping[str, Any], span: range) -> dict[str, Any] | None:
    """The next weeks of the whole; None where too little is known."""
    whole = [at for at, week in enumerate(shown["weeks"]) if week["whole"]]
    counts = [shown["total"][at] for at in whole]
    first = next((at for at, count in enumerate(counts) if count is not None), len(counts))
    known = counts[first:]
    if sum(count is not None for count in known) < _FEWEST_WEEKS:
        return None
    import numpy as np

    from mining.forecast import forecast

    row = np.array([[np.nan if count is None else count for count in known]], dtype=np.float64)
    ahead = forecast(row, np.ones(len(known) + _AHEAD), _AHEAD, CHANCE)
    following = span.start + whole[-1] + 1
    return {
        "chance": CHANCE,
        "weeks": [week_label(following + at) for at in range(_AHEAD)],
        "mean": [round(value, 1) for value in ahead.mean[0].tolist()],
        "low": [int(value) for value in ahead.low[0]],
        "high": [int(value) for value in ahead.high[0]],
    }
