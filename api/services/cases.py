"""Stored complaints: listed, followed, corrected, exported, unmasked."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row

from api.services.access import Caller
from api.services.exports import write_csv, write_xlsx
from api.services.intake import stored_values
from api.services.judgement import judge
from api.services.learning.provenance import HANDLER, label_rows
from api.services.office import Office
from api.services.queries import row_after
from api.services.rows import given_labels
from api.store import complaints, learning
from api.store.complaints import Change, Filter
from domain.calendar import parse_time
from domain.complaint import Complaint
from domain.errors import Conflict, InputError, LimitExceeded, NotFound, RowRefused
from domain.taxonomy import shipped_taxonomy

_DEADLINES = ("acknowledge_by", "plan_by", "resolve_by")
_CURSOR = re.compile(r"(\d{1,18})\.(\d{1,18})")
_EXPORTED = 50_000
_SLICE = 500
_HEADERS = ("id", "received_at", "department", "category", "tier", "queue", "state",
            "acknowledge_by", "resolve_by", "text")  # fmt: skip


@dataclass(frozen=True)
class Wanted:
    """What a caller filters by; times as they were written."""

    category: str | None = None
    tier: str | None = None
    queue: str | None = None
    state: str | None = None
    department: str | None = None
    received_from: str | None = None
    received_to: str | None = None


async def page(
    office: Office, caller: Caller, wanted: Wanted, cursor: str | None, limit: int
) -> dict[str, Any]:
    """A page of complaints, newest first, and the cursor of the next one."""
    after = row_after(cursor)
    work = partial(complaints.page, wanted=_filter(caller, wanted), after=after, limit=limit + 1)
    rows = await office.read(work)
    more = len(rows) > limit
    shown = rows[:limit]
    return {"items": [_out(row) for row in shown], "next": str(shown[-1].number) if more else None}


async def changes(
    office: Office, caller: Caller, wanted: Wanted, since: str, limit: int
) -> dict[str, Any]:
    """What changed after a cursor; `next` is always a cursor to go on from."""
    place = _change(since)
    work = partial(complaints.changed, wanted=_filter(caller, wanted), since=place, limit=limit)
    rows = await office.read(work)
    return {"items": [_out(row) for row in rows], "next": _cursor(rows[-1]) if rows else since}


async def one(office: Office, caller: Caller, identifier: str) -> Row[Any]:
    """A stored complaint that the caller may see."""
    work = partial(complaints.find, identifier=identifier, departments=caller.departments)
    row = await office.read(work)
    if row is None:
        raise NotFound("there is no complaint of this id")
    return row


async def shown(office: Office, caller: Caller, identifier: str) -> dict[str, Any]:
    """A stored complaint as it is shown: masked, with its history."""
    row = await one(office, caller, identifier)
    events = await office.read(partial(complaints.history, identifier=identifier))
    history = [
        {"at": event.at, "kind": event.kind, "by": event.by, "detail": event.detail}
        for event in events
    ]
    return _out(row) | {"events": history}


async def relabel(
    office: Office, caller: Caller, identifier: str, labels: Mapping[str, Any]
) -> dict[str, Any]:
    """Put a person's labels above the model's; deadlines and route follow them."""
    given = given_labels(labels, shipped_taxonomy())
    row = await one(office, caller, identifier)
    merged = {**(row.labels or {}), **given}
    reason = labels.get("reason")
    rows = label_rows(
        row.id,
        given,
        by=caller.id,
        at=office.clock(),
        source=HANDLER,
        reason=None if reason is None else office.masker.short(reason, 500),
        decision=row.decision,
    )
    values = {"labels": merged, **rejudged(office, row, merged)}
    await office.write(partial(_relabel, row=row, values=values, given=given, rows=rows))
    return await shown(office, caller, identifier)


def _relabel(
    connection: Connection,
    row: Row[Any],
    values: Mapping[str, Any],
    given: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
) -> None:
    by, at = rows[0]["by"], rows[0]["at"]
    learning.add_labels(connection, rows)
    if not complaints.redecide(connection, row, values, "labelled", at, by, given):
        raise Conflict("somebody changed this complaint meanwhile; read it again and repeat")


def rejudged(office: Office, row: Any, labels: Mapping[str, Any]) -> dict[str, Any]:
    """What is stored of a new judgement on a stored complaint."""
    values = stored_values(row.columns) | dict(labels)
    complaint = Complaint(row.id, row.text, values, row.attributes)
    judgement = judge(office.desks, complaint, row.received_at)
    return judgement.columns(row.id)


async def unmask(office: Office, caller: Caller, identifier: str, reason: str) -> dict[str, Any]:
    """The original text, once the reason is written down."""
    row = await one(office, caller, identifier)
    if row.original is None or office.originals is None:
        raise NotFound("the original was not kept; SUYUAN_KEEP_ORIGINAL=1 keeps it from then on")
    detail = {"reason": office.masker.text(reason)}
    await office.write(
        partial(
            complaints.audit_row,
            at=office.clock(),
            by=caller.id,
            action="complaint.unmask",
            subject=identifier,
            detail=detail,
        )
    )
    return {"id": row.id, "text": office.originals.open(row.original, row.id).decode()}


async def export(office: Office, caller: Caller, wanted: Wanted, kind: str) -> bytes:
    """The complaints asked for as CSV or XLSX, safe to open in a spreadsheet."""
    rows = await _all(office, _filter(caller, wanted))
    cells = [_cells(row) for row in rows]
    at, by = office.clock(), caller.id
    detail = {"rows": len(rows), "kind": kind}
    await office.write(
        partial(
            complaints.audit_row,
            at=at,
            by=by,
            action="complaints.export",
            subject=kind,
            detail=detail,
        )
    )
    return write_csv(_HEADERS, cells) if kind == "csv" else write_xlsx(_HEADERS, cells, "投诉")


async def _all(office: Office, wanted: Filter) -> list[Row[Any]]:
    rows: list[Row[Any]] = []
    while True:
        after = rows[-1].number if rows else 0
        work = partial(complaints.received, wanted=wanted, after=after, limit=_SLICE)
        part = await office.read(work)
        rows += part
        if len(rows) > _EXPORTED:
            raise LimitExceeded(f"more than {_EXPORTED:,} complaints; narrow the period")
        if len(part) < _SLICE:
            return rows


def _cells(row: Row[Any]) -> list[Any]:
    values = (getattr(row, name) for name in _HEADERS)
    return [value.isoformat() if isinstance(value, datetime) else value for value in values]


def _filter(caller: Caller, wanted: Wanted) -> Filter:
    named = asdict(wanted)
    department = named.pop("department")
    for name in ("received_from", "received_to"):
        named[name] = _time(name, named[name])
    return replace(Filter(**named), departments=caller.departments_in(department))


def _time(name: str, written: str | None) -> datetime | None:
    if written is None:
        return None
    try:
        return parse_time(written)
    except InputError:
        raise RowRefused("give a time such as 2026-02-14T15:00:00+08:00", name) from None


def _change(cursor: str) -> Change:
    match = _CURSOR.fullmatch(cursor)
    if cursor == "0":
        return Change(0, 0)
    if match is None or not cursor.isascii():
        raise RowRefused("give 0, or `next` of the page before", "changed_since")
    return Change(int(match[1]), int(match[2]))


def _cursor(row: Any) -> str:
    return f"{row.change_tx}.{row.change}"


def _out(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "state": row.state,
        "reason": row.failure,
        "department": row.department,
        "received_at": row.received_at.isoformat(),
        "stored_at": row.stored_at.isoformat(),
        "text": row.text,
        "columns": row.columns,
        "attributes": row.attributes,
        "labels": row.labels,
        "decision": json.loads(row.decision) if row.decision else None,
        "deadlines": {name: _iso(getattr(row, name)) for name in _DEADLINES},
        "change": _cursor(row),
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
