"""Accounts at the size of a large platform: look-ups, memory, revocation over processes, and what timing gives away.

Run from the root of the repository::

    python -m benchmarks.accounts                                 # SQLite; about four minutes
    python -m benchmarks.accounts --store postgresql+psycopg://…  # the same on an empty PostgreSQL
    python -m benchmarks.accounts --only timing --accounts 1000   # one part, smaller

`lookup` asks the directory of a worker for random keys among all accounts and says what one answer takes, and what
one remembered key takes of memory. `revocation` has several processes ask for one key without pause, takes it away,
and says when the last of them refused it. `timing` compares how long answers take: to wrong keys of chance, to wrong
keys that share all but their last characters with a right one, and to right ones, from memory and from the store,
and over HTTP. Exit status 1 when a bound is missed.
"""

import argparse
import asyncio
import contextlib
import gc
import itertools
import math
import multiprocessing
import random
import secrets
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from http.client import HTTPConnection
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.progress import Progress
from sqlalchemy import Engine, insert

from benchmarks.client import CHAT_PATH
from benchmarks.processes import choose_cores
from benchmarks.servers import started_gateway
from gateway.accounts.account import Account, AccountKind
from gateway.accounts.cache import KNOWN_ENTRIES
from gateway.accounts.directory import AccountDirectory
from gateway.accounts.keys import key_digest, new_key
from gateway.accounts.rows import account_row
from gateway.accounts.store import AccountStore
from gateway.errors import RequestError
from gateway.storage.engine import open_engine
from gateway.storage.migrate import migrate
from gateway.storage.schema import ACCOUNT_KEYS, ACCOUNTS

_ADDRESS = "192.0.2.1"
_LOOKUP_US = 10.0
_REVOKED_SECONDS = 2.0
_PROCESSES = 4
_ROUNDS = 10
# Wrong keys are remembered for ten seconds, ten thousand of them: few enough to be asked for again within that time.
_WARM, _COLD, _HTTP = 3_000, 2_000, 3_000
_USABLE = 0.03
"""How far from one half the chance may be that one kind of answer is slower than the other."""
_UNLIMITED = 1_000_000
_PATIENCE_SECONDS = 30.0


class Sample(NamedTuple):
    """How long answers to keys of one kind took.

    Attributes:
        name: of the kind.
        ns: nanoseconds of each.
    """

    name: str
    ns: list[int]


