"""the approval of batches, roles per company, and tax as lines as a module

Revision ID: 0015
Revises: 0014
"""

import json

import sqlalchemy as sa
from alembic import op

from app.models import columns

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

OLD, NEW = "taxes.purchases", "modules.taxes_as_lines"


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
    _rename({"line": "purchases"}, OLD, NEW)


def downgrade() -> None:
    _rename({"purchases": "line", "all": "line"}, NEW, OLD)
    op.drop_table("book_roles")
    for column in reversed(_columns()):
        op.drop_column("batches", column.name)


def _rename(values: dict[str, str], old: str, new: str) -> None:
    """“Tax of purchases: always a line” is the module, switched on for purchases; other values are the default."""
    books = sa.table("books", sa.column("id", sa.Integer), sa.column("settings", sa.Text))
    connection = op.get_bind()
    for ident, text in connection.execute(sa.select(books.c.id, books.c.settings)).all():
        held = json.loads(text or "{}")
        if old in held:
            value = values.get(held.pop(old))
            held |= {new: value} if value else {}
            connection.execute(books.update().where(books.c.id == ident).values(settings=json.dumps(held)))
