"""Tables of the store, declared once for SQLite and PostgreSQL.

Rules: times are microseconds of Unix time (``_us``); keys are kept as digests only; what belongs to another package
(kinds, networks, canonical entries) is text or bytes here. `gateway.storage.migrations` builds these tables, and a
test holds the two equal.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    false,
    text,
)

# Names that do not depend on the engine, so that a later migration can name what it changes.
METADATA = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)


def _partial(name: str, condition: str, *columns: str) -> Index:
    return Index(name, *columns, postgresql_where=text(condition), sqlite_where=text(condition))


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
    Column("tenant", Text, nullable=False, server_default="default"),
    Column("models", Text, nullable=False, server_default="[]"),
    Column("trusts_end_user", Boolean, nullable=False, server_default=false()),
    Column("changed_in", BigInteger, nullable=False, index=True, server_default="0"),
)
"""Accounts; ``allow_from`` is a JSON array of CIDR networks, ``models`` one of names, empty for "any"; ``changed_in``
is the number of the last change, as the counter of accounts had it."""

ACCOUNT_KEYS = Table(
    "account_keys",
    METADATA,
    Column("digest", LargeBinary(DIGEST_BYTES), primary_key=True),
    Column("account_id", Text, ForeignKey("accounts.id"), nullable=False, index=True),
    Column("created_at_us", BigInteger, nullable=False),
    Column("expires_at_us", BigInteger),
)
"""SHA-256 digests of keys; a rotated key has an end."""

ACCOUNT_BINDINGS = Table(
    "account_bindings",
    METADATA,
    Column("account_id", Text, ForeignKey("accounts.id"), primary_key=True),
    Column("pseudonym", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("created_at_us", BigInteger, nullable=False),
    Column("expires_at_us", BigInteger),
    Column("allow_from", Text, nullable=False),
    Column("note", Text, nullable=False),
)
"""End users of an account who are judged as another kind of account is; by pseudonym, networks as in accounts."""

# Conditions of partial indexes: a query has to repeat them word for word, or SQLite does not see that they hold.
HAS_REQUEST = "request_id <> ''"
HAS_ACCOUNT = "account <> ''"
HAS_END_USER = "end_user <> ''"
HAS_KEY = "key_id <> ''"
IS_NOTABLE = "decision NOT IN ('', 'allow')"
"""What nearly every exchange comes to needs no index of its own: whoever asks for it finds it everywhere."""
IS_SPECIAL = "type <> 'exchange'"

AUDIT_ENTRIES = Table(
    "audit_entries",
    METADATA,
    Column("log_id", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("type", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("end_user", Text, nullable=False),
    Column("decision", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("entry", LargeBinary),
    Column("leaf_hash", LargeBinary(DIGEST_BYTES), nullable=False),
    # PostgreSQL wants the partition's column in it; that a sequence comes once is seen to by the cursor.
    PrimaryKeyConstraint("log_id", "sequence", "at_us"),
    Index("ix_audit_entries_at_us", "at_us"),
    _partial("ix_audit_entries_request_id", HAS_REQUEST, "request_id"),
    _partial("ix_audit_entries_account", HAS_ACCOUNT, "account", "at_us"),
    _partial("ix_audit_entries_account_decision", IS_NOTABLE, "account", "decision", "at_us"),
    _partial("ix_audit_entries_end_user", HAS_END_USER, "end_user", "at_us"),
    _partial("ix_audit_entries_end_user_decision", IS_NOTABLE, "end_user", "decision", "at_us"),
    _partial("ix_audit_entries_decision", IS_NOTABLE, "decision", "at_us"),
    _partial("ix_audit_entries_type", IS_SPECIAL, "type", "at_us"),
    _partial("ix_audit_entries_key_id", HAS_KEY, "key_id"),
    postgresql_partition_by="RANGE (at_us)",
)
"""Index over the audit trail's files, which stay the truth; ``entry`` is as written, and null where it is content."""

# In full: SQLite would rather keep to the order it needs than look for fewer rows and sort them.
_MOMENT = ("at_us", "log_id", "sequence")

AUDIT_RISKS = Table(
    "audit_risks",
    METADATA,
    Column("risk", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("log_id", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("account", Text, nullable=False),
    Column("end_user", Text, nullable=False),
    Column("decision", Text, nullable=False),
    # In this order, and with no index by time alone: a rare risk is then never looked for among all the others.
    PrimaryKeyConstraint("risk", "at_us", "log_id", "sequence"),
    Index("ix_audit_risks_account", "risk", "account", *_MOMENT),
    _partial("ix_audit_risks_end_user", HAS_END_USER, "risk", "end_user", *_MOMENT),
    Index("ix_audit_risks_decision", "risk", "decision", *_MOMENT),
    postgresql_partition_by="RANGE (at_us)",
)
"""One row for each risk found in an entry, with the columns that are asked for together with it."""

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

LABEL_AGREEMENTS = Table(
    "label_agreements",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("account", Text, ForeignKey("accounts.id"), nullable=False),
    Column("end_user", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("accepted_at_us", BigInteger, nullable=False),
    Column("ended_at_us", BigInteger),
    Index("ix_label_agreements_person", "account", "end_user"),
)
"""End users, by pseudonym, whose replies carry no visible label, and the agreement they accepted for it."""
STRIKE_COUNTS = Table(
    "strike_counts",
    METADATA,
    Column("account", Text, nullable=False),
    Column("end_user", Text, nullable=False),
    Column("consecutive", BigInteger, nullable=False),
    Column("day", BigInteger, nullable=False),
    Column("day_total", BigInteger, nullable=False),
    Column("suspended_until_us", BigInteger, nullable=False),
    Column("suspended_at_us", BigInteger, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("changed_at_us", BigInteger, nullable=False),
    PrimaryKeyConstraint("account", "end_user"),
    _partial("ix_strike_counts_open", "consecutive > 0 OR suspended_until_us > 0", "suspended_until_us"),
)
"""What is held against each person: an end user by pseudonym, or an account as such (`end_user` empty). The request
is the one that brought the newest suspension."""

STRIKE_HISTORY = Table(
    "strike_history",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("at_us", BigInteger, nullable=False, index=True),
    Column("account", Text, nullable=False),
    Column("end_user", Text, nullable=False),
    Column("measure", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("severity", BigInteger, nullable=False),
    Column("consecutive", BigInteger, nullable=False),
    Column("day_total", BigInteger, nullable=False),
    Column("until_us", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("texts", Text, nullable=False),
    Index("ix_strike_history_person", "account", "end_user", "at_us"),
)
"""Strikes and the measures taken, as they were taken; ``texts`` holds keyed digests of what was blocked."""

REVISIONS = Table(
    "revisions",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("number", BigInteger, nullable=False),
)
"""Counters that go up with every change, for other processes to poll."""
