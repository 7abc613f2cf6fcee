"""Reports that come by themselves: which, and which period of each was asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from api.store.statements import insert_into, within
from api.store.tables import jobs, reports, runs, schedules


def add(connection: Connection, values: Mapping[str, Any]) -> bool:
    """Store a schedule; False when there is one of the same scope."""
    statement = insert_into(connection, schedules).values(**values)
    statement = statement.on_conflict_do_nothing(index_elements=["scope"])
    return connection.execute(statement.returning(schedules.c.number)).first() is not None


def listed(connection: Connection, departments: Sequence[str] | None) -> list[Row[Any]]:
    """Every schedule that goes on, within the departments."""
    statement = select(schedules).where(schedules.c.ended_at.is_(None))
    statement = statement.where(*within(schedules, departments))
    return list(connection.execute(statement.order_by(schedules.c.number)))


def end(
    connection: Connection, identifier: str, departments: Sequence[str] | None, at: datetime
) -> bool:
    """Stop one; its scope is free again. False when there is none of this id."""
    mine = [schedules.c.id == identifier, schedules.c.ended_at.is_(None)]
    mine += within(schedules, departments)
    statement = update(schedules).where(*mine).values(ended_at=at, scope=identifier)
    return connection.execute(statement.returning(schedules.c.number)).first() is not None


def due(connection: Connection, today: str, *, hold: bool) -> list[Row[Any]]:
    """Schedules whose next period began before a day, oldest first; held by nobody else."""
    waiting = schedules.c.next_from < today
    statement = select(schedules).where(schedules.c.ended_at.is_(None), waiting)
    if hold and connection.dialect.name == "postgresql":
        statement = statement.with_for_update(skip_locked=True)
    return list(connection.execute(statement.order_by(schedules.c.next_from)))


def advance(connection: Connection, schedule: str, next_from: str) -> None:
    """Go on to the next period."""
    statement = update(schedules).where(schedules.c.id == schedule)
    connection.execute(statement.values(next_from=next_from))


def is_made(connection: Connection, schedule: str, period: str) -> bool:
    """Whether a period was asked for already."""
    made = select(runs.c.number).where(runs.c.schedule == schedule, runs.c.period == period)
    return connection.execute(made).first() is not None


def add_run(connection: Connection, schedule: str, period: str, report: str) -> None:
    """Note which report a period got; the table takes one of each."""
    values = {"schedule": schedule, "period": period, "report": report}
    connection.execute(insert(runs), values)


def any_untold(connection: Connection, states: Sequence[str]) -> bool:
    """Whether a run's job is in one of the states and its readers have not been told."""
    waiting = (
        select(runs.c.number)
        .join(reports, reports.c.id == runs.c.report)
        .join(jobs, jobs.c.id == reports.c.job)
        .where(runs.c.told_at.is_(None), jobs.c.state.in_(list(states)))
    )
    return connection.execute(waiting.limit(1)).first() is not None


def untold(connection: Connection, state: str) -> list[Row[Any]]:
    """Runs whose job is in a state and whose readers have not been told."""
    statement = (
        select(runs, schedules.c.name, schedules.c.recipients, schedules.c.formats, jobs.c.failure,
               schedules.c.department, reports.c.parameters)
        .join(schedules, schedules.c.id == runs.c.schedule)
        .join(reports, reports.c.id == runs.c.report)
        .join(jobs, jobs.c.id == reports.c.job)
        .where(runs.c.told_at.is_(None), jobs.c.state == state)
        .order_by(runs.c.number)
        .limit(50)
    )  # fmt: skip
    if connection.dialect.name == "postgresql":
        statement = statement.with_for_update(of=runs, skip_locked=True)
    return list(connection.execute(statement))


def told(connection: Connection, number: int, at: datetime) -> bool:
    """Note that a run's readers were told; False when another did."""
    mine = (runs.c.number == number, runs.c.told_at.is_(None))
    statement = update(runs).where(*mine).values(told_at=at).returning(runs.c.number)
    return connection.execute(statement).first() is not None


def made(connection: Connection, schedule: str) -> list[Row[Any]]:
    """The periods that a schedule made, newest first."""
    statement = select(runs).where(runs.c.schedule == schedule)
    return list(connection.execute(statement.order_by(runs.c.number.desc()).limit(60)))
