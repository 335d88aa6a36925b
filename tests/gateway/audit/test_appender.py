"""Tests of the appender: what the event loop sees, and what a kill leaves behind."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gateway.audit.appender import Appender
from gateway.audit.spool import SpoolLimits
from gateway.errors import ErrorCode, ResourceError
from gateway.protocol.policy import FailMode
from tests.gateway.audit.builders import FailingOps, entries, stored

# Long enough that nothing in a test is written by the passing of time alone.
PATIENT = SpoolLimits(interval_seconds=3600.0)

_CHILD = """
import asyncio, pathlib, sys
from gateway.audit.appender import Appender

async def main():
    async with Appender(pathlib.Path(sys.argv[1]), segment_bytes=20_000) as appender:
        number = 0
        while True:
            futures = []
            for _ in range(20):
                futures.append(appender.append(b'{"n":%d}' % number))
                appender.append_soon(b'{"n":%d}' % (number + 1))
                number += 2
            for future in futures:
                print(await future, flush=True)

asyncio.run(main())
"""


def test_acknowledged_entry_is_on_disk(tmp_path: Path) -> None:
    """When `append` returns, a reader finds the entry, and those appended before it."""

    async def scenario() -> None:
        async with Appender(tmp_path, limits=PATIENT) as appender:
            for entry in entries(3):
                appender.append_soon(entry)
            assert await appender.append(b'{"n":3}') == 3
            assert stored(tmp_path) == entries(4)

    asyncio.run(scenario())


def test_appends_of_one_moment_are_written_together(tmp_path: Path) -> None:
    """Many who wait get their sequences, in the order they came."""

    async def scenario() -> None:
        async with Appender(tmp_path, limits=PATIENT) as appender:
            assert await asyncio.gather(*map(appender.append, entries(50))) == list(range(50))

    asyncio.run(scenario())


def test_ordinary_append_does_not_wake_the_thread(tmp_path: Path) -> None:
    """An ordinary entry waits for the batch of the next interval, and is durable after it without more ado."""
    synced = threading.Event()

    class _Ops(FailingOps):
        def sync(self, descriptor: int) -> None:
            super().sync(descriptor)
            synced.set()

    async def scenario(limits: SpoolLimits) -> bool:
        async with Appender(tmp_path, limits=limits, ops=_Ops()) as appender:
            appender.append_soon(b'{"n":0}')
            woken = appender._wake.is_set()
            if limits is not PATIENT:
                assert await asyncio.to_thread(synced.wait, 60)
            return woken

    assert asyncio.run(scenario(PATIENT)) is False
    synced.clear()
    asyncio.run(scenario(SpoolLimits()))
    assert len(stored(tmp_path)) == 2


def test_close_drains(tmp_path: Path) -> None:
    """Everything appended before the close is durable after it, and closing again is harmless."""

    async def scenario() -> None:
        appender = Appender(tmp_path, limits=PATIENT)
        for entry in entries(500):
            appender.append_soon(entry)
        await appender.close()
        await appender.close()
        assert appender.backlog_entries == 0
        assert not appender.available
        with pytest.raises(ResourceError, match="closed") as raised:
            appender.append_soon(b"{}")
        assert raised.value.code is ErrorCode.DRAINING

    asyncio.run(scenario())
    assert stored(tmp_path) == entries(500)


def test_failing_disk_is_reported_to_those_who_wait_and_to_the_gateway(tmp_path: Path) -> None:
    """A failed append raises, new exchanges are turned away, and entries of those under way are kept and written."""

    async def scenario() -> None:
        ops = FailingOps()
        limits = SpoolLimits(interval_seconds=3600.0, retry_seconds=3600.0, retry_limit_seconds=3600.0)
        async with Appender(tmp_path, limits=limits, ops=ops) as appender:
            assert await appender.append(b'{"n":0}') == 0
            ops.step = "write"
            with pytest.raises(ResourceError) as raised:
                await appender.append(b'{"n":1}')
            assert raised.value.code is ErrorCode.AUDIT_UNAVAILABLE
            assert not appender.available
            with pytest.raises(ResourceError):
                await appender.append(b'{"refused":1}')
            appender.append_soon(b'{"n":2}')
            assert appender.backlog_entries == 2
            ops.heal()

    asyncio.run(scenario())
    assert stored(tmp_path) == entries(3)


def test_appender_recovers_by_itself(tmp_path: Path) -> None:
    """Once the disk takes entries again, it is tried without being asked, and the gateway may go on."""
    recovered = threading.Event()

    class _Ops(FailingOps):
        def sync(self, descriptor: int) -> None:
            super().sync(descriptor)
            if self.failures and not self.step:
                recovered.set()

    async def scenario() -> None:
        ops = _Ops("write")
        async with Appender(tmp_path, limits=SpoolLimits(retry_seconds=0.001), ops=ops) as appender:
            with pytest.raises(ResourceError):
                await appender.append(b'{"n":0}')
            ops.heal()
            assert await asyncio.to_thread(recovered.wait, 60)

    asyncio.run(scenario())
    assert stored(tmp_path) == entries(1)


def test_close_on_a_failing_disk_ends_and_says_so(tmp_path: Path) -> None:
    """A stop does not wait for a broken disk beyond its time, and tells how many entries were lost."""

    async def scenario() -> None:
        limits = SpoolLimits(interval_seconds=3600.0, drain_seconds=0.0)
        appender = Appender(tmp_path, limits=limits, ops=FailingOps("write"))
        appender.append_soon(b"{}")
        with pytest.raises(ResourceError, match="1 audit entries could not be written"):
            await appender.close()

    asyncio.run(scenario())


def test_caller_who_gave_up_waiting_disturbs_nobody(tmp_path: Path) -> None:
    """A cancelled wait leaves the entry and everyone else's acknowledgement alone."""

    async def scenario() -> None:
        async with Appender(tmp_path, limits=PATIENT) as appender:
            given_up = appender.append(b'{"n":0}')
            given_up.cancel()
            assert await appender.append(b'{"n":1}') == 1

    asyncio.run(scenario())
    assert stored(tmp_path) == entries(2)


