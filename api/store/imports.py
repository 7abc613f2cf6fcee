"""Imports of files, and the rows that were refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from api.store.statements import insert_into, within
from api.store.tables import import_errors, imports


@dataclass(frozen=True)
class Refusal:
    """One row that was left out, and why."""

    row: int
    column: str | None
    reason: str


def add(connection: Connection, values: Mapping[str, Any]) -> None:
    """Store a new import with nothing counted yet."""
    counts = {"rows_in": 0, "rows_ok": 0, "rows_rejected": 0, "rows_added": 0}
    connection.execute(insert(imports), counts | dict(values))


def count(connection: Connection, identifier: str, counts: Mapping[str, int]) -> None:
    """Write down the counts reached."""
    statement = update(imports).where(imports.c.id == identifier).values(**counts)
    connection.execute(statement)


def refuse(connection: Connection, identifier: str, refusals: Sequence[Refusal]) -> None:
    """Write down refused rows; a repeated run writes none twice."""
    if not refusals:
        return
    statement = insert_into(connection, import_errors).on_conflict_do_nothing(
        index_elements=["import_id", "row"]
    )
    rows = [
        {"import_id": identifier, "row": r.row, "column": r.column, "reason": r.reason[:500]}
        for r in refusals
    ]
    connection.execute(statement, rows)


def find(
    connection: Connection, identifier: str, departments: Sequence[str] | None
) -> Row[Any] | None:
    """One import by its id, within the departments."""
    statement = select(imports).where(imports.c.id == identifier)
    statement = statement.where(*within(imports, departments))
    return connection.execute(statement).first()


def refusals(connection: Connection, identifier: str, after: int, limit: int) -> list[Row[Any]]:
    """Refused rows in the order of the file, from below the row given."""
    statement = (
        select(import_errors)
        .where(import_errors.c.import_id == identifier, import_errors.c.row > after)
        .order_by(import_errors.c.row)
        .limit(limit)
    )
    return list(connection.execute(statement))
