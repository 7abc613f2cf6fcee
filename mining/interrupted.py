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
UNKNOWN_SEASON = 0.12
_WAVES = (1, 1, 2, 2)
_TREND_SPREAD = 0.3
_FREE = 1e-6
_STEPS = 50


@dataclass(frozen=True)
class Outlook:
    """Expected counts of all weeks, and how much is known of them.

    Attributes
    ----------
    before, after : ndarray of float64
        Expected counts of the weeks before and after.
    worth : float
        Poisson count that would tell the expected total after as exactly as the fit does.
    fitted : float
        Coefficients of the fit, those that are held near 0 counted in part.
    """

    before: Floats
    after: Floats
    worth: float
    fitted: float


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
    coefficients, spread = _fit(before, base, design, prior)
    then = base_ahead * np.exp(_design(ahead, start, weeks[-1]) @ coefficients)
    slope = then @ _design(ahead, start, weeks[-1]) / then.sum()
    worth = 1 / float(slope @ spread @ slope)
    fitted = prior.size - float(spread.diagonal() @ prior)
    return Outlook(base * np.exp(design @ coefficients), then, worth, fitted)


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


def _fit(counts: Floats, base: Floats, design: Floats, prior: Floats) -> tuple[Floats, Floats]:
    """Coefficients and their covariance, by Newton's steps."""
    value = np.zeros(prior.size)
    value[0] = np.log((counts.sum() + 0.5) / base.sum())
    for _ in range(_STEPS):
        mean = base * np.exp(np.clip(design @ value, -30, 30))
        slope = design.T @ (counts - mean) - prior * value
        curve = (design.T * mean) @ design + np.diag(prior)
        step = np.linalg.solve(curve, slope)
        value = value + np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-8:
            break
    return value, np.asarray(np.linalg.inv(curve), dtype=np.float64)
