"""Tables of the store, declared once for SQLite and PostgreSQL.

Rules: times are microseconds of Unix time (``_us``); keys are kept as digests only; what belongs to another package
(kinds, networks, canonical entries) is text or bytes here. `gateway.storage.migrations` builds these tables, and a
test holds the two equal.
"""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, LargeBinary, MetaData, Table, Text

# Names that do not depend on the engine, so that a later migration can name what it changes.
METADATA = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)

DIGEST_BYTES = 32
"""Length of a SHA-256 digest."""

ACCOUNTS = Table(
    "accounts",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("policy", Text),
    Column("created_at_us", BigInteger, nullable=False),
    Column("expires_at_us", BigInteger),
    Column("disabled_at_us", BigInteger),
    Column("allow_from", Text, nullable=False),
)
"""Accounts; ``allow_from`` is a JSON array of CIDR networks, empty for "from anywhere"."""

ACCOUNT_KEYS = Table(
    "account_keys",
    METADATA,
    Column("digest", LargeBinary(DIGEST_BYTES), primary_key=True),
    Column("account_id", Text, ForeignKey("accounts.id"), nullable=False, index=True),
    Column("created_at_us", BigInteger, nullable=False),
    Column("expires_at_us", BigInteger),
)
"""SHA-256 digests of keys; a rotated key has an end."""

AUDIT_ENTRIES = Table(
    "audit_entries",
    METADATA,
    Column("log_id", Text, primary_key=True),
    Column("sequence", BigInteger, primary_key=True),
    Column("request_id", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("account", Text, nullable=False),
    Column("account_kind", Text, nullable=False),
    Column("dialect", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("decision", Text, nullable=False),
    Column("risks", Text, nullable=False),
    Column("entry", LargeBinary, nullable=False),
    Column("leaf_hash", LargeBinary(DIGEST_BYTES), nullable=False),
    Index(None, "at_us"),
    Index(None, "request_id"),
    Index(None, "account"),
)
"""Index over the audit trail's files, which stay the truth; ``risks`` is comma-joined, ``entry`` is as written."""

AUDIT_CURSORS = Table(
    "audit_cursors",
    METADATA,
    Column("log_id", Text, primary_key=True),
    Column("segment", Text, nullable=False),
    Column("byte_offset", BigInteger, nullable=False),
    Column("sequence", BigInteger, nullable=False),
)
"""How far the index has read each segment log."""

CONTENT_KEYS = Table(
    "content_keys",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("account", Text, nullable=False, index=True),
    Column("end_user", Text, nullable=False, index=True),
    Column("day", BigInteger, nullable=False, index=True),
    Column("wrapped", LargeBinary, nullable=False),
    Column("master_key", Text, nullable=False),
    Column("created_at_us", BigInteger, nullable=False),
)
"""Data keys of encrypted content, each wrapped by the master key it names; whose end user is a pseudonym, ``day`` is
in days since 1970-01-01. Without its row, what a key encrypted is gone."""

REVISIONS = Table(
    "revisions",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("number", BigInteger, nullable=False),
)
"""Counters that go up with every change, for other processes to poll."""
