"""The index: audit entries in the store, for questions the segment files would answer slowly.

Rules: the files are the truth, and the index can be rebuilt from them at any time. Entries and the cursor behind them
move in one transaction, so an entry is there exactly once and after all before it, also when several processes index
the same directory or one is killed. On the machine that writes them, entries are made durable before they are
indexed, so the index never knows more than the files. What is asked of it is in `gateway.audit.queries`.
"""

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import sqlalchemy as sa
import structlog

from gateway.audit.index_rows import Rows, insert_rows, rows_of
from gateway.audit.reader import START, Position, StoredEntry, read_log
from gateway.audit.segment import CorruptLogError, first_sequence, log_directories, segment_paths
from gateway.storage.engine import StorageError
from gateway.storage.partitions import make_partitions
from gateway.storage.schema import AUDIT_CURSORS, AUDIT_ENTRIES, AUDIT_RISKS

# One batch is one transaction: on SQLite it holds the write lock, for which account changes wait.
_BATCH_ENTRIES = {"sqlite": 500, "postgresql": 5_000}
# An entry may have 256 KiB, and a batch is in memory twice.
_BATCH_BYTES = 8 * 1024 * 1024
# What a line has besides its entry: checksum, space, line feed.
_LINE_BYTES = 10
_BACK_OFF_LIMIT_SECONDS = 60.0
# Of a log of many million entries, where the engine's own limit suits questions.
_FORGET_SECONDS = 600

INDEX_FAILURES = (sa.exc.SQLAlchemyError, StorageError, OSError, CorruptLogError, ValueError)
"""What indexing may fail with: the store is away, a log cannot be read, is damaged, or has a form not known here."""

_log = structlog.get_logger(__name__)


def _ignore(_bytes: int) -> None: ...


