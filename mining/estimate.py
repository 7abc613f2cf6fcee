"""What a search will cost, before it runs: bounds that hold, and figures that were measured."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import comb
from typing import Any

import numpy as np
import numpy.typing as npt

from domain.errors import Cancelled, LimitExceeded
from mining.search import (
    BYTES_PER_ITEMSET,
    LONGEST,
    Constraints,
    Limits,
    Search,
    Strategy,
    choose_strategy,
)
from mining.transactions import Table, as_rows, column_set, rank_items, whole_number

PROBE_ITEMSETS = 5_000_000
MANY = 10**18
# Seconds on one core at 3 GHz or more, with room for a slower one: the measured figures are in
# docs/results.md.
PER_CELL, PER_ROW_STEP, PER_BLOCK = 10e-9, 8e-9, 1e-9
PER_ITEMSET_LEAST, PER_ITEMSET_MOST = 3e-9, 2e-6


@dataclass(frozen=True)
class Estimate:
    """Bounds on what `frequent_itemsets` will find and use.

    Attributes
    ----------
    n_items, n_pairs : int
        Frequent items and frequent pairs, counted.
    itemsets : tuple of int
        At least and at most so many itemsets; equal where the probe ran to its end. The upper
        bound stops at 10**18.
    memory_bytes : tuple of int
        Memory of the search for these numbers; a growing result is held twice for a moment.
    seconds : tuple of float
        CPU time for these numbers, from measured costs of a step.
    strategy : Strategy
        How the table would be searched, and why.
    """

    n_items: int
    n_pairs: int
    itemsets: tuple[int, int]
    memory_bytes: tuple[int, int]
    seconds: tuple[float, float]
    strategy: Strategy

    def __str__(self) -> str:
        low, high = self.itemsets
        least, most = self.memory_bytes
        number = f"{low:,}" if low == high else f"{low:,} to {high:,}"
        return (
            f"{self.n_items:,} items, {self.n_pairs:,} pairs, {number} itemsets; "
            f"{least:,} to {most:,} bytes; {self.seconds[0]:.2g} to {self.seconds[1]:.2g} s"
        )


def estimate(
    matrix: Any, min_count: int, max_len: int | None = None, *, excluded: Iterable[int] = ()
) -> Estimate:
    """Bound the number of itemsets, the memory and the time of a search.

    Items and pairs are counted. A short probe of the search itself gives the lower bound, and
    the exact number if it ends. The upper bound is, size by size, the smaller of two that
    always hold: the theorem of Kruskal and Katona applied to the size below (Geerts, Goethals
    and Van den Bussche 2005), and the number of subsets of that size that the transactions
    have, divided by the minimum count.

    Parameters
    ----------
    matrix : sparse matrix or array, or ndarray, shape (n_transactions, n_columns)
        True or 1 where a transaction holds an item.
    min_count : int
        Transactions that must hold an itemset; at least 1.
    max_len : int, optional
        Items that an itemset may have.
    excluded : iterable of int
        Columns that are left out.

    Returns
    -------
    Estimate

    Raises
    ------
    InputError, SettingRefused
        As `frequent_itemsets`.

    Examples
    --------
    >>> estimate([[1, 1, 0], [1, 1, 1], [0, 1, 1]], min_count=2).itemsets
    (5, 5)
    """
    rows = as_rows(matrix)
    min_count = whole_number("min_count", min_count, least=1)
    longest = LONGEST if max_len is None else whole_number("max_len", max_len, least=1)
    left_out = column_set("excluded", excluded, rows.shape[1])
    table = rank_items(rows, min_count, left_out, np.empty(0, np.int64))
    strategy = choose_strategy(table)
    n_pairs = _search(table, min_count, 2).run(strategy).sizes.size - table.n_items
    least, exact = _probe(table, min_count, longest, strategy)
    most = least if exact else _upper_bound(table, min_count, longest, n_pairs)
    fixed = 2 * table.baskets.nbytes + table.n_items**2 // 8 + (1 << 20)
    return Estimate(
        table.n_items,
        n_pairs,
        (least, most),
        (fixed + least * BYTES_PER_ITEMSET, fixed + 3 * most * BYTES_PER_ITEMSET),
        _seconds(table, rows.nnz, (least, most)),
        strategy,
    )


def _search(table: Table, min_count: int, longest: int, **options: Any) -> Search:
    wanted = Constraints(min_count, longest, 0, None, np.zeros(table.n_items, np.bool_))
    return Search(table, wanted, options.pop("limits", Limits()), **options)


def _probe(table: Table, min_count: int, longest: int, strategy: Strategy) -> tuple[int, bool]:
    """Search until the first report or the probe's cap; return the number and whether it ended."""
    search = _search(
        table,
        min_count,
        longest,
        limits=Limits(itemsets=PROBE_ITEMSETS),
        progress=lambda share, _: share >= 1.0,
    )
    try:
        return int(search.run(strategy).sizes.size), True
    except (LimitExceeded, Cancelled):
        return search.n_found(), False


def _upper_bound(table: Table, min_count: int, longest: int, n_pairs: int) -> int:
    """Sum up what each size can have at most."""
    lengths = np.sort(np.diff(table.row_starts))[::-1]
    total, at_size = table.n_items + (n_pairs if longest > 1 else 0), n_pairs
    reach = int(lengths[min_count - 1]) if lengths.size >= min_count else 0
    for size in range(3, min(reach, longest) + 1):
        by_rows = subsets_in_rows(lengths, size) // min_count
        at_size = min(kruskal_katona(at_size, size - 1), by_rows)
        total += at_size
        if at_size == 0 or total >= MANY:
            break
    return min(total, MANY)


def subsets_in_rows(lengths: npt.NDArray[np.integer[Any]], size: int) -> int:
    """Return how many subsets of a size rows of these lengths have.

    Examples
    --------
    >>> subsets_in_rows(np.array([3, 2, 1]), 2)
    4
    """
    values, times = np.unique(lengths, return_counts=True)
    return sum(comb(int(v), size) * int(n) for v, n in zip(values, times, strict=True))


def kruskal_katona(n: int, size: int) -> int:
    """Return how many sets of size + 1 can have all their subsets among n sets of a size.

    Source: Kruskal (1963) and Katona (1968): write n as a sum of binomials
    C(a, size) + C(b, size - 1) + ... with a > b > ..., and raise each lower index by one.

    Examples
    --------
    >>> kruskal_katona(6, 2), kruskal_katona(5, 2)
    (4, 2)
    """
    total = 0
    for k in range(size, 0, -1):
        if n <= 0:
            break
        top = _largest_top(n, k)
        n -= comb(top, k)
        total += comb(top, k + 1)
    return total


def _largest_top(n: int, k: int) -> int:
    """Return the largest a with C(a, k) <= n, by bisection."""
    low, high = k, k + 1
    while comb(high, k) <= n:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if comb(middle, k) <= n else (low, middle)
    return low


def _seconds(table: Table, n_cells: int, itemsets: tuple[int, int]) -> tuple[float, float]:
    """Turn steps into seconds."""
    by_columns = PER_BLOCK * table.n_items**2 / 2 * -(-table.n_rows // 512)
    fixed = PER_CELL * n_cells + min(PER_ROW_STEP * float(table.volumes.sum()), by_columns)
    least, most = itemsets
    return (fixed / 3 + PER_ITEMSET_LEAST * least, 2 * fixed + PER_ITEMSET_MOST * most)
