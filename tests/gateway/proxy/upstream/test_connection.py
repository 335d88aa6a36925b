"""One connection against a server that breaks rules."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.errors import ErrorCode, UpstreamError
from gateway.proxy.upstream.connection import BUFFER_LIMIT_BYTES, Connection, Timeouts
from gateway.proxy.upstream.request import encode_request
from tests.gateway.proxy.upstream.conftest import Run
from tests.raw_server import Do, RawServer, Script, turn_loop, until

PATIENT = Timeouts(connect_seconds=30, first_byte_seconds=30, idle_seconds=30)
IMPATIENT_FOR_HEAD = PATIENT._replace(first_byte_seconds=0.05)
IMPATIENT_FOR_BODY = PATIENT._replace(idle_seconds=0.05)
OK = b"HTTP/1.1 200 OK\r\n"
REQUEST = encode_request("POST", "/", "h", [], b"{}")
LARGEST_READ_BYTES = 256 * 1024
LARGE_BYTES = 32 * 1024 * 1024


@asynccontextmanager
async def connected(server: RawServer, timeouts: Timeouts = PATIENT) -> AsyncIterator[Connection]:
    """Connect to the server; at the end wait until the connection is gone."""
    loop = asyncio.get_running_loop()
    lost = asyncio.Event()
    _, connection = await loop.create_connection(
        lambda: Connection(timeouts, lambda _: lost.set()), "127.0.0.1", server.port
    )
    try:
        yield connection
    finally:
        connection.abort()
        await lost.wait()


async def read_all(connection: Connection) -> bytes:
    """Read until the end."""
    pieces = []
    while piece := await connection.read():
        pieces.append(piece)
    return b"".join(pieces)


@pytest.mark.parametrize(
    ("reply", "reusable"),
    [
        ([OK + b"content-length: 5\r\n\r\nhello"], True),
        ([OK + b"transfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"], True),
        ([b"HTTP/1.1 100 Continue\r\n\r\n", OK + b"content-length: 5\r\n\r\nhello"], True),
        ([OK + b"\r\nhello", Do.CLOSE], False),
        ([OK + b"content-length: 5\r\nconnection: close\r\n\r\nhello"], False),
    ],
    ids=["length", "chunked", "interim", "until the close", "told to close"],
)
def test_reply_is_delivered(run: Run, reply: Script, *, reusable: bool) -> None:
    """Head, then body, then the end; only a framed and kept connection can serve again."""

    async def scenario() -> None:
        async with RawServer([Do.READ_REQUEST, *reply]) as server, connected(server) as connection:
            await connection.exchange(REQUEST)
            assert connection.reply.status == 200
            assert await read_all(connection) == b"hello"
            assert connection.reusable is reusable
            assert server.requests == [REQUEST]

    run(scenario())


def test_body_arrives_while_it_is_sent(run: Run) -> None:
    """A piece is delivered before the next one is sent."""

    async def scenario() -> None:
        more = asyncio.Event()
        head = OK + b"content-length: 4\r\n\r\n"
        async with RawServer([Do.READ_REQUEST, head, b"ab", more, b"cd"]) as server, connected(server) as connection:
            await connection.exchange(REQUEST)
            assert await connection.read() == b"ab"
            more.set()
            assert await connection.read() == b"cd"

    run(scenario())


def test_read_of_buffered_bytes_does_not_suspend(run: Run) -> None:
    """What is there already costs no turn of the loop."""

    async def scenario() -> None:
        reply = OK + b"content-length: 5\r\n\r\nhello"
        async with RawServer([Do.READ_REQUEST, reply]) as server, connected(server) as connection:
            await connection.exchange(REQUEST)
            with pytest.raises(StopIteration) as finished:
                connection.read().send(None)
            assert finished.value.value == b"hello"

    run(scenario())


@pytest.mark.parametrize("ending", [Do.CLOSE, Do.RESET])
@pytest.mark.parametrize(
    "framing", [b"content-length: 9\r\n\r\nhello", b"transfer-encoding: chunked\r\n\r\n5\r\nhello"]
)
def test_reply_cut_off_is_a_reset_after_what_came(run: Run, framing: bytes, ending: Do) -> None:
    """The bytes before the break are delivered, then the error, again and again; never an end."""

    async def scenario() -> None:
        cut = asyncio.Event()
        script: Script = [Do.READ_REQUEST, OK + framing, cut, ending]
        async with RawServer(script) as server, connected(server) as connection:
            await connection.exchange(REQUEST)
            assert await connection.read() == b"hello"
            cut.set()
            for _ in range(2):
                with pytest.raises(UpstreamError) as failure:
                    await connection.read()
                assert failure.value.code is ErrorCode.UPSTREAM_RESET
            assert not connection.reusable

    run(scenario())


def test_reset_is_no_end_of_a_body_without_length(run: Run) -> None:
    """Only a close in good order ends such a body."""

    async def scenario() -> None:
        cut = asyncio.Event()
        script: Script = [Do.READ_REQUEST, OK + b"\r\nhello", cut, Do.RESET]
        async with RawServer(script) as server, connected(server) as connection:
            await connection.exchange(REQUEST)
            assert await connection.read() == b"hello"
            cut.set()
            with pytest.raises(UpstreamError) as failure:
                await connection.read()
            assert failure.value.code is ErrorCode.UPSTREAM_RESET

    run(scenario())


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ([Do.CLOSE], ErrorCode.UPSTREAM_RESET),
        ([Do.RESET], ErrorCode.UPSTREAM_RESET),
        ([OK, Do.CLOSE], ErrorCode.UPSTREAM_RESET),
        ([b"no head at all\r\n\r\n"], ErrorCode.UPSTREAM_MALFORMED),
        ([OK + b"x: " + b"y" * 2**17], ErrorCode.UPSTREAM_MALFORMED),
    ],
    ids=["close", "reset", "half a head", "garbage", "huge head"],
)
def test_exchange_without_a_head_fails_and_closes(run: Run, answer: Script, code: ErrorCode) -> None:
    """The code says what happened, and the connection is gone."""

    async def scenario() -> None:
        async with RawServer([Do.READ_REQUEST, *answer]) as server, connected(server) as connection:
            with pytest.raises(UpstreamError) as failure:
                await connection.exchange(REQUEST)
            assert (failure.value.code, connection.closed) == (code, True)

    run(scenario())


@pytest.mark.parametrize("start", [b"", OK, b"HTTP/1.1 100 Continue\r\n\r\n"], ids=["silence", "half", "interim"])
def test_head_that_does_not_come_in_time_is_a_timeout(run: Run, start: bytes) -> None:
    """Half a head or an interim reply does not buy time; the server sees us leave."""

    async def scenario() -> None:
        async with (
            RawServer([Do.READ_REQUEST, start, Do.AWAIT_CLOSE]) as server,
            connected(server, IMPATIENT_FOR_HEAD) as connection,
        ):
            with pytest.raises(UpstreamError) as failure:
                await connection.exchange(REQUEST)
            assert failure.value.code is ErrorCode.UPSTREAM_TIMEOUT
            await server.peer_closed.wait()

    run(scenario())


def test_body_that_stops_is_a_timeout(run: Run) -> None:
    """After what came; the wait for the body may be shorter than the one for the head."""

    async def scenario() -> None:
        reply = OK + b"content-length: 9\r\n\r\nhello"
        async with (
            RawServer([Do.READ_REQUEST, reply, Do.AWAIT_CLOSE]) as server,
            connected(server, IMPATIENT_FOR_BODY) as connection,
        ):
            await connection.exchange(REQUEST)
            assert await connection.read() == b"hello"
            with pytest.raises(UpstreamError) as failure:
                await connection.read()
            assert failure.value.code is ErrorCode.UPSTREAM_TIMEOUT
            await server.peer_closed.wait()

    run(scenario())


def test_time_does_not_run_while_nobody_waits(run: Run) -> None:
    """A timer that fires while the client is the slow one changes nothing."""

    async def scenario() -> None:
        more = asyncio.Event()
        script: Script = [Do.READ_REQUEST, OK + b"content-length: 4\r\n\r\nab", more, b"cd"]
        async with RawServer(script) as server, connected(server) as connection:
            await connection.exchange(REQUEST)
            assert await connection.read() == b"ab"
            assert connection._deadline == math.inf
            connection._on_timer()
            more.set()
            assert await read_all(connection) == b"cd"

    run(scenario())


def test_stream_of_many_pieces_arms_few_timers(run: Run) -> None:
    """The timer is kept from wait to wait; one more only where the wait for the body is the shorter one."""

    async def scenario() -> None:
        head = OK + b"transfer-encoding: chunked\r\n\r\n"
        steps = [asyncio.Event() for _ in range(20)]
        chunks = [part for step in steps for part in (step, b"1\r\nx\r\n")]
        async with (
            RawServer([Do.READ_REQUEST, head, *chunks]) as server,
            connected(server, PATIENT._replace(idle_seconds=20)) as connection,
        ):
            await connection.exchange(REQUEST)
            timers = set()
            for step in steps:
                reading = asyncio.ensure_future(connection.read())
                await turn_loop()
                timers.add(connection._timer)
                step.set()
                assert await reading == b"x"
            assert len(timers) == 1

    run(scenario())


def test_slow_reader_stops_the_server(run: Run) -> None:
    """Unread body stays within the bound plus one read of the loop; nothing is lost when reading goes on."""

    async def scenario() -> None:
        head = OK + b"content-length: %d\r\n\r\n" % LARGE_BYTES
        pieces = [b"x" * 2**16] * (LARGE_BYTES // 2**16)
        async with RawServer([Do.READ_REQUEST, head, *pieces]) as server, connected(server) as connection:
            await connection.exchange(REQUEST)
            await until(lambda: connection._reading_paused)
            await turn_loop()
            assert BUFFER_LIMIT_BYTES < connection.reply.buffered_bytes <= BUFFER_LIMIT_BYTES + LARGEST_READ_BYTES
            stopped_at = server.sent_bytes
            await turn_loop()
            assert server.sent_bytes == stopped_at < LARGE_BYTES
            assert len(await read_all(connection)) == LARGE_BYTES
            assert connection.reusable

    run(scenario())


def test_large_request_is_sent_as_fast_as_it_is_taken(run: Run) -> None:
    """Pieces wait in our hands, not in the transport, until the server reads."""

    async def scenario() -> None:
        go = asyncio.Event()
        request = encode_request("POST", "/", "h", [], b"x" * LARGE_BYTES)
        script: Script = [go, Do.READ_REQUEST, OK + b"content-length: 2\r\n\r\nok"]
        async with RawServer(script) as server, connected(server) as connection:
            sending = asyncio.ensure_future(connection.exchange(request))
            await until(lambda: connection._writing_paused)
            await turn_loop()
            assert connection._transport.get_write_buffer_size() <= 2 * BUFFER_LIMIT_BYTES
            go.set()
            await sending
            assert await read_all(connection) == b"ok"
            assert (server.requests == [request], connection.reusable) == (True, True)

    run(scenario())


def test_reply_before_the_request_was_taken_is_delivered(run: Run) -> None:
    """A server may refuse a large request from its head; the connection is then not used again."""

    async def scenario() -> None:
        request = encode_request("POST", "/", "h", [], b"x" * LARGE_BYTES)
        reply = b"HTTP/1.1 413 Content Too Large\r\ncontent-length: 2\r\n\r\nno"
        async with RawServer([reply, asyncio.Event()]) as server, connected(server) as connection:
            await connection.exchange(request)
            assert connection.reply.status == 413
            assert await read_all(connection) == b"no"
            assert not connection.reusable

    run(scenario())


def test_server_that_takes_no_more_of_a_request_is_a_timeout(run: Run) -> None:
    """A request that cannot be written does not wait for ever."""

    async def scenario() -> None:
        request = encode_request("POST", "/", "h", [], b"x" * LARGE_BYTES)
        async with (
            RawServer([asyncio.Event()]) as server,
            connected(server, IMPATIENT_FOR_BODY) as connection,
        ):
            with pytest.raises(UpstreamError) as failure:
                await connection.exchange(request)
            assert failure.value.code is ErrorCode.UPSTREAM_TIMEOUT

    run(scenario())


def test_cancelled_exchange_closes_the_connection(run: Run) -> None:
    """The server is told at once that nobody waits, also before the head."""

    async def scenario() -> None:
        async with RawServer([Do.READ_REQUEST, Do.AWAIT_CLOSE]) as server, connected(server) as connection:
            waiting = asyncio.ensure_future(connection.exchange(REQUEST))
            await server.request_read.wait()
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            await server.peer_closed.wait()

    run(scenario())


def test_exchange_on_a_dead_connection_fails_at_once(run: Run) -> None:
    """A connection that broke before it was used does not wait for its timeouts."""

    async def scenario() -> None:
        async with RawServer([Do.CLOSE]) as server, connected(server) as connection:
            await until(lambda: connection.closed)
            with pytest.raises(UpstreamError) as failure:
                await connection.exchange(REQUEST)
            assert failure.value.code is ErrorCode.UPSTREAM_RESET

    run(scenario())


def test_idle_connection_is_stale_as_soon_as_the_kernel_knows(run: Run) -> None:
    """The peer's close is seen without a turn of the loop."""

    async def scenario() -> None:
        script: Script = [Do.READ_REQUEST, OK + b"content-length: 0\r\n\r\n"]
        async with RawServer(script) as server, connected(server) as connection:
            await connection.exchange(REQUEST)
            assert not connection.is_stale()
            server.shut_down_now()
            assert connection.is_stale()
            assert not connection.closed

    run(scenario())


