"""Tests of the file operations."""

from pathlib import Path

import pytest

from gateway.audit.files import OsFileOps, closing, write_durably, write_secret_once
from tests.gateway.audit.builders import FailingOps


def test_write_durably_puts_the_whole_file_under_its_name(tmp_path: Path) -> None:
    """The file has its content and no other name is left."""
    write_durably(OsFileOps(), tmp_path / "file", b"content")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_bytes() == b"content"


@pytest.mark.parametrize("step", ["create", "write", "sync", "rename", "sync_directory", "close"])
def test_failed_step_leaves_the_old_file_or_the_new(tmp_path: Path, step: str) -> None:
    """Whatever fails, the name holds what it held before or the whole new content."""
    path = tmp_path / "file"
    path.write_bytes(b"before")
    with pytest.raises(OSError, match="as told"):
        write_durably(FailingOps(step), path, b"after")
    assert path.read_bytes() == (b"after" if step == "sync_directory" else b"before")


def test_append_goes_to_the_end_after_a_truncation(tmp_path: Path) -> None:
    """A file that was cut off goes on where it was cut, without a hole."""
    ops = OsFileOps()
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    with closing(ops, ops.open_to_append(path)) as descriptor:
        ops.truncate(descriptor, 2)
        ops.write(descriptor, b"ab")
    assert path.read_bytes() == b"12ab"


def test_files_are_not_for_everybody(tmp_path: Path) -> None:
    """Other users of the machine cannot read the trail."""
    write_durably(OsFileOps(), tmp_path / "file", b"")
    assert (tmp_path / "file").stat().st_mode & 0o007 == 0


def test_overwriting_changes_only_what_it_says(tmp_path: Path) -> None:
    """Bytes before and behind stay, also while the file is open to append."""
    ops = OsFileOps()
    path = tmp_path / "file"
    path.write_bytes(b"123456")
    with closing(ops, ops.open_to_append(path)) as descriptor:
        ops.overwrite(path, 2, b"ab")
        ops.write(descriptor, b"7")
    assert path.read_bytes() == b"12ab567"


@pytest.mark.parametrize("taken_by_another", [False, True])
def test_file_that_lost_its_name_is_noticed(tmp_path: Path, *, taken_by_another: bool) -> None:
    """A file that was moved, or whose name another has, raises; one that is where it was does not."""
    ops = OsFileOps()
    path = tmp_path / "file"
    path.touch()
    with closing(ops, ops.open_to_append(path)) as descriptor:
        ops.check_name(descriptor, path)
        path.rename(tmp_path / "moved")
        if taken_by_another:
            path.touch()
        with pytest.raises(OSError, match="file"):
            ops.check_name(descriptor, path)


def test_removed_file_is_gone(tmp_path: Path) -> None:
    """A name that was taken away is not there."""
    (tmp_path / "file").touch()
    OsFileOps().remove(tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


def test_a_secret_is_written_once_and_for_its_owner(tmp_path: Path) -> None:
    """Who comes second is told so, the first secret stays, and nothing else is left behind."""
    path = tmp_path / "new" / "key"
    assert write_secret_once(path, b"first")
    assert not write_secret_once(path, b"second")
    assert path.read_bytes() == b"first"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]
