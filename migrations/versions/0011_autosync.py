"""rounds of batches, AutoSync, and the queue of batches

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

from app.models import columns

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "autosyncs",
        sa.Column("book_id", sa.Integer(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("mark", columns.Moment(timezone=True), nullable=True),
        sa.Column("schedule", sa.String(length=600), nullable=False),
        sa.Column("paused", columns.Json(), nullable=True),
        sa.Column("paused_at", columns.Moment(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["book_id"], ["books.id"]),
        sa.PrimaryKeyConstraint("book_id"),
    )
    op.create_table(
        "rounds",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("book_id", sa.Integer(), nullable=False),
        sa.Column("due_at", columns.Moment(timezone=True), nullable=True),
        sa.Column("auto", sa.Boolean(), nullable=False),
        sa.Column("by", sa.String(length=320), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("lease_owner", sa.String(length=40), nullable=False),
        sa.Column("lease_until", columns.Moment(timezone=True), nullable=True),
        sa.Column("found", columns.Json(), nullable=False),
        sa.Column("status", sa.String(length=30), nullable=False),
        sa.Column("problem", columns.Json(), nullable=True),
        sa.Column("at", columns.Moment(timezone=True), nullable=False),
        sa.Column("ended_at", columns.Moment(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["book_id"], ["books.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("book_id", "due_at"),
    )
    op.create_index("ix_rounds_book_id", "rounds", ["book_id"])
    op.create_index("ix_rounds_state", "rounds", ["state"])
    op.create_table(
        "round_batches",
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"]),
        sa.ForeignKeyConstraint(["round_id"], ["rounds.id"]),
        sa.PrimaryKeyConstraint("batch_id"),
    )
    op.create_index("ix_round_batches_round_id", "round_batches", ["round_id"])
    op.add_column("batches", sa.Column("auto", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("batches", sa.Column("queued_at", columns.Moment(timezone=True), nullable=True))
    going = sa.text("ended_at IS NULL")
    op.create_index("ix_batches_going", "batches", ["book_id"], sqlite_where=going, postgresql_where=going)


def downgrade() -> None:
    op.drop_index("ix_batches_going", "batches")
    op.drop_column("batches", "queued_at")
    op.drop_column("batches", "auto")
    op.drop_table("round_batches")
    op.drop_table("rounds")
    op.drop_table("autosyncs")
