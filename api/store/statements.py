"""Pieces of statements that every part of the store needs alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table
from sqlalchemy.dialects.postgresql import insert as insert_on_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_on_sqlite


def insert_into(connection: Connection, table: Table) -> Any:
    """An insertion that can say what happens on a conflict, in the words of the database."""
    return insert_for(connection.dialect.name, table)


def insert_for(dialect: str, table: Table) -> Any:
    """The same for a database by its name."""
    return insert_on_sqlite(table) if dialect == "sqlite" else insert_on_postgresql(table)


def within(table: Table, departments: Sequence[str] | None) -> list[ColumnElement[bool]]:
    """Conditions that keep a caller to the rows of its departments; None means all."""
    return [] if departments is None else [table.c.department.in_(list(departments))]
