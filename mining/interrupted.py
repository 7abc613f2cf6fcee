"""What to expect without the measure from the group's own past: level, trend and season.

Poisson regression of the weeks before, with a step where the baseline begins: older weeks tell
the season and the trend, the baseline alone tells the level. Season and trend are drawn towards
none, so a few complaints don't make a season.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

YEAR = 52.1775
KNOWN_SEASON = 0.5
UNKNOWN_SEASON = 0.17
_WAVES = (1, 1, 2, 2)
_TREND_SPREAD = 0.3
_FREE = 1e-6
_STEPS = 50
_LONGEST = 5.0
_ROUNDS = 3
_CLOSE = 1e-7


@dataclass(frozen=True)
class Outlook:
    """Expected counts of all weeks, and how much is known of them.

    Attributes
    ----------
    before, after : ndarray of float64
        Expected counts of the weeks before and after.
    information, prior : ndarray of float64, shape (k, k) and (k,)
        On the coefficients: of Poisson counts, and from before they were seen.
    slope : ndarray of float64, shape (k,)
        Of the logarithm of the expected total after.
    """

    before: Floats
    after: Floats
    information: Floats
    prior: Floats
    slope: Floats

    def worth(self, scatter: Floats) -> Floats:
        """Poisson count that would tell the total after as exactly, by variance over mean."""
        slopes = np.broadcast_to(self.slope[:, None], (scatter.size, self.slope.size, 1))
        spread: Floats = np.linalg.solve(self._precision(scatter), slopes)[:, :, 0] @ self.slope
        return 1 / spread

    def doubt(self, scatter: Floats) -> Floats:
        """Logarithm of the coefficients' volume, by variance over mean."""
        volume: Floats = -np.linalg.slogdet(self._precision(scatter))[1] / 2
        return volume

    def _precision(self, scatter: Floats) -> Floats:
        precision: Floats = self.information / scatter[:, None, None] + np.diag(self.prior)
        return precision


def look_ahead(
    before: Floats,
    base: Floats,
    weeks: Floats,
    ahead: Floats,
    base_ahead: Floats,
    start: float,
    season: float = KNOWN_SEASON,
) -> Outlook:
    """Fit the weeks before a measure and carry the fit on.

    Parameters
    ----------
    before, base, weeks : ndarray of float64, shape (n,)
        Counts, exposures and numbers of the weeks before.
    ahead, base_ahead : ndarray of float64, shape (m,)
        Numbers and exposures of the weeks after.
    start : float
        First week of the baseline.
    season : float, default 0.5
        How large a season is held possible: standard deviation of a year's wave, on the logarithm.

    Returns
    -------
    Outlook

    References
    ----------
    Bernal, Cummins and Gasparrini (2017). Interrupted time series regression for the evaluation
    of public health interventions.

    Examples
    --------
    >>> weeks = np.arange(120.0)
    >>> counts = np.round(50 + 20 * np.sin(2 * np.pi * weeks / YEAR))
    >>> seen = look_ahead(counts, np.ones(120), weeks, np.arange(120.0, 126), np.ones(6), 94)
    >>> seen.after.round()
    array([69., 68., 67., 66., 64., 63.])
    """
    design = _design(weeks, start, weeks[-1])
    prior = _prior(season)
    mean = base * (before.sum() / base.sum())
    for _ in range(_ROUNDS):
        coefficients = _fit(before, base, design, prior * _scatter(before, mean))
        mean = base * np.exp(design @ coefficients)
    ahead_design = _design(ahead, start, weeks[-1])
    then = base_ahead * np.exp(ahead_design @ coefficients)
    information = (design.T * mean) @ design
    return Outlook(mean, then, information, prior, then @ ahead_design / then.sum())


def _scatter(counts: Floats, mean: Floats) -> float:
    """Pearson's variance over mean, at least 1: scattered counts weigh less against the prior."""
    squares = (counts - mean) ** 2 / np.maximum(mean, _CLOSE)
    return max(1.0, float(squares.sum()) / max(counts.size - 1, 1))


def _design(weeks: Floats, start: float, last: float) -> Floats:
    """Level, older level, trend by year, and two waves a year."""
    turn = 2 * np.pi * weeks / YEAR
    waves = [wave(turn * times) for times in (1, 2) for wave in (np.sin, np.cos)]
    older = (weeks < start).astype(np.float64)
    return np.column_stack([np.ones(weeks.size), older, (weeks - last) / YEAR, *waves])


def _prior(season: float) -> Floats:
    """Precision of each coefficient before anything is seen."""
    waves = [times**2 / season**2 for times in _WAVES]
    return np.array([_FREE, _FREE, 1 / _TREND_SPREAD**2, *waves])


def _fit(counts: Floats, base: Floats, design: Floats, prior: Floats) -> Floats:
    """Coefficients, by Newton's steps, each halved until it leads upwards."""
    value = np.zeros(prior.size)
    value[0] = np.log((counts.sum() + 0.5) / base.sum())
    for _ in range(_STEPS):
        mean = base * np.exp(design @ value)
        slope = design.T @ (counts - mean) - prior * value
        curve = (design.T * mean) @ design + np.diag(prior)
        step: Floats = np.asarray(np.linalg.solve(curve, slope), dtype=np.float64)
        step *= min(1.0, _LONGEST / np.abs(step).max(initial=_CLOSE))
        while np.abs(step).max() > _CLOSE and not _leads_up(
            value, step, counts, mean, design, prior
        ):
            step /= 2
        value = value + step
        if np.abs(step).max() <= _CLOSE:
            break
    return value


def _leads_up(
    value: Floats, step: Floats, counts: Floats, mean: Floats, design: Floats, prior: Floats
) -> bool:
    """Whether the penalised likelihood grows, told by its change."""
    moved = design @ step
    gain = counts @ moved - mean @ np.expm1(moved) - prior @ (step * (value + step / 2))
    return bool(gain >= 0)
