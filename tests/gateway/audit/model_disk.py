"""A disk that loses power: what it holds for certain, kept beside real files that show what a running kernel shows.

Rules: a file's data is certain once the file was synced, a name once its directory was. Everything else is at the
mercy of a fate: dropped, kept, torn in the middle, or written in another order, so that NULs stand where a sector
never came. A sync that failed marks its pages clean, as Linux does: later syncs succeed without them.
"""

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, cast

from gateway.audit.files import FileOps, OsFileOps

SECTOR_BYTES = 512
_Choose = Callable[[random.Random, Any, Any], Any]


class Fate(NamedTuple):
    """What becomes of what was not synced.

    Attributes:
        name: for reports.
        of_name: chooses between what a name meant when its directory was synced, and what it means now.
        of_data: chooses a file's content from that of its last sync and that of now.
    """

    name: str
    of_name: _Choose
    of_data: _Choose


def _old(_chance: random.Random, old: object, _new: object) -> object:
    return old


def _new(_chance: random.Random, _old: object, new: object) -> object:
    return new


def _either(chance: random.Random, old: object, new: object) -> object:
    return chance.choice((old, new))


def _half(_chance: random.Random, old: bytes, new: bytes) -> bytes:
    return new[: (len(old) + len(new)) // 2] if new.startswith(old) else old


def _nuls(_chance: random.Random, old: bytes, new: bytes) -> bytes:
    """The size came, the data did not."""
    return old + bytes(len(new) - len(old)) if new.startswith(old) else old


def _first_missing(_chance: random.Random, old: bytes, new: bytes) -> bytes:
    """What was written first came last: the file goes on behind a sector that is not there."""
    behind = min(len(new), (len(old) // SECTOR_BYTES + 1) * SECTOR_BYTES)
    return old + bytes(behind - len(old)) + new[behind:] if new.startswith(old) else new


def _sectors(chance: random.Random, old: bytes, new: bytes) -> bytes:
    """Each sector came or did not, and the size is any in between."""
    if not new.startswith(old):
        return cast("bytes", _either(chance, old, new))
    data = bytearray(new[: chance.randint(len(old), len(new))])
    for begin in range(len(old) // SECTOR_BYTES * SECTOR_BYTES, len(data), SECTOR_BYTES):
        lost = slice(max(begin, len(old)), min(begin + SECTOR_BYTES, len(data)))
        if chance.random() < 0.5:
            data[lost] = bytes(lost.stop - lost.start)
    return bytes(data)


FATES = (
    Fate("nothing unsynced came", _old, _old),
    Fate("names came, data did not", _new, _old),
    Fate("data came, names did not", _old, _new),
    Fate("names came, data half", _new, _half),
    Fate("names and sizes came, data did not", _new, _nuls),
    Fate("names came, data from its second sector on", _new, _first_missing),
    Fate("some names, some sectors", _either, _sectors),
    Fate("names came, some sectors", _new, _sectors),
)


class ModelDisk:
    """What would be left of a directory tree when the power went."""

    def __init__(self, root: Path) -> None:
        """Take everything that is there for durable."""
        self._root = root
        self._kernel = OsFileOps()
        self._held: dict[int, int] = {}  # open files by inode, so that no number is given out twice
        self._names: dict[Path, dict[str, int]] = {}
        self._lost: dict[int, tuple[int, int]] = {}  # where pages are marked clean that never came
        for directory in (root, *filter(Path.is_dir, root.rglob("*"))):
            self.sync_directory(directory)
        self._data = {inode: self._now(inode) for inode in self._held}

    @property
    def held(self) -> set[int]:
        """Descriptors that belong to the disk."""
        return set(self._held.values())

    def let_go(self) -> None:
        """Let go of the files."""
        for descriptor in self._held.values():
            os.close(descriptor)

    def ops(self) -> FileOps:
        """Return the disk as file operations."""
        return cast("FileOps", self)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """What needs no book-keeping goes to the kernel."""
        return cast("Callable[..., Any]", getattr(self._kernel, name))

    def create(self, path: Path) -> int:
        """Open an empty file; that an older one was emptied is not durable yet."""
        descriptor = self._kernel.create(path)
        self._lost.pop(self._hold(path), None)
        return descriptor

    def sync(self, descriptor: int) -> None:
        """Remember what the file holds, but for pages that are believed to be there."""
        inode = os.fstat(descriptor).st_ino
        self._data[inode] = self._on_disk(inode)

    def fail_sync(self, descriptor: int) -> None:
        """Mark what is not durable as clean, and lose it."""
        inode = os.fstat(descriptor).st_ino
        self._lost[inode] = (len(self._data.get(inode, b"")), os.fstat(descriptor).st_size)

    def truncate(self, descriptor: int, size_bytes: int) -> None:
        """Cut a file off, and with it what was lost there."""
        self._kernel.truncate(descriptor, size_bytes)
        inode = os.fstat(descriptor).st_ino
        begin, end = self._lost.pop(inode, (0, 0))
        if begin < min(end, size_bytes):
            self._lost[inode] = (begin, min(end, size_bytes))

    def overwrite(self, path: Path, offset_bytes: int, data: bytes) -> None:
        """Write pages again, which makes them dirty again."""
        self._kernel.overwrite(path, offset_bytes, data)
        inode = path.stat().st_ino
        begin, end = self._lost.get(inode, (0, 0))
        if offset_bytes <= begin and end <= offset_bytes + len(data):
            self._lost.pop(inode, None)

    def sync_directory(self, path: Path) -> None:
        """Remember what the names mean now."""
        self._names[path] = {entry.name: self._hold(entry) for entry in path.iterdir()}

    def lose_power(self, target: Path, fate: Fate, chance: random.Random) -> None:
        """Lay out what is left in another directory.

        Args:
            target: an empty directory.
            fate: of what was not synced.
            chance: for fates that draw.
        """
        self._lay_out(self._root, target, fate, chance)

    def _lay_out(self, source: Path, target: Path, fate: Fate, chance: random.Random) -> None:
        durable, now = self._names.get(source, {}), {entry.name: self._hold(entry) for entry in source.iterdir()}
        for name in sorted(durable.keys() | now.keys()):
            inode = fate.of_name(chance, durable.get(name), now.get(name))
            if inode is None:
                continue
            if inode in self._held:
                data = fate.of_data(chance, self._data.get(inode, b""), self._on_disk(inode))
                (target / name).write_bytes(data)
            else:
                (target / name).mkdir()
                self._lay_out(source / name, target / name, fate, chance)

    def _hold(self, path: Path) -> int:
        inode = path.stat().st_ino
        if inode not in self._held and not path.is_dir():
            self._held[inode] = os.open(path, os.O_RDONLY)
        return inode

    def _now(self, inode: int) -> bytes:
        descriptor = self._held[inode]
        return os.pread(descriptor, os.fstat(descriptor).st_size, 0)

    def _on_disk(self, inode: int) -> bytes:
        data, (begin, end) = self._now(inode), self._lost.get(inode, (0, 0))
        return data[:begin] + bytes(end - begin) + data[end:]
