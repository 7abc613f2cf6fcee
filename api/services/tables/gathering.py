"""Rows gathered into a table while a file is read, within its limits."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from datetime import date, datetime
from itertools import repeat
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute

from api.services.tables.limits import MAX_COLUMNS, MEGABYTE, Limits
from api.services.tables.table import RowError, Table
from domain.errors import TableUnreadable

_ROWS, _CHARACTERS = 4_096, 8 * MEGABYTE


class Gathering:
    """Collects the rows of one file.

    Rows go into Arrow's compact columns a few thousand at a time, so that a file's table never
    lies in memory as Python objects, and its size is known while there is still time to stop.
    """

    def __init__(self, name: str, headers: Sequence[str], limits: Limits) -> None:
        self._name = name
        self._limits = limits
        self._headers = [header.strip() for header in headers]
        self._kept = [at for at, header in enumerate(self._headers) if header]
        self._whole = len(self._kept) == len(self._headers)
        self._errors: list[RowError] = []
        self._numbers = array("q")
        self._pending: list[list[str]] = []
        self._parts: list[pa.Table] = []
        self._characters = self._size = self._cells = 0
        refuse_headers([self._headers[at] for at in self._kept], name)

    @property
    def columns(self) -> list[str]:
        """The headers that are read; a column without one is left out by its place."""
        return [self._headers[at] for at in self._kept]

    def refuse(self, number: int, reason: str, column: str | None = None) -> None:
        """Leave a row out and say why."""
        self._errors.append(RowError(number, reason, column))

    def add(self, number: int, record: list[str]) -> None:
        """Take a row of as many cells as there are headers; one of blanks is none."""
        self._count(len(record))
        cells = record if self._whole else [record[at] for at in self._kept]
        characters = sum(map(len, cells))
        if not characters or not any(map(str.strip, cells)):
            return
        if characters * 4 > self._limits.cell_bytes and self._has_long(number, cells):
            return
        self._pending.append(cells)
        self._numbers.append(number)
        self._characters += characters
        if len(self._pending) >= _ROWS or self._characters >= _CHARACTERS:
            self._pack()

    def _has_long(self, number: int, cells: list[str]) -> bool:
        for column, value in zip(self.columns, cells, strict=True):
            if self._limits.too_long(value):
                self.refuse(number, self._limits.long_cell, column)
                return True
        return False

    def add_part(self, first: int, part: pa.Table) -> None:
        """Take rows that are Arrow columns of strings already."""
        self._count(part.num_rows * part.num_columns)
        long = np.zeros(part.num_rows, dtype=bool)
        for column in part.column_names:
            sizes = pa.compute.binary_length(part[column])
            over = pa.compute.greater(sizes, self._limits.cell_bytes).to_numpy()
            for at in np.flatnonzero(over & ~long):
                self.refuse(first + int(at), self._limits.long_cell, column)
            long |= over
        self._numbers.extend((np.flatnonzero(~long) + first).tolist())
        self._keep(part.filter(pa.array(~long)) if long.any() else part)

    def widen(self, header: str) -> None:
        """A column that was not met before; rows without it hold nothing there."""
        self._headers.append(header)
        self._kept.append(len(self._headers) - 1)
        refuse_width(len(self._headers), self._name)
        self._count(len(self._numbers))

    def table(self) -> Table:
        """Everything gathered; `TableUnreadable` when no row was met."""
        self._pack()
        rows_in = len(self._numbers) + len(self._errors)
        if rows_in == 0:
            raise TableUnreadable(
                f"{self._name} has a header and no row below it; give at least one row"
            )
        frame = self._frame()
        frame.index = pd.Index(np.asarray(self._numbers, dtype=np.int64))
        errors = tuple(sorted(self._errors, key=lambda error: error.row))
        return Table(self._name, frame, errors, rows_in, digest="")

    def _frame(self) -> pd.DataFrame:
        if not self._parts:
            return pd.DataFrame(columns=self.columns, dtype="str")
        whole = pa.concat_tables(self._parts, promote_options="default")
        filled = [pa.compute.fill_null(column, "") for column in whole.columns]
        frame: pd.DataFrame = pa.table(filled, names=whole.column_names).to_pandas()
        return frame

    def _count(self, cells: int) -> None:
        self._cells += cells
        self._limits.keep_cells(self._cells, self._name)

    def _pack(self) -> None:
        if not self._pending:
            return
        width = len(self._kept)
        for row in self._pending:
            row.extend(repeat("", width - len(row)))
        columns = [pa.array(cells, pa.string()) for cells in zip(*self._pending, strict=True)]
        self._pending, self._characters = [], 0
        self._keep(pa.table(columns, names=self.columns))

    def _keep(self, part: pa.Table) -> None:
        self._size += part.nbytes
        self._limits.keep_size(self._size, self._name)
        self._parts.append(part)


def refuse_headers(headers: Sequence[str], name: str) -> None:
    """`TableUnreadable` when there are too many columns or two of one name."""
    refuse_width(len(headers), name)
    doubled = sorted({header for header in headers if headers.count(header) > 1})
    if doubled:
        raise TableUnreadable(f"{name} has column {doubled[0]!r} twice; rename one of them")


def refuse_width(columns: int, name: str) -> None:
    """`TableUnreadable` when a table has more columns than are read."""
    if columns > MAX_COLUMNS:
        raise TableUnreadable(f"{name} has {columns:,} columns; at most {MAX_COLUMNS} are read")


def written(value: Any) -> str:
    """A cell as CSV would carry it: whole numbers bare, lists joined by ``|``."""
    if isinstance(value, str):
        return value
    if value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, (list, tuple)):
        return "|".join(map(written, value))
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return str(value)
