"""How sure a rule is: exact p-values, corrections for many tests, intervals, measures.

Everything here takes arrays of the four counts of a two-by-two table (complaints with both
sides, with the antecedent, with the consequent, and all) and works on whole arrays at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

from domain.errors import SettingRefused

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_HALF_LOG_TWO_PI = 0.5 * math.log(2.0 * math.pi)
_NEGLIGIBLE = 1e-18
Z95 = 1.959963984540054


@numba.njit(cache=True)
def _stirling_error(n: float) -> float:
    """log(n!) minus Stirling's formula, good to 1e-16 (Loader 2000)."""
    if n == 0.0:
        return 0.0
    if n < 16.0:
        return math.lgamma(n + 1.0) - (n + 0.5) * math.log(n) + n - 0.918938533204672741780329736406
    square = n * n
    tail = 1 / 1260.0 - (1 / 1680.0 - 1 / 1188.0 / square) / square
    return (1 / 12.0 - (1 / 360.0 - tail / square) / square) / n


@numba.njit(cache=True)
def _deviance(x: float, mean: float) -> float:
    """x log(x / mean) + mean - x without cancellation (Loader's bd0)."""
    if x == 0.0:
        return mean
    gap = x - mean
    if abs(gap) >= 0.1 * (x + mean):
        return x * math.log(x / mean) - gap
    v = gap / (x + mean)
    total = gap * v
    term = 2.0 * x * v
    for j in range(1, 1000):
        term *= v * v
        grown = total + term / (2 * j + 1)
        if grown == total:
            break
        total = grown
    return total


@numba.njit(cache=True)
def _log_binomial(k: float, n: float, p: float, q: float) -> float:
    """Log of the binomial probability of k in n (Loader's saddle point)."""
    if k == 0.0:
        return -_deviance(n, n * q) - n * p if p < 0.1 else n * math.log(q)
    if k == n:
        return -_deviance(n, n * p) - n * q if q < 0.1 else n * math.log(p)
    errors = _stirling_error(n) - _stirling_error(k) - _stirling_error(n - k)
    gaps = _deviance(k, n * p) + _deviance(n - k, n * q)
    return errors - gaps - 0.9189385332046727 + 0.5 * math.log(n / (k * (n - k)))


@numba.njit(cache=True)
def log_hypergeometric(k: int, total: int, marked: int, drawn: int) -> float:
    """Log of the chance of exactly ``k`` marked ones among ``drawn`` out of ``total``."""
    if drawn == 0 or drawn == total:
        return 0.0
    p = drawn / total
    q = (total - drawn) / total
    return (
        _log_binomial(float(k), float(marked), p, q)
        + _log_binomial(float(drawn - k), float(total - marked), p, q)
        - _log_binomial(float(drawn), float(total), p, q)
    )


@numba.njit(cache=True)
def _tail_above(k: int, total: int, marked: int, drawn: int) -> float:
    """Sum of the probabilities of k, k + 1, ... as a multiple of the first."""
    rest = total - marked - drawn
    term, tail = 1.0, 1.0
    for j in range(k, min(marked, drawn)):
        term *= (marked - j) / (j + 1.0) * ((drawn - j) / (rest + j + 1.0))
        tail += term
        if term < _NEGLIGIBLE * tail:
            break
    return tail


@numba.njit(cache=True)
def _tail_below(k: int, total: int, marked: int, drawn: int) -> float:
    """Sum of the probabilities of k, k - 1, ... as a multiple of the first."""
    rest = total - marked - drawn
    term, tail = 1.0, 1.0
    for j in range(k, max(0, -rest), -1):
        term *= j / (marked - j + 1.0) * ((rest + j) / (drawn - j + 1.0))
        tail += term
        if term < _NEGLIGIBLE * tail:
            break
    return tail


@numba.njit(cache=True)
def upper_tail(k: int, total: int, marked: int, drawn: int) -> float:
    """Chance of at least ``k`` marked ones among ``drawn`` out of ``total``."""
    lowest = max(0, marked + drawn - total)
    if k <= lowest:
        return 1.0
    if k > min(marked, drawn):
        return 0.0
    if k * total > marked * drawn:
        first = log_hypergeometric(k, total, marked, drawn)
        return min(1.0, math.exp(first) * _tail_above(k, total, marked, drawn))
    first = log_hypergeometric(k - 1, total, marked, drawn)
    return max(0.0, 1.0 - math.exp(first) * _tail_below(k - 1, total, marked, drawn))


@numba.njit(cache=True)
def _upper_tails(both: Ints, antecedent: Ints, consequent: Ints, total: Ints) -> Floats:
    out = np.empty(both.size)
    for i in range(both.size):
        out[i] = upper_tail(both[i], total[i], consequent[i], antecedent[i])
    return out


