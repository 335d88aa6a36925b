"""One connection to the model server: sends a request, hands its reply to one reader.

Rules: at most one exchange at a time; unread body is bounded by ``BUFFER_LIMIT_BYTES`` plus one read of the loop,
then reading stops until the reader has taken it; time runs only while we wait for the upstream, so a slow client
times it out only when the whole exchange takes longer than it may; every failure reaches the reader as an
UpstreamError, after the bytes that came before it.
No task is ever made: one future wakes the one who waits.
"""

import asyncio
import math
import select
from collections.abc import Callable
from typing import Final, NamedTuple, cast

from gateway.errors import ErrorCode, UpstreamError
from gateway.proxy.upstream.reply import ReplyParser

BUFFER_LIMIT_BYTES: Final = 64 * 1024
WRITE_BYTES: Final = 64 * 1024


class Timeouts(NamedTuple):
    """How long each wait for the upstream may last.

    Attributes:
        connect_seconds: for a place in the pool; then again for DNS, TCP and TLS together.
        first_byte_seconds: from the request being written to the reply's head being whole.
        idle_seconds: between bytes of the body, and for the upstream to take more of a large request.
        total_seconds: from the request to the end of its reply, whatever is waited for.
    """

    connect_seconds: float
    first_byte_seconds: float
    idle_seconds: float
    total_seconds: float = math.inf


