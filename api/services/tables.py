"""Complaint tables from files: CSV, Excel, JSON Lines and Parquet, good rows beside bad ones.

Row numbers are those a spreadsheet shows: the header is row 1, the first complaint row 2.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from domain.calendar import CHINA, parse_time
from domain.complaint import Complaint, column_names, is_unknown, parse_complaint
from domain.errors import ColumnMissing, InputError, LimitExceeded, RowRefused, TableUnreadable

MAX_COLUMNS = 500
_MEGABYTE = 1 << 20
_FORMATS = "CSV, TSV, XLSX, JSON Lines (.jsonl) and Parquet, the text formats also as .gz"


@dataclass(frozen=True)
class Limits:
    """What a file may grow to when it is opened."""

    unpacked_bytes: int = 4096 * _MEGABYTE
    cell_bytes: int = 4 * _MEGABYTE
    archive_entries: int = 2_000


UPLOAD_LIMITS = Limits(unpacked_bytes=200 * _MEGABYTE, cell_bytes=_MEGABYTE)


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
        return RowError(number, f"{complaint.id!r} stands in row {first:,} already", "id")
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
    if content[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" or suffix in {
        ".xls",
        ".zip",
        ".7z",
        ".rar",
    }:
        raise TableUnreadable(f"{name} is of a kind that is not read; give {_FORMATS}")
    text = _decode(content, name)
    if suffix in {".jsonl", ".ndjson", ".json"} or text.lstrip()[:1] == "{":
        return _read_json_lines(text, name)
    return _read_csv(text, name, "\t" if suffix == ".tsv" else _delimiter(text), limits)


def _headers(headers: Sequence[str], name: str) -> list[str]:
    if len(headers) > MAX_COLUMNS:
        raise TableUnreadable(
            f"{name} has {len(headers):,} columns; at most {MAX_COLUMNS} are read"
        )
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
    records = _records(text, delimiter, limits)
    _, header = next(records, (1, "it holds only blank lines"))
    if isinstance(header, str):
        raise TableUnreadable(f"the header of {name} can't be read: {header}")
    rows: dict[int, list[str]] = {}
    errors: list[RowError] = []
    number = 1
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
    return _table(name, frame, errors, number - 1)


def _records(text: str, delimiter: str, limits: Limits) -> Iterator[tuple[int, list[str] | str]]:
    """Records with their numbers; a string says why a record can't be read."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").splitlines(keepends=True)
    lines = [line for line in _whole_lines(lines) if line.strip()]
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


def _read_json_lines(text: str, name: str) -> Table:
    rows: dict[int, dict[str, Any]] = {}
    errors: list[RowError] = []
    lines = [line for line in text.split("\n") if line.strip()]
    for number, line in enumerate(lines, start=2):
        try:
            record = json.loads(line, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            errors.append(RowError(number, "the line is no JSON object; write one object a line"))
            continue
        if isinstance(record, dict):
            rows[number] = {key: _cell(value) for key, value in record.items()}
        else:
            errors.append(RowError(number, f"holds a {type(record).__name__}; write an object"))
    if not rows:
        raise TableUnreadable(f"{name} has no line that is a JSON object; write one object a line")
    frame = pd.DataFrame.from_dict(rows, orient="index").fillna("").astype("str")
    return _table(name, frame, errors, len(lines))


def _refuse_constant(constant: str) -> float:
    raise ValueError(constant)


def _cell(value: Any) -> str:
    """A cell as CSV would carry it: whole numbers bare, lists joined by ``|``."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, list):
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
        rows = ([_cell(value) for value in row] for row in sheet.iter_rows(values_only=True))
        records = [row for row in rows if any(row)]
        book.close()
    except Exception as error:  # openpyxl lets a dozen kinds through
        raise TableUnreadable(
            f"{name} is no readable workbook ({type(error).__name__}); save it as .xlsx anew"
        ) from None
    if not records:
        raise TableUnreadable(f"the first sheet of {name} is empty; it needs a header and a row")
    width = len([header for header in records[0] if header])
    cells = [(record + [""] * width)[:width] for record in records[1:]]
    frame = pd.DataFrame(cells, columns=records[0][:width], dtype="str")
    frame.index = pd.RangeIndex(2, len(frame) + 2)
    return _table(name, frame, [], len(frame))


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
        file = pyarrow.parquet.ParquetFile(pa.BufferReader(content))
        groups = range(file.metadata.num_row_groups)
        size = sum(file.metadata.row_group(group).total_byte_size for group in groups)
        _keep_limit(size, name, limits)
        frame = file.read().to_pandas()
    except (pa.ArrowException, OSError) as error:
        raise TableUnreadable(f"{name} is no Parquet file ({type(error).__name__})") from None
    for column in frame.columns:
        if not pd.api.types.is_string_dtype(frame[column].dtype):
            frame[column] = frame[column].map(_cell)
    frame = frame.fillna("").astype("str")
    frame.index = pd.RangeIndex(2, len(frame) + 2)
    return _table(name, frame, [], len(frame))


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
