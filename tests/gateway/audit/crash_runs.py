"""Runs of the audit trail's writer that are cut short at a step, and what must hold after each.

The steps are not listed anywhere: a run is recorded, and every file operation it asked for is one. So whatever the
writer does tomorrow is cut short as well.
"""

import errno
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple, cast

from gateway.audit.entry import decode, encode_exchange
from gateway.audit.files import FileOps, OsFileOps
from gateway.audit.reader import read_log
from gateway.audit.segment import log_directories
from gateway.audit.spool import Spool, SpoolLimits
from gateway.audit.writer import LogWriter
from gateway.protocol.record import ExchangeRecord
from tests.gateway.audit.builders import checkpointing, exchange
from tests.gateway.audit.model_disk import ModelDisk
from tests.gateway.audit.trails import verified

SEGMENT_BYTES = 2_000
BATCHES = (1, 3, 2, 4, 1, 2)
_LIMITS = SpoolLimits()
_TRIES = 200
_AFTERWARDS = 10**6
_ID_DIGITS = 16
Acknowledge = Callable[[int], None]


class QuickOps(OsFileOps):
    """File operations that sync nothing: what a kill leaves does not depend on it; losses of power have a model."""

    def sync(self, descriptor: int) -> None:
        """Do nothing."""

    def sync_directory(self, path: Path) -> None:
        """Do nothing."""


class Step(NamedTuple):
    """One file operation of a run.

    Attributes:
        number: its place in the run, from 0.
        operation: what was asked for.
        subject: of which file or directory.
        has_data: whether it can happen by half.
    """

    number: int
    operation: str
    subject: str
    has_data: bool

    def __str__(self) -> str:
        return f"{self.number} {self.operation} {self.subject}"


class Interposed:
    """File operations behind a function that sees each of them first, also those that are added one day."""

    def __init__(self, inner: FileOps, around: Callable[["Call"], Any]) -> None:
        self._inner, self._around = inner, around
        self._count = 0
        self._paths: dict[int, Path] = {}

    def ops(self) -> FileOps:
        """Return them as file operations."""
        return cast("FileOps", self)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Return one operation."""
        return partial(self._call, name)

    def _call(self, name: str, *arguments: Any) -> Any:  # noqa: ANN401 any operation
        about = arguments[0]
        path = about if isinstance(about, Path) else self._paths.get(about, Path("?"))
        has_data = isinstance(arguments[-1], bytes) and len(arguments[-1]) > 1
        step = Step(self._count, name, _subject(path), has_data)
        self._count += 1
        result = self._around(Call(step, getattr(self._inner, name), arguments))
        if isinstance(about, Path) and isinstance(result, int):
            self._paths[result] = about
        return result


class Call(NamedTuple):
    """An operation that is about to happen."""

    step: Step
    do: Callable[..., Any]
    arguments: tuple[Any, ...]

    def carry_out(self) -> Any:  # noqa: ANN401 whatever it returns
        """Do it."""
        return self.do(*self.arguments)

    def carry_out_half(self) -> None:
        """Do it with half of the data."""
        *others, data = self.arguments
        self.do(*others, data[: len(data) // 2])


def _subject(path: Path) -> str:
    # Ids are drawn anew for each run; names of steps are not.
    return "LOG" if len(path.name) == _ID_DIGITS and not path.suffix else path.name if path.suffix else "DIR"


class Scenario(NamedTuple):
    """A life of the writer.

    Attributes:
        name: for reports.
        prepare: makes what it finds, in an empty directory; returns how many entries that has.
        failing_sync: the number of the sync that fails, if one does.
    """

    name: str
    prepare: Callable[[Path], int]
    failing_sync: int | None = None


def entry(number: int) -> bytes:
    """Return an ordinary entry that tells its number."""
    now_us = time.time_ns() // 1000
    return encode_exchange(exchange(request_id=f"{number:032x}", started_at_us=now_us, ended_at_us=now_us))


class Life(NamedTuple):
    """A life of the writer: what the appender's thread does, step by step.

    Attributes:
        writer: writes.
        spool: gives it batches.
    """

    writer: LogWriter
    spool: Spool

    def flush(self) -> None:
        """Write what is there, and sign it."""
        self.spool.flush()
        self.writer.checkpoint_if_due()


def begin_life(directory: Path, ops: FileOps) -> Life:
    """Begin a life of the writer, which signs a checkpoint behind each batch."""
    writer = LogWriter(directory, ops=ops, segment_bytes=SEGMENT_BYTES, checkpointing=checkpointing())
    return Life(writer, Spool(writer, _LIMITS))


def live(
    directory: Path, ops: FileOps, first: int, acknowledge: Acknowledge, batches: tuple[int, ...] = BATCHES
) -> None:
    """Append numbered entries, batch by batch, until all are durable.

    Args:
        directory: the audit directory.
        ops: file operations; where they fail, they are tried again, as a gateway is that starts or goes on.
        first: number of the first entry.
        acknowledge: told how many entries are durable now, from number 0.
        batches: sizes of the batches.
    """
    life = _tried_again(lambda: begin_life(directory, ops))
    spool = life.spool
    try:
        number = first
        for size in batches:
            for _ in range(size):
                spool.put(entry(number))
                number += 1
            life.flush()
            if not spool.backlog_entries:
                acknowledge(number)
        for _ in range(_TRIES):
            if not spool.backlog_entries:
                break
            life.flush()
        acknowledge(number - spool.backlog_entries)
    finally:
        spool.close()


def _tried_again(begin: Callable[[], Life]) -> Life:
    for _ in range(_TRIES):
        with suppress(OSError):
            return begin()
    return begin()


def _nothing(_directory: Path) -> int:
    return 0


def _earlier_life(directory: Path) -> int:
    live(directory, QuickOps(), 0, lambda _: None, (2, 3))
    return 5


def _torn_end(directory: Path) -> int:
    count = _earlier_life(directory)
    (log,) = log_directories(directory)
    *_, last = sorted(log.glob("*.seg"))
    with last.open("ab") as file:
        file.write(b'12345678 {"half')
    (log / "00000000000000000099.seg.tmp").write_bytes(b"never named")
    return count


SCENARIOS = {
    each.name: each
    for each in (
        Scenario("first start", _nothing),
        Scenario("restart", _earlier_life),
        Scenario("torn end", _torn_end),
        Scenario("failed sync", _nothing, failing_sync=4),
        Scenario("failed sync after a restart", _earlier_life, failing_sync=1),
    )
}


def failing_sync(inner: FileOps, scenario: Scenario) -> FileOps:
    """Return the operations of a scenario's disk."""
    if scenario.failing_sync is None:
        return inner
    left = [scenario.failing_sync]

    def around(call: Call) -> Any:  # noqa: ANN401 any operation
        if call.step.operation == "sync":
            left[0] -= 1
            if left[0] == -1:
                if isinstance(inner, ModelDisk):
                    inner.fail_sync(call.arguments[0])
                raise OSError(errno.EIO, "the disk does not sync, as told")
        return call.carry_out()

    return Interposed(inner, around).ops()


