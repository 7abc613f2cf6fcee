"""Baskets: the items of each complaint, from a table or from a one-hot frame."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from domain.complaint import CODE_SEPARATOR
from domain.errors import ColumnMissing, SettingRefused
from mining.spelling import Aliases, join_spellings

_MOST_NUMBERS = 60
_CONSTANT_SHARE = 0.995
_IDENTIFYING_SHARE = 0.9


@dataclass(frozen=True, order=True)
class Item:
    """One attribute with one value, or one issue code.

    Attributes
    ----------
    attribute : str
        The column.
    value : str
        As shown to people.
    """

    attribute: str
    value: str

    def __str__(self) -> str:
        """Show as ``attribute=value``."""
        return f"{self.attribute}={self.value}"


@dataclass(frozen=True)
class Baskets:
    """The items of every complaint.

    Attributes
    ----------
    matrix : scipy.sparse.csr_matrix of bool, shape (n, m)
        Complaint by item.
    items : list of Item, length m
        Grouped by attribute.
    messages : list of str
        What was left out of the baskets and why, one sentence each.
    """

    matrix: sparse.csr_matrix
    items: list[Item]
    messages: list[str]

    def __len__(self) -> int:
        """Number of complaints."""
        return int(self.matrix.shape[0])

    @cached_property
    def columns(self) -> sparse.csc_matrix:
        """The matrix by item: which complaints hold it."""
        return self.matrix.tocsc()

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """Complaints that hold each item."""
        return np.bincount(self.matrix.indices, minlength=len(self.items)).astype(np.int64)

    def item_rows(self, item: int) -> NDArray[np.int32]:
        """Complaints that hold one item, ascending."""
        columns = self.columns
        return columns.indices[columns.indptr[item] : columns.indptr[item + 1]]

    def rows_of(self, items: Sequence[int]) -> NDArray[np.int32]:
        """Complaints that hold all of these items, ascending."""
        rows = self.item_rows(items[0])
        for item in items[1:]:
            rows = np.intersect1d(rows, self.item_rows(item), assume_unique=True)
        return rows

    def of(self, attributes: Collection[str]) -> NDArray[np.int64]:
        """Columns of the items of these attributes."""
        return np.array(
            [at for at, item in enumerate(self.items) if item.attribute in attributes],
            dtype=np.int64,
        )

    def rows(self, keep: NDArray[np.bool_]) -> Baskets:
        """The same items for some of the complaints."""
        return Baskets(self.matrix[np.flatnonzero(keep)], self.items, self.messages)


@dataclass(frozen=True)
class _Part:
    """The items of one column: the names, and for each complaint's items the row and the code."""

    names: list[str]
    rows: NDArray[np.int32]
    codes: NDArray[np.int32]


def baskets_from_table(
    table: pd.DataFrame,
    attributes: Sequence[str],
    *,
    several: Collection[str] = ("issues",),
    aliases: Aliases | None = None,
) -> Baskets:
    """Make baskets of a complaint table.

    Values that say nothing (missing, 未知, nan …) are no items. A column of measurements, of
    times, of numbers that identify the row, or of one value in nearly all rows can't tell
    complaints apart; it is left out with a message.

    Parameters
    ----------
    table : pandas.DataFrame, n rows
        One complaint a row.
    attributes : sequence of str
        Columns whose values become items.
    several : collection of str, default ("issues",)
        Those of them that hold several values joined by ``|``.
    aliases : mapping of attribute to mapping of spelling to name, optional
        Spellings that can't be seen to be the same.

    Returns
    -------
    Baskets

    Raises
    ------
    ColumnMissing
        The table lacks one of the columns.
    SettingRefused
        No column is named, or one twice.

    Examples
    --------
    >>> table = pd.DataFrame({"batch": ["B07", "b-07", "未知"], "issues": ["1|2", "1", ""]})
    >>> baskets = baskets_from_table(table, ["batch", "issues"])
    >>> [str(item) for item in baskets.items], baskets.matrix.sum()
    (['batch=B07', 'issues=1', 'issues=2'], np.int64(5))
    """
    _check_columns(table, attributes)
    messages: list[str] = []
    items: list[Item] = []
    rows: list[NDArray[np.int32]] = []
    codes: list[NDArray[np.int32]] = []
    for name in attributes:
        refusal = _refusal(table[name]) if name not in several else None
        part = None if refusal else _part(table[name], name in several, (aliases or {}).get(name))
        if part is not None:
            refusal = _says_nothing(part, len(table)) if name not in several else None
        if part is None or refusal:
            messages.append(f"column {name!r} {refusal}; it is left out")
            continue
        rows.append(part.rows)
        codes.append(part.codes + np.int32(len(items)))
        items += [Item(name, value) for value in part.names]
    return Baskets(_csr(rows, codes, (len(table), len(items))), items, messages)


def _check_columns(table: pd.DataFrame, attributes: Sequence[str]) -> None:
    if not attributes:
        raise SettingRefused("no columns are named; name those whose values are to be mined")
    if len(set(attributes)) < len(attributes):
        raise SettingRefused(f"columns {list(attributes)} name one twice; name each once")
    missing = [name for name in attributes if name not in table.columns]
    if missing:
        there = ", ".join(map(str, table.columns))
        raise ColumnMissing(f"no column {missing[0]!r} in the table; it has {there}")


