"""Losses of power and failing disks, in one process: each at each step of each scenario."""

import errno
import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from gateway.audit.files import FileOps
from tests.gateway.audit.crash_runs import (
    SCENARIOS,
    Call,
    Interposed,
    QuickOps,
    Step,
    check,
    failing_sync,
    live,
    read_numbers,
    record_steps,
)
from tests.gateway.audit.model_disk import FATES, Fate, ModelDisk

_SECOND_LIFE = (2, 1)


class Ended(BaseException):
    """Nothing happens any more."""


class PowerLoss(NamedTuple):
    """One run.

    Attributes:
        scenario: name of the scenario.
        step: the step before which the power goes, or the process dies.
        fate: what becomes of what was not synced.
        later: the process dies first; the power goes after another took the trail up and acknowledged entries.
    """

    scenario: str
    step: Step
    fate: Fate
    later: bool

    def __str__(self) -> str:
        what = "kill, next life, then loss of power" if self.later else "loss of power"
        return f"{self.scenario}: {what} before {self.step}: {self.fate.name}"


class Fault(NamedTuple):
    """One run.

    Attributes:
        scenario: name of the scenario.
        step: the first step that fails.
        name: what the disk says.
        error: its number.
        times: how many operations fail before the disk recovers.
    """

    scenario: str
    step: Step
    name: str
    error: int
    times: int

    def __str__(self) -> str:
        return f"{self.scenario}: {self.name} for {self.times} from {self.step}"


# Which operations a fault strikes; None is every one.
_FAULTS: tuple[tuple[str, int, frozenset[str] | None, tuple[int, ...]], ...] = (
    ("disk full", errno.ENOSPC, frozenset({"create", "write", "overwrite", "sync", "rename", "truncate"}), (1, 5)),
    ("read-only disk", errno.EROFS, None, (8,)),
    ("disk error", errno.EIO, None, (1, 3)),
)


def power_losses() -> list[PowerLoss]:
    """Return every loss of power."""
    return [
        PowerLoss(name, step, fate, later)
        for name, scenario in SCENARIOS.items()
        for step in record_steps(scenario)
        for fate in FATES
        for later in (False, True)
    ]


def faults() -> list[Fault]:
    """Return every fault of a disk."""
    return [
        Fault(name, step, fault, error, times)
        for name, scenario in SCENARIOS.items()
        for step in record_steps(scenario)
        for fault, error, operations, lengths in _FAULTS
        if operations is None or step.operation in operations
        for times in lengths
    ]


def lose_power(loss: PowerLoss, directory: Path) -> None:
    """Carry a run out in an empty directory.

    Raises:
        AssertionError: something acknowledged is missing, or something is there by half.
    """
    audit, left = directory / "audit", directory / "left"
    audit.mkdir()
    left.mkdir()
    scenario = SCENARIOS[loss.scenario]
    first = scenario.prepare(audit)
    disk = ModelDisk(audit)
    acknowledged = [first]
    try:
        with suppress(Ended), _in_a_process(disk):
            live(audit, _until(failing_sync(disk.ops(), scenario), loss.step.number), first, acknowledged.append)
        if loss.later:
            # What the first life left unacknowledged may count by now, so the next one begins behind all of it.
            begin = len(read_numbers(audit))
            live(audit, disk.ops(), begin, acknowledged.append, _SECOND_LIFE)
        disk.lose_power(left, loss.fate, random.Random(str(loss)))  # noqa: S311 repeatable
    finally:
        disk.let_go()
    check(left, acknowledged[-1])


def meet_fault(fault: Fault, directory: Path) -> None:
    """Carry a run out in an empty directory: the disk fails for a while, and recovers.

    Raises:
        AssertionError: an entry is missing though the disk recovered, or something is there by half.
    """
    scenario = SCENARIOS[fault.scenario]
    first = scenario.prepare(directory)
    acknowledged = [first]
    ops = Interposed(failing_sync(QuickOps(), scenario), _failing(fault)).ops()
    live(directory, ops, first, acknowledged.append)
    check(directory, acknowledged[-1])


@contextmanager
def _in_a_process(disk: ModelDisk) -> Iterator[None]:
    """Close what a dead process had open, as the kernel does, and so give its locks back."""
    before = _open_descriptors()
    try:
        yield
    finally:
        for descriptor in _open_descriptors() - before - disk.held:
            os.close(descriptor)


def _open_descriptors() -> set[int]:
    listed = [int(each.name) for each in Path("/proc/self/fd").iterdir()]
    # Without the one they were listed with, whose number is free again.
    return {each for each in listed if Path(f"/proc/self/fd/{each}").exists()}


def _until(disk: FileOps, number: int) -> FileOps:
    """Return a disk for a process that ends before a step."""

    def around(call: Call) -> Any:  # noqa: ANN401 any operation
        if call.step.number < number:
            return call.carry_out()
        raise Ended

    return Interposed(disk, around).ops()


def _failing(fault: Fault) -> Callable[[Call], Any]:
    left = fault.times

    def around(call: Call) -> Any:  # noqa: ANN401 any operation
        nonlocal left
        if call.step.number < fault.step.number or not left:
            return call.carry_out()
        left -= 1
        if call.step.operation == "close":
            call.carry_out()
        # A disk that fills up takes a part; one that fails may do so too.
        elif call.step.has_data and fault.error != errno.EROFS:
            call.carry_out_half()
        raise OSError(fault.error, os.strerror(fault.error))

    return around