def main() -> None:
    """Measure, and say what came out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--store", help="URL of an empty store; an SQLite file otherwise")
    parser.add_argument("--only", choices=["lookup", "revocation", "timing"])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = arguments.store or f"sqlite:///{folder}/store.db"
        migrate(url)
        engine = open_engine(url)
        keys = _fill(engine, arguments.accounts)
        print(f"{engine.dialect.name}, {len(keys)} accounts, memory for {KNOWN_ENTRIES} keys")
        parts: dict[str, Callable[[], bool]] = {
            "lookup": lambda: asyncio.run(_lookup(engine, keys)),
            "revocation": lambda: _revocation(engine, url),
            "timing": lambda: asyncio.run(_timing(engine, keys)) & _timing_over_http(Path(folder)),
        }
        good = [part() for name, part in parts.items() if arguments.only in {None, name}]
        engine.dispose()
    raise SystemExit(0 if all(good) else 1)


def _fill(engine: Engine, count: int) -> list[str]:
    keys = [new_key() for _ in range(count)]
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        for start in progress.track(range(0, count, 1_000), description="making accounts"):
            accounts = [_account(start + at) for at in range(min(1_000, count - start))]
            with engine.begin() as connection:
                connection.execute(insert(ACCOUNTS), [account_row(each) | {"changed_in": 0} for each in accounts])
                rows = [
                    {"digest": key_digest(key), "account_id": each.id, "created_at_us": 1}
                    for each, key in zip(accounts, keys[start:], strict=False)
                ]
                connection.execute(insert(ACCOUNT_KEYS), rows)
    return keys


def _account(number: int) -> Account:
    account_id = f"acc-{number:08x}{secrets.token_hex(4)}"
    return Account(account_id, f"customer-{number}", AccountKind.USER, "default", 1, None, None, ())


async def _lookup(engine: Engine, keys: Sequence[str]) -> bool:
    """Measure answers from memory, among as many accounts as memory holds."""
    directory = AccountDirectory(AccountStore(engine))
    await directory.refresh()
    known = keys[:KNOWN_ENTRIES]
    # Read beforehand, so that what is counted below is what stays in memory.
    credentials = {key: AccountStore(engine).find_by_digest(key_digest(key)) for key in known[:2_000]}
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for key in credentials:
        await directory.authenticate(key, _ADDRESS, 1)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    for key in known:
        await directory.authenticate(key, _ADDRESS, 1)
    gc.collect()
    gc.freeze()
    taken = sorted(_timed(directory, random.choice(known)) for _ in range(200_000))  # noqa: S311 no secret
    p50, p99 = (taken[len(taken) * part // 100] / 1000 for part in (50, 99))
    each = (after - before) / len(credentials)
    print(f"  from memory: p50 {p50:.2f} µs, p99 {p99:.2f} µs, of 200,000 keys at random among {len(known)}")
    print(
        f"  a remembered key takes {each:.0f} bytes, {KNOWN_ENTRIES} of them {each * KNOWN_ENTRIES / 2**20:.0f} MiB"
    )
    directory.close()
    return p50 <= _LOOKUP_US


def _timed(directory: AccountDirectory, key: str) -> int:
    began = time.perf_counter_ns()
    directory.cached(key, _ADDRESS, 1)
    return time.perf_counter_ns() - began


def _revocation(engine: Engine, url: str) -> bool:
    """Take keys away while several processes use them."""
    store, spawning = AccountStore(engine), multiprocessing.get_context("spawn")
    slowest: dict[str, float] = {}
    actions: dict[str, Callable[[str], object]] = {
        "disabled": lambda name: store.disable(name, time.time_ns() // 1000),
        "rotated without overlap": lambda name: store.rotate(name, 0, time.time_ns() // 1000),
    }
    for said, act in actions.items():
        for _ in range(_ROUNDS):
            account, key = store.create(f"revoked-{secrets.token_hex(6)}", AccountKind.USER, at_us=1)
            pipes, processes = [], []
            for _ in range(_PROCESSES):
                mine, theirs = spawning.Pipe()
                process = spawning.Process(target=_use_until_refused, args=(url, key, theirs), daemon=True)
                process.start()
                pipes.append(mine)
                processes.append(process)
            for pipe in pipes:
                pipe.recv()
            # At any moment between two polls.
            time.sleep(random.random())  # noqa: S311 no secret
            act(account.name)
            at = time.time()
            last = max(pipe.recv() for pipe in pipes) - at
            slowest[said] = max(slowest.get(said, 0.0), last)
            for process in processes:
                process.join()
        print(f"  {said}: refused by all {_PROCESSES} processes within {slowest[said]:.2f} s, of {_ROUNDS} times")
    return max(slowest.values()) <= _REVOKED_SECONDS


def _use_until_refused(url: str, key: str, pipe: Connection) -> None:
    asyncio.run(_use(url, key, pipe))


async def _use(url: str, key: str, pipe: Connection) -> None:
    engine = open_engine(url)
    directory = AccountDirectory(AccountStore(engine))
    watching = asyncio.create_task(directory.watch())
    await directory.authenticate(key, _ADDRESS, 1)
    pipe.send("ready")
    while True:
        try:
            await directory.authenticate(key, _ADDRESS, time.time_ns() // 1000)
        except RequestError:
            break
        # Often enough for the figure, and seldom enough for the processes to share two cores.
        await asyncio.sleep(0.005)
    pipe.send(time.time())
    watching.cancel()
    directory.close()
    engine.dispose()


async def _timing(engine: Engine, keys: Sequence[str]) -> bool:
    """Compare answers of the directory: to the same keys at first from the store, and then from memory."""
    good = True
    for place, count in (("store", _COLD), ("memory", _WARM)):
        directory = AccountDirectory(AccountStore(engine), failures_per_minute=_UNLIMITED)
        await directory.refresh()
        chosen = keys[: min(count, len(keys))]
        kinds = {
            "chance": [new_key() for _ in chosen],
            "near": [_near(key) for key in chosen],
            "right": list(chosen),
        }
        order = [(name, key) for name, of_kind in kinds.items() for key in of_kind]
        random.shuffle(order)
        if place == "memory":
            for _, key in order:
                await _answer_ns(directory, key)
            random.shuffle(order)
        samples = {name: Sample(name, []) for name in kinds}
        for name, key in order:
            samples[name].ns.append(await _answer_ns(directory, key))
        good &= _compare(f"from the {place}", samples)
        directory.close()
    return good


async def _answer_ns(directory: AccountDirectory, key: str) -> int:
    began = time.perf_counter_ns()
    with contextlib.suppress(RequestError):
        await directory.authenticate(key, _ADDRESS, 1)
    return time.perf_counter_ns() - began


def _near(key: str) -> str:
    """Return a key that shares all but its last characters, which are too many for one to come twice."""
    return key[:-6] + secrets.token_urlsafe(6)[:6]


def _timing_over_http(folder: Path) -> bool:
    """Compare refusals as a client sees them."""
    settings = {"SLUICE_SERVER__UNKNOWN_KEYS_PER_MINUTE": str(_UNLIMITED)}
    directory = folder / "gateway"
    directory.mkdir()
    with started_gateway(directory, choose_cores(), settings) as bench:
        kinds = {"chance": new_key, "near": lambda: _near(bench.key)}
        samples = {name: Sample(name, []) for name in kinds}
        connection = HTTPConnection("127.0.0.1", bench.gateway.port, timeout=_PATIENCE_SECONDS)
        order = [name for name in kinds for _ in range(_HTTP)]
        random.shuffle(order)
        for name in order:
            headers = {"authorization": f"Bearer {kinds[name]()}", "content-type": "application/json"}
            began = time.perf_counter_ns()
            connection.request("POST", CHAT_PATH, b"{}", headers)
            connection.getresponse().read()
            samples[name].ns.append(time.perf_counter_ns() - began)
        connection.close()
    return _compare("over HTTP", samples)


def _compare(title: str, samples: dict[str, Sample]) -> bool:
    """Say how kinds of keys differ; near misses must not be told from keys of chance."""
    good = True
    for name, sample in samples.items():
        quarters = [sorted(sample.ns)[len(sample.ns) * part // 100] / 1000 for part in (25, 50, 75)]
        print(
            f"  {title}: {name:6}  quartiles {' '.join(f'{each:9.2f}' for each in quarters)} µs, n={len(sample.ns)}"
        )
    for other in samples.keys() - {"chance"}:
        chance, error = _superiority(samples["chance"].ns, samples[other].ns)
        judged = ""
        if other == "near":
            fine = abs(chance - 0.5) <= max(_USABLE, 3 * error)
            good, judged = good and fine, " as it must be" if fine else " TOO FAR FROM 0.5"
        print(f"  {title}: {other} slower than chance with probability {chance:.3f} ± {2 * error:.3f}{judged}")
    return good


def _superiority(one: Sequence[int], other: Sequence[int]) -> tuple[float, float]:
    """Return the probability that a value of the second is larger, by ranks (Mann and Whitney), and its error."""
    joined = sorted([(value, 0) for value in one] + [(value, 1) for value in other])
    ranks, at = 0.0, 0
    for size in _ties(joined):
        # Equal values share the mean of their ranks.
        mean = at + (size + 1) / 2
        ranks += mean * sum(which for _, which in joined[at : at + size])
        at += size
    n, m = len(one), len(other)
    return (ranks - m * (m + 1) / 2) / (n * m), math.sqrt((n + m + 1) / (12 * n * m))


def _ties(joined: Sequence[tuple[int, int]]) -> Iterator[int]:
    size = 1
    for (before, _), (value, _) in itertools.pairwise(joined):
        if value == before:
            size += 1
        else:
            yield size
            size = 1
    yield size


if __name__ == "__main__":
    main()
