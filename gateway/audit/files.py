"""The file operations an append-only log is made of, behind a small protocol so that a test can fail each of them.

Only writing is here: a reader that fails loses nothing.
"""

import contextlib
import errno
import os
import secrets
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


def move_torn_end_aside(ops: FileOps, path: Path, descriptor: int, end: int) -> int:
    """Cut off what a crash left half written behind a file's last whole line, and keep it for whoever wants to look.

    Args:
        ops: file operations.
        path: the file.
        descriptor: the same, opened to append.
        end: offset behind its last whole line.

    Returns:
        The number of bytes moved.

    Raises:
        OSError: a step failed; the file still has its torn end.
    """
    with path.open("rb") as file:
        file.seek(end)
        torn = file.read()
    # Before the cut: what is taken out of a trail must stay to be looked at.
    write_durably(ops, path.with_name(f"{path.name}.{end}.torn"), torn)
    ops.truncate(descriptor, end)
    return len(torn)


def sync_again(ops: FileOps, path: Path, descriptor: int, begin: int) -> None:
    """Make the end of a file durable that another process wrote, and may have failed to sync.

    Written again, and not synced alone: where a sync fails, the kernel marks the pages clean, and the next sync
    succeeds without them.

    Args:
        ops: file operations.
        path: the file.
        descriptor: the same, opened to append.
        begin: offset of the first byte that may not be durable.

    Raises:
        OSError: a step failed; the file holds what it held.
    """
    with path.open("rb") as file:
        file.seek(begin)
        ops.overwrite(path, begin, file.read())
    ops.sync(descriptor)


def write_secret_once(path: Path, secret: bytes) -> bool:
    """Put a secret under a name, readable by its owner alone; of processes that start together, one does.

    Returns:
        Whether it was this one; otherwise the name holds another's secret, which may be in use by now.

    Raises:
        OSError: a step failed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(8)}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, secret)
        os.fsync(descriptor)
        # A link and no rename: it fails where another process was faster.
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        os.close(descriptor)
        temporary.unlink()
    # Before its first use: what a key signed or wrapped must not outlive it after a loss of power.
    OsFileOps().sync_directory(path.parent)
    return True


@contextlib.contextmanager
def closing(ops: FileOps, descriptor: int) -> Iterator[int]:
    """Give a descriptor back at the end of a block."""
    try:
        yield descriptor
    finally:
        ops.close(descriptor)
