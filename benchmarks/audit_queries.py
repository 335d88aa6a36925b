"""Questions to the audit index at millions of entries: how long each takes, and how fast the index is filled.

Run from the root of the repository, with the address of a PostgreSQL or SQLite store that is empty::

    python -m benchmarks.audit_queries --store URL                         # ten million entries; an hour, 10 GB
    python -m benchmarks.audit_queries --store URL --entries 1000000       # a tenth of it
    python -m benchmarks.audit_queries --store URL --keep                  # leaves the entries for another run
    python -m benchmarks.audit_queries --store URL --explain               # with the plans

Rules: entries are made up but of the product's own form, and go in by the product's own path, partitions and all; a
few accounts and end users are behind most of them, most risks are rare, one is common, and one came to an end months
ago. Each question is asked many times with other values, through the function that the commands use.
"""

import argparse
import itertools
import random
import shlex
import sqlite3
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa
from rich.console import Console
from rich.progress import track

from benchmarks.audit_entries import Trail
from benchmarks.report import engine_machine_lines, write_section
from gateway.audit.index_rows import insert_rows, rows_of
from gateway.audit.queries import IndexedEntry, Key, Question, find, page_query
from gateway.audit.reader import Position, StoredEntry
from gateway.storage.engine import open_engine
from gateway.storage.migrate import migrate
from gateway.storage.partitions import DAY_US, PARTITIONED, make_partitions
from gateway.storage.schema import AUDIT_ENTRIES

_BATCH_ENTRIES = 5_000
_TIMES = 40
_LIMIT = 100
_NO_LIMIT_SECONDS = 600


class Asked(NamedTuple):
    """A question of the benchmark.

    Attributes:
        what: in words.
        make: gives it, with a value chosen by chance.
        before: behind which entry, for a deep page.
    """

    what: str
    make: Callable[[], Question]
    before: Callable[[], Key | None] = lambda: None


class Measured(NamedTuple):
    """How long a question took.

    Attributes:
        what: in words.
        milliseconds: each time.
        found: entries it gave, on average.
    """

    what: str
    milliseconds: list[float]
    found: float


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Times of questions to the audit index.")
    parser.add_argument("--store", required=True, metavar="URL", help="an empty store that may be filled")
    parser.add_argument("--entries", type=int, default=10_000_000, help="entries to ask among")
    parser.add_argument("--days", type=int, default=190, help="days they are spread over")
    parser.add_argument("--times", type=int, default=_TIMES, help="how often each question is asked")
    parser.add_argument("--keep", action="store_true", help="leave the entries in the store")
    parser.add_argument("--explain", action="store_true", help="put the plans into the report")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the report between its markers in this file")
    return parser.parse_args()


def main() -> int:
    """Fill, ask, and print the report."""
    arguments = parse_arguments()
    engine = open_engine(arguments.store)
    migrate(engine)
    trail = Trail(arguments.entries, arguments.days)
    present = _count(engine)
    if present not in {0, arguments.entries}:
        sys.exit(f"benchmark: the store has {present} entries; give an empty one, or ask for as many with --entries")
    loaded = "" if present else _fill(engine, trail)
    measured = [_ask(engine, asked, arguments.times) for asked in questions(trail)]
    fresh = [_ask_afresh(arguments.store, asked) for asked in questions(trail)]
    text = _report(engine, arguments, loaded, measured, fresh)
    if arguments.explain:
        text += "\n\n" + "\n\n".join(_plan(engine, asked) for asked in questions(trail))
    print(text)
    if arguments.write:
        write_section(arguments.write, "audit queries", text, writer="audit_queries")
    if not arguments.keep:
        _empty(engine)
    engine.dispose()
    return 0


