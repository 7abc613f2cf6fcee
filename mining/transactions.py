"""The table that is mined: any 0/1 matrix, checked and brought into one form."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from domain.errors import InputError, LimitExceeded, SettingRefused

MAX_ONES = (1 << 31) - 1


@dataclass(frozen=True)
class Table:
    """The items that are mined, ranked, with their rows.

    Attributes
    ----------
    columns : ndarray of int64, shape (n_items,)
        Column of each rank: fixed consequents first, then the most frequent first.
    counts : ndarray of int64, shape (n_items,)
        Rows of each rank.
    row_starts : ndarray of int32, shape (n_rows + 1,)
        Where each row's items begin in `baskets`.
    baskets : ndarray of int16 or int32
        Ranks of the items of each row, and one place that is not used.
    rank : ndarray of int32, shape (n_columns,)
        Rank of each column, -1 for those that are not mined.
    volumes : ndarray of int64, shape (n_items,)
        Sum of the lengths of each rank's rows: what a pass over its pairs costs.
    """

    columns: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]
    row_starts: npt.NDArray[np.int32]
    baskets: npt.NDArray[np.int16 | np.int32]
    rank: npt.NDArray[np.int32]
    volumes: npt.NDArray[np.int64]

    @property
    def n_rows(self) -> int:
        """Number of transactions."""
        return int(self.row_starts.size - 1)

    @property
    def n_items(self) -> int:
        """Number of items that are mined."""
        return int(self.columns.size)


def as_rows(matrix: Any) -> sp.csr_array[Any, Any]:
    """Bring a 0/1 matrix into sorted CSR form without repeats or stored zeros.

    Parameters
    ----------
    matrix : sparse matrix or array, or ndarray, shape (n_transactions, n_items)
        True or 1 where a transaction holds an item. A sparse matrix may be unsorted, hold
        zeros and hold a cell twice (which counts once); it is not changed.

    Returns
    -------
    csr_array of bool, shape (n_transactions, n_items)

    Raises
    ------
    InputError
        If the matrix is not two-dimensional or holds anything but 0, 1, True and False.
    LimitExceeded
        If it holds more than 2,147,483,647 ones.

    Examples
    --------
    >>> as_rows([[1, 0], [1, 1]]).indices.tolist()
    [0, 0, 1]
    """
    table = _as_csr(matrix)
    if table.nnz > MAX_ONES:
        raise LimitExceeded(f"the matrix holds {table.nnz:,} ones; at most {MAX_ONES:,} are mined")
    _check_pointers(table)
    return _without_zeros(table)


def _as_csr(matrix: Any) -> sp.csr_array[Any, Any]:
    """Convert without looking at the values; a CSR matrix is shared, not copied."""
    is_sparse: bool = sp.issparse(matrix)
    dense = matrix if is_sparse else np.asarray(matrix)
    if dense.ndim != 2:
        raise InputError(f"the matrix has {dense.ndim} dimension(s); it needs 2")
    if is_sparse:
        return sp.csr_array(dense)
    _check_values(dense.ravel())
    return sp.csr_array(dense.astype(bool))


def _check_values(values: npt.NDArray[Any]) -> None:
    """Refuse anything but 0, 1, True and False."""
    if values.dtype == bool:
        return
    if values.dtype.kind not in "iuf":
        raise InputError(f"the matrix holds values of type {values.dtype}; use True/False or 0/1")
    wrong = values[(values != 0) & (values != 1)]
    if wrong.size:
        raise InputError(f"the matrix holds {wrong[0]}; only 0, 1, True and False are allowed")


def _check_pointers(table: sp.csr_array[Any, Any]) -> None:
    """Refuse a CSR matrix whose row pointers don't fit its indices: they would be read blindly."""
    pointers = table.indptr
    sound = pointers[0] == 0 and pointers[-1] <= min(table.indices.size, table.data.size)
    if not sound or (np.diff(pointers) < 0).any():
        raise InputError("the row pointers of the CSR matrix must rise from 0 to its entries")


def _without_zeros(table: sp.csr_array[Any, Any]) -> sp.csr_array[Any, Any]:
    """Drop stored zeros, in a copy if there are any."""
    values = table.data[: table.indptr[-1]]
    _check_values(values)
    if values.all():
        return table
    table = table.astype(bool, copy=True)
    table.eliminate_zeros()
    return table


