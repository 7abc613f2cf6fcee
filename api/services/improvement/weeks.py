"""Weekly counts around a measure, gathered from cases: here, elsewhere, and out of how many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from api.services.improvement.patterns import Pattern, Place

Floats = NDArray[np.float64]
_WEEK = timedelta(days=7)
_MOST_WEEKS = 520
EXPOSED = ("product", "batch", "region", "outlet")


@dataclass(frozen=True)
class Case:
    """One complaint of an issue: its day in China, where it lies, and whose it is."""

    day: date
    values: Mapping[str, Any]
    customer: str | None = None


@dataclass(frozen=True)
class Units:
    """What was sold or served in the seven days from a day on, at one place."""

    start: date
    values: Mapping[str, str]
    units: float


@dataclass(frozen=True)
class History:
    """All cases of an issue, and the first and last day that the data cover whole."""

    cases: Sequence[Case]
    first: date
    last: date
    units: Sequence[Units] = ()


@dataclass(frozen=True)
class Weekly:
    """Counts by week; weeks start on the weekday of the measure, so that none is mixed."""

    start: date
    done_week: int
    counts: Floats
    elsewhere: Floats
    exposure: Floats | None = None
    exposure_elsewhere: Floats | None = None

    def days(self) -> list[str]:
        """The first day of each week."""
        return [(self.start + at * _WEEK).isoformat() for at in range(self.counts.size)]

    def since(self, day: date) -> slice:
        """The whole weeks from a day on."""
        return slice(max(0, -((self.start - day).days // 7)), self.counts.size)


@dataclass(frozen=True)
class Carried:
    """A measure that was carried out: where, when, and how long it takes to show."""

    id: str
    issue: str
    places: Sequence[Place]
    done_on: date
    lag_weeks: int = 0

    @property
    def pattern(self) -> Pattern:
        """Where it applies."""
        return Pattern.of(self.places)


@dataclass(frozen=True)
class Range:
    """Between which days to count, and which other places to leave out of the comparison."""

    first: date
    last: date
    left_out: Sequence[Pattern] = field(default=())


def weekly(history: History, pattern: Pattern, done_on: date, span: Range) -> Weekly:
    """Count a history by week; one customer counts once a week on each side."""
    first = max(span.first, history.first, done_on - _MOST_WEEKS * _WEEK)
    done_week = max((done_on - first).days // 7, 0)
    start = done_on - done_week * _WEEK
    weeks = max(((span.last - start).days + 1) // 7, done_week)
    counts, elsewhere = np.zeros(weeks), np.zeros(weeks)
    seen: set[tuple[int, bool, str]] = set()
    for case in history.cases:
        at = (case.day - start).days // 7
        inside = pattern.holds(case.values)
        if not 0 <= at < weeks or (not inside and _is_left_out(case.values, span)):
            continue
        if case.customer is not None:
            if (at, inside, case.customer) in seen:
                continue
            seen.add((at, inside, case.customer))
        (counts if inside else elsewhere)[at] += 1
    exposed = _exposure(history, pattern, start, weeks, span)
    return Weekly(start, done_week, counts, elsewhere, *exposed)


def _is_left_out(values: Mapping[str, Any], span: Range) -> bool:
    return any(other.holds(values) for other in span.left_out)


def _exposure(
    history: History, pattern: Pattern, start: date, weeks: int, span: Range
) -> tuple[Floats | None, Floats | None]:
    """Units here and elsewhere; None where some week has none, for then no rate can be had."""
    if not history.units or not set(pattern.places) <= set(EXPOSED):
        return None, None
    here, there = np.zeros(weeks), np.zeros(weeks)
    for sold in history.units:
        inside = pattern.holds(sold.values)
        if inside or not _is_left_out(sold.values, span):
            _spread(here if inside else there, (sold.start - start).days, sold.units)
    if not np.all(here > 0):
        return None, None
    return here, there if np.all(there > 0) else None


def _spread(weeks: Floats, day: int, units: float) -> None:
    """Share seven days' units between the two weeks that they lie in."""
    at, over = divmod(day, 7)
    if 0 <= at < weeks.size:
        weeks[at] += units * (7 - over) / 7
    if over and 0 <= at + 1 < weeks.size:
        weeks[at + 1] += units * over / 7
