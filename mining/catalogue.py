"""Finding itemsets among themselves: which row of the table is this antecedent?"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]
_SEEDS = (0x9E3779B97F4A7C15, 0xD1B54A32D192ED03)


def _scrambled(items: NDArray[np.integer], seed: int) -> Keys:
    """Spread item numbers over 64 bits (the finaliser of SplitMix64)."""
    x = (items.astype(np.uint64) + np.uint64(1)) * np.uint64(seed)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


class Catalogue:
    """Look itemsets up by the sum of their items' keys, thousands at a time.

    An itemset's key is the sum (modulo 2**64) of one pseudo-random number for each item, so the
    key of a part is the whole's less the rest's. A second, independent sum confirms each hit.

    Parameters
    ----------
    flat : ndarray of int, shape (total items,)
        Items of all itemsets, one itemset after the other.
    offsets : ndarray of int64, shape (k + 1,)
        Where each itemset begins in `flat`.
    """

    def __init__(self, flat: NDArray[np.integer], offsets: NDArray[np.int64]) -> None:
        self.keys, self.checks = (sums(_scrambled(flat, seed), offsets) for seed in _SEEDS)
        slots = 1 << max(4, int(2 * self.keys.size).bit_length())
        self._slots = np.full(slots, -1, dtype=np.int32)
        _store(self.keys, self.checks, self._slots)

    def find(self, keys: Keys, checks: Keys) -> NDArray[np.int64]:
        """Number of the itemset with these sums; -1 where there is none.

        Of equal itemsets the last counts.
        """
        return _find(self.keys, self.checks, self._slots, keys.ravel(), checks.ravel())


@numba.njit(cache=True)
def _store(keys: Keys, checks: Keys, slots: NDArray[np.int32]) -> None:
    """Fill the hash table (open addressing, at most half full)."""
    mask = np.uint64(slots.size - 1)
    for number in range(keys.size):
        at = keys[number] & mask
        while slots[at] >= 0:
            other = slots[at]
            if keys[other] == keys[number] and checks[other] == checks[number]:
                break
            at = (at + np.uint64(1)) & mask
        slots[at] = number


@numba.njit(cache=True)
def _find(
    keys: Keys, checks: Keys, slots: NDArray[np.int32], wanted: Keys, wanted_checks: Keys
) -> NDArray[np.int64]:
    mask = np.uint64(slots.size - 1)
    found = np.full(wanted.size, -1, dtype=np.int64)
    for i in range(wanted.size):
        at = wanted[i] & mask
        while slots[at] >= 0:
            number = slots[at]
            if keys[number] == wanted[i] and checks[number] == wanted_checks[i]:
                found[i] = number
                break
            at = (at + np.uint64(1)) & mask
    return found


def item_keys(items: NDArray[np.integer]) -> tuple[Keys, Keys]:
    """Key and check of single items.

    Examples
    --------
    >>> catalogue = Catalogue(np.array([0, 1, 1]), np.array([0, 2, 3]))
    >>> key, check = item_keys(np.array([0]))
    >>> catalogue.find(catalogue.keys[:1] - key, catalogue.checks[:1] - check)
    array([1])
    """
    return _scrambled(items, _SEEDS[0]), _scrambled(items, _SEEDS[1])


def sums(values: Keys, offsets: NDArray[np.int64]) -> Keys:
    """Sum of each run of `values`, modulo 2**64; empty runs give 0."""
    running = np.concatenate([np.zeros(1, np.uint64), np.cumsum(values, dtype=np.uint64)])
    runs: Keys = running[offsets[1:]] - running[offsets[:-1]]
    return runs
