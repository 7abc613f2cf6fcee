"""Reports that come by themselves: each week, month, quarter or year once, also after a pause."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from datetime import date, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row

from api.services import analysis
from api.services.access import Caller
from api.services.office import Office
from api.services.periods import Period, period_name, period_with
from api.services.queries import day_of
from api.store import delivery, jobs, schedules
from api.store.complaints import audit_row
from api.store.delivery import Message
from domain.calendar import china_day
from domain.errors import Conflict, NotFound, RowRefused

_MOST_MISSED = 60
_SHOWN = ("id", "name", "department", "period", "asked", "recipients", "formats", "next_from",
          "created_at", "by")  # fmt: skip


async def plan(office: Office, caller: Caller, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Store a schedule; the first report is that of the period that runs now."""
    names = ("only", "language", "items", "title", "department")
    asked, department = analysis.checked(office, caller, {n: wanted[n] for n in names})
    now = office.clock()
    values = {
        "id": f"sch_{secrets.token_hex(16)}",
        "name": office.masker.short(wanted["name"]),
        "department": department,
        "scope": _scope(wanted["period"], asked, department),
        "period": wanted["period"],
        "asked": asked,
        "recipients": _recipients(office, wanted["recipients"] or []),
        "formats": wanted["formats"] or ["html", "pdf"],
        "next_from": _first(office, wanted),
        "created_at": now,
        "by": caller.id,
    }
    await office.write(partial(_plan, values=values))
    return {name: values[name] for name in _SHOWN}


def _first(office: Office, wanted: Mapping[str, Any]) -> str:
    """First day of the first period: the one that runs, or the one of the day asked for."""
    day = china_day(office.clock())
    asked = day_of(wanted["since"], "since")
    if asked is not None:
        if not timedelta() <= day - asked <= timedelta(days=366):
            raise RowRefused("give a day of the last year", "since")
        day = asked
    return period_with(wanted["period"], day).start.isoformat()


def _recipients(office: Office, recipients: list[str]) -> list[str]:
    if recipients and office.settings.smtp_host is None:
        raise RowRefused("need a mail server; set SUYUAN_SMTP_HOST first", "recipients")
    return list(dict.fromkeys(recipients))


def _scope(period: str, asked: Mapping[str, Any], department: str | None) -> str:
    """Two schedules that would make the same report have the same scope."""
    told = {name: value for name, value in asked.items() if name != "title"}
    written = json.dumps([period, department, told], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(written.encode()).hexdigest()


def _plan(connection: Connection, values: Mapping[str, Any]) -> None:
    if not schedules.add(connection, values):
        raise Conflict("this report is made by a schedule already; end that one first")
    audit_row(connection, values["created_at"], values["by"], "schedule.create", values["id"], {})


async def listed(office: Office, caller: Caller) -> dict[str, Any]:
    """Every schedule that goes on, with the reports it made."""
    rows = await office.read(partial(_listed, departments=caller.departments))
    return {"items": rows}


def _listed(connection: Connection, departments: Any) -> list[dict[str, Any]]:
    return [
        {
            **{name: getattr(row, name) for name in _SHOWN},
            "reports": [
                {"period": run.period, "report": run.report}
                for run in schedules.made(connection, row.id)
            ],
        }
        for row in schedules.listed(connection, departments)
    ]


async def end(office: Office, caller: Caller, identifier: str) -> None:
    """Stop a schedule; its reports stay."""

    def work(connection: Connection) -> bool:
        ended = schedules.end(connection, identifier, caller.departments, office.clock())
        if ended:
            audit_row(connection, office.clock(), caller.id, "schedule.end", identifier, {})
        return ended

    if not await office.write(work):
        raise NotFound("there is no schedule of this id")


def queue_due(office: Office) -> int:
    """Ask for the report of every period that is over; how many there were."""
    day = china_day(office.clock()).isoformat()
    waiting = partial(schedules.due, today=day, hold=False)
    if not any(_missed(row, day) for row in office.database.submit(waiting, writes=False).result()):
        return 0
    return office.database.submit(partial(_queue_due, office=office, day=day)).result()


def _queue_due(connection: Connection, office: Office, day: str) -> int:
    """One transaction: the period moves on with the report that it got, or not at all."""
    queued = 0
    for row in schedules.due(connection, day, hold=True):
        for period in _missed(row, day):
            queued += _queue(connection, office, row, period)
    return queued


def _missed(row: Row[Any], day: str) -> list[Period]:
    return missed(row.period, date.fromisoformat(row.next_from), date.fromisoformat(day))


def missed(kind: str, first: date, day: date) -> list[Period]:
    """Every whole period from a day on that is over; of a long pause the newest ones."""
    periods = []
    period = period_with(kind, first)
    while period.end < day:
        periods.append(period)
        period = period_with(kind, period.end + timedelta(days=1))
    return periods[-_MOST_MISSED:]


def _queue(connection: Connection, office: Office, row: Row[Any], period: Period) -> int:
    name = period_name(row.period, period)
    following = (period.end + timedelta(days=1)).isoformat()
    schedules.advance(connection, row.id, following)
    if schedules.is_made(connection, row.id, name):
        return 0
    days = {"start": period.start.isoformat(), "end": period.end.isoformat()}
    made = analysis.queue(connection, office, row.by, {**row.asked, **days}, row.department)
    schedules.add_run(connection, row.id, name, made["id"])
    return 1


def tell_readers(office: Office) -> int:
    """Queue mails and webhooks for what is finished; how many reports there were."""
    ended = partial(schedules.any_untold, states=(jobs.DONE, jobs.FAILED))
    if not office.database.submit(ended, writes=False).result():
        return 0
    return office.database.submit(partial(_tell_readers, office=office)).result()


def _tell_readers(connection: Connection, office: Office) -> int:
    finished = [(row, True) for row in schedules.untold(connection, jobs.DONE)]
    finished += [(row, False) for row in schedules.untold(connection, jobs.FAILED)]
    for row, good in finished:
        if schedules.told(connection, row.number, office.clock()):
            _tell(connection, office, row, good)
    return len(finished)


def _tell(connection: Connection, office: Office, row: Row[Any], good: bool) -> None:
    now = office.clock()
    kind = "report.finished" if good else "report.failed"
    told = {"report": row.report, "schedule": row.schedule, "period": row.period}
    message = Message(f"evt_{secrets.token_hex(16)}", kind, row.report, row.department, told, now)
    delivery.announce(connection, message)
    told |= {
        "title": f"{row.parameters.get('title') or row.name} {row.period}",
        "formats": row.formats if good else [],
        "text": _text(office, row, good),
    }
    letter = Message(message.id, kind, row.report, row.department, told, now)
    for recipient in row.recipients:
        delivery.add(connection, letter, delivery.MAIL, recipient, letter.payload(), now)


def _text(office: Office, row: Row[Any], good: bool) -> str:
    if not good:
        return f"{row.period} 的报告没有生成：{row.failure or '原因见日志'}\n"
    file = analysis.report_file(office.settings, row.report, "md")
    summary = file.read_text(encoding="utf-8") if file.is_file() else ""
    base = office.settings.public_url
    link = f"\n{base.rstrip('/')}/reports.html#{row.report}\n" if base else ""
    return summary + link
