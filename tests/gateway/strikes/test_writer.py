"""The strike writer: what was taken is written, and nobody waits for ever."""

import asyncio
import threading
from collections.abc import Iterable, Sequence

import pytest
from sqlalchemy import Engine

from filters.findings import Severity
from gateway.protocol.strikes import Measure
from gateway.storage.engine import StorageError
from gateway.strikes.person import Person
from gateway.strikes.store import Note, Noted, StrikeStore
from gateway.strikes.writer import PENDING_LIMIT, StrikeWriter

ALICE = Person("acc-1", "alice")


def note(number: int) -> Note:
    """Return a strike."""
    return Note(ALICE, f"r{number}", Severity.HIGH, True, ())  # noqa: FBT003 the present turn's


class Stuck(StrikeStore):
    """A store that answers when it is let go."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.free = threading.Event()
        self.batches: list[int] = []

    def note(self, notes: Sequence[Note]) -> Noted:
        """Wait, then count."""
        self.free.wait(30)
        self.batches.append(len(notes))
        return super().note(notes)

    def end_rows(self, people: Iterable[Person]) -> None:
        """Fail."""
        raise StorageError("away")


def test_strikes_that_wait_are_written_together(sqlite_engine: Engine) -> None:
    """One transaction for all, in their order."""

    async def run() -> list[Measure]:
        store = Stuck(sqlite_engine)
        writer = StrikeWriter(store)
        writer.start()
        first = asyncio.create_task(writer.note(note(0)))
        others = [asyncio.create_task(writer.note(note(number))) for number in range(1, 5)]
        await asyncio.sleep(0)
        store.free.set()
        told = [(await each).outcome.measure for each in (first, *others)]
        await asyncio.to_thread(writer.close)
        assert sum(store.batches) == 5
        assert len(store.batches) <= 3
        return told

    assert asyncio.run(run()) == ["counted", "warned", "suspended", "refused", "refused"]


def test_who_leaves_is_counted_all_the_same(sqlite_engine: Engine) -> None:
    """A client cannot undo a violation by hanging up."""

    async def run() -> None:
        store = Stuck(sqlite_engine)
        writer = StrikeWriter(store)
        writer.start()
        waiting = [asyncio.create_task(writer.note(note(number))) for number in range(2)]
        await asyncio.sleep(0)
        for each in waiting:
            each.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        store.free.set()
        await asyncio.to_thread(writer.close)

    asyncio.run(run())
    assert StrikeStore(sqlite_engine).held(ALICE).counts.consecutive == 2


def test_a_full_queue_says_so(sqlite_engine: Engine) -> None:
    """Closed: what cannot be counted is not answered."""

    async def run() -> None:
        writer = StrikeWriter(StrikeStore(sqlite_engine))
        waiting = [asyncio.create_task(writer.note(note(number))) for number in range(PENDING_LIMIT)]
        await asyncio.sleep(0)
        with pytest.raises(StorageError, match="wait to be written"):
            await writer.end_row(ALICE)
        for each in waiting:
            each.cancel()

    asyncio.run(run())


def test_a_store_that_fails_is_told_to_whoever_waits(sqlite_engine: Engine) -> None:
    """And the thread lives on."""

    async def run() -> None:
        store = Stuck(sqlite_engine)
        store.free.set()
        writer = StrikeWriter(store)
        writer.start()
        with pytest.raises(StorageError, match="away"):
            await writer.end_row(ALICE)
        assert (await writer.note(note(0))).outcome.measure is Measure.COUNTED
        await asyncio.to_thread(writer.close)

    asyncio.run(run())
