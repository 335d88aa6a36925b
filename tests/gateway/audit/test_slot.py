"""Tests of slots."""

import contextlib
import os
import shutil
from pathlib import Path

import pytest

from gateway.audit.files import OsFileOps
from gateway.audit.segment import log_directories
from gateway.audit.slot import Slot
from tests.gateway.audit.builders import FailingOps


def test_first_claim_makes_the_directory_and_a_log(tmp_path: Path) -> None:
    """A log is begun where there was none, under an id of sixteen hexadecimal digits."""
    slot = Slot.claim(tmp_path / "var" / "audit", OsFileOps())
    slot.release()
    assert log_directories(tmp_path / "var" / "audit") == [slot.directory]
    assert slot.log_id == slot.directory.name


def test_claimed_log_is_not_claimed_again(tmp_path: Path) -> None:
    """While one holds a log, another gets a log of its own."""
    with contextlib.ExitStack() as stack:
        ids = set()
        for _ in range(3):
            slot = Slot.claim(tmp_path, OsFileOps())
            stack.callback(slot.release)
            ids.add(slot.log_id)
    assert len(ids) == 3


def test_released_log_is_taken_up_again(tmp_path: Path) -> None:
    """A log that was left is taken up before a new one is begun."""
    first = Slot.claim(tmp_path, OsFileOps())
    first.release()
    second = Slot.claim(tmp_path, OsFileOps())
    second.release()
    assert second.log_id == first.log_id


def test_directory_that_cannot_be_used_is_an_error(tmp_path: Path) -> None:
    """A file in the directory's place raises OSError."""
    (tmp_path / "audit").touch()
    with pytest.raises(OSError, match="audit"):
        Slot.claim(tmp_path / "audit", OsFileOps())


class _FasterProcess(OsFileOps):
    """Another process, which takes a number of new logs as soon as they can be seen."""

    def __init__(self, stack: contextlib.ExitStack, logs: int) -> None:
        self.stack = stack
        self.logs = logs

    def sync_directory(self, path: Path) -> None:
        """Take the new log."""
        super().sync_directory(path)
        if self.logs:
            self.logs -= 1
            self.stack.callback(Slot.claim(path, OsFileOps()).release)


def test_new_log_that_another_took_is_left_to_it(tmp_path: Path) -> None:
    """Between making a log and locking it, another process may be faster; then the next new log is ours."""
    with contextlib.ExitStack() as stack:
        slot = Slot.claim(tmp_path, _FasterProcess(stack, 2))
        slot.release()
    assert len(log_directories(tmp_path)) == 3


def test_claim_gives_up_in_the_end(tmp_path: Path) -> None:
    """A directory in which every new log is taken at once raises rather than filling up."""
    with contextlib.ExitStack() as stack, pytest.raises(OSError, match="16 attempts"):
        Slot.claim(tmp_path, _FasterProcess(stack, 100))
    assert len(log_directories(tmp_path)) == 16


def test_failed_claim_leaves_no_lock(tmp_path: Path) -> None:
    """When the new log's name cannot be made durable, the next claim finds the log free."""
    with pytest.raises(OSError, match="as told"):
        Slot.claim(tmp_path, FailingOps("sync_directory"))
    slot = Slot.claim(tmp_path, OsFileOps())
    slot.release()
    assert log_directories(tmp_path) == [slot.directory]


def test_log_of_another_user_is_left_to_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock that may not be opened keeps nobody from beginning a log of their own."""
    theirs = Slot.claim(tmp_path, OsFileOps())
    theirs.release()
    lock, opened = theirs.directory / "lock", os.open

    def open_ours(path: Path, *arguments: int) -> int:
        if path == lock:
            raise PermissionError(13, "Permission denied")
        return opened(path, *arguments)

    # Not by the file's mode, which root may ignore.
    monkeypatch.setattr(os, "open", open_ours)
    ours = Slot.claim(tmp_path, OsFileOps())
    ours.release()
    assert ours.log_id != theirs.log_id


def test_log_that_is_taken_up_has_a_durable_name(tmp_path: Path) -> None:
    """Who began it may have died before its name was durable, so the claim fails where that cannot be made good."""
    Slot.claim(tmp_path, OsFileOps()).release()
    with pytest.raises(OSError, match="as told"):
        Slot.claim(tmp_path, FailingOps("sync_directory"))
    slot = Slot.claim(tmp_path, OsFileOps())
    slot.release()
    assert log_directories(tmp_path) == [slot.directory]


def test_log_that_was_replaced_is_not_ours(tmp_path: Path) -> None:
    """Another directory in a log's place has another lock, which another process may hold; the own one is ours."""
    slot = Slot.claim(tmp_path, OsFileOps())
    away = slot.directory.rename(tmp_path / "away")
    with pytest.raises(FileNotFoundError):
        slot.check(OsFileOps())
    slot.directory.mkdir()
    (slot.directory / "lock").touch()
    with pytest.raises(OSError, match="another file"):
        slot.check(OsFileOps())
    shutil.rmtree(slot.directory)
    away.rename(slot.directory)
    slot.check(OsFileOps())
    slot.release()
