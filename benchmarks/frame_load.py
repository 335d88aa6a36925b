"""Processor time per streamed frame: nginx and the gateway in turns, a hundred streams with a frame each 10 ms."""

import statistics
import sys
from typing import NamedTuple

from benchmarks.processes import BenchmarkError, Server, cpu_seconds
from benchmarks.servers import Bench
from benchmarks.stream_client import StreamPlan
from benchmarks.streams import run_streams

STREAMS = 100
FRAMES_PER_SECOND = 100
# Starts spread over a second, and over the 10 ms between two frames: 10.1 ms.
_SPACING_SECONDS = (1 + 1 / STREAMS) / FRAMES_PER_SECOND


class FrameRun(NamedTuple):
    """One run against one server.

    Attributes:
        cpu_us: processor time of the server per frame, in microseconds.
        frames: frames delivered.
        pace: frames per second a stream held, the median over all streams.
        pace_least: the same of the slowest stream.
    """

    cpu_us: float
    frames: int
    pace: float
    pace_least: float


class FrameResult(NamedTuple):
    """What was measured.

    Attributes:
        nginx: its runs.
        gateway: our runs, in pairs with nginx's.
        direct: the stand-in asked directly; its processor time is not counted.
    """

    nginx: list[FrameRun]
    gateway: list[FrameRun]
    direct: FrameRun


def measure_frames(bench: Bench, rounds: int, seconds: int) -> FrameResult:
    """Measure.

    Args:
        bench: what runs.
        rounds: pairs of runs.
        seconds: length of each stream.
    """
    nginx, gateway = [], []
    for number in range(rounds):
        nginx.append(_run(bench, bench.nginx_streaming, seconds))
        gateway.append(_run(bench, bench.gateway, seconds))
        shown = f"nginx {nginx[-1].cpu_us:.1f} µs, sluice {gateway[-1].cpu_us:.1f} µs at {gateway[-1].pace:.1f}/s"
        print(f"frame, round {number + 1} of {rounds}: {shown}", file=sys.stderr)
    direct = _run(bench, bench.standin, seconds)
    return FrameResult(nginx, gateway, direct)


def _run(bench: Bench, server: Server, seconds: int) -> FrameRun:
    plan = StreamPlan(
        port=server.port,
        key=bench.key,
        streams=STREAMS,
        frames_per_second=FRAMES_PER_SECOND,
        seconds=seconds,
        stream_seconds=seconds,
        spacing_seconds=_SPACING_SECONDS,
        repeated=False,
        labelled=server is bench.gateway,
    )
    spent = cpu_seconds(server.pid)
    tally = run_streams(plan, bench.cores)
    spent = cpu_seconds(server.pid) - spent
    if tally.errors or not tally.frames:
        raise BenchmarkError(f"Streams from {server.name} failed: {tally.errors or 'no frame came'}.")
    return FrameRun(spent / tally.frames * 1e6, tally.frames, statistics.median(tally.pace), min(tally.pace))
