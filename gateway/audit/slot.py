"""Slots: each process appends to a log of its own, and takes one up again that a stopped process left.

Rules: a log belongs to whoever holds the lock on its file ``lock``; the kernel gives it back when the process ends,
however it ends. An id is random and made once, so that logs of many machines can lie side by side.
"""

import contextlib
import fcntl
import os
import secrets
from pathlib import Path
from typing import Self

from gateway.audit.files import FileOps
from gateway.audit.segment import log_directories

# Not a process or host name: those come again, and two logs of one id could not be told apart.
_ID_BYTES = 8
_ATTEMPTS = 16
_DIRECTORY_MODE = 0o750
_LOCK_NAME = "lock"


class Slot:
    """A log directory that this process alone appends to, until it is released."""

    def __init__(self, directory: Path, lock: int) -> None:
        self.directory = directory
        self._lock = lock

    @classmethod
    def claim(cls, directory: Path, ops: FileOps) -> Self:
        """Take the first log nobody appends to, or begin a new one.

        Args:
            directory: the audit directory; made when it is missing.
            ops: makes the name of a new log durable.

        Raises:
            OSError: the directory cannot be used.
        """
        directory.mkdir(_DIRECTORY_MODE, parents=True, exist_ok=True)
        for log_directory in log_directories(directory):
            # Another user's, who ran a command here: theirs to append to, and no reason not to begin one of ours.
            with contextlib.suppress(PermissionError):
                if (lock := _try_lock(log_directory)) is not None:
                    return cls._taken_up(log_directory, lock, ops)
        for _ in range(_ATTEMPTS):
            log_directory = directory / secrets.token_hex(_ID_BYTES)
            log_directory.mkdir(_DIRECTORY_MODE)
            # Or a loss of power could take away the directory, with entries that were acknowledged.
            ops.sync_directory(directory)
            # Another process may see the new log and be faster; then it is theirs, and the next one ours.
            if (lock := _try_lock(log_directory)) is not None:
                return cls(log_directory, lock)
        raise OSError(f"no log under {directory} could be locked in {_ATTEMPTS} attempts")

    @classmethod
    def _taken_up(cls, log_directory: Path, lock: int, ops: FileOps) -> Self:
        try:
            # Whoever began the log may have died before its name was durable.
            ops.sync_directory(log_directory.parent)
        except BaseException:
            os.close(lock)
            raise
        return cls(log_directory, lock)

    def check(self, ops: FileOps) -> None:
        """Make sure that the log is still where it was, and ours.

        Raises:
            OSError: the directory is away, or another one is in its place, which another process may have taken.
        """
        ops.check_name(self._lock, self.directory / _LOCK_NAME)

    @property
    def log_id(self) -> str:
        """The id of the log."""
        return self.directory.name

    def release(self) -> None:
        """Leave the log to another process."""
        # The file stays: if it were removed, two processes could each lock a file of that name.
        os.close(self._lock)


def _try_lock(log_directory: Path) -> int | None:
    # Python's descriptors are not inherited, so the companion cannot hold a lock beyond our death.
    descriptor = os.open(log_directory / _LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o640)
    try:
        # Not lockf: its locks go when any descriptor of the file is closed anywhere in the process.
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        os.close(descriptor)
        if isinstance(exc, BlockingIOError):
            return None
        raise
    return descriptor
