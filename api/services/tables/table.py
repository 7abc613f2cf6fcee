"""A table of complaints as read: its rows, and what was left out and why."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from domain.calendar import CHINA, parse_time
from domain.complaint import Complaint, is_unknown, parse_complaint
from domain.errors import ColumnMissing, InputError, RowRefused


@dataclass(frozen=True)
class RowError:
    """A row that was left out: where it stands, why, and what would be right."""

    row: int
    reason: str
    column: str | None = None

    def __str__(self) -> str:
        where = f"row {self.row:,}" + (f", column {self.column!r}" if self.column else "")
        return f"{where}: {self.reason}"


@dataclass(frozen=True)
class Table:
    """A table whose headers were recognised and whose rows were told apart.

    ``frame`` holds strings, one row for each readable record, indexed by row number.
    """

    name: str
    frame: pd.DataFrame
    errors: tuple[RowError, ...]
    rows_in: int
    digest: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def require(self, *columns: str) -> Table:
        """The table itself; `ColumnMissing` when it lacks one of the columns."""
        for column in columns:
            if column not in self.frame.columns:
                shown = ", ".join(self.headers) or "none"
                raise ColumnMissing(
                    f"{self.name} has no column {column!r}; its headers are {shown}. "
                    f"Name the right one with --map {column}=HEADER"
                )
        return self

    def complaints(
        self, only: Collection[str] | None = None, *, numbered: bool = False
    ) -> Iterator[tuple[int, Complaint | RowError]]:
        """Every row as a complaint or as the reason why it is none, in order.

        ``only`` names the columns that are read, by default all. With ``numbered`` a row
        without an id is called by its number, and an id may stand twice.
        """
        self.require("text" if numbered else "id", "text")
        columns = [n for n in self.frame.columns if only is None or n in only or n == "id"]
        seen: dict[str, int] = {}
        for number, *cells in self.frame[columns].itertuples(index=True, name=None):
            row = dict(zip(columns, cells, strict=True))
            if numbered and is_unknown(row.get("id")):
                row["id"] = f"row {number}"
            yield number, _complaint(number, row, None if numbered else seen)


def _complaint(
    number: int, row: dict[str, Any], seen: dict[str, int] | None
) -> Complaint | RowError:
    try:
        complaint = parse_complaint(row)
    except RowRefused as error:
        return RowError(number, error.reason, error.column)
    first = number if seen is None else seen.setdefault(complaint.id, number)
    if first != number:
        return RowError(number, f"this id stands in row {first:,} already", "id")
    return complaint


def moments(column: pd.Series[Any]) -> tuple[pd.Series[Any], list[RowError]]:
    """A column's times in UTC, NaT where it says nothing, with an error for each that is wrong.

    Times without an offset are Chinese local time, whole columns of ISO times are read at once.
    """
    plain = pd.to_datetime(column, errors="coerce", format="%Y-%m-%d %H:%M:%S")
    read = plain.dt.tz_localize(CHINA, ambiguous=True, nonexistent="shift_forward")
    read = read.dt.tz_convert("UTC").astype("datetime64[us, UTC]")
    errors: list[RowError] = []
    written: dict[Any, pd.Timestamp] = {}
    for number, raw in column[plain.isna()].items():
        if is_unknown(raw):
            continue
        try:
            written[number] = pd.Timestamp(parse_time(raw))
        except InputError as error:
            errors.append(RowError(int(str(number)), str(error), str(column.name)))
    return read.fillna(pd.Series(written, dtype=read.dtype)), errors
