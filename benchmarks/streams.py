"""The stream client as a process: started on its core, waited for within bounds, its tally read."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

from benchmarks.processes import BenchmarkError, Cores
from benchmarks.servers import ROOT
from benchmarks.stream_client import StreamPlan, StreamTally

_GRACE_SECONDS = 60
_SAMPLE_SECONDS = 1.0


class Quantiles(NamedTuple):
    """Two points of a distribution."""

    p50: float
    p99: float


def quantiles(values: list[float]) -> Quantiles:
    """Return median and 99th percentile."""
    ordered = sorted(values) or [float("nan")]
    return Quantiles(statistics.median(ordered), ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))])


def run_streams(plan: StreamPlan, cores: Cores, each_second: Callable[[], None] = lambda: None) -> StreamTally:
    """Carry out a plan.

    Args:
        plan: what to ask for.
        cores: the client runs beside the stand-in.
        each_second: called about every second while it runs.

    Raises:
        BenchmarkError: the client failed or did not end in time.
    """
    command = ["taskset", "-c", str(cores.rest), sys.executable, "-m", "benchmarks.stream_client"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, cwd=ROOT, start_new_session=True) as client:
        try:
            return _follow(client, plan, each_second)
        finally:
            client.kill()


def _follow(client: subprocess.Popen[bytes], plan: StreamPlan, each_second: Callable[[], None]) -> StreamTally:
    deadline = time.monotonic() + plan.seconds + plan.streams * plan.spacing_seconds + _GRACE_SECONDS
    # The tally comes at the end in one piece; `communicate` keeps what it read over its timeouts.
    given: bytes | None = json.dumps(plan._asdict()).encode()
    while time.monotonic() < deadline:
        try:
            output, problem = client.communicate(given, timeout=_SAMPLE_SECONDS)
        except subprocess.TimeoutExpired:
            given = None
            each_second()
            continue
        if client.returncode:
            raise BenchmarkError(f"The stream client failed: {problem.decode(errors='replace')[-2000:]}")
        return StreamTally(**json.loads(output))
    raise BenchmarkError("The stream client did not end in time. Is the machine overloaded?")
