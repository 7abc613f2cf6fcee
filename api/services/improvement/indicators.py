"""How well problems are worked on: what the formulas need, gathered from the register."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from api.services.improvement.states import DROPPED, SUGGESTED
from api.store import problems
from domain.calendar import china_day
from mining.improvement import EFFECTIVE, MeasureRecord, improvement_indicators

RETURNED = "returned:"
_DAYS = 91


def indicators_of(
    connection: Connection,
    departments: Sequence[str] | None,
    measures: Sequence[Any],
    effects: Mapping[str, Any],
    today: date,
) -> dict[str, Any]:
    """Rates over all agreed measures; what they prevented, over the last 13 weeks of data."""
    last, before, after = problems.received(connection, departments, _DAYS)
    since = None if last is None else china_day(last) - timedelta(days=_DAYS)
    agreed = [each for each in measures if each.state not in (SUGGESTED, DROPPED)]
    names = [each.id for each in agreed]
    proven = problems.first_proofs(connection, names, EFFECTIVE)
    back = problems.noted(connection, [each.problem for each in agreed], RETURNED)
    records = [
        _record(each, effects.get(each.id), proven.get(each.id), back.get(each.problem), since)
        for each in agreed
    ]
    found = improvement_indicators(records, today, complaints_before=before, complaints_after=after)
    return {**asdict(found), "complaints_before": before, "complaints_after": after}


def _record(
    measure: Any, effect: Any, proven: date | None, back: datetime | None, since: date | None
) -> MeasureRecord:
    expected, seen = (None, None) if effect is None else _recent(effect.figures, since)
    returned = None if back is None else china_day(back)
    return MeasureRecord(
        due=measure.due_on,
        done_on=measure.done_on,
        judged_on=proven,
        verdict=None if effect is None else effect.verdict,
        expected=expected,
        seen=seen,
        returned=bool(returned and measure.done_on and returned > measure.done_on),
    )


def _recent(figures: Mapping[str, Any], since: date | None) -> tuple[float, float]:
    """Expected and seen in the weeks after the measure that begin on a day or later."""
    first = figures["done_week"] + figures["lag_weeks"]
    weeks = [
        (expected, seen)
        for day, expected, seen in zip(
            figures["weeks"][first:],
            figures["expected"][first:],
            figures["counts"][first:],
            strict=True,
        )
        if None not in (expected, seen) and (since is None or day >= since.isoformat())
    ]
    return sum(expected for expected, _ in weeks), sum(seen for _, seen in weeks)
