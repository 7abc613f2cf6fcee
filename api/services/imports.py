"""Files of history: taken, kept sealed until a job has read them, row by row."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Connection

from api.services.access import Caller
from api.services.apart import Line, run_apart
from api.services.exports import original
from api.services.intake import decided, stored_values
from api.services.judgement import judge_many
from api.services.keyfiles import secret
from api.services.learning.provenance import brought
from api.services.office import Office
from api.services.rows import refusal, refuse_unaddressable
from api.services.vault import Vault
from api.settings import Settings
from api.store import complaints, imports, jobs, learning
from api.store.complaints import NewComplaint
from api.store.imports import Refusal
from domain.complaint import COLUMNS, REQUIRED, Complaint
from domain.errors import ColumnMissing, LimitExceeded, NotFound, RowRefused, TableUnreadable

if TYPE_CHECKING:
    from api.services.tables import RowError, Table

KIND = "import"
_ARCHIVE = b"PK\x03\x04"
_PARQUET = b"PAR1"
_ARCHIVE_END = b"PK\x05\x06"
_CHUNK = 100
_HARMLESS_BYTES = 256 << 10
_ERRORS_SHOWN = 100
_LONGEST_HEADER = 60
_KEEP = (
    "these columns were not stored; name those that matter in SUYUAN_ATTRIBUTES, "
    "restart, and import the file into a new installation to have them in reports"
)
T = TypeVar("T")
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Upload:
    """A file as somebody sent it."""

    content: bytes
    name: str
    mapping: Mapping[str, str] = field(default_factory=dict)


async def accept(office: Office, caller: Caller, upload: Upload) -> dict[str, str]:
    """Seal a file, queue its import and say under which number."""
    await asyncio.to_thread(_look, upload.content)
    identifier = f"imp_{secrets.token_hex(16)}"
    file = _place(office, identifier)
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file.write_bytes(office.uploads.seal(upload.content, identifier))
    try:
        return await office.write(
            partial(_queue, office=office, caller=caller, upload=upload, identifier=identifier)
        )
    except BaseException:
        file.unlink(missing_ok=True)
        raise


def _look(content: bytes) -> None:
    """Refuse at the door what would burst when it is opened."""
    if not content.strip():
        raise TableUnreadable("the file is empty; it needs a header and at least one row")
    if content[:4] == _ARCHIVE:
        from api.services.tables import UPLOAD_LIMITS, refuse_bomb

        if _entries(content) > UPLOAD_LIMITS.archive_entries:
            raise LimitExceeded(f"a workbook has at most {UPLOAD_LIMITS.archive_entries:,} parts")
        refuse_bomb(content, "the file", UPLOAD_LIMITS)


def _entries(archive: bytes) -> int:
    """How many entries an archive says it has, by its last record; 65,535 stands for more."""
    at = archive.rfind(_ARCHIVE_END)
    return int.from_bytes(archive[at + 10 : at + 12], "little") if at >= 0 else 0


def _queue(
    connection: Connection, office: Office, caller: Caller, upload: Upload, identifier: str
) -> dict[str, str]:
    now = office.clock()
    department = caller.departments[0] if caller.departments else None
    name = office.masker.short(upload.name[:120])
    told = {"import": identifier, "name": name, "mapping": _sealed_map(office, upload, identifier),
            "caller": caller.id, "departments": caller.departments}  # fmt: skip
    job = jobs.add(connection, jobs.NewJob(KIND, identifier, told, caller.id, now, department))
    values = {"id": identifier, "job": job, "name": name, "size_bytes": len(upload.content),
              "department": department, "created_at": now}  # fmt: skip
    imports.add(connection, values)
    complaints.audit_row(connection, now, caller.id, "import.create", identifier, {})
    return {"id": identifier, "job": str(job)}


def _sealed_map(office: Office, upload: Upload, identifier: str) -> str:
    """The map as the job keeps it: headers are the caller's words and may hold anything."""
    written = json.dumps(dict(upload.mapping), ensure_ascii=False).encode()
    return office.uploads.seal(written, f"{identifier} map").hex()


def _mapping(office: Office, told: Mapping[str, Any]) -> dict[str, str]:
    name = f"{told['import']} map"
    return dict(json.loads(office.uploads.open(bytes.fromhex(told["mapping"]), name)))


async def shown(office: Office, caller: Caller, identifier: str, after: int) -> dict[str, Any]:
    """How far an import is, with its refused rows from below a row."""
    return await office.read(partial(_shown, caller=caller, identifier=identifier, after=after))