def test_bytes_on_an_idle_connection_close_it(run: Run) -> None:
    """A reply nobody asked for is not kept for the next request."""

    async def scenario() -> None:
        more = asyncio.Event()
        script: Script = [Do.READ_REQUEST, OK + b"content-length: 0\r\n\r\n", more, OK, Do.AWAIT_CLOSE]
        async with RawServer(script) as server, connected(server) as connection:
            await connection.exchange(REQUEST)
            assert connection.reusable
            more.set()
            await server.peer_closed.wait()
            assert connection.closed

    run(scenario())


def test_reply_that_takes_too_long_as_a_whole_is_a_timeout(run: Run) -> None:
    """Bytes that come in time do not postpone the end of the whole."""

    async def scenario() -> None:
        drip: Script = [Do.READ_REQUEST, OK + b"content-length: 9999\r\n\r\n", b"x", Do.AWAIT_CLOSE]
        async with RawServer(drip) as server, connected(server, PATIENT._replace(total_seconds=0.05)) as connection:
            await connection.exchange(REQUEST)
            assert await connection.read() == b"x"
            with pytest.raises(UpstreamError) as caught:
                await connection.read()
            assert caught.value.code is ErrorCode.UPSTREAM_TIMEOUT
            await server.peer_closed.wait()

    run(scenario())


