"""Closed and maximal itemsets: the few that stand for all frequent ones.

An itemset is closed if no item can be added without losing transactions; it is maximal if no
item can be added without becoming infrequent. Every frequent itemset is part of a maximal one,
and has the count of the smallest closed itemset that holds it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from domain.errors import LimitExceeded
from mining.itemsets import Itemsets, frequent_itemsets
from mining.search import (
    DEFAULT_MEMORY,
    MAX_ITEMSETS,
    ClosedSearch,
    Constraints,
    Limits,
    Progress,
    choose_strategy,
)
from mining.transactions import Table, as_rows, column_set, rank_items, whole_number

FILTERED = 20_000_000  # frequent itemsets that are filtered before the direct search is tried


def closed_itemsets(
    matrix: Any,
    min_count: int,
    max_len: int | None = None,
    *,
    excluded: Iterable[int] = (),
    max_itemsets: int = MAX_ITEMSETS,
    memory_bytes: int = DEFAULT_MEMORY,
    progress: Progress | None = None,
) -> Itemsets:
    """Find the frequent itemsets to which no item can be added without losing transactions.

    Parameters
    ----------
    matrix : sparse matrix or array, or ndarray, shape (n_transactions, n_columns)
        True or 1 where a transaction holds an item.
    min_count : int
        Transactions that must hold an itemset; at least 1.
    max_len : int, optional
        Keep only closed itemsets of at most so many items.
    excluded : iterable of int
        Columns that are left out, as if the matrix did not have them.
    max_itemsets, memory_bytes : int
        Caps on the itemsets kept and on the memory of the search.
    progress : callable, optional
        As for `frequent_itemsets`.

    Returns
    -------
    Itemsets

    Raises
    ------
    InputError, SettingRefused, LimitExceeded, Cancelled
        As `frequent_itemsets`.

    Examples
    --------
    >>> list(closed_itemsets([[1, 1, 0], [1, 1, 1], [0, 1, 1]], min_count=1))
    [((1,), 3), ((0, 1), 2), ((1, 2), 2), ((0, 1, 2), 1)]
    """
    limits = _limits(max_itemsets, memory_bytes)
    return _condensed(matrix, min_count, max_len, excluded, limits, progress, maximal=False)


def maximal_itemsets(
    matrix: Any,
    min_count: int,
    max_len: int | None = None,
    *,
    excluded: Iterable[int] = (),
    max_itemsets: int = MAX_ITEMSETS,
    memory_bytes: int = DEFAULT_MEMORY,
    progress: Progress | None = None,
) -> Itemsets:
    """Find the frequent itemsets to which no item can be added without becoming infrequent.

    Parameters
    ----------
    matrix : sparse matrix or array, or ndarray, shape (n_transactions, n_columns)
        True or 1 where a transaction holds an item.
    min_count : int
        Transactions that must hold an itemset; at least 1.
    max_len : int, optional
        Keep only maximal itemsets of at most so many items.
    excluded : iterable of int
        Columns that are left out, as if the matrix did not have them.
    max_itemsets, memory_bytes : int
        Caps on the itemsets kept and on the memory of the search.
    progress : callable, optional
        As for `frequent_itemsets`.

    Returns
    -------
    Itemsets

    Raises
    ------
    InputError, SettingRefused, LimitExceeded, Cancelled
        As `frequent_itemsets`.

    Examples
    --------
    >>> list(maximal_itemsets([[1, 1, 0], [1, 1, 1], [0, 1, 1]], min_count=2))
    [((0, 1), 2), ((1, 2), 2)]
    """
    limits = _limits(max_itemsets, memory_bytes)
    return _condensed(matrix, min_count, max_len, excluded, limits, progress, maximal=True)


def _limits(max_itemsets: int, memory_bytes: int) -> Limits:
    return Limits(
        whole_number("memory_bytes", memory_bytes, least=1),
        min(whole_number("max_itemsets", max_itemsets, least=0), MAX_ITEMSETS),
    )


def _condensed(
    matrix: Any,
    min_count: int,
    max_len: int | None,
    excluded: Iterable[int],
    limits: Limits,
    progress: Progress | None,
    *,
    maximal: bool,
) -> Itemsets:
    """Filter the frequent itemsets of sparse data; search directly where they may explode."""
    rows = as_rows(matrix)
    min_count = whole_number("min_count", min_count, least=1)
    if max_len is not None:
        max_len = whole_number("max_len", max_len, least=1)
    left_out = column_set("excluded", excluded, rows.shape[1])
    table = rank_items(rows, min_count, left_out, np.empty(0, np.int64))
    strategy = choose_strategy(table)
    if strategy.name == "rows":
        try:
            found = frequent_itemsets(
                rows,
                min_count,
                None if max_len is None else max_len + 1,
                excluded=left_out,
                max_itemsets=FILTERED,
                memory_bytes=limits.memory_bytes,
                progress=progress,
            )
            return _filtered(found, max_len, limits, maximal=maximal)
        except LimitExceeded:
            pass
    search = ClosedSearch(table, _unconstrained(table, min_count, max_len), limits, progress)
    return Itemsets.from_arrays(
        *search.run_closed(maximal=maximal),
        columns=table.columns,
        n_transactions=rows.shape[0],
        n_columns=rows.shape[1],
        explanation=f"{strategy.reason}; condensed itemsets are searched directly by columns",
    )


def _unconstrained(table: Table, min_count: int, max_len: int | None) -> Constraints:
    longest = table.n_items if max_len is None else max_len
    return Constraints(min_count, longest, 0, None, np.zeros(table.n_items, np.bool_))


def _filtered(found: Itemsets, max_len: int | None, limits: Limits, *, maximal: bool) -> Itemsets:
    """Keep the itemsets that no frequent itemset of one item more makes superfluous."""
    keep = np.ones(len(found), np.bool_)
    for size in found.level_counts:
        _strike_subsets(found, size, keep, maximal=maximal)
    sizes = np.diff(found.offsets)
    if max_len is not None:
        keep &= sizes <= max_len
    if keep.sum() > limits.itemsets:
        raise LimitExceeded(
            f"there are {keep.sum():,} such itemsets, the cap is {limits.itemsets:,}; "
            f"raise the minimum count"
        )
    ends = np.concatenate(([0], np.cumsum(sizes[keep])))
    return Itemsets.from_arrays(
        found.items[np.repeat(keep, sizes)],
        ends,
        found.counts[keep],
        columns=np.arange(found.n_columns),
        n_transactions=found.n_transactions,
        n_columns=found.n_columns,
        explanation=f"{found.explanation}; the frequent itemsets are filtered",
    )


def _strike_subsets(
    found: Itemsets, size: int, keep: npt.NDArray[np.bool_], *, maximal: bool
) -> None:
    """Strike out what the itemsets of one size make superfluous among the smaller ones."""
    items, counts = found.level(size)
    for left_out in range(size if size > 1 else 0):
        places = found.find(np.delete(items, left_out, axis=1))
        struck = places if maximal else places[found.counts[places] == counts]
        keep[struck] = False
