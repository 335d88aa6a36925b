"""Work on large bodies runs beside the loop, within bounds, and is never left alone with its object."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from gateway.errors import ErrorCode, ResourceError
from gateway.proxy.document_thread import DocumentThread


class _Slow:
    """A piece of work that waits until it is let go."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go_on = threading.Event()
        self.done = False

    def __call__(self) -> str:
        self.begun.set()
        assert self.go_on.wait(30)
        self.done = True
        return threading.current_thread().name


@contextmanager
def _thread(**bounds: float) -> Iterator[DocumentThread]:
    thread = DocumentThread(**bounds)  # type: ignore[arg-type] # a number for each
    try:
        yield thread
    finally:
        thread.close()


def test_work_is_done_beside_the_loop() -> None:
    """The loop turns meanwhile, and what the work returns is handed over."""
    slow = _Slow()

    async def main(thread: DocumentThread) -> str:
        work = asyncio.create_task(thread.run(slow))
        await asyncio.to_thread(slow.begun.wait, 30)
        assert not work.done()
        slow.go_on.set()
        return await work

    with _thread() as thread:
        assert asyncio.run(main(thread)).startswith("sluice-document")


def test_an_error_of_the_work_is_handed_over() -> None:
    """As if it had been done here."""
    with _thread() as thread, pytest.raises(ZeroDivisionError):
        asyncio.run(thread.run(lambda: 1 // 0))


def test_a_full_queue_takes_no_more() -> None:
    """The next piece is refused at once; when there is room again, it is taken."""
    slow = _Slow()

    async def main(thread: DocumentThread) -> None:
        work = asyncio.create_task(thread.run(slow))
        await asyncio.to_thread(slow.begun.wait, 30)
        with pytest.raises(ResourceError) as caught:
            await thread.run(int)
        assert caught.value.code is ErrorCode.SCAN_FAILED
        slow.go_on.set()
        await work
        assert await thread.run(int) == 0

    with _thread(limit=1) as thread:
        asyncio.run(main(thread))


def test_a_turn_that_does_not_come_is_given_up() -> None:
    """Behind a piece that takes too long the next ones are refused; the long one itself is waited for."""
    slow, second = _Slow(), _Slow()

    async def main(thread: DocumentThread) -> None:
        work = asyncio.create_task(thread.run(slow))
        await asyncio.to_thread(slow.begun.wait, 30)
        with pytest.raises(ResourceError):
            await thread.run(second)
        assert not work.done()
        slow.go_on.set()
        await work

    with _thread(queue_seconds=0.02) as thread:
        asyncio.run(main(thread))
    assert not second.begun.is_set()


def test_who_gives_up_gets_the_object_back_when_the_work_is_done() -> None:
    """However often it is told to: two threads must not hold one object."""
    slow = _Slow()

    async def main(thread: DocumentThread) -> None:
        work = asyncio.create_task(thread.run(slow))
        await asyncio.to_thread(slow.begun.wait, 30)
        for _ in range(3):
            work.cancel()
            await asyncio.sleep(0)
            assert not work.done()
        slow.go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await work
        assert slow.done

    with _thread() as thread:
        asyncio.run(main(thread))


def test_a_piece_that_was_given_up_before_its_turn_is_not_done() -> None:
    """Its place is free for others."""
    slow, second = _Slow(), _Slow()

    async def main(thread: DocumentThread) -> None:
        work = asyncio.create_task(thread.run(slow))
        await asyncio.to_thread(slow.begun.wait, 30)
        given_up = asyncio.create_task(thread.run(second))
        await asyncio.sleep(0)
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
        slow.go_on.set()
        await work
        assert await thread.run(int) == 0

    with _thread(limit=2) as thread:
        asyncio.run(main(thread))
    assert not second.begun.is_set()


def test_an_error_nobody_waits_for_is_not_reported_as_forgotten() -> None:
    """The one who left has no use for it."""
    slow = _Slow()
    reported: list[object] = []

    def fail() -> None:
        slow()
        raise ZeroDivisionError

    async def main(thread: DocumentThread) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: reported.append(context))
        work = asyncio.create_task(thread.run(fail))
        await asyncio.to_thread(slow.begun.wait, 30)
        work.cancel()
        slow.go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await work

    with _thread() as thread:
        asyncio.run(main(thread))
    assert reported == []
