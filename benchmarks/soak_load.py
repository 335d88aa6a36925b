"""The soak: a thousand streams at a reader's pace on one worker, for minutes, with memory and errors watched."""

import sys
import time
from typing import NamedTuple

from benchmarks.client import quantile_bound, read_metrics
from benchmarks.processes import Server, cpu_seconds, rss_bytes
from benchmarks.servers import Bench
from benchmarks.stream_client import StreamPlan, StreamTally
from benchmarks.streams import Quantiles, quantiles, run_streams

FRAMES_PER_SECOND = 5
_STREAM_SECONDS = 60
_RAMP_SECONDS = 5.0
# The stand-in sends the frame with the role at once, so the token delay in the first frame is none.
_BASELINE_SECONDS = 30
_WARM_SECONDS = 60
_REPORTED_EVERY = 15
_HISTOGRAM = "sluice_time_to_first_frame_seconds"


class SoakResult(NamedTuple):
    """What was measured.

    Attributes:
        streams: streams at one time.
        seconds: how long.
        tally: what the client counted.
        core_share: share of one core the gateway used.
        rss_warm_bytes: resident memory of the gateway after the first minute, or half-way in a shorter run.
        rss_end_bytes: the same at the end.
        rss_most_bytes: its highest.
        first_frame_ms: time to the first frame through the gateway, seen by the client.
        direct_first_frame_ms: the same straight from the stand-in, under the same load.
        added_bound_ms: what the gateway says it added, as upper bounds of its histogram's buckets.
    """

    streams: int
    seconds: int
    tally: StreamTally
    core_share: float
    rss_warm_bytes: int
    rss_end_bytes: int
    rss_most_bytes: int
    first_frame_ms: Quantiles
    direct_first_frame_ms: Quantiles
    added_bound_ms: Quantiles

    @property
    def growth_percent(self) -> float:
        """Growth of resident memory from the first minute to the end."""
        return (self.rss_end_bytes / self.rss_warm_bytes - 1) * 100


def measure_soak(bench: Bench, streams: int, seconds: int) -> SoakResult:
    """Measure.

    Args:
        bench: what runs.
        streams: streams at one time.
        seconds: how long.
    """
    print("soak: the stand-in asked directly", file=sys.stderr)
    direct = run_streams(_plan(bench, bench.standin, streams, min(seconds, _BASELINE_SECONDS)), bench.cores)
    samples: list[int] = []
    before = read_metrics(bench.management_port)
    began, spent = time.monotonic(), cpu_seconds(bench.gateway.pid)

    def sample() -> None:
        samples.append(rss_bytes(bench.gateway.pid))
        if len(samples) % _REPORTED_EVERY == 0:
            shown = f"{samples[-1] / 2**20:.1f} MiB"
            print(f"soak: {time.monotonic() - began:.0f} of {seconds} s, {shown}", file=sys.stderr)

    tally = run_streams(_plan(bench, bench.gateway, streams, seconds), bench.cores, sample)
    spent = cpu_seconds(bench.gateway.pid) - spent
    took = time.monotonic() - began
    sample()
    # What earlier parts left in the histogram is not this one's.
    metrics = {name: value - before.get(name, 0) for name, value in read_metrics(bench.management_port).items()}
    bounds = (quantile_bound(metrics, _HISTOGRAM, 'part="added"', share) * 1000 for share in (0.5, 0.99))
    return SoakResult(
        streams=streams,
        seconds=seconds,
        tally=tally,
        core_share=spent / took,
        rss_warm_bytes=samples[min(_WARM_SECONDS, len(samples) // 2)],
        rss_end_bytes=samples[-1],
        rss_most_bytes=max(samples),
        first_frame_ms=quantiles(tally.first_frame_ms),
        direct_first_frame_ms=quantiles(direct.first_frame_ms),
        added_bound_ms=Quantiles(*bounds),
    )


def _plan(bench: Bench, server: Server, streams: int, seconds: int) -> StreamPlan:
    return StreamPlan(
        port=server.port,
        key=bench.key,
        streams=streams,
        frames_per_second=FRAMES_PER_SECOND,
        seconds=seconds,
        stream_seconds=_STREAM_SECONDS,
        spacing_seconds=_RAMP_SECONDS / streams,
        repeated=True,
        labelled=server is bench.gateway,
    )
