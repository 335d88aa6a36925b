"""The pool against scripted servers."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.errors import ErrorCode, UpstreamError
from gateway.proxy.upstream.connection import Timeouts
from gateway.proxy.upstream.pool import NotSentError, PoolFullError, PoolLimits, UpstreamPool, UpstreamReply
from tests.certificates import server_context
from tests.gateway.proxy.upstream.conftest import Run
from tests.raw_server import Do, RawServer, Script, until

PATIENT = Timeouts(connect_seconds=30, first_byte_seconds=30, idle_seconds=30)
IMPATIENT = PATIENT._replace(connect_seconds=0.05)
REPLY = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"
SERVE = (Do.READ_REQUEST, REPLY)


@asynccontextmanager
async def pooled(
    server: RawServer,
    timeouts: Timeouts = PATIENT,
    limits: PoolLimits | None = None,
    ssl_context: ssl.SSLContext | None = None,
) -> AsyncIterator[UpstreamPool]:
    """Make a pool for the server; at the end close it and wait until its connections are gone."""
    pool = UpstreamPool(server.base_url, timeouts, limits=limits, ssl_context=ssl_context)
    try:
        yield pool
    finally:
        pool.close()
        await until(lambda: not pool._connections)


async def read_all(reply: UpstreamReply) -> bytes:
    """Read until the end."""
    pieces = []
    while piece := await reply.read():
        pieces.append(piece)
    return b"".join(pieces)


async def ask(pool: UpstreamPool, method: str = "POST") -> bytes:
    """Send a request and read its reply."""
    return await read_all(await pool.open(method, "/chat", [(b"accept", b"*/*")], b"{}"))


def test_connection_serves_one_request_after_the_other(run: Run) -> None:
    """A reply read to its end gives its connection back by itself."""

    async def scenario() -> None:
        async with RawServer([*SERVE, *SERVE, *SERVE]) as server, pooled(server) as pool:
            assert [await ask(pool) for _ in range(3)] == [b"hello"] * 3
            assert (server.connections, len(server.requests)) == (1, 3)

    run(scenario())


def test_request_carries_prefix_host_and_key(run: Run) -> None:
    """The base URL's path goes in front, and the key is the pool's."""

    async def scenario() -> None:
        async with RawServer(SERVE) as server:
            pool = UpstreamPool(server.base_url, PATIENT, api_key="sk-upstream")
            reply = await pool.open("POST", "/chat", [(b"accept", b"*/*")], b"{}")
            assert (reply.status, reply.headers) == (200, [(b"content-length", b"5")])
            pool.close()
            lines = server.requests[0].split(b"\r\n")
            assert lines[0] == b"POST /v1/chat HTTP/1.1"
            assert {b"host: 127.0.0.1:%d" % server.port, b"authorization: Bearer sk-upstream"} < set(lines)

    run(scenario())


@pytest.mark.parametrize("key", ["", "secret\r\nx: y", "secret key", "密钥secret"])
def test_unusable_key_is_refused_and_not_quoted(key: str) -> None:
    """A key from a file with a line end at its end is the usual case."""
    with pytest.raises(ValueError, match="API key") as refusal:
        UpstreamPool("http://host", PATIENT, api_key=key)
    assert "secret" not in str(refusal.value)


def test_reply_closed_early_costs_its_connection(run: Run) -> None:
    """The server sees us leave, the next request has a connection of its own, and no end is reported."""

    async def scenario() -> None:
        head = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello"
        async with (
            RawServer([Do.READ_REQUEST, head, Do.AWAIT_CLOSE], SERVE) as server,
            pooled(server) as pool,
        ):
            reply = await pool.open("POST", "/chat")
            assert await reply.read() == b"hello"
            reply.close()
            await server.peer_closed.wait()
            with pytest.raises(UpstreamError):
                await reply.read()
            assert await ask(pool) == b"hello"
            assert server.connections == 2

    run(scenario())


def test_reply_closed_late_harms_nobody(run: Run) -> None:
    """Closing after the end does not touch the connection, which may serve another by then."""

    async def scenario() -> None:
        async with RawServer([*SERVE, *SERVE]) as server, pooled(server) as pool:
            first = await pool.open("POST", "/chat")
            assert await read_all(first) == b"hello"
            second = await pool.open("POST", "/chat")
            first.close()
            assert await first.read() == b""
            assert await read_all(second) == b"hello"

    run(scenario())


def test_cancelled_read_closes_the_connection(run: Run) -> None:
    """A client that leaves in the middle of a stream stops the model."""

    async def scenario() -> None:
        head = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n"
        async with RawServer([Do.READ_REQUEST, head, Do.AWAIT_CLOSE]) as server, pooled(server) as pool:
            reply = await pool.open("POST", "/chat")
            reading = asyncio.ensure_future(reply.read())
            await asyncio.sleep(0)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            await server.peer_closed.wait()

    run(scenario())


def test_connection_the_peer_closed_is_passed_over(run: Run) -> None:
    """Closed while idle, before anything is written: every method goes to a new connection."""

    async def scenario() -> None:
        async with RawServer(SERVE) as server, pooled(server) as pool:
            await ask(pool)
            server.shut_down_now()
            assert await ask(pool) == b"hello"
            assert (server.connections, len(server.requests)) == (2, 2)

    run(scenario())


@pytest.mark.parametrize("ending", [Do.CLOSE, Do.RESET])
def test_post_is_not_repeated_once_written(run: Run, ending: Do) -> None:
    """The server may have begun to generate: the client is told and decides."""

    async def scenario() -> None:
        async with RawServer([*SERVE, Do.READ_REQUEST, ending], SERVE) as server, pooled(server) as pool:
            await ask(pool)
            with pytest.raises(UpstreamError) as failure:
                await ask(pool)
            assert failure.value.code is ErrorCode.UPSTREAM_RESET
            assert (server.connections, len(server.requests)) == (1, 2)

    run(scenario())


@pytest.mark.parametrize("ending", [Do.CLOSE, Do.RESET])
def test_get_is_repeated_once_on_a_new_connection(run: Run, ending: Do) -> None:
    """A reused connection that broke before any byte of a reply is the keep-alive race."""

    async def scenario() -> None:
        async with RawServer([*SERVE, Do.READ_REQUEST, ending], SERVE) as server, pooled(server) as pool:
            await ask(pool, "GET")
            assert await ask(pool, "GET") == b"hello"
            assert (server.connections, len(server.requests)) == (2, 3)

    run(scenario())


@pytest.mark.parametrize(
    "scripts",
    [
        [[Do.READ_REQUEST, Do.CLOSE]],
        [[*SERVE, Do.READ_REQUEST, b"HTTP", Do.CLOSE]],
        [[*SERVE, Do.READ_REQUEST, Do.CLOSE], [Do.READ_REQUEST, Do.CLOSE]],
    ],
    ids=["new connection", "a byte came", "second break"],
)
def test_get_is_not_repeated_otherwise(run: Run, scripts: list[Script]) -> None:
    """Neither on a connection that was new, nor after a byte of a reply, nor a second time."""

    async def scenario() -> None:
        async with RawServer(*scripts) as server, pooled(server) as pool:
            if SERVE[0] in scripts[0] and REPLY in scripts[0]:
                await ask(pool, "GET")
            with pytest.raises(UpstreamError) as failure:
                await ask(pool, "GET")
            assert failure.value.code is ErrorCode.UPSTREAM_RESET
            assert server.connections == len(scripts)

    run(scenario())


def test_refused_connection_is_unreachable(run: Run) -> None:
    """Nobody listens on the port."""

    async def scenario() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        with pytest.raises(NotSentError, match=f"127.0.0.1:{port}") as failure:
            await ask(UpstreamPool(f"http://127.0.0.1:{port}", PATIENT))
        assert failure.value.code is ErrorCode.UPSTREAM_UNREACHABLE

    run(scenario())


def test_connecting_is_bounded_in_time(run: Run) -> None:
    """A listener whose queue is full answers nothing."""

    async def scenario() -> None:
        with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, socket.socket() as filler:
            filler.connect(listener.getsockname())
            pool = UpstreamPool(f"http://127.0.0.1:{listener.getsockname()[1]}", IMPATIENT)
            with pytest.raises(NotSentError) as failure:
                await ask(pool)
            assert failure.value.code is ErrorCode.UPSTREAM_TIMEOUT

    run(scenario())


def test_requests_beyond_the_bound_wait_for_a_connection(run: Run) -> None:
    """Two connections serve five requests at once, all of them, and never a third connection."""

    async def scenario() -> None:
        limits = PoolLimits(max_connections=2)
        async with RawServer([*SERVE] * 5) as server, pooled(server, limits=limits) as pool:
            assert await asyncio.gather(*(ask(pool) for _ in range(5))) == [b"hello"] * 5
            assert server.connections == 2

    run(scenario())


def test_place_of_a_lost_connection_goes_to_who_waits(run: Run) -> None:
    """Connections that serve once, too, serve all that wait."""

    async def scenario() -> None:
        closing = REPLY.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")
        limits = PoolLimits(max_connections=1)
        async with RawServer([Do.READ_REQUEST, closing]) as server, pooled(server, limits=limits) as pool:
            assert await asyncio.gather(*(ask(pool) for _ in range(4))) == [b"hello"] * 4
            assert server.connections == 4

    run(scenario())


def test_wait_for_a_connection_is_bounded_in_time(run: Run) -> None:
    """The message says which setting to raise."""

    async def scenario() -> None:
        limits = PoolLimits(max_connections=1)
        async with RawServer(SERVE) as server, pooled(server, IMPATIENT, limits) as pool:
            await pool.open("POST", "/chat")
            with pytest.raises(PoolFullError, match="max_connections") as failure:
                await ask(pool)
            assert failure.value.code is ErrorCode.UPSTREAM_UNREACHABLE

    run(scenario())


def test_number_of_waiting_requests_is_bounded(run: Run) -> None:
    """One too many fails at once; the one that waits is served; one that gave up is passed over."""

    async def scenario() -> None:
        limits = PoolLimits(max_connections=1, max_waiting=2)
        async with RawServer([*SERVE, *SERVE]) as server, pooled(server, limits=limits) as pool:
            held = await pool.open("POST", "/chat")
            given_up, waiting = asyncio.ensure_future(ask(pool)), asyncio.ensure_future(ask(pool))
            await asyncio.sleep(0)
            with pytest.raises(PoolFullError, match="Too many") as failure:
                await ask(pool)
            assert failure.value.code is ErrorCode.UPSTREAM_UNREACHABLE
            given_up.cancel()
            await read_all(held)
            assert await waiting == b"hello"
            with pytest.raises(asyncio.CancelledError):
                await given_up

    run(scenario())


def test_place_of_a_request_cancelled_when_called_is_passed_on(run: Run) -> None:
    """Called and cancelled in the same turn of the loop: the next one is served instead."""

    async def scenario() -> None:
        limits = PoolLimits(max_connections=1)
        async with RawServer([*SERVE, *SERVE]) as server, pooled(server, limits=limits) as pool:
            held = await pool.open("POST", "/chat")
            called, waiting = asyncio.ensure_future(ask(pool)), asyncio.ensure_future(ask(pool))
            await asyncio.sleep(0)
            assert await read_all(held) == b"hello"
            called.cancel()
            assert await waiting == b"hello"
            assert (called.cancelled(), server.connections) == (True, 1)

    run(scenario())


def test_idle_connections_are_bounded(run: Run) -> None:
    """What is over the bound is closed when it comes back."""

    async def scenario() -> None:
        limits = PoolLimits(max_idle=1)
        async with RawServer([*SERVE]) as server, pooled(server, limits=limits) as pool:
            await asyncio.gather(ask(pool), ask(pool), ask(pool))
            await until(lambda: len(pool._connections) == 1)
            assert (server.connections, len(pool._idle)) == (3, 1)

    run(scenario())


def test_idle_connections_close_in_time(run: Run) -> None:
    """The server sees the close without any further request."""

    async def scenario() -> None:
        limits = PoolLimits(keep_idle_seconds=0.02)
        async with RawServer([*SERVE, Do.AWAIT_CLOSE]) as server, pooled(server, limits=limits) as pool:
            await asyncio.gather(ask(pool), ask(pool))
            await server.peer_closed.wait()
            await until(lambda: not pool._connections)
            assert pool._idle == {}

    run(scenario())


def test_younger_idle_connections_outlive_the_sweep(run: Run) -> None:
    """A sweep closes what is old enough and comes back for the rest."""

    async def scenario() -> None:
        limits = PoolLimits(keep_idle_seconds=30)
        async with RawServer(SERVE) as server, pooled(server, limits=limits) as pool:
            await asyncio.gather(ask(pool), ask(pool))
            oldest, youngest = pool._idle
            pool._idle[oldest] -= 30
            pool._sweep()
            assert (oldest.closed, youngest.closed, list(pool._idle)) == (True, False, [youngest])
            assert pool._sweeper is not None

    run(scenario())


def test_connection_made_while_the_pool_closes_is_closed(run: Run) -> None:
    """What was on its way at the close does not outlive it."""

    async def scenario() -> None:
        async with RawServer([Do.AWAIT_CLOSE]) as server, pooled(server) as pool:
            asking = asyncio.ensure_future(ask(pool))
            await asyncio.sleep(0)
            pool.close()
            with pytest.raises(UpstreamError):
                await asking
            assert server.requests == []

    run(scenario())


def test_close_ends_everything(run: Run) -> None:
    """A reply under way breaks off, who waits is turned away, nothing new is opened."""

    async def scenario() -> None:
        limits = PoolLimits(max_connections=1)
        head = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n"
        script: Script = [Do.READ_REQUEST, head, Do.AWAIT_CLOSE]
        async with RawServer(script) as server, pooled(server, limits=limits) as pool:
            reply = await pool.open("POST", "/chat")
            reading = asyncio.ensure_future(reply.read())
            waiting = [asyncio.ensure_future(ask(pool)) for _ in range(3)]
            await asyncio.sleep(0)
            pool.close()
            outcomes = await asyncio.gather(reading, *waiting, ask(pool), return_exceptions=True)
            assert [type(outcome) for outcome in outcomes] == [UpstreamError, *[NotSentError] * 4]
            await server.peer_closed.wait()
            assert server.connections == 1

    run(scenario())


def test_tls_with_a_trusted_certificate(run: Run, certificate: Path) -> None:
    """Requests go over TLS, and the connection is used again."""

    async def scenario() -> None:
        trusting = ssl.create_default_context(cafile=str(certificate))
        async with (
            RawServer([*SERVE, *SERVE], ssl_context=server_context(certificate)) as server,
            pooled(server, ssl_context=trusting) as pool,
        ):
            assert [await ask(pool), await ask(pool)] == [b"hello", b"hello"]
            assert server.connections == 1

    run(scenario())


def test_tls_with_an_unknown_certificate_is_unreachable(run: Run, certificate: Path) -> None:
    """Without a context of one's own, certificates are verified."""

    async def scenario() -> None:
        async with (
            RawServer(SERVE, ssl_context=server_context(certificate)) as server,
            pooled(server) as pool,
        ):
            with pytest.raises(NotSentError, match="certificate") as failure:
                await ask(pool)
            assert failure.value.code is ErrorCode.UPSTREAM_UNREACHABLE
            assert server.requests == []

    run(scenario())


