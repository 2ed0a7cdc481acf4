"""the approval of batches, and roles per company

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op

from app.models import columns

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

def _columns() -> list[sa.Column]:
    return [
        sa.Column("approval", sa.String(length=10), nullable=False, server_default=""),
        sa.Column("approval_seal", columns.Json(), nullable=True),
        sa.Column("approval_by", sa.String(length=320), nullable=False, server_default=""),
        sa.Column("approval_at", columns.Moment(timezone=True), nullable=True),
        sa.Column("approval_note", sa.String(length=600), nullable=False, server_default=""),
        sa.Column("prepared_by", columns.Json(), nullable=False, server_default="[]"),
    ]


def upgrade() -> None:
    for column in _columns():
        op.add_column("batches", column)
    op.create_table(
        "book_roles",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), sa.ForeignKey("users.id"), nullable=False),
        sa.Column("book_id", sa.Integer(), sa.ForeignKey("books.id"), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("user_id", "book_id"),
    )


def downgrade() -> None:
    op.drop_table("book_roles")
    for column in reversed(_columns()):
        op.drop_column("batches", column.name)

