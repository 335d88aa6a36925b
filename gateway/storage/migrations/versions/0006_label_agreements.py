"""Agreements under which replies carry no visible label."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table, and its counter of changes."""
    op.create_table(
        "label_agreements",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("end_user", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("accepted_at_us", sa.BigInteger, nullable=False),
        sa.Column("ended_at_us", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_label_agreements"),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name="fk_label_agreements_account"),
    )
    op.create_index("ix_label_agreements_person", "label_agreements", ["account", "end_user"])
    revisions = sa.table("revisions", sa.column("name", sa.Text), sa.column("number", sa.BigInteger))
    op.bulk_insert(revisions, [{"name": "label_agreements", "number": 0}])
