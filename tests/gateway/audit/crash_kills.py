"""Kills: runs in child processes that get SIGKILL before, in the middle of, or after one of their steps.

As a program, it forks a child for each run: one line of JSON a run on standard input, one line with the child's exit
status on standard output. A process of its own, because only one without threads may fork.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Self

import structlog

from tests.gateway.audit.crash_runs import (
    SCENARIOS,
    Call,
    Interposed,
    QuickOps,
    Step,
    check,
    failing_sync,
    live,
    record_steps,
)

_ROOT = Path(__file__).resolve().parents[3]
_MOMENTS = ("before", "in the middle of", "after")
_ACKNOWLEDGED = "acknowledged"


class Kill(NamedTuple):
    """One run.

    Attributes:
        scenario: name of the scenario.
        moment: when, with regard to the step.
        step: the step.
    """

    scenario: str
    moment: str
    step: Step

    def __str__(self) -> str:
        return f"{self.scenario}: kill {self.moment} {self.step}"


def kills() -> list[Kill]:
    """Return every kill: before and after each step of each scenario, and in the middle of those that bring data."""
    return [
        Kill(name, moment, step)
        for name, scenario in SCENARIOS.items()
        for step in record_steps(scenario)
        for moment in _MOMENTS
        # Where a step follows, "after" this one is "before" that one.
        if moment == "before" or (moment == "in the middle of" and step.has_data)
    ] + [Kill(name, "after", record_steps(scenario)[-1]) for name, scenario in SCENARIOS.items()]


class Killer:
    """Carries out kills."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.gateway.audit.crash_kills"],
            cwd=_ROOT,
            env=os.environ | {"PYTHONPATH": str(_ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=60)

    def carry_out(self, kill: Kill, directory: Path) -> None:
        """Prepare a trail in an empty directory, run the scenario until it is killed, and check what is left.

        Raises:
            AssertionError: something acknowledged is missing, or something is there by half.
        """
        audit = directory / "audit"
        audit.mkdir()
        first = SCENARIOS[kill.scenario].prepare(audit)
        acknowledged = directory / _ACKNOWLEDGED
        acknowledged.write_text(f"{first}\n")
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        order = {"scenario": kill.scenario, "moment": kill.moment, "step": kill.step.number, "first": first}
        self._process.stdin.write(json.dumps({**order, "directory": str(directory)}) + "\n")
        self._process.stdin.flush()
        status = int(self._process.stdout.readline())
        assert status == -signal.SIGKILL, f"the run ended by itself, with status {status}"
        check(audit, int(acknowledged.read_text().split()[-1]))


def _kill_at(moment: str, number: int) -> Callable[[Call], Any]:
    def around(call: Call) -> Any:  # noqa: ANN401 any operation
        if call.step.number != number:
            return call.carry_out()
        if moment == "in the middle of":
            call.carry_out_half()
        elif moment == "after":
            call.carry_out()
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("a killed process goes on")

    return around


def _run(order: dict[str, Any]) -> None:
    """Live until the kill; in a child of its own."""
    directory = Path(order["directory"])
    disk = failing_sync(QuickOps(), SCENARIOS[order["scenario"]])
    ops = Interposed(disk, _kill_at(order["moment"], order["step"])).ops()
    descriptor = os.open(directory / _ACKNOWLEDGED, os.O_WRONLY | os.O_APPEND)
    live(directory / "audit", ops, order["first"], lambda count: _write(descriptor, count))


def _write(descriptor: int, count: int) -> None:
    os.write(descriptor, b"%d\n" % count)


def _main() -> None:
    # The product's log goes to standard output by default, where the answers are.
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    for line in sys.stdin:
        child = os.fork()
        if not child:
            try:
                _run(json.loads(line))
                os._exit(0)
            finally:
                os._exit(1)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201 the answer


if __name__ == "__main__":
    _main()
