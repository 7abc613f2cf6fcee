"""One search for frequent itemsets: its strategy, its buffers, its limits, its progress."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from domain.errors import Cancelled, LimitExceeded, SettingRefused
from mining.transactions import Table

Progress = Callable[[float, int], object]

DEFAULT_MEMORY = 4 << 30
MAX_ITEMSETS = (1 << 31) - 1
BYTES_PER_ITEMSET = 13
LONGEST = 255
STEPS_BETWEEN_REPORTS = 50_000_000
FIRST_ROOM = 1 << 20
HEAP = 1 << 25  # items that one pass over the rows copies


@dataclass(frozen=True)
class Limits:
    """What a search may use and find; it is refused before it goes beyond."""

    memory_bytes: int = DEFAULT_MEMORY
    itemsets: int = MAX_ITEMSETS


@dataclass(frozen=True)
class Constraints:
    """What is looked for.

    Attributes
    ----------
    min_count : int
        Transactions that must hold an itemset.
    max_len : int
        Items that an itemset may have.
    n_consequents : int
        So many of the first ranks are the fixed consequents; 0: there are none.
    barred : ndarray of uint64, shape (n_items, ceil(n_items / 64)), or None
        Bit k of row j is set where ranks j and k may not stand together.
    grouped : ndarray of bool, shape (n_items,)
        Ranks that are in a group.
    """

    min_count: int
    max_len: int
    n_consequents: int
    barred: npt.NDArray[np.uint64] | None
    grouped: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Tree:
    """Itemsets as a search leaves them: each is its parent plus one item.

    Attributes
    ----------
    found : ndarray of int32, shape (3, n)
        Parent (-1: none), rank of the last item, count.
    sizes : ndarray of uint8, shape (n,)
        Number of items.
    """

    found: npt.NDArray[np.int32]
    sizes: npt.NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Strategy:
    """How a table is searched, and why in one sentence."""

    name: str
    reason: str


def choose_strategy(table: Table, wish: str | None = None) -> Strategy:
    """Compare what counting all pairs costs by rows and by columns.

    A pass over the rows visits every pair of items in each row, twice; a pass over the columns
    ANDs every pair of bitmaps, 512 rows at a time. Dense tables have long rows and few items,
    sparse ones short rows and many items.
    """
    blocks = -(-table.n_rows // 512)
    by_rows = int(table.volumes.sum())
    by_columns = table.n_items**2 // 2 * blocks
    name = wish or ("columns" if by_columns < by_rows else "rows")
    if name not in ("rows", "columns"):
        raise SettingRefused(f"strategy is {name!r}; it must be 'rows' or 'columns'")
    text = (
        f"{table.n_items:,} frequent items in {table.n_rows:,} transactions: counting all pairs "
        f"takes about {by_columns:,} steps of 512 transactions by columns and {by_rows:,} steps "
        f"of one item by rows"
    )
    how = (
        "bitmaps over all transactions"
        if name == "columns"
        else "each item gets bitmaps over its own transactions"
    )
    return Strategy(name, f"{text}, so {how}")


class Search:
    """A resumable search: the compiled core runs until a buffer is short, then goes on.

    Parameters
    ----------
    table : Table
        The items and their rows.
    constraints : Constraints
        What is looked for.
    limits : Limits
        What may be used and found.
    progress : callable, optional
        Called with the share done, in [0, 1], and the number of itemsets found; returning
        False, or raising, stops the search.
    """

    _deepest = LONGEST

    def __init__(
        self,
        table: Table,
        constraints: Constraints,
        limits: Limits,
        progress: Progress | None = None,
    ) -> None:
        self._table = table
        self._constraints = constraints
        self._limits = limits
        self._progress = progress

    def run(self, strategy: Strategy) -> Tree:
        """Find every itemset that the constraints ask for.

        Raises
        ------
        LimitExceeded
            If there are more itemsets, or more memory is needed, than the limits allow.
        Cancelled
            If the progress callback returned False.
        """
        try:
            self._prepare(strategy)
            self._loop()
        except MemoryError:
            raise LimitExceeded(
                f"this machine has no memory left for the search after {self.n_found():,} "
                f"itemsets; raise the minimum count or limit the length"
            ) from None
        n = self.n_found()
        return Tree(self._found[:, :n], self._sizes[:n])

    def n_found(self) -> int:
        """Return how many itemsets have been found so far."""
        state = getattr(self, "_state", None)
        return 0 if state is None else int(state[0])

    def _prepare(self, strategy: Strategy) -> None:
        """Allocate what the strategy needs, after asking whether it fits."""
        from mining import counting

        self._core = counting
        n_items = self._table.n_items
        deepest = min(n_items, self._deepest)
        self._shape = np.zeros(8, np.int64)
        self._state = np.zeros(8, np.int64)
        self._levels = np.zeros((deepest + 3, 7), np.int64)
        self._stack = np.empty((4 * n_items + 1024, 3), np.int64)
        self._perfect = np.empty(2 * n_items + 1, np.int64)
        self._fixed = self._constraints.grouped.copy()
        self._fixed[: self._constraints.n_consequents] = True
        self._places = np.empty(self._table.n_rows // 8 + self._core.BLOCK_BITS, np.int32)
        self._arena = np.empty(0, np.uint64)
        self._found = np.empty((3, 0), np.int32)
        self._sizes = np.empty(0, np.uint8)
        self._set_shape()
        self._by_rows = strategy.name == "rows"
        self._extra: tuple[npt.NDArray[Any], ...] = ()
        if self._by_rows:
            self._prepare_rows()
        else:
            self._prepare_columns()
        room = max(1, min(FIRST_ROOM, self._most_itemsets(), self._limits.itemsets))
        self._found, self._sizes = np.empty((3, room), np.int32), np.empty(room, np.uint8)

    def _set_shape(self) -> None:
        core, shape, wanted = self._core, self._shape, self._constraints
        shape[core.S_MIN_COUNT] = wanted.min_count
        shape[core.S_MAX_LEN] = min(wanted.max_len, LONGEST)
        shape[core.S_CONSEQUENTS] = wanted.n_consequents
        shape[core.S_ITEMS] = self._table.n_items
        shape[core.S_GROUPED] = wanted.barred is not None

    def _prepare_rows(self) -> None:
        table, core, n_items = self._table, self._core, self._table.n_items
        words = -(-n_items // 64)
        volumes = table.volumes
        heap = 1 + int(max(volumes.max(initial=0), min(volumes.sum(), HEAP)))
        heads = int(max(table.counts.max(initial=0), min(table.counts.sum(), HEAP)))
        need = n_items * words * 8 + (heap + heads) * table.baskets.itemsize + (1 << 19)
        self._ask(need, "the table of pairs and a copy of the rows")
        self._shape[core.S_PAIRED] = 1
        self._pairs = np.zeros((n_items, words), np.uint64)
        self._arena = np.empty(1 << 16, np.uint64)
        barred = self._constraints.barred
        self._extra = (
            np.zeros((1, 1), np.uint64) if barred is None else barred,
            table.counts,
            table.volumes,
            table.row_starts,
            table.baskets,
            np.empty(heap, table.baskets.dtype),
            np.empty(heads, table.baskets.dtype),
            np.zeros((n_items, 3), np.int64),
            np.zeros(n_items, np.int64),
            np.empty(n_items + 1, np.int64),
            np.zeros(n_items, np.int64),
        )

    def _prepare_columns(self) -> None:
        table, core, n_items = self._table, self._core, self._table.n_items
        blocks = -(-table.n_rows // core.BLOCK_BITS)
        width = blocks * core.LANES
        self._ask((2 * n_items + 8) * width * 8, "bitmaps over all transactions")
        self._arena = np.zeros((2 * n_items + 8) * width, np.uint64)
        core.set_columns(table.row_starts, table.baskets, blocks, self._arena)
        self._stack[:n_items, 0] = np.arange(n_items)
        self._stack[:n_items, 1] = table.counts
        self._stack[:n_items, 2] = np.arange(n_items) * width
        self._levels[0] = [0, n_items, 0, -1, 0, n_items * width, blocks]
        barred = self._constraints.barred
        self._shape[core.S_PAIRED] = barred is not None
        self._pairs = np.zeros((1, 1), np.uint64) if barred is None else ~barred

    def _loop(self) -> None:
        """Run the core, and see to what it stops for, until it is done."""
        core = self._core
        self._state[core.T_BUDGET] = STEPS_BETWEEN_REPORTS
        while True:
            outcome = self._step()
            if outcome == core.DONE:
                break
            self._provide(outcome)
        self._report(1.0)

    def _step(self) -> int:
        shared = (
            self._shape, self._state, self._levels, self._stack, self._arena,
            self._perfect, self._fixed, self._pairs, self._found, self._sizes, self._places,
        )  # fmt: skip
        if self._by_rows:
            return int(self._core.search_rows(*shared, *self._extra))
        return int(self._core.search_columns(*shared))

    def _provide(self, outcome: int) -> None:
        core, need = self._core, int(self._state[self._core.T_NEED])
        if outcome == core.FULL:
            self._grow_found(need)
        elif outcome == core.ARENA:
            self._arena = self._grown(self._arena, need, "bitmaps of open nodes")
        elif outcome == core.STACK:
            self._stack = self._grown(self._stack, need, "candidates of open nodes")
        elif outcome == core.TOO_MANY:
            self._refuse_number(1 << LONGEST)
        else:
            self._state[core.T_BUDGET] = self._state[core.T_STEPS] + STEPS_BETWEEN_REPORTS
            self._report(self._share_done())

    def _grown(self, old: npt.NDArray[Any], need: int, what: str) -> npt.NDArray[Any]:
        """Return a longer copy: twice as long if the memory cap allows, else as needed."""
        row_bytes = old[:1].nbytes or old.itemsize
        room = (self._limits.memory_bytes - self._used()) // row_bytes
        length = min(max(2 * old.shape[0], need), max(room, 0))
        if length < need:
            self._ask(need * row_bytes, what)
        new = np.empty((length, *old.shape[1:]), old.dtype)
        new[: old.shape[0]] = old
        return new

    def _grow_found(self, need: int) -> None:
        """Make room for more itemsets, or refuse."""
        if need > self._limits.itemsets:
            self._refuse_number(need)
        most = min(self._most_itemsets(), self._limits.itemsets)
        if need > most:
            self._ask(need * BYTES_PER_ITEMSET, "the itemsets found")
        room, n = min(max(2 * self._sizes.size, need), most), self.n_found()
        found, sizes = np.empty((3, room), np.int32), np.empty(room, np.uint8)
        found[:, :n], sizes[:n] = self._found[:, :n], self._sizes[:n]
        self._found, self._sizes = found, sizes

    def _most_itemsets(self) -> int:
        return (self._limits.memory_bytes - self._used()) // BYTES_PER_ITEMSET

    def _used(self) -> int:
        """Bytes held by the search, the table included."""
        held = (
            self._table.row_starts, self._table.baskets, self._levels, self._stack, self._arena,
            self._found, self._sizes, *self._extra,
        )  # fmt: skip
        return sum(array.nbytes for array in held)

    def _ask(self, n_bytes: int, what: str) -> None:
        """Refuse an allocation that would go beyond the memory cap."""
        total, cap = self._used() + n_bytes, self._limits.memory_bytes
        if total > cap:
            raise LimitExceeded(
                f"the search needs {total:,} bytes with {what}, the cap is {cap:,}; "
                f"{self.n_found():,} itemsets were found so far: raise the minimum count "
                f"(now {self._constraints.min_count:,}), limit the length, or raise the cap"
            )

    def _refuse_number(self, need: int) -> None:
        more = f"{need:,}" if need < 1 << 40 else "10^12 or more"
        raise LimitExceeded(
            f"there are at least {more} itemsets at a minimum count of "
            f"{self._constraints.min_count:,}, the cap is {self._limits.itemsets:,}; raise the "
            f"minimum count, limit the length, or ask for closed itemsets"
        )

    def _share_done(self) -> float:
        """Share of the first items that are finished, weighted by how many come before them."""
        n_items = self._table.n_items
        done = self._state[self._core.T_ITEM] if self._by_rows else self._levels[0, 2]
        return min(1.0, (float(done) / max(n_items, 1)) ** 2)

    def _report(self, share: float) -> None:
        if self._progress is not None and self._progress(share, self.n_found()) is False:
            raise Cancelled(f"the search was stopped after {self.n_found():,} itemsets")


class ClosedSearch(Search):
    """A search, by columns, for closed or maximal itemsets only.

    Its paths may be longer than those of a `Search`: there are no subsets to write.
    """

    _deepest = MAX_ITEMSETS

    def run_closed(
        self, *, maximal: bool
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64], npt.NDArray[np.int32]]:
        """Find every closed, or every maximal, itemset of at most `max_len` items.

        Parameters
        ----------
        maximal : bool
            Whether to keep the maximal ones only.

        Returns
        -------
        items : ndarray of int32
            Ranks of all itemsets, one after the other.
        ends : ndarray of int64, shape (n + 1,)
            Itemset i is ``items[ends[i]:ends[i + 1]]``.
        counts : ndarray of int32, shape (n,)

        Raises
        ------
        LimitExceeded, Cancelled
            As `run`.
        """
        self._maximal = maximal
        self._flat, self._ends = np.empty(1 << 16, np.int32), np.zeros((1 << 12) + 1, np.int64)
        self._held = np.empty(1 << 12, np.int32)
        self.run(Strategy("columns", "closed itemsets are searched by columns"))
        n = self.n_found()
        return self._flat[: self._ends[n]], self._ends[: n + 1], self._held[:n]

    def _set_shape(self) -> None:
        super()._set_shape()
        self._shape[self._core.S_MAX_LEN] = MAX_ITEMSETS

    def _step(self) -> int:
        return int(
            self._core.search_closed(
                self._shape, self._state, self._levels, self._stack, self._arena,
                self._perfect, self._fixed, self._pairs, self._flat, self._ends, self._held,
                self._constraints.max_len, self._maximal,
            )
        )  # fmt: skip

    def _grow_found(self, need: int) -> None:
        if self.n_found() + 1 > self._limits.itemsets:
            self._refuse_number(self.n_found() + 1)
        self._flat = self._grown(self._flat, max(need, self._flat.size), "the itemsets found")
        self._ends = self._grown(self._ends, self.n_found() + 2, "the itemsets found")
        self._held = self._grown(self._held, self._ends.size, "the itemsets found")

    def _used(self) -> int:
        return super()._used() + self._flat.nbytes + self._ends.nbytes + self._held.nbytes
