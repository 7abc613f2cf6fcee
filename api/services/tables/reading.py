"""A file of any kind that is read, told by its first bytes and its name."""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from api.services.tables.encodings import decoded
from api.services.tables.json_lines import read_json_lines
from api.services.tables.limits import FORMATS, Limits
from api.services.tables.parquet import read_parquet
from api.services.tables.separated import read_separated
from api.services.tables.table import Table
from api.services.tables.workbook import read_workbook
from domain.complaint import column_names
from domain.errors import TableUnreadable

_GZIP, _ZIP, _PARQUET = b"\x1f\x8b", b"PK\x03\x04", b"PAR1"
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_KINDS = {
    ".gz": (_GZIP, "gzip"),
    ".xlsx": (_ZIP, "Excel"),
    ".xlsm": (_ZIP, "Excel"),
    ".parquet": (_PARQUET, "Parquet"),
}
_NO_TABLES = {
    ".7z", ".bmp", ".doc", ".docx", ".gif", ".html", ".jpeg", ".jpg", ".mdb", ".ods", ".pdf",
    ".png", ".ppt", ".pptx", ".rar", ".xls", ".xlsb", ".xml", ".zip",
}  # fmt: skip
_JSON = {".json", ".jsonl", ".ndjson"}


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
    raw = _read(content, shown, limits or Limits())
    headers = list(raw.frame.columns)
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
    if content.startswith(_GZIP):
        content = _gunzip(content, name, limits)
        name = name.removesuffix(".gz")
    suffix = Path(name).suffix.lower()
    _refuse_other_kinds(content, suffix, name)
    if content.startswith(_PARQUET):
        return read_parquet(content, name, limits)
    if content.startswith(_ZIP):
        return read_workbook(content, name, limits)
    text = decoded(content, name)
    if suffix in _JSON or text[:1_000].lstrip()[:1] == "{":
        return read_json_lines(text, name, limits)
    return read_separated(text, name, limits, "\t" if suffix == ".tsv" else None)


def _refuse_other_kinds(content: bytes, suffix: str, name: str) -> None:
    if content.startswith((_OLD_OFFICE, b"%PDF")) or suffix in _NO_TABLES:
        raise TableUnreadable(f"{name} is of a kind that is not read; give {FORMATS}")
    start, kind = _KINDS.get(suffix, (b"", ""))
    if not content.startswith(start):
        raise TableUnreadable(f"{name} is no {kind} file, though its name says so; give {FORMATS}")


def _gunzip(content: bytes, name: str, limits: Limits) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as packed:
            unpacked = packed.read(limits.unpacked_bytes + 1)
    except EOFError:
        raise TableUnreadable(f"{name} is a gzip file that was cut short; send it again") from None
    except (OSError, zlib.error) as error:
        raise TableUnreadable(f"{name} is a broken gzip file: {error}") from None
    limits.keep_size(len(unpacked), name)
    return unpacked
