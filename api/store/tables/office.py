"""Keys, jobs, imports, reports, models and facts of an installation."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from api.store.tables.base import Moment, metadata, row_number

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
    row_number(),
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
    row_number(),
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
