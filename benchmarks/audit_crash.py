"""The crash matrix of the audit trail: kills, losses of power, failing disks and clocks, at each step of writing.

Run from the root of the repository::

    python -m benchmarks.audit_crash                       # all of it, about five minutes
    python -m benchmarks.audit_crash --only kill --list    # the names of the kills

After each run a new writer takes the trail up; every entry that was acknowledged has to be there, none twice, none in
another order, none by half. The status is 1 when that failed anywhere. The tests run a sample.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import structlog
from rich.console import Console
from rich.progress import Progress

from benchmarks.report import engine_machine_lines, write_section
from tests.gateway.audit.crash_clock import jump, jumps
from tests.gateway.audit.crash_faults import faults, lose_power, meet_fault, power_losses
from tests.gateway.audit.crash_kills import Killer, kills
from tests.gateway.audit.crash_runs import SCENARIOS, record_steps

_SHOWN_FAILURES = 20


class Kind(NamedTuple):
    """One kind of run.

    Attributes:
        name: for the command line.
        what: for the report.
        runs: all of them; each has a name.
        carry_out: does one in an empty directory, and raises when something is wrong after it.
    """

    name: str
    what: str
    runs: Sequence[Any]
    carry_out: Callable[[Any, Path], None]


class Outcome(NamedTuple):
    """What came of one kind.

    Attributes:
        kind: which.
        failures: names of the runs that failed, with the reason.
        seconds: how long all took.
    """

    kind: Kind
    failures: list[str]
    seconds: float


@contextmanager
def _kinds() -> Iterator[list[Kind]]:
    with Killer() as killer:
        yield [
            Kind("kill", "SIGKILL before, within and after a step", kills(), killer.carry_out),
            Kind("power", "loss of power, at once or in the life after a kill", power_losses(), lose_power),
            Kind("fault", "disk full, read-only, failing for a while", faults(), meet_fault),
            Kind("clock", "clock set back or forth", jumps(), jump),
        ]


def main() -> None:
    """Run the matrix and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["kill", "power", "fault", "clock"], help="one kind of run")
    parser.add_argument("--list", action="store_true", help="print the runs' names and end")
    parser.add_argument("--write", type=Path, help="Markdown file whose section is written anew")
    arguments = parser.parse_args()
    # Every run reports failures of a disk; what matters is told below.
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    with _kinds() as kinds:
        chosen = [kind for kind in kinds if arguments.only in (None, kind.name)]
        if arguments.list:
            print("\n".join(str(run) for kind in chosen for run in kind.runs))
            return
        outcomes = [_carry_out(kind) for kind in chosen]
    report = _report(outcomes)
    print(report)
    if arguments.write is not None:
        machine = engine_machine_lines(" ".join(["python -m benchmarks.audit_crash", *sys.argv[1:]]), ["orjson"])
        write_section(arguments.write, "audit-crash", f"{report}\n\n{machine}", writer="audit_crash")
    failures = [failure for outcome in outcomes for failure in outcome.failures]
    for failure in failures[:_SHOWN_FAILURES]:
        print(failure, file=sys.stderr)
    if failures:
        sys.exit(1)


def _carry_out(kind: Kind) -> Outcome:
    began, failures = time.monotonic(), []
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        for run in progress.track(kind.runs, description=kind.name):
            with tempfile.TemporaryDirectory() as folder:
                try:
                    kind.carry_out(run, Path(folder))
                except Exception as exc:  # noqa: BLE001 whatever it is, the other runs tell more
                    failures.append(f"{run}: {type(exc).__name__}: {exc}")
    return Outcome(kind, failures, time.monotonic() - began)


def _report(outcomes: Sequence[Outcome]) -> str:
    steps = ", ".join(f"{name} {len(record_steps(scenario))}" for name, scenario in SCENARIOS.items())
    rows = [
        f"| {kind.what} | {len(kind.runs)} | {len(failures)} | {seconds:.0f} |"
        for kind, failures, seconds in outcomes
    ]
    total = (
        f"| all | {sum(len(each.kind.runs) for each in outcomes)} | {sum(len(each.failures) for each in outcomes)} |"
    )
    return "\n".join(
        [
            "### Crash matrix of the audit trail",
            "",
            f"Steps of writing, by what the writer finds: {steps}.",
            "",
            "| runs | number | failed | seconds |",
            "|---|---|---|---|",
            *rows,
            f"{total} {sum(each.seconds for each in outcomes):.0f} |",
        ]
    )


if __name__ == "__main__":
    main()
