"""Tenants, models and trust of accounts, end users who are bound to a kind, and which change an account was last in.

Accounts made before keep what they may do: any model, and no end user is believed.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, and create the table of bindings."""
    # Defaults of the server, since rows are there already.
    for column in (
        sa.Column("tenant", sa.Text, nullable=False, server_default="default"),
        sa.Column("models", sa.Text, nullable=False, server_default="[]"),
        sa.Column("trusts_end_user", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("changed_in", sa.BigInteger, nullable=False, server_default="0"),
    ):
        op.add_column("accounts", column)
    op.create_index("ix_accounts_changed_in", "accounts", ["changed_in"])
    op.create_table(
        "account_bindings",
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("pseudonym", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("created_at_us", sa.BigInteger, nullable=False),
        sa.Column("expires_at_us", sa.BigInteger),
        sa.Column("allow_from", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "pseudonym", name="pk_account_bindings"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_account_bindings_account_id"),
    )
