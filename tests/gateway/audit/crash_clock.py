"""Jumps of the clock while the trail is written."""

import asyncio
import time
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

from gateway.audit.appender import Appender
from gateway.audit.spool import SpoolLimits
from tests.gateway.audit.builders import checkpointing
from tests.gateway.audit.crash_runs import BATCHES, SCENARIOS, SEGMENT_BYTES, QuickOps, check, entry

_YEAR_SECONDS = 365 * 86_400
_JUMPS_SECONDS = (-3_600, 3_600, -20 * _YEAR_SECONDS, 20 * _YEAR_SECONDS)
# So long that a wait by the clock of the day, and not by the monotonic one, would be seen as a hanging run.
_LIMITS = SpoolLimits(interval_seconds=0.001)


class Jump(NamedTuple):
    """One run.

    Attributes:
        scenario: name of the scenario.
        seconds: how far the clock is set, forwards or backwards.
        batch: before which batch.
    """

    scenario: str
    seconds: int
    batch: int

    def __str__(self) -> str:
        return f"{self.scenario}: clock set by {self.seconds:+d} s before batch {self.batch}"


def jumps() -> list[Jump]:
    """Return every jump."""
    return [
        Jump(name, seconds, batch)
        for name, scenario in SCENARIOS.items()
        if scenario.failing_sync is None
        for seconds in _JUMPS_SECONDS
        for batch in range(len(BATCHES))
    ]


def jump(run: Jump, directory: Path) -> None:
    """Carry a run out in an empty directory: a whole appender, thread and all, on a clock that is set once.

    Raises:
        AssertionError: an acknowledged entry is missing, or something is there by half.
    """
    first = SCENARIOS[run.scenario].prepare(directory)
    real = time.time_ns
    offset_ns = 0

    async def scenario() -> int:
        nonlocal offset_ns
        number = first
        async with Appender(
            directory, limits=_LIMITS, ops=QuickOps(), segment_bytes=SEGMENT_BYTES, checkpointing=checkpointing()
        ) as appender:
            for batch, size in enumerate(BATCHES):
                if batch == run.batch:
                    offset_ns = run.seconds * 10**9
                for _ in range(size - 1):
                    appender.append_soon(entry(number))
                    number += 1
                await appender.append(entry(number))
                number += 1
        return number

    with patch("time.time_ns", lambda: real() + offset_ns), patch("time.time", lambda: (real() + offset_ns) / 1e9):
        count = asyncio.run(scenario())
    check(directory, count)
