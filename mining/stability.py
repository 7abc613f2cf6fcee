"""When a rule held: in how many weeks of the period, and how bunched."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mining.scene import Codes

_ZONE = "Asia/Shanghai"


@dataclass(frozen=True)
class Stability:
    """A rule over the weeks.

    Attributes
    ----------
    weeks : int
        Weeks in which the antecedent occurred.
    held : float
        Share of these in which the issue was more frequent with the antecedent than without.
    concentration : float
        Largest share of the rule's complaints that fell into one week.
    first, last : str
        Mondays of the first and the last week with such a complaint, ``YYYY-MM-DD``.
    """

    weeks: int
    held: float
    concentration: float
    first: str
    last: str


@dataclass(frozen=True)
class Weeks:
    """The weeks (Monday to Sunday, China time) of a table.

    Attributes
    ----------
    codes : ndarray of int32, shape (n,)
        Week of each complaint from 0; those without a time share a code of their own, the last.
    monday : pandas.Timestamp
        Of week 0.
    """

    codes: Codes
    monday: pd.Timestamp

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """Complaints in each week."""
        return np.bincount(self.codes)

    def date(self, week: int) -> str:
        """Monday of a week, ``YYYY-MM-DD``."""
        return str((self.monday + pd.Timedelta(weeks=int(week))).date())


def weeks_of(times: pd.Series | None) -> Weeks | None:
    """Number the weeks of a table's complaints.

    Parameters
    ----------
    times : pandas.Series, n rows, optional
        Times with zone, or local China times.

    Returns
    -------
    Weeks or None
        None where no time is known.

    Examples
    --------
    >>> weeks = weeks_of(pd.Series(["2026-01-05", "2026-01-14", None]))
    >>> weeks.codes.tolist(), weeks.date(1)
    ([0, 1, 2], '2026-01-12')
    """
    if times is None:
        return None
    read = pd.to_datetime(times, errors="coerce", format="mixed")
    if isinstance(read.dtype, pd.DatetimeTZDtype):
        read = read.dt.tz_convert(_ZONE).dt.tz_localize(None)
    if not pd.api.types.is_datetime64_any_dtype(read) or read.isna().all():
        return None
    first = read.min().normalize()
    monday = first - pd.Timedelta(days=first.day_of_week)
    week = ((read - monday) // pd.Timedelta(weeks=1)).to_numpy(dtype=np.float64, na_value=np.nan)
    unknown = np.isnan(week)
    codes = np.where(unknown, np.nanmax(week) + 1, week).astype(np.int32)
    return Weeks(codes, monday)


def stability(
    weeks: Weeks, rows: NDArray[np.integer], issue: NDArray[np.bool_], holding: NDArray[np.int64]
) -> Stability:
    """Follow a rule through the weeks.

    Parameters
    ----------
    weeks : Weeks
        Of the n complaints.
    rows : ndarray of int
        Complaints that hold the antecedent.
    issue : ndarray of bool, shape (n,)
        Which complaints hold the issue; one of `rows` at least does.
    holding : ndarray of int64, shape (w,)
        Complaints with the issue in each of the w weeks.

    Returns
    -------
    Stability
    """
    with_ = np.bincount(weeks.codes[rows], minlength=holding.size)
    both = np.bincount(weeks.codes[rows[issue[rows]]], minlength=holding.size)
    others, without = holding - both, weeks.sizes - with_
    seen = with_ > 0
    more = both / np.maximum(with_, 1) > others / np.maximum(without, 1)
    filled = np.flatnonzero(both)
    return Stability(
        int(seen.sum()),
        float(more[seen].mean()),
        float(both.max() / both.sum()),
        weeks.date(filled[0]),
        weeks.date(filled[-1]),
    )
