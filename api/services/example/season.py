"""When complaints come: weekdays, hours and the two sales seasons of the year."""

from __future__ import annotations

from datetime import date

WEEKDAYS = (1.25, 1.12, 1.05, 1.02, 1.0, 0.82, 0.74)
HOURS = (6, 3, 2, 1, 1, 2, 5, 14, 40, 62, 66, 52, 38, 44, 56, 58, 54, 48, 42, 46, 50, 42, 26, 13)
# Month and day on which a season starts, is at its height, begins to fall, and is over.
_SEASONS = (((5, 25), (6, 14), (6, 22), (6, 30)), ((11, 1), (11, 11), (11, 18), (11, 27)))


def season(day: date) -> float:
    """How far a sales season is on, from 0 to 1; the same every year."""
    return max(_height(day, *(date(day.year, *mark) for mark in marks)) for marks in _SEASONS)


def _height(day: date, start: date, full: date, fall: date, over: date) -> float:
    if day <= start or day >= over:
        return 0.0
    if day < full:
        return (day - start).days / (full - start).days
    return min(1.0, (over - day).days / (over - fall).days)
