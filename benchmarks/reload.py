"""A reload of a hundred thousand terms under a steady load: what clients notice of it.

Run from the root of the repository::

    python -m benchmarks.reload                                   # five reloads, about three minutes
    python -m benchmarks.reload --terms 10000 --reloads 1         # a smoke test

Requests leave at a fixed rate whether or not the ones before were answered, and each one's time counts from the
moment it was due: a gateway that stalls does not slow its own load down. The process that builds shares the gateway's
core, which is the worst place for it.
"""

import argparse
import asyncio
import contextlib
import json
import random
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import uvloop

from benchmarks.client import CHAT_PATH, Prompt
from benchmarks.processes import BenchmarkError, choose_cores, rss_bytes
from benchmarks.report import engine_machine_lines
from benchmarks.servers import ROOT, GatewayBench, started_gateway

_WARM_SECONDS = 3.0
_AFTER_SECONDS = 2.0
_RELOAD_LIMIT_SECONDS = 300.0
_POLL_SECONDS = 0.05
_HEADER = "term,kind,risk,severity,action,phase,languages,folds_off,source,licence,note,expires"
_PROMPT = Prompt("Chinese", "请用几句话说说水闸怎样工作，谁来照看它。[[length:260]]")
_ALLOWED, _BLOCKED = b"x-sluice-decision: allow", b"x-sluice-decision: block"


class Window(NamedTuple):
    """What clients saw over some time.

    Attributes:
        times_ms: from the moment a request was due to its answer.
        failures: requests that were not answered with 200.
    """

    times_ms: list[float]
    failures: int


class Reload(NamedTuple):
    """One reload.

    Attributes:
        seconds: from the list's new name to the ruleset in force.
        window: what clients saw from before until two seconds behind it.
    """

    seconds: float
    window: Window


class _Client:
    """Asks one server over connections that stay open; a general client would cost more than what is measured."""

    def __init__(self, port: int, key: str) -> None:
        self._port = port
        self._head = (
            f"POST {CHAT_PATH} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {key}\r\n"
            "content-type: application/json\r\ncontent-length: "
        ).encode()
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(self, prompt: Prompt) -> bytes:
        """Return the head of the answer, after its body was read."""
        reader, writer = self._idle.pop() if self._idle else await asyncio.open_connection("127.0.0.1", self._port)
        body = prompt.body()
        writer.write(self._head + str(len(body)).encode() + b"\r\n\r\n" + body)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        await reader.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r")[0]))
        self._idle.append((reader, writer))
        return head

    def close(self) -> None:
        """Close what is open."""
        for _, writer in self._idle:
            writer.close()


class _Load:
    """Requests at a fixed rate."""

    def __init__(self, client: _Client, per_second: int) -> None:
        self._client = client
        self._interval = 1 / per_second
        self._window = Window([], 0)

    def take(self) -> Window:
        """Return what was seen since the last call."""
        seen, self._window = self._window, Window([], 0)
        return seen

    async def run(self) -> None:
        """Send until cancelled."""
        async with asyncio.TaskGroup() as requests:
            due = time.perf_counter()
            while True:
                due += self._interval
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                requests.create_task(self._ask(due))

    async def _ask(self, due: float) -> None:
        try:
            good = _ALLOWED in await self._client.ask(_PROMPT)
        except (OSError, EOFError, ValueError):
            good = False
        self._window.times_ms.append((time.perf_counter() - due) * 1000)
        if not good:
            self._window = self._window._replace(failures=self._window.failures + 1)


def main() -> int:
    """Measure and print."""
    arguments = _parse_arguments()
    cores = choose_cores()
    arguments.directory.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix="benchmark-", dir=arguments.directory) as name:
            directory = Path(name)
            lists = directory / "lists"
            lists.mkdir()
            terms = _terms(arguments.terms)
            _write(lists, terms)
            # Each reload is seen by a prompt that is blocked from then on, which would suspend.
            settings = {"SLUICE_LISTS__DIRECTORIES": json.dumps([str(lists)]), "SLUICE_STRIKES__ENABLED": "false"}
            with started_gateway(directory, cores, settings) as bench:
                report = uvloop.run(_measure(bench, lists, terms, arguments))
    except BenchmarkError as error:
        print(f"benchmark: {error}", file=sys.stderr)
        return 1
    command = " ".join(("python -m benchmarks.reload", *sys.argv[1:]))
    print(report, engine_machine_lines(command, ("daachorse", "uvloop")), sep="\n\n")
    return 0