def questions(trail: Trail) -> Sequence[Asked]:
    """Return what is asked: each filter alone and together, with common and with rare values."""
    chance = random.Random(7)  # noqa: S311 it chooses what is asked
    day, week = trail.end_us - DAY_US, trail.end_us - 7 * DAY_US
    account, rare_account = trail.accounts[0], trail.accounts[-1]
    heavy = trail.users[0]

    def user() -> str:
        return chance.choice(trail.users)

    def some_account() -> str:
        return chance.choice(trail.accounts)

    def moment() -> int:
        return chance.randrange(trail.start_us, trail.end_us)

    def hour() -> Question:
        start = moment()
        return Question(since_us=start, until_us=start + DAY_US // 24)

    common, rare, old = trail.common_risk, trail.rare_risk, trail.old_risk
    fixed: dict[str, Question] = {
        "newest": Question(),
        "last day": Question(since_us=day),
        "request that is not there": Question(request_id="absent"),
        "end user, the busiest": Question(end_user=heavy),
        "end user that is not there": Question(end_user="absent"),
        "end user, the busiest, blocked": Question(end_user=heavy, decision="block"),
        "end user, the busiest, rare risk": Question(end_user=heavy, risk=rare),
        "account, the busiest": Question(account=account),
        "account, the least busy": Question(account=rare_account),
        "account, the busiest, blocked": Question(account=account, decision="block"),
        "account that is never blocked, blocked": Question(account=trail.clean_account, decision="block"),
        "account, the busiest, common risk": Question(account=account, risk=common),
        "account that is never blocked, common risk": Question(account=trail.clean_account, risk=common),
        "account, common risk, masked, last week": Question(
            since_us=week, account=account, risk=common, decision="mask"
        ),
        "common risk": Question(risk=common),
        "common risk, last day": Question(risk=common, since_us=day),
        "common risk, blocked": Question(risk=common, decision="block"),
        "rare risk": Question(risk=rare),
        "rare risk, last day": Question(risk=rare, since_us=day),
        "risk that ended months ago": Question(risk=old),
        "risk that is not there": Question(risk="X.absent"),
        "blocked": Question(decision="block"),
        "blocked, last day": Question(decision="block", since_us=day),
        "error": Question(decision="error"),
        "allowed": Question(decision="allow"),
        "allowed, busiest account, last week": Question(decision="allow", account=account, since_us=week),
        "events": Question(type="event"),
    }
    return [
        *(Asked(what, lambda question=question: question) for what, question in fixed.items()),
        Asked("an hour, any", hour),
        Asked("page behind any moment", Question, lambda: Key(moment(), "", 0)),
        Asked(
            "page of the busiest account behind any moment",
            lambda: Question(account=account),
            lambda: Key(moment(), "", 0),
        ),
        Asked(
            "page of the common risk behind any moment", lambda: Question(risk=common), lambda: Key(moment(), "", 0)
        ),
        Asked("request, any", lambda: Question(request_id=trail.request_id(chance.randrange(trail.count)))),
        Asked("end user, any", lambda: Question(end_user=user())),
        Asked("end user, any, last week", lambda: Question(end_user=user(), since_us=week)),
        Asked("end user, any, common risk", lambda: Question(end_user=user(), risk=common)),
        Asked("end user, any, in any account", lambda: Question(end_user=user(), account=some_account())),
        Asked("account, any", lambda: Question(account=some_account())),
        Asked("account, any, blocked", lambda: Question(account=some_account(), decision="block")),
        Asked("risk, any", lambda: Question(risk=chance.choice(trail.risks))),
        Asked(
            "risk and decision, any",
            lambda: Question(risk=chance.choice(trail.risks), decision=chance.choice(["block", "mask", "flag"])),
        ),
        Asked("risk and account, any", lambda: Question(risk=chance.choice(trail.risks), account=some_account())),
    ]


def _fill(engine: sa.Engine, trail: Trail) -> str:
    started = time.perf_counter()
    in_index = 0.0
    batches = track(
        _batched(trail.entries()),
        description="Filling",
        total=-(-trail.count // _BATCH_ENTRIES),
        console=Console(stderr=True),
    )
    sequence = 0
    for batch in batches:
        begun = time.perf_counter()
        stored = [StoredEntry(sequence + at, entry, Position()) for at, entry in enumerate(batch)]
        rows = rows_of(trail.log_id, stored)
        make_partitions(engine, {row.at_us for row in rows.entries})
        with engine.begin() as connection:
            insert_rows(connection, rows)
        sequence += len(batch)
        in_index += time.perf_counter() - begun
    filled = time.perf_counter() - started
    _analyse(engine)
    return (
        f"{trail.count:,} entries in {filled:.0f} s with making them up; by the index's part alone "
        f"{trail.count / in_index:,.0f} entries a second."
    )


def _batched(entries: Iterator[bytes]) -> Iterator[tuple[bytes, ...]]:
    while batch := tuple(itertools.islice(entries, _BATCH_ENTRIES)):
        yield batch


def _analyse(engine: sa.Engine) -> None:
    # As autovacuum does in a running installation; without visibility maps and statistics the figures mean nothing.
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.text(f"SET statement_timeout = '{_NO_LIMIT_SECONDS * 10}s'"))
            connection.execute(sa.text(f"VACUUM ANALYZE {', '.join(PARTITIONED)}"))
            connection.execute(sa.text("RESET statement_timeout"))
        else:
            connection.execute(sa.text("ANALYZE"))


def _ask(engine: sa.Engine, asked: Asked, times: int) -> Measured:
    milliseconds, found = [], 0
    for _ in range(times):
        entries, spent = _timed(engine, asked)
        milliseconds.append(spent)
        found += len(entries)
    return Measured(asked.what, milliseconds, found / times)


def _ask_afresh(store: str, asked: Asked) -> float:
    """Ask over a connection that was just made, as each command does; the connecting is not counted."""
    engine = open_engine(store)
    try:
        return _timed(engine, asked)[1]
    finally:
        engine.dispose()


def _timed(engine: sa.Engine, asked: Asked) -> tuple[list[IndexedEntry], float]:
    question, before = asked.make(), asked.before()
    started = time.perf_counter()
    entries = find(engine, question, before=before, limit=_LIMIT)
    return entries, (time.perf_counter() - started) * 1_000


def _plan(engine: sa.Engine, asked: Asked) -> str:
    query = page_query(asked.make(), asked.before(), _LIMIT).compile(engine, compile_kwargs={"literal_binds": True})
    word = "EXPLAIN (ANALYZE, BUFFERS)" if engine.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.text("SET LOCAL jit = off"))
        # Literal text: a colon in it is no parameter of ours.
        lines = [str(row[-1]) for row in connection.exec_driver_sql(f"{word} {query}".replace("%", "%%"))]
    shown = [line for line in lines if "never executed" not in line]
    return f"{asked.what}\n\n```\n" + "\n".join(shown[:60]) + "\n```"


