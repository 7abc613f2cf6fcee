"""A rule inside strata: does it still hold among complaints that are otherwise alike?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numba
import numpy as np
from numpy.typing import NDArray
from scipy import stats

from mining.significance import Z95, log_hypergeometric

Floats = NDArray[np.float64]
Rows = NDArray[np.int32]

_EXACT_UP_TO = 30.0
_UTTERLY_UNLIKELY = 1e-60
_NOTHING = 1e-290
_PLENTY = 4.0
_NONE = np.empty(0, dtype=np.int32)


@dataclass(frozen=True)
class Stratified:
    """What is left of a rule, or of each of k rules, when like is compared with like.

    Attributes
    ----------
    both : ndarray of float64, shape (k,)
        Complaints with both sides, in strata that hold antecedent and not-antecedent.
    expected, variance : ndarray of float64, shape (k,)
        Of that count under independence inside every stratum.
    risk_ratio, risk_ratio_low : ndarray of float64, shape (k,)
        Mantel and Haenszel's common ratio of confidences with and without the antecedent, and
        the lower end of its 95 % interval (Greenland and Robins); NaN where undefined.
    odds_ratio : ndarray of float64, shape (k,)
        Mantel and Haenszel's common odds ratio; NaN where undefined, infinite where no
        complaint speaks against the rule.
    """

    both: Floats
    expected: Floats
    variance: Floats
    risk_ratio: Floats
    risk_ratio_low: Floats
    odds_ratio: Floats

    @property
    def z(self) -> Floats:
        """Signed root of the Cochran-Mantel-Haenszel statistic; 0 where nothing is compared."""
        spread = np.sqrt(self.variance)
        gap = self.both - self.expected
        return np.divide(gap, spread, out=np.zeros_like(gap), where=spread > 0)

    def excludes(self, ratio: float) -> bool:
        """Whether the first rule's ratio of confidences is surely below this."""
        if self.both[0] == 0:
            return bool(self.expected[0] >= _PLENTY)
        return bool(self.risk_ratio[0] ** 2 / self.risk_ratio_low[0] < ratio)


@dataclass(frozen=True)
class Strata:
    """A division of the complaints, with the consequent counted in every part.

    Attributes
    ----------
    codes : ndarray of int32, shape (n,)
        Stratum of each complaint, -1 for those set aside.
    held : ndarray of bool, shape (n,)
        Complaints with the consequent.
    sizes, holding : ndarray of int64, shape (s,)
        Complaints in each stratum, and those of them with the consequent.
    """

    codes: NDArray[np.int32]
    held: NDArray[np.bool_]
    sizes: NDArray[np.int64]
    holding: NDArray[np.int64]

    @classmethod
    def of(cls, codes: NDArray[np.int32], held: NDArray[np.bool_]) -> Strata:
        """Count the strata.

        Parameters
        ----------
        codes : ndarray of int32, shape (n,)
            Stratum of each complaint, -1 for those set aside.
        held : ndarray of bool, shape (n,)
            Complaints with the consequent.
        """
        sizes, holding = _counted(codes, held)
        return cls(codes, held, sizes, holding)

    def compare(self, antecedents: list[Rows]) -> Stratified:
        """Compare complaints with and without each antecedent inside the strata.

        Parameters
        ----------
        antecedents : list of ndarray of int32
            Rows that hold each antecedent.

        Returns
        -------
        Stratified

        Examples
        --------
        >>> held = np.array([True, True, False, False])
        >>> strata = Strata.of(np.zeros(4, dtype=np.int32), held)
        >>> strata.compare([np.array([0, 1], dtype=np.int32)]).both
        array([2.])
        """
        offsets = np.cumsum([0, *(rows.size for rows in antecedents)])
        flat = np.concatenate(antecedents) if antecedents else _NONE
        sums = _compare(offsets, flat, self.codes, self.held, self.sizes, self.holding)
        both, expected, variance, with_, without, spread, for_, against = sums.T
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = with_ / without
            low = ratio * np.exp(-Z95 * np.sqrt(spread / (with_ * without)))
            odds = for_ / against
        return Stratified(both, expected, variance, ratio, low, odds)

    def p_value(self, antecedent: Rows) -> float:
        """Chance of so many complaints with both sides, were there none but chance in any stratum.

        Exact (the hypergeometric distributions of the strata are convolved) while the variance
        is at most 30, the normal tail with continuity correction above.

        Parameters
        ----------
        antecedent : ndarray of int32
            Rows that hold the antecedent.

        Returns
        -------
        float
        """
        inside = self.codes[antecedent]
        used = inside >= 0
        drawn = np.bincount(inside[used], minlength=self.sizes.size)
        seen = int(self.held[antecedent[used]].sum())
        expected = drawn * self.holding / np.maximum(self.sizes, 1)
        rest = (1 - self.holding / np.maximum(self.sizes, 1)) * (self.sizes - drawn)
        variance = float((expected * rest / np.maximum(self.sizes - 1, 1)).sum())
        if variance > _EXACT_UP_TO:
            gap = seen - 0.5 - float(expected.sum())
            return float(stats.norm.sf(gap / math.sqrt(variance)))
        return float(_convolved_tail(seen, self.sizes, self.holding, drawn))


