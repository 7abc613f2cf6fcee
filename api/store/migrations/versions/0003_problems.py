"""Frequent problems, measures, their effects, and what they are counted over."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from api.store.tables import Moment

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the step."""
    op.create_table(
        "exposures",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("department", sa.String(length=200), nullable=False),
        sa.Column("week_start", sa.Date(), nullable=False),
        sa.Column("product", sa.String(length=200), nullable=False),
        sa.Column("batch", sa.String(length=200), nullable=False),
        sa.Column("region", sa.String(length=200), nullable=False),
        sa.Column("outlet", sa.String(length=200), nullable=False),
        sa.Column("units", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_exposures")),
        sa.UniqueConstraint(
            "department",
            "week_start",
            "product",
            "batch",
            "region",
            "outlet",
            name=op.f("uq_exposures_department_week_start_product_batch_region_outlet"),
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "problems",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("slot", sa.String(length=64), nullable=True),
        sa.Column("department", sa.String(length=200), nullable=True),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("issue", sa.String(length=60), nullable=False),
        sa.Column("places", sa.JSON(), nullable=False),
        sa.Column("severity", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("owner", sa.String(length=200), nullable=True),
        sa.Column("since", sa.Date(), nullable=True),
        sa.Column("cost", sa.Float(), nullable=True),
        sa.Column("source", sa.JSON(), nullable=False),
        sa.Column("containment", sa.Text(), nullable=True),
        sa.Column("causes", sa.JSON(), nullable=False),
        sa.Column("lesson", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("ended_at", Moment(timezone=True), nullable=True),
        sa.Column("ended_by", sa.String(length=80), nullable=True),
        sa.Column("review_on", sa.Date(), nullable=True),
        sa.Column("reopened", sa.Integer(), nullable=False),
        sa.Column("merged_into", sa.String(length=40), nullable=True),
        sa.Column("split_from", sa.String(length=40), nullable=True),
        sa.Column("linked_to", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", Moment(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_problems")),
        sa.UniqueConstraint("id", name=op.f("uq_problems_id")),
        sa.UniqueConstraint("slot", name=op.f("uq_problems_slot")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("problems", schema=None) as batch_op:
        batch_op.create_index("ix_problems_issue_state", ["issue", "state"], unique=False)
        batch_op.create_index("ix_problems_state_number", ["state", "number"], unique=False)

    op.create_table(
        "measures",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("problem", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("origin", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("owner", sa.String(length=200), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("cost", sa.Float(), nullable=True),
        sa.Column("places", sa.JSON(), nullable=False),
        sa.Column("lag_weeks", sa.Integer(), nullable=False),
        sa.Column("done_on", sa.Date(), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=True),
        sa.Column("proposed_by", sa.String(length=80), nullable=False),
        sa.Column("decided_by", sa.String(length=80), nullable=True),
        sa.Column("decided_at", Moment(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", Moment(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["problem"], ["problems.id"], name=op.f("fk_measures_problem")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_measures")),
        sa.UniqueConstraint("id", name=op.f("uq_measures_id")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("measures", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_measures_problem"), ["problem"], unique=False)
        batch_op.create_index("ix_measures_state_due_on", ["state", "due_on"], unique=False)

    op.create_table(
        "problem_complaints",
        sa.Column("problem", sa.String(length=40), nullable=False),
        sa.Column("complaint", sa.String(length=200), nullable=False),
        sa.Column("how", sa.String(length=20), nullable=False),
        sa.Column("at", Moment(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["complaint"], ["complaints.id"], name=op.f("fk_problem_complaints_complaint")
        ),
        sa.ForeignKeyConstraint(
            ["problem"], ["problems.id"], name=op.f("fk_problem_complaints_problem")
        ),
        sa.PrimaryKeyConstraint("problem", "complaint", name=op.f("pk_problem_complaints")),
    )
    with op.batch_alter_table("problem_complaints", schema=None) as batch_op:
        batch_op.create_index("ix_problem_complaints_complaint", ["complaint"], unique=False)

    op.create_table(
        "problem_events",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("problem", sa.String(length=40), nullable=False),
        sa.Column("at", Moment(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("once", sa.String(length=120), nullable=True),
        sa.ForeignKeyConstraint(
            ["problem"], ["problems.id"], name=op.f("fk_problem_events_problem")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_problem_events")),
        sa.UniqueConstraint("problem", "once", name=op.f("uq_problem_events_problem_once")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "effects",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("measure", sa.String(length=40), nullable=False),
        sa.Column("upto", sa.Date(), nullable=False),
        sa.Column("measured_at", Moment(timezone=True), nullable=False),
        sa.Column("verdict", sa.String(length=20), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["measure"], ["measures.id"], name=op.f("fk_effects_measure")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_effects")),
        sa.UniqueConstraint("measure", "upto", name=op.f("uq_effects_measure_upto")),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_table("effects")
    op.drop_table("problem_events")
    with op.batch_alter_table("problem_complaints", schema=None) as batch_op:
        batch_op.drop_index("ix_problem_complaints_complaint")

    op.drop_table("problem_complaints")
    with op.batch_alter_table("measures", schema=None) as batch_op:
        batch_op.drop_index("ix_measures_state_due_on")
        batch_op.drop_index(batch_op.f("ix_measures_problem"))

    op.drop_table("measures")
    with op.batch_alter_table("problems", schema=None) as batch_op:
        batch_op.drop_index("ix_problems_state_number")
        batch_op.drop_index("ix_problems_issue_state")

    op.drop_table("problems")
    op.drop_table("exposures")
