"""The board: a small file that all gateway processes of one machine map into memory, with a byte for each person.

0 means that nothing is held against the person, and nothing has to be asked; anything else means: ask the store.
Rules: a byte is set before the strike's transaction commits, so whoever is admitted afterwards sees it; bytes are
cleared in `rebuild` alone, while nobody counts. Several people may share a byte, which costs a look and decides
nothing. The board is made of the store, and never believed against it: one that is new, or was lost, says "ask" for
everybody until it was built.

SQLite shares memory among its processes in the same way (the ``-shm`` file of its write-ahead log), so whoever can
share the store can share the board.
"""

import mmap
import os
from collections.abc import Iterable
from pathlib import Path

from gateway.errors import ResourceError
from gateway.strikes.person import Person

SIZE_BYTES = 1 << 20
"""Size of the file; with 10,000 open people, one in a hundred others shares a byte with one of them."""

_BUILT = 0  # the byte that says that the others mean something
_SET = 1


class Board:
    """The board of one store.

    Args:
        path: the file; made when it is not there.

    Attributes:
        is_new: True when this process made the file.

    Raises:
        ResourceError: it cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.is_new = False
        self._bytes, self._identity = self._open()

    def slot(self, person: Person) -> int:
        """Return the place of a person's byte."""
        return 1 + person.digest % (SIZE_BYTES - 1)

    def is_marked(self, slot: int) -> bool:
        """Whether the store must be asked."""
        return self._bytes[slot] != 0 or self._bytes[_BUILT] == 0

    def set(self, people: Iterable[Person]) -> bool:
        """Mark people; always done."""
        # A file that was taken away is no longer looked at by who starts now; what is written then has to be theirs.
        if self.is_lost():
            self.open_again()
        for person in people:
            self._bytes[self.slot(person)] = _SET
        return True

    def write(self, people: Iterable[Person]) -> None:
        """Mark these people and nobody else. Called while nobody counts."""
        slots = {self.slot(person) for person in people}
        # Set before others are cleared: nobody who has something open is ever without a mark.
        for slot in slots:
            self._bytes[slot] = _SET
        now, at = self._bytes[:], _BUILT + 1
        while (at := now.find(_SET, at)) >= 0:
            if at not in slots:
                self._bytes[at] = 0
            at += 1
        self._bytes[_BUILT] = _SET

    def is_lost(self) -> bool:
        """Whether the file was taken away or replaced since it was opened."""
        try:
            found = self._path.stat()
        except OSError:
            return True
        return (found.st_dev, found.st_ino) != self._identity

    def open_again(self) -> None:
        """Map the file that is there now, or a new one.

        Raises:
            ResourceError: it cannot be made.
        """
        # The one before is not closed: the event loop may be reading it. It goes with its last reader.
        self._bytes, self._identity = self._open()

    def close(self) -> None:
        """Let go of the file."""
        self._bytes.close()

    def _open(self) -> tuple[mmap.mmap, tuple[int, int]]:
        # No link is followed: the file is written without asking what it holds.
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            descriptor = os.open(self._path, flags, 0o600)
            try:
                status = os.fstat(descriptor)
                if status.st_size not in (0, SIZE_BYTES):
                    raise ResourceError(f"{self._path} is no board of strikes. Move it away, or name another file.")
                self.is_new = status.st_size == 0
                # Of zeros, which is a board that was never built. Nothing happens where another process was faster.
                os.truncate(descriptor, SIZE_BYTES)
                return mmap.mmap(descriptor, SIZE_BYTES), (status.st_dev, status.st_ino)
            finally:
                os.close(descriptor)
        except OSError as exc:
            raise ResourceError(
                f"The board of strikes {self._path} cannot be opened ({exc.strerror}). "
                "Check its permissions, or name another file in [strikes] board."
            ) from exc
