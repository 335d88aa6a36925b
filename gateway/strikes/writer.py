"""The strike writer: one thread that writes for all exchanges of a worker, several strikes in one transaction.

Rules: what was taken is written, whether or not anybody still waits for it, so a client that leaves early is counted
all the same; what waits is bounded, and who finds no room is told so at once.
"""

import asyncio
import contextlib
import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future, InvalidStateError
from itertools import groupby
from typing import Any, NamedTuple

from gateway.protocol.strikes import StrikeOutcome
from gateway.storage.engine import StorageError
from gateway.strikes.person import Person
from gateway.strikes.store import Note, Noted, StrikeStore

PENDING_LIMIT = 512
"""Strikes, and ends of rows, that wait to be written."""

BATCH_LIMIT = 64
"""Strikes in one transaction: more would hold the others' lock for too long."""


class _Work(NamedTuple):
    item: Note | Person  # a strike, or whose row ends
    done: "Future[Any]"


class NotedOne(NamedTuple):
    """What became of one strike.

    Attributes:
        outcome: what it led to.
        marked: False when others may not know of it yet.
    """

    outcome: StrikeOutcome
    marked: bool


class StrikeWriter:
    """Writes strikes; `note` and `end_row` belong to an event loop.

    Args:
        store: where they are written.
    """

    def __init__(self, store: StrikeStore) -> None:
        self._store = store
        self._waiting: queue.Queue[_Work | None] = queue.Queue(PENDING_LIMIT)
        self._ended = False  # the stop was met within a batch
        self._thread = threading.Thread(target=self._run, name="strikes-write", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    async def note(self, note: Note) -> NotedOne:
        """Count a strike; it is committed when this returns, and will be when this is cancelled.

        Raises:
            StorageError: the store fails, or too much waits for it.
            ResourceError: the audit trail takes no entry.
        """
        done: NotedOne = await self._put(note)
        return done

    async def end_row(self, person: Person) -> None:
        """Put down that a person's prompt was not blocked.

        Raises:
            StorageError: the store fails, or too much waits for it.
        """
        await self._put(person)

    def close(self) -> None:
        """Write what waits, and stop; blocks."""
        self._waiting.put(None)
        self._thread.join()

    async def _put(self, item: Note | Person) -> Any:  # noqa: ANN401 what the thread answers
        work = _Work(item, Future())
        try:
            self._waiting.put_nowait(work)
        except queue.Full:
            raise StorageError(f"{PENDING_LIMIT} strikes wait to be written. The store may be slow.") from None
        # Shielded, since cancelling it would cancel the future that the thread is about to answer.
        return await asyncio.shield(asyncio.wrap_future(work.done))

    def _run(self) -> None:
        while not self._ended and (first := self._waiting.get()) is not None:
            batch = [first, *self._take_more()]
            # In the order in which they came: a row that ended between two strikes has ended.
            for is_note, group in groupby(batch, lambda work: isinstance(work.item, Note)):
                works = list(group)
                self._carry_out(works, is_note=is_note)

    def _take_more(self) -> Sequence[_Work]:
        more: list[_Work] = []
        while len(more) < BATCH_LIMIT - 1:
            try:
                work = self._waiting.get_nowait()
            except queue.Empty:
                break
            if work is None:
                self._ended = True
                break
            more.append(work)
        return more

    def _carry_out(self, works: Sequence[_Work], *, is_note: bool) -> None:
        try:
            answers: Sequence[Any] = self._note(works) if is_note else self._end_rows(works)
        # Whatever it is: a thread that died would leave everybody waiting.
        except Exception as exc:  # noqa: BLE001 the outermost frame of a thread; each exchange is told
            for work in works:
                with contextlib.suppress(InvalidStateError):
                    work.done.set_exception(exc)
            return
        for work, answer in zip(works, answers, strict=True):
            with contextlib.suppress(InvalidStateError):
                work.done.set_result(answer)

    def _note(self, works: Sequence[_Work]) -> Sequence[NotedOne]:
        noted: Noted = self._store.note([work.item for work in works if isinstance(work.item, Note)])
        return [NotedOne(outcome, noted.marked) for outcome in noted.outcomes]

    def _end_rows(self, works: Sequence[_Work]) -> Sequence[None]:
        self._store.end_rows({work.item for work in works if isinstance(work.item, Person)})
        return [None] * len(works)
