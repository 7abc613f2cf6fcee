import gzip
import io
import json
import tracemalloc
import zipfile
from pathlib import Path

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.services.tables import UPLOAD_LIMITS, Limits, RowError, Table, moments, read_table
from domain.complaint import Complaint
from domain.errors import ColumnMissing, LimitExceeded, TableUnreadable

GOOD = "id,text,tier\n1,屏幕一直闪,紧急\n2,客服电话打不通,普通\n"


def ids(table: Table) -> list[str]:
    """Ids of the rows that became complaints."""
    return [row.id for _, row in table.complaints() if isinstance(row, Complaint)]


def reasons(table: Table) -> list[str]:
    """Why the others did not."""
    return [str(row) for _, row in table.complaints() if isinstance(row, RowError)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk"])
@pytest.mark.parametrize("packed", [False, True])
def test_csv_is_read_in_the_encodings_people_save(encoding: str, packed: bool) -> None:
    """UTF-8 with and without a mark, GB18030 and its subset, also packed."""
    content = GOOD.encode(encoding)
    table = read_table(gzip.compress(content) if packed else content, name="a.csv")
    assert list(table.frame["text"]) == ["屏幕一直闪", "客服电话打不通"]
    assert ids(table) == ["1", "2"]


@pytest.mark.parametrize("encoding", ["big5", "utf-16", "shift_jis", "utf-32"])
def test_other_encodings_are_refused_rather_than_misread(encoding: str) -> None:
    """No mojibake: the error says what to save as."""
    text = "id,text\n" + "1,這個產品品質很差我要退貨你們客服電話都打不通\n" * 20
    with pytest.raises(TableUnreadable, match="GB18030"):
        read_table(text.encode(encoding, "replace"), name="a.csv")


def test_bad_rows_are_named_and_the_rows_beside_them_kept() -> None:
    """A ragged row, an open quote, a wrong value, NUL, no Chinese, a doubled id, an empty text."""
    content = (
        'id,text,tier\n1,屏幕一直闪,紧急\n2,多,一,格\n3,"引号没关\n4,好的一行,普通\n5,等级不对,急\n'
        '6,"两行\n文本",普通\n7,坏\x00字,普通\n8,only english,普通\n4,编号重复,普通\n9,,普通\n'
    )
    table = read_table(content.encode(), name="a.csv")
    assert ids(table) == ["1", "4", "6"]
    assert [str(error) for error in table.errors] == [
        "row 3: 4 cells where the header has 3",
        "row 4: a quotation mark stands where none may (',' expected after '\"')",
    ]
    assert [reason.split(":")[0] for reason in reasons(table)] == [
        "row 6, column 'tier'",
        "row 8, column 'text'",
        "row 9, column 'text'",
        "row 10, column 'id'",
        "row 11, column 'text'",
    ]
    assert len(table.frame) + len(table.errors) == table.rows_in == 10


def test_a_quote_never_closed_costs_its_own_row_only() -> None:
    """The rows after it are read as if it were not there."""
    table = read_table('id,text\n1,"没关\n2,好的一行\n3,又一行\n'.encode(), name="a.csv")
    assert ids(table) == ["2", "3"]
    assert "never closed" in table.errors[0].reason


def test_two_open_quotes_do_not_swallow_what_lies_between() -> None:
    """Marks that pair up by accident are still found out."""
    content = 'id,text\n1,"没关\n2,好的一行\n3,"也没关\n4,又一行\n'
    assert ids(read_table(content.encode(), name="a.csv")) == ["2", "4"]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_line_ends_of_every_system_are_read(line_end: str) -> None:
    """Also those of old Excel for Mac."""
    assert ids(read_table(GOOD.replace("\n", line_end).encode(), name="a.csv")) == ["1", "2"]


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_delimiters_are_recognised(delimiter: str) -> None:
    """By the header."""
    assert ids(read_table(GOOD.replace(",", delimiter).encode(), name="a.csv")) == ["1", "2"]


@pytest.mark.parametrize(
    ("content", "name", "reason"),
    [
        (b"", "a.csv", "is empty; it needs a header"),
        (b" \n\n", "a.csv", "is empty; it needs a header"),
        (b"id,text\n", "a.csv", "give at least one row"),
        (b"id,text,text\n1,2,3\n", "a.csv", "has column 'text' twice"),
        (b"id," + b",".join(b"c%d" % i for i in range(600)) + b"\n1\n", "a.csv", "at most 500"),
        (b"\x1f\x8b and no gzip after it", "a.csv.gz", "broken gzip"),
        (gzip.compress(GOOD.encode() * 50)[:-20], "a.csv.gz", "cut short"),
        (b"PK\x03\x04", "a.xlsx", "broken workbook"),
        (b"rubbish", "a.xlsx", "no Excel file"),
        (b"rubbish", "a.csv.gz", "no gzip file"),
        (b"%PDF-1.7", "a.pdf", "of a kind that is not read"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a.xls", "not read; give CSV"),
        (b"PAR1", "a.parquet", "no Parquet file"),
        (b"not json\n", "a.jsonl", "no line that is a JSON object"),
    ],
)
def test_a_file_that_is_no_table_is_refused(content: bytes, name: str, reason: str) -> None:
    """The error says what would be right."""
    with pytest.raises(TableUnreadable, match=reason):
        read_table(content, name=name)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """No stack trace, the path instead."""
    with pytest.raises(TableUnreadable, match="there is no file"):
        read_table(tmp_path / "none.csv")


def test_a_missing_column_says_how_to_map_it() -> None:
    """The headers that are there, and the option that helps."""
    table = read_table("编号x,留言\n1,屏幕闪\n".encode(), name="a.csv")
    with pytest.raises(ColumnMissing, match=r"headers are 编号x, 留言.*--map id=HEADER"):
        list(table.complaints())


def test_a_map_fits_a_foreign_table() -> None:
    """Headers by column name."""
    content = "no,body\n7,屏幕一直闪\n".encode()
    table = read_table(content, name="a.csv", mapping={"id": "no", "text": "body"})
    assert ids(table) == ["7"]


def test_excel_is_read_as_people_see_it() -> None:
    """Whole numbers stay whole, dates become ISO."""
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(["编号", "内容", "受理时间"])
    book.active.append([7, "屏幕一直闪", pd.Timestamp("2026-02-14 15:00").to_pydatetime()])
    packed = io.BytesIO()
    book.save(packed)
    table = read_table(packed.getvalue(), name="a.xlsx")
    assert table.frame.iloc[0].to_list() == ["7", "屏幕一直闪", "2026-02-14T15:00:00"]


def test_json_lines_keep_good_lines_beside_bad_ones() -> None:
    """NaN, arrays and broken lines are errors of their row."""
    lines = [
        json.dumps({"id": 1, "text": "屏幕闪", "issues": ["1002", "5002"]}),
        '{"id": 2, "text": "屏幕闪", "cost": NaN}',
        "[1, 2]",
        "{broken",
        json.dumps({"id": 3, "text": "电话打不通"}),
    ]
    table = read_table("\n".join(lines).encode(), name="a.jsonl")
    assert ids(table) == ["1", "3"]
    assert table.frame.loc[1, "issues"] == "1002|5002"
    assert [error.row for error in table.errors] == [2, 3, 4]


def test_half_a_surrogate_or_nul_costs_its_own_json_line() -> None:
    """Named by the line of the file, blank lines counted, and by the column."""
    lines = [
        '{"id": "1", "text": "屏幕闪"}', "", r'{"id": "2", "text": "手机\ud800坏了"}',
        r'{"id": "3", "te\udc00xt": "屏幕闪"}', r'{"id": "4", "text": "屏\u0000幕"}',
        r'{"id": "5", "text": "没声音\ud83d\ude00"}', '{"id": "6", "id": "7", "text": "屏幕闪"}',
    ]  # fmt: skip
    table = read_table("\n".join(lines).encode(), name="a.jsonl")
    assert ids(table) == ["1", "5"]
    assert [str(error) for error in table.errors] == [
        "row 3, column 'text': holds half a surrogate pair; send whole Unicode characters",
        "row 4: a column's name holds half a surrogate pair; send whole Unicode characters",
        "row 5, column 'text': holds the character U+0000; send it without",
        "row 7: a name stands twice in an object; name each column once",
    ]
    assert table.rows_in == 6


def test_blank_rows_are_counted_in_row_numbers() -> None:
    """As a spreadsheet shows them, and a blank line inside a cell is kept."""
    content = 'id,text\n1,屏幕闪\n\n2,only english\n \n3,"第一行\n\n第二行"\n'
    table = read_table(content.encode(), name="a.csv")
    assert [error.split(",")[0] for error in reasons(table)] == ["row 4"]
    assert table.frame.loc[6, "text"] == "第一行\n\n第二行"
    assert table.rows_in == 3


def test_a_sheet_keeps_its_row_numbers_and_loses_columns_without_header() -> None:
    """Blank rows count; what stands under no header is left out by its place."""
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in (["id", None, "text"], [1, "x", "屏幕闪"], [], [2, "y", "only english"]):
        book.active.append(row)
    packed = io.BytesIO()
    book.save(packed)
    table = read_table(packed.getvalue(), name="a.xlsx")
    assert ids(table) == ["1"]
    assert reasons(table)[0].startswith("row 4, column 'text'")


def test_a_sheet_that_claims_every_cell_is_read_by_what_it_holds() -> None:
    """Two rows a million apart cost no million rows of cells."""
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(["id", "text"])
    book.active.cell(1_048_576, 1, "1")
    book.active.cell(1_048_576, 2, "屏幕闪")
    packed = io.BytesIO()
    book.save(packed)
    table = read_table(packed.getvalue(), name="a.xlsx", limits=UPLOAD_LIMITS)
    assert list(table.frame.index) == [1_048_576]


def test_words_that_repeat_without_end_are_refused(tmp_path: Path) -> None:
    """A long word that a small file names a thousand times counts each time."""
    limits = Limits(unpacked_bytes=20 << 20)
    rows = {"id": [str(n) for n in range(300)], "text": ["屏" * 100_000] * 300}
    file = tmp_path / "a.parquet"
    pd.DataFrame(rows).to_parquet(file)
    assert file.stat().st_size < 1 << 20
    with pytest.raises(LimitExceeded, match="unpacks to more than 20 MiB"):
        read_table(file, limits=limits)


def test_json_lines_with_a_key_each_are_refused() -> None:
    """Before a table as wide as the file is long is made."""
    lines = "\n".join(f'{{"k{n}": 1}}' for n in range(5_000))
    tracemalloc.start()
    with pytest.raises(TableUnreadable, match="has 501 columns"):
        read_table(lines.encode(), name="a.jsonl")
    assert tracemalloc.get_traced_memory()[1] < 8_000_000
    tracemalloc.stop()


def test_parquet_lists_and_missing_times_are_read(tmp_path: Path) -> None:
    """A list is joined as in CSV; a time that is not there is no wrong time."""
    rows = {
        "id": ["1", "2"], "text": ["屏幕闪", "没声音"], "issues": [["1001", "1002"], []],
        "received_at": [pd.Timestamp("2026-02-14 15:00"), pd.NaT],
    }  # fmt: skip
    file = tmp_path / "a.parquet"
    pd.DataFrame(rows).to_parquet(file)
    table = read_table(file)
    assert ids(table) == ["1", "2"]
    assert table.frame["issues"].to_list() == ["1001|1002", ""]


def test_parquet_is_read(tmp_path: Path) -> None:
    """Numbers and missing values become what CSV would hold."""
    file = tmp_path / "a.parquet"
    pd.DataFrame({"id": [1, 2], "text": ["屏幕闪", "没声音"], "cost": [1.5, None]}).to_parquet(file)
    assert read_table(file).frame["cost"].to_list() == ["1.5", ""]


def test_a_gzip_bomb_is_refused_before_it_unpacks() -> None:
    """Memory stays near the limit, not near the bomb's size."""
    bomb = gzip.compress(b"0" * 64_000_000)
    tracemalloc.start()
    with pytest.raises(LimitExceeded, match="unpacks to more than 1 MiB"):
        read_table(bomb, name="a.csv.gz", limits=Limits(unpacked_bytes=1 << 20))
    assert tracemalloc.get_traced_memory()[1] < 8_000_000
    tracemalloc.stop()


def workbook_with(part: bytes, parts: int = 1) -> bytes:
    """An archive that says it is a workbook."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        for number in range(parts):
            archive.writestr(f"xl/worksheets/sheet{number}.xml", part)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (workbook_with(b"0" * 210_000_000), "unpacks to more than 200 MiB"),
        (workbook_with(b"", parts=2_001), "2,002 parts"),
    ],
)
def test_archive_bombs_are_refused(content: bytes, reason: str) -> None:
    """By what the archive says of itself, nothing is unpacked."""
    with pytest.raises(LimitExceeded, match=reason):
        read_table(content, name="a.xlsx", limits=UPLOAD_LIMITS)


def test_xml_entities_and_plain_archives_are_no_workbooks() -> None:
    """A billion laughs never starts."""
    with pytest.raises(TableUnreadable, match="XML entities"):
        read_table(workbook_with(b'<!DOCTYPE x [<!ENTITY a "a">]>'), name="a.xlsx")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("inner.zip", b"x")
    with pytest.raises(TableUnreadable, match="an archive, not a workbook"):
        read_table(packed.getvalue(), name="a.xlsx")


def test_a_cell_over_the_limit_costs_its_row_only() -> None:
    """Ten megabytes in one cell are no complaint."""
    content = f"id,text\n1,{'闪' * 500_000}\n2,屏幕闪\n".encode()
    table = read_table(content, name="a.csv", limits=UPLOAD_LIMITS)
    assert len(table.errors) + len(table.frame) == 2
    assert ids(table)[-1:] == ["2"]


def sheet_of(rows: str, shared: str = "") -> bytes:
    """A workbook whose one sheet and whose shared strings are written by hand."""
    packed = io.BytesIO()
    pd.DataFrame({"id": ["1"]}).to_excel(packed, index=False)
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    parts = {
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}">{rows}</worksheet>',
        "xl/sharedStrings.xml": f'<sst xmlns="{main}">{shared}</sst>',
    }
    made = io.BytesIO()
    with zipfile.ZipFile(packed) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            new.writestr(entry.filename, parts.get(entry.filename) or old.read(entry))
    return made.getvalue()


HEADER_ROW = '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row>'
HEADER_STRINGS = "<si><t>id</t></si><si><t>text</t></si>"


def test_a_shared_string_counts_in_every_cell_that_shows_it() -> None:
    """A few kilobytes that would fill the memory stop at the limit."""
    rows = "".join(
        f'<row r="{n}"><c r="A{n}"><v>{n}</v></c><c r="B{n}" t="s"><v>2</v></c></row>'
        for n in range(2, 2_000)
    )
    shared = f"{HEADER_STRINGS}<si><t>{'屏' * 100_000}</t></si>"
    content = sheet_of(f"<sheetData>{HEADER_ROW}{rows}</sheetData>", shared)
    assert len(content) < 50_000
    with pytest.raises(LimitExceeded, match="unpacks to more than 30 MiB"):
        read_table(content, name="a.xlsx", limits=Limits(unpacked_bytes=30 << 20))


def test_a_sheet_of_wide_gaps_stops_at_the_cell_budget() -> None:
    """Cells that stand far to the right cost the empty ones before them."""
    rows = "".join(f'<row r="{n}"><c r="XFD{n}"><v>1</v></c></row>' for n in range(2, 100))
    content = sheet_of(f"<sheetData>{HEADER_ROW}{rows}</sheetData>", HEADER_STRINGS)
    with pytest.raises(LimitExceeded, match="more than 100,000 cells"):
        read_table(content, name="a.xlsx", limits=Limits(cells=100_000))


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ('<row r="99999999999"><c><v>1</v></c></row>', "rows below 1,048,576"),
        (f'<row r="2">{"<c/>" * 210_000}</row>', "cells in a row, than a sheet of Excel can"),
    ],
)
def test_a_sheet_larger_than_excel_can_make_is_refused(row: str, reason: str) -> None:
    """Whatever the file says, no reader walks to its end."""
    content = sheet_of(f"<sheetData>{HEADER_ROW}{row}</sheetData>", HEADER_STRINGS)
    with pytest.raises(LimitExceeded, match=reason):
        read_table(content, name="a.xlsx")


def test_entities_behind_a_long_comment_are_refused() -> None:
    """A declaration may stand anywhere before the first element."""
    part = b"<!--" + b"x" * 5_000 + b'--><!DOCTYPE x [<!ENTITY a "a">]><x>&a;</x>'
    with pytest.raises(TableUnreadable, match="XML entities"):
        read_table(workbook_with(part), name="a.xlsx")


def as_bytes(frame: pd.DataFrame, kind: str) -> bytes:
    """The same table as a file of a kind."""
    packed = io.BytesIO()
    if kind == "xlsx":
        frame.to_excel(packed, index=False)
    elif kind == "parquet":
        frame.to_parquet(packed)
    elif kind == "jsonl":
        packed.write(frame.to_json(orient="records", lines=True).encode())
    else:
        packed.write(frame.to_csv(index=False).encode())
    return packed.getvalue()


@pytest.mark.parametrize("kind", ["csv", "xlsx", "parquet", "jsonl"])
def test_a_cell_over_the_limit_costs_its_row_in_every_format(kind: str) -> None:
    """The rows beside it are kept."""
    frame = pd.DataFrame({"id": ["a", "b", "c"], "text": ["屏幕闪", "闪" * 20_000, "没声音"]})
    limits = Limits(cell_bytes=50_000)
    table = read_table(as_bytes(frame, kind), name=f"a.{kind}", limits=limits)
    assert ids(table) == ["a", "c"]
    row = 2 if kind == "jsonl" else 3
    assert table.errors == (RowError(row, "a cell holds more than 48 KiB", "text"),)


@pytest.mark.parametrize("kind", ["csv", "xlsx", "parquet", "jsonl"])
def test_every_format_keeps_the_cell_budget(kind: str) -> None:
    """Cells are counted while they are read, empty ones too."""
    frame = pd.DataFrame({"id": [f"x{n}" for n in range(60)], "text": ["屏幕闪"] * 60})
    content = as_bytes(frame, kind)
    assert read_table(content, name=f"a.{kind}", limits=Limits(cells=150)).rows_in == 60
    with pytest.raises(LimitExceeded, match="more than 100 cells"):
        read_table(content, name=f"a.{kind}", limits=Limits(cells=100))


@pytest.mark.parametrize(("name", "start"), [("a.csv", "id,text"), ("a.jsonl", '{"id": "1"}')])
def test_blank_lines_without_end_are_refused(name: str, start: str) -> None:
    """They pack to nothing and would keep a reader busy for minutes."""
    content = (start + "\n" * 2_000 + start).encode()
    with pytest.raises(LimitExceeded, match="more than 1,000 cells"):
        read_table(content, name=name, limits=Limits(cells=1_000))


def test_parquet_with_a_name_twice_is_refused_before_it_is_read() -> None:
    """As in the other formats."""
    packed = io.BytesIO()
    twice = pa.Table.from_arrays([pa.array(["1"]), pa.array(["2"])], names=["id", "id"])
    pq.write_table(twice, packed)
    with pytest.raises(TableUnreadable, match="has column 'id' twice"):
        read_table(packed.getvalue(), name="a.parquet")
    wide = pa.table({f"c{n}": pa.array(["1"]) for n in range(501)})
    pq.write_table(wide, packed := io.BytesIO())
    with pytest.raises(TableUnreadable, match="has 501 columns"):
        read_table(packed.getvalue(), name="a.parquet")


def test_parquet_lists_that_repeat_a_long_word_are_refused() -> None:
    """Also what stands within lists counts as often as it stands there."""
    words = pa.array([["屏" * 100_000] * 3] * 100)
    pq.write_table(pa.table({"id": pa.array(["1"] * 100), "issues": words}), packed := io.BytesIO())
    with pytest.raises(LimitExceeded, match="unpacks to more than 20 MiB"):
        read_table(packed.getvalue(), name="a.parquet", limits=Limits(unpacked_bytes=20 << 20))


def test_parquet_text_that_is_no_utf_8_is_refused() -> None:
    """Rather than found out when somebody looks at the cell."""
    text = pa.array([b"\xff\xfe"], pa.binary()).view(pa.string())
    pq.write_table(pa.table({"id": pa.array(["1"]), "text": text}), packed := io.BytesIO())
    with pytest.raises(TableUnreadable, match="no Parquet file"):
        read_table(packed.getvalue(), name="a.parquet")


def test_a_time_beyond_the_calendar_costs_its_row_only() -> None:
    """Parquet can hold years that nothing else can."""
    times = pa.array([1_760_000_000_000, 2**60], pa.timestamp("ms"))
    rows = {"id": pa.array(["1", "2"]), "text": pa.array(["屏幕闪"] * 2), "received_at": times}
    pq.write_table(pa.table(rows), packed := io.BytesIO())
    table = read_table(packed.getvalue(), name="a.parquet")
    assert ids(table) == ["1"]
    assert reasons(table)[0].startswith("row 3, column 'received_at'")


def test_json_keys_are_rows_of_one_table_whatever_their_order() -> None:
    """A key met late is empty above; blanks around a key do not make another."""
    lines = '{"id": "1", "text": "屏幕闪"}\n{" text": "没声音", "id": "2", "region": "华东"}\n'
    table = read_table(lines.encode(), name="a.jsonl")
    assert table.frame["region"].to_list() == ["", "华东"]
    assert ids(table) == ["1", "2"]


def test_a_gzip_file_of_several_parts_is_read_to_its_end() -> None:
    """As `cat a.gz b.gz` makes it."""
    content = gzip.compress(GOOD.encode()) + gzip.compress("3,没声音,普通\n".encode())
    assert ids(read_table(content, name="a.csv.gz")) == ["1", "2", "3"]


def test_a_csv_column_without_header_is_left_out_by_its_place() -> None:
    """With and without a row that needs a closer look."""
    content = "id,,text,\n1,x,屏幕闪,\n2,y,没声音,\n"
    for more in ("", "3,多\n"):
        table = read_table((content + more).encode(), name="a.csv")
        assert list(table.headers) == ["id", "text"]
        assert ids(table) == ["1", "2"]


def test_a_table_read_record_by_record_stays_small_in_memory() -> None:
    """Rows are packed as they come, not kept as a heap of strings."""
    content = ("a,b,c\n" + "编号,值一,值二\n" * 60_000 + 'x,"y\n').encode()
    tracemalloc.start()
    table = read_table(content, name="a.csv")
    assert tracemalloc.get_traced_memory()[1] < 12_000_000
    tracemalloc.stop()
    assert (len(table.frame), len(table.errors)) == (60_000, 1)


def test_times_are_read_by_column_with_an_error_for_each_wrong_one() -> None:
    """Whole columns at once, odd spellings one by one, nonsense named."""
    column = pd.Series(
        ["2026-02-14 15:00:00", "2026/2/14 下午3点", "2026-02-14T07:00:00Z", "", "昨天"],
        index=range(2, 7),
        name="received_at",
    )
    read, errors = moments(column)
    assert set(read[:3]) == {pd.Timestamp("2026-02-14 07:00", tz="UTC")}
    assert read.isna().sum() == 2
    assert str(errors[0]).startswith("row 6, column 'received_at': '昨天' is no time")


@given(st.binary(max_size=300))
def test_any_bytes_give_a_table_or_a_clear_error(content: bytes) -> None:
    """Never another exception."""
    try:
        table = read_table(content, name="a.csv")
    except (TableUnreadable, ColumnMissing, LimitExceeded):
        return
    assert len(table.frame) + len(table.errors) == table.rows_in


@given(st.lists(st.lists(st.text(max_size=8), min_size=2, max_size=2), min_size=1, max_size=6))
def test_what_a_csv_writer_writes_is_read_back(rows: list[list[str]]) -> None:
    """Quotes, commas and line feeds in cells come back as they went."""
    rows = [[cell.replace("\r", "").replace("\x00", "") for cell in row] for row in rows]
    rows = [[f"x{first}", second] for first, second in rows]
    rows = [
        [a.encode("utf-8", "ignore").decode(), b.encode("utf-8", "ignore").decode()]
        for a, b in rows
    ]
    frame = pd.DataFrame(rows, columns=["a", "b"])
    table = read_table(frame.to_csv(index=False).encode(), name="a.csv")
    assert table.frame.to_numpy().tolist() == rows
