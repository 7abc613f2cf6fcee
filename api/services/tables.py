"""Complaint tables from files: CSV, Excel, JSON Lines and Parquet, good rows beside bad ones.

Row numbers are those a spreadsheet shows: the header is row 1, the first complaint row 2, blank
rows are counted. JSON Lines have no header: their row is the line of the file, blank lines counted.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import re
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from domain.calendar import CHINA, parse_time
from domain.complaint import Complaint, column_names, is_unknown, parse_complaint
from domain.errors import ColumnMissing, InputError, LimitExceeded, RowRefused, TableUnreadable
from domain.text import refuse_unstorable

MAX_COLUMNS = 500
_MEGABYTE = 1 << 20
_FORMATS = "CSV, TSV, XLSX, JSON Lines (.jsonl) and Parquet, the text formats also as .gz"
_BLANK_LINE = re.compile(r"\n[ \t]*\r?\n")
_NOT_READ = frozenset(
    {".7z", ".bmp", ".doc", ".docx", ".gif", ".html", ".jpeg", ".jpg", ".mdb", ".ods", ".pdf",
     ".png", ".ppt", ".pptx", ".rar", ".xls", ".xml", ".zip"}
)  # fmt: skip
_COMPOUND_FILE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@dataclass(frozen=True)
class Limits:
    """What a file may grow to when it is opened."""

    unpacked_bytes: int = 4096 * _MEGABYTE
    cell_bytes: int = 4 * _MEGABYTE
    archive_entries: int = 2_000
    cells: int = 500_000_000


UPLOAD_LIMITS = Limits(unpacked_bytes=200 * _MEGABYTE, cell_bytes=_MEGABYTE, cells=50_000_000)


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


def read_table(
    source: Path | bytes,
    *,
    name: str | None = None,
    mapping: Mapping[str, str] | None = None,
    limits: Limits | None = None,
) -> Table:
    """Read a file into a table, or say what is wrong with it and what would be right.

    ``mapping`` gives headers by column name (``{"text": "留言详情"}``). Raises
    `TableUnreadable`, `ColumnMissing` or `LimitExceeded`; a bad row raises nothing, it becomes
    one of the table's errors.
    """
    shown = name or (source.name if isinstance(source, Path) else "the upload")
    content = _content(source, shown)
    limits = limits or Limits()
    raw = _read(content, shown, limits)
    headers = _headers(list(raw.frame.columns), shown)
    names = column_names(headers, mapping)
    frame = raw.frame.set_axis([names[header] for header in headers], axis=1)
    return replace(raw, frame=frame, digest=hashlib.sha256(content).hexdigest(), headers=names)


def _content(source: Path | bytes, name: str) -> bytes:
    if isinstance(source, bytes):
        content = source
    else:
        try:
            content = source.read_bytes()
        except FileNotFoundError:
            raise TableUnreadable(f"there is no file {str(source)!r}") from None
        except OSError as error:
            raise TableUnreadable(f"{str(source)!r} can't be read: {error.strerror}") from None
    if not content.strip():
        raise TableUnreadable(f"{name} is empty; it needs a header and at least one row")
    return content


def _read(content: bytes, name: str, limits: Limits) -> Table:
    if content[:2] == b"\x1f\x8b":
        content = _gunzip(content, name, limits)
        name = name.removesuffix(".gz")
    suffix = Path(name).suffix.lower()
    if content[:4] == b"PAR1" or suffix == ".parquet":
        return _read_parquet(content, name, limits)
    if content[:4] == b"PK\x03\x04":
        return _read_excel(content, name, limits)
    _refuse_kind(content, name, suffix)
    text = _decode(content, name)
    if suffix in {".jsonl", ".ndjson", ".json"} or text.lstrip()[:1] == "{":
        return _read_json_lines(text, name, limits)
    return _read_csv(text, name, "\t" if suffix == ".tsv" else _delimiter(text), limits)


def _refuse_kind(content: bytes, name: str, suffix: str) -> None:
    """Refuse what is no text, whatever it is called, and what is not what it is called."""
    if content.startswith((_COMPOUND_FILE, b"%PDF")) or suffix in _NOT_READ:
        raise TableUnreadable(f"{name} is of a kind that is not read; give {_FORMATS}")
    if suffix in {".xlsx", ".xlsm"}:
        raise TableUnreadable(f"{name} is no Excel file, whatever its name says; save it anew")
    if suffix == ".gz":
        raise TableUnreadable(f"{name} is no gzip file, whatever its name says; pack it anew")


def _keep_width(columns: int, name: str) -> None:
    if columns > MAX_COLUMNS:
        raise TableUnreadable(f"{name} has {columns:,} columns; at most {MAX_COLUMNS} are read")


def _keep_cells(cells: int, name: str, limits: Limits) -> None:
    if cells > limits.cells:
        raise LimitExceeded(
            f"{name} has more than {limits.cells:,} cells; split it into smaller files"
        )


def _headers(headers: Sequence[str], name: str) -> list[str]:
    _keep_width(len(headers), name)
    doubled = sorted({header for header in headers if headers.count(header) > 1})
    if doubled:
        raise TableUnreadable(f"{name} has column {doubled[0]!r} twice; rename one of them")
    return list(headers)


def _gunzip(content: bytes, name: str, limits: Limits) -> bytes:
    packed = zlib.decompressobj(wbits=31)
    try:
        unpacked = packed.decompress(content, limits.unpacked_bytes + 1)
    except zlib.error as error:
        raise TableUnreadable(f"{name} is a broken gzip file: {error}") from None
    _keep_limit(len(unpacked), name, limits)
    if not packed.eof:
        raise TableUnreadable(f"{name} is a gzip file that was cut short; send it again")
    return unpacked


def _keep_limit(size: int, name: str, limits: Limits) -> None:
    if size > limits.unpacked_bytes:
        raise LimitExceeded(
            f"{name} unpacks to more than {limits.unpacked_bytes // _MEGABYTE:,} MiB; "
            "split it into smaller files"
        )


def _decode(content: bytes, name: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        at = error.start
    if content[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        raise TableUnreadable(f"{name} is UTF-16; save it as UTF-8 or GB18030")
    try:
        text = content.decode("gb18030")
    except UnicodeDecodeError:
        text = ""
    if not _reads_like_gb(text):
        raise TableUnreadable(
            f"{name} is neither UTF-8 (byte {at:,} is not) nor GB18030; save it as one of them"
        )
    return text


def _reads_like_gb(text: str) -> bool:
    """Whether a decoded text is Chinese: other encodings give mostly rare ideographs."""
    ideographs = [c for c in text[:200_000] if ord(c) > 0x7F and not 0x3000 <= ord(c) < 0x3040]
    if not ideographs:
        return False
    common = sum(_is_common(character) for character in ideographs)
    return common >= 0.85 * len(ideographs)


def _is_common(character: str) -> bool:
    """Level 1 of GB 2312, its punctuation and full-width forms."""
    try:
        first = character.encode("gb2312")[0]
    except UnicodeEncodeError:
        return False
    return 0xB0 <= first <= 0xD7 or first in {0xA1, 0xA3}


def _delimiter(text: str) -> str:
    header = text.split("\n", 1)[0]
    return max(",;\t", key=header.count)


def _read_csv(text: str, name: str, delimiter: str, limits: Limits) -> Table:
    fast = _read_csv_fast(text, name, delimiter, limits)
    return fast if fast is not None else _read_csv_carefully(text, name, delimiter, limits)


def _read_csv_fast(text: str, name: str, delimiter: str, limits: Limits) -> Table | None:
    """The whole table at once by Arrow; None where a row needs a closer look."""
    if "\x00" in text or "\r" in text.replace("\r\n", "") or text.count('"') % 2:
        return None
    if _BLANK_LINE.search(text.rstrip()):
        return None  # Arrow leaves blank lines out, and the row numbers would be wrong
    broken: list[Any] = []

    def keep_going(row: Any) -> str:
        broken.append(row)
        return "skip"

    try:
        header = next(csv.reader(io.StringIO(text.split("\n", 1)[0]), delimiter=delimiter))
        arrow = pyarrow.csv.read_csv(
            pa.BufferReader(text.encode("utf-8", "surrogatepass")),
            read_options=pyarrow.csv.ReadOptions(use_threads=False, block_size=8 * _MEGABYTE),
            parse_options=pyarrow.csv.ParseOptions(
                delimiter=delimiter, newlines_in_values=True, invalid_row_handler=keep_going
            ),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False
            ),
        )
    except (pa.ArrowInvalid, StopIteration, csv.Error):
        return None
    if broken or len(set(header)) != len(header) or arrow.column_names != header:
        return None
    frame = arrow.to_pandas()
    if any(frame[column].str.len().max() > limits.cell_bytes for column in frame if len(frame)):
        return None
    if any(frame[column].str.contains("\n", regex=False).any() for column in frame):
        return None  # a line feed in a cell may be a quotation mark that was never closed
    frame.index = pd.RangeIndex(2, len(frame) + 2)
    return _table(name, frame, [], len(frame))


def _read_csv_carefully(text: str, name: str, delimiter: str, limits: Limits) -> Table:
    """Record by record, so that a ragged row or an open quote costs that row alone."""
    records = ((n, r) for n, r in _records(text, delimiter, limits) if not _is_blank(r))
    _, header = next(records, (1, "it holds only blank lines"))
    if isinstance(header, str):
        raise TableUnreadable(f"the header of {name} can't be read: {header}")
    rows: dict[int, list[str]] = {}
    errors: list[RowError] = []
    for number, record in records:
        if isinstance(record, str):
            errors.append(RowError(number, record))
        elif len(record) != len(header):
            errors.append(
                RowError(number, f"{len(record)} cells where the header has {len(header)}")
            )
        else:
            rows[number] = record
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=header, dtype="str")
    return _table(name, frame, errors, len(rows) + len(errors))


def _is_blank(record: list[str] | str) -> bool:
    """Whether a record is a line with nothing on it."""
    return isinstance(record, list) and len(record) < 2 and not "".join(record).strip()


def _records(text: str, delimiter: str, limits: Limits) -> Iterator[tuple[int, list[str] | str]]:
    """Records with their numbers; a string says why a record can't be read."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").splitlines(keepends=True)
    lines = list(_whole_lines(lines))
    csv.field_size_limit(max(limits.cell_bytes, 131_072))
    at, number = 0, 0
    while at < len(lines):
        reader = csv.reader(_from(lines, at), delimiter=delimiter, strict=True)
        start, consumed = at, 0
        try:
            for record in reader:
                number += 1
                consumed = reader.line_num
                at = start + consumed
                yield number, record
        except csv.Error as error:
            number += 1
            at = start + consumed + 1
            yield number, _why(error, limits)


