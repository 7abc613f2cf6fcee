"""How much of a usual week each week is: its weekdays, its holidays, its made-up working days."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from api.services.periods import monday_of, week_of
from api.services.report.cases import Cases
from domain.calendar import china_calendar

_OFF, _WORKED = 7, 8
_PRIOR_DAYS = 2.0
_LEAST = 0.05


def week_loads(cases: Cases, span: range, last: date) -> NDArray[np.float64]:
    """Days of each week, weighed as such days usually are; a whole usual week weighs 7.

    Weights come from the days that the data cover, up to ``last``; weeks after it count whole.
    """
    first = cases.frame["day"].min().date()
    known = pd.date_range(first, last, freq="D")
    by_day = cases.frame["day"].value_counts().reindex(known, fill_value=0)
    received: NDArray[np.float64] = np.array(by_day, dtype=np.float64)
    weights = _weights(np.array([_kind(day.date()) for day in known]), known, received)
    end = monday_of(span[-1]) + timedelta(days=6)
    days = [day.date() for day in pd.date_range(first, end, freq="D")]
    days = [day for day in days if day <= last or week_of(day) > week_of(last)]
    places = np.array([week_of(day) - span.start for day in days])
    load = np.array([weights[_kind(day), day.weekday()] for day in days])
    inside = (places >= 0) & (places < len(span))
    return np.maximum(np.bincount(places[inside], load[inside], len(span)), _LEAST)


def _kind(day: date) -> int:
    """Weekday, or a weekday off, or a weekend day that is worked."""
    working = china_calendar().is_working(day)
    if working == (day.weekday() < 5):
        return day.weekday()
    return _WORKED if working else _OFF


def _weights(
    kinds: NDArray[np.int64], days: pd.DatetimeIndex, received: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Weight of each kind of day on each weekday; rare kinds are drawn towards the weekday's."""
    weekdays = np.asarray(days.day_of_week, dtype=np.int64)
    ordinary = kinds < _OFF
    count = np.bincount(weekdays[ordinary], minlength=7)
    usual = np.bincount(weekdays[ordinary], received[ordinary], 7) / np.maximum(count, 1)
    usual = np.where(count > 0, usual, usual.mean())
    usual = np.maximum(usual / max(usual.mean(), 1e-9), _LEAST)
    average = max(float(received.mean()), 1e-9)
    weights = np.tile(usual, (_WORKED + 1, 1))
    for kind in (_OFF, _WORKED):
        held = kinds == kind
        expected = usual[weekdays[held]].sum() * average
        prior = _PRIOR_DAYS * average
        weights[kind] *= (received[held].sum() + prior) / (expected + prior)
    return weights