def fisher_p_values(
    both: ArrayLike, antecedent: ArrayLike, consequent: ArrayLike, total: ArrayLike
) -> Floats:
    """One-sided Fisher's exact test of every rule at once.

    The first probability comes from Loader's saddle-point form of the hypergeometric density,
    the rest of the tail from the ratio of neighbouring probabilities.

    Parameters
    ----------
    both, antecedent, consequent, total : array_like of int, broadcastable
        Complaints with both sides, with the antecedent, with the consequent, and all.

    Returns
    -------
    ndarray of float64
        Chance of at least ``both`` under independence with these margins.

    Raises
    ------
    SettingRefused
        A table has a negative cell.

    References
    ----------
    Loader, C. (2000). Fast and accurate computation of binomial probabilities.

    Examples
    --------
    >>> fisher_p_values([3], [4], [4], [8]).round(6)
    array([0.242857])
    """
    tables = _tables(both, antecedent, consequent, total)
    flat = [np.ascontiguousarray(part).ravel() for part in tables]
    return _upper_tails(*flat).reshape(tables[0].shape)


def _tables(
    both: ArrayLike, antecedent: ArrayLike, consequent: ArrayLike, total: ArrayLike
) -> tuple[Ints, Ints, Ints, Ints]:
    a, x, y, n = np.broadcast_arrays(
        *(np.asarray(part, dtype=np.int64) for part in (both, antecedent, consequent, total))
    )
    wrong = (a < 0) | (a > x) | (a > y) | (x + y - a > n)
    if wrong.any():
        first = tuple(int(part[wrong][0]) for part in (a, x, y, n))
        raise SettingRefused(
            f"counts {first} (both, antecedent, consequent, all) make no two-by-two table; "
            "both is at most either side, and the sides together at most all"
        )
    return a, x, y, n


def _tests(p_values: Floats, tests: int | None) -> int:
    tests = p_values.size if tests is None else tests
    if tests < p_values.size:
        raise SettingRefused(
            f"tests={tests} is fewer than the {p_values.size} p-values given; "
            "count everything that was tested"
        )
    return tests


def benjamini_hochberg(
    p_values: ArrayLike, tests: int | None = None, weights: ArrayLike | None = None
) -> Floats:
    """False discovery rates (q-values) of Benjamini and Hochberg.

    Parameters
    ----------
    p_values : array_like of float, shape (k,)
        P-values of the rules kept.
    tests : int, optional
        How many were tested in all, ``tests >= k``; those not given count as p = 1.
    weights : array_like of float, shape (k,), optional
        How much of the attention each test gets, settled before the data are seen and 1 on
        average over all tests (Genovese, Roeder and Wasserman 2006).

    Returns
    -------
    ndarray of float64, shape (k,)

    Examples
    --------
    >>> benjamini_hochberg([0.01, 0.02, 0.5], tests=4).round(4)
    array([0.04  , 0.04  , 0.6667])
    """
    p = np.asarray(p_values, dtype=np.float64)
    p = p if weights is None else p / np.asarray(weights, dtype=np.float64)
    order = np.argsort(p)
    steps = p[order] * (_tests(p, tests) / np.arange(1, p.size + 1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.minimum.accumulate(steps[::-1])[::-1], 1.0)
    return adjusted


def bonferroni_holm(
    p_values: ArrayLike, tests: int | None = None, weights: ArrayLike | None = None
) -> Floats:
    """Family-wise error rates of Holm's step-down method.

    Parameters
    ----------
    p_values : array_like of float, shape (k,)
        P-values of the rules kept.
    tests : int, optional
        How many were tested in all, ``tests >= k``; those not given count as p = 1.
    weights : array_like of float, shape (k,), optional
        As for `benjamini_hochberg`.

    Returns
    -------
    ndarray of float64, shape (k,)

    Examples
    --------
    >>> bonferroni_holm([0.01, 0.02, 0.5], tests=4).round(4)
    array([0.04, 0.06, 1.  ])
    """
    p = np.asarray(p_values, dtype=np.float64)
    shares = np.ones_like(p) if weights is None else np.asarray(weights, dtype=np.float64)
    order = np.argsort(p / shares)
    taken = np.cumsum(shares[order]) - shares[order]
    steps = (p / shares)[order] * (_tests(p, tests) - taken)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def wilson_interval(successes: ArrayLike, trials: ArrayLike) -> tuple[Floats, Floats]:
    """Wilson's 95 % score interval of a share.

    Parameters
    ----------
    successes, trials : array_like of int, broadcastable
        ``trials`` of 0 gives the interval [0, 1].

    Returns
    -------
    low, high : ndarray of float64

    Examples
    --------
    >>> low, high = wilson_interval([8], [10])
    >>> low.round(3), high.round(3)
    (array([0.49]), array([0.943]))
    """
    k, n = np.broadcast_arrays(
        np.asarray(successes, dtype=np.float64), np.asarray(trials, dtype=np.float64)
    )
    square = Z95 * Z95
    centre = (k + square / 2) / (n + square)
    spread = np.divide(k * (n - k), n, out=np.zeros_like(n), where=n > 0)
    half = Z95 / (n + square) * np.sqrt(spread + square / 4)
    return np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)


