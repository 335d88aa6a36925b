"""Processor time per request: nginx and the gateway in turns, under the same load from wrk."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.client import CHAT_PATH, Prompt, exchanges_by_decision, read_metrics, verify
from benchmarks.processes import BenchmarkError, Server, cpu_seconds
from benchmarks.servers import Bench, find_program

CONNECTIONS = 16
# Lengths that make the reply about 1.2 KB of JSON, label aside.
PROMPTS = (
    Prompt("Chinese", "请用几句话说说水闸怎样工作，谁来照看它。[[length:260]]"),
    Prompt("English", "Tell me in a few sentences how a sluice works and who keeps it. [[length:780]]"),
)

_GRACE_SECONDS = 30
_WARM_SECONDS = 1
# The gateway indexes its records a second later; that is part of what a request costs.
_SETTLE_SECONDS = 2
# Reported by wrk itself at its end; a callback per response would cost more than the request.
_SCRIPT = """
wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
wrk.headers["authorization"] = "Bearer {key}"
wrk.body = [==[{body}]==]
done = function(summary, latency, requests)
    local e = summary.errors
    io.write(string.format(
        'RESULT {{"requests":%d,"microseconds":%d,"failed":%d,"p50_us":%d,"p99_us":%d}}\\n', summary.requests,
        summary.duration, e.connect + e.read + e.write + e.status + e.timeout,
        latency:percentile(50), latency:percentile(99)))
end
"""


class RequestRun(NamedTuple):
    """One run of wrk against one server.

    Attributes:
        cpu_us: processor time of the server per request, in microseconds, with all its processes.
        alone_us: the same of its first process alone: of the gateway, what answers; without what indexes behind it.
        per_second: requests answered each second.
        p50_ms: median time of a request under this load.
        p99_ms: the same, 99th percentile.
    """

    cpu_us: float
    alone_us: float
    per_second: float
    p50_ms: float
    p99_ms: float


class RequestResult(NamedTuple):
    """What was measured with one prompt.

    Attributes:
        prompt: the prompt.
        reply_bytes: size of the model's reply.
        nginx: its runs.
        gateway: our runs, in pairs with nginx's.
        direct: the stand-in asked directly: the most this load and model can do.
    """

    prompt: Prompt
    reply_bytes: int
    nginx: list[RequestRun]
    gateway: list[RequestRun]
    direct: RequestRun


def measure_requests(bench: Bench, rounds: int, seconds: int) -> list[RequestResult]:
    """Measure every prompt.

    Args:
        bench: what runs.
        rounds: pairs of runs.
        seconds: length of one run.
    """
    return [_measure(bench, prompt, rounds, seconds) for prompt in PROMPTS]


def _measure(bench: Bench, prompt: Prompt, rounds: int, seconds: int) -> RequestResult:
    script = bench.directory / "request.lua"
    script.touch(mode=0o600)
    script.write_text(_SCRIPT.format(key=bench.key, body=prompt.body().decode()))
    reply_bytes = _verify_all(bench, prompt)
    before = exchanges_by_decision(read_metrics(bench.management_port))
    for server in (bench.nginx, bench.gateway):
        _run(bench, server, script, _WARM_SECONDS)
    nginx, gateway = [], []
    for number in range(rounds):
        nginx.append(_run(bench, bench.nginx, script, seconds))
        gateway.append(_run(bench, bench.gateway, script, seconds))
        shown = f"nginx {nginx[-1].cpu_us:.1f} µs, sluice {gateway[-1].cpu_us:.1f} µs"
        print(f"request, {prompt.language}, round {number + 1} of {rounds}: {shown}", file=sys.stderr)
    direct = _run(bench, bench.standin, script, seconds)
    _check_allowed(before, exchanges_by_decision(read_metrics(bench.management_port)))
    _verify_all(bench, prompt)
    return RequestResult(prompt, reply_bytes, nginx, gateway, direct)


def _verify_all(bench: Bench, prompt: Prompt) -> int:
    verify(bench.gateway, bench.key, prompt, labelled=True)
    return verify(bench.nginx, bench.key, prompt, labelled=False)


def _run(bench: Bench, server: Server, script: Path, seconds: int) -> RequestRun:
    url = f"http://127.0.0.1:{server.port}{CHAT_PATH}"
    options = ["-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s", "-s", str(script), url]
    command = ["taskset", "-c", str(bench.cores.rest), find_program("wrk", "wrk"), *options]
    spent, alone = cpu_seconds(server.pid), cpu_seconds(server.pid, alone=True)
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + _GRACE_SECONDS, check=False)
    time.sleep(_SETTLE_SECONDS)
    spent, alone = cpu_seconds(server.pid) - spent, cpu_seconds(server.pid, alone=True) - alone
    line = next((line for line in done.stdout.splitlines() if line.startswith("RESULT ")), None)
    if line is None:
        raise BenchmarkError(
            f"wrk gave no result against {server.name}: {done.stderr.strip() or done.stdout.strip()}"
        )
    found = json.loads(line.removeprefix("RESULT "))
    if found["failed"] or not found["requests"]:
        raise BenchmarkError(f"{found['failed']} of {found['requests']} requests to {server.name} failed.")
    return RequestRun(
        spent / found["requests"] * 1e6,
        alone / found["requests"] * 1e6,
        found["requests"] / found["microseconds"] * 1e6,
        found["p50_us"] / 1e3,
        found["p99_us"] / 1e3,
    )


def _check_allowed(before: dict[str, int], after: dict[str, int]) -> None:
    """A refusal is status 200 as well: ask the gateway what it decided."""
    others = {name: after[name] - before.get(name, 0) for name in after if name not in {"allow", "error"}}
    if any(others.values()):
        raise BenchmarkError(f"The gateway did not let every exchange pass: {others}. The prompt is not clean.")
