"""CSV and its kin: whole tables at once where they are clean, else record by record."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv

from api.services.tables.gathering import Gathering, refuse_headers, refuse_width
from api.services.tables.limits import MEGABYTE, Limits
from api.services.tables.table import Table
from domain.errors import TableUnreadable


def read_separated(text: str, name: str, limits: Limits, delimiter: str | None = None) -> Table:
    """The table of a delimited text; blank rows count, as they do in a spreadsheet."""
    text = text.rstrip("\r\n")
    delimiter = delimiter or _delimiter(text)
    fast = _read_fast(text, name, delimiter, limits)
    return fast if fast is not None else _read_carefully(text, name, delimiter, limits)


def _delimiter(text: str) -> str:
    header = text[: 16 * MEGABYTE].lstrip("\r\n ").split("\n", 1)[0]
    return max(",;\t", key=header.count)


def _read_fast(text: str, name: str, delimiter: str, limits: Limits) -> Table | None:
    """The whole table by Arrow; None where a row needs a closer look."""
    if "\x00" in text or text.count("\r") != text.count("\r\n") or text.count('"') % 2:
        return None
    try:
        header = next(csv.reader(io.StringIO(text[: _line_end(text, 0)]), delimiter=delimiter))
    except (StopIteration, csv.Error):
        return None
    refuse_width(sum(1 for cell in header if cell.strip()), name)
    if (text.count("\n") + 1) * len(header) > limits.cells or len(set(header)) != len(header):
        return None
    arrow = _by_arrow(text, header, delimiter)
    if arrow is None or not _is_plain(arrow, limits):
        return None
    arrow = arrow.select([column for column in header if column.strip()])
    arrow = arrow.rename_columns([column.strip() for column in arrow.column_names])
    refuse_headers(arrow.column_names, name)
    return _whole(arrow, name)


def _by_arrow(text: str, header: list[str], delimiter: str) -> pa.Table | None:
    broken: list[Any] = []

    def keep_going(row: Any) -> str:
        broken.append(row)
        return "skip" if len(broken) == 1 else "error"

    try:
        arrow = pyarrow.csv.read_csv(
            pa.BufferReader(text.encode()),
            read_options=pyarrow.csv.ReadOptions(use_threads=False, block_size=8 * MEGABYTE),
            parse_options=pyarrow.csv.ParseOptions(
                delimiter=delimiter,
                newlines_in_values=True,
                ignore_empty_lines=False,
                invalid_row_handler=keep_going,
            ),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid:
        return None
    return None if broken or arrow.column_names != header else arrow


def _is_plain(arrow: pa.Table, limits: Limits) -> bool:
    """Whether no row is blank, no cell too long and none holds a line feed.

    A line feed in a cell may be a quotation mark that was never closed.
    """
    if arrow.num_rows == 0:
        return False
    for column in arrow.columns:
        longest = pa.compute.max(pa.compute.binary_length(column)).as_py()
        if longest > limits.cell_bytes:
            return False
        if pa.compute.any(pa.compute.match_substring(column, "\n")).as_py():
            return False
    return not _has_blank_row(arrow)


def _has_blank_row(arrow: pa.Table) -> bool:
    blank = np.ones(arrow.num_rows, dtype=bool)
    for column in arrow.columns:
        blank &= pa.compute.equal(pa.compute.utf8_trim_whitespace(column), "").to_numpy()
        if not blank.any():
            return False
    return True


def _whole(arrow: pa.Table, name: str) -> Table:
    frame = arrow.to_pandas()
    frame.index = pd.RangeIndex(2, len(frame) + 2)
    return Table(name, frame, (), len(frame), digest="")


def _read_carefully(text: str, name: str, delimiter: str, limits: Limits) -> Table:
    """Record by record, so that a ragged row or an open quote costs that row alone."""
    records = _records(text, name, delimiter, limits)
    _, header = next(records, (1, "it holds only blank lines"))
    if isinstance(header, str):
        raise TableUnreadable(f"the header of {name} can't be read: {header}")
    rows = Gathering(name, header, limits)
    for number, record in records:
        if isinstance(record, str):
            rows.refuse(number, record)
        elif len(record) != len(header):
            rows.refuse(number, f"{len(record)} cells where the header has {len(header)}")
        else:
            rows.add(number, record)
    return rows.table()


def _records(
    text: str, name: str, delimiter: str, limits: Limits
) -> Iterator[tuple[int, list[str] | str]]:
    """Records that are not blank, with their numbers; a string says why one can't be read."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    csv.field_size_limit(max(limits.cell_bytes, 131_072))
    at = number = 0
    while at < len(text):
        lines = _Lines(text, at)
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        try:
            for record in reader:
                number, at = number + 1, lines.at
                if any(map(str.strip, record)):
                    yield number, record
                else:
                    limits.keep_cells(number, name)
        except csv.Error as error:
            number, at = number + 1, _line_end(text, at)
            yield number, _why(error, limits)


class _Lines:
    """The lines of a text from a place on; ``at`` is where the next one begins."""

    def __init__(self, text: str, at: int) -> None:
        self._text = text
        self.at = at

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        start, self.at = self.at, _line_end(self._text, self.at)
        if start == self.at:
            raise StopIteration
        return self._text[start : self.at]


def _line_end(text: str, at: int) -> int:
    return text.find("\n", at) + 1 or len(text)


def _why(error: csv.Error, limits: Limits) -> str:
    if "field larger" in str(error):
        return f"a cell holds more than {limits.cell_bytes // 1024:,} KiB"
    if "unexpected end" in str(error):
        return "a quotation mark is opened and never closed; close or double it"
    return f"a quotation mark stands where none may ({error})"