def tidied(table: sp.csr_array[Any, Any]) -> sp.csr_array[Any, Any]:
    """Return a copy with sorted rows in which every cell stands once."""
    tidy = table.astype(bool, copy=True)
    tidy.sum_duplicates()
    return tidy


def whole_number(name: str, value: Any, least: int) -> int:
    """Return a setting as an int; refuse anything but a whole number of at least `least`.

    Examples
    --------
    >>> whole_number("min_count", 3, least=1)
    3
    """
    if isinstance(value, bool):
        raise SettingRefused(f"{name} is {value}; it must be a whole number")
    try:
        number = operator.index(value)
    except TypeError:
        raise SettingRefused(f"{name} is {value!r}; it must be a whole number") from None
    if number < least:
        raise SettingRefused(f"{name} is {number}; it must be at least {least}")
    return number


def column_set(name: str, columns: Iterable[int], n_columns: int) -> npt.NDArray[np.int64]:
    """Return distinct column numbers in ascending order; refuse those that don't exist.

    Examples
    --------
    >>> column_set("excluded", [2, 0, 2], n_columns=3)
    array([0, 2])
    """
    numbers = sorted({whole_number(name, column, least=0) for column in columns})
    if numbers and numbers[-1] >= n_columns:
        raise SettingRefused(f"{name} names column {numbers[-1]}; the last one is {n_columns - 1}")
    return np.array(numbers, dtype=np.int64)


def rank_items(
    rows: sp.csr_array[Any, Any],
    min_count: int,
    excluded: npt.NDArray[np.int64],
    consequents: npt.NDArray[np.int64],
) -> Table:
    """Keep the frequent columns, rank them, and write the rows in ranks.

    Parameters
    ----------
    rows : csr_array of bool, shape (n_rows, n_columns)
        From `as_rows`.
    min_count : int
        Rows that must hold a column.
    excluded, consequents : ndarray of int64
        Columns that are left out; columns that are ranked first.

    Returns
    -------
    Table
    """
    from mining import counting

    pointers, indices = rows.indptr.astype(np.int64), rows.indices.astype(np.int32, copy=False)
    counts, state = counting.count_items(pointers, indices, rows.shape[1])
    if state == counting.UNTIDY:
        return rank_items(tidied(rows), min_count, excluded, consequents)
    if state == counting.UNSOUND:
        raise InputError(f"the CSR matrix names columns beyond its {rows.shape[1]:,}")
    counts[excluded] = -1
    columns = np.flatnonzero(counts >= min_count)
    last = ~np.isin(columns, consequents)
    columns = columns[np.lexsort((columns, -counts[columns], last))]
    rank = np.full(rows.shape[1], -1, np.int32)
    rank[columns] = np.arange(columns.size, dtype=np.int32)
    counts = counts[columns]
    narrow = np.int16 if columns.size < 1 << 15 else np.int32
    baskets = np.empty(counts.sum() + 1, narrow)
    row_starts = np.empty(rows.shape[0] + 1, np.int32)
    volumes = np.zeros(columns.size, np.int64)
    counting.rank_rows(pointers, indices, rank, row_starts, baskets, volumes)
    return Table(columns, counts, row_starts, baskets, rank, volumes)


def joint_bars(
    groups: Sequence[Iterable[int]], rank: npt.NDArray[np.int32], n_items: int
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.bool_]]:
    """Mark the pairs that groups forbid.

    Parameters
    ----------
    groups : sequence of iterables of int
        Columns of which at most one may appear in an itemset; groups may overlap.
    rank : ndarray of int32, shape (n_columns,)
        Rank of each column that is mined, -1 for the others.
    n_items : int
        Number of columns that are mined.

    Returns
    -------
    barred : ndarray of uint64, shape (n_items, ceil(n_items / 64))
        Bit k of row j is set where ranks j and k may not stand together.
    grouped : ndarray of bool, shape (n_items,)
        Ranks that are in a group.
    """
    barred = np.zeros((n_items, -(-n_items // 64)), np.uint64)
    grouped = np.zeros(n_items, np.bool_)
    for group in groups:
        ranks = rank[column_set("groups", group, rank.size)]
        ranks = ranks[ranks >= 0]
        grouped[ranks] = True
        for one in ranks:
            others = ranks[ranks != one]
            bits = np.uint64(1) << (others & 63).astype(np.uint64)
            np.bitwise_or.at(barred[one], others >> 6, bits)
    return barred, grouped