async def _measure(bench: GatewayBench, lists: Path, terms: list[str], arguments: argparse.Namespace) -> str:
    client = _Client(bench.gateway.port, bench.key)
    load = _Load(client, arguments.rate)
    async with _running(load), httpx.AsyncClient(timeout=30, trust_env=False) as operator:
        await asyncio.sleep(_WARM_SECONDS)
        load.take()
        await asyncio.sleep(arguments.seconds)
        before, memory_before = load.take(), rss_bytes(bench.gateway.pid)
        reloads = [
            await _reload(operator, bench.management_port, lists, [*terms[:-1], _new_term(number)], load)
            for number in range(arguments.reloads)
        ]
        memory_after = rss_bytes(bench.gateway.pid)
        await _expect_refusal(operator, bench.management_port, lists)
    if _BLOCKED not in await client.ask(Prompt("Chinese", _new_term(arguments.reloads - 1))):
        raise BenchmarkError("The last new term is not in force.")
    client.close()
    return _report(arguments, before, reloads, memory_before, memory_after)


@contextlib.asynccontextmanager
async def _running(load: _Load) -> AsyncIterator[None]:
    task = asyncio.create_task(load.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _reload(client: httpx.AsyncClient, port: int, lists: Path, terms: list[str], load: _Load) -> Reload:
    digest = (await _state(client, port))["digest"]
    # Written elsewhere and renamed: what is measured is the gateway's reload and not our writing.
    _write(lists, terms)
    began = time.perf_counter()
    load.take()
    while (state := await _state(client, port))["digest"] == digest:
        if state["outcome"] == "refused":
            raise BenchmarkError(f"The list was refused: {state['problems'][0]['message']}")
        if time.perf_counter() - began > _RELOAD_LIMIT_SECONDS:
            raise BenchmarkError("The list was not reloaded; see the gateway's log.")
        await asyncio.sleep(_POLL_SECONDS)
    seconds = time.perf_counter() - began
    # Behind the swap too: what the old ruleset held is given back then.
    await asyncio.sleep(_AFTER_SECONDS)
    return Reload(seconds, load.take())


async def _expect_refusal(client: httpx.AsyncClient, port: int, lists: Path) -> None:
    (lists / "A.1.h.csv").write_text("no list\n")
    answer = await client.post(f"http://127.0.0.1:{port}/api/v1/lists/reload", timeout=_RELOAD_LIMIT_SECONDS)
    if answer.json()["outcome"] != "refused":
        raise BenchmarkError("A bad list was not refused.")


async def _state(client: httpx.AsyncClient, port: int) -> dict[str, Any]:
    answer: dict[str, Any] = (await client.get(f"http://127.0.0.1:{port}/api/v1/lists")).json()
    return answer


def _terms(count: int) -> list[str]:
    """Return different terms that no reply of the stand-in holds: five to eight rare characters each."""
    chance = random.Random(1)  # noqa: S311 the same terms in every run
    terms: set[str] = set()
    while len(terms) < count:
        terms.add("".join(chr(chance.randrange(0x6500, 0x9F00)) for _ in range(chance.randrange(5, 9))))
    return sorted(terms)


def _new_term(number: int) -> str:
    return f"绝密代号白鹭{number}"


def _write(lists: Path, terms: list[str]) -> None:
    rows = "".join(f"{term},literal,A.1.h,high,block,both,zh,,bench,bench,,\n" for term in terms)
    making = lists / "making"
    making.write_text(f"{_HEADER}\n{rows}")
    shutil.move(making, lists / "A.1.h.csv")


def _report(
    arguments: argparse.Namespace, before: Window, reloads: list[Reload], memory_before: int, memory_after: int
) -> str:
    lines = [
        f"Reload of {arguments.terms:,} terms at {arguments.rate} requests a second:",
        "",
        "| | seconds | requests | failed | p50 ms | p99 ms | most ms |",
        "|---|---|---|---|---|---|---|",
        _row("before", arguments.seconds, before),
        *(_row(f"reload {number}", each.seconds, each.window) for number, each in enumerate(reloads, start=1)),
        "",
        f"Resident memory: {memory_before / 2**20:.0f} MiB before, {memory_after / 2**20:.0f} MiB after.",
    ]
    return "\n".join(lines)


def _row(name: str, seconds: float, window: Window) -> str:
    times = sorted(window.times_ms)
    if not times:
        raise BenchmarkError("No request was answered.")
    p50, p99 = (times[min(len(times) - 1, int(len(times) * share))] for share in (0.5, 0.99))
    numbers = f"{p50:.1f} | {p99:.1f} | {times[-1]:.1f}"
    return f"| {name} | {seconds:.1f} | {len(times)} | {window.failures} | {numbers} |"


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A reload under a steady load.")
    parser.add_argument("--terms", type=int, default=100_000, help="terms of the operator's list")
    parser.add_argument("--rate", type=int, default=200, help="requests a second")
    parser.add_argument("--seconds", type=int, default=30, help="length of the run before the first reload")
    parser.add_argument("--reloads", type=int, default=5, help="reloads in a row")
    parser.add_argument("--directory", type=Path, default=ROOT / "var", help="where files are kept meanwhile")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
