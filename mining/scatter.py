"""How much more weekly counts vary than chance alone would make them: variance over mean.

A few weeks can't tell it exactly, and whatever is put in its place makes intervals too narrow or
too wide. So it is not estimated but weighed: every value on a grid gets the likelihood of the
counts given their totals, times a prior that prefers little scatter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, gammaln

Floats = NDArray[np.float64]

_AT_LEAST_TO = 60.0
_COARSE = 0.24
_PRIOR_SLOPE = 1.0
_NEGLIGIBLE = 3e-4
_TINY = 1e-6


@dataclass(frozen=True)
class Scatter:
    """Possible values of variance over mean in each window, and their weights.

    Attributes
    ----------
    values : ndarray of float64, shape (n, windows)
        At least 1, where counts are Poisson.
    weights : ndarray of float64, shape (n,)
        They sum to 1.
    """

    values: Floats
    weights: Floats

    @property
    def mean(self) -> float:
        """Weighted mean over values and windows."""
        return float(self.weights @ self.values.mean(axis=1))


@dataclass(frozen=True)
class Weeks:
    """The weeks of one window.

    Attributes
    ----------
    counts, shares : ndarray of float64, shape (weeks,)
        Counts, and the share of the window's total that each week is expected to have. With a
        comparison: the share of the week's complaints that the group is expected to have.
    totals : ndarray of float64, shape (weeks,), optional
        Complaints of group and comparison together.
    doubt : callable, optional
        Logarithm of the volume of what was fitted, by variance over mean; if not given, that of
        one coefficient.
    """

    counts: Floats
    shares: Floats
    totals: Floats | None = None
    doubt: Callable[[Floats], Floats] | None = None

    @property
    def information(self) -> float:
        """Of an average week, on the logarithm of the rate."""
        if self.totals is None:
            return float(self.counts.mean())
        return float((self.totals * self.shares * (1 - self.shares)).mean())

    def log_likelihood(self, scatter: Floats) -> Floats:
        """Of the counts given their totals, for each value of variance over mean.

        Negative binomial weeks given their sum are Dirichlet multinomial, and pairs given the sum
        of each are beta binomial. What else was fitted is accounted for by Cox and Reid's term.
        """
        size = self._size / np.maximum(scatter - 1, _TINY)
        mine, one = size[:, None] * self.shares, np.log(scatter) / 2
        volume = one if self.doubt is None else self.doubt(scatter)
        if self.totals is None:
            return _multinomial(self.counts, mine, size) + volume - one
        theirs, rest = size[:, None] * (1 - self.shares), self.totals - self.counts
        weeks = betaln(self.counts + mine, rest + theirs) - betaln(mine, theirs)
        likelihood: Floats = weeks.sum(axis=1) + volume
        return likelihood

    @property
    def _size(self) -> float:
        counted = self.counts.sum() if self.totals is None else self.totals.mean()
        return max(float(counted), _TINY)


def _multinomial(counts: Floats, parts: Floats, size: Floats) -> Floats:
    weeks = gammaln(counts + parts) - gammaln(parts)
    total = counts.sum()
    likelihood: Floats = weeks.sum(axis=1) - gammaln(total + size) + gammaln(size)
    return likelihood


def weigh_scatter(windows: Sequence[Weeks]) -> Scatter:
    """Weigh which scatter the weeks of all windows speak for.

    Two kinds are on the grid with equal weight: variance over mean the same in every window, and
    growing with the size of the counts (gamma-distributed weeks).

    Parameters
    ----------
    windows : sequence of Weeks

    Returns
    -------
    Scatter

    References
    ----------
    Cox and Reid (1987). Parameter orthogonality and approximate conditional inference.

    Examples
    --------
    >>> calm = Weeks(np.array([9.0, 11, 10, 10, 9, 11]), np.full(6, 1 / 6))
    >>> wild = Weeks(np.array([2.0, 25, 3, 1, 22, 7]), np.full(6, 1 / 6))
    >>> weigh_scatter([calm]).mean < 1.5, weigh_scatter([wild]).mean > 4
    (True, True)
    """
    sizes = np.array([max(window.information, _TINY) for window in windows])
    n_weeks = np.array([window.counts.size for window in windows])
    usual = float(sizes @ n_weeks / n_weeks.sum())
    counted = sum(float(window.counts.sum()) for window in windows)
    grid = _grid(max(_AT_LEAST_TO, counted), int(n_weeks.sum()))
    values = np.vstack(
        [1 + (grid[:, None] - 1) * form for form in (np.ones(len(windows)), sizes / usual)]
    )
    logs = np.tile(-_PRIOR_SLOPE * np.log(grid), 2)
    for place, window in enumerate(windows):
        logs += window.log_likelihood(values[:, place])
    weights = np.exp(logs - logs.max())
    held = weights > _NEGLIGIBLE
    return Scatter(values[held], weights[held] / weights[held].sum())


def _grid(most: float, weeks: int) -> Floats:
    """From 1 up in equal steps of the logarithm, as fine as so many weeks can tell apart."""
    step = min(_COARSE, 1 / np.sqrt(weeks))
    return np.exp(np.arange(0.0, np.log(most) + step, step))
