"""what the PSA's list says of a record beside its amounts

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

from app.models import columns

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("unposted_records", sa.Column("facts", columns.Json(), nullable=False, server_default="{}"))


def downgrade() -> None:
    op.drop_column("unposted_records", "facts")
