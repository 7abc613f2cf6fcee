"""Root-cause reports of what is stored: asked for, made in a process of their own, read."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row

from api.services.access import Caller
from api.services.apart import run_apart
from api.services.imports import Progress
from api.services.office import Office
from api.settings import Settings
from api.store import complaints, jobs, reports
from api.store.complaints import Filter
from api.store.engine import make_engine
from domain.calendar import CHINA
from domain.errors import InputError, NotFound, RowRefused

if TYPE_CHECKING:
    from api.services.tables import Table

KIND = "report"
FORMATS = {"json": "application/json", "html": "text/html; charset=utf-8"}
_SLICE = 1_000
_MOST = 500_000
_ITEMS = ("product", "batch", "region", "outlet", "channel", "department", "customer_value",
          "handler", "team")  # fmt: skip


async def order(office: Office, caller: Caller, parameters: Mapping[str, Any]) -> dict[str, str]:
    """Ask for a report; it is made by a job."""
    asked = {name: value for name, value in parameters.items() if value is not None}
    start, end = (_day(name, asked.get(name)) for name in ("start", "end"))
    if start and end and start > end:
        raise RowRefused("lies before start; turn the days round", "end")
    _refuse_items(office, asked.get("items", ()))
    if "title" in asked:
        asked["title"] = office.masker.text(asked["title"])
    department = caller.department_of(asked.pop("department", None))
    return await office.write(
        partial(_queue, office=office, caller=caller, asked=asked, department=department)
    )


def _refuse_items(office: Office, items: Sequence[str]) -> None:
    """Refuse columns that no report can look for causes in."""
    known = [*_ITEMS, *office.settings.attributes]
    if any(item not in known for item in items):
        raise RowRefused(f"names no column that may hold a cause; there are {', '.join(known)}",
                         "items")  # fmt: skip
    if len(set(items)) != len(items):
        raise RowRefused("names a column twice; name each once", "items")


def _queue(
    connection: Connection,
    office: Office,
    caller: Caller,
    asked: Mapping[str, Any],
    department: str | None,
) -> dict[str, str]:
    identifier, now = f"rep_{secrets.token_hex(16)}", office.clock()
    told = {"report": identifier, "asked": dict(asked), "department": department}
    job = jobs.add(connection, jobs.NewJob(KIND, identifier, told, caller.id, now, department))
    values = {
        "id": identifier,
        "job": job,
        "parameters": dict(asked),
        "department": department,
        "created_at": now,
        "by": caller.id,
    }
    reports.add(connection, values)
    complaints.audit_row(connection, now, caller.id, "report.create", identifier, {})
    return {"id": identifier, "job": str(job)}


async def shown(office: Office, caller: Caller, identifier: str) -> dict[str, Any]:
    """How far a report is."""
    work = partial(reports.find, identifier=identifier, departments=caller.departments)
    row = await office.read(work)
    if row is None:
        raise NotFound("there is no report of this id")
    return _out(row)


async def recent(office: Office, caller: Caller) -> dict[str, Any]:
    """The newest reports."""
    work = partial(reports.recent, departments=caller.departments, limit=50)
    return {"items": [_out(row) for row in await office.read(work)]}


async def document(office: Office, caller: Caller, identifier: str, kind: str) -> bytes:
    """A finished report in one of its formats."""
    found = await shown(office, caller, identifier)
    if found["state"] != jobs.DONE:
        why = f": {found['reason']}" if found["reason"] else "; ask again in a moment"
        raise NotFound(f"there is no report yet, its job is {found['state']}{why}")
    file = _folder(office.settings, identifier) / f"report.{kind}"
    if not file.is_file():
        raise NotFound("the report's file is gone; order it again")
    return file.read_bytes()


def page_policy() -> str:
    """What a browser may do with a report's page."""
    from api.services.report import content_security_policy

    return content_security_policy()


def style_digest() -> str:
    """The one inline style sheet that a report has, as a policy names it."""
    words = page_policy().replace(";", " ").split()
    return next(word for word in words if word.startswith("'sha256-"))


def run_report(office: Office, told: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Make a report in a process of its own, ended when it takes too long."""
    return run_apart(
        make_report,
        office.settings,
        told,
        progress,
        limit_seconds=office.settings.report_seconds,
        limit_bytes=office.settings.job_memory_bytes,
    )


def make_report(settings: Settings, told: Mapping[str, Any], _tell: Progress) -> dict[str, Any]:
    """What the process of its own does: read, build, write, and say how many complaints."""
    try:
        return _made(settings, told)
    except OverflowError:
        raise InputError("a complaint's time is far off the others; give start and end") from None


def _made(settings: Settings, told: Mapping[str, Any]) -> dict[str, Any]:
    from api.services.report import ReportOptions, build_report

    asked = told["asked"]
    options = ReportOptions(
        start=_day("start", asked.get("start")),
        end=_day("end", asked.get("end")),
        items=tuple(asked["items"]) if asked.get("items") else None,
        title=asked.get("title"),
    )
    table = stored_table(settings, told["department"])
    written = build_report(table, options).write(_folder(settings, told["report"]))
    return {"complaints": table.rows_in, "files": [file.name for file in written.files]}


def stored_table(settings: Settings, department: str | None) -> Table:
    """What is stored, as a table; the database is only read."""
    import pandas as pd

    from api.services.tables import Table

    wanted = Filter(departments=None if department is None else [department])
    engine = make_engine(settings, read_only=True)
    try:
        with engine.connect() as connection:
            rows = _rows(connection, wanted)
    finally:
        engine.dispose()
    if not rows:
        raise InputError("no complaint is stored yet; a report needs some")
    frame = pd.DataFrame(rows).fillna("").astype("str")
    frame.index = pd.RangeIndex(2, len(frame) + 2)
    digest = hashlib.sha256(pd.util.hash_pandas_object(frame).to_numpy().tobytes()).hexdigest()
    names = {name: name for name in frame.columns}
    return Table("complaints", frame, (), len(frame), digest, names)


def _rows(connection: Connection, wanted: Filter) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    after = 0
    while part := complaints.received(connection, wanted, after, _SLICE):
        rows += [_row(row) for row in part]
        after = part[-1].number
        if len(rows) > _MOST:
            raise InputError(f"more than {_MOST:,} complaints; narrow the period")
    return rows


def _row(row: Row[Any]) -> dict[str, Any]:
    plain = {name: _cell(value) for name, value in row.columns.items()}
    local = row.received_at.astimezone(CHINA)
    labels: dict[str, Any] = {}
    if row.decision:
        said = json.loads(row.decision)
        labels = {
            "category": said["category"]["name"],
            "issues": "|".join(issue["code"] for issue in said["issues"]),
            "tier": said["tier"]["label"],
            "sentiment": said["sentiment"]["label"],
        }
    known = {"id": row.id, "text": row.text, "received_at": f"{local:%Y-%m-%d %H:%M:%S}"}
    return {**row.attributes, **plain, **labels, **known}


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return str(int(value))
    return "|".join(map(str, value)) if isinstance(value, list) else str(value)


def _day(name: str, written: str | None) -> date | None:
    if written is None:
        return None
    try:
        return date.fromisoformat(written)
    except ValueError:
        raise RowRefused("give a day such as 2026-02-14", name) from None


def _folder(settings: Settings, identifier: str) -> Path:
    return settings.data_dir / "reports" / identifier


def _out(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "job": row.job,
        "state": row.state,
        "reason": row.failure,
        "parameters": row.parameters,
        "created_at": row.created_at,
    }
