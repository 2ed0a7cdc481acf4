"""where a deed came from and which company it was about; amounts beyond 32 bits

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

#: SQLite's INTEGER has 64 bits already.
CENTS = (("postings", "cents"), ("postings", "ledger_cents"), ("unposted_records", "cents"))
#: What older rows were about: subject's first word, and the company by the number behind it.
ABOUT = {
    "book": "SELECT id FROM books WHERE id = {id}",
    "batch": "SELECT book_id FROM batches WHERE id = {id}",
    "posting": "SELECT book_id FROM postings WHERE id = {id}",
}


def upgrade() -> None:
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.add_column(sa.Column("address", sa.String(length=45), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("book_id", sa.Integer(), nullable=True))
        batch_op.create_index(batch_op.f("ix_audit_actor"), ["actor"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_book_id"), ["book_id"], unique=False)
    for word, found in ABOUT.items():
        ident = f"CAST(substr(subject, {len(word) + 2}) AS INTEGER)"
        op.execute(f"UPDATE audit SET book_id = ({found.format(id=ident)}) WHERE subject LIKE '{word}:%'")  # noqa: S608 - constants
    _cents(sa.BigInteger(), sa.Integer())


def downgrade() -> None:
    _cents(sa.Integer(), sa.BigInteger())
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_audit_book_id"))
        batch_op.drop_index(batch_op.f("ix_audit_actor"))
        batch_op.drop_column("book_id")
        batch_op.drop_column("address")


def _cents(new: sa.types.TypeEngine[int], old: sa.types.TypeEngine[int]) -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table, column in CENTS:
            op.alter_column(table, column, type_=new, existing_type=old)