@pytest.mark.parametrize(
    ("script", "ends"),
    [
        (SERVE, [True]),
        ((Do.READ_REQUEST, b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello", Do.RESET), [False]),
    ],
    ids=["whole", "broken off"],
)
def test_end_of_a_reply_is_told_once(run: Run, script: Script, ends: list[bool]) -> None:
    """Whether it came to its end or broke off, and not again with the next read."""

    async def scenario() -> None:
        told: list[bool] = []
        async with RawServer(script) as server, pooled(server) as pool:
            reply = await pool.open("POST", "/chat")
            reply.on_end = told.append
            for _ in range(3):
                with contextlib.suppress(UpstreamError):
                    await read_all(reply)
            assert told == ends

    run(scenario())


def test_end_of_a_reply_that_was_given_up_is_not_told(run: Run) -> None:
    """A client that leaves says nothing about the server."""

    async def scenario() -> None:
        script: Script = [Do.READ_REQUEST, b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n", Do.AWAIT_CLOSE]
        told: list[bool] = []
        async with RawServer(script) as server, pooled(server) as pool:
            reply = await pool.open("POST", "/chat")
            reply.on_end = told.append
            reading = asyncio.ensure_future(reply.read())
            await asyncio.sleep(0)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            await server.peer_closed.wait()
            assert told == []

    run(scenario())
