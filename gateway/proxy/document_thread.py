"""The document thread: large bodies are unpacked, read, judged and written here, so that no other exchange waits.

Rules: the queue is bounded in length and in time; what works on an object in the thread is never left alone with it:
whoever waits gets the object back when the thread is done with it, also when the wait is cancelled.

Apart from the scan pool: a scan may take seconds, and a body that waited for one would be late for no reason.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from gateway.errors import ErrorCode, ResourceError

_T = TypeVar("_T")


class DocumentThread:
    """One thread for pieces of work that would hold up the event loop.

    Args:
        limit: most pieces queued or running.
        queue_seconds: longest that a piece may wait for its turn.
    """

    def __init__(self, limit: int = 64, queue_seconds: float = 5.0) -> None:
        self._limit = limit
        self._queue_seconds = queue_seconds
        self._pending = 0
        # One thread: a second would only compete with the loop for the interpreter lock.
        self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sluice-document")

    async def run(self, work: Callable[[], _T]) -> _T:
        """Do a piece of work; return or raise what it does.

        Raises:
            ResourceError: the queue is full, or the turn did not come in time; nothing was done.
        """
        if self._pending >= self._limit:
            raise _busy()
        self._pending += 1
        job = self._threads.submit(work)
        waiting = asyncio.wrap_future(job)
        waiting.add_done_callback(self._done)
        try:
            await asyncio.wait([waiting], timeout=self._queue_seconds)
            # Cancelled before its turn it never begins; a piece that has begun is waited for, however long.
            if not waiting.done() and job.cancel():
                raise _busy()
            return await asyncio.shield(waiting)
        except asyncio.CancelledError:
            await _outlast(job, waiting)
            raise

    def close(self) -> None:
        """Stop the thread; the piece under way is finished, queued ones are dropped."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _done(self, _work: "asyncio.Future[Any]") -> None:
        self._pending -= 1


async def _outlast(job: "Future[Any]", waiting: "asyncio.Future[Any]") -> None:
    """Wait until the thread is done with a piece of work, however often the wait is cancelled."""
    job.cancel()
    while not waiting.done():
        try:
            await asyncio.wait([waiting])
        except asyncio.CancelledError:
            continue
    if not waiting.cancelled():
        waiting.exception()  # looked at, or the loop would report it as forgotten


def _busy() -> ResourceError:
    return ResourceError("too many large bodies at a time", ErrorCode.SCAN_FAILED)
