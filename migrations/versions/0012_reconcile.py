"""looks at both systems, what they saw, and drift

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

from app.models import columns

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("posting_records", sa.Column("date_closed", sa.String(length=40), nullable=False, server_default=""))
    _looks()
    _psa_invoices()
    _ledger_documents()
    _drifts()
    _agreements()


def _looks() -> None:
    op.create_table(
        "drift_looks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("book_id", sa.Integer(), nullable=False),
        sa.Column("by", sa.String(length=320), nullable=False),
        sa.Column("asked_at", columns.Moment(timezone=True), nullable=False),
        sa.Column("started_at", columns.Moment(timezone=True), nullable=True),
        sa.Column("ended_at", columns.Moment(timezone=True), nullable=True),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("since", columns.Moment(timezone=True), nullable=True),
        sa.Column("until", columns.Moment(timezone=True), nullable=True),
        sa.Column("stage", sa.String(length=12), nullable=False),
        sa.Column("cursor", columns.Json(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("documents", sa.Integer(), nullable=False),
        sa.Column("drifted", sa.Integer(), nullable=False),
        sa.Column("lease_owner", sa.String(length=40), nullable=False),
        sa.Column("lease_until", columns.Moment(timezone=True), nullable=True),
        sa.Column("wake_at", columns.Moment(timezone=True), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("problem", columns.Json(), nullable=True),
        sa.ForeignKeyConstraint(["book_id"], ["books.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_drift_looks_book", "drift_looks", ["book_id", "id"])
    unfinished = sa.text("ended_at IS NULL")
    op.create_index(
        "ux_one_drift_look", "drift_looks", ["book_id"], unique=True,
        sqlite_where=unfinished, postgresql_where=unfinished,
    )  # fmt: skip


def _psa_invoices() -> None:
    op.create_table(
        "psa_invoices",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("record", sa.String(length=60), nullable=False),
        sa.Column("number", columns.Label(length=60), nullable=False),
        sa.Column("psa_type", columns.Label(length=30), nullable=False),
        sa.Column("party_id", sa.String(length=60), nullable=False),
        sa.Column("party", columns.Label(length=600), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("cents", columns.Cents(), nullable=False),
        sa.Column("tax_cents", columns.Cents(), nullable=False),
        sa.Column("open_cents", columns.Cents(), nullable=False),
        sa.Column("tax_code", columns.Label(length=120), nullable=False),
        sa.Column("status", columns.Label(length=60), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.Column("batch", columns.Label(length=120), nullable=False),
        sa.Column("agreement_id", sa.String(length=60), nullable=False),
        sa.Column("accounts", columns.Json(), nullable=True),
        sa.Column("seen_at", columns.Moment(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source_id", "record"),
    )
    op.create_index("ix_psa_invoices_date", "psa_invoices", ["source_id", "date"])


def _ledger_documents() -> None:
    op.create_table(
        "ledger_documents",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("book_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("ledger_id", sa.String(length=60), nullable=False),
        sa.Column("number", columns.Label(length=60), nullable=False),
        sa.Column("mark", sa.String(length=60), nullable=False),
        sa.Column("party_id", sa.String(length=60), nullable=False),
        sa.Column("party", columns.Label(length=600), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("due_date", sa.Date(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("cents", columns.Cents(), nullable=False),
        sa.Column("tax_cents", columns.Cents(), nullable=False),
        sa.Column("open_cents", columns.Cents(), nullable=False),
        sa.Column("voided", sa.Boolean(), nullable=False),
        sa.Column("accounts", columns.Json(), nullable=True),
        sa.Column("seen_at", columns.Moment(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["book_id"], ["books.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("book_id", "kind", "ledger_id"),
    )
    op.create_index("ix_ledger_documents_date", "ledger_documents", ["book_id", "date"])


def _drifts() -> None:
    op.create_table(
        "drifts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("book_id", sa.Integer(), nullable=False),
        sa.Column("posting_id", sa.Integer(), nullable=False),
        sa.Column("side", sa.String(length=6), nullable=False),
        sa.Column("what", sa.String(length=12), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("signature", sa.String(length=64), nullable=False),
        sa.Column("changes", columns.Json(), nullable=False),
        sa.Column("receipt", columns.Json(), nullable=True),
        sa.Column("found_at", columns.Moment(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=320), nullable=False),
        sa.Column("at", columns.Moment(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["book_id"], ["books.id"]),
        sa.ForeignKeyConstraint(["posting_id"], ["postings.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("posting_id", "side"),
    )
    op.create_index("ix_drifts_book", "drifts", ["book_id", "state", "id"])


def _agreements() -> None:
    op.create_table(
        "psa_agreements",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("agreement", sa.String(length=60), nullable=False),
        sa.Column("name", columns.Label(length=200), nullable=False),
        sa.Column("party_id", sa.String(length=60), nullable=False),
        sa.Column("party", columns.Label(length=600), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("cents", columns.Cents(), nullable=False),
        sa.Column("cycle", columns.Label(length=60), nullable=False),
        sa.Column("starts", sa.Date(), nullable=True),
        sa.Column("ends", sa.Date(), nullable=True),
        sa.Column("cancelled", sa.Boolean(), nullable=False),
        sa.Column("seen_at", columns.Moment(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source_id", "agreement"),
    )


def downgrade() -> None:
    for table in ("psa_agreements", "drifts", "ledger_documents", "psa_invoices", "drift_looks"):
        op.drop_table(table)
    op.drop_column("posting_records", "date_closed")