def _from(lines: list[str], at: int) -> Iterator[str]:
    return (lines[index] for index in range(at, len(lines)))


def _whole_lines(pieces: list[str]) -> Iterator[str]:
    """Join what `str.splitlines` cut at other marks than the line feed."""
    line = ""
    for piece in pieces:
        line += piece
        if piece.endswith("\n"):
            yield line
            line = ""
    if line:
        yield line


def _why(error: csv.Error, limits: Limits) -> str:
    if "field larger" in str(error):
        return f"a cell holds more than {limits.cell_bytes // 1024:,} KiB"
    if "unexpected end" in str(error):
        return "a quotation mark is opened and never closed; close or double it"
    return f"a quotation mark stands where none may ({error})"


def _read_json_lines(text: str, name: str, limits: Limits) -> Table:
    rows: dict[int, dict[str, str]] = {}
    errors: list[RowError] = []
    columns: dict[str, None] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        read = _json_row(number, line)
        if isinstance(read, RowError):
            errors.append(read)
            continue
        rows[number] = read
        columns |= dict.fromkeys(read)
        _keep_width(len(columns), name)
        _keep_cells(len(rows) * len(columns), name, limits)
    if not rows:
        reason = f"; {errors[0]}" if errors else ""
        raise TableUnreadable(
            f"{name} has no line that is a JSON object; write one object a line{reason}"
        )
    cells = {column: [row.get(column, "") for row in rows.values()] for column in columns}
    frame = pd.DataFrame(cells, index=list(rows), dtype="str")
    return _table(name, frame, errors, len(rows) + len(errors))


