"""payments of the books, and what stands of them in the PSA

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

from app.models import columns

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ledger_payments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("book_id", sa.Integer(), nullable=False),
        sa.Column("ledger_id", sa.String(length=60), nullable=False),
        sa.Column("party_id", sa.String(length=60), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("total", columns.DecimalText(length=40), nullable=False),
        sa.Column("unapplied", columns.DecimalText(length=40), nullable=False),
        sa.Column("reference", columns.Label(length=200), nullable=False),
        sa.Column("method", columns.Label(length=200), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("gone", sa.Boolean(), nullable=False),
        sa.Column("lines", columns.Json(), nullable=False),
        sa.ForeignKeyConstraint(
            ["book_id"],
            ["books.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("book_id", "ledger_id"),
    )
    op.create_table(
        "ledger_payment_lines",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("book_id", sa.Integer(), nullable=False),
        sa.Column("payment_id", sa.Integer(), nullable=False),
        sa.Column("ledger_id", sa.String(length=60), nullable=False),
        sa.ForeignKeyConstraint(
            ["book_id"],
            ["books.id"],
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"],
            ["ledger_payments.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_ledger_payment_lines_document", "ledger_payment_lines", ["book_id", "ledger_id"], unique=False)
    op.create_index("ix_ledger_payment_lines_payment_id", "ledger_payment_lines", ["payment_id"], unique=False)
    op.create_table(
        "payment_marks",
        sa.Column("book_id", sa.Integer(), nullable=False),
        sa.Column("until", columns.Moment(timezone=True), nullable=True),
        sa.Column("batch_id", sa.Integer(), nullable=True),
        sa.Column("rung_at", columns.Moment(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["batches.id"],
        ),
        sa.ForeignKeyConstraint(
            ["book_id"],
            ["books.id"],
        ),
        sa.PrimaryKeyConstraint("book_id"),
    )
    op.create_table(
        "payment_runs",
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("book_id", sa.Integer(), nullable=False),
        sa.Column("since", columns.Moment(timezone=True), nullable=True),
        sa.Column("until", columns.Moment(timezone=True), nullable=True),
        sa.Column("read_at", columns.Moment(timezone=True), nullable=True),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("notes", columns.Json(), nullable=False),
        sa.Column("written", columns.Json(), nullable=True),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["batches.id"],
        ),
        sa.ForeignKeyConstraint(
            ["book_id"],
            ["books.id"],
        ),
        sa.PrimaryKeyConstraint("batch_id"),
    )
    op.create_table(
        "payment_entries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("book_id", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("posting_id", sa.Integer(), nullable=False),
        sa.Column("record", sa.String(length=60), nullable=False),
        sa.Column("what", sa.String(length=10), nullable=False),
        sa.Column("payment", sa.String(length=60), nullable=False),
        sa.Column("credit", sa.String(length=60), nullable=False),
        sa.Column("parts", columns.Json(), nullable=False),
        sa.Column("by_hand", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("verb", sa.String(length=10), nullable=False),
        sa.Column("back", sa.Boolean(), nullable=False),
        sa.Column("amount", columns.DecimalText(length=40), nullable=False),
        sa.Column("date", sa.Date(), nullable=True),
        sa.Column("was", columns.DecimalText(length=40), nullable=True),
        sa.Column("status", sa.String(length=60), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(length=60), nullable=False),
        sa.Column("psa_id", sa.String(length=60), nullable=False),
        sa.Column("seen", columns.Json(), nullable=False),
        sa.Column("sends", sa.Integer(), nullable=False),
        sa.Column("sent_at", columns.Moment(timezone=True), nullable=True),
        sa.Column("ended_by", columns.Moment(timezone=True), nullable=True),
        sa.Column("look_at", columns.Moment(timezone=True), nullable=True),
        sa.Column("absent", sa.Integer(), nullable=False),
        sa.Column("problem", columns.Json(), nullable=True),
        sa.Column("at", columns.Moment(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["batches.id"],
        ),
        sa.ForeignKeyConstraint(
            ["book_id"],
            ["books.id"],
        ),
        sa.ForeignKeyConstraint(
            ["posting_id"],
            ["postings.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("book_id", "record", "what", "payment", "credit"),
    )
    op.create_index("ix_payment_entries_batch", "payment_entries", ["batch_id", "state"], unique=False)
    op.create_index("ix_payment_entries_posting_id", "payment_entries", ["posting_id"], unique=False)
    op.create_index("ix_payment_entries_state", "payment_entries", ["book_id", "state"], unique=False)
    op.create_table(
        "payment_targets",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("book_id", sa.Integer(), nullable=False),
        sa.Column("posting_id", sa.Integer(), nullable=False),
        sa.Column("record", sa.String(length=60), nullable=False),
        sa.Column("ledger_id", sa.String(length=60), nullable=False),
        sa.Column("number", columns.Label(length=60), nullable=False),
        sa.Column("party", columns.Label(length=600), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("cents", columns.Cents(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("before_cents", columns.Cents(), nullable=True),
        sa.Column("books_cents", columns.Cents(), nullable=True),
        sa.Column("planned_cents", columns.Cents(), nullable=True),
        sa.Column("after_cents", columns.Cents(), nullable=True),
        sa.Column("steps", columns.Json(), nullable=False),
        sa.Column("problems", columns.Json(), nullable=False),
        sa.Column("severity", sa.String(length=10), nullable=False),
        sa.Column("rev", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["batches.id"],
        ),
        sa.ForeignKeyConstraint(
            ["book_id"],
            ["books.id"],
        ),
        sa.ForeignKeyConstraint(
            ["posting_id"],
            ["postings.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("batch_id", "posting_id"),
    )
    op.create_index("ix_payment_targets_number", "payment_targets", ["batch_id", "number", "id"], unique=False)
    op.create_index("ix_payment_targets_posting_id", "payment_targets", ["posting_id"], unique=False)
    op.create_index("ix_payment_targets_state", "payment_targets", ["book_id", "state"], unique=False)


def downgrade() -> None:
    op.drop_table("payment_targets")
    op.drop_table("payment_entries")
    op.drop_table("payment_runs")
    op.drop_table("payment_marks")
    op.drop_table("ledger_payment_lines")
    op.drop_table("ledger_payments")
