"""Exports the trail: entries with the signed checkpoint they lie under, to be verified without this program.

Rules: a log is a folder of `entries.ndjson`, `checkpoint` and `key.pub`, and `range.json` where it is a part; the
folder is the top one when there is one log only. Nothing is exported that does not fit its checkpoint.
"""

import zipfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from itertools import islice
from pathlib import Path
from typing import IO, Protocol

from gateway.audit.export_files import CHECKPOINT_NAME, ENTRIES_NAME, KEY_NAME, RANGE_NAME, range_file
from gateway.audit.log_range import LogRange, read_entries, tree_before
from gateway.audit.note import PublicKey
from gateway.audit.segment import CorruptLogError

_BATCH_ENTRIES = 1000


class Target(Protocol):
    """Where an export is written to."""

    def create(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """Open a new file by its path, with `/`."""
        ...


class FolderTarget:
    """A folder; it and those in it are made."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def create(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """Open a new file.

        Raises:
            OSError: it is there already, or cannot be made.
        """
        path = self._folder / name
        path.parent.mkdir(0o750, parents=True, exist_ok=True)
        return path.open("xb")


class ArchiveTarget:
    """A zip archive; closed by whoever opened it."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    def create(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """Open a new file; one at a time."""
        # Large ones allowed: its size is not known before it is written.
        return self._archive.open(name, "w", force_zip64=True)


def export_log(
    log_directory: Path,
    part: LogRange,
    key: PublicKey,
    target: Target,
    folder: str = "",
    advance: Callable[[int], None] = lambda _: None,
) -> None:
    """Write one log, or a part of it.

    Args:
        log_directory: the log.
        part: what of it.
        key: the key its checkpoints are signed by.
        target: where to.
        folder: where in it: '' or NAME/.
        advance: is told how many entries were written.

    Raises:
        CorruptLogError: the log is damaged, or not what its checkpoint was made of.
        OSError: something cannot be read or written.
    """
    tree = tree_before(log_directory, part.first)
    if part.first:
        _put(target, folder + RANGE_NAME, range_file(part.first, tree.edge))
    entries = islice(read_entries(log_directory, part.first), part.checkpoint.size - part.first)
    with target.create(folder + ENTRIES_NAME) as file:
        while batch := list(islice(entries, _BATCH_ENTRIES)):
            tree.extend_entries(batch)
            file.write(b"\n".join(batch) + b"\n")
            advance(len(batch))
    # An export that does not verify would accuse whoever hands it over; better none.
    if (tree.size, tree.root()) != (part.checkpoint.size, part.checkpoint.root):
        raise CorruptLogError(
            f"{log_directory}: its entries are not those of its checkpoint; run 'sluice audit verify'"
        )
    _put(target, folder + CHECKPOINT_NAME, part.note)
    _put(target, folder + KEY_NAME, f"{key.line}\n".encode())


def _put(target: Target, name: str, content: bytes) -> None:
    with target.create(name) as file:
        file.write(content)