def _report(
    engine: sa.Engine,
    arguments: argparse.Namespace,
    loaded: str,
    measured: Sequence[Measured],
    fresh: Sequence[float],
) -> str:
    slowest = max(_percentile(each.milliseconds, 0.99) for each in measured)
    return "\n".join(
        [
            "### Questions to the audit index",
            "",
            f"{arguments.entries:,} entries over {arguments.days} days; the newest {_LIMIT} that fit; milliseconds,",
            f"{arguments.times} times each, with reading the rows. Fresh is the first over a new connection.",
            f"Slowest p99: {slowest:.0f} ms; slowest fresh: {max(fresh):.0f} ms. {loaded} {_size(engine)}",
            "",
            "| question | found | p50 ms | p99 ms | fresh ms |",
            "|---|---:|---:|---:|---:|",
            *(
                f"| {each.what} | {each.found:.0f} | {statistics.median(each.milliseconds):.1f} "
                f"| {_percentile(each.milliseconds, 0.99):.1f} | {first:.1f} |"
                for each, first in zip(measured, fresh, strict=True)
            ),
            "",
            f"- Store: {_server(engine)}",
            engine_machine_lines(
                f"python -m benchmarks.audit_queries {shlex.join(_told(sys.argv[1:]))}", ("sqlalchemy", "psycopg")
            ),
        ]
    )


def _told(arguments: Sequence[str]) -> Iterator[str]:
    """Yield the command line without the address, which is this run's and may hold a password."""
    hidden = False
    for argument in arguments:
        yield "URL" if hidden else argument
        hidden = argument == "--store"


def _percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def _count(engine: sa.Engine) -> int:
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.text(f"SET LOCAL statement_timeout = '{_NO_LIMIT_SECONDS}s'"))
        return connection.scalar(sa.select(sa.func.count()).select_from(AUDIT_ENTRIES)) or 0


def _size(engine: sa.Engine) -> str:
    if engine.dialect.name != "postgresql":
        return ""
    query = sa.text(
        "SELECT sum(pg_relation_size(child.oid)), sum(pg_indexes_size(child.oid)) FROM pg_inherits "
        "JOIN pg_class child ON child.oid = inhrelid "
        "WHERE inhparent = ANY(ARRAY['audit_entries', 'audit_risks']::regclass[])"
    )
    with engine.connect() as connection:
        rows, indexes = connection.execute(query).one()
    return f"Rows take {rows / 2**30:.1f} GiB, indexes {indexes / 2**30:.1f} GiB."


def _server(engine: sa.Engine) -> str:
    if engine.dialect.name != "postgresql":
        return f"SQLite {sqlite3.sqlite_version}"
    with engine.connect() as connection:
        version = connection.scalar(sa.text("SELECT version()"))
        buffers = connection.scalar(sa.text("SHOW shared_buffers"))
    return f"{str(version).partition(' on ')[0]}, shared_buffers {buffers}"


def _empty(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        word = "TRUNCATE" if engine.dialect.name == "postgresql" else "DELETE FROM"
        for table in PARTITIONED:
            connection.execute(sa.text(f"{word} {table}"))


if __name__ == "__main__":
    sys.exit(main())
