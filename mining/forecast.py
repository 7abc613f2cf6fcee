"""Weekly volumes ahead, with intervals, and how wrong the same forecasts were before.

A level by exponential smoothing, times what the calendar says of the week (its working days, and
this time of last year where that is known). Intervals are as wide as the one-step errors of
the past make them; both error and coverage are measured by going back and forecasting again from
every one of the last weeks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from domain.errors import SettingRefused

Floats = NDArray[np.float64]

_ALPHAS = (0.03, 0.06, 0.1, 0.15, 0.22, 0.32, 0.45, 0.6)
_YEAR = 52
_AROUND = 6
_SEASON_PRIOR = 40.0
_START = 6
_DOUBT = 12
_DOUBT_SPREAD = 1.3
_HALF = 0.5
_TINY = 1e-6


@dataclass(frozen=True)
class Forecast:
    """Counts to expect.

    Attributes
    ----------
    mean, low, high : ndarray of float64, shape (n, horizon)
        Expected counts and the interval they fall into with the stated chance.
    """

    mean: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class Backtest:
    """What the same forecasts did in weeks that are known by now.

    Attributes
    ----------
    error, naive_error : float
        Sum of absolute errors over the sum of counts: of the forecasts, and of the seasonal
        naive one (the same week last year; the last known week where there is no last year).
    coverage : float
        Share of counts inside their interval.
    origins : int
        Weeks that were forecast from.
    horizon : int
        Weeks ahead.
    """

    error: float
    naive_error: float
    coverage: float
    origins: int
    horizon: int


def forecast(counts: Floats, exposure: Floats, horizon: int, chance: float = 0.8) -> Forecast:
    """Forecast every series some weeks ahead.

    Parameters
    ----------
    counts : ndarray of float64, shape (n, weeks)
        Weekly counts; NaN in weeks without data.
    exposure : ndarray of float64, shape (weeks + horizon,)
        How much of a usual week each week is, by its days; known ahead from the calendar.
    horizon : int
        Weeks ahead, at least 1.
    chance : float, default 0.8
        With which a count falls into its interval.

    Returns
    -------
    Forecast

    Raises
    ------
    SettingRefused
        There are too few weeks, or the exposures don't reach to the horizon.

    References
    ----------
    Hyndman and Athanasopoulos (2021). Forecasting: principles and practice, ch. 8.

    Examples
    --------
    >>> counts = np.random.default_rng(1).poisson(50, (1, 40)).astype(float)
    >>> ahead = forecast(counts, np.ones(44), 4)
    >>> ahead.mean.round().tolist(), bool((ahead.low < 50).all() and (ahead.high > 50).all())
    ([[51.0, 51.0, 51.0, 51.0]], True)
    """
    _check(counts, exposure, horizon)
    known = counts.shape[1]
    season = np.stack([_season(counts, exposure, week) for week in range(known + horizon)], axis=1)
    scale = np.maximum(exposure[None, :] * season, _TINY)
    level, errors, alpha = _smoothed(counts, scale[:, :known])
    mean = level[:, None] * scale[:, known:]
    return Forecast(mean, *_interval(mean, errors, alpha, chance))


def _check(counts: Floats, exposure: Floats, horizon: int) -> None:
    if horizon < 1 or exposure.size != counts.shape[1] + horizon:
        raise SettingRefused(
            f"{counts.shape[1]} weeks and {exposure.size} exposures for a horizon of {horizon}; "
            "give one exposure for each week, known or ahead"
        )
    if counts.shape[1] <= _START:
        raise SettingRefused(f"{counts.shape[1]} weeks; a forecast needs more than {_START}")


def _season(counts: Floats, exposure: Floats, week: int) -> Floats:
    """How this time of last year stood to the months around it, drawn towards 1."""
    then = week - _YEAR
    last = counts.shape[1]
    near = slice(max(then - 1, 0), min(then + 2, last))
    wide = slice(max(then - _AROUND, 0), min(then + _AROUND + 1, last))
    if then < 0 or wide.stop - wide.start < _AROUND:
        return np.ones(counts.shape[0])
    seen, out_of = _sums(counts, exposure, near)
    usual, base = _sums(counts, exposure, wide)
    expected = usual / np.maximum(base, _TINY) * out_of
    factor: Floats = (seen + _SEASON_PRIOR) / (expected + _SEASON_PRIOR)
    return factor


def _sums(counts: Floats, exposure: Floats, weeks: slice) -> tuple[Floats, Floats]:
    part = counts[:, weeks]
    held = ~np.isnan(part)
    return np.nansum(part, axis=1), (held * exposure[weeks]).sum(axis=1)


def _smoothed(counts: Floats, scale: Floats) -> tuple[Floats, Floats, Floats]:
    """Last level, the standardised one-step errors, and the smoothing that did best."""
    alphas = np.array(_ALPHAS)[:, None]
    first = counts[:, :_START]
    held = ~np.isnan(first)
    start = np.nansum(first, axis=1) / np.maximum((held * scale[:, :_START]).sum(axis=1), _TINY)
    level = np.tile(start, (alphas.size, 1))
    errors = np.full((alphas.size, *counts.shape), np.nan)
    for week in range(counts.shape[1]):
        now, size = counts[:, week], scale[:, week]
        mean = np.maximum(level * size, _TINY)
        if week >= _START:
            errors[:, :, week] = (now - mean) / np.sqrt(np.maximum(mean, _HALF))
        level = np.where(np.isnan(now), level, level + alphas * (now / size - level))
    best = np.nansum(np.abs(errors), axis=2).argmin(axis=0)
    columns = np.arange(counts.shape[0])
    return np.maximum(level[best, columns], 0.0), errors[best, columns], alphas[best, 0]


def _interval(mean: Floats, errors: Floats, alpha: Floats, chance: float) -> tuple[Floats, Floats]:
    """As far from the mean as the past errors lie, farther with every week ahead.

    The quantiles are those of the errors and of as many Poisson ones as stand for the doubt of a
    short history.
    """
    tail = (1 - chance) / 2
    spread = np.sqrt(np.maximum(mean, _HALF) * (1 + np.arange(mean.shape[1]) * alpha[:, None] ** 2))
    normal = _DOUBT_SPREAD * stats.norm.ppf((np.arange(_DOUBT) + _HALF) / _DOUBT)
    pooled = np.hstack([errors, np.tile(normal, (errors.shape[0], 1))])
    low, high = np.nanquantile(pooled, [tail, 1 - tail], axis=1)
    below = np.maximum(mean + low[:, None] * spread, 0.0)
    return np.floor(below), np.ceil(mean + high[:, None] * spread)


def backtest(
    counts: Floats,
    exposure: Floats,
    horizon: int = 4,
    origins: int = 13,
    chance: float = 0.8,
) -> Backtest | None:
    """Forecast again from each of the last weeks, and compare with what came.

    Parameters
    ----------
    counts : ndarray of float64, shape (n, weeks)
    exposure : ndarray of float64, shape (weeks,)
    horizon : int, default 4
    origins : int, default 13
        At most so many weeks are forecast from.
    chance : float, default 0.8

    Returns
    -------
    Backtest or None
        None where fewer than 4 weeks can be forecast from.

    Examples
    --------
    >>> counts = np.random.default_rng(1).poisson(50, (3, 60)).astype(float)
    >>> done = backtest(counts, np.ones(60))
    >>> done.error < done.naive_error, 0.7 < done.coverage < 0.95
    (True, True)
    """
    last = counts.shape[1] - horizon
    starts = range(max(2 * _START, last - origins + 1), last + 1)
    if len(starts) < 4:
        return None
    missed, naive, inside, seen = [], [], [], []
    for start in starts:
        ahead = forecast(counts[:, :start], exposure[: start + horizon], horizon, chance)
        came = counts[:, start : start + horizon]
        missed.append(np.abs(came - ahead.mean))
        naive.append(np.abs(came - _naive(counts, start, horizon)))
        inside.append(np.where(np.isnan(came), np.nan, (came >= ahead.low) & (came <= ahead.high)))
        seen.append(came)
    total = max(float(np.nansum(seen)), _TINY)
    return Backtest(
        float(np.nansum(missed)) / total,
        float(np.nansum(naive)) / total,
        float(np.nanmean(inside)),
        len(starts),
        horizon,
    )


def _naive(counts: Floats, start: int, horizon: int) -> Floats:
    """The same week last year; where there is none, the last known week."""
    last = np.full(counts.shape[0], np.nan)
    for week in range(start):
        last = np.where(np.isnan(counts[:, week]), last, counts[:, week])
    usual = np.repeat(last[:, None], horizon, axis=1)
    if start < _YEAR:
        return usual
    earlier = counts[:, start - _YEAR : start - _YEAR + horizon]
    return np.where(np.isnan(earlier), usual, earlier)
