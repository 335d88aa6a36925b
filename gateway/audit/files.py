"""The file operations an append-only log is made of, behind a small protocol so that a test can fail each of them.

Only writing is here: a reader that fails loses nothing.
"""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

_FILE_MODE = 0o640  # the operator's group may read the trail; nobody else


class FileOps(Protocol):
    """What a log asks of a file system. Each operation raises OSError when it fails."""

    def create(self, path: Path) -> int:
        """Open an empty file for writing, replacing one that is there; return its descriptor."""
        ...

    def open_to_append(self, path: Path) -> int:
        """Open an existing file so that every write goes to its end; return its descriptor."""
        ...

    def write(self, descriptor: int, data: bytes) -> None:
        """Write all of the data."""
        ...

    def sync(self, descriptor: int) -> None:
        """Return once what was written would survive a loss of power."""
        ...

    def truncate(self, descriptor: int, size_bytes: int) -> None:
        """Cut a file off."""
        ...

    def rename(self, source: Path, target: Path) -> None:
        """Give a file its final name, in one step."""
        ...

    def sync_directory(self, path: Path) -> None:
        """Return once the names in a directory would survive a loss of power."""
        ...

    def overwrite(self, path: Path, offset_bytes: int, data: bytes) -> None:
        """Write data over what a file holds from an offset on."""
        ...

    def remove(self, path: Path) -> None:
        """Take a file's name away."""
        ...

    def check_name(self, descriptor: int, path: Path) -> None:
        """Raise when a path does not name an open file any more: it was moved, removed, or covered by a mount."""
        ...

    def close(self, descriptor: int) -> None:
        """Give a descriptor back."""
        ...


class OsFileOps:
    """The operations as the operating system offers them."""

    def create(self, path: Path) -> int:
        """Open an empty file for writing."""
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, _FILE_MODE)

    def open_to_append(self, path: Path) -> int:
        """Open an existing file for writing at its end."""
        return os.open(path, os.O_WRONLY | os.O_APPEND)

    def write(self, descriptor: int, data: bytes) -> None:
        """Write all of the data, however many calls it takes."""
        rest = memoryview(data)
        # A disk that fills up takes a part and reports no error before the next call.
        while rest:
            rest = rest[os.write(descriptor, rest) :]

    def sync(self, descriptor: int) -> None:
        """Make data and size durable; time stamps may wait."""
        os.fdatasync(descriptor)

    def truncate(self, descriptor: int, size_bytes: int) -> None:
        """Cut a file off."""
        os.ftruncate(descriptor, size_bytes)

    def rename(self, source: Path, target: Path) -> None:
        """Give a file its final name."""
        source.replace(target)

    def sync_directory(self, path: Path) -> None:
        """Make the names in a directory durable."""
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def overwrite(self, path: Path, offset_bytes: int, data: bytes) -> None:
        """Write data over what a file holds from an offset on."""
        # A descriptor of its own: one that was opened to append writes to the end, whatever offset it is given.
        descriptor = os.open(path, os.O_WRONLY)
        try:
            os.lseek(descriptor, offset_bytes, os.SEEK_SET)
            self.write(descriptor, data)
        finally:
            os.close(descriptor)

    def remove(self, path: Path) -> None:
        """Take a file's name away."""
        path.unlink()

    def check_name(self, descriptor: int, path: Path) -> None:
        """Raise when a path does not name an open file any more."""
        if not os.path.samestat(os.fstat(descriptor), path.stat()):
            raise OSError(errno.ESTALE, "another file has taken the place of", str(path))

    def close(self, descriptor: int) -> None:
        """Give a descriptor back."""
        os.close(descriptor)


def write_durably(ops: FileOps, path: Path, data: bytes) -> None:
    """Put a whole file under a name: written under another, synced, renamed, its directory synced.

    Raises:
        OSError: a step failed; the name holds the whole data or what it held before.
    """
    temporary = path.with_name(path.name + ".tmp")
    with closing(ops, ops.create(temporary)) as descriptor:
        ops.write(descriptor, data)
        # Before the rename: after a loss of power the name could otherwise hold an empty file.
        ops.sync(descriptor)
    ops.rename(temporary, path)
    ops.sync_directory(path.parent)


@contextlib.contextmanager
def closing(ops: FileOps, descriptor: int) -> Iterator[int]:
    """Give a descriptor back at the end of a block."""
    try:
        yield descriptor
    finally:
        ops.close(descriptor)