def _shown(connection: Connection, caller: Caller, identifier: str, after: int) -> dict[str, Any]:
    row = imports.find(connection, identifier, caller.departments)
    if row is None:
        raise NotFound("there is no import of this id")
    job = jobs.find(connection, row.job)
    owners = job.input["departments"] if job else None
    if not _may_see(caller, owners):
        raise NotFound("there is no import of this id")
    left_out = (job.output or {}).get("columns_not_kept", []) if job else []
    errors = imports.refusals(connection, identifier, after, _ERRORS_SHOWN)
    counts = ("rows_in", "rows_ok", "rows_rejected", "rows_added")
    return {
        "id": row.id,
        "job": row.job,
        "state": job.state if job else "failed",
        "reason": job.failure if job else None,
        "name": row.name,
        **{name: getattr(row, name) for name in counts},
        "columns_not_kept": left_out,
        "advice": _KEEP if left_out else None,
        "errors": [{"row": e.row, "column": e.column, "reason": e.reason} for e in errors],
        "next_error": errors[-1].row if len(errors) == _ERRORS_SHOWN else None,
    }


def _may_see(caller: Caller, owners: Sequence[str] | None) -> bool:
    """Whether a caller may see what was said of rows of all the departments of an import."""
    if caller.departments is None or owners is None:
        return caller.departments is None
    return set(owners) <= set(caller.departments)


