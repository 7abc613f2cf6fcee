"""Complaints, their events, and what an intake leaves behind in one transaction."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    bindparam,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from api.store.statements import insert_for, within
from api.store.tables import audit, complaints, events, outbox

PENDING = "pending"
DECIDED = "decided"
FAILED = "failed"
_INSERT_OUTBOX = insert(outbox)
_INSERT_AUDIT = insert(audit)


@dataclass(frozen=True)
class NewComplaint:
    """What intake stores of a complaint; the text is masked."""

    id: str
    department: str | None
    received_at: datetime
    stored_at: datetime
    text: str
    original: bytes | None
    columns: Mapping[str, Any]
    attributes: Mapping[str, str]
    fingerprint: str
    state: str
    attempts: int
    failure: str | None
    decision: str | None
    labels: Mapping[str, Any] | None
    category: str | None
    tier: str | None
    queue: str | None
    abstained: bool | None
    acknowledge_by: datetime | None
    plan_by: datetime | None
    resolve_by: datetime | None
    model: str | None


@dataclass(frozen=True)
class Change:
    """Where a change stands in the order of changes; `tx` is 0 on SQLite."""

    tx: int
    number: int


@dataclass(frozen=True)
class Filter:
    """Which complaints a list shows; None means all."""

    departments: Sequence[str] | None = None
    category: str | None = None
    tier: str | None = None
    queue: str | None = None
    state: str | None = None
    received_from: datetime | None = None
    received_to: datetime | None = None


@cache
def _insert_once(dialect: str) -> Any:
    """One statement for each database, so that it is compiled once."""
    return (
        insert_for(dialect, complaints)
        .on_conflict_do_nothing(index_elements=["id"])
        .returning(complaints.c.number)
    )


@cache
def _insert_event(dialect: str) -> Any:
    return insert(events).returning(events.c.number, _transaction(dialect))


def _transaction(dialect: str) -> ColumnElement[int]:
    on_postgresql = dialect == "postgresql"
    return literal_column("pg_current_xact_id()::text::bigint" if on_postgresql else "0")


def add(connection: Connection, new: NewComplaint, by: str, detail: Mapping[str, Any]) -> bool:
    """Store a complaint with its event, audit and outbox rows; False when its id is taken."""
    dialect = connection.dialect.name
    change = record(connection, new.id, "received", new.stored_at, by, detail)
    values = {**vars(new), "change": change.number, "change_tx": change.tx}
    if connection.execute(_insert_once(dialect), values).first() is None:
        connection.execute(events.delete().where(events.c.number == change.number))
        return False
    enqueue(connection, change.number, new.id, "complaint.received", new.stored_at)
    audit_row(connection, new.stored_at, by, "complaint.create", new.id, {})
    return True


def record(
    connection: Connection,
    complaint: str,
    kind: str,
    at: datetime,
    by: str,
    detail: Mapping[str, Any],
) -> Change:
    """Add an event to a complaint's history; its place orders all changes."""
    values = {"complaint": complaint, "at": at, "kind": kind, "by": by, "detail": detail}
    number, tx = connection.execute(_insert_event(connection.dialect.name), values).one()
    return Change(tx, number)


def enqueue(connection: Connection, event: int, complaint: str, kind: str, at: datetime) -> None:
    """Leave a message for whoever sends webhooks, once for each event."""
    values = {
        "event": event,
        "webhook_id": f"evt_{uuid.uuid4().hex}",
        "complaint": complaint,
        "kind": kind,
        "created_at": at,
        "attempts": 0,
    }
    connection.execute(_INSERT_OUTBOX, values)


def audit_row(
    connection: Connection,
    at: datetime,
    by: str,
    action: str,
    subject: str,
    detail: Mapping[str, Any],
) -> None:
    """Write down who did what to which thing."""
    values = {"at": at, "by": by, "action": action, "subject": subject, "detail": detail}
    connection.execute(_INSERT_AUDIT, values)


def find(
    connection: Connection, identifier: str, departments: Sequence[str] | None = None
) -> Row[Any] | None:
    """One complaint by the caller's id, within the departments."""
    statement = select(complaints).where(complaints.c.id == identifier)
    return connection.execute(statement.where(*within(complaints, departments))).first()


def fingerprints(connection: Connection, identifiers: Sequence[str]) -> dict[str, str]:
    """Fingerprints of those ids that are stored already."""
    wanted = complaints.c.id.in_(list(identifiers))
    statement = select(complaints.c.id, complaints.c.fingerprint).where(wanted)
    return {row.id: row.fingerprint for row in connection.execute(statement)}