class Connection(asyncio.Protocol):
    """One TCP or TLS connection, for as long as it lives.

    Attributes:
        reply: the reply under way.
        closed: whether it is closed or closing.
        reused: whether an earlier exchange went over it.
    """

    __slots__ = (
        "_deadline",
        "_end_at",
        "_error",
        "_loop",
        "_on_lost",
        "_poll",
        "_reading_paused",
        "_request_sent",
        "_timeouts",
        "_timer",
        "_timer_at",
        "_transport",
        "_waiter",
        "_writing_paused",
        "closed",
        "reply",
        "reused",
    )

    _transport: asyncio.Transport

    def __init__(self, timeouts: Timeouts, on_lost: Callable[["Connection"], None]) -> None:
        self.reply = ReplyParser()
        self.closed = self.reused = False
        self._loop = asyncio.get_running_loop()
        self._timeouts = timeouts
        self._on_lost = on_lost
        self._error: UpstreamError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._reading_paused = self._writing_paused = False
        self._request_sent = True
        self._timer: asyncio.TimerHandle | None = None
        # Infinity and not None: the comparisons on the path of every frame need no case for "not set".
        self._timer_at = self._deadline = self._end_at = math.inf
        # poll, because select refuses descriptors from 1024 on, which a busy gateway has.
        self._poll = select.poll()

    @property
    def reusable(self) -> bool:
        """Whether the exchange is over and left the connection fit for another."""
        return self.reply.keep_alive and self._request_sent and not self.closed and not self._reading_paused

    def is_stale(self) -> bool:
        """Whether an idle connection must not be used: it is closed, or the kernel already knows something.

        The loop may not have seen the peer's close yet. Asking the kernel costs under a microsecond, and it is what
        keeps a request that must not be repeated off a dead connection.
        """
        return self.closed or bool(self._poll.poll(0))

    async def exchange(self, request: bytes) -> None:
        """Send a request and wait until the head of its reply is in ``reply``.

        Raises:
            UpstreamError: No head came. The connection is closed, as it is when the caller is cancelled.
        """
        # Before the first byte is written: an answer may come while a large request is still leaving.
        self.reply.begin()
        self._end_at = self._loop.time() + self._timeouts.total_seconds
        try:
            if len(request) <= WRITE_BYTES:
                self._transport.write(request)
            else:
                await self._write_pieces(request)
            # A model may think for minutes before its first token, so this wait has a limit of its own.
            while not self.reply.head_complete:
                await self._wait(self._timeouts.first_byte_seconds)
        except BaseException:
            self.abort()
            raise

    async def read(self) -> bytes:
        """Take all body bytes there are, waiting only when there are none; empty at the end of the reply.

        Raises:
            UpstreamError: The reply stopped before its end.
        """
        reply = self.reply
        while not reply.buffered_bytes and not reply.complete:
            await self._wait(self._timeouts.idle_seconds)
        if self._reading_paused and not self.closed:
            self._reading_paused = False
            self._transport.resume_reading()
        return reply.take()

    def abort(self, error: UpstreamError | None = None) -> None:
        """Close at once, without sending what is still queued; who waits gets the error."""
        # The first cause stays: what follows it (a reset, a lost connection) is only its consequence.
        if self._error is None:
            self._error = error or UpstreamError("The gateway closed the connection.", ErrorCode.UPSTREAM_RESET)
        self.closed = True
        # Not close(): it would first send what is queued, to a server that may never take it.
        self._transport.abort()
        self._wake()

    # What follows is called by the event loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport and the means to ask the kernel about it."""
        self._transport = cast("asyncio.Transport", transport)
        self._poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def data_received(self, data: bytes) -> None:
        """Parse what came; wake the reader, or stop reading when it is behind."""
        reply = self.reply
        try:
            reply.feed(data)
        except UpstreamError as error:
            self.abort(error)
            return
        if reply.complete:
            if not reply.keep_alive and not reply.buffered_bytes:
                self.abort()
        elif reply.buffered_bytes > BUFFER_LIMIT_BYTES and not self._reading_paused:
            self._reading_paused = True
            self._transport.pause_reading()
        # Not before the head is whole: bytes of a head that never ends must not postpone its deadline.
        if reply.head_complete:
            self._wake()

    def eof_received(self) -> None:
        """Judge the end of the peer's bytes; returning nothing has the transport close itself."""
        self._finish(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Judge the end of the connection and give up its place."""
        self._finish(exc)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        # Last: the pool may give this place away in the call.
        self._on_lost(self)

    def pause_writing(self) -> None:
        """Hold further pieces of the request back."""
        self._writing_paused = True

    def resume_writing(self) -> None:
        """Let further pieces of the request go."""
        self._writing_paused = False
        self._wake()

    async def _write_pieces(self, request: bytes) -> None:
        """Write a large request, each piece when the one before has left; stop when a reply comes early."""
        self._request_sent = False
        view = memoryview(request)
        for start in range(0, len(view), WRITE_BYTES):
            self._transport.write(view[start : start + WRITE_BYTES])
            while self._writing_paused:
                if self.reply.head_complete:
                    return
                await self._wait(self._timeouts.idle_seconds)
        # Only now: a connection with half a request on it must not carry another.
        self._request_sent = True

    def _finish(self, exc: Exception | None) -> None:
        self.closed = True
        if self._error is None:
            # Also when the reply did end: a later exchange must find the connection dead.
            self._error = UpstreamError("The connection to the upstream broke.", ErrorCode.UPSTREAM_RESET)
            self._error.__cause__ = exc
            if exc is None:
                self._end_reply()
        self._wake()

    def _end_reply(self) -> None:
        try:
            self.reply.end()
        except UpstreamError as error:
            self._error = error

    async def _wait(self, seconds: float) -> None:
        """Wait until woken; raise when nothing can come any more, the last wait having run out of time included.

        The timer outlives the wait: it looks at the deadline when it fires, and only a deadline before that makes a
        new one. So a stream of a thousand frames costs a few timers, not a thousand. As each exchange waits for its
        head, and no deadline lies behind the exchange's end, there is always a timer to see to that end.
        """
        if self._error is not None:
            raise self._error
        self._deadline = min(self._loop.time() + seconds, self._end_at)
        # A timer that fires too early looks again; only one that would fire too late must be replaced.
        if self._deadline < self._timer_at:
            self._arm_timer()
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None
            self._deadline = math.inf

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _arm_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = self._next_deadline()
        self._timer = self._loop.call_at(self._timer_at, self._on_timer)

    def _next_deadline(self) -> float:
        # Nobody waits for a client that takes its time, but the exchange as a whole must end.
        return self._deadline if self.reply.complete else min(self._deadline, self._end_at)

    def _on_timer(self) -> None:
        self._timer = None
        self._timer_at = math.inf
        if self._next_deadline() <= self._loop.time():
            self.abort(UpstreamError("The upstream's reply took longer than it may.", ErrorCode.UPSTREAM_TIMEOUT))
        elif self._next_deadline() < math.inf:
            self._arm_timer()
