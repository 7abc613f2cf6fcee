"""Cells that a spreadsheet might run."""

from __future__ import annotations

import csv
import io

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.services.exports import is_formula_like, neutral, original, write_csv, write_xlsx

STARTS = ["=", "+", "-", "@", "\t", "\r", "\n", "\x00", "＝", "＋", "－", "＠"]


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("before", ["", " ", "　", '"', "'", " '"])
def test_every_start_of_a_formula_is_neutralised(start: str, before: str) -> None:
    """Also after a blank or a quote."""
    cell = f"{before}{start}cmd|' /C calc'!A0"
    assert neutral(cell).startswith("'")
    assert original(neutral(cell)) == cell


def test_a_formula_after_a_semicolon_is_neutralised_too() -> None:
    """There a new cell begins where semicolons separate; texts without formulas stay."""
    assert neutral("质量差;=1+1; @cmd") == "质量差;'=1+1;' @cmd"
    assert neutral(";=1+1") == ";'=1+1"
    assert neutral("一;二；=三") == "一;二；=三"


@given(st.text(max_size=30) | st.text(alphabet="';=+ a", max_size=12))
def test_reading_an_export_back_gives_the_text(text: str) -> None:
    """The apostrophe is undone exactly where it was put."""
    assert original(neutral(text)) == text


def test_plain_text_and_numbers_stay_as_they_are() -> None:
    """A negative amount is a number, not a formula."""
    content = write_csv(["a", "b"], [["屏幕闪", -3.5], [None, 7]]).decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(content))) == [["a", "b"], ["屏幕闪", "-3.5"], ["", "7"]]
    assert not is_formula_like("屏幕闪")


def test_excel_cells_are_typed(tmp_path: object) -> None:
    """Texts as text, numbers as numbers, nothing as a formula or a link."""
    rows = [["=1+1", -3.5], ["https://example.org", True], [None, ""]]
    book = openpyxl.load_workbook(io.BytesIO(write_xlsx(["a", "b"], rows, "t")))
    cells = [[cell.value for cell in row] for row in book.active.iter_rows(min_row=2)]
    assert cells[0] == ["=1+1", -3.5]
    assert book.active["A2"].data_type == "s"
    assert book.active["A3"].hyperlink is None
