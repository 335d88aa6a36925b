"""Strikes: what is held against each person, and the measures taken."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_OPEN = "consecutive > 0 OR suspended_until_us > 0"


def upgrade() -> None:
    """Create the tables, and the counter of strikes that no mark tells of."""
    op.create_table(
        "strike_counts",
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("end_user", sa.Text, nullable=False),
        sa.Column("consecutive", sa.BigInteger, nullable=False),
        sa.Column("day", sa.BigInteger, nullable=False),
        sa.Column("day_total", sa.BigInteger, nullable=False),
        sa.Column("suspended_until_us", sa.BigInteger, nullable=False),
        sa.Column("suspended_at_us", sa.BigInteger, nullable=False),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("changed_at_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("account", "end_user", name="pk_strike_counts"),
    )
    where = sa.text(_OPEN)
    op.create_index(
        "ix_strike_counts_open",
        "strike_counts",
        ["suspended_until_us"],
        postgresql_where=where,
        sqlite_where=where,
    )
    op.create_table(
        "strike_history",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("end_user", sa.Text, nullable=False),
        sa.Column("measure", sa.Text, nullable=False),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("severity", sa.BigInteger, nullable=False),
        sa.Column("consecutive", sa.BigInteger, nullable=False),
        sa.Column("day_total", sa.BigInteger, nullable=False),
        sa.Column("until_us", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("texts", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_strike_history"),
    )
    op.create_index("ix_strike_history_at_us", "strike_history", ["at_us"])
    op.create_index("ix_strike_history_person", "strike_history", ["account", "end_user", "at_us"])
    revisions = sa.table("revisions", sa.column("name", sa.Text), sa.column("number", sa.BigInteger))
    op.bulk_insert(revisions, [{"name": "strikes.unmarked", "number": 0}])