def run_import(office: Office, told: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Read a sealed file and store its rows; a repeated run adds none twice.

    What is large or packed is read in a process of its own, so that no file slows the service or
    bursts it; the rows are stored here, by the service's writer.
    """
    identifier = told["import"]
    file = _place(office, identifier)
    asked = {**told, "mapping": _mapping(office, told)}
    departments = None if told["departments"] is None else tuple(told["departments"])
    storing = _Storing(office, identifier, Owner(told["caller"], departments), progress)
    if _is_harmless(office.uploads.open(file.read_bytes(), identifier)):
        ended = read_apart(office.settings, asked, storing)
    else:
        ended = run_apart(
            read_apart,
            office.settings,
            asked,
            storing,
            limit_seconds=office.settings.import_seconds,
            take=storing.hand,
        )
    file.unlink(missing_ok=True)
    left_out = [office.masker.text(header) for header in ended["headers_not_kept"]]
    return {**storing.counts, "columns_not_kept": left_out}


def _is_harmless(content: bytes) -> bool:
    """Whether a file is small plain text, which can neither burst nor keep a reader long."""
    packed = content[:4] in {_ARCHIVE, _PARQUET}
    return len(content) <= _HARMLESS_BYTES and not packed


def read_apart(
    settings: Settings, asked: Mapping[str, Any], line: Line | _Storing
) -> dict[str, Any]:
    """Read a sealed file and hand its rows over, in chunks."""
    identifier = asked["import"]
    sealed = (settings.data_dir / "uploads" / f"{identifier}.sealed").read_bytes()
    content = Vault(secret(settings.data_dir, "uploads")).open(sealed, identifier)
    table = _table(content, asked["name"], asked["mapping"])
    line(0, table.rows_in)
    line.hand([(error.row, error) for error in table.errors])
    kept = {*COLUMNS, *settings.attributes}
    rows = table.complaints(kept)
    while chunk := list(islice(rows, _CHUNK)):
        line.hand(chunk)
    headers = [header for header, column in table.headers.items() if column not in kept]
    return {"headers_not_kept": [header[:_LONGEST_HEADER] for header in headers]}


def _table(content: bytes, name: str, mapping: Mapping[str, str]) -> Table:
    """The table of an upload; a refusal names none of its headers, which may be anybody's data."""
    from api.services.tables import UPLOAD_LIMITS, read_table

    try:
        table = read_table(content, name=name, mapping=mapping, limits=UPLOAD_LIMITS)
    except ColumnMissing:
        raise ColumnMissing("the map names a header that the file does not have") from None
    for column in REQUIRED:
        if column not in table.frame.columns:
            raise ColumnMissing(
                f"the file has no column {column!r}; name its header with ?map={column}=HEADER"
            )
    return table


def discard(office: Office, told: Mapping[str, Any]) -> None:
    """Throw the file of an import away that can't be read."""
    _place(office, told["import"]).unlink(missing_ok=True)


class _Storing:
    """Stores the rows that a reader hands over; every row counts as taken or as refused."""

    def __init__(self, office: Office, identifier: str, owner: Owner, progress: Progress) -> None:
        self._office = office
        self._identifier = identifier
        self._owner = owner
        self._progress = progress
        self.counts = {"rows_in": 0, "rows_ok": 0, "rows_rejected": 0, "rows_added": 0}

    def __call__(self, _done: int, total: int) -> None:
        """Note how many rows there are, and give a sign of life."""
        self.counts["rows_in"] = total or self.counts["rows_in"]
        self._tell()

    def hand(self, chunk: Sequence[_Row]) -> None:
        """Store one chunk."""
        stored = _store_chunk(self._office, chunk, self._identifier, self._owner)
        for name, number in stored.items():
            self.counts[name] += number
        counted = partial(imports.count, identifier=self._identifier, counts=dict(self.counts))
        _write(self._office, counted)
        self._tell()

    def _tell(self) -> None:
        done = self.counts["rows_ok"] + self.counts["rows_rejected"]
        self._progress(done, self.counts["rows_in"])


@dataclass(frozen=True)
class Owner:
    """Who imports, and for which departments; None means all."""

    id: str
    departments: tuple[str, ...] | None

    def department_of(self, complaint: Complaint) -> str | None:
        """The department that a row belongs to; `RowRefused` for a foreign one."""
        named = complaint.values.get("department")
        allowed = self.departments
        if allowed is None or named in allowed:
            return None if named is None else str(named)
        if named is None and len(allowed) == 1:
            return allowed[0]
        raise RowRefused("name one of the departments that the key belongs to", "department")


_Row = tuple[int, "Complaint | RowError"]


def _store_chunk(
    office: Office, chunk: Sequence[_Row], identifier: str, owner: Owner
) -> dict[str, int]:
    refused = [_refusal(office, row) for _, row in chunk if not isinstance(row, Complaint)]
    prepared: dict[int, NewComplaint] = {}
    for number, row in chunk:
        if not isinstance(row, Complaint):
            continue
        try:
            prepared[number] = _prepared(office, row, owner)
        except RowRefused as error:
            refused.append(Refusal(number, error.column, error.reason))
    judged = _judged(office, prepared)
    work = partial(_add, rows=judged, refused=refused, identifier=identifier, owner=owner)
    return _write(office, work)


def _prepared(office: Office, complaint: Complaint, owner: Owner) -> NewComplaint:
    refuse_unaddressable(complaint.id)
    department = owner.department_of(complaint)
    kept = {
        name: value
        for name, value in complaint.attributes.items()
        if name in office.settings.attributes
    }
    whole = replace(complaint, text=original(complaint.text), attributes=kept)
    return office.intake.undecided(whole, department)


def _judged(office: Office, prepared: Mapping[int, NewComplaint]) -> dict[int, NewComplaint]:
    rows = list(prepared.values())
    complaints_ = [
        Complaint(new.id, new.text, stored_values(new.columns), new.attributes) for new in rows
    ]
    judgements = judge_many(office.desks, complaints_, [new.received_at for new in rows])
    decided_ = [decided(new, said) for new, said in zip(rows, judgements, strict=True)]
    return dict(zip(prepared, decided_, strict=True))


def _add(
    connection: Connection,
    rows: Mapping[int, NewComplaint],
    refused: Sequence[Refusal],
    identifier: str,
    owner: Owner,
) -> dict[str, int]:
    known = complaints.fingerprints(connection, [new.id for new in rows.values()])
    fresh = [new for new in rows.values() if new.id not in known]
    clashes = [
        Refusal(number, "id", "a complaint of this id is stored with other contents")
        for number, new in rows.items()
        if known.get(new.id, new.fingerprint) != new.fingerprint
    ]
    complaints.add_many(connection, fresh, owner.id, {"import": identifier})
    learning.add_labels(connection, [label for new in fresh for label in brought(new, owner.id)])
    imports.refuse(connection, identifier, [*refused, *clashes])
    return {
        "rows_ok": len(rows) - len(clashes),
        "rows_rejected": len(refused) + len(clashes),
        "rows_added": len(fresh),
    }


def _refusal(office: Office, error: RowError) -> Refusal:
    plain = error.column in {None, "text", "id"}
    reason = error.reason if plain else refusal(error.column, error.reason).reason
    column = None if error.column is None else office.masker.short(error.column[:_LONGEST_HEADER])
    return Refusal(error.row, column, office.masker.short(reason, 500))


def _place(office: Office, identifier: str) -> Path:
    return office.settings.data_dir / "uploads" / f"{identifier}.sealed"


def _write(office: Office, work: Callable[[Connection], T]) -> T:
    return office.database.submit(work).result()
