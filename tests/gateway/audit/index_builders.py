"""Rows of the audit index for tests, without a log behind them."""

import sqlalchemy as sa

from gateway.audit.index_rows import EntryRow, RiskRow, Rows, insert_rows
from gateway.storage.partitions import make_partitions

NOON_US = 1_795_348_800_000_000  # 2026-11-22T12:00:00Z
HOUR_US = 3_600_000_000

_ROW = EntryRow(
    log_id="00112233445566aa",
    sequence=0,
    at_us=NOON_US,
    type="exchange",
    request_id="r0",
    account="acc_a",
    end_user="",
    decision="allow",
    key_id="",
    entry=b"{}",
    leaf_hash=bytes(32),
)


def indexed_row(**changes: object) -> EntryRow:
    """Return the row of an ordinary clean exchange, with changes."""
    return _ROW._replace(**changes)  # type: ignore[arg-type]  # columns by name, each of its type


def risk_rows(row: EntryRow, *risks: str) -> list[RiskRow]:
    """Return the rows for risks found in an entry."""
    return [
        RiskRow(risk, row.at_us, row.log_id, row.sequence, row.account, row.end_user, row.decision) for risk in risks
    ]


def add_rows(engine: sa.Engine, rows: Rows) -> None:
    """Put rows into the index."""
    make_partitions(engine, {row.at_us for row in rows.entries})
    with engine.begin() as connection:
        insert_rows(connection, rows)
