"""Tests of the tree of a log under writing, through its writer: what is signed, when, and what is refused."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.audit import segment
from gateway.audit.checkpoint import Checkpoint, open_checkpoint
from gateway.audit.history import HISTORY_NAME, LATEST_NAME, read_history
from gateway.audit.log_tree import Checkpointing
from gateway.audit.segment import CorruptLogError
from gateway.audit.tree import EMPTY_ROOT, Tree
from gateway.audit.writer import LogWriter
from tests.gateway.audit.builders import (
    OTHER_SIGNER,
    SIGNER,
    WRITE_STEPS,
    FailingOps,
    checkpointing,
    entries,
    stored,
)


@contextmanager
def _writer(directory: Path, made: Checkpointing | None = None, ops: FailingOps | None = None) -> Iterator[LogWriter]:
    writer = LogWriter(directory, ops=ops, segment_bytes=200, checkpointing=made or checkpointing())
    try:
        yield writer
    finally:
        writer.close()


def _log(directory: Path) -> Path:
    (log_directory,) = segment.log_directories(directory)
    return log_directory


def _history(directory: Path) -> list[Checkpoint]:
    lines = list(read_history(_log(directory) / HISTORY_NAME))
    return [open_checkpoint(line.note or b"", [SIGNER.public]) for line in lines]


def _root(count: int) -> bytes:
    tree = Tree()
    tree.extend_entries(entries(count))
    return tree.root()


def test_checkpoints_are_of_what_is_durable(tmp_path: Path) -> None:
    """The first is of nothing, each further one of all entries so far; the last one stands in a file of its own."""
    with _writer(tmp_path) as writer:
        for number in range(5):
            writer.append_batch(entries(1, number))
            writer.checkpoint_if_due()
    history = _history(tmp_path)
    assert [(each.size, each.root) for each in history] == [(0, EMPTY_ROOT)] + [(n, _root(n)) for n in range(1, 6)]
    assert {each.origin for each in history} == {f"audit.example/{_log(tmp_path).name}"}
    latest = open_checkpoint((_log(tmp_path) / LATEST_NAME).read_bytes(), [SIGNER.public])
    assert latest == history[-1]
    assert [each.number for each in history] == list(range(6))


def test_checkpoints_keep_their_pace(tmp_path: Path) -> None:
    """Within the interval there is none; what is left is signed at the close, and nothing twice."""
    with _writer(tmp_path, checkpointing(3600)) as writer:
        for number in range(5):
            writer.append_batch(entries(1, number))
            writer.checkpoint_if_due()
    with _writer(tmp_path, checkpointing(3600)):
        pass
    # The first call is due, as nothing was signed since the start.
    assert [each.size for each in _history(tmp_path)] == [0, 1, 5]


def test_tree_is_taken_up_across_segments(tmp_path: Path) -> None:
    """Whatever was signed before a stop, the next writer's checkpoints go on from it."""
    for first in range(0, 40, 4):
        with _writer(tmp_path, checkpointing(3600)) as writer:
            writer.append_batch(entries(4, first))
    assert [(each.size, each.root) for each in _history(tmp_path)] == [(n, _root(n)) for n in range(0, 41, 4)]
    assert [each.number for each in _history(tmp_path)] == list(range(11))
    assert len(segment.segment_paths(_log(tmp_path))) > 5


def test_entries_after_the_last_checkpoint_are_taken_up(tmp_path: Path) -> None:
    """A writer that was killed leaves entries without a checkpoint; the next one signs them."""
    writer = LogWriter(tmp_path, segment_bytes=200, checkpointing=checkpointing(3600))
    for number in range(20):
        writer.append_batch(entries(1, number))
    # As a kill leaves it: the copy has everything that was durable, and no lock.
    shutil.copytree(tmp_path, tmp_path / "killed")
    writer.close()
    with _writer(tmp_path / "killed"):
        pass
    assert [(each.size, each.root) for each in _history(tmp_path / "killed")] == [(0, EMPTY_ROOT), (20, _root(20))]


def test_each_checkpoint_is_published_once(tmp_path: Path) -> None:
    """Whoever anchors them gets every one, and at a start the last one again only when its file is not up to date."""
    seen: list[bytes] = []
    made = Checkpointing(SIGNER, 0.0, seen.append)
    with _writer(tmp_path, made) as writer:
        writer.append_batch(entries(2))
    with _writer(tmp_path, made):
        pass
    assert [open_checkpoint(note, [SIGNER.public]).size for note in seen] == [0, 2]
    (_log(tmp_path) / LATEST_NAME).unlink()
    with _writer(tmp_path, made):
        pass
    assert seen[2:] == seen[1:2]


