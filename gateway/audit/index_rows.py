"""What the index holds of an entry: the columns people ask by, and how rows get into the store.

Rules: an exchange or event is kept with its bytes; of a content entry only where it is and which key opens it, for a
second copy of a ciphertext answers no question. Texts in columns are cut and cleaned, since no single entry, whoever
made it, may stop the index; the bytes beside them are as written.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import psycopg
import sqlalchemy as sa

from gateway.audit.content.entry import CONTENT, ContentEntry
from gateway.audit.entry import EXCHANGE, decode
from gateway.audit.event_forms import EventName
from gateway.audit.events import EVENT, Event
from gateway.audit.reader import StoredEntry
from gateway.audit.tree import leaf_hash
from gateway.protocol.record import ExchangeRecord
from gateway.storage.schema import AUDIT_ENTRIES, AUDIT_RISKS

# PostgreSQL indexes at most 2,704 bytes of a row; three such texts of four bytes a character fit.
_TEXT_CHARACTERS = 200
_NOTHING = {"request_id": "", "account": "", "end_user": "", "decision": "", "key_id": ""}

# The columns that an event's subject belongs into; where it is one of two things, it can be asked for as either.
_SUBJECTS = {
    EventName.ACCOUNTS_CREATED: ("account",),
    EventName.ACCOUNTS_DISABLED: ("account",),
    EventName.ACCOUNTS_ENABLED: ("account",),
    EventName.ACCOUNTS_ROTATED: ("account",),
    EventName.CONTENT_READ: ("request_id",),
    EventName.CONTENT_EXPORTED: ("account", "end_user"),
    EventName.CONTENT_ERASED: ("account", "end_user"),
}
_DETAILS = {"user": "end_user", "account": "account"}


class EntryRow(NamedTuple):
    """A row of `AUDIT_ENTRIES`, column by column."""

    log_id: str
    sequence: int
    at_us: int
    type: str
    request_id: str
    account: str
    end_user: str
    decision: str
    key_id: str
    entry: bytes | None
    leaf_hash: bytes


class RiskRow(NamedTuple):
    """A row of `AUDIT_RISKS`, column by column."""

    risk: str
    at_us: int
    log_id: str
    sequence: int
    account: str
    end_user: str
    decision: str


class Rows(NamedTuple):
    """What the index holds of some entries.

    Attributes:
        entries: one row an entry.
        risks: one row for each risk found in one.
    """

    entries: list[EntryRow]
    risks: list[RiskRow]


def rows_of(log_id: str, batch: Iterable[StoredEntry]) -> Rows:
    """Return the rows of some entries of a log, up to the first whose form is not known here.

    Raises:
        ValueError: that is the very first one.
    """
    rows = Rows([], [])
    for stored in batch:
        try:
            record = decode(stored.entry)
        except ValueError:
            if not rows.entries:
                raise
            break
        row = EntryRow(
            log_id=log_id,
            sequence=stored.sequence,
            **{**_NOTHING, **_columns(record)},
            entry=None if isinstance(record, ContentEntry) else stored.entry,
            # From the bytes as written: encoding the record again could hide a difference (RFC 6962 section 2.1).
            leaf_hash=leaf_hash(stored.entry),
        )
        rows.entries.append(row)
        if isinstance(record, ExchangeRecord) and record.findings:
            rows.risks.extend(_risk_rows(row, {finding.risk for finding in record.findings}))
    return rows


def _columns(record: ExchangeRecord | ContentEntry | Event) -> dict[str, Any]:
    if isinstance(record, ExchangeRecord):
        return _exchange_columns(record)
    return _event_columns(record) if isinstance(record, Event) else _content_columns(record)


def _exchange_columns(record: ExchangeRecord) -> dict[str, Any]:
    return {
        "at_us": record.started_at_us,
        "type": EXCHANGE,
        "request_id": _clean(record.request_id),
        "account": _clean(record.account),
        "end_user": _clean(record.user),
        "decision": _clean(record.decision),
    }


def _content_columns(content: ContentEntry) -> dict[str, Any]:
    about = {"request_id": _clean(content.request_id), "key_id": _clean(content.key)}
    return {"at_us": content.at_us, "type": CONTENT} | about


def _event_columns(event: Event) -> dict[str, Any]:
    """Return what an event has of the columns: whoever asks for an account or a request finds what was done to it."""
    about = dict.fromkeys(_SUBJECTS.get(event.name, ()), event.subject)
    about |= {name: str(event.details[detail]) for detail, name in _DETAILS.items() if detail in event.details}
    return {"at_us": event.at_us, "type": EVENT} | {name: _clean(text) for name, text in about.items()}


def _risk_rows(row: EntryRow, risks: Iterable[str]) -> Iterator[RiskRow]:
    for risk in risks:
        yield RiskRow(_clean(risk), row.at_us, row.log_id, row.sequence, row.account, row.end_user, row.decision)


def insert_rows(connection: sa.Connection, rows: Rows) -> None:
    """Insert rows, in the transaction of a connection.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: the store refuses them, or fails.
    """
    for table, values in ((AUDIT_ENTRIES, rows.entries), (AUDIT_RISKS, rows.risks)):
        if not values:
            continue
        if connection.dialect.name == "postgresql":
            _copy(connection, table, values)
        else:
            connection.execute(sa.insert(table), [row._asdict() for row in values])


def _copy(connection: sa.Connection, table: sa.Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert by COPY, which takes a fraction of the time of INSERT."""
    # Binary, so that nothing needs escaping; the types are named, because binary columns are not converted.
    types = ["int8" if isinstance(column.type, sa.BigInteger) else _TYPES[type(column.type)] for column in table.c]
    statement = f"COPY {table.name} ({', '.join(column.name for column in table.c)}) FROM STDIN (FORMAT BINARY)"
    driver: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            copy.set_types(types)
            for row in rows:
                copy.write_row(row)
    except psycopg.Error as exc:
        # As for every other statement: callers know SQLAlchemy's exceptions, and need not know the driver's.
        raise sa.exc.DBAPIError.instance(statement, None, exc, psycopg.Error, hide_parameters=True) from exc


_TYPES: dict[type[Any], str] = {sa.Text: "text", sa.LargeBinary: "bytea"}


def _clean(text: str) -> str:
    """Return a text as a column can hold and index it: PostgreSQL's text has no NUL."""
    return text[:_TEXT_CHARACTERS].replace("\0", "\ufffd")
