"""A client hears something while nothing comes, and never in the middle of what does."""

import asyncio
import gc
import weakref
from collections.abc import MutableMapping
from typing import Any

from gateway.proxy.keep_alive import KeepAlive
from tests.raw_server import turn_loop, until

COMMENT = b": keep-alive\n\n"
NEVER_SECONDS = 600.0


class _Line:
    """A client's line, which may take nothing until it is free."""

    def __init__(self, *, free: bool = True) -> None:
        self.free = asyncio.Event()
        self.sent: list[bytes] = []
        self.asked = 0
        self.comment = COMMENT
        if free:
            self.free.set()

    def ask(self) -> bytes:
        """Say what a client that waited is told."""
        self.asked += 1
        return self.comment

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """Take a message once the line is free."""
        await self.free.wait()
        assert message["more_body"] is True
        self.sent.append(message["body"])


def _piece(data: bytes) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": True}


def test_comments_come_for_as_long_as_nothing_else_does() -> None:
    """One after each silence, until the stream ends."""

    async def main() -> None:
        line = _Line()
        keep_alive = KeepAlive(0.001, line.ask, line.send)
        await until(lambda: len(line.sent) >= 3)
        await keep_alive.send(_piece(b"frame"))
        keep_alive.stop()
        assert line.sent[-1] == b"frame"
        assert set(line.sent[:-1]) == {COMMENT}

    asyncio.run(main())


def test_what_follows_waits_for_a_comment_on_its_way() -> None:
    """Nothing overtakes it, and nothing gets into it."""

    async def main() -> None:
        line = _Line(free=False)
        keep_alive = KeepAlive(0.001, line.ask, line.send)
        await until(lambda: line.asked == 1)
        following = asyncio.create_task(keep_alive.send(_piece(b"frame")))
        await turn_loop()
        assert not following.done()
        line.free.set()
        await following
        keep_alive.stop()
        assert line.sent[:2] == [COMMENT, b"frame"]

    asyncio.run(main())


def test_nothing_is_added_while_something_is_on_its_way() -> None:
    """A line that takes nothing gets no comment behind a frame, nor a second one behind a comment."""

    async def main() -> None:
        line = _Line(free=False)
        keep_alive = KeepAlive(NEVER_SECONDS, line.ask, line.send)
        sending = asyncio.create_task(keep_alive.send(_piece(b"frame")))
        await turn_loop()
        keep_alive._look()
        assert line.asked == 0
        line.free.set()
        await sending
        line.free.clear()
        keep_alive._sent_ns = 1
        keep_alive._look()
        keep_alive._look()
        assert line.asked == 1
        keep_alive.stop()

    asyncio.run(main())


def test_a_stream_that_sends_is_left_alone() -> None:
    """A look finds that something left a moment ago, and comes again when that is too long ago."""

    async def main() -> None:
        line = _Line()
        keep_alive = KeepAlive(NEVER_SECONDS, line.ask, line.send)
        keep_alive._look_timer.cancel()
        await keep_alive.send(_piece(b"frame"))
        keep_alive._look()
        assert line.asked == 0
        assert keep_alive._look_timer.when() <= asyncio.get_running_loop().time() + NEVER_SECONDS
        keep_alive.stop()
        assert keep_alive._look_timer.cancelled()

    asyncio.run(main())


def test_whoever_decides_may_have_nothing_to_say() -> None:
    """Then nothing is sent, and it is asked again later."""

    async def main() -> None:
        line = _Line()
        line.comment = b""
        keep_alive = KeepAlive(0.001, line.ask, line.send)
        await until(lambda: line.asked >= 2)
        keep_alive.stop()
        assert line.sent == []

    asyncio.run(main())


def test_a_comment_nobody_takes_ends_with_its_stream() -> None:
    """It is cancelled, and keeps nothing in memory."""

    async def leave() -> "weakref.ref[_Line]":
        line = _Line(free=False)
        keep_alive = KeepAlive(NEVER_SECONDS, line.ask, line.send)
        keep_alive._sent_ns = 1
        keep_alive._look()
        await turn_loop()
        comment = keep_alive._comment
        keep_alive.stop()
        await turn_loop()
        assert comment is not None
        assert comment.cancelled()
        return weakref.ref(line)

    gc.disable()
    try:
        assert asyncio.run(leave())() is None
    finally:
        gc.enable()
