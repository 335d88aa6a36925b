"""The main path against nginx: CPU per request, CPU per streamed frame, and a soak, in one command.

Run from the root of the repository::

    python -m benchmarks.main_path                                  # about twelve minutes, report on standard output
    python -m benchmarks.main_path --quick --only request,frame     # a smoke test
    python -m benchmarks.main_path --write benchmarks/RESULTS.md    # what is committed

Rules: it starts everything it measures, on loopback and free ports, and stops it whatever happens; every wait is
bounded; a run whose answers are not the right ones is an error and no figure.
"""

import argparse
import shlex
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, NoReturn

from benchmarks.frame_load import measure_frames
from benchmarks.processes import BenchmarkError, choose_cores
from benchmarks.report import frame_section, machine_lines, request_section, soak_section, write_section
from benchmarks.request_load import measure_requests
from benchmarks.servers import ROOT, Bench, find_program, started
from benchmarks.soak_load import measure_soak

_STOPPED_BY_SIGNAL = 130


class Extent(NamedTuple):
    """How much is measured.

    Attributes:
        rounds: pairs of runs.
        request_seconds: length of one run of requests.
        frame_seconds: length of one run of streams.
        soak_seconds: length of the soak.
        soak_streams: streams of the soak.
    """

    rounds: int
    request_seconds: int
    frame_seconds: int
    soak_seconds: int
    soak_streams: int


FULL = Extent(rounds=5, request_seconds=5, frame_seconds=10, soak_seconds=300, soak_streams=1000)
QUICK = Extent(rounds=2, request_seconds=2, frame_seconds=4, soak_seconds=20, soak_streams=200)

_PARTS: dict[str, Callable[[Bench, Extent], str]] = {
    "request": lambda bench, extent: request_section(measure_requests(bench, extent.rounds, extent.request_seconds)),
    "frame": lambda bench, extent: frame_section(measure_frames(bench, extent.rounds, extent.frame_seconds)),
    "soak": lambda bench, extent: soak_section(measure_soak(bench, extent.soak_streams, extent.soak_seconds)),
}


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="The main path against nginx.")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the report between its markers in this file")
    parser.add_argument("--quick", action="store_true", help="short runs, to see that it works; no figures to quote")
    parser.add_argument("--only", type=_parts, default=tuple(_PARTS), help=f"of {','.join(_PARTS)}; default all")
    parser.add_argument("--rounds", type=_positive, help="pairs of runs")
    parser.add_argument("--soak-seconds", type=_positive, help="length of the soak")
    parser.add_argument("--soak-streams", type=_positive, help="concurrent streams of the soak")
    parser.add_argument(
        "--directory", type=Path, default=ROOT / "var", help="where store and audit trail are kept meanwhile"
    )
    return parser.parse_args()


def main() -> int:
    """Measure, print the report, and write it where asked."""
    arguments = parse_arguments()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        sections = _measure(arguments)
    except BenchmarkError as error:
        print(f"benchmark: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("benchmark: stopped; everything it started is stopped too", file=sys.stderr)
        return _STOPPED_BY_SIGNAL
    for name, text in sections.items():
        print(f"{text}\n")
        if arguments.write:
            write_section(arguments.write, name, text)
    return 0


def _measure(arguments: argparse.Namespace) -> dict[str, str]:
    """Return a section for each part asked for."""
    for program, package in (("nginx", "nginx-light"), ("wrk", "wrk"), ("taskset", "util-linux")):
        find_program(program, package)
    extent, cores = _extent(arguments), choose_cores()
    machine = machine_lines(cores, f"python -m benchmarks.main_path {shlex.join(sys.argv[1:])}".rstrip())
    arguments.directory.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="benchmark-", dir=arguments.directory) as directory,
        started(Path(directory), cores) as bench,
    ):
        return {name: f"{_PARTS[name](bench, extent)}\n\n{machine}" for name in arguments.only}


def _extent(arguments: argparse.Namespace) -> Extent:
    extent = QUICK if arguments.quick else FULL
    given = {name: getattr(arguments, name) for name in ("rounds", "soak_seconds", "soak_streams")}
    return extent._replace(**{name: value for name, value in given.items() if value is not None})


def _parts(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if unknown := set(names) - set(_PARTS):
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: choose of {', '.join(_PARTS)}")
    return names


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _interrupt(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
