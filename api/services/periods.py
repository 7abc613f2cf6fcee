"""Periods and weeks as the report counts them: whole days in China's zone, weeks from Monday."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, timedelta

from domain.errors import SettingRefused

_MONDAY = date(1970, 1, 5).toordinal()
_KINDS = {"month": 1, "quarter": 3, "year": 12}
_MONTHS = tuple(_KINDS.values())
KINDS = ("week", *_KINDS)


def week_of(day: date) -> int:
    """Number of the week that holds a day, counted from the Monday of 5 January 1970."""
    return (day.toordinal() - _MONDAY) // 7


def monday_of(week: int) -> date:
    """First day of a week."""
    return date.fromordinal(_MONDAY + 7 * week)


def week_label(week: int) -> str:
    """ISO 8601 name of a week, 2026-W07."""
    year, number, _ = monday_of(week).isocalendar()
    return f"{year}-W{number:02d}"


@dataclass(frozen=True)
class Period:
    """Days from ``start`` to ``end``, both included."""

    start: date
    end: date

    @property
    def days(self) -> int:
        """How many days."""
        return (self.end - self.start).days + 1

    @property
    def weeks(self) -> range:
        """Every week that has a day in the period."""
        return range(week_of(self.start), week_of(self.end) + 1)

    def is_whole(self, week: int) -> bool:
        """Whether all seven days of a week are in the period."""
        monday = monday_of(week)
        return self.start <= monday and monday + timedelta(days=6) <= self.end

    @property
    def months(self) -> int | None:
        """Length in months when it is a calendar month, quarter or year; else None."""
        for months in _MONTHS:
            starts_well = self.start.day == 1 and (self.start.month - 1) % months == 0
            if starts_well and self.end == _shift(self.start, months) - timedelta(days=1):
                return months
        return None

    def before(self) -> Period:
        """The period just before: the last month, quarter or year, else as many days."""
        if self.months:
            return Period(_shift(self.start, -self.months), self.start - timedelta(days=1))
        length = timedelta(days=self.days)
        return Period(self.start - length, self.end - length)

    def year_before(self) -> Period:
        """The same period last year; 52 weeks earlier when it is no calendar period."""
        if self.months:
            return Period(_shift(self.start, -12), _shift(self.start, self.months - 12) - _DAY)
        return Period(self.start - _YEAR, self.end - _YEAR)


def days_in_week(period: Period, week: int) -> int:
    """How many days of a week lie in a period."""
    monday = monday_of(week)
    first, last = max(monday, period.start), min(monday + timedelta(days=6), period.end)
    return max((last - first).days + 1, 0)


_DAY = timedelta(days=1)
_YEAR = timedelta(weeks=52)


def _shift(first: date, months: int) -> date:
    year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(first.day, last))


def period_with(kind: str, day: date) -> Period:
    """The calendar week, month, quarter or year that holds a day."""
    if kind == "week":
        monday = monday_of(week_of(day))
        return Period(monday, monday + timedelta(days=6))
    if kind not in _KINDS:
        raise SettingRefused(f"period {kind!r} is none of {', '.join(KINDS)}")
    months = _KINDS[kind]
    first = date(day.year, (day.month - 1) // months * months + 1, 1)
    return Period(first, _shift(first, months) - _DAY)


def last_whole(kind: str, today: date) -> Period:
    """The newest week, month, quarter or year that is over."""
    return period_with(kind, period_with(kind, today).start - _DAY)


def period_name(kind: str, period: Period) -> str:
    """What it is called: 2026-W07, 2026-02, 2026-Q1, 2026."""
    start = period.start
    if kind == "week":
        return week_label(week_of(start))
    if kind == "quarter":
        return f"{start.year}-Q{(start.month + 2) // 3}"
    return f"{start.year}" if kind == "year" else f"{start:%Y-%m}"