def test_open_mode_waits_for_no_failing_disk(tmp_path: Path) -> None:
    """Who waits when the disk fails, and who comes later, goes on without a sequence; both entries are written."""

    async def scenario() -> None:
        ops = FailingOps("sync", after_calls=2)
        limits = SpoolLimits(interval_seconds=3600.0, retry_seconds=3600.0, retry_limit_seconds=3600.0)
        async with Appender(tmp_path, limits=limits, ops=ops, fail_mode=FailMode.OPEN) as appender:
            assert await appender.append(b'{"n":0}') == 0
            assert not appender.spooling
            assert await appender.append(b'{"n":1}') is None
            assert await appender.append(b'{"n":2}') is None
            assert (appender.available, appender.spooling, appender.backlog_entries) == (True, True, 2)
            ops.heal()

    asyncio.run(scenario())
    assert stored(tmp_path) == entries(3)


def test_slow_disk_is_waited_for_twice_at_most(tmp_path: Path) -> None:
    """However many come during a slow sync, one further sync makes all of them durable."""
    slow, go_on = threading.Event(), threading.Event()
    syncs = 0

    class _Ops(FailingOps):
        def sync(self, descriptor: int) -> None:
            nonlocal syncs
            syncs += 1
            if syncs == 2:  # of the first batch; the one before is of the segment's header
                slow.set()
                go_on.wait(60)
            super().sync(descriptor)

    async def scenario() -> None:
        async with Appender(tmp_path, limits=PATIENT, ops=_Ops()) as appender:
            first = appender.append(b'{"n":0}')
            assert await asyncio.to_thread(slow.wait, 60)
            rest = [appender.append(entry) for entry in entries(200, 1)]
            go_on.set()
            assert await asyncio.gather(first, *rest) == list(range(201))
            assert syncs == 3

    asyncio.run(scenario())


def test_two_appenders_write_two_logs(tmp_path: Path) -> None:
    """Two workers on one directory never share a log."""

    async def scenario() -> None:
        async with Appender(tmp_path) as first, Appender(tmp_path) as second:
            assert first.log_id != second.log_id
            assert await first.append(b"{}") == 0
            assert await second.append(b"{}") == 0

    asyncio.run(scenario())


def test_killed_process_leaves_every_acknowledged_entry(tmp_path: Path) -> None:
    """After SIGKILL in mid-work, each sequence the process acknowledged is on disk, and the next one goes on."""
    command = [sys.executable, "-c", _CHILD, str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as child:  # noqa: S603 — starts our own code
        assert child.stdout is not None
        acknowledged = [int(child.stdout.readline()) for _ in range(2000)]
        child.send_signal(signal.SIGKILL)
        acknowledged += [int(line) for line in child.stdout if line.endswith(b"\n")]
    assert child.returncode == -signal.SIGKILL

    async def scenario() -> int | None:
        async with Appender(tmp_path) as appender:
            return await appender.append(b'{"after":1}')

    last = asyncio.run(scenario())
    found = stored(tmp_path)
    assert last is not None
    assert last >= max(acknowledged) + 1
    assert found == [*entries(last), b'{"after":1}']
