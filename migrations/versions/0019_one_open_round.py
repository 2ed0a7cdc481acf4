"""One open round of AutoSync per Book.

Of those that two schedulers opened at once, the newest goes on; the batches of the others do anyway.

Revision ID: 0019
Revises: 0018
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        sa.text(
            "UPDATE rounds SET state = 'ended', status = 'skipped', ended_at = at, lease_owner = '', lease_until = NULL"
            " WHERE auto AND state <> 'ended'"
            " AND id NOT IN (SELECT max(id) FROM rounds WHERE auto AND state <> 'ended' GROUP BY book_id)"
        )
    )
    open_ones = sa.text("auto AND state <> 'ended'")
    op.create_index(
        "ux_one_open_round", "rounds", ["book_id"], unique=True, sqlite_where=open_ones, postgresql_where=open_ones
    )


def downgrade() -> None:
    op.drop_index("ux_one_open_round", "rounds")