def _json_row(number: int, line: str) -> dict[str, str] | RowError:
    try:
        record = json.loads(line, parse_constant=_refuse_constant, object_pairs_hook=_named_once)
    except RowRefused as error:
        return RowError(number, error.reason)
    except (ValueError, RecursionError):
        return RowError(number, "the line is no JSON object; write one object a line")
    if not isinstance(record, dict):
        return RowError(number, f"holds a {type(record).__name__}; write an object")
    row = {key: _cell(value) for key, value in record.items()}
    return _unstorable(number, row) or row if "\\u" in line or "\x00" in line else row


def _named_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    named = dict(pairs)
    if len(named) != len(pairs):
        raise RowRefused("a name stands twice in an object; name each column once")
    return named


def _unstorable(number: int, row: Mapping[str, str]) -> RowError | None:
    """The first name or value that no file and no database can hold."""
    for column, cell in row.items():
        try:
            refuse_unstorable(column)
        except InputError as error:
            return RowError(number, f"a column's name {_held(error)}")
        try:
            refuse_unstorable(cell)
        except InputError as error:
            return RowError(number, _held(error), column)
    return None


def _held(error: InputError) -> str:
    return str(error).removeprefix("the text ")


def _refuse_constant(constant: str) -> float:
    raise ValueError(constant)