@dataclass(frozen=True)
class Division:
    """A way to divide the complaints that can be made finer.

    Each part adds to a complaint's key one pseudo-random number for its code, so that crossing
    parts is adding keys. Complaints that a part leaves open (-1) are set aside.

    Attributes
    ----------
    keys : ndarray of uint64, shape (n,)
        Equal for complaints alike in all parts.
    open_parts : ndarray of int16, shape (n,)
        Parts that leave each complaint open.
    """

    keys: NDArray[np.uint64]
    open_parts: NDArray[np.int16]

    @classmethod
    def of(cls, *parts: NDArray[np.int32]) -> Division:
        """Cross parts, each an ndarray of int32 of shape (n,), numbered from 0.

        Examples
        --------
        >>> Division.of(np.array([0, 0, 1, -1]), np.array([1, 2, 1, 1])).codes.tolist()
        [0, 1, 2, -1]
        """
        none = cls(np.zeros(parts[0].size, np.uint64), np.zeros(parts[0].size, np.int16))
        for number, part in enumerate(parts):
            none = none.cross(part, number)
        return none

    def cross(self, part: NDArray[np.int32], number: int) -> Division:
        """Divide further; the number names the part."""
        return Division(*_shifted(self.keys, self.open_parts, part, number))

    @cached_property
    def codes(self) -> NDArray[np.int32]:
        """Strata from 0 without gaps, -1 for complaints set aside."""
        return _dense(self.keys, self.open_parts)


@numba.njit(cache=True)
def _shifted(
    keys: NDArray[np.uint64],
    open_parts: NDArray[np.int16],
    part: NDArray[np.int32],
    number: int,
) -> tuple[NDArray[np.uint64], NDArray[np.int16]]:
    """Add one part's keys (SplitMix64 of number and code)."""
    shifted, still_open = keys.copy(), open_parts.copy()
    for row in range(part.size):
        if part[row] < 0:
            still_open[row] += 1
        x = np.uint64(number * 4294967296 + part[row] + 2) * np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        shifted[row] += x ^ (x >> np.uint64(31))
    return shifted, still_open


@numba.njit(cache=True)
def _dense(keys: NDArray[np.uint64], open_parts: NDArray[np.int16]) -> NDArray[np.int32]:
    """Number the distinct keys in the order of their first complaint (open addressing)."""
    codes = np.full(keys.size, -1, dtype=np.int32)
    slots = np.full(1024, -1, dtype=np.int32)
    known = np.empty(512, dtype=np.uint64)
    used = 0
    for row in range(keys.size):
        if open_parts[row] > 0:
            continue
        at = keys[row] & np.uint64(slots.size - 1)
        while slots[at] >= 0 and known[slots[at]] != keys[row]:
            at = (at + np.uint64(1)) & np.uint64(slots.size - 1)
        if slots[at] < 0:
            known[used] = keys[row]
            slots[at] = used
            used += 1
        codes[row] = slots[at]
        if used == known.size:
            slots, known = _grown(known)
    return codes


@numba.njit(cache=True)
def _grown(known: NDArray[np.uint64]) -> tuple[NDArray[np.int32], NDArray[np.uint64]]:
    slots = np.full(4 * known.size, -1, dtype=np.int32)
    mask = np.uint64(slots.size - 1)
    for number in range(known.size):
        at = known[number] & mask
        while slots[at] >= 0:
            at = (at + np.uint64(1)) & mask
        slots[at] = number
    return slots, np.concatenate((known, np.empty(known.size, dtype=np.uint64)))