@dataclass(frozen=True)
class Measures:
    """Every measure of a rule, one array entry per rule.

    Attributes
    ----------
    support, confidence, lift, leverage, conviction, zhang : ndarray of float64
        As the literature defines them; conviction is infinite at confidence 1.
    confidence_low, confidence_high : ndarray of float64
        Wilson's 95 % interval.
    odds_ratio, odds_ratio_low, odds_ratio_high : ndarray of float64
        With Woolf's 95 % interval; half a complaint is added to each cell where one is empty
        (Haldane and Anscombe), so that both stay finite.
    excess, excess_low : ndarray of float64
        Complaints in excess of independence and the lower end of their 95 % interval.
    """

    support: Floats
    confidence: Floats
    confidence_low: Floats
    confidence_high: Floats
    lift: Floats
    leverage: Floats
    conviction: Floats
    zhang: Floats
    odds_ratio: Floats
    odds_ratio_low: Floats
    odds_ratio_high: Floats
    excess: Floats
    excess_low: Floats


def rule_measures(
    both: ArrayLike, antecedent: ArrayLike, consequent: ArrayLike, total: ArrayLike
) -> Measures:
    """Measures of every rule from its four counts.

    Parameters
    ----------
    both, antecedent, consequent, total : array_like of int, shape (k,)
        Complaints with both sides, with the antecedent, with the consequent, and all;
        the sides hold at least one complaint.

    Returns
    -------
    Measures

    Raises
    ------
    SettingRefused
        A table has a negative cell.

    Examples
    --------
    >>> measures = rule_measures([3], [4], [5], [10])
    >>> measures.confidence, measures.lift
    (array([0.75]), array([1.5]))
    """
    tables = _tables(both, antecedent, consequent, total)
    a, x, y, n = (part.astype(np.float64) for part in tables)
    confidence, share = a / x, y / n
    low, high = wilson_interval(a, x)
    ratio, ratio_low, ratio_high = _odds_ratio(a, x, y, n)
    excess, excess_low = _excess(a, x, y, n)
    return Measures(
        a / n,
        confidence,
        low,
        high,
        confidence / share,
        a / n - x / n * share,
        _conviction(confidence, share),
        _zhang(a / n, x / n, share),
        ratio,
        ratio_low,
        ratio_high,
        excess,
        excess_low,
    )


def _conviction(confidence: Floats, share: Floats) -> Floats:
    endless = np.full_like(confidence, np.inf)
    return np.divide(1 - share, 1 - confidence, out=endless, where=confidence < 1)


def _zhang(support: Floats, antecedent: Floats, consequent: Floats) -> Floats:
    scale = np.maximum(support * (1 - antecedent), antecedent * (consequent - support))
    leverage = support - antecedent * consequent
    return np.divide(leverage, scale, out=np.zeros_like(scale), where=scale != 0)


def _odds_ratio(a: Floats, x: Floats, y: Floats, n: Floats) -> tuple[Floats, Floats, Floats]:
    cells = np.stack([a, x - a, y - a, n - x - y + a])
    cells = cells + 0.5 * (cells == 0).any(axis=0)
    log_ratio = np.log(cells[0]) + np.log(cells[3]) - np.log(cells[1]) - np.log(cells[2])
    half = Z95 * np.sqrt((1 / cells).sum(axis=0))
    return np.exp(log_ratio), np.exp(log_ratio - half), np.exp(log_ratio + half)


def _excess(a: Floats, x: Floats, y: Floats, n: Floats) -> tuple[Floats, Floats]:
    """Complaints in excess of independence; the variance is that of the leverage (delta method)."""
    p, q = x / n, y / n
    second = (
        a * ((1 - p) * (1 - q)) ** 2
        + (x - a) * ((1 - p) * q) ** 2
        + (y - a) * (p * (1 - q)) ** 2
        + (n - x - y + a) * (p * q) ** 2
    )
    excess = a - x * q
    variance = np.maximum(second - excess**2 / n, 0.0)
    return excess, excess - Z95 * np.sqrt(variance)
