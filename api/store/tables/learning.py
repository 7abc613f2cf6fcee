"""Labels that people gave, models that were trained, and which of them was at work when."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Index,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from api.store.tables.base import Moment, Number, metadata, row_number

labels = Table(
    "labels",
    metadata,
    row_number(),
    Column(
        "complaint",
        String(200),
        ForeignKey("complaints.id", deferrable=True, initially="DEFERRED"),
        nullable=False,
    ),
    Column("target", String(20), nullable=False),
    Column("value", JSON, nullable=False),
    Column("said", JSON),
    Column("by", String(80), nullable=False),
    Column("at", Moment, nullable=False),
    Column("source", String(20), nullable=False),
    Column("reason", String(500)),
    Column("model", String(200)),
    Index("ix_labels_complaint_target", "complaint", "target"),
    Index("ix_labels_at", "at"),
    sqlite_autoincrement=True,
)

candidates = Table(
    "candidates",
    metadata,
    row_number(),
    Column("id", String(40), nullable=False, unique=True),
    Column("name", String(60), nullable=False),
    Column("version", String(40), nullable=False),
    Column("job", String(40), ForeignKey("jobs.id"), nullable=False, unique=True),
    Column("champion", String(40)),
    Column("parameters", JSON, nullable=False),
    Column("state", String(20), nullable=False),
    Column("record", JSON),
    Column("comparison", JSON),
    Column("refusals", JSON),
    Column("card", Text),
    Column("shadowed", Boolean, nullable=False),
    Column("shadow_from", Number),
    Column("by", String(80), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("asked_by", String(80)),
    Column("asked_at", Moment),
    Column("reason", String(500)),
    Column("confirmed_by", String(80)),
    Column("confirmed_at", Moment),
    UniqueConstraint("name", "version"),
    Index("ix_candidates_name_number", "name", "number"),
    sqlite_autoincrement=True,
)

shadow_answers = Table(
    "shadow_answers",
    metadata,
    row_number(),
    Column("candidate", String(40), ForeignKey("candidates.id"), nullable=False),
    Column(
        "complaint",
        String(200),
        ForeignKey("complaints.id", deferrable=True, initially="DEFERRED"),
        nullable=False,
        index=True,
    ),
    Column("at", Moment, nullable=False),
    Column("answer", JSON, nullable=False),
    Column("same", JSON, nullable=False),
    UniqueConstraint("candidate", "complaint"),
    sqlite_autoincrement=True,
)

live_models = Table(
    "live_models",
    metadata,
    row_number(),
    Column("name", String(60), nullable=False),
    Column("version", String(40), nullable=False),
    Column("before", String(40)),
    Column("since", Moment, nullable=False),
    Column("how", String(20), nullable=False),
    Column("by", String(80), nullable=False),
    Column("asked_by", String(80)),
    Column("reason", String(500)),
    Index("ix_live_models_name_number", "name", "number"),
    sqlite_autoincrement=True,
)
