"""Complaints, what happened to them, and who must hear of it."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
)

from api.store.tables.base import Moment, Number, metadata, row_number

complaints = Table(
    "complaints",
    metadata,
    row_number(),
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
    row_number(),
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
    row_number(),
    Column("event", Number, nullable=False, unique=True),
    Column("webhook_id", String(40), nullable=False, unique=True),
    Column("complaint", String(200), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("sent_at", Moment),
    Column("attempts", Integer, nullable=False),
    Index("ix_outbox_sent_at_number", "sent_at", "number"),
    sqlite_autoincrement=True,
)

audit = Table(
    "audit",
    metadata,
    row_number(),
    Column("at", Moment, nullable=False),
    Column("by", String(80), nullable=False),
    Column("action", String(40), nullable=False),
    Column("subject", String(200), nullable=False, index=True),
    Column("detail", JSON, nullable=False),
    sqlite_autoincrement=True,
)
