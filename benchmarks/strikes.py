"""The strike rule under concurrency: many clients of one end user over several gateway processes and one store.

Run from the root of the repository::

    python -m benchmarks.strikes                                     # SQLite
    python -m benchmarks.strikes --postgresql URL --redis URL        # PostgreSQL and Redis as well
    python -m benchmarks.strikes --cost                              # what a clean turn costs, nothing else

Every scenario of the tests, with 50 clients over 4 processes: violations at once, in a row, with clean turns between
them, as they come, around midnight, and with a process killed between a violation and its reply. What clients were
told must agree with what the store counted. The status is 1 when it did not anywhere.
"""

import argparse
import asyncio
import random
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
from sqlalchemy import make_url, text

from benchmarks.report import engine_machine_lines, write_section
from gateway.storage.engine import open_engine
from gateway.storage.migrate import migrate
from gateway.strikes.board import Board
from gateway.strikes.fleet import FleetMarks
from gateway.strikes.service import Strikes
from gateway.strikes.store import StrikeStore
from gateway.strikes.writer import StrikeWriter
from tests.gateway.strikes.gateways import Platform, platform
from tests.gateway.strikes.scenarios import SCENARIOS, kill

_LOOKS = 200_000
_ROUNDS = 7


def main() -> None:
    """Run the scenarios, measure, and print tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5, help="how often each scenario is run")
    parser.add_argument("--kills", type=int, default=20, help="how many processes are killed")
    parser.add_argument("--postgresql", help="SQLAlchemy URL of a PostgreSQL server")
    parser.add_argument("--redis", help="URL of a Redis database that may be emptied")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cost", action="store_true", help="measure what a clean turn costs, and end")
    parser.add_argument("--write", type=Path, help="Markdown file whose section is written anew")
    arguments = parser.parse_args()
    rows, failures = ([], []) if arguments.cost else _run_all(arguments)
    report = "\n".join([*_table(arguments, rows), "", *_costs(arguments.redis)])
    print(report)
    if arguments.write is not None:
        command = " ".join(["python -m benchmarks.strikes", *sys.argv[1:]])
        machine = engine_machine_lines(command, ["sqlalchemy", "redis"])
        write_section(arguments.write, "strikes", f"{report}\n\n{machine}", writer="strikes")
    for failure in failures:
        print(failure, file=sys.stderr)
    if failures:
        sys.exit(1)


def _run_all(arguments: argparse.Namespace) -> tuple[list[str], list[str]]:
    rows: list[str] = []
    failures: list[str] = []
    for name, url, redis_url in _stores(arguments):
        with (
            tempfile.TemporaryDirectory() as folder,
            url(Path(folder)) as store_url,
            platform(Path(folder), store_url, arguments.processes, redis_url) as served,
        ):
            rows += [_repeat(name, scenario, served, arguments, failures) for scenario in SCENARIOS]
            rows.append(_kills(name, served, arguments, failures))
    return rows, failures


def _repeat(
    store: str,
    scenario: Callable[[Platform, int, random.Random], object],
    served: Platform,
    arguments: argparse.Namespace,
    failures: list[str],
) -> str:
    chance, failed, began = random.Random(arguments.seed), 0, time.monotonic()  # noqa: S311 repeatable
    for number in range(arguments.rounds):
        try:
            scenario(served, arguments.clients, chance)
        except Exception as exc:  # noqa: BLE001 whatever it is, the other runs tell more
            failed += 1
            failures.append(f"{store}, {scenario.__name__}, round {number}: {type(exc).__name__}: {exc}")
    return f"| {store} | {scenario.__name__} | {arguments.rounds} | {failed} | {time.monotonic() - began:.1f} |"


def _kills(store: str, served: Platform, arguments: argparse.Namespace, failures: list[str]) -> str:
    chance, failed, hit, began = random.Random(arguments.seed), 0, 0, time.monotonic()  # noqa: S311 repeatable
    for number in range(arguments.kills):
        try:
            hit += kill(served, arguments.clients, chance)
            served.restart(0)
        except Exception as exc:  # noqa: BLE001 the same
            failed += 1
            failures.append(f"{store}, kill, round {number}: {type(exc).__name__}: {exc}")
    what = f"kill ({hit} with the strike committed and the reply lost)"
    return f"| {store} | {what} | {arguments.kills} | {failed} | {time.monotonic() - began:.1f} |"


def _stores(
    arguments: argparse.Namespace,
) -> Iterator[tuple[str, Callable[[Path], "contextmanager[str]"], str | None]]:  # type: ignore[type-arg]
    yield "SQLite", _sqlite, None
    if arguments.postgresql:
        if arguments.redis:
            redis.Redis.from_url(arguments.redis).flushdb()
            yield "PostgreSQL, Redis", lambda _folder: _schema(arguments.postgresql), arguments.redis
        yield "PostgreSQL alone", lambda _folder: _schema(arguments.postgresql), None


@contextmanager
def _sqlite(folder: Path) -> Iterator[str]:
    yield f"sqlite:///{folder / 'store.db'}"


@contextmanager
def _schema(server: str) -> Iterator[str]:
    schema = f"bench_{secrets.token_hex(8)}"
    engine = open_engine(server)
    try:
        with engine.begin() as connection:
            connection.execute(text(f"CREATE SCHEMA {schema}"))
        url = make_url(server).update_query_dict({"options": f"-csearch_path={schema}"})
        yield url.render_as_string(hide_password=False)
        with engine.begin() as connection:
            connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    finally:
        engine.dispose()


def _table(arguments: argparse.Namespace, rows: list[str]) -> list[str]:
    if not rows:
        return []
    head = f"{arguments.clients} clients of one end user, {arguments.processes} processes, seed {arguments.seed}."
    return [
        "### Strikes",
        "",
        head,
        "",
        "| store | scenario | runs | failed | seconds |",
        "|---|---|---|---|---|",
        *rows,
    ]


def _costs(redis_url: str | None) -> list[str]:
    """Measure what asking costs a request of somebody who has nothing open."""
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{folder}/store.db")
        migrate(engine)
        store, board = StrikeStore(engine), Board(Path(folder) / "board")
        board.write([])
        looking = Strikes(store, StrikeWriter(store), board, pseudonym=_pseudonym)
        lines = [
            "| a clean turn asks | median of 7 |",
            "|---|---|",
            f"| the board, somebody met before | {_timed(lambda: looking.suspect('acc-1', 'alice')):.2f} µs |",
        ]
        if redis_url:
            lines.append(f"| Redis, one request at a time | {asyncio.run(_redis(redis_url, store)):.0f} µs |")
        person = looking.suspect("acc-1", "alice") or looking._meet("acc-1", "alice").person  # noqa: SLF001
        lines.append(f"| the SQLite store, in this thread | {_timed(lambda: store.held(person), 2_000):.0f} µs |")
        engine.dispose()
        return lines


async def _redis(url: str, store: StrikeStore) -> float:
    marks, times = FleetMarks(url), []
    strikes = Strikes(store, StrikeWriter(store), marks, pseudonym=_pseudonym)
    person = strikes.suspect("acc-1", "alice")
    assert person is not None  # noqa: S101 Redis has no memory of its own here
    marks.keep(store, anew=True)
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        for _ in range(1_000):
            await marks.needs_store(person)
        times.append((time.perf_counter() - began) / 1_000)
        marks.keep(store)
    await marks.close()
    return statistics.median(times) * 1e6


def _pseudonym(_account: str, end_user: str) -> str:
    return end_user


def _timed(action: Callable[[], object], times: int = _LOOKS) -> float:
    """Return microseconds for one call, the median of several series."""
    series = []
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        for _ in range(times):
            action()
        series.append((time.perf_counter() - began) / times)
    return statistics.median(series) * 1e6


if __name__ == "__main__":
    main()
