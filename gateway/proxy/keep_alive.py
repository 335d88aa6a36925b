"""Signs of life for the client of a stream, while the model is silent or what it said is held back.

Rules: whether anything is said, and what, the exchange decides; a comment leaves between two messages and never in
one; while something is on its way to the client nothing is added, since its line is what is slow; a busy stream pays
one look in so many seconds, and for each message a note of when it left.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

_Message = MutableMapping[str, Any]


class KeepAlive:
    """Sends a stream's messages, and comments where there are none for too long.

    Args:
        seconds: longest silence.
        ask: says what a client that waited is told now; empty for nothing.
        send: ASGI.
    """

    __slots__ = ("_ask", "_comment", "_look_timer", "_seconds", "_send", "_sent_ns")

    def __init__(self, seconds: float, ask: Callable[[], bytes], send: Callable[[_Message], Awaitable[None]]) -> None:
        self._seconds = seconds
        self._ask = ask
        self._send = send
        self._comment: asyncio.Task[None] | None = None
        self._sent_ns = time.perf_counter_ns()  # 0 while something is on its way
        self._look_after(seconds)

    async def send(self, message: _Message) -> None:
        """Send a message of the stream."""
        # Behind a comment on its way: nothing overtakes it, and nothing gets into it.
        if self._comment is not None:
            await self._comment
            self._comment = None
        self._sent_ns = 0
        await self._send(message)
        self._sent_ns = time.perf_counter_ns()

    def stop(self) -> None:
        """Say no more; a comment on its way is dropped."""
        self._look_timer.cancel()
        if self._comment is not None:
            self._comment.cancel()
            # Cancelled, it keeps its frames, and those us.
            self._comment = None

    def _look_after(self, seconds: float) -> None:
        self._look_timer = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        left_seconds = self._seconds - (time.perf_counter_ns() - self._sent_ns) / 1e9
        if left_seconds <= 0 and self._sent_ns and (comment := self._ask()):
            self._sent_ns = 0
            # In a task of its own: the exchange's waits for the model server, and must not miss what it says.
            self._comment = asyncio.get_running_loop().create_task(self._say(comment))
        self._look_after(left_seconds if left_seconds > 0 else self._seconds)

    async def _say(self, comment: bytes) -> None:
        await self._send({"type": "http.response.body", "body": comment, "more_body": True})
        self._sent_ns = time.perf_counter_ns()
