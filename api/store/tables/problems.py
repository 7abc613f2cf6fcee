"""Frequent problems, what is done about them, and what it changed."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from api.store.tables.base import Moment, Number, metadata, row_number

problems = Table(
    "problems",
    metadata,
    row_number(),
    Column("id", String(40), nullable=False, unique=True),
    Column("slot", String(64), unique=True),
    Column("department", String(200)),
    Column("title", String(200), nullable=False),
    Column("issue", String(60), nullable=False),
    Column("places", JSON, nullable=False),
    Column("severity", String(20), nullable=False),
    Column("state", String(20), nullable=False),
    Column("owner", String(200)),
    Column("since", Date),
    Column("cost", Float),
    Column("source", JSON, nullable=False),
    Column("containment", Text),
    Column("causes", JSON, nullable=False),
    Column("lesson", Text),
    Column("reason", Text),
    Column("ended_at", Moment),
    Column("ended_by", String(80)),
    Column("review_on", Date),
    Column("reopened", Integer, nullable=False),
    Column("merged_into", String(40)),
    Column("split_from", String(40)),
    Column("linked_to", Number),
    Column("version", Integer, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("by", String(80), nullable=False),
    Index("ix_problems_issue_state", "issue", "state"),
    Index("ix_problems_state_number", "state", "number"),
    sqlite_autoincrement=True,
)

problem_complaints = Table(
    "problem_complaints",
    metadata,
    Column("problem", String(40), ForeignKey("problems.id"), primary_key=True),
    Column("complaint", String(200), ForeignKey("complaints.id"), primary_key=True),
    Column("how", String(20), nullable=False),
    Column("at", Moment, nullable=False),
    Index("ix_problem_complaints_complaint", "complaint"),
)

problem_events = Table(
    "problem_events",
    metadata,
    row_number(),
    Column("problem", String(40), ForeignKey("problems.id"), nullable=False),
    Column("at", Moment, nullable=False),
    Column("kind", String(40), nullable=False),
    Column("by", String(80), nullable=False),
    Column("detail", JSON, nullable=False),
    Column("once", String(120)),
    UniqueConstraint("problem", "once"),
    sqlite_autoincrement=True,
)

measures = Table(
    "measures",
    metadata,
    row_number(),
    Column("id", String(40), nullable=False, unique=True),
    Column("problem", String(40), ForeignKey("problems.id"), nullable=False, index=True),
    Column("title", String(200), nullable=False),
    Column("detail", Text),
    Column("origin", String(40), nullable=False),
    Column("state", String(20), nullable=False),
    Column("owner", String(200)),
    Column("due_on", Date),
    Column("cost", Float),
    Column("places", JSON, nullable=False),
    Column("lag_weeks", Integer, nullable=False),
    Column("done_on", Date),
    Column("evidence", Text),
    Column("proposed_by", String(80), nullable=False),
    Column("decided_by", String(80)),
    Column("decided_at", Moment),
    Column("reason", Text),
    Column("version", Integer, nullable=False),
    Column("created_at", Moment, nullable=False),
    Index("ix_measures_state_due_on", "state", "due_on"),
    sqlite_autoincrement=True,
)

effects = Table(
    "effects",
    metadata,
    row_number(),
    Column("measure", String(40), ForeignKey("measures.id"), nullable=False),
    Column("upto", Date, nullable=False),
    Column("measured_at", Moment, nullable=False),
    Column("verdict", String(20), nullable=False),
    Column("sentence", Text, nullable=False),
    Column("figures", JSON, nullable=False),
    UniqueConstraint("measure", "upto"),
    sqlite_autoincrement=True,
)

exposures = Table(
    "exposures",
    metadata,
    row_number(),
    Column("department", String(200), nullable=False),
    Column("week_start", Date, nullable=False),
    Column("product", String(200), nullable=False),
    Column("batch", String(200), nullable=False),
    Column("region", String(200), nullable=False),
    Column("outlet", String(200), nullable=False),
    Column("units", Float, nullable=False),
    UniqueConstraint("department", "week_start", "product", "batch", "region", "outlet"),
    sqlite_autoincrement=True,
)
