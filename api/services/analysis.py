"""Root-cause reports of what is stored: asked for, made in a process of their own, read."""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row

from api.services import judgements
from api.services.access import Caller
from api.services.apart import run_apart
from api.services.imports import Progress
from api.services.office import Office
from api.services.periods import last_whole, week_label, week_of
from api.services.queries import day_of
from api.services.warnings.found import found_in, scope_of
from api.services.warnings.keeping import Sighting, keep
from api.settings import Settings
from api.store import complaints, jobs, reports
from api.store.complaints import Filter
from api.store.engine import make_engine
from domain.calendar import CHINA, china_day
from domain.errors import InputError, NotFound, RowRefused

if TYPE_CHECKING:
    from api.services.report import Judgement, ReportOptions
    from api.services.tables import Table

KIND = "report"
FORMATS = {
    "json": "application/json",
    "html": "text/html; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
    "md": "text/markdown; charset=utf-8",
}
PUBLIC_FORMATS = ("html", "pdf")
_SLICE = 1_000
_MOST = 500_000
_BEFORE_WEEKS = (104, 53, 27, 0)
_ITEMS = ("product", "batch", "region", "outlet", "channel", "department", "customer_value",
          "handler", "team")  # fmt: skip


async def order(office: Office, caller: Caller, parameters: Mapping[str, Any]) -> dict[str, str]:
    """Ask for a report; it is made by a job."""
    asked, department = checked(office, caller, parameters)
    work = partial(queue, office=office, by=caller.id, asked=asked, department=department)
    return await office.write(work)


def checked(
    office: Office, caller: Caller, parameters: Mapping[str, Any]
) -> tuple[dict[str, Any], str | None]:
    """What is asked for, masked and found to make sense, and the department it is about."""
    asked = {name: value for name, value in parameters.items() if value is not None}
    if kind := asked.pop("period", None):
        asked |= _last(kind, asked, office.clock())
    start, end = (day_of(asked.get(name), name) for name in ("start", "end"))
    if start and end and start > end:
        raise RowRefused("lies before start; turn the days round", "end")
    _refuse_items(office, asked.get("items", ()))
    if "only" in asked:
        asked["only"] = _only(office, asked["only"])
    if "title" in asked:
        asked["title"] = office.masker.text(asked["title"])
    return asked, caller.department_of(asked.pop("department", None))


def _last(kind: str, asked: Mapping[str, Any], now: datetime) -> dict[str, str]:
    """The newest whole week, month, quarter or year."""
    if "start" in asked or "end" in asked:
        raise RowRefused("is given beside start or end; give one or the other", "period")
    period = last_whole(kind, china_day(now))
    return {"start": period.start.isoformat(), "end": period.end.isoformat()}


