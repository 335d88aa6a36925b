"""Marks in Redis: believed while they are known to be complete, and never else."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
import redis
from sqlalchemy import Engine

from filters.findings import Severity
from gateway.sockets import open_socket
from gateway.strikes.fleet import FleetMarks
from gateway.strikes.person import Person
from gateway.strikes.store import Note, StrikeStore

pytestmark = pytest.mark.redis
ALICE, BOB = Person("acc-1", "alice"), Person("acc-1", "bob")


def with_marks(url: str, action: Callable[[FleetMarks], Awaitable[None]]) -> None:
    """Run something with marks of its own."""

    async def run() -> None:
        marks = FleetMarks(url)
        try:
            await action(marks)
        finally:
            await marks.close()

    asyncio.run(run())


def violate(store: StrikeStore, person: Person) -> bool:
    """Count a strike; return whether it is marked."""
    return store.note([Note(person, "r", Severity.HIGH, True, ())]).marked  # noqa: FBT003 the present turn's


def test_marks_are_believed_once_they_were_written(sqlite_engine: Engine, redis_url: str) -> None:
    """Until then everybody is looked up."""

    async def run(marks: FleetMarks) -> None:
        store = StrikeStore(sqlite_engine)
        violate(store, ALICE)
        assert await marks.needs_store(BOB)
        assert marks.keep(store)
        assert await marks.needs_store(ALICE)
        assert not await marks.needs_store(BOB)

    with_marks(redis_url, run)


def test_another_machine_sees_a_mark_before_the_commit(sqlite_engine: Engine, redis_url: str) -> None:
    """Its own client, its own connection."""

    async def run(marks: FleetMarks) -> None:
        store = StrikeStore(sqlite_engine, marks=marks)
        marks.keep(store)
        other = FleetMarks(redis_url)
        assert not await other.needs_store(ALICE)
        assert violate(store, ALICE)
        assert await other.needs_store(ALICE)
        await other.close()

    with_marks(redis_url, run)


def test_writing_them_anew_clears_what_nobody_needs(sqlite_engine: Engine, redis_url: str) -> None:
    """A row that ended."""

    async def run(marks: FleetMarks) -> None:
        store = StrikeStore(sqlite_engine, marks=marks)
        marks.keep(store)
        violate(store, ALICE)
        store.end_rows([ALICE])
        marks.keep(store)
        assert await marks.needs_store(ALICE)
        marks.keep(store, anew=True)
        assert not await marks.needs_store(ALICE)

    with_marks(redis_url, run)


def test_a_strike_without_a_mark_ends_the_lease(sqlite_engine: Engine, redis_url: str) -> None:
    """Nobody renews it before the set was written anew, and then the strike is in it."""

    async def run(marks: FleetMarks) -> None:
        store = StrikeStore(sqlite_engine)
        marks.keep(store)
        with open_socket("127.0.0.1", 0) as silent:
            away = FleetMarks(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
            assert not violate(StrikeStore(sqlite_engine, marks=away), ALICE)
            await away.close()
        assert not await marks.needs_store(ALICE), "the lease lasts; whoever counted waits for it"
        marks.keep(store)
        assert await marks.needs_store(ALICE)
        assert not await marks.needs_store(BOB)

    with_marks(redis_url, run)


def test_a_lease_ends_when_nobody_renews_it(sqlite_engine: Engine, redis_url: str) -> None:
    """It is a key with an end, three seconds from the time Redis gave."""

    async def run(marks: FleetMarks) -> None:
        marks.keep(StrikeStore(sqlite_engine))
        with redis.Redis.from_url(redis_url) as client:
            assert 0 < client.pttl("sluice:strikes:lease") <= 3000
            client.delete("sluice:strikes:lease")
        assert await marks.needs_store(BOB)

    with_marks(redis_url, run)


def test_a_redis_that_was_emptied_is_not_believed(sqlite_engine: Engine, redis_url: str) -> None:
    """Nor one with a set of another run in it."""

    async def run(marks: FleetMarks) -> None:
        store = StrikeStore(sqlite_engine, marks=marks)
        marks.keep(store)
        violate(store, ALICE)
        with redis.Redis.from_url(redis_url) as client:
            client.flushdb()
            assert await marks.needs_store(ALICE)
            client.set("sluice:strikes:built", "another-run/0")
            client.set("sluice:strikes:open", "stale", px=1)
            marks.keep(store)
        assert await marks.needs_store(ALICE)
        assert not await marks.needs_store(BOB)

    with_marks(redis_url, run)


def test_who_lost_the_lock_writes_nothing(
    sqlite_engine: Engine, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mark that was set meanwhile stays."""

    async def run(marks: FleetMarks) -> None:
        store, other = StrikeStore(sqlite_engine), FleetMarks(redis_url)
        marks.keep(store)
        read = marks._setting.get

        def read_slowly(key: str) -> object:
            epoch = read(key)
            other.set([ALICE])
            return epoch

        with monkeypatch.context() as patch:
            patch.setattr(marks._setting, "get", read_slowly)
            marks._write([], 0)
        assert await marks.needs_store(ALICE)
        await other.close()

    with_marks(redis_url, run)


def test_without_redis_everybody_is_looked_up(sqlite_engine: Engine) -> None:
    """Exact, and slower; it is left alone for a while, so that not every request waits for it."""

    async def run(marks: FleetMarks) -> None:
        assert await marks.needs_store(BOB)
        assert await marks.needs_store(BOB)
        assert not marks.set([BOB])
        assert not marks.keep(StrikeStore(sqlite_engine))

    with open_socket("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
    with_marks(f"redis://127.0.0.1:{port}/0", run)
