"""Weekly counts around a measure, gathered from cases: here, elsewhere, and out of how many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from api.services.improvement.patterns import Pattern, Place, key_of

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]
_WEEK = timedelta(days=7)
_MOST_WEEKS = 520
_USUAL_OTHERS = 10
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


class Places:
    """Rows by the values of their attributes, so that a pattern finds its rows at once."""

    def __init__(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self._rows = rows
        self._found: dict[str, dict[str, Rows]] = {}

    def inside(self, pattern: Pattern) -> Rows:
        """The numbers of the rows that lie in a pattern, in order."""
        found = np.arange(len(self._rows))
        for name, wanted in pattern.places.items():
            known = self._values(name)
            held = [known[value] for value in wanted if value in known]
            rows = np.concatenate(held) if held else np.array([], dtype=np.intp)
            found = np.intersect1d(found, rows, assume_unique=True)
        return found

    def _values(self, name: str) -> dict[str, Rows]:
        """The rows of each value of an attribute, by its key; looked up once."""
        if name not in self._found:
            by_value: dict[str, list[int]] = {}
            for at, values in enumerate(self._rows):
                if isinstance(value := values.get(name), str):
                    by_value.setdefault(key_of(value), []).append(at)
            self._found[name] = {key: np.array(rows) for key, rows in by_value.items()}
        return self._found[name]


@dataclass(frozen=True)
class History:
    """All cases of an issue, and the first and last day that the data cover whole.

    ``daily`` counts the complaints of any issue by day: weeks in which all are missing are no
    weeks without complaints.
    """

    cases: Sequence[Case]
    first: date
    last: date
    units: Sequence[Units] = ()
    daily: Mapping[date, int] = field(default_factory=dict)

    @cached_property
    def places(self) -> Places:
        """The cases by where they lie."""
        return Places([case.values for case in self.cases])

    @cached_property
    def unit_places(self) -> Places:
        """The units by where they lie."""
        return Places([sold.values for sold in self.units])

    @cached_property
    def sold(self) -> tuple[Rows, Floats]:
        """The first day of each piece of exposure, and its units."""
        starts = np.array([each.start.toordinal() for each in self.units], dtype=np.intp)
        return starts, np.array([each.units for each in self.units], dtype=np.float64)

    @cached_property
    def days(self) -> Rows:
        """The day of each case."""
        return np.array([case.day.toordinal() for case in self.cases], dtype=np.intp)

    @cached_property
    def customers(self) -> Rows:
        """The number of each case's customer; who is not named is a customer of his own."""
        numbers: dict[str, int] = {}
        named = (case.customer for case in self.cases)
        return np.array(
            [
                numbers.setdefault(f"no {at}" if who is None else f"is {who}", len(numbers))
                for at, who in enumerate(named)
            ],
            dtype=np.intp,
        )


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
    at = (history.days - start.toordinal()) // 7
    here, there = _sides(history.places, len(history.cases), pattern, span)
    counts, elsewhere = (
        _by_week(at[side], history.customers[side], weeks) for side in (here, there)
    )
    missing = _missing(history, at[here], start, weeks)
    counts[missing] = elsewhere[missing] = np.nan
    exposed = _exposure(history, pattern, start, weeks, span)
    return Weekly(start, done_week, counts, elsewhere, *exposed)


def _sides(places: Places, rows: int, pattern: Pattern, span: Range) -> tuple[Rows, Rows]:
    """The rows here, and those elsewhere that no other measure covers."""
    here = places.inside(pattern)
    free = np.ones(rows, dtype=np.bool_)
    free[here] = False
    for other in span.left_out:
        free[places.inside(other)] = False
    return here, np.flatnonzero(free)


def _by_week(at: Rows, customers: Rows, weeks: int) -> Floats:
    within = (at >= 0) & (at < weeks)
    pairs = np.unique(np.stack([at[within], customers[within]]), axis=1)
    return np.bincount(pairs[0], minlength=weeks).astype(np.float64)


def _missing(history: History, here: Rows, start: date, weeks: int) -> NDArray[np.bool_]:
    """Weeks in which no complaint of anything came in, where many of other things usually do."""
    totals = np.zeros(weeks)
    for day, count in history.daily.items():
        at = (day - start).days // 7
        if 0 <= at < weeks:
            totals[at] += count
    others = totals - np.bincount(here[(here >= 0) & (here < weeks)], minlength=weeks)
    if not np.any(others > 0) or np.median(others[others > 0]) < _USUAL_OTHERS:
        return np.zeros(weeks, dtype=np.bool_)
    return np.equal(totals, 0)


def _exposure(
    history: History, pattern: Pattern, start: date, weeks: int, span: Range
) -> tuple[Floats | None, Floats | None]:
    """Units here and elsewhere; None where some week has none, for then no rate can be had."""
    if not history.units or not set(pattern.places) <= set(EXPOSED):
        return None, None
    sides = _sides(history.unit_places, len(history.units), pattern, span)
    starts, units = history.sold
    days = starts - start.toordinal()
    here, there = (_spread(days[side], units[side], weeks) for side in sides)
    if not np.all(here > 0):
        return None, None
    return here, there if np.all(there > 0) else None


def _spread(days: Rows, units: Floats, weeks: int) -> Floats:
    """Units by week; seven days' units are shared between the two weeks that they lie in."""
    at, over = np.divmod(days, 7)
    out = np.zeros(weeks)
    for place, part in ((at, units * (7 - over) / 7), (at + 1, units * over / 7)):
        within = (place >= 0) & (place < weeks)
        np.add.at(out, place[within], part[within])
    return out
