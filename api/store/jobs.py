"""Jobs: claimed under a lease, finished only by the holder of the newest fence."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, or_, select, update

from api.store.statements import insert_into, within
from api.store.tables import jobs

QUEUED = "queued"
RUNNING = "running"
DONE = "done"
FAILED = "failed"
CANCELLED = "cancelled"


@dataclass(frozen=True)
class NewJob:
    """A piece of work; the same kind and slot is queued only once."""

    kind: str
    slot: str
    input: Mapping[str, Any]
    by: str
    at: datetime
    department: str | None = None


@dataclass(frozen=True)
class Claim:
    """A job held by one owner until its lease ends."""

    id: str
    kind: str
    input: Mapping[str, Any]
    fence: int
    attempts: int


def add(connection: Connection, new: NewJob) -> str | None:
    """Queue a job; its id, or None when its slot is taken."""
    values = {
        "id": f"job_{uuid.uuid4().hex}",
        "kind": new.kind,
        "slot": new.slot,
        "state": QUEUED,
        "input": dict(new.input),
        "done": 0,
        "total": 0,
        "attempts": 0,
        "fence": 0,
        "department": new.department,
        "by": new.by,
        "created_at": new.at,
    }
    statement = (
        insert_into(connection, jobs)
        .values(values)
        .on_conflict_do_nothing(index_elements=["kind", "slot"])
    )
    row = connection.execute(statement.returning(jobs.c.id)).first()
    return None if row is None else str(row.id)


def claim(
    connection: Connection, kinds: Sequence[str], owner: str, now: datetime, lease_until: datetime
) -> Claim | None:
    """Take the oldest job that waits or whose owner let its lease end."""
    waiting = or_(jobs.c.state == QUEUED, and_(jobs.c.state == RUNNING, jobs.c.lease_until < now))
    oldest = select(jobs.c.number).where(waiting, jobs.c.kind.in_(list(kinds)))
    oldest = oldest.order_by(jobs.c.number).limit(1)
    if connection.dialect.name == "postgresql":
        oldest = oldest.with_for_update(skip_locked=True)
    statement = (
        update(jobs)
        .where(jobs.c.number == oldest.scalar_subquery(), waiting)
        .values(
            state=RUNNING,
            owner=owner,
            lease_until=lease_until,
            fence=jobs.c.fence + 1,
            attempts=jobs.c.attempts + 1,
        )
        .returning(jobs)
    )
    row = connection.execute(statement).first()
    if row is None:
        return None
    return Claim(row.id, row.kind, row.input, row.fence, row.attempts)


def renew(
    connection: Connection, held: Claim, lease_until: datetime, done: int, total: int
) -> bool:
    """Lengthen the lease and note progress; False when another owner holds the job."""
    return _change(connection, held, {"lease_until": lease_until, "done": done, "total": total})


def finish(
    connection: Connection,
    held: Claim,
    output: Mapping[str, Any],
    at: datetime,
    done: int,
    total: int,
) -> bool:
    """Close a job, as far done as it told last; False when another owner holds it."""
    values = {"state": DONE, "output": dict(output), "finished_at": at, "lease_until": None}
    return _change(connection, held, {**values, "done": done, "total": total})


def fail(connection: Connection, held: Claim, reason: str, at: datetime, *, again: bool) -> bool:
    """Close a job as failed, or queue it again; False when another owner holds it."""
    values: dict[str, Any] = {"failure": reason[:500], "lease_until": None}
    values |= {"state": QUEUED} if again else {"state": FAILED, "finished_at": at}
    return _change(connection, held, values)


def cancel(connection: Connection, identifier: str, by: str, at: datetime) -> bool:
    """End a job that waits or runs; its owner finds out and stops. False when it is over."""
    values = {"state": CANCELLED, "failure": f"cancelled by {by}", "finished_at": at,
              "lease_until": None}  # fmt: skip
    open_ = (jobs.c.id == identifier, jobs.c.state.in_([QUEUED, RUNNING]))
    statement = update(jobs).where(*open_).values(**values).returning(jobs.c.number)
    return connection.execute(statement).first() is not None


def _change(connection: Connection, held: Claim, values: Mapping[str, Any]) -> bool:
    mine = and_(jobs.c.id == held.id, jobs.c.fence == held.fence, jobs.c.state == RUNNING)
    statement = update(jobs).where(mine).values(**values).returning(jobs.c.number)
    return connection.execute(statement).first() is not None


def find(
    connection: Connection, identifier: str, departments: Sequence[str] | None = None
) -> Row[Any] | None:
    """One job by its id, within the departments."""
    statement = select(jobs).where(jobs.c.id == identifier)
    statement = statement.where(*within(jobs, departments))
    return connection.execute(statement).first()


def forget(connection: Connection, kind: str, before: datetime) -> int:
    """Drop finished jobs of a kind from before a time; how many there were."""
    old = delete(jobs).where(jobs.c.kind == kind, jobs.c.finished_at < before)
    return len(list(connection.execute(old.returning(jobs.c.number))))
