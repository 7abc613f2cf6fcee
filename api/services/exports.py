"""Tables for spreadsheets, in which nothing that a customer wrote becomes a formula."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

import xlsxwriter

_FORMULA = "=+-@"
_STARTERS = set(_FORMULA) | {"\t", "\r", "\n", "\x00", "＝", "＋", "－", "＠", "|", "%"}
_SKIPPED = " \"'\u3000\u00a0\ufeff\u200b"


def is_formula_like(text: str) -> bool:
    """Whether a spreadsheet might read the text as a formula, also after blanks and quotes."""
    first = text.lstrip(_SKIPPED)[:1]
    return first in _STARTERS or unicodedata.normalize("NFKC", first)[:1] in set(_FORMULA)


def neutral(text: str) -> str:
    """The text with an apostrophe before each place that might be read as a formula.

    A semicolon begins a cell of its own where it is the list separator, as in much of Europe.
    """
    return ";".join(f"'{piece}" if is_formula_like(piece) else piece for piece in text.split(";"))


def original(cell: str) -> str:
    """What `neutral` was given."""
    return ";".join(_bare(piece) for piece in cell.split(";"))


def _bare(piece: str) -> str:
    return piece[1:] if piece.startswith("'") and is_formula_like(piece[1:]) else piece


def write_csv(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """A CSV file by RFC 4180 with a byte order mark, so that Excel reads it as UTF-8."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([neutral(header) for header in headers])
    for row in rows:
        writer.writerow([_csv_cell(value) for value in row])
    return out.getvalue().encode("utf-8-sig")


def _csv_cell(value: Any) -> Any:
    if value is None:
        return ""
    return neutral(value.replace("\x00", "")) if isinstance(value, str) else value


def write_xlsx(headers: Sequence[str], rows: Iterable[Sequence[Any]], name: str) -> bytes:
    """An Excel file whose texts are typed as text and whose numbers stay numbers."""
    out = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(out, options) as book:
        sheet = book.add_worksheet(name[:31])
        for place, header in enumerate(headers):
            sheet.write_string(0, place, header)
        for line, row in enumerate(rows, start=1):
            for place, value in enumerate(row):
                _xlsx_cell(sheet, line, place, value)
    return out.getvalue()


def _xlsx_cell(sheet: Any, line: int, place: int, value: Any) -> None:
    if value is None or value == "":
        sheet.write_blank(line, place, None)
    elif isinstance(value, bool):
        sheet.write_boolean(line, place, value)
    elif isinstance(value, (int, float)):
        sheet.write_number(line, place, value)
    else:
        sheet.write_string(line, place, str(value).replace("\x00", "")[:32_767])
