"""API keys; only a digest of each is kept."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, or_, select, update

from api.store.tables import keys


def add(connection: Connection, values: Mapping[str, Any]) -> None:
    """Store a new key's digest and rights."""
    connection.execute(insert(keys), dict(values))


def by_digest(connection: Connection, digest: str) -> Row[Any] | None:
    """The key with this digest, revoked and expired ones too."""
    return connection.execute(select(keys).where(keys.c.digest == digest)).first()


def any_exists(connection: Connection) -> bool:
    """Whether a key was ever made; revoking the last one does not open the house again."""
    return connection.execute(select(keys.c.id).limit(1)).first() is not None


def listed(connection: Connection) -> list[Row[Any]]:
    """Every key, oldest first."""
    return list(connection.execute(select(keys).order_by(keys.c.created_at, keys.c.id)))


def revoke(connection: Connection, identifier: str, at: datetime) -> bool:
    """End a key; False when there is none of that id."""
    statement = (
        update(keys).where(keys.c.id == identifier).values(revoked_at=at).returning(keys.c.id)
    )
    return connection.execute(statement).first() is not None


def touch(connection: Connection, used: Mapping[str, datetime]) -> None:
    """Note when keys were last used."""
    for identifier, at in used.items():
        newer = or_(keys.c.last_used_at.is_(None), keys.c.last_used_at < at)
        connection.execute(
            update(keys).where(keys.c.id == identifier, newer).values(last_used_at=at)
        )
