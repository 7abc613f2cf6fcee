"""What to expect without a measure, and which counts that rests on: two designs.

Compared
    Each week the group's share of its and the comparison's complaints, as before the measure.
Interrupted
    The group's own level, trend and season, carried on. Without a whole year of past the season
    isn't known; then one of ordinary size is held possible, and the interval is wide enough for it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from mining.interrupted import KNOWN_SEASON, UNKNOWN_SEASON, Outlook, look_ahead
from mining.ratio import LogRatio
from mining.scatter import Scatter, Weeks

Floats = NDArray[np.float64]
Places = NDArray[np.intp]

_HALF = 0.5
_YEAR = 52
_OUTLOOK = 1
_STEPS = 30
_LONGEST_STEP = 2.0


@dataclass(frozen=True)
class Side:
    """Weeks before or after a measure that hold data.

    Attributes
    ----------
    weeks : ndarray of int, shape (n,)
        Their numbers.
    counts, exposure : ndarray of float64, shape (n,)
        Of the group that the measure is for; exposures above 0.
    """

    weeks: Places
    counts: Floats
    exposure: Floats

    @property
    def total(self) -> float:
        """Complaints of all weeks."""
        return float(self.counts.sum())


@dataclass(frozen=True)
class Baseline:
    """A ratio of rates, and the counts it rests on.

    Attributes
    ----------
    design, season : str
        What it is called, and how season was accounted for.
    ratio : float
        Rate after over the rate expected without the measure.
    expected : tuple of ndarray of float64
        Expected counts of the weeks before and after, without the measure.
    windows : tuple of Weeks
        Before and after, to weigh the scatter by.
    counts, signs : ndarray of float64, shape (terms,)
        Counts, 1 where one stands above the line of the ratio and -1 below.
    places : ndarray of int, shape (terms,)
        0 for a count before the measure, 1 after.
    shift : float
        Logarithm of what the product of the counts is short of the ratio.
    outlook : Outlook, optional
        What the second count is the total of, where it was not counted but foreseen.
    """

    design: str
    season: str
    ratio: float
    expected: tuple[Floats, Floats]
    windows: tuple[Weeks, Weeks]
    counts: Floats
    signs: Floats
    places: Places
    shift: float
    outlook: Outlook | None = None

    def distribution(self, scatter: Scatter) -> LogRatio:
        """What the counts leave possible for the logarithm of the ratio."""
        worth = self.worth(scatter.values)
        scales = scatter.values[:, self.places]
        np.divide(self.counts, worth, out=scales, where=worth > 0)
        shifts = self.shift + np.log(scales) @ self.signs
        return LogRatio(worth + _HALF, self.signs, shifts, scatter.weights)

    def worth(self, scatter: Floats) -> Floats:
        """Poisson counts that would say as much, for each variance over mean before and after."""
        worth: Floats = self.counts / scatter[:, self.places]
        if self.outlook is not None:
            worth[:, _OUTLOOK] = self.outlook.worth(scatter[:, 0])
        return worth


def interrupted(before: Side, after: Side, start: int, season: float = KNOWN_SEASON) -> Baseline:
    """With the group's own past: level since `start`, trend and season.

    Parameters
    ----------
    before, after : Side
        Before: all weeks known, those older than the baseline too.
    start : int
        First week of the baseline.

    Returns
    -------
    Baseline

    Examples
    --------
    >>> weeks = np.arange(6)
    >>> before = Side(weeks, np.array([8.0, 12, 9, 11, 10, 10]), np.ones(6))
    >>> after = Side(weeks + 6, np.array([4.0, 6, 5, 5, 6, 4]), np.ones(6))
    >>> round(interrupted(before, after, 0).ratio, 2)
    0.5
    """
    known = before.weeks.size >= _YEAR
    seen = look_ahead(
        before.counts,
        before.exposure,
        before.weeks.astype(np.float64),
        after.weeks.astype(np.float64),
        after.exposure,
        float(start),
        KNOWN_SEASON if known else UNKNOWN_SEASON,
    )
    expected = float(seen.after.sum())
    windows = (
        Weeks(before.counts, seen.before / seen.before.sum(), doubt=seen.doubt),
        Weeks(after.counts, seen.after / expected),
    )
    return Baseline(
        "interrupted time series",
        "last year" if known else "none",
        after.total / expected,
        (seen.before, seen.after),
        windows,
        np.array([after.total, expected]),
        np.array([1.0, -1.0]),
        np.array([1, 0]),
        0.0,
        seen,
    )


@dataclass(frozen=True)
class _Pair:
    """The weeks of one window, of the group and of its comparison."""

    mine: Side
    theirs: Side

    @property
    def totals(self) -> Floats:
        return self.mine.counts + self.theirs.counts

    @property
    def offsets(self) -> Floats:
        return self.mine.exposure / self.theirs.exposure

    @property
    def odds(self) -> float:
        """Rate of the group over that of its comparison, each week by its own exposures.

        The root of: complaints of the group = sum over weeks of total times share.
        """
        mine, theirs = self.mine.total, self.theirs.total
        if mine == 0 or theirs == 0:
            weights = self.totals + _HALF / self.totals.size
            return (
                (mine + _HALF) / (theirs + _HALF) / float(np.average(self.offsets, weights=weights))
            )
        logs = np.log(self.offsets)
        value = np.log(mine / theirs) - np.average(logs, weights=self.totals)
        for _ in range(_STEPS):
            share = expit(logs + value)
            step = (mine - self.totals @ share) / (self.totals @ (share * (1 - share)))
            value += np.clip(step, -_LONGEST_STEP, _LONGEST_STEP)
        return float(np.exp(value))

    def shares(self, odds: float) -> Floats:
        """Of each week's total that the group is expected to have."""
        shares: Floats = odds * self.offsets / (1 + odds * self.offsets)
        return shares

    def rests_on(self, odds: float) -> Floats:
        """Counts of both that tell the odds as exactly as the weeks do."""
        mine, theirs = self.mine.total, self.theirs.total
        if mine > 0 and theirs > 0:
            shares = self.shares(odds)
            known = float(self.totals @ (shares * (1 - shares)))
            theirs = 1 / (1 / known - 1 / mine)
        return np.array([mine, theirs])


