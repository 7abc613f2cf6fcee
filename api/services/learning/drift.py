"""Drift: what complaints, answers and labels are becoming, looked at once a week."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row

from api.services.access import Caller
from api.services.apart import run_apart
from api.services.imports import Progress
from api.services.judgement import readable
from api.services.learning.gathering import decision_of, every_complaint
from api.services.learning.provenance import IMPORT, said_of
from api.services.office import Office
from api.settings import Settings
from api.store import jobs, learning
from api.store.complaints import audit_row
from api.store.engine import make_engine
from domain.calendar import CHINA
from domain.complaint import LABELS
from domain.errors import InputError
from domain.text import clean

KIND = "drift"
_WEEKS = 30
_NEWS = 4
_LEAST = 5
_ATTRIBUTES = ("product", "channel", "region")
_SURE = ("category", "tier", "sentiment")


async def order(office: Office, caller: Caller) -> dict[str, str]:
    """Ask for a look at the last weeks; a job takes it."""
    slot = f"asked {secrets.token_hex(8)}"
    job = await office.write(partial(_queue, office=office, by=caller.id, slot=slot))
    return {"id": slot, "job": str(job)}


def _queue(connection: Connection, office: Office, by: str, slot: str) -> str | None:
    now = office.clock()
    told = {"until": now.isoformat()}
    job = jobs.add(connection, jobs.NewJob(KIND, slot, told, by, now))
    if job is not None:
        audit_row(connection, now, by, "drift.look", slot, {})
    return job


class WeeklyLook:
    """Queues one look each week, whichever worker comes first."""

    def __init__(self) -> None:
        self._done = ""

    def tend(self, office: Office) -> bool:
        """Queue the look of this week once it has begun and there is something to look at."""
        year, week, _ = office.clock().astimezone(CHINA).isocalendar()
        slot = f"week {year}-{week:02}"
        if slot == self._done:
            return False
        self._done = slot
        span = office.database.submit(learning.moments, writes=False).result()
        if span and span[0] < monday_of(office.clock()) - timedelta(weeks=_LEAST):
            queue = partial(_queue, office=office, by="service", slot=slot)
            office.database.submit(queue).result()
        return False


def run_look(office: Office, told: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Look in a process of its own."""
    settings = office.settings
    return run_apart(
        look,
        settings,
        told,
        progress,
        limit_seconds=settings.report_seconds,
    )


def look(settings: Settings, told: Mapping[str, Any], _tell: Progress) -> dict[str, Any]:
    """What the process of its own does: count whole weeks, hold each against those before."""
    engine = make_engine(settings, read_only=True)
    monday = monday_of(datetime.fromisoformat(told["until"]))
    try:
        with engine.connect() as connection:
            if span := learning.moments(connection):
                monday = min(monday, monday_of(span[1]) + timedelta(weeks=1))
            start = monday - timedelta(weeks=_WEEKS)
            rows = [r for r in every_complaint(connection) if start <= r.received_at < monday]
            given = _corrections(connection)
    finally:
        engine.dispose()
    if not rows:
        raise InputError("no complaint of the last whole weeks is stored; there is no drift yet")
    return watched(rows, given, start, monday)


def monday_of(moment: datetime) -> datetime:
    """When the week of a moment began, in China."""
    local = moment.astimezone(CHINA)
    day = local.replace(hour=0, minute=0, second=0, microsecond=0)
    return day - timedelta(days=local.weekday())


def _corrections(connection: Connection) -> dict[str, bool]:
    """Complaints that people looked at, and whether they changed what stood there."""
    changed: dict[str, bool] = {}
    for row in learning.newest_labels(connection, None, 200_000):
        if row.source != IMPORT and row.said is not None:
            changed[row.complaint] = changed.get(row.complaint, False) or row.value != row.said
    return changed


def watched(
    rows: Sequence[Row[Any]], corrected: Mapping[str, bool], start: datetime, monday: datetime
) -> dict[str, Any]:
    """The alarms of the last weeks, with the complaints to label next."""
    from triage.drift import history_of, rows_to_label, watch

    decisions = [decision_of(row) for row in rows]
    first = monday_of(min(row.received_at for row in rows))
    weeks = max(1, (monday - first).days // 7)
    history = history_of(
        [clean(readable(row.text)) for row in rows],
        [(row.received_at - first).days // 7 for row in rows],
        attributes={name: [_attribute(row, name) for row in rows] for name in _ATTRIBUTES},
        predictions={t: [_said(said, t) for said in decisions] for t in LABELS},
        confidence={t: [_sure(said, t) for said in decisions] for t in _SURE},
        labels={t: [_label(row, t) for row in rows] for t in LABELS},
        corrected=[corrected.get(row.id) for row in rows],
        persons=[row.columns.get("customer_id") for row in rows],
        weeks=weeks,
    )
    alarms = watch(history, since=max(0, weeks - _NEWS))
    return {
        "from": first.date().isoformat(),
        "to": (monday - timedelta(days=1)).date().isoformat(),
        "weeks": weeks,
        "complaints": len(rows),
        "totals": history.totals.tolist(),
        "alarms": [_alarm(alarm.to_plain(), rows, first) for alarm in alarms],
        "label_next": [rows[i].id for i in rows_to_label(alarms)],
    }


def _alarm(plain: dict[str, Any], rows: Sequence[Row[Any]], first: datetime) -> dict[str, Any]:
    behind = [rows[i].id for i in plain.pop("rows")[:20]]
    week = (first + timedelta(weeks=plain.pop("week"))).date().isoformat()
    numbers = {"expected": round(plain["expected"], 2), "p_value": float(plain["p_value"])}
    return {**plain, **numbers, "week": week, "complaints": behind}


def _attribute(row: Row[Any], name: str) -> str | None:
    value = row.columns.get(name) or row.attributes.get(name)
    return None if value is None else str(value)


def _said(decision: Mapping[str, Any] | None, target: str) -> Any:
    if decision is None:
        return None
    said = said_of(decision, target)
    return tuple(said) if isinstance(said, list) else said


def _sure(decision: Mapping[str, Any] | None, target: str) -> float | None:
    return float(decision[target]["confidence"]) if decision else None


def _label(row: Row[Any], target: str) -> Any:
    given = (row.labels or {}).get(target)
    return tuple(given) if isinstance(given, list) else given


async def shown(office: Office) -> dict[str, Any]:
    """What the newest look found."""
    job = await office.read(partial(learning.newest_job, kind=KIND))
    if job is None:
        return {"at": None, "alarms": [], "label_next": []}
    return {**job.output, "at": job.finished_at}
