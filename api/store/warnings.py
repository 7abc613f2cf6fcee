"""Warnings: raised once, followed while they last, acknowledged, muted, merged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, or_, select, update

from api.store.statements import insert_into, within
from api.store.tables import warnings

OPEN = "open"
ACKNOWLEDGED = "acknowledged"
MUTED = "muted"
MERGED = "merged"
STATES = (OPEN, ACKNOWLEDGED, MUTED, MERGED)


@dataclass(frozen=True)
class Wanted:
    """Which warnings a list shows; None means all. `today` decides what is muted."""

    today: str
    departments: Sequence[str] | None = None
    department: str | None = None
    state: str | None = None
    signature: str | None = None
    active: bool | None = None


def add(connection: Connection, values: Mapping[str, Any]) -> bool:
    """Store a warning; False when the same one is there already."""
    statement = insert_into(connection, warnings).values(**values).on_conflict_do_nothing(
        index_elements=["scope", "key", "first_week"]
    )  # fmt: skip
    return connection.execute(statement.returning(warnings.c.number)).first() is not None


def alike(connection: Connection, scope: str, key: str) -> list[Row[Any]]:
    """Every warning of one thing in one scope, newest first."""
    same = and_(warnings.c.scope == scope, warnings.c.key == key)
    return list(connection.execute(select(warnings).where(same).order_by(_newest())))


def change(connection: Connection, identifier: str, values: Mapping[str, Any]) -> bool:
    """Change one; False when there is none of this id."""
    statement = update(warnings).where(warnings.c.id == identifier).values(**values)
    return connection.execute(statement.returning(warnings.c.number)).first() is not None


def follow_merge(connection: Connection, before: str, now: str) -> None:
    """What was merged into one that is merged itself now goes along."""
    along = update(warnings).where(warnings.c.merged_into == before).values(merged_into=now)
    connection.execute(along)


def find(
    connection: Connection, identifier: str, departments: Sequence[str] | None
) -> Row[Any] | None:
    """One warning, within the departments."""
    statement = select(warnings).where(warnings.c.id == identifier)
    statement = statement.where(*within(warnings, departments))
    return connection.execute(statement).first()


def page(connection: Connection, wanted: Wanted, after: int | None, limit: int) -> list[Row[Any]]:
    """Newest first, from below the number given."""
    statement = select(warnings).where(*_conditions(wanted))
    if after is not None:
        statement = statement.where(warnings.c.number < after)
    return list(connection.execute(statement.order_by(_newest()).limit(limit)))


def rest(connection: Connection, scope: str, seen: Sequence[str], last_week: str) -> None:
    """Whatever of a scope a look up to a week did not see again is over."""
    over = and_(
        warnings.c.scope == scope,
        warnings.c.active,
        warnings.c.last_week <= last_week,
        warnings.c.id.not_in(list(seen)),
    )
    connection.execute(update(warnings).where(over).values(active=False))


def _newest() -> ColumnElement[Any]:
    return warnings.c.number.desc()


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    conditions = within(warnings, wanted.departments)
    if wanted.department is not None:
        conditions.append(warnings.c.department == wanted.department)
    if wanted.signature is not None:
        conditions.append(warnings.c.signature == wanted.signature)
    if wanted.active is not None:
        conditions.append(warnings.c.active.is_(wanted.active))
    if wanted.state is not None:
        conditions.append(_in_state(wanted.state, wanted.today))
    return conditions


def _in_state(state: str, today: str) -> ColumnElement[bool]:
    merged = warnings.c.merged_into.is_not(None)
    muted = warnings.c.muted_until >= today
    loud = or_(warnings.c.muted_until.is_(None), warnings.c.muted_until < today)
    known = warnings.c.acknowledged_at.is_not(None)
    return {
        MERGED: merged,
        MUTED: and_(~merged, muted),
        ACKNOWLEDGED: and_(~merged, loud, known),
        OPEN: and_(~merged, loud, ~known),
    }[state]
