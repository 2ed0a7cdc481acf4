"""Who wants which mail, what was told already, and the channels beside mail with what goes out through them.

Revision ID: 0017
Revises: 0016
"""

import sqlalchemy as sa
from alembic import op

from app.models import columns

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "notice_wishes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), sa.ForeignKey("users.id"), nullable=False),
        sa.Column("book_id", sa.Integer(), sa.ForeignKey("books.id"), nullable=False),
        sa.Column("failures", sa.Boolean(), nullable=False),
        sa.Column("digest", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("user_id", "book_id"),
    )
    op.create_table(
        "notice_marks",
        sa.Column("book_id", sa.Integer(), sa.ForeignKey("books.id"), nullable=False),
        sa.Column("since", columns.Moment(timezone=True), nullable=False),
        sa.Column("digest_until", columns.Moment(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("book_id"),
    )
    op.create_table(
        "notice_batches",
        sa.Column("batch_id", sa.Integer(), sa.ForeignKey("batches.id"), nullable=False),
        sa.Column("ended_at", columns.Moment(timezone=True), nullable=False),
        sa.Column("newest", columns.Moment(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("batch_id"),
    )
    op.create_table(
        "notice_channels",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("host", sa.String(length=260), nullable=False),
        sa.Column("events", columns.Json(), nullable=False),
        sa.Column("secrets", columns.EncryptedJson(), nullable=False),
        sa.Column("by", sa.String(length=320), nullable=False),
        sa.Column("created_at", columns.Moment(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "notices",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("channel_id", sa.Integer(), sa.ForeignKey("notice_channels.id"), nullable=False),
        sa.Column("book_id", sa.Integer(), sa.ForeignKey("books.id"), nullable=True),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("event", sa.String(length=20), nullable=False),
        sa.Column("title", columns.Label(300), nullable=False),
        sa.Column("content", columns.EncryptedJson(), nullable=False),
        sa.Column("message_name", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", columns.Moment(timezone=True), nullable=False),
        sa.Column("lease_until", columns.Moment(timezone=True), nullable=True),
        sa.Column("problem", sa.String(length=600), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("created_at", columns.Moment(timezone=True), nullable=False),
        sa.Column("ended_at", columns.Moment(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    op.create_index("ix_notices_channel_id", "notices", ["channel_id"], unique=False)
    op.create_index("ix_notices_state", "notices", ["state"], unique=False)


def downgrade() -> None:
    for table in ("notices", "notice_channels", "notice_batches", "notice_marks", "notice_wishes"):
        op.drop_table(table)
