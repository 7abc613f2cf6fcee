"""Root-cause reports that were asked for; the documents are files beside the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from api.store.statements import within
from api.store.tables import jobs, reports


def add(connection: Connection, values: Mapping[str, Any]) -> None:
    """Store what was asked for."""
    connection.execute(insert(reports), dict(values))


def find(
    connection: Connection, identifier: str, departments: Sequence[str] | None
) -> Row[Any] | None:
    """One report with the state of its job, within the departments."""
    statement = (
        select(reports, jobs.c.state, jobs.c.failure, jobs.c.done, jobs.c.total, jobs.c.output)
        .join(jobs, jobs.c.id == reports.c.job)
        .where(reports.c.id == identifier)
    )
    statement = statement.where(*within(reports, departments))
    return connection.execute(statement).first()


def recent(connection: Connection, departments: Sequence[str] | None, limit: int) -> list[Row[Any]]:
    """The newest reports with the state of their jobs."""
    statement = select(reports, jobs.c.state, jobs.c.failure, jobs.c.output)
    statement = statement.join(jobs, jobs.c.id == reports.c.job)
    statement = statement.where(*within(reports, departments))
    return list(connection.execute(statement.order_by(reports.c.created_at.desc()).limit(limit)))
