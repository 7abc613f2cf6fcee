"""Exact frequent itemsets: which items stand together in at least so many transactions."""

from __future__ import annotations

import gc
import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from domain.errors import InputError
from mining.search import (
    DEFAULT_MEMORY,
    LONGEST,
    MAX_ITEMSETS,
    Constraints,
    Limits,
    Progress,
    Search,
    Tree,
    choose_strategy,
)
from mining.transactions import (
    Table,
    as_rows,
    column_set,
    joint_bars,
    rank_items,
    whole_number,
)

if TYPE_CHECKING:
    import pandas as pd


class Itemsets:
    """Itemsets with their counts, ordered by size and then by their columns.

    The arrays are spelled out of the search's compact result when first asked for, so a search
    costs nothing for what is not looked at.

    Attributes
    ----------
    n_transactions : int
        Rows of the matrix.
    n_columns : int
        Columns of the matrix.
    explanation : str
        Which strategy was chosen and why.
    offsets : ndarray of int64, shape (n + 1,)
        Itemset i has the columns ``items[offsets[i]:offsets[i + 1]]``.
    items : ndarray of int32
        Columns, ascending in each itemset.
    counts : ndarray of int64, shape (n,)
        Transactions that hold each itemset.

    Examples
    --------
    >>> found = frequent_itemsets([[1, 1, 0], [1, 1, 1], [0, 1, 1]], min_count=2)
    >>> list(found)
    [((0,), 2), ((1,), 3), ((2,), 2), ((0, 1), 2), ((1, 2), 2)]
    >>> found.count_of([[2, 1], [0, 2]])
    array([2, 0])
    """

    def __init__(
        self,
        tree: Tree,
        columns: npt.NDArray[np.int64],
        n_transactions: int,
        n_columns: int,
        explanation: str,
    ) -> None:
        self._tree = tree
        self._columns = columns.astype(np.int32)
        self.n_transactions = n_transactions
        self.n_columns = n_columns
        self.explanation = explanation

    @classmethod
    def from_arrays(
        cls,
        items: npt.NDArray[np.int32],
        ends: npt.NDArray[np.int64],
        counts: npt.NDArray[np.integer[Any]],
        *,
        columns: npt.NDArray[np.int64],
        n_transactions: int,
        n_columns: int,
        explanation: str,
    ) -> Itemsets:
        """Take itemsets that are spelled out, in any order.

        Parameters
        ----------
        items : ndarray of int32
            Ranks of all itemsets, one after the other.
        ends : ndarray of int64, shape (n + 1,)
            Itemset i is ``items[ends[i]:ends[i + 1]]``.
        counts : ndarray of int, shape (n,)
            Transactions that hold each.
        columns : ndarray of int, shape (n_ranks,)
            Column of each rank.
        n_transactions, n_columns : int
            Shape of the matrix.
        explanation : str
            How they were found.

        Returns
        -------
        Itemsets
        """
        sizes = np.diff(ends)
        tree = Tree(np.empty((3, 0), np.int32), sizes)
        itemsets = cls(tree, columns, n_transactions, n_columns, explanation)
        flat, order = columns.astype(np.int32)[items], np.argsort(sizes, kind="stable")
        chunks = [np.empty(0, np.int32)]
        for size in itemsets.level_counts:
            here = order[sizes[order] == size]
            chunks.append(np.sort(flat[ends[here, None] + np.arange(size)], axis=1).ravel())
        spelled = np.concatenate(chunks), counts[order].astype(np.int64)
        itemsets.__dict__["_arrays"] = itemsets._ordered(*spelled)
        return itemsets

    def __len__(self) -> int:
        return int(self._tree.sizes.size)

    def __repr__(self) -> str:
        return f"Itemsets({len(self):,} of {self.n_transactions:,} transactions)"

    def __iter__(self) -> Iterator[tuple[tuple[int, ...], int]]:
        for size in self.level_counts:
            items, counts = self.level(size)
            yield from zip(map(tuple, items.tolist()), counts.tolist(), strict=True)

    @property
    def level_counts(self) -> dict[int, int]:
        """Number of itemsets of each size that occurs."""
        counts = np.bincount(self._tree.sizes)
        return {size: int(n) for size, n in enumerate(counts) if n}

    @property
    def offsets(self) -> npt.NDArray[np.int64]:
        """Where each itemset begins in `items`."""
        return self._arrays[0]

    @property
    def items(self) -> npt.NDArray[np.int32]:
        """Columns of all itemsets, one after the other."""
        return self._arrays[1]

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """Transactions that hold each itemset."""
        return self._arrays[2]

    def level(self, size: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
        """Return the itemsets of one size as a matrix.

        Parameters
        ----------
        size : int
            Number of items.

        Returns
        -------
        items : ndarray of int32, shape (n, size)
            Columns, ascending in each row; the rows ascend too.
        counts : ndarray of int64, shape (n,)
        """
        sizes = self.level_counts
        first = self.level_start(size)
        n = sizes.get(size, 0)
        begin = self.offsets[first]
        items = self.items[begin : begin + n * size].reshape(n, size)
        return items, self.counts[first : first + n]

    def level_start(self, size: int) -> int:
        """Return the position of the first itemset of a size."""
        return sum(n for k, n in self.level_counts.items() if k < size)

    def find(self, items: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Look itemsets of one size up.

        Parameters
        ----------
        items : array-like of int, shape (m, size)
            Columns, in any order.

        Returns
        -------
        ndarray of int64, shape (m,)
            Position of each, -1 where it is not among the itemsets.
        """
        from mining import lattice

        wanted = np.ascontiguousarray(items, dtype=np.int32)
        if wanted.ndim != 2:
            raise InputError(f"items has {wanted.ndim} dimension(s); it needs 2: a row an itemset")
        places = np.empty(wanted.shape[0], np.int64)
        table, shift = self._index
        lattice.find(self.offsets, self.items, table, shift, wanted, places)
        return places

    def count_of(self, items: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Return the count of each itemset (see `find`), 0 where it is not among them."""
        places = self.find(items)
        if not len(self):
            return np.zeros(places.size, np.int64)
        return np.where(places >= 0, self.counts[places], 0)

    def count_candidates(self, size: int) -> int:
        """Return how many itemsets of a size Apriori would have counted.

        Parameters
        ----------
        size : int
            Number of items, at least 2.

        Returns
        -------
        int
            Itemsets whose subsets of one item less are all among these.
        """
        from mining import lattice

        items, _ = self.level(size - 1)
        if size == 2:
            return math.comb(items.shape[0], 2)
        return int(lattice.count_candidates(items, self.offsets, self.items, *self._index))

    def to_frame(self, names: Sequence[Any] | None = None) -> pd.DataFrame:
        """Return a frame as mlxtend gives it.

        Parameters
        ----------
        names : sequence, optional
            Name of each column of the matrix; without it the itemsets hold column numbers.

        Returns
        -------
        DataFrame
            Columns `support` (share of the transactions) and `itemsets` (frozensets), ordered
            by size and then by the columns.
        """
        import pandas as pd

        labels = range(self.n_columns) if names is None else names
        support = self.counts / max(self.n_transactions, 1)
        with _collector_at_rest():
            itemsets = pd.Series(self._frozensets(labels), dtype="object", copy=False)
            return pd.DataFrame({"support": support, "itemsets": itemsets}, copy=False)

    def _frozensets(self, names: Iterable[Any]) -> npt.NDArray[np.object_]:
        """Build all frozensets, each of a smaller one and its last item where that is there."""
        labels = _objects(list(names))
        singles = _objects([frozenset((label,)) for label in labels])
        sets, smaller = [np.empty(0, object)], np.empty((0, 0), np.int32)
        for size in self.level_counts:
            level, _ = self.level(size)
            places = _places_of_prefixes(level, smaller)
            if size == 1:
                sets.append(singles[level[:, 0]])
            elif places is not None:
                sets.append(np.bitwise_or(sets[-1][places], singles[level[:, -1]]))
            else:
                sets.append(_objects([frozenset(row) for row in labels[level].tolist()]))
            smaller = level
        return np.concatenate(sets)

    @cached_property
    def _index(self) -> tuple[npt.NDArray[np.int32], np.uint64]:
        """Hash table over all itemsets: at most half full."""
        from mining import lattice

        bits = max(4, (2 * len(self)).bit_length())
        table, shift = np.full(1 << bits, -1, np.int32), np.uint64(64 - bits)
        lattice.build_index(self.offsets, self.items, table, shift)
        return table, shift

    @cached_property
    def _arrays(
        self,
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.int64]]:
        """Spell the tree out, itemsets of one size side by side, and order them."""
        from mining import lattice

        found, sizes = self._tree.found, self._tree.sizes
        first, ends = self._level_bounds()
        flat, places = np.empty(ends[-1], np.int32), np.empty(len(self), np.int64)
        lattice.spell_out(found[0], found[1], sizes, self._columns, first, ends, flat, places)
        counts = np.empty(len(self), np.int64)
        counts[places] = found[2]
        return self._ordered(flat, counts)

    def _level_bounds(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return where each size begins among the itemsets, and among their items."""
        per_size = np.bincount(self._tree.sizes, minlength=1).astype(np.int64)
        first = np.concatenate(([0], np.cumsum(per_size)))
        return first, np.concatenate(([0], np.cumsum(per_size * np.arange(per_size.size))))

    def _ordered(
        self, flat: npt.NDArray[np.int32], counts: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.int64]]:
        """Order the itemsets of each size by their columns, in place."""
        from mining import lattice

        first, ends = self._level_bounds()
        for size in self.level_counts:
            level = flat[ends[size] : ends[size + 1]].reshape(-1, size)
            order = lattice.order_level(level, self.n_columns)
            level[:] = level[order]
            here = slice(first[size], first[size + 1])
            counts[here] = counts[here][order]
        sizes = np.repeat(np.arange(first.size - 1), np.diff(first))
        return np.concatenate(([0], np.cumsum(sizes))), flat, counts


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Keep the collector from walking a growing list of new sets again and again.

    Freezing and thawing moves them to the oldest generation without a walk; where somebody has
    frozen objects already, they are left alone.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            if gc.get_freeze_count() == 0:
                gc.freeze()
                gc.unfreeze()
            gc.enable()


def _places_of_prefixes(
    level: npt.NDArray[np.int32], smaller: npt.NDArray[np.int32]
) -> npt.NDArray[np.int64] | None:
    """Find all rows without their last column among the smaller ones; None if one is missing."""
    from mining import lattice

    places = np.empty(level.shape[0], np.int64)
    fits = smaller.shape[1] == level.shape[1] - 1 > 0
    return places if fits and lattice.find_prefixes(level, smaller, places) else None


def _objects(values: list[Any]) -> npt.NDArray[np.object_]:
    """Make an array of these objects, whatever their length."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def frequent_itemsets(
    matrix: Any,
    min_count: int,
    max_len: int | None = None,
    *,
    excluded: Iterable[int] = (),
    consequents: Iterable[int] | None = None,
    groups: Sequence[Iterable[int]] = (),
    max_itemsets: int = MAX_ITEMSETS,
    memory_bytes: int = DEFAULT_MEMORY,
    progress: Progress | None = None,
    strategy: str | None = None,
) -> Itemsets:
    """Find every itemset that at least `min_count` transactions hold.

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
    consequents : iterable of int, optional
        Find only what rules with one of these columns as consequent need: itemsets that hold
        one of them, and itemsets that stay frequent (and within `max_len`) with one added.
    groups : sequence of iterables of int
        Columns of which at most one may appear in an itemset, such as a product and its parent;
        groups may overlap.
    max_itemsets : int
        Cap on the itemsets that are kept.
    memory_bytes : int
        Cap on the memory of the search, the matrix itself not counted.
    progress : callable, optional
        Called now and then with the share done and the itemsets found; returning False, or
        raising, stops the search.
    strategy : {"rows", "columns"}, optional
        Overrides the choice that is made from the data.

    Returns
    -------
    Itemsets

    Raises
    ------
    InputError
        If the matrix is not two-dimensional or not 0/1.
    SettingRefused
        If a setting can't work, such as a minimum count below 1.
    LimitExceeded
        If there are more itemsets, or more memory is needed, than allowed.
    Cancelled
        If `progress` returned False.

    Examples
    --------
    >>> len(frequent_itemsets([[1, 1], [1, 1], [0, 1]], min_count=2))
    3
    """
    rows = as_rows(matrix)
    n_columns = rows.shape[1]
    min_count = whole_number("min_count", min_count, least=1)
    longest = LONGEST if max_len is None else whole_number("max_len", max_len, least=1)
    limits = Limits(
        whole_number("memory_bytes", memory_bytes, least=1),
        min(whole_number("max_itemsets", max_itemsets, least=0), MAX_ITEMSETS),
    )
    heads = column_set("consequents", consequents or (), n_columns)
    table = rank_items(rows, min_count, column_set("excluded", excluded, n_columns), heads)
    wanted = _constraints(table, min_count, longest, heads, groups)
    chosen = choose_strategy(table, strategy)
    if consequents is not None and wanted.n_consequents == 0:
        tree = Tree(np.empty((3, 0), np.int32), np.empty(0, np.uint8))
    else:
        tree = Search(table, wanted, limits, progress).run(chosen)
    return Itemsets(tree, table.columns, rows.shape[0], n_columns, chosen.reason)


def _constraints(
    table: Table,
    min_count: int,
    longest: int,
    heads: npt.NDArray[np.int64],
    groups: Sequence[Iterable[int]],
) -> Constraints:
    """Translate constraints on columns into constraints on ranks."""
    n_heads = int(np.count_nonzero(table.rank[heads] >= 0))
    barred, grouped = None, np.zeros(table.n_items, np.bool_)
    if groups:
        barred, grouped = joint_bars(groups, table.rank, table.n_items)
    return Constraints(min_count, longest, n_heads, barred, grouped)
