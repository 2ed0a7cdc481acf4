"""Links to pay, the pages at the payment provider, and their payments in the books.

Revision ID: 0018
Revises: 0017
"""

import sqlalchemy as sa
from alembic import op

from app.models import columns

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _pay_links()
    _checkouts()


def _pay_links() -> None:
    op.create_table(
        "pay_links",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("book_id", sa.Integer(), sa.ForeignKey("books.id"), nullable=False),
        sa.Column("posting_id", sa.Integer(), sa.ForeignKey("postings.id"), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", columns.Moment(timezone=True), nullable=False),
        sa.Column("expires_at", columns.Moment(timezone=True), nullable=False),
        sa.Column("revoked_at", columns.Moment(timezone=True), nullable=True),
        sa.Column("revoked_by", sa.String(length=320), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_hash"),
    )
    op.create_index("ix_pay_links_posting_id", "pay_links", ["posting_id"], unique=False)


def _checkouts() -> None:
    op.create_table(
        "checkouts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("book_id", sa.Integer(), sa.ForeignKey("books.id"), nullable=False),
        sa.Column("posting_id", sa.Integer(), sa.ForeignKey("postings.id"), nullable=False),
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("ident", sa.String(length=255), nullable=False),
        sa.Column("payment", sa.String(length=255), nullable=False),
        sa.Column("invoice", sa.String(length=60), nullable=False),
        sa.Column("party_id", sa.String(length=60), nullable=False),
        sa.Column("amount", columns.DecimalText(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("loose", sa.Boolean(), nullable=False),
        sa.Column("created_at", columns.Moment(timezone=True), nullable=False),
        sa.Column("expires_at", columns.Moment(timezone=True), nullable=False),
        sa.Column("paid_at", columns.Moment(timezone=True), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column("sends", sa.Integer(), nullable=False),
        sa.Column("sent_at", columns.Moment(timezone=True), nullable=True),
        sa.Column("ended_by", columns.Moment(timezone=True), nullable=True),
        sa.Column("look_at", columns.Moment(timezone=True), nullable=True),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.Column("absent", sa.Integer(), nullable=False),
        sa.Column("problem", columns.Json(), nullable=True),
        sa.Column("ledger_payment", sa.String(length=60), nullable=False),
        sa.Column("ended_at", columns.Moment(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    for name in ("posting_id", "ident"):
        op.create_index(f"ix_checkouts_{name}", "checkouts", [name], unique=False)
    op.create_index("ix_checkouts_due", "checkouts", ["book_id", "look_at"], unique=False)
    live = sa.text("live")
    op.create_index(
        "ux_one_live_checkout", "checkouts", ["posting_id"], unique=True, sqlite_where=live, postgresql_where=live
    )


def downgrade() -> None:
    for table in ("checkouts", "pay_links"):
        op.drop_table(table)