def _only(office: Office, only: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """The product line or unit that a report is about."""
    names = [one["attribute"] for one in only]
    known = [*_ITEMS, *office.settings.attributes]
    if any(name not in known for name in names):
        raise RowRefused(f"names no column; there are {', '.join(known)}", "only")
    if len(set(names)) != len(names):
        raise RowRefused("names a column twice; name each once", "only")
    return [{**one, "value": office.masker.text(one["value"])} for one in only]


def _refuse_items(office: Office, items: Sequence[str]) -> None:
    """Refuse columns that no report can look for causes in."""
    known = [*_ITEMS, *office.settings.attributes]
    if any(item not in known for item in items):
        raise RowRefused(f"names no column that may hold a cause; there are {', '.join(known)}",
                         "items")  # fmt: skip
    if len(set(items)) != len(items):
        raise RowRefused("names a column twice; name each once", "items")


def queue(
    connection: Connection,
    office: Office,
    by: str,
    asked: Mapping[str, Any],
    department: str | None,
) -> dict[str, str]:
    """Queue the job of a report and note what was asked for."""
    identifier, now = f"rep_{secrets.token_hex(16)}", office.clock()
    told = {"report": identifier, "asked": dict(asked), "department": department,
            "today": f"{now.astimezone(CHINA):%Y-%m-%d}"}  # fmt: skip
    job = jobs.add(connection, jobs.NewJob(KIND, identifier, told, by, now, department))
    values = {
        "id": identifier,
        "job": job,
        "parameters": dict(asked),
        "department": department,
        "created_at": now,
        "by": by,
    }
    reports.add(connection, values)
    complaints.audit_row(connection, now, by, "report.create", identifier, {})
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


async def document(
    office: Office, caller: Caller, identifier: str, kind: str, *, public: bool = False
) -> bytes:
    """A finished report in one of its formats, or the version for the public (白皮书)."""
    found = await shown(office, caller, identifier)
    if found["state"] != jobs.DONE:
        why = f": {found['reason']}" if found["reason"] else "; ask again in a moment"
        raise NotFound(f"there is no report yet, its job is {found['state']}{why}")
    file = report_file(office.settings, identifier, kind, public=public)
    if not file.is_file():
        raise NotFound(found["left_out"].get(kind) or "the report's file is gone; order it again")
    return await asyncio.to_thread(file.read_bytes)


def report_file(settings: Settings, identifier: str, kind: str, *, public: bool = False) -> Path:
    """Where a report's document lies."""
    folder = _folder(settings, identifier)
    return (folder / "public" if public else folder) / f"report.{kind}"


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
    made = run_apart(
        make_report,
        office.settings,
        told,
        progress,
        limit_seconds=office.settings.report_seconds,
    )
    return {**made, "warnings": _keep_warnings(office, told)}


def _keep_warnings(office: Office, told: Mapping[str, Any]) -> list[str]:
    """Put the report's warnings beside the known ones; the ids of those that are news."""
    written = report_file(office.settings, told["report"], "json").read_bytes()
    content = json.loads(written)
    if content["period"] is None:
        return []
    last = week_label(week_of(date.fromisoformat(content["period"]["to"])))
    department = told["department"]
    scope = scope_of(department, content["parameters"]["only"])
    sighting = Sighting(scope, department, told["report"], last, office.clock())
    work = partial(keep, found=found_in(content), sighting=sighting)
    return office.database.submit(work).result()


def make_report(settings: Settings, told: Mapping[str, Any], _tell: Progress) -> dict[str, Any]:
    """What the process of its own does: read, build, write, and say how many complaints."""
    try:
        return _made(settings, told)
    except OverflowError:
        raise InputError("a complaint's time is far off the others; give start and end") from None


def _made(settings: Settings, told: Mapping[str, Any]) -> dict[str, Any]:
    from api.services.report import build_report

    stored = read_stored(settings, told)
    options = replace(
        _options(settings, told["asked"]), judgements=stored.judgements, problems=stored.problems
    )
    report = build_report(stored.table, options)
    folder = _folder(settings, told["report"])
    written = report.write(folder)
    report.public().write(folder / "public", PUBLIC_FORMATS)
    return {
        "complaints": stored.table.rows_in,
        "files": [file.name for file in written.files],
        "left_out": written.left_out,
    }


def _options(settings: Settings, asked: Mapping[str, Any]) -> ReportOptions:
    from api.services.report import ReportOptions

    return ReportOptions(
        start=day_of(asked.get("start"), "start"),
        end=day_of(asked.get("end"), "end"),
        items=tuple(asked["items"]) if asked.get("items") else None,
        title=asked.get("title"),
        language=asked.get("language", "zh"),
        only={one["attribute"]: one["value"] for one in asked.get("only", ())},
        personal=settings.personal_columns,
    )


@dataclass(frozen=True)
class Stored:
    """What a report is made from: the complaints, what was said of findings, the problems."""

    table: Table
    judgements: tuple[Judgement, ...]
    problems: tuple[Mapping[str, Any], ...]


def read_stored(settings: Settings, told: Mapping[str, Any]) -> Stored:
    """What is stored for a report that was asked for; the database is only read."""
    from api.services.improvement.figures import standing_problems

    asked, department = told["asked"], told["department"]
    start, end = (day_of(asked.get(name), name) for name in ("start", "end"))
    today, language = day_of(told.get("today"), "today"), asked.get("language", "zh")
    engine = make_engine(settings, read_only=True)
    try:
        with engine.connect() as connection:
            wanted = _reach(connection, department, start, end)
            return Stored(
                _table(_rows(connection, wanted)),
                judgements.standing(connection, department),
                tuple(standing_problems(connection, department, language, today)),
            )
    finally:
        engine.dispose()


def _reach(
    connection: Connection, department: str | None, start: date | None, end: date | None
) -> Filter:
    """Which complaints are read: the period, and of what came before it as much as may be held.

    Two years let warnings and forecasts know the season; where that is too much, less has to do.
    """
    within = None if department is None else [department]
    until = None if end is None else _midnight(end + timedelta(days=1))
    starts = [start - timedelta(weeks=weeks) for weeks in _BEFORE_WEEKS] if start else [None]
    for first in starts:
        since = None if first is None else _midnight(first)
        wanted = Filter(departments=within, received_from=since, received_to=until)
        if complaints.matching(connection, wanted) <= _MOST:
            return wanted
    raise InputError(f"more than {_MOST:,} complaints; narrow the period with start and end")


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), CHINA)


def _table(rows: list[dict[str, Any]]) -> Table:
    import pandas as pd

    from api.services.tables import Table

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


def _folder(settings: Settings, identifier: str) -> Path:
    return settings.data_dir / "reports" / identifier


def _out(row: Row[Any]) -> dict[str, Any]:
    output = row.output or {}
    return {
        "id": row.id,
        "job": row.job,
        "state": row.state,
        "reason": row.failure,
        "parameters": row.parameters,
        "created_at": row.created_at,
        "formats": [name.rpartition(".")[2] for name in output.get("files", ())],
        "left_out": output.get("left_out", {}),
    }
