"""The audit trail's index anew: by day on PostgreSQL, with end users, events and a table of risks.

Nothing is carried over. The index is made of the files, and the gateway indexes them again from the start.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_NOTABLE = "decision NOT IN ('', 'allow')"
_HAS_END_USER = "end_user <> ''"
_MOMENT = ("at_us", "log_id", "sequence")


def upgrade() -> None:
    """Replace the index's tables, and have it begin again."""
    op.drop_table("audit_entries")
    op.execute("DELETE FROM audit_cursors")
    _create_entries()
    _create_risks()


def _create_entries() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("log_id", sa.Text, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("end_user", sa.Text, nullable=False),
        sa.Column("decision", sa.Text, nullable=False),
        sa.Column("key_id", sa.Text, nullable=False),
        sa.Column("entry", sa.LargeBinary),
        sa.Column("leaf_hash", sa.LargeBinary(32), nullable=False),
        sa.PrimaryKeyConstraint("log_id", "sequence", "at_us", name="pk_audit_entries"),
        postgresql_partition_by="RANGE (at_us)",
    )
    _create_index("audit_entries", "at_us", ["at_us"])
    _create_index("audit_entries", "request_id", ["request_id"], "request_id <> ''")
    _create_index("audit_entries", "account", ["account", "at_us"], "account <> ''")
    _create_index("audit_entries", "account_decision", ["account", "decision", "at_us"], _NOTABLE)
    _create_index("audit_entries", "end_user", ["end_user", "at_us"], _HAS_END_USER)
    _create_index("audit_entries", "end_user_decision", ["end_user", "decision", "at_us"], _NOTABLE)
    _create_index("audit_entries", "decision", ["decision", "at_us"], _NOTABLE)
    _create_index("audit_entries", "type", ["type", "at_us"], "type <> 'exchange'")
    _create_index("audit_entries", "key_id", ["key_id"], "key_id <> ''")


def _create_risks() -> None:
    op.create_table(
        "audit_risks",
        sa.Column("risk", sa.Text, nullable=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
        sa.Column("log_id", sa.Text, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("end_user", sa.Text, nullable=False),
        sa.Column("decision", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("risk", "at_us", "log_id", "sequence", name="pk_audit_risks"),
        postgresql_partition_by="RANGE (at_us)",
    )
    _create_index("audit_risks", "account", ["risk", "account", *_MOMENT])
    _create_index("audit_risks", "end_user", ["risk", "end_user", *_MOMENT], _HAS_END_USER)
    _create_index("audit_risks", "decision", ["risk", "decision", *_MOMENT])


def _create_index(table: str, name: str, columns: list[str], condition: str | None = None) -> None:
    where = None if condition is None else sa.text(condition)
    op.create_index(f"ix_{table}_{name}", table, columns, postgresql_where=where, sqlite_where=where)
