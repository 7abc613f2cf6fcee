"""Excel workbooks: the first sheet, read row by row within its limits."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any
from xml.parsers import expat

from api.services.tables.gathering import Gathering, written
from api.services.tables.limits import FORMATS, MEGABYTE, Limits
from api.services.tables.table import Table
from domain.errors import LimitExceeded, TableUnreadable

_SHEET_ROWS = 1_048_576  # what Excel itself can show
_OUTER_ELEMENTS, _INNER_ELEMENTS = 3_000_000, 200_000


def read_workbook(content: bytes, name: str, limits: Limits) -> Table:
    """The first sheet; its first row that is not blank holds the headers."""
    refuse_bomb(content, name, limits)
    _refuse_crowds(content, name)
    try:
        return _read(content, name, limits)
    except (TableUnreadable, LimitExceeded):
        raise
    except Exception as error:  # openpyxl lets a dozen kinds through
        raise TableUnreadable(
            f"{name} is no readable workbook ({type(error).__name__}); save it as .xlsx anew"
        ) from None


def _read(content: bytes, name: str, limits: Limits) -> Table:
    records = _records(content, name, limits)
    _, header = next(records, (0, []))
    if not header:
        raise TableUnreadable(f"the first sheet of {name} is empty; it needs a header and a row")
    rows = Gathering(name, header, limits)
    for number, record in records:
        rows.add(number, (record + [""] * (len(header) - len(record)))[: len(header)])
    return rows.table()


def _records(content: bytes, name: str, limits: Limits) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not blank, with the numbers that a spreadsheet shows."""
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    sheet: Any = book.worksheets[0]
    sheet.reset_dimensions()  # a sheet may say that it is a million rows of sixteen thousand
    cells = 0
    for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
        if number > _SHEET_ROWS:
            raise LimitExceeded(f"{name} has rows below {_SHEET_ROWS:,}, the last one of Excel")
        cells += len(row)
        limits.keep_cells(cells, name)
        record = [written(value) for value in row]
        if any(map(str.strip, record)):
            yield number, record
    book.close()


def refuse_bomb(content: bytes, name: str, limits: Limits) -> None:
    """Refuse an archive that is no workbook or unpacks beyond the limits, without unpacking it."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            if "[Content_Types].xml" not in archive.namelist():
                raise TableUnreadable(f"{name} is an archive, not a workbook; give {FORMATS}")
            if len(entries) > limits.archive_entries:
                raise LimitExceeded(
                    f"{name} has {len(entries):,} parts; a workbook has at most "
                    f"{limits.archive_entries:,}"
                )
            limits.keep_size(sum(entry.file_size for entry in entries), name)
            for entry in entries:
                _refuse_entities(archive, entry, name)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError):
        raise TableUnreadable(f"{name} is a broken workbook; save it anew") from None


def _refuse_entities(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> None:
    with archive.open(entry) as part:
        head = part.read(4096).lower()
    if b"<!doctype" in head or b"<!entity" in head:
        _no_entities(name)


def _no_entities(name: str) -> None:
    raise TableUnreadable(f"{name} declares XML entities, which no workbook needs")


def _refuse_crowds(content: bytes, name: str) -> None:
    """Refuse parts whose tree of elements, which openpyxl builds, would fill the memory."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for entry in archive.infolist():
            if entry.filename.lower().endswith((".xml", ".rels")):
                with archive.open(entry) as part:
                    _Crowd(name).read(part)


class _Crowd:
    """Counts the elements of one part: rows or strings, and those within one of them."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._depth = self._outer = self._inner = 0

    def read(self, part: Any) -> None:
        """Walk a part without keeping it."""
        parser = expat.ParserCreate()
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.StartDoctypeDeclHandler = lambda *_: _no_entities(self._name)
        try:
            while block := part.read(MEGABYTE):
                parser.Parse(block, False)
        except (expat.ExpatError, zipfile.BadZipFile):
            raise TableUnreadable(f"{self._name} is a broken workbook; save it anew") from None

    def _start(self, *_: Any) -> None:
        self._depth += 1
        if self._depth <= 3:
            self._outer, self._inner = self._outer + 1, 0
        else:
            self._inner += 1
        if self._outer > _OUTER_ELEMENTS or self._inner > _INNER_ELEMENTS:
            raise LimitExceeded(
                f"{self._name} holds more rows, or cells in a row, than a sheet of Excel can"
            )

    def _end(self, *_: Any) -> None:
        self._depth -= 1
