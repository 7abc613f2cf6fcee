"""The tables; what may happen only once is a UNIQUE constraint here."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = MetaData(naming_convention=NAMING)
Number = BigInteger().with_variant(Integer(), "sqlite")


class Moment(TypeDecorator[datetime]):
    """A point in time, aware and in UTC on both databases."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Store UTC; SQLite keeps no zone."""
        if value is None:
            return None
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give UTC back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _number() -> Column[Any]:
    return Column("number", Number, primary_key=True, autoincrement=True)


complaints = Table(
    "complaints",
    metadata,
    _number(),
    Column("id", String(200), nullable=False, unique=True),
    Column("department", String(200)),
    Column("received_at", Moment, nullable=False),
    Column("stored_at", Moment, nullable=False),
    Column("text", Text, nullable=False),
    Column("original", LargeBinary),
    Column("columns", JSON, nullable=False),
    Column("attributes", JSON, nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("state", String(20), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("failure", String(200)),
    Column("decision", Text),
    Column("labels", JSON),
    Column("category", String(200)),
    Column("tier", String(20)),
    Column("queue", String(200)),
    Column("abstained", Boolean),
    Column("acknowledge_by", Moment),
    Column("plan_by", Moment),
    Column("resolve_by", Moment),
    Column("model", String(200)),
    Column("change", Number, nullable=False),
    Column("change_tx", BigInteger, nullable=False),
    Index("ix_complaints_change_tx_change", "change_tx", "change"),
    Index("ix_complaints_received_at", "received_at"),
    Index("ix_complaints_state_number", "state", "number"),
    Index("ix_complaints_department_number", "department", "number"),
    sqlite_autoincrement=True,
)

events = Table(
    "events",
    metadata,
    _number(),
    Column(
        "complaint",
        String(200),
        ForeignKey("complaints.id", deferrable=True, initially="DEFERRED"),
        nullable=False,
        index=True,
    ),
    Column("at", Moment, nullable=False),
    Column("kind", String(40), nullable=False),
    Column("by", String(80), nullable=False),
    Column("detail", JSON, nullable=False),
    sqlite_autoincrement=True,
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("caller", String(80), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Column("expires_at", Moment, nullable=False, index=True),
)

outbox = Table(
    "outbox",
    metadata,
    _number(),
    Column("event", Number, nullable=False, unique=True),
    Column("webhook_id", String(40), nullable=False, unique=True),
    Column("complaint", String(200), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("sent_at", Moment),
    Column("attempts", Integer, nullable=False),
    sqlite_autoincrement=True,
)

audit = Table(
    "audit",
    metadata,
    _number(),
    Column("at", Moment, nullable=False),
    Column("by", String(80), nullable=False),
    Column("action", String(40), nullable=False),
    Column("subject", String(200), nullable=False, index=True),
    Column("detail", JSON, nullable=False),
    sqlite_autoincrement=True,
)

keys = Table(
    "keys",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("role", String(20), nullable=False),
    Column("departments", JSON, nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment),
    Column("revoked_at", Moment),
    Column("last_used_at", Moment),
)

jobs = Table(
    "jobs",
    metadata,
    _number(),
    Column("id", String(40), nullable=False, unique=True),
    Column("kind", String(40), nullable=False),
    Column("slot", String(200), nullable=False),
    Column("state", String(20), nullable=False),
    Column("input", JSON, nullable=False),
    Column("output", JSON),
    Column("failure", String(500)),
    Column("done", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("owner", String(80)),
    Column("lease_until", Moment),
    Column("department", String(200)),
    Column("by", String(80), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("finished_at", Moment),
    UniqueConstraint("kind", "slot"),
    Index("ix_jobs_state_number", "state", "number"),
    sqlite_autoincrement=True,
)

imports = Table(
    "imports",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("job", String(40), ForeignKey("jobs.id"), nullable=False, unique=True),
    Column("name", String(200), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("rows_in", Integer, nullable=False),
    Column("rows_ok", Integer, nullable=False),
    Column("rows_rejected", Integer, nullable=False),
    Column("rows_added", Integer, nullable=False),
    Column("department", String(200)),
    Column("created_at", Moment, nullable=False),
)

import_errors = Table(
    "import_errors",
    metadata,
    _number(),
    Column("import_id", String(40), ForeignKey("imports.id"), nullable=False),
    Column("row", Integer, nullable=False),
    Column("column", String(200)),
    Column("reason", String(500), nullable=False),
    UniqueConstraint("import_id", "row"),
    sqlite_autoincrement=True,
)

reports = Table(
    "reports",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("job", String(40), ForeignKey("jobs.id"), nullable=False, unique=True),
    Column("parameters", JSON, nullable=False),
    Column("department", String(200)),
    Column("created_at", Moment, nullable=False),
    Column("by", String(80), nullable=False),
)

active_models = Table(
    "active_models",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("version", String(100), nullable=False),
    Column("since", Moment, nullable=False),
    Column("by", String(80), nullable=False),
)

facts = Table(
    "facts",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("value", Text, nullable=False),
)
