"""Verifies an export: a folder, or an archive with the same files, of one log or of several."""

import zipfile
import zlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Protocol

from gateway.audit.export_files import CHECKPOINT_NAME, ENTRIES_NAME, KEY_NAME, RANGE_NAME, read_range
from gateway.audit.note import NOTE_LIMIT_BYTES, PublicKey
from gateway.audit.tree import Tree
from gateway.audit.verification.anchored import Anchors
from gateway.audit.verification.comparison import Comparison
from gateway.audit.verification.lines import Lines, is_canonical
from gateway.audit.verification.log import Progress
from gateway.audit.verification.marks import Notes, mark_of
from gateway.audit.verification.report import Kind, LogReport

# Of a file that is read as a whole; each has a few hundred bytes.
_SMALL_LIMIT_BYTES = NOTE_LIMIT_BYTES


class Files(Protocol):
    """The files of an export, wherever they are."""

    def names(self) -> list[str]:
        """Return the paths of all files, with `/`."""
        ...

    def size(self, name: str) -> int:
        """Return the size of a file in bytes."""
        ...

    def open(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """Open a file for reading."""
        ...


class FolderFiles:
    """The files of a folder, and of the folders in it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        """Return the paths of all files."""
        found = [*self._folder.glob("*"), *self._folder.glob("*/*")]
        return sorted(path.relative_to(self._folder).as_posix() for path in found if path.is_file())

    def size(self, name: str) -> int:
        """Return the size of a file."""
        return (self._folder / name).stat().st_size

    def open(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """Open a file for reading."""
        return (self._folder / name).open("rb")


class ArchiveFiles:
    """The files of a zip archive; nothing is unpacked to the disk."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    def names(self) -> list[str]:
        """Return the paths of all files."""
        return sorted(info.filename for info in self._archive.infolist() if not info.is_dir())

    def size(self, name: str) -> int:
        """Return the size of a file, unpacked, as the archive says it."""
        return self._archive.getinfo(name).file_size

    def open(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """Open a file for reading; it is unpacked piece by piece."""
        return self._archive.open(name)


def folders(files: Files) -> list[str]:
    """Return the folders of an export that hold a log: '' for the top one, or NAME/."""
    return [name.removesuffix(ENTRIES_NAME) for name in files.names() if name.rpartition("/")[2] == ENTRIES_NAME]


def check_export(
    files: Files, folder: str, keys: Sequence[PublicKey], anchors: Anchors, progress: Progress
) -> LogReport:
    """Verify one log of an export.

    Args:
        files: the export.
        folder: the log's, one of `folders`.
        keys: keys that sign checkpoints.
        anchors: what to hold it against.
        progress: is told how many bytes were read.
    """
    names = set(files.names())
    report = LogReport("")
    if folder + CHECKPOINT_NAME not in names:
        report.add(Kind.CHECKPOINT_MISSING, folder + CHECKPOINT_NAME, "the checkpoint is missing")
        return report
    checkpoint = Notes(report, keys).open(_small(files, folder + CHECKPOINT_NAME), folder + CHECKPOINT_NAME)
    _check_key(files, folder, keys, names, report)
    if checkpoint is None:
        return report
    report.log_id = checkpoint.log_id
    if folder not in {"", f"{checkpoint.log_id}/"}:
        report.add(Kind.SWAPPED, folder + CHECKPOINT_NAME, f"the checkpoint is of log {checkpoint.log_id}")
    try:
        tree = read_range(_small(files, folder + RANGE_NAME)) if folder + RANGE_NAME in names else Tree()
    except ValueError as exc:
        report.add(Kind.DAMAGED, folder + RANGE_NAME, str(exc))
        return report
    report.first = report.covered = tree.size
    # An anchor of an earlier part, or of what came after this export, says nothing about it.
    fitting = [mark for mark in anchors.marks(checkpoint.log_id) if tree.size <= mark.size <= checkpoint.size]
    mark = mark_of(checkpoint, folder + CHECKPOINT_NAME, None, anchor=False)
    _Reading(files, folder + ENTRIES_NAME, report, Comparison(report, [[mark], fitting], tree), progress).run()
    return report


class _Reading:
    """Reads the entries of an export."""

    def __init__(
        self, files: Files, name: str, report: LogReport, comparison: Comparison, progress: Progress
    ) -> None:
        self._files = files
        self._name = name
        self._report = report
        self._comparison = comparison
        self._progress = progress

    def run(self) -> None:
        """Read everything once."""
        with self._files.open(self._name) as file:
            lines = Lines(file)
            try:
                for start, piece in lines.pieces():
                    self._check_piece(start, piece)
                    self._progress(sum(map(len, piece)) + len(piece))
            except (OSError, EOFError, zipfile.BadZipFile, zlib.error) as exc:
                what = f"cannot be read to its end ({exc})"
                self._report.add(Kind.UNREADABLE, self._name, what, byte=lines.end)
        at = self._comparison.sequence
        if lines.rest:
            self._report.add(Kind.DAMAGED, self._name, "ends in half a line", byte=lines.end, sequence=at)
        self._report.entries = at - self._report.first
        self._comparison.finish(self._name)
        if self._report.good and at > self._report.covered:
            what = f"holds entries behind the {self._report.covered} that the checkpoint covers"
            self._report.add(Kind.INSERTED, self._name, what, sequence=self._report.covered)

    def _check_piece(self, start: int, lines: list[bytes]) -> None:
        good, at = 0, start
        for index, line in enumerate(lines):
            if is_canonical(line):
                continue
            self._comparison.extend(lines[good:index], self._name, at, 1)
            at += sum(map(len, lines[good:index])) + index - good
            what = "the entry is not canonical JSON"
            self._report.add(Kind.DAMAGED, self._name, what, byte=at, sequence=self._comparison.sequence)
            self._comparison.lose(self._comparison.sequence + 1)
            good, at = index + 1, at + len(line) + 1
        self._comparison.extend(lines[good:], self._name, at, 1)


def _check_key(files: Files, folder: str, keys: Sequence[PublicKey], names: set[str], report: LogReport) -> None:
    """Report a key in the export that is not the one it is verified by."""
    name = folder + KEY_NAME
    if name not in names:
        report.add(Kind.WRONG_KEY, name, "the key is missing; an export holds it beside the checkpoint")
        return
    try:
        found = PublicKey.parse(_small(files, name).decode())
    except ValueError:
        report.add(Kind.WRONG_KEY, name, "holds no key")
        return
    if not any(key.raw == found.raw and key.name in {"", found.name} for key in keys):
        report.add(Kind.WRONG_KEY, name, "is not the key given to verify by")


def _small(files: Files, name: str) -> bytes:
    with files.open(name) as file:
        return file.read(_SMALL_LIMIT_BYTES + 1)