@cache
def record_steps(scenario: Scenario) -> list[Step]:
    """Return the steps of a scenario."""
    steps: list[Step] = []

    def around(call: Call) -> Any:  # noqa: ANN401 any operation
        steps.append(call.step)
        return call.carry_out()

    with tempfile.TemporaryDirectory() as folder:
        first = scenario.prepare(Path(folder))
        ops = Interposed(failing_sync(QuickOps(), scenario), around).ops()
        live(Path(folder), ops, first, lambda _: None)
    return steps


def check(directory: Path, acknowledged: int) -> None:
    """Let a new writer take the trail up, and see what is there.

    Raises:
        AssertionError: an acknowledged entry is missing, one is there twice, in another order or by half.
    """
    life = begin_life(directory, QuickOps())
    life.spool.put(entry(_AFTERWARDS))
    life.flush()
    assert life.spool.close() == 0
    report, _ = verified(directory)
    assert report.good, f"it does not verify: {report.problems}"
    numbers = read_numbers(directory)
    assert numbers.pop() == _AFTERWARDS
    assert numbers == list(range(len(numbers)))
    assert len(numbers) >= acknowledged, f"{acknowledged} were acknowledged, {len(numbers)} are there"


def read_numbers(directory: Path) -> list[int]:
    """Return the numbers of the entries of the one log there is, if there is one, in its order."""
    logs = log_directories(directory)
    assert len(logs) <= 1, "two logs where there was one writer after the other"
    found = [each for log in logs for each in read_log(log)]
    assert [each.sequence for each in found] == list(range(len(found)))
    return [int(_exchange(each.entry).request_id, 16) for each in found]


def _exchange(entry: bytes) -> ExchangeRecord:
    record = decode(entry)
    assert isinstance(record, ExchangeRecord)
    return record
