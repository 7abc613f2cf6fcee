"""Weekly volumes of what is stored, counted by the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, cast, func, select

from api.store.statements import within
from api.store.tables import complaints

GROUPS = ("category", "tier", "queue", "department")
_CHINA_SECONDS = 8 * 3600
_FIRST_MONDAY_SECONDS = 4 * 86_400
_WEEK_SECONDS = 7 * 86_400


def weekly(
    connection: Connection,
    by: str,
    departments: Sequence[str] | None,
    start: datetime,
    end: datetime,
) -> list[tuple[int, str | None, int]]:
    """Week (from the Monday of 5 January 1970, in China), group and number of complaints."""
    week = _week(connection.dialect.name).label("week")
    group = complaints.c[by].label("group")
    statement = select(week, group, func.count()).where(
        complaints.c.received_at >= start, complaints.c.received_at < end
    )
    statement = statement.where(*within(complaints, departments))
    rows = connection.execute(statement.group_by(week, group))
    return [(int(number), name, int(count)) for number, name, count in rows]


def _week(dialect: str) -> ColumnElement[Any]:
    received = complaints.c.received_at
    if dialect == "sqlite":
        seconds: ColumnElement[Any] = cast(func.strftime("%s", received), Integer)
    else:
        seconds = func.extract("epoch", received)
    since_monday = seconds + (_CHINA_SECONDS - _FIRST_MONDAY_SECONDS)
    return cast(func.floor(since_monday / _WEEK_SECONDS), Integer)
