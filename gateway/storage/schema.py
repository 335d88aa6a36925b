"""Tables of the store."""

import sqlalchemy as sa

METADATA = sa.MetaData()

AUDIT_ENTRIES = sa.Table(
    "audit_entries",
    METADATA,
    sa.Column("log_id", sa.Text, primary_key=True),
    sa.Column("sequence", sa.BigInteger, primary_key=True),
    sa.Column("request_id", sa.Text, nullable=False, index=True),
    sa.Column("at_us", sa.BigInteger, nullable=False, index=True),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("account_kind", sa.Text, nullable=False),
    sa.Column("dialect", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("decision", sa.Text, nullable=False),
    sa.Column("risks", sa.Text, nullable=False),
    sa.Column("entry", sa.LargeBinary, nullable=False),
    sa.Column("leaf_hash", sa.LargeBinary, nullable=False),
)

AUDIT_CURSORS = sa.Table(
    "audit_cursors",
    METADATA,
    sa.Column("log_id", sa.Text, primary_key=True),
    sa.Column("segment", sa.Text, nullable=False),
    sa.Column("byte_offset", sa.BigInteger, nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
)
