"""Tests of the history of checkpoints: appended to, cut at a torn end, never lost."""

from pathlib import Path

import pytest

from gateway.audit.checkpoint import Checkpoint
from gateway.audit.files import OsFileOps
from gateway.audit.history import HISTORY_NAME, History, note_line, note_of, read_history
from gateway.audit.segment import CorruptLogError
from gateway.audit.tree import EMPTY_ROOT
from tests.gateway.audit.builders import SIGNER, FailingOps


def _note(size: int) -> bytes:
    return SIGNER.sign(Checkpoint("audit.example/0123456789abcdef", size, EMPTY_ROOT, size, 0).text())


def _notes(directory: Path) -> list[bytes | None]:
    return [line.note for line in read_history(directory / HISTORY_NAME)]


def _written(directory: Path, count: int) -> bytes:
    """Write a history of so many checkpoints; return the file's bytes."""
    history = History(directory, OsFileOps())
    history.create(_note(0))
    for size in range(1, count):
        history.append(_note(size))
    history.close()
    return (directory / HISTORY_NAME).read_bytes()


def test_history_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """A new writer finds the latest checkpoint, of however many, and appends behind it."""
    _written(tmp_path, 400)
    history = History(tmp_path, OsFileOps())
    checkpoint = history.open()
    assert checkpoint is not None
    assert (checkpoint.size, history.note) == (399, _note(399))
    history.append(_note(400))
    history.close()
    assert _notes(tmp_path) == [_note(size) for size in range(401)]


def test_there_may_be_no_history(tmp_path: Path) -> None:
    """A log that is new has none."""
    assert History(tmp_path, OsFileOps()).open() is None
    assert _notes(tmp_path) == []


@pytest.mark.parametrize("torn", [b"1", b"0123abcd {", b"\0" * 100, b"\0\0\n" + note_line(_note(7))])
def test_torn_end_is_cut_off_and_moved_aside(tmp_path: Path, torn: bytes) -> None:
    """What a crash left half written goes, and is kept beside."""
    whole = _written(tmp_path, 3)
    path = tmp_path / HISTORY_NAME
    path.write_bytes(whole + torn)
    history = History(tmp_path, OsFileOps())
    checkpoint = history.open()
    assert checkpoint is not None
    assert checkpoint.size == 2
    assert path.read_bytes() == whole
    assert path.with_name(f"checkpoints.{len(whole)}.torn").read_bytes() == torn


@pytest.mark.parametrize("content", [b"", b"x\n", b"x" * 300_000, note_line(_note(0))[:-1], note_line(b"no note")])
def test_history_without_an_end_is_damaged(tmp_path: Path, content: bytes) -> None:
    """A history that never was written like this is no torn one."""
    (tmp_path / HISTORY_NAME).write_bytes(content)
    with pytest.raises(CorruptLogError, match="checkpoints"):
        History(tmp_path, OsFileOps()).open()


def test_damage_before_whole_lines_is_no_torn_end(tmp_path: Path) -> None:
    """A changed line with others behind it raises, and nothing is cut."""
    whole = _written(tmp_path, 5)
    changed = whole.replace(b"\\n3\\n", b"\\n9\\n")
    assert changed != whole
    (tmp_path / HISTORY_NAME).write_bytes(changed)
    with pytest.raises(CorruptLogError, match="damaged at byte"):
        History(tmp_path, OsFileOps()).open()
    assert (tmp_path / HISTORY_NAME).read_bytes() == changed


@pytest.mark.parametrize("step", ["write", "sync"])
def test_failed_append_can_be_made_again(tmp_path: Path, step: str) -> None:
    """After a failure the end is cut back to what was durable, and the next checkpoint follows it."""
    _written(tmp_path, 2)
    ops = FailingOps()
    history = History(tmp_path, ops)
    history.open()
    ops.step = step
    for _ in range(2):
        with pytest.raises(OSError, match="as told"):
            history.append(_note(2))
    ops.heal()
    history.append(_note(3))
    history.close()
    assert _notes(tmp_path) == [_note(0), _note(1), _note(3)]


def test_damaged_line_is_told_from_a_whole_one() -> None:
    """A line has one form: any other is damaged."""
    line = note_line(_note(1))
    assert note_of(line) == _note(1)
    assert [note_of(bad) for bad in (b"", b"\n", line[:-1] + b" ", line[1:], line.replace(b'"v":1', b'"v":2'))] == [
        None
    ] * 5
