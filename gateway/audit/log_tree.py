"""The tree of one log while it is written, and its checkpoints; a part of the log's writer, on the writer's thread.

Rules: an entry enters the tree when it is durable, so a checkpoint never covers what could still be lost. A
checkpoint is signed only of a tree that goes on from the last one. It is first in the history and then in the file
``checkpoint``; what a crash left between the two is made up for at the next start. Its failures hold nothing up: the
entries are durable without it, and it is tried again at the next interval.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import structlog

from gateway import metrics
from gateway.audit import segment
from gateway.audit.checkpoint import Checkpoint, origin_of
from gateway.audit.files import FileOps, write_durably
from gateway.audit.history import LATEST_NAME, History
from gateway.audit.note import NoteError, Signer, open_note
from gateway.audit.reader import Position, read_log
from gateway.audit.segment import CorruptLogError
from gateway.audit.tree import Tree

_log = structlog.get_logger(__name__)


def _discard(note: bytes) -> None:
    """Have a checkpoint go nowhere else."""


@dataclass(frozen=True, slots=True)
class Checkpointing:
    """How the checkpoints of a log are made.

    Attributes:
        signer: signs them.
        interval_seconds: shortest time between two; there is none while nothing is written.
        publish: is given each one when it is durable, on the writer's thread; must not wait.
    """

    signer: Signer
    interval_seconds: float = 5.0
    publish: Callable[[bytes], None] = _discard


class LogTree:
    """The tree over the durable entries of one log."""

    def __init__(self, log_directory: Path, ops: FileOps, checkpointing: Checkpointing | None) -> None:
        self._directory = log_directory
        self._ops = ops
        self._checkpointing = checkpointing
        self._history = History(log_directory, ops)
        self._tree = Tree()
        self._signed_size = 0  # entries under the last checkpoint
        self._number = 0  # of the next checkpoint
        self._published = b""  # what the file `checkpoint` holds
        self._next_at = 0.0
        self._failures = 0

    @property
    def edge(self) -> Sequence[bytes]:
        """The edge of the tree, for the header of the segment that goes on from it."""
        return self._tree.edge

    def extend(self, entries: Sequence[bytes]) -> None:
        """Take entries in that are durable now."""
        self._tree.extend_entries(entries)

    def recover(self) -> None:
        """Take the tree up from the segments, hold it against the last checkpoint, and begin a missing history.

        Raises:
            OSError: a file cannot be read or written.
            CorruptLogError: the log is damaged, or is not the one its last checkpoint was made of.
        """
        # Also without a signer: whoever appends must not go on from entries that were changed.
        checkpoint = self._history.open()
        self._rebuild(checkpoint)
        if self._checkpointing is None:
            return
        self._check_key(self._checkpointing.signer)
        if checkpoint is None:
            if self._tree.size:
                # Signed all the same, or the gateway could not start; the gap stays visible to who verifies.
                _log.warning("audit_checkpoints_missing", log_id=self._directory.name, entries=self._tree.size)
            self._history.create(self._note(self._checkpointing.signer))
            self._count()
        latest = self._directory / LATEST_NAME
        self._published = latest.read_bytes() if latest.exists() else b""
        self._publish(self._history.note)

    def checkpoint_if_due(self) -> None:
        """Make a checkpoint when there are new entries and the last one is old enough."""
        now = time.monotonic()
        if now < self._next_at or self._checkpointing is None:
            return
        self._next_at = now + self._checkpointing.interval_seconds
        self._checkpoint(self._checkpointing)

    def finish(self) -> None:
        """Make a last checkpoint of what is new, however old the one before is."""
        if self._checkpointing is not None:
            self._checkpoint(self._checkpointing)

    def close(self) -> None:
        """Give the files back."""
        self._history.close()

    def _checkpoint(self, checkpointing: Checkpointing) -> None:
        """Sign the tree if it has grown, and publish what was not; a failure is reported and tried again."""
        try:
            if self._tree.size > self._signed_size:
                self._history.append(self._note(checkpointing.signer))
                self._count()
                metrics.AUDIT_CHECKPOINTS.labels("written").inc()
            self._publish(self._history.note)
        except Exception as exc:  # noqa: BLE001 — whatever it is, entries must still be written
            metrics.AUDIT_CHECKPOINTS.labels("failed").inc()
            # Once: a full disk fails at every interval.
            if not self._failures:
                _log.error("audit_checkpoint_failed", log_id=self._directory.name, error=str(exc))
            self._failures += 1
        else:
            if self._failures:
                _log.info("audit_checkpoints_recovered", log_id=self._directory.name, failures=self._failures)
            self._failures = 0

    def _publish(self, note: bytes) -> None:
        if note == self._published or self._checkpointing is None:
            return
        write_durably(self._ops, self._directory / LATEST_NAME, note)
        self._published = note
        # Last: an anchor must never be ahead of what the log itself would have after a loss of power.
        self._checkpointing.publish(note)

    def _note(self, signer: Signer) -> bytes:
        origin = origin_of(signer.public.name, self._directory.name)
        checkpoint = Checkpoint(origin, self._tree.size, self._tree.root(), self._number, time.time_ns() // 1000)
        return signer.sign(checkpoint.text())

    def _count(self) -> None:
        """Go on behind a checkpoint that is durable; one that failed leaves its number to the next try."""
        self._signed_size = self._tree.size
        self._number += 1

    def _rebuild(self, checkpoint: Checkpoint | None) -> None:
        """Hash the entries from the last segment on that the checkpoint does not lie before."""
        if paths := segment.segment_paths(self._directory):
            before = [path for path in paths if checkpoint and segment.first_sequence(path) <= checkpoint.size]
            # Not from the first one on: the header of each segment has the tree of all entries before it.
            path = before[-1] if before else paths[-1 if checkpoint is None else 0]
            with path.open("rb") as file:
                self._tree = segment.read_header(path, file.readline(segment.ENTRY_LIMIT_BYTES))
        entries = (stored.entry for stored in read_log(self._directory, Position(sequence=self._tree.size)))
        if checkpoint is not None:
            self._tree.extend_entries(islice(entries, max(checkpoint.size - self._tree.size, 0)))
            self._check(checkpoint)
        self._tree.extend_entries(entries)

    def _check(self, checkpoint: Checkpoint) -> None:
        self._signed_size, self._number = checkpoint.size, checkpoint.number + 1
        if (checkpoint.size, checkpoint.root) != (self._tree.size, self._tree.root()):
            # Two checkpoints that contradict each other must never be signed: they would look like a forgery.
            raise CorruptLogError(
                f"{self._directory}: its entries are not those of its last checkpoint, which covers "
                f"{checkpoint.size}; run 'sluice audit verify', and restore the log or move it away"
            )

    def _check_key(self, signer: Signer) -> None:
        """Report a history that another key signed: it is taken up, but whoever verifies needs both keys."""
        try:
            if self._history.note:
                open_note(self._history.note, [signer.public])
        except NoteError as exc:
            _log.warning("audit_checkpoint_key_changed", log_id=self._directory.name, reason=str(exc))
