"""The index: audit entries in the store, for questions the segment files would answer slowly.

Rules: the files are the truth, and the index can be rebuilt from them at any time. Entries and the cursor behind them
move in one transaction, so an entry is there exactly once, also when several processes index the same directory or
one is killed. An entry is made durable before it is indexed, so the index never knows more than the files.
"""

import asyncio
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa
import structlog

from gateway.audit.entry import decode
from gateway.audit.reader import START, Position, StoredEntry, read_log
from gateway.audit.segment import CorruptLogError, log_directories
from gateway.audit.tree import leaf_hash
from gateway.storage.schema import AUDIT_CURSORS, AUDIT_ENTRIES

# One batch is one transaction: on SQLite it holds the write lock, for which account changes wait.
_BATCH_ENTRIES = 500
_BACK_OFF_LIMIT_SECONDS = 60.0

_log = structlog.get_logger(__name__)


class IndexedEntry(NamedTuple):
    """An entry as the index has it.

    Attributes:
        log_id: the log it is in.
        sequence: its place there.
        entry: its canonical bytes.
        leaf_hash: its hash as a leaf of the log's tree.
    """

    log_id: str
    sequence: int
    entry: bytes
    leaf_hash: bytes


class Indexer:
    """Brings the index up to date with the logs under a directory."""

    def __init__(self, engine: sa.Engine, directory: Path) -> None:
        self._engine = engine
        self._directory = directory

    def index_new(self) -> int:
        """Index every entry that is on disk now; return how many were new.

        Raises:
            CorruptLogError: a log is damaged; the others, and what comes before the damage, are indexed.
            ValueError: the same for a log with an entry of a form that is not known here.
            OSError: a log cannot be read.
            sqlalchemy.exc.SQLAlchemyError: the store is away.
        """
        new = 0
        unreadable: Exception | None = None
        for log_directory in log_directories(self._directory):
            try:
                new += sum(self._index_log(log_directory))
            except (CorruptLogError, ValueError) as exc:
                # Goes on: a damaged log must not keep the other processes' entries from being found.
                unreadable = exc
        if unreadable is not None:
            raise unreadable
        return new

    def rebuild(self) -> int:
        """Forget what is indexed of the logs under the directory and index them again; return the entries."""
        # Not the whole table: the store may index the logs of other machines, whose files are not here.
        for log_directory in log_directories(self._directory):
            with self._engine.begin() as connection:
                for table in (AUDIT_ENTRIES, AUDIT_CURSORS):
                    connection.execute(sa.delete(table).where(table.c.log_id == log_directory.name))
        return self.index_new()

    async def run(self, interval_seconds: float) -> None:
        """Keep the index up to date until cancelled; while the store is away, try less and less often."""
        failures = 0
        while True:
            try:
                # In a thread, so that the end of the gateway is noticed during a long catch-up.
                await asyncio.to_thread(self.index_new)
            except (sa.exc.SQLAlchemyError, OSError, CorruptLogError, ValueError) as exc:
                # Once for each outage: a store that is away for hours must not fill the log.
                if not failures:
                    _log.error("audit_index_behind", error=type(exc).__name__, detail=_detail(exc))
                failures += 1
            else:
                if failures:
                    _log.info("audit_index_recovered", failures=failures)
                failures = 0
            await asyncio.sleep(min(interval_seconds * (1 << min(failures, 16)), _BACK_OFF_LIMIT_SECONDS))

    def _index_log(self, log_directory: Path) -> Iterator[int]:
        """Index a log batch by batch; yield the size of each."""
        while True:
            position = self._position(log_directory.name)
            batch = _read_batch(log_directory, position)
            if not batch:
                return
            # The last segment only: the writer begins no other before everything that counts is synced.
            _make_durable(log_directory / batch[-1].after.segment)
            yield self._insert(log_directory.name, position, batch)

    def _position(self, log_id: str) -> Position:
        """Return where the index stands in a log."""
        columns = (AUDIT_CURSORS.c.segment, AUDIT_CURSORS.c.byte_offset, AUDIT_CURSORS.c.sequence)
        query = sa.select(*columns).where(AUDIT_CURSORS.c.log_id == log_id)
        # Asked anew for each batch: another indexer of the same directory may have moved it.
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        return Position(*row) if row else START

    def _insert(self, log_id: str, before: Position, batch: list[StoredEntry]) -> int:
        """Insert a batch and move the cursor; nothing happens when another process was faster."""
        after = batch[-1].after._asdict()
        try:
            with self._engine.begin() as connection:
                # The cursor first: it locks the log's row, so of two indexers one waits and then finds it moved.
                if before == START:
                    connection.execute(sa.insert(AUDIT_CURSORS).values(log_id=log_id, **after))
                elif not self._move_cursor(connection, log_id, before, after):
                    return 0
                connection.execute(sa.insert(AUDIT_ENTRIES), [_row(log_id, stored) for stored in batch])
        except sa.exc.IntegrityError:
            if self._position(log_id) == before:
                raise  # not the other process's doing: the index holds what the cursor does not know of
            return 0
        return len(batch)

    @staticmethod
    def _move_cursor(connection: sa.Connection, log_id: str, before: Position, after: dict[str, Any]) -> bool:
        cursor = (AUDIT_CURSORS.c.log_id == log_id) & (AUDIT_CURSORS.c.sequence == before.sequence)
        return connection.execute(sa.update(AUDIT_CURSORS).where(cursor).values(**after)).rowcount == 1


