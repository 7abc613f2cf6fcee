"""First replies, kept so that a repeated call gets the same one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select

from api.store.tables import idempotency


@dataclass(frozen=True)
class Repeat:
    """What makes two calls the same one."""

    caller: str
    key: str
    fingerprint: str
    expires_at: datetime


def find(connection: Connection, repeat: Repeat, now: datetime) -> Row[Any] | None:
    """The first reply to this caller's key, unless it has expired."""
    mine = (idempotency.c.caller == repeat.caller, idempotency.c.key == repeat.key)
    row = connection.execute(select(idempotency).where(*mine)).first()
    if row is not None and row.expires_at <= now:
        connection.execute(delete(idempotency).where(*mine, idempotency.c.expires_at <= now))
        return None
    return row


def keep(connection: Connection, repeat: Repeat, status: int, body: str) -> None:
    """Keep the first reply; a second one under the same key breaks the constraint."""
    values = {
        "caller": repeat.caller,
        "key": repeat.key,
        "fingerprint": repeat.fingerprint,
        "status": status,
        "body": body,
        "expires_at": repeat.expires_at,
    }
    connection.execute(insert(idempotency), values)


def forget(connection: Connection, now: datetime) -> int:
    """Drop what has expired; how many there were."""
    gone = delete(idempotency).where(idempotency.c.expires_at <= now)
    return len(list(connection.execute(gone.returning(idempotency.c.key))))
