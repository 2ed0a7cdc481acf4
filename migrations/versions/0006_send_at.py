"""when a document that the ledger did not take goes again; holds have a table of their own since 0002

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

from app.models import columns

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("postings", sa.Column("send_at", columns.Moment(timezone=True), nullable=True))
    op.drop_column("postings", "held_by")


def downgrade() -> None:
    op.add_column("postings", sa.Column("held_by", sa.String(length=320), nullable=False, server_default=""))
    op.drop_column("postings", "send_at")
