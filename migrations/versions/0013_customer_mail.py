"""files attached to documents, and mails to customers

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

from app.models import columns

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "attachments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("posting_id", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("ledger_id", sa.String(length=60), nullable=False),
        sa.Column("name", columns.Label(200), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("sends", sa.Integer(), nullable=False),
        sa.Column("absent", sa.Integer(), nullable=False),
        sa.Column("sent_at", columns.Moment(timezone=True), nullable=True),
        sa.Column("look_at", columns.Moment(timezone=True), nullable=True),
        sa.Column("attachment_id", sa.String(length=60), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"]),
        sa.ForeignKeyConstraint(["posting_id"], ["postings.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("posting_id", "ledger_id"),
    )
    op.create_index("ix_attachments_batch", "attachments", ["batch_id", "state"])
    op.create_table(
        "mail_files",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mail_id", sa.Integer(), nullable=False),
        sa.Column("name", columns.Label(200), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["mail_id"], ["mails.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_mail_files_mail_id", "mail_files", ["mail_id"])
    with op.batch_alter_table("mails", schema=None) as batch_op:
        batch_op.add_column(sa.Column("book_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("posting_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("sender_name", columns.Label(200), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("reply_to", sa.String(length=320), nullable=False, server_default=""))
        batch_op.create_foreign_key("fk_mails_book", "books", ["book_id"], ["id"])
        batch_op.create_foreign_key("fk_mails_posting", "postings", ["posting_id"], ["id"])
        batch_op.create_index("ix_mails_book", ["book_id", "state"])
        batch_op.create_index("ix_mails_posting_id", ["posting_id"])


def downgrade() -> None:
    with op.batch_alter_table("mails", schema=None) as batch_op:
        batch_op.drop_index("ix_mails_posting_id")
        batch_op.drop_index("ix_mails_book")
        batch_op.drop_constraint("fk_mails_posting", type_="foreignkey")
        batch_op.drop_constraint("fk_mails_book", type_="foreignkey")
        for name in ("reply_to", "sender_name", "posting_id", "book_id"):
            batch_op.drop_column(name)
    op.drop_table("mail_files")
    op.drop_table("attachments")
