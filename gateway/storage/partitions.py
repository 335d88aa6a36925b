"""Days: PostgreSQL keeps the audit index in one partition a day, so that a day is found, and can go, as a whole.

Rules: SQLite has no partitions, and nothing here does anything to it. A partition is made before the first row of its
day is written, in a transaction of its own, by whichever process comes first. Making one holds up neither readers nor
writers. What lies outside the days anybody could mean, because a clock was wrong, has one partition on either side.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, Engine, text

from gateway.storage.schema import AUDIT_ENTRIES, AUDIT_RISKS
from gateway.storage.transactions import writing

DAY_US = 86_400_000_000

PARTITIONED = (AUDIT_ENTRIES.name, AUDIT_RISKS.name)
"""The tables that are kept by day."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A machine that starts with its clock at 1970, or set to any year, must not leave a partition for each such day.
_FIRST_DAY = (datetime(2026, 1, 1, tzinfo=UTC) - _EPOCH).days
_LAST_DAY = (datetime(2100, 1, 1, tzinfo=UTC) - _EPOCH).days

# An arbitrary number that all our processes agree on: "sluicepa" in ASCII.
_LOCK = 0x736C756963657061

_EXISTING = text(
    "SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid "
    "WHERE inhparent = to_regclass(:table)"
)
_BOUNDS = text(
    "SELECT pg_get_expr(relpartbound, child.oid) FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid "
    "WHERE inhparent = to_regclass(:table)"
)
_FROM = re.compile(r"FOR VALUES FROM \('?(-?[0-9]+)'?\)")


class _Part(NamedTuple):
    suffix: str
    first: str
    end: str


def make_partitions(engine: Engine, moments_us: Iterable[int]) -> None:
    """Make the partitions that rows of these moments go into, and those of the day after each.

    Args:
        engine: the store; nothing is done to SQLite.
        moments_us: microseconds of Unix time.

    Raises:
        StorageError: when the store fails.
    """
    if engine.dialect.name != "postgresql":
        return
    days = {at_us // DAY_US for at_us in moments_us}
    # The day after as well: the first entry behind midnight then finds its partition made.
    parts = {_part(day) for day in days | {day + 1 for day in days}}
    with writing(engine) as connection:
        if not _missing(connection, parts):
            return
        # The transaction's: the server gives it back however this process ends.
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        # Again: whoever had the lock may have made them.
        for table, part in _missing(connection, parts):
            _make(connection, table, part)


def partition_edges(connection: Connection, table: str) -> list[int]:
    """Return where the partitions of a table begin, in microseconds of Unix time, the newest first.

    Those an operator attached are among them; none on SQLite.
    """
    if connection.dialect.name != "postgresql":
        return []
    bounds = connection.scalars(_BOUNDS, {"table": table})
    return sorted((int(found[1]) for bound in bounds if (found := _FROM.match(bound))), reverse=True)


def _part(day: int) -> _Part:
    if day < _FIRST_DAY:
        return _Part("before", "MINVALUE", str(_FIRST_DAY * DAY_US))
    if day >= _LAST_DAY:
        return _Part("after", str(_LAST_DAY * DAY_US), "MAXVALUE")
    name = (_EPOCH + timedelta(days=day)).strftime("d%Y%m%d")
    return _Part(name, str(day * DAY_US), str((day + 1) * DAY_US))


def _missing(connection: Connection, parts: Iterable[_Part]) -> list[tuple[str, _Part]]:
    missing = []
    for table in PARTITIONED:
        existing = set(connection.scalars(_EXISTING, {"table": table}))
        # Sorted, so that processes that make the same ones never wait for each other crosswise.
        missing += [(table, part) for part in sorted(parts) if f"{table}_{part.suffix}" not in existing]
    return missing


def _make(connection: Connection, table: str, part: _Part) -> None:
    # Made apart and attached: CREATE TABLE … PARTITION OF would lock out every reader of the table.
    name = f"{table}_{part.suffix}"
    connection.execute(text(f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL)"))
    bounds = f"FROM ({part.first}) TO ({part.end})"
    connection.execute(text(f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES {bounds}"))