@numba.njit(cache=True)
def _counted(
    codes: NDArray[np.int32], held: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Complaints in each stratum, and those with the consequent."""
    parts = 0
    for row in range(codes.size):
        parts = max(parts, codes[row] + 1)
    sizes = np.zeros(parts, dtype=np.int64)
    holding = np.zeros(parts, dtype=np.int64)
    for row in range(codes.size):
        if codes[row] >= 0:
            sizes[codes[row]] += 1
            holding[codes[row]] += held[row]
    return sizes, holding


@numba.njit(cache=True)
def _compare(
    offsets: NDArray[np.int64],
    flat: Rows,
    codes: NDArray[np.int32],
    held: NDArray[np.bool_],
    sizes: NDArray[np.int64],
    holding: NDArray[np.int64],
) -> Floats:
    """Add the eight sums of Mantel and Haenszel over the strata, for every antecedent."""
    out = np.zeros((offsets.size - 1, 8))
    drawn = np.zeros(sizes.size, dtype=np.int64)
    both = np.zeros(sizes.size, dtype=np.int64)
    touched = np.empty(sizes.size, dtype=np.int64)
    for rule in range(offsets.size - 1):
        used = 0
        for at in range(offsets[rule], offsets[rule + 1]):
            row = flat[at]
            s = codes[row]
            if s < 0:
                continue
            if drawn[s] == 0:
                touched[used] = s
                used += 1
            drawn[s] += 1
            both[s] += held[row]
        for i in range(used):
            s = touched[i]
            _add_stratum(out[rule], both[s], drawn[s], holding[s], sizes[s])
            drawn[s] = 0
            both[s] = 0
    return out


@numba.njit(cache=True)
def _add_stratum(out: Floats, both: int, drawn: int, holding: int, size: int) -> None:
    n, x, y, a = float(size), float(drawn), float(holding), float(both)
    if size == drawn or size < 2:
        return
    b = y - a
    out[0] += a
    out[1] += x * y / n
    out[2] += x * y / n * (n - x) / n * (n - y) / (n - 1)
    out[3] += a * (n - x) / n
    out[4] += b * x / n
    out[5] += (x * (n - x) * y - a * b * n) / (n * n)
    out[6] += a * (n - x - b) / n
    out[7] += b * (x - a) / n


@numba.njit(cache=True)
def _likely(total: int, marked: int, drawn: int) -> tuple[int, Floats]:
    """The counts that are not utterly unlikely: the first, and their probabilities."""
    first, last = max(0, marked + drawn - total), min(marked, drawn)
    mode = min(max((marked + 1) * (drawn + 1) // (total + 2), first), last)
    low = high = mode
    rest = total - marked - drawn
    below, above = np.empty(mode - first + 1), np.empty(last - mode + 1)
    below[0] = above[0] = math.exp(log_hypergeometric(mode, total, marked, drawn))
    floor = below[0] * _UTTERLY_UNLIKELY
    while low > first and below[mode - low] > floor:
        step = low / (marked - low + 1.0) * ((rest + low) / (drawn - low + 1.0))
        below[mode - low + 1] = below[mode - low] * step
        low -= 1
    while high < last and above[high - mode] > floor:
        step = (marked - high) / (high + 1.0) * ((drawn - high) / (rest + high + 1.0))
        above[high - mode + 1] = above[high - mode] * step
        high += 1
    return low, np.concatenate((below[: mode - low + 1][::-1], above[1 : high - mode + 1]))


@numba.njit(cache=True)
def _convolved_tail(
    seen: int, sizes: NDArray[np.int64], holding: NDArray[np.int64], drawn: NDArray[np.int64]
) -> float:
    """P(sum over the strata >= seen), each a hypergeometric count, by convolution."""
    low = 0
    spread = np.ones(1)
    for s in range(sizes.size):
        if drawn[s] == 0 or holding[s] == 0:
            continue
        first, part = _likely(sizes[s], holding[s], drawn[s])
        low += first
        if part.size > 1:
            spread = np.convolve(spread, part)
        last = spread.size
        while last > 1 and spread[last - 1] < _NOTHING:
            last -= 1
        spread = spread[:last]
    if seen <= low:
        return 1.0
    tail = 0.0
    for k in range(spread.size - 1, seen - low - 1, -1):
        tail += spread[k]
    return min(tail, 1.0)
