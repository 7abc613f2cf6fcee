"""What people said of findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, insert, or_, select, update

from api.store.statements import within
from api.store.tables import judgements


def add(connection: Connection, values: Mapping[str, Any]) -> None:
    """Store what was said."""
    connection.execute(insert(judgements), dict(values))


def listed(connection: Connection, departments: Sequence[str] | None) -> list[Row[Any]]:
    """What stands, newest first, within the departments."""
    statement = _standing()
    statement = statement.where(*within(judgements, departments))
    return list(connection.execute(statement))


def standing(connection: Connection, department: str | None) -> list[Row[Any]]:
    """What stands for reports of a department, or of the whole house: newest first."""
    of_all = judgements.c.department.is_(None)
    mine = of_all if department is None else or_(of_all, judgements.c.department == department)
    return list(connection.execute(_standing().where(mine)))


def _standing() -> Select[Any]:
    statement = select(judgements).where(judgements.c.withdrawn_at.is_(None))
    return statement.order_by(judgements.c.number.desc())


def withdraw(
    connection: Connection,
    identifier: str,
    departments: Sequence[str] | None,
    at: datetime,
    by: str,
) -> bool:
    """Take one back; False when none of this id stands within the departments."""
    mine = [judgements.c.id == identifier, judgements.c.withdrawn_at.is_(None)]
    mine += within(judgements, departments)
    statement = update(judgements).where(*mine).values(withdrawn_at=at, withdrawn_by=by)
    return connection.execute(statement.returning(judgements.c.number)).first() is not None
