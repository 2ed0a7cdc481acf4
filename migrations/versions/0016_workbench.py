"""the PSA's own lists, intended changes of the ledger's lists, and another date for a posting

Revision ID: 0016
Revises: 0015
"""

import sqlalchemy as sa
from alembic import op

from app.models import columns

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "source_entries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("ident", sa.String(length=200), nullable=False),
        sa.Column("name", columns.Label(length=600), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("data", columns.Json(), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source_id", "kind", "ident"),
    )
    op.create_table(
        "source_fetches",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("at", columns.Moment(timezone=True), nullable=True),
        sa.Column("asked_at", columns.Moment(timezone=True), nullable=True),
        sa.Column("by", sa.String(length=320), nullable=False),
        sa.Column("problem", columns.Json(), nullable=True),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source_id", "kind"),
    )
    _entry_changes()
    op.add_column("postings", sa.Column("redated", sa.Date(), nullable=True))


def _entry_changes() -> None:
    op.create_table(
        "entry_changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("book_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("ledger_id", sa.String(length=60), nullable=False),
        sa.Column("name", columns.Label(length=600), nullable=False),
        sa.Column("source_id", sa.String(length=200), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("old", columns.Json(), nullable=False),
        sa.Column("new", columns.Json(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("problem", columns.Json(), nullable=True),
        sa.Column("by", sa.String(length=320), nullable=False),
        sa.Column("at", columns.Moment(timezone=True), nullable=False),
        sa.Column("look_at", columns.Moment(timezone=True), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["book_id"], ["books.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    open_ones = sa.text("state NOT IN ('done', 'refused')")
    op.create_index(
        "ux_one_entry_change", "entry_changes", ["book_id", "kind", "ledger_id"], unique=True,
        sqlite_where=open_ones, postgresql_where=open_ones,
    )  # fmt: skip


def downgrade() -> None:
    op.drop_column("postings", "redated")
    op.drop_table("entry_changes")
    op.drop_table("source_fetches")
    op.drop_table("source_entries")
