"""The writer of one log: batches in, durable sequences out.

Rules: a batch is acknowledged after one sync that succeeded. After a write or a sync that failed, nothing is known
about the pages behind it, and a later sync that succeeds proves nothing about them: the segment is given up at its
last durable entry, and the batch goes into a new one. Not thread-safe; one thread owns a writer.
"""

import contextlib
from collections.abc import Sequence
from pathlib import Path

import structlog

from gateway.audit import segment
from gateway.audit.files import FileOps, OsFileOps, write_durably
from gateway.audit.slot import Slot

SEGMENT_BYTES = 64 * 1024 * 1024

_log = structlog.get_logger(__name__)


class LogWriter:
    """Appends to one log; rotates by size and starts a fresh segment after a failure."""

    def __init__(self, directory: Path, *, ops: FileOps | None = None, segment_bytes: int = SEGMENT_BYTES) -> None:
        """Claim a log and take up where its last writer stopped.

        Args:
            directory: the audit directory, with one log a process.
            ops: file operations.
            segment_bytes: size from which the next batch goes into a new segment.

        Raises:
            OSError: the directory cannot be written.
            CorruptLogError: the log is damaged beyond a torn end.
        """
        self._ops = ops or OsFileOps()
        self._segment_bytes = segment_bytes
        self._slot = Slot.claim(directory, self._ops)
        self._next = 0
        self._offset = 0
        self._descriptor: int | None = None  # None: the next batch needs a fresh segment
        self._path = self._slot.directory  # of the segment, once there is one
        try:
            self._recover()
        except BaseException:
            # Otherwise this process would keep the lock of a log that it cannot write.
            self.close()
            raise

    @property
    def log_id(self) -> str:
        """The id of the log."""
        return self._slot.log_id

    @property
    def next_sequence(self) -> int:
        """The sequence the next entry gets; all before it are durable."""
        return self._next

    def append_batch(self, entries: Sequence[bytes]) -> int:
        """Make entries durable; return the sequence of the first one.

        Raises:
            OSError: a step failed. Whole entries of the batch may be on disk, but none counts; append them again.
            ValueError: the batch is larger than a reader takes for a torn end.
        """
        data = b"".join(map(segment.frame, entries))
        # A crash in a longer one would leave an end that recovery must take for damage.
        if len(data) > segment.TORN_LIMIT_BYTES:
            raise ValueError(f"a batch of {len(data)} bytes; append at most {segment.TORN_LIMIT_BYTES} at once")
        # Between batches only: a batch in two files would need two syncs to be acknowledged.
        if self._offset >= self._segment_bytes:
            self._give_up()
        descriptor = self._start_segment() if self._descriptor is None else self._descriptor
        self._write(descriptor, data)
        first = self._next
        # After the sync: a batch that failed leaves its sequences to the next try.
        self._next += len(entries)
        return first

    def close(self) -> None:
        """Leave the log to another writer."""
        self._give_up()
        self._slot.release()

    def _write(self, descriptor: int, data: bytes) -> None:
        try:
            self._ops.write(descriptor, data)
            self._ops.sync(descriptor)
            # A file goes on taking data when its name is gone, and nobody would ever read it.
            self._ops.check_name(descriptor, self._path)
        except BaseException:
            # Tidiness only: where this fails too, the next segment's first sequence voids what is left behind.
            with contextlib.suppress(OSError):
                self._ops.truncate(descriptor, self._offset)
            self._give_up()
            raise
        self._offset += len(data)

    def _start_segment(self) -> int:
        """Begin a segment at the next sequence; it replaces one of the same name that holds nothing durable."""
        # The directory may have been away, and what came back may be another's.
        self._slot.check(self._ops)
        path = self._slot.directory / segment.segment_name(self._next)
        header = segment.header(self.log_id, self._next)
        # Whole or not at all: a segment with half a header could not be told from a damaged one.
        write_durably(self._ops, path, header)
        self._descriptor = self._ops.open_to_append(path)
        self._path, self._offset = path, len(header)
        return self._descriptor

    def _give_up(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with contextlib.suppress(OSError):  # what matters was synced, or is written again
                self._ops.close(descriptor)

    def _recover(self) -> None:
        """Find the end of the log, cut a torn one off, and make sure that what counts is durable."""
        for leftover in self._slot.directory.glob("*.tmp"):
            # Never renamed, so nothing in it was ever acknowledged.
            self._ops.remove(leftover)
        paths = segment.segment_paths(self._slot.directory)
        if not paths:
            return
        last = paths[-1]
        tail = segment.scan(last)
        self._path, self._descriptor = last, self._ops.open_to_append(last)
        if tail.end < last.stat().st_size:
            self._cut(last, self._descriptor, tail.end)
        self._settle(last, self._descriptor, tail.end)
        self._next = segment.first_sequence(last) + tail.entries
        self._offset = tail.end

    def _settle(self, last: Path, descriptor: int, end: int) -> None:
        """Make durable what counts: its writer may have died between write and sync, or between name and sync."""
        # Written again, and not synced alone: where the sync failed before the writer died, the kernel has marked the
        # pages clean, and the next sync would succeed without them. What is older than a batch was acknowledged.
        begin = max(0, end - segment.TORN_LIMIT_BYTES)
        with last.open("rb") as file:
            file.seek(begin)
            self._ops.overwrite(last, begin, file.read(end - begin))
        self._ops.sync(descriptor)
        self._ops.sync_directory(self._slot.directory)

    def _cut(self, path: Path, descriptor: int, end: int) -> None:
        """Move a torn end aside, for whoever wants to look at it, before the segment is cut off."""
        with path.open("rb") as file:
            file.seek(end)
            torn = file.read()
        # Before the cut: what is taken out of a trail must stay to be looked at.
        write_durably(self._ops, path.with_name(f"{path.name}.{end}.torn"), torn)
        self._ops.truncate(descriptor, end)
        _log.warning("audit_tail_cut", log_id=self.log_id, segment=path.name, offset=end, torn_bytes=len(torn))