def _cell(value: Any) -> str:
    """A cell as CSV would carry it: whole numbers bare, lists joined by ``|``."""
    if value is None or value is pd.NaT or value is pd.NA:
        return ""
    if isinstance(value, float) and math.isnan(value):
        return ""
    if isinstance(value, (list, tuple, np.ndarray)):
        return "|".join(map(str, value))
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return str(value)


def _read_excel(content: bytes, name: str, limits: Limits) -> Table:
    refuse_bomb(content, name, limits)
    import openpyxl

    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # what a sheet says of its own size may be anything
        records = _sheet_rows(sheet.iter_rows(values_only=True), name, limits)
        book.close()
    except (LimitExceeded, TableUnreadable):
        raise
    except Exception as error:  # openpyxl lets a dozen kinds through
        raise TableUnreadable(
            f"{name} is no readable workbook ({type(error).__name__}); save it as .xlsx anew"
        ) from None
    if not records:
        raise TableUnreadable(f"the first sheet of {name} is empty; it needs a header and a row")
    header = records.pop(next(iter(records)))
    named = {place: cell for place, cell in enumerate(header) if cell}
    cells = [[_at(row, place) for place in named] for row in records.values()]
    frame = pd.DataFrame(cells, columns=list(named.values()), index=list(records), dtype="str")
    return _table(name, frame, [], len(frame))


def _at(row: list[str], place: int) -> str:
    return row[place] if place < len(row) else ""


def _sheet_rows(rows: Iterator[tuple[Any, ...]], name: str, limits: Limits) -> dict[int, list[str]]:
    """The rows that hold anything, by number, as long as they keep within the limits."""
    records: dict[int, list[str]] = {}
    seen = size = 0
    for number, row in enumerate(rows, start=1):
        seen += len(row)
        _keep_cells(seen, name, limits)
        cells = [_cell(value) for value in row]
        if not any(cells):
            continue
        if any(cells[MAX_COLUMNS:]):
            _keep_width(len(cells), name)
        records[number] = cells[:MAX_COLUMNS]
        size += sum(map(_size, cells))
        _keep_limit(size, name, limits)
    return records


