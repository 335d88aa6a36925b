"""Connections to one model server, kept open between requests.

Rules: connections, idle connections and those who wait for one are bounded; the connection used last is used next, so
that the rest can age and close; a reply read to its end gives its connection back by itself.

A request is repeated only where it cannot happen twice. A server may close an idle connection in the moment we send
on it, and a client then cannot know whether the request was taken. RFC 9110 section 9.2.2 forbids repeating a
non-idempotent method automatically unless the client can tell that the first was never applied; Go's net/http and
aiohttp keep to that. For a POST to a model a second try would pay for a second generation, so:

- before anything is written, the kernel is asked whether the peer has closed; any number of dead connections is
  passed over, for every method, since nothing was sent on them;
- once a byte is written a POST is not repeated; the client is told and decides;
- a GET is repeated once, on a new connection, if the reused one broke before any byte of a reply.

``keep_idle_seconds`` is below the 5 s after which uvicorn, and so most model servers, close an idle connection.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gateway.errors import ErrorCode, UpstreamError
from gateway.proxy.upstream.address import parse_base_url
from gateway.proxy.upstream.connection import Connection, Timeouts
from gateway.proxy.upstream.request import Headers, encode_request

IDEMPOTENT_METHODS: Final = frozenset({"GET"})


class NotSentError(UpstreamError):
    """Nothing of the request was sent: it may be given to another server."""


class PoolFullError(NotSentError):
    """All connections stayed busy, or too many wait for one."""


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """Bounds of one pool; a worker process has one pool for each upstream.

    Attributes:
        max_connections: connections at one time, busy, idle and being made.
        max_idle: idle connections kept.
        max_waiting: requests that may wait for a connection; the next one fails at once.
        keep_idle_seconds: age at which an idle connection is closed.
    """

    max_connections: int = 512
    max_idle: int = 64
    max_waiting: int = 512
    keep_idle_seconds: float = 4.0


class UpstreamReply:
    """A reply whose head has come. Read it to the end or close it: until then it holds a connection.

    Attributes:
        status: HTTP status.
        headers: names in lower case and values, in the order received.
        on_end: called once, with True when the reply came to its end, with False when it broke off; not when it is
            closed before.
    """

    __slots__ = ("_connection", "_ended", "_pool", "headers", "on_end", "status")

    def __init__(self, connection: Connection, pool: "UpstreamPool") -> None:
        self._connection: Connection | None = connection
        self._ended = False
        self._pool = pool
        self.on_end: Callable[[bool], None] | None = None
        self.status = connection.reply.status
        self.headers = connection.reply.headers

    async def read(self) -> bytes:
        """Take all body bytes that have come, waiting for some; empty at the end, and ever after.

        Raises:
            UpstreamError: The reply stopped before its end; never reported as an end.
        """
        connection = self._connection
        if connection is None:
            if self._ended:
                return b""
            raise UpstreamError("The reply was closed before its end.", ErrorCode.UPSTREAM_RESET)
        try:
            data = await connection.read()
        # Also when cancelled: what is left of this reply would be read as the next one's.
        except BaseException as exc:
            connection.abort()
            if isinstance(exc, UpstreamError):
                self._end(whole=False)
            raise
        # Here and not when the reader closes: the next request need not wait for what is done with the last piece.
        if connection.reply.complete:
            self._ended = True
            self.close()
            self._end(whole=True)
        return data

    def close(self) -> None:
        """Let go of the connection: back to the pool after a whole reply, else closed at once."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._pool.give_back(connection)

    def _end(self, *, whole: bool) -> None:
        on_end, self.on_end = self.on_end, None
        if on_end is not None:
            on_end(whole)


