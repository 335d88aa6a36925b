"""Tests of the log's writer: it is broken in every step, and the log must stay consistent."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.audit import segment
from gateway.audit.segment import CorruptLogError
from gateway.audit.writer import LogWriter
from tests.gateway.audit.builders import WRITE_STEPS, FailingOps, entries, stored


@contextlib.contextmanager
def _writer(directory: Path, ops: FailingOps | None = None, segment_bytes: int = 200) -> Iterator[LogWriter]:
    writer = LogWriter(directory, ops=ops, segment_bytes=segment_bytes)
    try:
        yield writer
    finally:
        writer.close()


def _last_segment(directory: Path) -> Path:
    (log_directory,) = segment.log_directories(directory)
    return segment.segment_paths(log_directory)[-1]


def test_batches_get_consecutive_sequences(tmp_path: Path) -> None:
    """Each batch is acknowledged with the sequence of its first entry."""
    with _writer(tmp_path) as writer:
        assert [writer.append_batch(entries(3)), writer.append_batch(entries(2, 3))] == [0, 3]
        assert writer.next_sequence == 5
    assert stored(tmp_path) == entries(5)


def test_log_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """A new writer takes up the same log and its numbering."""
    with _writer(tmp_path) as first:
        first.append_batch(entries(3))
    with _writer(tmp_path) as second:
        assert second.log_id == first.log_id
        assert second.append_batch(entries(2, 3)) == 3
    assert stored(tmp_path) == entries(5)


def test_segments_rotate_by_size(tmp_path: Path) -> None:
    """Once a segment has its size, the next batch begins another, named by its first entry."""
    with _writer(tmp_path, segment_bytes=120) as writer:
        for number in range(6):
            writer.append_batch(entries(1, number))
    (log_directory,) = segment.log_directories(tmp_path)
    firsts = [segment.first_sequence(path) for path in segment.segment_paths(log_directory)]
    assert len(firsts) > 1
    assert stored(tmp_path) == entries(6)


@pytest.mark.parametrize("after_calls", range(5))
@pytest.mark.parametrize("step", WRITE_STEPS)
def test_failed_step_leaves_a_consistent_log(tmp_path: Path, step: str, after_calls: int) -> None:
    """Whatever fails, what was acknowledged is there, the rest may be absent, and nothing is half there."""
    ops = FailingOps(step, after_calls)
    acknowledged = 0
    with contextlib.suppress(OSError), _writer(tmp_path, ops, segment_bytes=120) as writer:
        for number in range(8):
            writer.append_batch(entries(1, number))
            acknowledged += 1
    found = stored(tmp_path)
    assert entries(acknowledged) == found[:acknowledged]
    assert found == entries(len(found))


@pytest.mark.parametrize("truncates", [True, False])
@pytest.mark.parametrize("after_calls", range(5))
@pytest.mark.parametrize("step", WRITE_STEPS)
def test_failed_batch_can_be_appended_again(tmp_path: Path, step: str, after_calls: int, *, truncates: bool) -> None:
    """After a failure the same batch goes into a fresh segment, whether or not the old one could be tidied."""

    class _Ops(FailingOps):
        def truncate(self, descriptor: int, size_bytes: int) -> None:
            if not truncates:
                raise OSError("nor can it be cut off")
            super().truncate(descriptor, size_bytes)

    ops = _Ops(step, after_calls)
    with contextlib.suppress(OSError), _writer(tmp_path, ops, segment_bytes=120) as writer:
        for number in range(0, 16, 2):
            try:
                first = writer.append_batch(entries(2, number))
            except OSError:
                ops.heal()
                first = writer.append_batch(entries(2, number))
            assert first == number
    ops.heal()
    with _writer(tmp_path, ops, segment_bytes=120) as writer:
        writer.append_batch(entries(1, writer.next_sequence))
        assert stored(tmp_path) == entries(writer.next_sequence)


def test_failed_sync_is_never_trusted_again(tmp_path: Path) -> None:
    """After a sync that failed, the batch is written anew, and the segment it was in is not appended to."""
    ops = FailingOps("sync", after_calls=2)  # those of the first segment's header and of the first batch
    with _writer(tmp_path, ops) as writer:
        writer.append_batch(entries(1))
        before = _last_segment(tmp_path)
        size = before.stat().st_size
        with pytest.raises(OSError, match="as told"):
            writer.append_batch(entries(1, 1))
        ops.heal()
        assert writer.append_batch(entries(1, 1)) == 1
    assert before.stat().st_size == size
    assert segment.first_sequence(_last_segment(tmp_path)) == 1


def test_torn_end_is_cut_off_and_moved_aside(tmp_path: Path) -> None:
    """What a crash left half written is kept in a file of its own and reported."""
    with _writer(tmp_path) as writer:
        writer.append_batch(entries(2))
    path = _last_segment(tmp_path)
    size = path.stat().st_size
    with path.open("ab") as file:
        file.write(b'12345678 {"half')
    with capture_logs() as logs, _writer(tmp_path) as writer:
        assert writer.next_sequence == 2
    assert path.stat().st_size == size
    assert path.with_name(f"{path.name}.{size}.torn").read_bytes() == b'12345678 {"half'
    assert [(event["event"], event["torn_bytes"]) for event in logs] == [("audit_tail_cut", 15)]


@pytest.mark.parametrize("step", ["create", "write", "sync", "rename", "truncate", "open_to_append"])
def test_failed_recovery_can_be_tried_again(tmp_path: Path, step: str) -> None:
    """When cutting a torn end off fails, the log is left as it was for the next try, unlocked."""
    with _writer(tmp_path) as writer:
        writer.append_batch(entries(2))
    with _last_segment(tmp_path).open("ab") as file:
        file.write(b"half")
    with pytest.raises(OSError, match="as told"):
        LogWriter(tmp_path, ops=FailingOps(step))
    with _writer(tmp_path) as writer:
        assert writer.append_batch(entries(1, 2)) == 2
    assert stored(tmp_path) == entries(3)


def test_leftovers_of_a_crash_are_removed(tmp_path: Path) -> None:
    """A segment that never got its name goes away."""
    with _writer(tmp_path) as writer:
        writer.append_batch(entries(1))
    leftover = _last_segment(tmp_path).with_name("00000000000000000001.seg.tmp")
    leftover.touch()
    with _writer(tmp_path):
        assert not leftover.exists()


def test_damaged_log_is_refused_and_left_alone(tmp_path: Path) -> None:
    """Damage in the middle raises, changes nothing, and keeps no lock."""
    with _writer(tmp_path) as writer:
        writer.append_batch(entries(3))
    path = _last_segment(tmp_path)
    damaged = path.read_bytes().replace(b'"n":1', b'"n":7')
    path.write_bytes(damaged)
    for _ in range(2):
        with pytest.raises(CorruptLogError, match="damaged"):
            LogWriter(tmp_path)
    assert path.read_bytes() == damaged


def test_batch_beyond_the_torn_limit_is_refused(tmp_path: Path) -> None:
    """A batch so large that its torn end would not be recognised raises before anything is written."""
    with _writer(tmp_path) as writer:
        with pytest.raises(ValueError, match="at most"):
            writer.append_batch([b"x" * segment.TORN_LIMIT_BYTES])
        assert writer.next_sequence == 0


@pytest.mark.parametrize("rotated", [False, True])
def test_directory_that_is_away_takes_no_entries(tmp_path: Path, *, rotated: bool) -> None:
    """While the log's directory is elsewhere, no batch counts; once it is back, the same batch is appended."""
    with _writer(tmp_path / "audit", segment_bytes=1 if rotated else 200) as writer:
        writer.append_batch(entries(2))
        (tmp_path / "audit").rename(tmp_path / "away")
        for _ in range(2):
            with pytest.raises(OSError, match="No such file"):
                writer.append_batch(entries(1, 2))
        (tmp_path / "away").rename(tmp_path / "audit")
        assert writer.append_batch(entries(1, 2)) == 2
    assert stored(tmp_path / "audit") == entries(3)


def test_recovery_writes_the_tail_again(tmp_path: Path) -> None:
    """What a dead writer left is not believed to be on disk: it is written once more before anything follows it."""
    with _writer(tmp_path) as writer:
        writer.append_batch(entries(2))
    written = []

    class _Ops(FailingOps):
        def overwrite(self, path: Path, offset_bytes: int, data: bytes) -> None:
            super().overwrite(path, offset_bytes, data)
            written.append(data)

    before = _last_segment(tmp_path).read_bytes()
    with _writer(tmp_path, _Ops()):
        assert written == [before]
    assert stored(tmp_path) == entries(2)
