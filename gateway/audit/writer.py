"""The writer of one log: batches in, durable sequences out.

Rules: a batch is acknowledged after one sync that succeeded. After a write or a sync that failed, nothing is known
about the pages behind it, and a later sync that succeeds proves nothing about them: the segment is given up at its
last durable entry, and the batch goes into a new one. What is durable enters the tree, of which checkpoints are
signed. Not thread-safe; one thread owns a writer.
"""

import contextlib
from collections.abc import Sequence
from pathlib import Path

import structlog

from gateway.audit import segment
from gateway.audit.files import FileOps, OsFileOps, move_torn_end_aside, sync_again, write_durably
from gateway.audit.log_tree import Checkpointing, LogTree
from gateway.audit.slot import Slot

SEGMENT_BYTES = 64 * 1024 * 1024

_log = structlog.get_logger(__name__)


class LogWriter:
    """Appends to one log; rotates by size and starts a fresh segment after a failure."""

    def __init__(
        self,
        directory: Path,
        *,
        ops: FileOps | None = None,
        segment_bytes: int = SEGMENT_BYTES,
        checkpointing: Checkpointing | None = None,
    ) -> None:
        """Claim a log and take up where its last writer stopped.

        Args:
            directory: the audit directory, with one log a process.
            ops: file operations.
            segment_bytes: size from which the next batch goes into a new segment.
            checkpointing: how checkpoints are made; None makes none.

        Raises:
            OSError: the directory cannot be written.
            CorruptLogError: the log is damaged beyond a torn end, or its last checkpoint is of other entries.
        """
        self._ops = ops or OsFileOps()
        self._segment_bytes = segment_bytes
        self._slot = Slot.claim(directory, self._ops)
        self._tree = LogTree(self._slot.directory, self._ops, checkpointing)
        self._next = 0
        self._offset = 0
        self._descriptor: int | None = None  # None: the next batch needs a fresh segment
        self._path = self._slot.directory  # of the segment, once there is one
        try:
            self._recover()
            self._tree.recover()
        except BaseException:
            # Otherwise this process would keep the lock of a log that it cannot write.
            self._release()
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
        # After the sync: a batch that failed leaves its sequences, and its place in the tree, to the next try.
        self._next += len(entries)
        self._tree.extend(entries)
        return first

    def checkpoint_if_due(self) -> None:
        """Sign the tree when there are new entries and the last checkpoint is old enough; never fails."""
        self._tree.checkpoint_if_due()

    def close(self) -> None:
        """Make a last checkpoint, and leave the log to another writer."""
        self._tree.finish()
        self._release()

    def _release(self) -> None:
        self._give_up()
        self._tree.close()
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
        header = segment.header(self.log_id, self._next, self._tree.edge)
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
            torn = move_torn_end_aside(self._ops, last, self._descriptor, tail.end)
            _log.warning("audit_tail_cut", log_id=self.log_id, segment=last.name, offset=tail.end, torn_bytes=torn)
        # Whole lines may be in the page cache only: their writer may have died between write and sync, or between a
        # segment's name and the sync of that. What is older than a batch was acknowledged.
        sync_again(self._ops, last, self._descriptor, max(0, tail.end - segment.TORN_LIMIT_BYTES))
        self._ops.sync_directory(self._slot.directory)
        self._next = segment.first_sequence(last) + tail.entries
        self._offset = tail.end