class UpstreamPool:
    """Sends requests to one model server."""

    def __init__(
        self,
        base_url: str,
        timeouts: Timeouts,
        *,
        api_key: str | None = None,
        ssl_context: ssl.SSLContext | None = None,
        limits: PoolLimits | None = None,
    ) -> None:
        """Prepare a pool; nothing is connected yet.

        Args:
            base_url: such as ``http://127.0.0.1:8000/v1``; its path goes in front of every request's.
            timeouts: how long to wait for the upstream.
            api_key: sent as ``authorization: Bearer``.
            ssl_context: for ``https``; the default verifies the server's certificate and name.
            limits: bounds of the pool.

        Raises:
            ValueError: The URL or the key cannot be used. The message quotes neither.
        """
        self._address = parse_base_url(base_url)
        self._credentials = _credentials(api_key)
        self._timeouts = timeouts
        self._limits = limits or PoolLimits()
        self._ssl = (ssl_context or ssl.create_default_context()) if self._address.tls else None
        self._connections: set[Connection] = set()
        # Counted apart: a connection being made is not in the set yet, and would let any number of others begin.
        self._dialing = 0
        # In the order they became idle, with the loop's time of that.
        self._idle: dict[Connection, float] = {}
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._sweeper: asyncio.TimerHandle | None = None
        self._closed = False

    async def open(self, method: str, path: str, headers: Headers = (), body: bytes = b"") -> UpstreamReply:
        """Send a request and wait for the head of its reply.

        Args:
            method: see ``request.METHODS``.
            path: beginning with a slash, without the base URL's prefix.
            headers: the caller's; framing and hop-by-hop headers among them are left out.
            body: the whole content.

        Raises:
            NotSentError: The upstream could not be reached; nothing was sent.
            UpstreamError: It broke off, was too slow or not understood.
            ValueError: The request cannot be put on the wire safely.
        """
        address = self._address
        request = encode_request(
            method, address.prefix + path, address.authority, (*headers, *self._credentials), body
        )
        # Whoever waits comes first: without this look, newcomers could take each place that is given back.
        connection = (None if self._waiters else self._take_idle()) or await self._take()
        try:
            await connection.exchange(request)
        except UpstreamError as error:
            if not _may_repeat(method, connection, error):
                raise
            # Not another idle one: if the server closed this one, it has likely closed those of the same age too.
            connection = await self._dial()
            await connection.exchange(request)
        return UpstreamReply(connection, self)

    def close(self) -> None:
        """Close every connection and turn away who waits. Replies under way break off."""
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        # A copy: a lost connection takes itself out of the set.
        for connection in tuple(self._connections):
            connection.abort()
        while self._waiters:
            self._notify()

    def give_back(self, connection: Connection) -> None:
        """Take a connection back from a reply: keep it when it can serve again, else close it."""
        # Bytes behind a reply's end could be taken for the next one's start: a response put in by an attacker.
        if self._closed or not connection.reusable or len(self._idle) >= self._limits.max_idle:
            connection.abort()
            return
        connection.reused = True
        loop = asyncio.get_running_loop()
        self._idle[connection] = now = loop.time()
        if self._sweeper is None:
            # One timer for the pool: one for each idle connection would cost every request a call and a cancel.
            self._sweeper = loop.call_at(now + self._limits.keep_idle_seconds, self._sweep)
        self._notify()

    def _take_idle(self) -> Connection | None:
        while self._idle:
            connection, _ = self._idle.popitem()
            if not connection.is_stale():
                return connection
            connection.abort()
        return None

    async def _take(self) -> Connection:
        """Use an idle connection or make one, after waiting for a place when all are taken."""
        try:
            async with asyncio.timeout(self._timeouts.connect_seconds):
                must_wait = bool(self._waiters) or self._full()
                # A call is no reservation: someone may have taken the place between it and our turn to run.
                while must_wait:
                    await self._wait_turn()
                    connection = self._take_idle()
                    if connection is not None:
                        return connection
                    must_wait = self._full()
        except TimeoutError as exc:
            raise PoolFullError("All connections to the upstream stayed busy; raise max_connections.") from exc
        return await self._dial()

    def _full(self) -> bool:
        return len(self._connections) + self._dialing >= self._limits.max_connections

    async def _wait_turn(self) -> None:
        if len(self._waiters) >= self._limits.max_waiting:
            # Refused now rather than late: a longer line only means clients who wait and get the same answer.
            raise PoolFullError("Too many requests wait for a connection to the upstream; raise max_connections.")
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if not waiter.cancelled():
                # Called, but cancelled before it could come: the place is the next one's.
                self._notify()
            elif waiter in self._waiters:
                self._waiters.remove(waiter)
            raise

    def _notify(self) -> None:
        """Call the one who waits longest."""
        while self._waiters:
            waiter = self._waiters.popleft()
            # One who was cancelled and has not run yet still stands in line.
            if not waiter.done():
                waiter.set_result(None)
                return

    async def _dial(self) -> Connection:
        where = self._address.authority
        connection = None
        self._dialing += 1
        try:
            async with asyncio.timeout(self._timeouts.connect_seconds):
                connection = await self._create()
        except TimeoutError as exc:
            raise NotSentError(f"Connecting to {where} took too long.", ErrorCode.UPSTREAM_TIMEOUT) from exc
        # TLS faults arrive here too: ssl.SSLError is an OSError.
        except OSError as exc:
            raise NotSentError(f"Connecting to {where} failed: {exc}.") from exc
        finally:
            self._dialing -= 1
            self._admit(connection)
        return connection

    async def _create(self) -> Connection:
        if self._closed:
            raise NotSentError("The gateway is stopping; it opens no connection.")
        address = self._address
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: Connection(self._timeouts, self._forget),
            address.host,
            address.port,
            ssl=self._ssl,
            # asyncio refuses a server name without TLS.
            server_hostname=address.host if address.tls else None,
        )
        return connection

    def _admit(self, connection: Connection | None) -> None:
        """Count a new connection, or give up the place of one that was not made or did not live."""
        if connection is None or connection.closed:
            self._notify()
            return
        self._connections.add(connection)
        # A stop may have come while it was being made; nobody else would close it.
        if self._closed:
            connection.abort()

    def _forget(self, connection: Connection) -> None:
        self._idle.pop(connection, None)
        self._connections.discard(connection)
        self._notify()

    def _sweep(self) -> None:
        """Close what has been idle too long; come back when the next one will have been."""
        self._sweeper = None
        loop = asyncio.get_running_loop()
        oldest_kept = loop.time() - self._limits.keep_idle_seconds
        for connection, since in list(self._idle.items()):
            if since > oldest_kept:
                self._sweeper = loop.call_at(since + self._limits.keep_idle_seconds, self._sweep)
                return
            del self._idle[connection]
            connection.abort()


def _may_repeat(method: str, connection: Connection, error: UpstreamError) -> bool:
    """Whether sending the request again cannot make it happen twice; see the head of this module."""
    nothing_came = error.code is ErrorCode.UPSTREAM_RESET and not connection.reply.started
    return nothing_came and connection.reused and method in IDEMPOTENT_METHODS


def _credentials(api_key: str | None) -> tuple[tuple[bytes, bytes], ...]:
    if api_key is None:
        return ()
    # A line end in the key would begin a header of its own; the message keeps the key out of the log.
    if not api_key or not api_key.isascii() or not api_key.isprintable() or " " in api_key:
        raise ValueError("The upstream's API key is empty or has characters no key has. Check its file or variable.")
    return ((b"authorization", b"Bearer " + api_key.encode("ascii")),)