def _refusal(column: pd.Series) -> str | None:
    if pd.api.types.is_datetime64_any_dtype(column):
        return "holds times"
    if pd.api.types.is_bool_dtype(column) or not pd.api.types.is_numeric_dtype(column):
        return None
    distinct = column.nunique()
    return f"holds {distinct:,} different numbers" if distinct > _MOST_NUMBERS else None


def _says_nothing(part: _Part, total: int) -> str | None:
    if len(part.names) == 0:
        return "holds no known value"
    if len(part.names) > 50 and len(part.names) > _IDENTIFYING_SHARE * part.rows.size:
        return f"identifies the row ({len(part.names):,} values in {part.rows.size:,} rows)"
    commonest = int(np.bincount(part.codes).max())
    if commonest >= _CONSTANT_SHARE * total:
        return f"holds one value in {commonest:,} of {total:,} rows"
    return None


def _part(column: pd.Series, several: bool, aliases: Mapping[str, str] | None) -> _Part | None:
    wide_codes, raw_values = pd.factorize(column, use_na_sentinel=True)
    raw_codes = wide_codes.astype(np.int32)
    written = [_written(value) for value in raw_values]
    if several:
        return _several_part(raw_codes, written, aliases)
    counts = np.bincount(raw_codes[raw_codes >= 0], minlength=len(written))
    names, joined = join_spellings(written, counts, aliases)
    codes = np.append(joined, np.int32(-1))[raw_codes]
    rows = np.flatnonzero(codes >= 0).astype(np.int32)
    return _Part(names, rows, codes[rows])


def _written(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _several_part(
    raw_codes: NDArray[np.int32], written: list[str], aliases: Mapping[str, str] | None
) -> _Part:
    """Split each distinct joined value once, then repeat the result over the rows."""
    pieces = pd.Series(written, dtype=object).str.split(CODE_SEPARATOR, regex=True).explode()
    owner = pieces.index.to_numpy()
    piece_codes, piece_values = pd.factorize(pieces)
    held = np.append(np.bincount(raw_codes[raw_codes >= 0], minlength=len(written)), 0)
    counts = np.bincount(piece_codes, weights=held[owner], minlength=len(piece_values))
    names, joined = join_spellings([str(v) for v in piece_values], counts.astype(int), aliases)
    pairs = np.stack([owner, joined[piece_codes]], axis=1) if len(written) else np.empty((0, 2))
    pairs = np.unique(pairs[pairs[:, 1] >= 0], axis=0).astype(np.int32)
    lengths = np.bincount(pairs[:, 0], minlength=len(written)).astype(np.int64)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    known = np.flatnonzero(raw_codes >= 0)
    repeats = lengths[raw_codes[known]]
    rows = np.repeat(known, repeats).astype(np.int32)
    first = np.repeat(starts[raw_codes[known]] - np.cumsum(repeats) + repeats, repeats)
    return _Part(names, rows, pairs[np.arange(rows.size) + first, 1])


def _csr(
    rows: list[NDArray[np.int32]], codes: list[NDArray[np.int32]], shape: tuple[int, int]
) -> sparse.csr_matrix:
    row = np.concatenate(rows) if rows else np.empty(0, np.int32)
    column = np.concatenate(codes) if codes else np.empty(0, np.int32)
    held = np.ones(row.size, dtype=np.bool_)
    return sparse.csr_matrix((held, (row, column)), shape=shape)


def baskets_from_frame(frame: pd.DataFrame, separator: str = "=") -> Baskets:
    """Make baskets of a one-hot frame, as mlxtend's ``TransactionEncoder`` gives.

    Parameters
    ----------
    frame : pandas.DataFrame of bool or 0/1, shape (n, m)
        Dense or sparse; a column called ``attribute=value`` becomes that item, any other
        column an item of the attribute ``item``.
    separator : str, default "="
        What stands between attribute and value in a column's name.

    Returns
    -------
    Baskets

    Raises
    ------
    SettingRefused
        A cell is neither 0 nor 1.

    Examples
    --------
    >>> frame = pd.DataFrame({"batch=B07": [True, False], "issues=1": [True, True]})
    >>> [str(item) for item in baskets_from_frame(frame).items]
    ['batch=B07', 'issues=1']
    """
    if all(isinstance(kind, pd.SparseDtype) for kind in frame.dtypes):
        sparse_frame: Any = frame.sparse
        matrix = sparse_frame.to_coo().tocsr()
    else:
        matrix = sparse.csr_matrix(frame.to_numpy(dtype=np.float64, na_value=np.nan))
    if not np.isin(matrix.data, (0, 1)).all():
        raise SettingRefused("a one-hot frame holds a value that is neither 0 nor 1")
    matrix = matrix.astype(np.bool_)
    matrix.eliminate_zeros()
    return Baskets(matrix, [_named(str(name), separator) for name in frame.columns], [])


def _named(name: str, separator: str) -> Item:
    attribute, found, value = name.partition(separator)
    return Item(attribute, value) if found else Item("item", name)
