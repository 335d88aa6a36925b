"""Tests of the spool: bounds, and what happens while the disk fails."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.audit import segment
from gateway.audit.spool import Spool, SpoolLimits
from gateway.audit.writer import LogWriter
from gateway.errors import ErrorCode, ResourceError
from gateway.protocol.policy import FailMode
from tests.gateway.audit.builders import WRITE_STEPS, FailingOps, entries, stored


@contextlib.contextmanager
def _spool(directory: Path, ops: FailingOps | None = None, limits: SpoolLimits | None = None) -> Iterator[Spool]:
    spool = Spool(LogWriter(directory, ops=ops, segment_bytes=200), limits or SpoolLimits())
    try:
        yield spool
    finally:
        spool.close()


@pytest.fixture
def waiters() -> Iterator[list[asyncio.Future[int | None]]]:
    """Three futures to wait with."""
    loop = asyncio.new_event_loop()
    yield [loop.create_future() for _ in range(3)]
    loop.close()


def test_flush_writes_everything_in_order(tmp_path: Path, waiters: list[asyncio.Future[int | None]]) -> None:
    """Whoever waits learns the sequence; entries nobody waits for keep their place."""
    with _spool(tmp_path) as spool:
        for entry, waiter in zip(entries(4), [None, waiters[0], None, waiters[1]], strict=True):
            spool.put(entry, waiter)
        assert spool.backlog_entries == 4
        assert spool.flush() == ([(waiters[0], 1), (waiters[1], 3)], [])
        assert spool.backlog_entries == 0
        assert spool.flush() == ([], [])
    assert stored(tmp_path) == entries(4)


def test_large_backlog_is_written_in_batches(tmp_path: Path) -> None:
    """No batch is larger than what a reader takes for a torn end."""
    big = [b"%d" % number + b"x" * (segment.ENTRY_LIMIT_BYTES - 1) for number in range(9)]
    with _spool(tmp_path) as spool:
        for entry in big:
            spool.put(entry)
        spool.flush()
    assert stored(tmp_path) == big


@pytest.mark.parametrize("after_calls", range(4))
@pytest.mark.parametrize("step", WRITE_STEPS)
def test_entries_outlive_a_failing_disk(tmp_path: Path, step: str, after_calls: int) -> None:
    """Whichever step fails, no entry is lost, doubled or out of order once the disk recovers."""
    ops = FailingOps()
    with _spool(tmp_path, ops) as spool:
        ops.step, ops.after_calls = step, after_calls
        for number in range(12):
            spool.put(entries(1, number)[0])
            spool.flush()
        ops.heal()
        spool.flush()
        assert spool.healthy
        assert spool.backlog_entries == 0
    assert stored(tmp_path) == entries(12)


def test_failure_releases_those_who_wait_but_keeps_their_entries(
    tmp_path: Path, waiters: list[asyncio.Future[int | None]]
) -> None:
    """Nobody waits for a disk that fails; what they appended is written when it recovers."""
    ops = FailingOps("sync", after_calls=1)
    with _spool(tmp_path, ops) as spool:
        for entry, waiter in zip(entries(3), waiters, strict=True):
            spool.put(entry, waiter)
        assert spool.flush() == ([], waiters)
        assert spool.flush() == ([], [])
        ops.heal()
        assert spool.flush() == ([], [])
    assert stored(tmp_path) == entries(3)


def test_failure_is_reported_once_and_so_is_the_recovery(tmp_path: Path) -> None:
    """However often the disk fails, the log gets one line when it begins and one when it ends."""
    ops = FailingOps("write")
    with _spool(tmp_path, ops) as spool, capture_logs() as logs:
        spool.put(b"{}")
        for _ in range(5):
            spool.flush()
        available = [spool.available]
        ops.heal()
        spool.flush()
        available.append(spool.available)
    assert available == [False, True]
    assert [event["event"] for event in logs] == ["audit_unavailable", "audit_recovered"]
    assert logs[1]["failures"] == 5


def test_wait_backs_off_while_the_disk_fails(tmp_path: Path) -> None:
    """Each failure doubles the wait up to its limit; a success sets it back."""
    limits = SpoolLimits(interval_seconds=0.05, retry_seconds=0.1, retry_limit_seconds=0.5)
    ops = FailingOps("sync", after_calls=0)
    with _spool(tmp_path, ops, limits) as spool:
        spool.put(b"{}")
        waits = [spool.wait_seconds]
        for _ in range(5):
            spool.flush()
            waits.append(spool.wait_seconds)
        ops.heal()
        spool.flush()
        waits.append(spool.wait_seconds)
    assert waits == [0.05, 0.1, 0.2, 0.4, 0.5, 0.5, 0.05]


@pytest.mark.parametrize(
    "limits", [SpoolLimits(entries=8), SpoolLimits(entries_bytes=8 * len(b'{"n":0}'))], ids=["entries", "bytes"]
)
def test_spool_is_bounded_and_stops_admission_before(tmp_path: Path, limits: SpoolLimits) -> None:
    """At three quarters no new exchange is admitted; when full, an entry is refused; a flush makes room."""
    with _spool(tmp_path, limits=limits) as spool:
        admitted = []
        for entry in entries(8):
            admitted.append(spool.available)
            spool.put(entry)
        assert admitted == [True] * 6 + [False] * 2
        with pytest.raises(ResourceError, match="full") as raised:
            spool.put(b'{"n":8}')
        assert raised.value.code is ErrorCode.AUDIT_UNAVAILABLE
        spool.flush()
        assert spool.available
        spool.put(b'{"n":8}')
        spool.flush()
    assert stored(tmp_path) == entries(9)


def test_open_mode_goes_on_until_the_spool_is_full(tmp_path: Path) -> None:
    """With a failing disk there is admission up to the same bound, and nothing is lost when the disk recovers."""
    ops = FailingOps("write")
    spool = Spool(LogWriter(tmp_path, ops=ops), SpoolLimits(entries=8), FailMode.OPEN)
    admitted = []
    with capture_logs() as logs:
        for entry in entries(8):
            admitted.append(spool.available)
            spool.put(entry)
            spool.flush()
        with pytest.raises(ResourceError, match="full"):
            spool.put(b"{}")
        ops.heal()
        spool.flush()
    assert admitted == [True] * 6 + [False] * 2
    assert spool.close() == 0
    assert stored(tmp_path) == entries(8)
    assert [(event["event"], event.get("late_entries")) for event in logs] == [
        ("audit_unavailable", None),
        ("audit_recovered", 8),
    ]


def test_oversized_entry_is_refused(tmp_path: Path) -> None:
    """An entry over the format's limit raises and takes no room."""
    with _spool(tmp_path) as spool:
        with pytest.raises(ValueError, match="the limit is"):
            spool.put(b"x" * (segment.ENTRY_LIMIT_BYTES + 1))
        assert spool.backlog_entries == 0


def test_close_counts_what_was_lost(tmp_path: Path) -> None:
    """Closing while the disk fails says how many entries never got there."""
    spool = Spool(LogWriter(tmp_path, ops=FailingOps("write")), SpoolLimits())
    for entry in entries(3):
        spool.put(entry)
    spool.flush()
    with capture_logs() as logs:
        assert spool.close() == 3
    assert [(event["event"], event["entries"]) for event in logs] == [("audit_entries_lost", 3)]