@pytest.mark.parametrize("after_calls", range(9))
@pytest.mark.parametrize("step", WRITE_STEPS)
def test_failed_checkpoint_holds_nothing_up(tmp_path: Path, step: str, after_calls: int) -> None:
    """Entries are acknowledged while checkpoints fail, and signed once they succeed; nothing is ever contradicted."""
    ops = FailingOps()
    with _writer(tmp_path, ops=ops) as writer:
        writer.append_batch(entries(2))
        ops.step, ops.after_calls = step, after_calls
        for _ in range(3):
            writer.checkpoint_if_due()
        ops.heal()
        writer.append_batch(entries(2, 2))
    history = _history(tmp_path)
    assert [(each.size, each.root) for each in history] == [(each.size, _root(each.size)) for each in history]
    assert history[-1].size == 4
    assert [each.number for each in history] == list(range(len(history)))
    assert (_log(tmp_path) / LATEST_NAME).read_bytes() == [
        line.note for line in read_history(_log(tmp_path) / HISTORY_NAME)
    ][-1]
    assert stored(tmp_path) == entries(4)


def test_failures_are_reported_once(tmp_path: Path) -> None:
    """A full disk fails at every interval, and the log says so at the first and when it is over."""
    ops = FailingOps()
    with _writer(tmp_path, ops=ops) as writer:
        writer.append_batch(entries(1))
        with capture_logs() as logs:
            ops.step = "write"
            for _ in range(3):
                writer.checkpoint_if_due()
            ops.heal()
            writer.checkpoint_if_due()
    assert [(event["event"], event.get("failures")) for event in logs] == [
        ("audit_checkpoint_failed", None),
        ("audit_checkpoints_recovered", 3),
    ]


def test_changed_entries_are_not_signed_over(tmp_path: Path) -> None:
    """A log whose entries are not those of its last checkpoint is refused, however right the checksums."""
    with _writer(tmp_path) as writer:
        writer.append_batch(entries(4))
    (path,) = segment.segment_paths(_log(tmp_path))
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    for forged in ([*lines[:2], segment.frame(b'{"n":9}'), *lines[3:]], lines[:-1], [*lines[:-2], *lines[:-3:-1]]):
        path.write_bytes(b"".join(forged))
        for made in (checkpointing(), None):
            with pytest.raises(CorruptLogError, match="not those of its last checkpoint"):
                LogWriter(tmp_path, checkpointing=made)
    path.write_bytes(whole)
    with _writer(tmp_path) as writer:
        assert writer.next_sequence == 4


def test_another_key_takes_up_a_log_and_says_so(tmp_path: Path) -> None:
    """After a key was replaced the trail goes on, and the log reports it."""
    with _writer(tmp_path, checkpointing(signer=OTHER_SIGNER)) as writer:
        writer.append_batch(entries(1))
    with capture_logs() as logs, _writer(tmp_path) as writer:
        writer.append_batch(entries(1, 1))
    assert [event["event"] for event in logs] == ["audit_checkpoint_key_changed"]


def test_lost_history_is_begun_again_and_reported(tmp_path: Path) -> None:
    """The gateway starts, and the missing beginning stays visible in the sizes."""
    with _writer(tmp_path) as writer:
        writer.append_batch(entries(3))
    (_log(tmp_path) / HISTORY_NAME).unlink()
    with capture_logs() as logs, _writer(tmp_path):
        pass
    assert [event["event"] for event in logs] == ["audit_checkpoints_missing"]
    assert [each.size for each in _history(tmp_path)] == [3]


def test_writer_without_checkpoints_keeps_the_tree(tmp_path: Path) -> None:
    """A writer that signs nothing writes no checkpoint, and leaves a tree that one which does goes on from."""
    writer = LogWriter(tmp_path, segment_bytes=200)
    for number in range(20):
        writer.append_batch(entries(1, number))
    writer.checkpoint_if_due()
    writer.close()
    assert not (_log(tmp_path) / LATEST_NAME).exists()
    with _writer(tmp_path):
        pass
    assert [(each.size, each.root) for each in _history(tmp_path)] == [(20, _root(20))]
