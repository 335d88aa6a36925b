"""Marks: what the tree must be at a size, by a signed checkpoint of the log's history or by an anchor."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from gateway.audit.checkpoint import Checkpoint, open_checkpoint
from gateway.audit.history import HISTORY_NAME, LATEST_NAME, HistoryLine, note_of
from gateway.audit.note import NOTE_LIMIT_BYTES, NoteError, PublicKey, UnknownKeyError
from gateway.audit.verification.lines import Lines
from gateway.audit.verification.report import Kind, LogReport


class Mark(NamedTuple):
    """What the tree must be at a size.

    Attributes:
        size: number of leaves.
        root: the root hash of so many leaves.
        anchor: whether an anchor says so.
        file: where that stands.
        byte: offset in it; None when it is one note.
        time: when it was signed, for a person.
    """

    size: int
    root: bytes
    anchor: bool
    file: str
    byte: int | None
    time: str


class Notes:
    """Opens notes of one log, and says of each that cannot be used what is wrong with it."""

    def __init__(self, report: LogReport, keys: Sequence[PublicKey]) -> None:
        self._report = report
        self._keys = keys

    def open(self, note: bytes, file: str, byte: int | None = None) -> Checkpoint | None:
        """Return the checkpoint in a note of this log; None when it is none, which is reported."""
        try:
            checkpoint = open_checkpoint(note, self._keys)
        except UnknownKeyError:
            self._report.add(Kind.WRONG_KEY, file, "the checkpoint is not signed by the given key", byte=byte)
        except NoteError as exc:
            kind = Kind.SIGNATURE if "signature" in str(exc) else Kind.CHECKPOINT_DAMAGED
            self._report.add(kind, file, f"the checkpoint cannot be trusted: {exc}", byte=byte)
        else:
            # An export may say itself which log it is of.
            if self._report.log_id in {"", checkpoint.log_id}:
                return checkpoint
            self._report.add(Kind.SWAPPED, file, f"the checkpoint is of log {checkpoint.log_id}", byte=byte)
        return None


class HistoryCheck:
    """Reads the history of a log, as it was when this was made, and holds the latest checkpoint against it."""

    def __init__(self, log_directory: Path, notes: Notes, report: LogReport) -> None:
        self._path = log_directory / HISTORY_NAME
        self._notes = notes
        self._report = report
        latest = log_directory / LATEST_NAME
        # First of all: what a writer adds meanwhile is in the history before it is here.
        self._latest = _head_of(latest) if latest.exists() else b""
        self._latest_file = str(latest)
        self._bytes = self._path.stat().st_size if self._path.exists() else 0
        self._last_two: tuple[bytes, bytes] = (b"", b"")

    def marks(self, *, has_entries: bool) -> Iterator[Mark]:
        """Yield what each checkpoint says of the tree, in the order of sizes; report those that are wrong.

        Args:
            has_entries: whether the log has any, and so must have checkpoints.
        """
        number, size = 0, -1
        for line in self._lines():
            self._last_two = (self._last_two[1], line.note or b"")
            checkpoint = self._checkpoint(line)
            if checkpoint is None:
                # Its number is used up all the same: one problem is not made two.
                number += 1
                continue
            self._check_number(checkpoint, number, line.byte_offset)
            if checkpoint.size > size:
                yield mark_of(checkpoint, str(self._path), line.byte_offset, anchor=False)
            elif checkpoint.number >= number:
                what = f"the checkpoint of {checkpoint.size} entries follows one of {size}"
                self._report.add(Kind.CHECKPOINT_REORDERED, str(self._path), what, byte=line.byte_offset)
            number, size = max(number, checkpoint.number + 1), max(size, checkpoint.size)
        self._check_latest(has_entries=has_entries)

    def _checkpoint(self, line: HistoryLine) -> Checkpoint | None:
        if line.note is None:
            what = "the line is damaged: its checksum or its form is wrong"
            self._report.add(Kind.CHECKPOINT_DAMAGED, str(self._path), what, byte=line.byte_offset)
            return None
        return self._notes.open(line.note, str(self._path), line.byte_offset)

    def _check_number(self, checkpoint: Checkpoint, expected: int, byte: int) -> None:
        if checkpoint.number > expected:
            what = f"checkpoint {expected} is missing; {checkpoint.number} follows"
            self._report.add(Kind.CHECKPOINT_MISSING, str(self._path), what, byte=byte)
        elif checkpoint.number < expected:
            what = f"checkpoint {checkpoint.number} stands where {expected} belongs"
            self._report.add(Kind.CHECKPOINT_REORDERED, str(self._path), what, byte=byte)
        elif not expected and checkpoint.size:
            what = f"the first checkpoint covers {checkpoint.size} entries; those before it are missing"
            self._report.add(Kind.CHECKPOINT_MISSING, str(self._path), what, byte=byte)

    def _lines(self) -> Iterator[HistoryLine]:
        if not self._bytes:
            return
        with self._path.open("rb") as file:
            lines = Lines(file)
            for start, piece in lines.pieces():
                offset = start
                for line in piece:
                    # A writer may be at work: what came after the snapshot speaks of entries after it too.
                    if offset >= self._bytes:
                        return
                    yield HistoryLine(offset, note_of(line + b"\n"))
                    offset += len(line) + 1
        if lines.rest and lines.end < self._bytes:
            self._check_rest(lines)

    def _check_rest(self, lines: Lines) -> None:
        if lines.overlong:
            what = "the line is longer than any checkpoint; reading ended here"
            self._report.add(Kind.CHECKPOINT_DAMAGED, str(self._path), what, byte=lines.end)
            return
        # A checkpoint that was being written was not published. One that was, is missed by `_check_latest`.
        self._report.notices.append(f"{self._path}: ends in half a line, as a crash or a write under way leaves it")

    def _check_latest(self, *, has_entries: bool) -> None:
        """Hold the file `checkpoint` against the history's end: a crash may leave it one behind, and no more."""
        before, last = self._last_two
        if self._latest == last and last:
            return
        if not last:
            if has_entries or self._latest:
                self._report.add(Kind.CHECKPOINT_MISSING, str(self._path), "there is no history of checkpoints")
            return
        if self._latest == before:
            self._report.notices.append(f"{self._latest_file}: one checkpoint behind, as a crash leaves it")
        elif not self._latest:
            self._report.add(Kind.CHECKPOINT_MISSING, self._latest_file, "the latest checkpoint is missing")
        elif checkpoint := self._notes.open(self._latest, self._latest_file):
            what = (
                f"the latest checkpoint, number {checkpoint.number} of {checkpoint.size} entries, is not the last "
                "one of the history"
            )
            self._report.add(Kind.CHECKPOINT_MISSING, self._latest_file, what)


def anchor_marks(anchored: Iterable[tuple[Checkpoint, str, int | None]]) -> list[Mark]:
    """Return what anchors say of one log's tree, in the order of sizes."""
    marks = [mark_of(each, file, byte, anchor=True) for each, file, byte in anchored]
    return sorted(marks, key=lambda mark: mark.size)


def mark_of(checkpoint: Checkpoint, file: str, byte: int | None, *, anchor: bool) -> Mark:
    """Return what a checkpoint says of the tree, and where it stands."""
    return Mark(checkpoint.size, checkpoint.root, anchor, file, byte, checkpoint.time)


def _head_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(NOTE_LIMIT_BYTES + 1)
