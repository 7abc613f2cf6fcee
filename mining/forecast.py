"""Weekly volumes ahead, with intervals, and how wrong the same forecasts were before.

A level times what the calendar says of the week (its working days, and this time of last year
where that is known). The level is a mean of several: smoothed fast or slowly, staying where it is
or returning to the long run, each weighted by how well it would have forecast the weeks before.
Intervals are as wide as the errors of the same number of weeks ahead make them, wider while few
are known, and follow how often the last ones held; both error and coverage are measured by going
back and forecasting again from every one of the last weeks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from domain.errors import SettingRefused

Floats = NDArray[np.float64]

_ALPHAS = np.repeat((0.05, 0.12, 0.25, 0.45, 0.7), 3)
_STAYING = np.tile((1.0, 0.85, 0.65), 5)
_LONG_RUN = 0.04
_JUDGED_AHEAD = 4
_OWN_WEEKS = 20.0
_SHARPNESS = 4.0
_YEAR = 52
_AROUND = 6
_SEASON_PRIOR = 40.0
_START = 6
_DOUBT = 12
_DRIFT = 0.13
_DRIFT_GROWTH = 0.15
_BEFORE_JUDGED = 3
_MOVE = 0.5
_FADING = 0.9
_NARROWEST = 0.55
_FRAGMENT = 0.05
_FRAGMENT_OF = 40.0
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
        Weekly counts; NaN in weeks without data. A week of which under a twentieth of the usual
        is there counts as one without: its data have not come in.
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
        There are too few weeks, the exposures don't reach to the horizon, or a series has no data.

    References
    ----------
    Hyndman and Athanasopoulos (2021). Forecasting: principles and practice, ch. 8.
    Gibbs and Candès (2021). Adaptive conformal inference under distribution shift.

    Examples
    --------
    >>> counts = np.random.default_rng(1).poisson(50, (1, 40)).astype(float)
    >>> ahead = forecast(counts, np.ones(44), 4)
    >>> ahead.mean.round().tolist(), bool((ahead.low < 50).all() and (ahead.high > 50).all())
    ([[48.0, 48.0, 49.0, 49.0]], True)
    """
    _check(counts, exposure, horizon)
    counts = _without_fragments(counts)
    known = counts.shape[1]
    season = np.stack([_season(counts, exposure, week) for week in range(known + horizon)], axis=1)
    scale = np.maximum(exposure[None, :] * season, _TINY)
    levels = _levels(counts, scale[:, :known], max(horizon, _JUDGED_AHEAD))
    came, size = _later(counts, levels.shape[3]), _later(scale[:, :known], levels.shape[3])
    weights = _weights(levels * size, came, counts)
    level = np.einsum("kn,knwh->nwh", weights, levels)
    mean = level[:, known, :horizon] * scale[:, known:]
    return Forecast(mean, *_interval(mean, level * size, came, chance))


def _check(counts: Floats, exposure: Floats, horizon: int) -> None:
    if horizon < 1 or exposure.size != counts.shape[1] + horizon:
        raise SettingRefused(
            f"{counts.shape[1]} weeks and {exposure.size} exposures for a horizon of {horizon}; "
            "give one exposure for each week, known or ahead"
        )
    if counts.shape[1] <= _START:
        raise SettingRefused(f"{counts.shape[1]} weeks; a forecast needs more than {_START}")
    if np.isnan(counts).all(axis=1).any():
        raise SettingRefused("a series without one week of data; leave it out")


def _without_fragments(counts: Floats) -> Floats:
    total = np.nansum(counts, axis=0)
    held = total[total > 0]
    usual = float(np.median(held)) if held.size else 0.0
    fragment = (total < _FRAGMENT * usual) & (usual >= _FRAGMENT_OF)
    whole: Floats = np.where(fragment, np.nan, counts)
    return whole


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


def _levels(counts: Floats, scale: Floats, horizon: int) -> Floats:
    """What each candidate expected after every week; (candidates, series, weeks + 1, horizon).

    A candidate smooths the rate at its own speed and lets the level return to the long run by its
    own share each week ahead (damped or not). NaN before there is a start.
    """
    series, weeks = counts.shape
    returning = _STAYING[:, None, None] ** np.arange(1, horizon + 1)
    levels = np.full((_ALPHAS.size, series, weeks + 1, horizon), np.nan)
    known = ~np.isnan(counts)
    seen, out_of = np.zeros(series), np.zeros(series)
    level = np.zeros((_ALPHAS.size, series))
    for week in range(weeks + 1):
        long_run = seen / np.maximum(out_of, _TINY)
        if week == _START:
            level = np.tile(long_run, (_ALPHAS.size, 1))
        if week >= _START:
            gap = (level - long_run)[:, :, None]
            levels[:, :, week] = np.maximum(long_run[:, None] + returning * gap, 0.0)
        if week < weeks:
            here, now = known[:, week], np.nan_to_num(counts[:, week])
            faded = np.where(here, 1 - _LONG_RUN, 1.0)
            seen, out_of = seen * faded + now, out_of * faded + here * scale[:, week]
            moved = level + _ALPHAS[:, None] * (now / scale[:, week] - level)
            level = np.where(here, moved, level)
    return levels


def _later(rows: Floats, horizon: int) -> Floats:
    """The values of the weeks after every week; (series, weeks + 1, horizon), NaN when to come."""
    padded = np.pad(rows, ((0, 0), (0, horizon)), constant_values=np.nan)
    later: Floats = np.lib.stride_tricks.sliding_window_view(padded, horizon, axis=1).copy()
    return later