def compared(before: tuple[Side, Side], after: tuple[Side, Side]) -> Baseline:
    """With a comparison group: a season or a fall that both see cancels out.

    Given each week's total of both groups, the group's count is binomial; only its share is
    looked at. Differences in differences, on the logarithm.

    Parameters
    ----------
    before, after : tuple of Side
        The group and its comparison in the same weeks.

    Returns
    -------
    Baseline
    """
    then, now = _Pair(*before), _Pair(*after)
    odds, odds_now = then.odds, now.odds
    counts = np.concatenate([now.rests_on(odds_now), then.rests_on(odds)])
    signs = np.array([1.0, -1.0, -1.0, 1.0])
    ratio = odds_now / odds
    return Baseline(
        "difference in differences",
        "comparison",
        ratio if now.mine.total > 0 else 0.0,
        (_expected(then, odds), _expected(now, odds)),
        (
            Weeks(then.mine.counts, then.shares(odds), then.totals),
            Weeks(now.mine.counts, now.shares(odds_now), now.totals),
        ),
        counts,
        signs,
        np.array([1, 1, 0, 0]),
        float(np.log(ratio) - np.log(np.maximum(counts, _HALF)) @ signs),
    )


def _expected(pair: _Pair, odds: float) -> Floats:
    """Counts of the group if its rate stood to the comparison's as before, smoothed a little."""
    usual = pair.theirs.counts / pair.theirs.exposure
    smooth = np.convolve(np.pad(usual, 1, mode="edge"), np.full(3, 1 / 3), mode="valid")
    expected: Floats = odds * pair.mine.exposure * smooth * (usual.sum() / max(smooth.sum(), 1e-9))
    return expected