def test_whole_time_runs_while_nobody_waits_too(run: Run) -> None:
    """A client that reads slowly cannot hold a connection for ever."""

    async def scenario() -> None:
        script: Script = [Do.READ_REQUEST, OK + b"content-length: 9999\r\n\r\n", Do.AWAIT_CLOSE]
        async with RawServer(script) as server, connected(server, PATIENT._replace(total_seconds=0.05)) as connection:
            await connection.exchange(REQUEST)
            await server.peer_closed.wait()
            assert connection.closed

    run(scenario())


def test_whole_time_is_of_one_exchange(run: Run) -> None:
    """It ends with the reply: an idle connection outlives it, and the next exchange has its own."""

    async def scenario() -> None:
        serve: Script = [Do.READ_REQUEST, OK + b"content-length: 5\r\n\r\nhello"]
        loop = asyncio.get_running_loop()
        timeouts = PATIENT._replace(first_byte_seconds=0.02, total_seconds=0.02)
        async with RawServer([*serve, *serve]) as server, connected(server, timeouts) as connection:
            await connection.exchange(REQUEST)
            assert await read_all(connection) == b"hello"
            over = loop.time() + 0.06
            await until(lambda: loop.time() > over)
            assert connection.reusable
            await connection.exchange(REQUEST)
            assert await read_all(connection) == b"hello"

    run(scenario())
