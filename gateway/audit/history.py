"""The history of a log's checkpoints: the file ``checkpoints``, appended to and never changed.

A line is framed like one of a segment; its object holds the signed note. Rules: the first checkpoint is made with the
log, of no entries, so a log without a history has lost it; a torn end is moved aside like a segment's. After a write
or a sync that failed, the end is cut back to what was durable before anything is written again.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import orjson

from gateway.audit import segment
from gateway.audit.canonical import canonical_json
from gateway.audit.checkpoint import Checkpoint, read_checkpoint
from gateway.audit.files import FileOps, move_torn_end_aside, sync_again, write_durably
from gateway.audit.note import NOTE_LIMIT_BYTES, NoteError
from gateway.audit.segment import CorruptLogError

HISTORY_NAME = "checkpoints"
LATEST_NAME = "checkpoint"
TYPE = "checkpoint"

# In JSON an escaped line feed takes two bytes, so twice a note and some for the frame.
LINE_LIMIT_BYTES = 2 * NOTE_LIMIT_BYTES + 1024
# The end of the file that is looked at when a writer starts; whatever a crash tore is one line of it.
_TAIL_BYTES = 4 * LINE_LIMIT_BYTES


class HistoryLine(NamedTuple):
    """A line of the history.

    Attributes:
        byte_offset: where it begins.
        note: the signed note in it; None when the line is damaged.
    """

    byte_offset: int
    note: bytes | None


def note_line(note: bytes) -> bytes:
    """Return a note as a line of a history."""
    return segment.frame(canonical_json({"v": 1, "type": TYPE, "note": note.decode()}))


def note_of(line: bytes) -> bytes | None:
    """Return the note in a line with its line feed; None when the line is damaged."""
    with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
        entry = segment.unframe(line[:-1])
        note: bytes = orjson.loads(entry or b"")["note"].encode()
        # The one form of a line, so that no byte of the file can be changed unseen.
        return note if line == note_line(note) else None
    return None


def read_history(path: Path) -> Iterator[HistoryLine]:
    """Yield the lines of a history, damaged ones too; nothing when there is no file.

    Raises:
        OSError: the file cannot be read.
    """
    if not path.exists():
        return
    offset = 0
    with path.open("rb") as file:
        while line := file.readline(LINE_LIMIT_BYTES):
            yield HistoryLine(offset, note_of(line))
            offset += len(line)


class History:
    """Appends to the history of one log; its writer's alone."""

    def __init__(self, log_directory: Path, ops: FileOps) -> None:
        self._path = log_directory / HISTORY_NAME
        self._ops = ops
        self._descriptor: int | None = None
        self._end = 0  # durable bytes
        self._damaged = False  # whether bytes behind the durable end may be there
        self.note = b""

    def open(self) -> Checkpoint | None:
        """Find the latest checkpoint and cut a torn end off; return None when there is no history yet.

        Raises:
            OSError: a step failed.
            CorruptLogError: the end is damaged in a way that no crash explains.
        """
        if not self._path.exists():
            return None
        self._find_end()
        # A whole line may be in the page cache only: its writer may have died before the sync, or of its failure.
        sync_again(self._ops, self._path, self._opened(), max(0, self._end - _TAIL_BYTES))
        try:
            return read_checkpoint(self.note)
        except NoteError as exc:
            raise CorruptLogError(f"{self._path}: its last checkpoint cannot be read: {exc}") from exc

    def create(self, note: bytes) -> None:
        """Begin the history with its first checkpoint.

        Raises:
            OSError: a step failed; there is a whole history or none.
        """
        line = note_line(note)
        # Whole or not at all: a log is never seen with a history that holds nothing.
        write_durably(self._ops, self._path, line)
        self._end, self.note = len(line), note

    def append(self, note: bytes) -> None:
        """Make a further checkpoint durable.

        Raises:
            OSError: a step failed; the checkpoint does not count, though it may be there.
        """
        line = note_line(note)
        descriptor = self._opened()
        if self._damaged:
            self._ops.truncate(descriptor, self._end)
        # Until the sync: after a write that failed in part, nothing is known about the file's end.
        self._damaged = True
        self._ops.write(descriptor, line)
        self._ops.sync(descriptor)
        self._damaged = False
        self._end, self.note = self._end + len(line), note

    def close(self) -> None:
        """Give the file back."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with contextlib.suppress(OSError):  # what matters was synced
                self._ops.close(descriptor)

    def _opened(self) -> int:
        if self._descriptor is None:
            self._descriptor = self._ops.open_to_append(self._path)
        return self._descriptor

    def _find_end(self) -> None:
        size = self._path.stat().st_size
        with self._path.open("rb") as file:
            file.seek(max(size - _TAIL_BYTES, 0))
            tail = file.read()
        start = size - len(tail)
        if start:
            # The first piece is the rest of a line whose beginning was not read.
            start += tail.index(b"\n") + 1 if b"\n" in tail else len(tail)
        whole = tail[len(tail) - (size - start) :].split(b"\n")[:-1]
        for line in whole:
            note = note_of(line + b"\n")
            if note is None:
                break
            start += len(line) + 1
            self.note = note
        if not self.note:
            raise CorruptLogError(f"{self._path}: holds no checkpoint at its end; restore it, or move the log away")
        self._end = start
        if start < size:
            self._cut(tail[len(tail) - (size - start) :])

    def _cut(self, rest: bytes) -> None:
        if not segment.is_torn(rest):
            raise CorruptLogError(
                f"{self._path}: damaged at byte {self._end}; restore the file, or move the log away"
            )
        move_torn_end_aside(self._ops, self._path, self._opened(), self._end)