def find(
    engine: sa.Engine,
    *,
    request_id: str | None = None,
    since_us: int | None = None,
    account: str | None = None,
    decision: str | None = None,
    limit: int = 100,
) -> list[IndexedEntry]:
    """Return the newest indexed entries that fit every condition given, newest first.

    Args:
        engine: the store.
        request_id: id of the exchange.
        since_us: earliest start, in microseconds of Unix time.
        account: id of the account.
        decision: the decision, as recorded.
        limit: most entries returned.
    """
    table = AUDIT_ENTRIES.c
    query = sa.select(table.log_id, table.sequence, table.entry, table.leaf_hash)
    for column, wanted in ((table.request_id, request_id), (table.account, account), (table.decision, decision)):
        if wanted is not None:
            query = query.where(column == wanted)
    if since_us is not None:
        query = query.where(table.at_us >= since_us)
    # Times are not unique: without the rest, the limit would cut anywhere among equals.
    query = query.order_by(table.at_us.desc(), table.log_id, table.sequence.desc()).limit(limit)
    with engine.connect() as connection:
        return [IndexedEntry(*row) for row in connection.execute(query)]


def _read_batch(log_directory: Path, position: Position) -> list[StoredEntry]:
    batch: list[StoredEntry] = []
    try:
        batch.extend(islice(read_log(log_directory, position), _BATCH_ENTRIES))
    except CorruptLogError:
        if not batch:
            raise  # only now, so that everything before the damage is indexed
    return batch


def _row(log_id: str, stored: StoredEntry) -> dict[str, Any]:
    record = decode(stored.entry)
    return {
        "log_id": log_id,
        "sequence": stored.sequence,
        "request_id": record.request_id,
        "at_us": record.started_at_us,
        "account": record.account,
        "account_kind": record.account_kind,
        "dialect": record.dialect,
        # As the client sent it; PostgreSQL's text has no NUL, and one such name must not stop the index.
        "model": record.model.replace("\0", "\ufffd"),
        "decision": record.decision,
        "risks": ",".join(sorted({finding.risk for finding in record.findings})),
        "entry": stored.entry,
        # From the bytes as written: encoding the record again could hide a difference (RFC 6962 section 2.1).
        "leaf_hash": leaf_hash(stored.entry),
    }


def _make_durable(path: Path) -> None:
    """Sync a segment: an entry that could still be lost would leave its sequence to another one."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)


def _detail(error: Exception) -> str:
    """Say what went wrong; of a failed statement only the driver's words, for its parameters are entries."""
    return str(error.orig) if isinstance(error, sa.exc.DBAPIError) else str(error)