def add_many(
    connection: Connection, new: Sequence[NewComplaint], by: str, detail: Mapping[str, Any]
) -> None:
    """Store history with an event each; nobody is told of it by webhook."""
    if not new:
        return
    received = [
        {"complaint": one.id, "at": one.stored_at, "kind": "imported", "by": by,
         "detail": dict(detail)}
        for one in new
    ]  # fmt: skip
    statement = insert(events).returning(events.c.number, sort_by_parameter_order=True)
    numbers = connection.execute(statement, received).scalars().all()
    transaction = connection.execute(select(_transaction(connection.dialect.name))).scalar_one()
    rows = [
        vars(one) | {"change": number, "change_tx": transaction}
        for one, number in zip(new, numbers, strict=True)
    ]
    connection.execute(insert(complaints), rows)


def page(connection: Connection, wanted: Filter, after: int | None, limit: int) -> list[Row[Any]]:
    """Newest first, from below the number given."""
    statement = select(complaints).where(*_conditions(wanted))
    if after is not None:
        statement = statement.where(complaints.c.number < after)
    return list(connection.execute(statement.order_by(complaints.c.number.desc()).limit(limit)))


def changed(connection: Connection, wanted: Filter, since: Change, limit: int) -> list[Row[Any]]:
    """What changed after a point, oldest change first; nothing of transactions still open."""
    statement = select(complaints).where(
        or_(
            complaints.c.change_tx > since.tx,
            and_(complaints.c.change_tx == since.tx, complaints.c.change > since.number),
        ),
        *_conditions(wanted),
    )
    if connection.dialect.name == "postgresql":
        horizon: ColumnElement[int] = literal_column(
            "pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
        )
        statement = statement.where(complaints.c.change_tx < horizon)
    order = (complaints.c.change_tx, complaints.c.change)
    return list(connection.execute(statement.order_by(*order).limit(limit)))


def received(connection: Connection, wanted: Filter, after: int, limit: int) -> list[Row[Any]]:
    """Oldest first, from above the number given: for reports and exports."""
    statement = select(complaints).where(complaints.c.number > after, *_conditions(wanted))
    return list(connection.execute(statement.order_by(complaints.c.number).limit(limit)))


def pending(connection: Connection, attempts: int, limit: int) -> list[Row[Any]]:
    """Complaints that wait for a model and have been tried less often than given."""
    statement = select(complaints).where(
        complaints.c.state == PENDING, complaints.c.attempts < attempts
    )
    return list(connection.execute(statement.order_by(complaints.c.number).limit(limit)))


def count(connection: Connection, state: str | None = None) -> int:
    """How many complaints there are, in one state or in all."""
    statement = select(func.count()).select_from(complaints)
    if state is not None:
        statement = statement.where(complaints.c.state == state)
    return int(connection.execute(statement).scalar_one())


def matching(connection: Connection, wanted: Filter) -> int:
    """How many complaints a filter lets through."""
    statement = select(func.count()).select_from(complaints).where(*_conditions(wanted))
    return int(connection.execute(statement).scalar_one())


def redecide(
    connection: Connection,
    row: Row[Any],
    values: Mapping[str, Any],
    kind: str,
    at: datetime,
    by: str,
    detail: Mapping[str, Any],
) -> bool:
    """Change a complaint that nobody changed since it was read; False when somebody did."""
    made = record(connection, row.id, kind, at, by, detail)
    statement = (
        update(complaints)
        .where(complaints.c.id == row.id, complaints.c.change == bindparam("seen"))
        .values(**values, change=made.number, change_tx=made.tx)
        .returning(complaints.c.number)
    )
    if connection.execute(statement, {"seen": row.change}).first() is None:
        connection.execute(events.delete().where(events.c.number == made.number))
        return False
    enqueue(connection, made.number, row.id, f"complaint.{kind}", at)
    audit_row(connection, at, by, f"complaint.{kind}", row.id, {})
    return True


def history(connection: Connection, identifier: str) -> list[Row[Any]]:
    """Every event of a complaint, oldest first."""
    statement = select(events).where(events.c.complaint == identifier)
    return list(connection.execute(statement.order_by(events.c.number)))


def _conditions(wanted: Filter) -> list[ColumnElement[bool]]:
    conditions = within(complaints, wanted.departments)
    for name in ("category", "tier", "queue", "state"):
        if (value := getattr(wanted, name)) is not None:
            conditions.append(complaints.c[name] == value)
    if wanted.received_from is not None:
        conditions.append(complaints.c.received_at >= wanted.received_from)
    if wanted.received_to is not None:
        conditions.append(complaints.c.received_at < wanted.received_to)
    return conditions