class Indexer:
    """Brings the index up to date with the logs under a directory."""

    def __init__(self, engine: sa.Engine, directory: Path) -> None:
        self._engine = engine
        self._directory = directory

    def index_new(self, report: Callable[[int], None] = _ignore) -> int:
        """Index every entry that is on disk now; return how many were new.

        Args:
            report: called with the bytes of log that each batch took up, after it is in the store.

        Raises:
            CorruptLogError: a log is damaged; the others, and what comes before the damage, are indexed.
            ValueError: the same for a log with an entry of a form that is not known here.
            OSError: a log cannot be read.
            sqlalchemy.exc.SQLAlchemyError: the store is away.
            StorageError: the same.
        """
        new = 0
        unreadable: Exception | None = None
        for log_directory in log_directories(self._directory):
            try:
                for batch in self._index_log(log_directory):
                    new += len(batch)
                    report(sum(len(stored.entry) + _LINE_BYTES for stored in batch))
            except (CorruptLogError, ValueError) as exc:
                # Goes on: a damaged log must not keep the other processes' entries from being found.
                unreadable = exc
        if unreadable is not None:
            raise unreadable
        return new

    def forget(self) -> None:
        """Forget what is indexed of the files under the directory, so that they are indexed again.

        What is indexed of other machines' logs stays, and so does what is indexed of segments that are gone: it could
        not be brought back.

        Raises:
            OSError: a log cannot be read.
            sqlalchemy.exc.SQLAlchemyError: the store is away.
        """
        for log_directory in log_directories(self._directory):
            if paths := segment_paths(log_directory):
                self._forget(log_directory.name, first_sequence(paths[0]))

    async def run(self, interval_seconds: float) -> None:
        """Keep the index up to date until cancelled; while the store is away, try less and less often."""
        failures = 0
        while True:
            try:
                # In a thread, so that the end of the gateway is noticed during a long catch-up.
                await asyncio.to_thread(self.index_new)
            except INDEX_FAILURES as exc:
                # Once for each outage: a store that is away for hours must not fill the log.
                if not failures:
                    _log.error("audit_index_behind", error=type(exc).__name__, detail=failure_detail(exc))
                failures += 1
            else:
                if failures:
                    _log.info("audit_index_recovered", failures=failures)
                failures = 0
            await asyncio.sleep(min(interval_seconds * (1 << min(failures, 16)), _BACK_OFF_LIMIT_SECONDS))

    def _forget(self, log_id: str, first: int) -> None:
        """Take a log's entries out of the index, from a sequence on, and its cursor."""
        with self._engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(sa.text(f"SET LOCAL statement_timeout = '{_FORGET_SECONDS}s'"))
            # The cursor first: whoever indexes the same log waits for it, and finds that it has to begin again.
            connection.execute(sa.delete(AUDIT_CURSORS).where(AUDIT_CURSORS.c.log_id == log_id))
            for table in (AUDIT_ENTRIES, AUDIT_RISKS):
                connection.execute(sa.delete(table).where(table.c.log_id == log_id, table.c.sequence >= first))

    def _index_log(self, log_directory: Path) -> Iterator[list[StoredEntry]]:
        """Index a log batch by batch; yield each that is in the store by our doing."""
        while True:
            position = self._position(log_directory.name)
            batch = self._read_batch(log_directory, position)
            if not batch:
                return
            # The last segment only: the writer begins no other before everything that counts is synced.
            _make_durable(log_directory / batch[-1].after.segment)
            rows = rows_of(log_directory.name, batch)
            # Fewer where an entry's form is not known here: those before it are indexed; next time it comes first.
            batch = batch[: len(rows.entries)]
            if self._insert(log_directory.name, position, batch[-1].after, rows):
                yield batch

    def _position(self, log_id: str) -> Position:
        """Return where the index stands in a log."""
        # Asked anew for each batch: another indexer of the same directory may have moved it.
        with self._engine.connect() as connection:
            return read_cursors(connection, [log_id]).get(log_id, START)

    def _insert(self, log_id: str, before: Position, after: Position, rows: Rows) -> bool:
        """Insert a batch's rows and move the cursor; False when another process was faster."""
        make_partitions(self._engine, {row.at_us for row in rows.entries})
        try:
            with self._engine.begin() as connection:
                # The cursor first: it locks the log's row, so of two indexers one waits and then finds it moved.
                if before == START:
                    connection.execute(sa.insert(AUDIT_CURSORS).values(log_id=log_id, **after._asdict()))
                elif not self._move_cursor(connection, log_id, before, after):
                    return False
                insert_rows(connection, rows)
        except sa.exc.IntegrityError:
            if self._position(log_id) == before:
                raise  # not the other process's doing: the index holds what the cursor does not know of
            return False
        return True

    @staticmethod
    def _move_cursor(connection: sa.Connection, log_id: str, before: Position, after: Position) -> bool:
        cursor = (AUDIT_CURSORS.c.log_id == log_id) & (AUDIT_CURSORS.c.sequence == before.sequence)
        return connection.execute(sa.update(AUDIT_CURSORS).where(cursor).values(**after._asdict())).rowcount == 1

    def _read_batch(self, log_directory: Path, position: Position) -> list[StoredEntry]:
        batch: list[StoredEntry] = []
        size = 0
        try:
            for stored in read_log(log_directory, position):
                batch.append(stored)
                size += len(stored.entry)
                if len(batch) >= _BATCH_ENTRIES[self._engine.dialect.name] or size >= _BATCH_BYTES:
                    break
        except CorruptLogError:
            if not batch:
                raise  # only now, so that everything before the damage is indexed
        return batch


def read_cursors(connection: sa.Connection, log_ids: Sequence[str]) -> dict[str, Position]:
    """Return where the index stands in some logs; one that it has nothing of is left out."""
    table = AUDIT_CURSORS.c
    query = sa.select(table.log_id, table.segment, table.byte_offset, table.sequence).where(table.log_id.in_(log_ids))
    return {log_id: Position(*rest) for log_id, *rest in connection.execute(query)}


def failure_detail(error: Exception) -> str:
    """Say what went wrong; of a failed statement only the driver's first words, for what follows holds entries."""
    return str(error.orig).partition("\n")[0] if isinstance(error, sa.exc.DBAPIError) else str(error)


def _make_durable(path: Path) -> None:
    """Sync a segment: an entry that could still be lost would leave its sequence to another one."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)
