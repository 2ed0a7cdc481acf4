"""Postings that stand beside another one, in a role of their own; totals are of the main ones only.

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

FACTS = ["currency", "kind", "cents", "ledger_cents", "checked", "proved"]


def upgrade() -> None:
    op.add_column("postings", sa.Column("beside", sa.Integer(), nullable=True))
    op.create_index("ix_postings_beside", "postings", ["beside"], unique=False)
    op.drop_index("ix_postings_facts", table_name="postings")
    op.create_index("ix_postings_facts", "postings", ["batch_id", "state", "role", *FACTS], unique=False)


def downgrade() -> None:
    op.drop_index("ix_postings_facts", table_name="postings")
    op.create_index("ix_postings_facts", "postings", ["batch_id", "state", *FACTS], unique=False)
    op.drop_index("ix_postings_beside", table_name="postings")
    op.drop_column("postings", "beside")
