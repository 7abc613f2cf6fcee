"""How volumes change: rates compared with intervals, weeks counted with their gaps."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from domain.errors import SettingRefused
from mining.significance import wilson_interval

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def rate_ratio(
    count: ArrayLike, exposure: float, before: ArrayLike, exposure_before: float
) -> tuple[Floats, Floats, Floats]:
    """Ratio of two Poisson rates with its 95 % interval.

    Given both counts together, the later one is binomial; Wilson's interval of that share,
    turned into odds, is the interval of the ratio (Przyborowski and Wilenski's conditioning).

    Parameters
    ----------
    count, before : array_like of int, broadcastable
        Events now and before.
    exposure, exposure_before : float
        What each was counted over (days, complaints), above 0.

    Returns
    -------
    ratio, low, high : ndarray of float64
        NaN where nothing happened at either time; infinite where nothing happened before.

    Raises
    ------
    SettingRefused
        An exposure is not above 0.

    References
    ----------
    Przyborowski, J. and Wilenski, H. (1940). Homogeneity of results in testing samples from
    Poisson series.

    Examples
    --------
    >>> ratio, low, high = rate_ratio([30], 7, [10], 7)
    >>> ratio.round(2), low.round(2), high.round(2)
    (array([3.]), array([1.49]), array([6.05]))
    """
    if exposure <= 0 or exposure_before <= 0:
        raise SettingRefused(
            f"exposures are {exposure} and {exposure_before}; both must be above 0"
        )
    now, then = np.broadcast_arrays(np.asarray(count, float), np.asarray(before, float))
    low, high = wilson_interval(now, now + then)
    scale = exposure_before / exposure
    return _ratio(now, then) * scale, _odds(low) * scale, _odds(high) * scale


def _ratio(now: Floats, then: Floats) -> Floats:
    endless = np.where(now > 0, np.inf, np.nan)
    return np.divide(now, then, out=endless, where=then > 0)


def _odds(share: Floats) -> Floats:
    endless = np.full_like(share, np.inf)
    return np.divide(share, 1 - share, out=endless, where=share < 1)


def poisson_interval(count: ArrayLike) -> tuple[Floats, Floats]:
    """Exact 95 % interval of a Poisson mean from one count (Garwood 1936).

    Parameters
    ----------
    count : array_like of int

    Returns
    -------
    low, high : ndarray of float64

    Examples
    --------
    >>> low, high = poisson_interval([10])
    >>> low.round(2), high.round(2)
    (array([4.8]), array([18.39]))
    """
    from scipy import special

    k = np.asarray(count, dtype=np.float64)
    low = np.where(k > 0, special.gammaincinv(np.maximum(k, 1), 0.025), 0.0).astype(np.float64)
    return low, np.asarray(special.gammaincinv(k + 1, 0.975), dtype=np.float64)


def weekly_counts(weeks: Ints, groups: Ints, n_groups: int, span: range) -> Floats:
    """Count events by group and week; a week in which nothing at all was received is a gap.

    Parameters
    ----------
    weeks : ndarray of int64, shape (n,)
        Week of each event.
    groups : ndarray of int64, shape (n,)
        Group of each event, -1 for none: it counts for the gaps only.
    n_groups : int
    span : range
        Weeks to count, one apart.

    Returns
    -------
    ndarray of float64, shape (n_groups, len(span))
        NaN in gaps.

    Examples
    --------
    >>> weekly_counts(np.array([5, 5, 7]), np.array([0, 1, 0]), 2, range(5, 8))
    array([[ 1., nan,  1.],
           [ 1., nan,  0.]])
    """
    place = np.asarray(weeks, dtype=np.int64) - span.start
    inside = (place >= 0) & (place < len(span))
    any_event = np.bincount(place[inside], minlength=len(span)) > 0
    grouped = inside & (groups >= 0)
    flat = groups[grouped] * len(span) + place[grouped]
    counts = np.bincount(flat, minlength=n_groups * len(span)).astype(np.float64)
    counts = counts.reshape(n_groups, len(span))
    counts[:, ~any_event] = np.nan
    return counts