def _size(cell: str) -> int:
    return len(cell) if cell.isascii() else 3 * len(cell)


def refuse_bomb(content: bytes, name: str, limits: Limits) -> None:
    """Refuse an archive that is no workbook or unpacks beyond the limits, without unpacking it."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            if "[Content_Types].xml" not in archive.namelist():
                raise TableUnreadable(f"{name} is an archive, not a workbook; give {_FORMATS}")
            if len(entries) > limits.archive_entries:
                raise LimitExceeded(
                    f"{name} has {len(entries):,} parts; a workbook has at most "
                    f"{limits.archive_entries:,}"
                )
            _keep_limit(sum(entry.file_size for entry in entries), name, limits)
            for entry in entries:
                _refuse_entities(archive, entry, name, limits)
    except zipfile.BadZipFile:
        raise TableUnreadable(f"{name} is a broken workbook; save it anew") from None


def _refuse_entities(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str, limits: Limits
) -> None:
    with archive.open(entry) as part:
        head = part.read(4096).lower()
    if b"<!doctype" in head or b"<!entity" in head:
        raise TableUnreadable(f"{name} declares XML entities, which no workbook needs")


def _read_parquet(content: bytes, name: str, limits: Limits) -> Table:
    try:
        table = _parquet_table(content, name, limits)
        words = [place for place, kind in enumerate(table.schema.types) if _is_coded(kind)]
        for place in words:
            plain = table.column(place).cast(pa.large_string())
            table = table.set_column(place, table.column_names[place], plain)
        frame = table.to_pandas()
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise TableUnreadable(f"{name} is no Parquet file ({type(error).__name__})") from None
    for column in frame.columns:
        if not isinstance(frame[column].dtype, pd.StringDtype):
            frame[column] = frame[column].map(_cell)
    frame = frame.fillna("").astype("str")
    frame.index = pd.RangeIndex(2, len(frame) + 2)
    return _table(name, frame, [], len(frame))


def _parquet_table(content: bytes, name: str, limits: Limits) -> pa.Table:
    """The table with its words kept in dictionaries, within the limits once it is unpacked."""
    parquet = pyarrow.parquet.ParquetFile(pa.BufferReader(content))
    _headers(parquet.schema_arrow.names, name)
    words = [f.name for f in parquet.schema_arrow if _is_written(f.type)]
    groups = [parquet.metadata.row_group(n) for n in range(parquet.metadata.num_row_groups)]
    _keep_limit(sum(group.total_byte_size for group in groups), name, limits)
    values = (group.column(n).num_values for group in groups for n in range(group.num_columns))
    _keep_cells(sum(values), name, limits)
    coded = pyarrow.parquet.ParquetFile(pa.BufferReader(content), read_dictionary=words)
    table = coded.read(use_threads=False)
    pieces = (piece for column in table.columns for piece in column.chunks)
    _keep_limit(sum(map(_unpacked, pieces)), name, limits)
    return table


def _is_coded(kind: pa.DataType) -> bool:
    return bool(pa.types.is_dictionary(kind))


def _is_written(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _unpacked(piece: pa.Array) -> int:
    """Bytes of a piece of a column without its dictionary."""
    if not _is_coded(piece.type) or not _is_written(piece.type.value_type):
        return int(piece.nbytes)
    lengths = pc.binary_length(piece.dictionary).cast(pa.int64())
    return int(pc.sum(lengths.take(piece.indices)).as_py() or 0)


def _table(name: str, frame: pd.DataFrame, errors: list[RowError], rows_in: int) -> Table:
    if rows_in == 0:
        raise TableUnreadable(f"{name} has a header and no row below it; give at least one row")
    frame.columns = [str(column).strip() for column in frame.columns]
    return Table(name, frame, tuple(errors), rows_in, digest="")


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