def _weights(expected: Floats, came: Floats, counts: Floats) -> Floats:
    """How much each candidate counts in each series: the more, the smaller its past errors.

    A series that is known for few weeks is judged by all series together.
    """
    judged = slice(0, _JUDGED_AHEAD)
    missed = np.abs(came[:, :, judged] - expected[..., judged])
    known = np.maximum((~np.isnan(missed)).sum(axis=(2, 3)), 1)
    loss = np.nansum(missed, axis=(2, 3)) / known
    relative = loss / np.maximum(loss.mean(axis=0), _TINY)
    weeks = known[0] / _JUDGED_AHEAD
    own = weeks / (weeks + _OWN_WEEKS)
    relative = own * relative + (1 - own) * relative.mean(axis=1, keepdims=True)
    behind = relative - relative.min(axis=0)
    weights = np.exp(-_SHARPNESS * np.sqrt(weeks) / 3 * behind)
    share: Floats = weights / weights.sum(axis=0)
    return share


def _interval(mean: Floats, expected: Floats, came: Floats, chance: float) -> tuple[Floats, Floats]:
    """As far from the mean as the past errors of the same number of weeks ahead lie.

    The quantiles are those of the errors and of as many normal ones as stand for the doubt of a
    short history: the scatter of a Poisson count and a drift of the level that grows with time.
    Where the intervals of the last weeks held too often or too seldom, they become narrower or
    wider.
    """
    tail = (1 - chance) / 2
    errors = (came - expected) / np.sqrt(np.maximum(expected, _HALF))
    usual = np.nanmean(came[:, :, 0], axis=1)
    normal = stats.norm.ppf((np.arange(_DOUBT) + _HALF) / _DOUBT)
    low, high = np.empty_like(mean), np.empty_like(mean)
    outside = np.full((*came.shape[:2], _JUDGED_AHEAD), np.nan)
    for ahead in range(mean.shape[1]):
        growth = np.sqrt(1 + _DRIFT**2 * (1 + _DRIFT_GROWTH * ahead) * usual)
        doubt = growth[:, None] * normal
        pooled = np.hstack([errors[:, :, ahead], doubt])
        low[:, ahead], high[:, ahead] = np.nanquantile(pooled, [tail, 1 - tail], axis=1)
        if ahead < _JUDGED_AHEAD:
            outside[:, :, ahead] = _distances(errors[:, :, ahead], doubt, ahead, tail)
    middle, half = (low + high) / 2, (high - low) / 2 * _width(outside, chance)[:, None]
    spread = np.sqrt(np.maximum(mean, _HALF))
    below = np.maximum(mean + (middle - half) * spread, 0.0)
    return np.rint(below), np.rint(mean + (middle + half) * spread)


def _distances(errors: Floats, doubt: Floats, ahead: int, tail: float) -> Floats:
    """Where each error lay in the interval that was known then: 0 its middle, 1 its edge."""
    weeks = errors.shape[1]
    distance = np.full(errors.shape, np.nan)
    judged = np.arange(max(_START + _BEFORE_JUDGED, weeks - _YEAR), weeks - 1 - ahead)
    to_come = np.arange(weeks) + ahead >= judged[:, None]
    before = np.where(to_come, np.nan, errors[:, None, :])
    drawn = np.broadcast_to(doubt[:, None, :], (*before.shape[:2], doubt.shape[1]))
    pooled = np.sort(np.concatenate([before, drawn], axis=2), axis=2)
    known = (~np.isnan(pooled)).sum(axis=2)
    low, high = _quantile(pooled, known, tail), _quantile(pooled, known, 1 - tail)
    distance[:, judged] = np.abs(errors[:, judged] - (low + high) / 2) / ((high - low) / 2)
    return distance


def _quantile(ordered: Floats, known: NDArray[np.int64], share: float) -> Floats:
    """The quantile of the known values, which come first and in order, along the last axis."""
    place = (known - 1) * share
    left = place.astype(np.int64)
    right = np.minimum(left + 1, known - 1)
    low = np.take_along_axis(ordered, left[..., None], axis=2)[..., 0]
    high = np.take_along_axis(ordered, right[..., None], axis=2)[..., 0]
    between: Floats = low + (high - low) * (place - left)
    return between


def _width(outside: Floats, chance: float) -> Floats:
    """By how much to stretch the interval of each series, after what its last ones held.

    Each week the outcomes of the weeks before move the width: up where more fell outside than
    stated, down where fewer did; old ones fade (Gibbs and Candès 2021, on the width's logarithm).
    """
    moved = np.zeros(outside.shape[0])
    aheads = np.arange(outside.shape[2])
    for week in range(outside.shape[1] - 1):
        made = week - aheads
        arrived = outside[:, made[made >= 0], aheads[made >= 0]]
        known = ~np.isnan(arrived)
        missed = (arrived > np.exp(moved)[:, None]) & known
        excess = (missed.sum(axis=1) - (1 - chance) * known.sum(axis=1)) / np.maximum(
            known.sum(axis=1), 1
        )
        moved = _FADING * moved + _MOVE * excess
    width: Floats = np.clip(np.exp(moved), _NARROWEST, 1 / _NARROWEST)
    return width


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
        None where fewer than 4 weeks can be forecast from, or no data came after them.

    Examples
    --------
    >>> counts = np.random.default_rng(1).poisson(50, (3, 60)).astype(float)
    >>> done = backtest(counts, np.ones(60))
    >>> done.error < done.naive_error, 0.7 < done.coverage < 0.95
    (True, True)
    """
    counts = _without_fragments(counts)
    last = counts.shape[1] - horizon
    known = np.cumsum(~np.isnan(counts).all(axis=0))
    first = max(2 * _START, last - origins + 1, int(np.searchsorted(known, _START)) + 1)
    starts = range(first, last + 1)
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
    if np.isnan(seen).all():
        return None
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
