"""Several servers on real sockets: who is asked, who is asked next, and that nothing is generated twice."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import orjson
import pytest
from structlog.testing import capture_logs

from gateway.errors import ErrorCode, RequestError, UpstreamError
from gateway.metrics import REGISTRY
from gateway.proxy.upstream.budget import RetryBudget
from gateway.proxy.upstream.connection import Timeouts
from gateway.proxy.upstream.decoded import Reply
from gateway.proxy.upstream.fleet import Ask, Fleet, renamed
from gateway.proxy.upstream.pool import PoolFullError, PoolLimits, UpstreamPool
from gateway.proxy.upstream.selection import Choice, Outcome, Selector, Upstream
from gateway.sockets import open_socket
from tests.gateway.proxy.upstream.conftest import Run
from tests.raw_server import Do, RawServer, Script, until

PATIENT = Timeouts(connect_seconds=30, first_byte_seconds=30, idle_seconds=30)
ASK = Ask("POST", "/chat/completions", body=b'{"model":"m"}', model="m", dialect="openai.chat")
BUSY = (Do.READ_REQUEST, b"HTTP/1.1 503 Busy\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n")
RESET = (Do.READ_REQUEST, Do.RESET)
AWAY: Script = ()


def _serve(text: bytes) -> Script:
    return (Do.READ_REQUEST, b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(text), text))


class Servers:
    """Scripted servers and a fleet of them; the first that is asked is the first given.

    Attributes:
        fleet: the fleet.
        raw: the servers; None for one that is away.
    """

    def __init__(self, fleet: Fleet, raw: list[RawServer | None]) -> None:
        self.fleet = fleet
        self.raw = raw

    @property
    def generations(self) -> list[int]:
        """Requests that each server read: each of them is a generation begun."""
        return [len(each.requests) if each else 0 for each in self.raw]


@asynccontextmanager
async def fleet_of(
    *scripts: Script,
    budget: RetryBudget | None = None,
    timeouts: Timeouts = PATIENT,
    limits: PoolLimits | None = None,
) -> AsyncIterator[Servers]:
    """Run a server for each script; an empty one is a server that is away."""
    with open_socket("127.0.0.1", 0) as listener:
        away = listener.getsockname()[1]
    async with AsyncExitStack() as stack:
        raw = [await stack.enter_async_context(RawServer(script)) if script else None for script in scripts]
        urls = [each.base_url if each else f"http://127.0.0.1:{away}/v1" for each in raw]
        pools = [UpstreamPool(url, timeouts, limits=limits) for url in urls]
        upstreams = [Upstream(f"fleet-{number}") for number in range(len(scripts))]
        fleet = Fleet(list(zip(upstreams, pools, strict=True)), Selector(upstreams, lambda: 0.0), budget)
        try:
            yield Servers(fleet, raw)
        finally:
            fleet.close()
            await until(lambda: not any(pool._connections for pool in pools))


async def read_all(reply: Reply) -> bytes:
    """Read until the end."""
    pieces = []
    while piece := await reply.read():
        pieces.append(piece)
    return b"".join(pieces)


def _sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_requests_are_shared_out(run: Run) -> None:
    """Each server serves in its turn, and the reply says which it was."""

    async def scenario() -> None:
        async with fleet_of([*_serve(b"a"), *_serve(b"a")], [*_serve(b"b"), *_serve(b"b")]) as servers:
            opened = [await servers.fleet.open(ASK) for _ in range(4)]
            said = [(each.upstream, await read_all(each.reply)) for each in opened]
            assert sorted(said) == [("fleet-0", b"a")] * 2 + [("fleet-1", b"b")] * 2

    run(scenario())


@pytest.mark.parametrize("first", [AWAY, BUSY], ids=["away", "busy"])
def test_what_was_certainly_not_served_goes_to_another_server(run: Run, first: Script) -> None:
    """Nothing was sent to one that is away, and one that is busy says so itself: the client notices nothing."""

    async def scenario() -> None:
        retries = _sample("sluice_upstream_retries_total")
        async with fleet_of(first, _serve(b"b")) as servers:
            opened = await servers.fleet.open(ASK)
            assert (opened.upstream, await read_all(opened.reply)) == ("fleet-1", b"b")
        assert _sample("sluice_upstream_retries_total") == retries + 1

    run(scenario())


@pytest.mark.parametrize(
    ("first", "code"),
    [
        (RESET, ErrorCode.UPSTREAM_RESET),
        ((Do.READ_REQUEST, Do.CLOSE), ErrorCode.UPSTREAM_RESET),
        ((Do.READ_REQUEST, Do.AWAIT_CLOSE), ErrorCode.UPSTREAM_TIMEOUT),
        ((Do.READ_REQUEST, b"HTTP/1.1 2", Do.RESET), ErrorCode.UPSTREAM_RESET),
        ((Do.READ_REQUEST, b"SSH-2.0\r\n\r\n"), ErrorCode.UPSTREAM_MALFORMED),
    ],
    ids=["reset", "closed", "silence", "half a head", "no HTTP"],
)
def test_what_was_sent_and_not_answered_is_never_sent_again(run: Run, first: Script, code: ErrorCode) -> None:
    """The server may be generating: the client is told, and the other server hears nothing."""

    async def scenario() -> None:
        async with fleet_of(first, _serve(b"b"), timeouts=PATIENT._replace(first_byte_seconds=0.1)) as servers:
            with pytest.raises(UpstreamError) as caught:
                await servers.fleet.open(ASK)
            assert caught.value.code is code
            assert servers.generations == [1, 0]

    run(scenario())


def test_a_server_killed_between_two_requests_costs_nothing(run: Run) -> None:
    """Its idle connection is seen to be dead before a byte is written: the request goes to the other server."""

    async def scenario() -> None:
        async with fleet_of([*_serve(b"a"), asyncio.Event()], [*_serve(b"b"), *_serve(b"b")]) as servers:
            first, second = servers.raw
            assert first is not None
            assert second is not None
            for _ in range(2):
                await read_all((await servers.fleet.open(ASK)).reply)
            first.stop_listening()
            first.shut_down_now()
            assert await read_all((await servers.fleet.open(ASK)).reply) == b"b"
            assert servers.generations == [1, 2]

    run(scenario())


def test_a_reply_that_breaks_off_is_not_asked_for_again(run: Run) -> None:
    """Whatever was passed on cannot be taken back."""

    async def scenario() -> None:
        broken: Script = (Do.READ_REQUEST, b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello", Do.RESET)
        async with fleet_of(broken, _serve(b"b")) as servers:
            opened = await servers.fleet.open(ASK)
            assert await opened.reply.read() == b"hello"
            with pytest.raises(UpstreamError):
                await opened.reply.read()
            assert servers.generations == [1, 0]

    run(scenario())


@pytest.mark.parametrize("scripts", [(BUSY,), (BUSY, AWAY)], ids=["alone", "the other failed too often"])
def test_the_answer_of_a_busy_server_stands_when_there_is_no_other(run: Run, scripts: tuple[Script, ...]) -> None:
    """With its status and its own word on when to come again."""

    async def scenario() -> None:
        async with fleet_of(*scripts) as servers:
            for _ in range(3 if len(scripts) > 1 else 0):  # until the second is left out
                servers.fleet._report(Choice(Upstream("fleet-1")), Outcome.FAILED, "")
            opened = await servers.fleet.open(ASK)
            assert (opened.reply.status, opened.upstream) == (503, "fleet-0")
            assert (b"retry-after", b"7") in opened.reply.headers
            opened.reply.close()

    run(scenario())


def test_the_error_of_the_last_server_stands(run: Run) -> None:
    """When all are away, the client hears that they cannot be reached."""

    async def scenario() -> None:
        async with fleet_of(AWAY, AWAY) as servers:
            with pytest.raises(UpstreamError) as caught:
                await servers.fleet.open(ASK)
            assert caught.value.code is ErrorCode.UPSTREAM_UNREACHABLE

    run(scenario())


def test_a_request_is_tried_three_times_at_most(run: Run) -> None:
    """However many servers there are."""

    async def scenario() -> None:
        async with fleet_of(BUSY, BUSY, BUSY, _serve(b"d")) as servers:
            opened = await servers.fleet.open(ASK)
            assert opened.reply.status == 503
            opened.reply.close()
            assert servers.generations == [1, 1, 1, 0]

    run(scenario())


def test_retries_end_with_their_budget(run: Run) -> None:
    """Else an outage would double the load of the servers that are left."""

    async def scenario() -> None:
        async with fleet_of(BUSY, _serve(b"b"), budget=RetryBudget(share=0, reserve=0)) as servers:
            opened = await servers.fleet.open(ASK)
            assert opened.reply.status == 503
            opened.reply.close()
            assert servers.generations == [1, 0]

    run(scenario())


def test_a_server_that_fails_is_left_out_and_comes_back(run: Run) -> None:
    """Log and metrics say so, and say why."""

    async def scenario() -> None:
        async with fleet_of(AWAY, [step for _ in range(9) for step in _serve(b"b")]) as servers:
            with capture_logs() as logs:
                for _ in range(8):
                    opened = await servers.fleet.open(ASK)
                    assert await read_all(opened.reply) == b"b"
            (ejected,) = logs
            assert (ejected["event"], ejected["upstream"]) == ("upstream_ejected", "fleet-0")
            assert "failed" in ejected["why"]
            assert _sample("sluice_upstream_ejected", upstream="fleet-0") == 1
            assert _sample("sluice_upstream_ejected", upstream="fleet-1") == 0
            with capture_logs() as logs:
                servers.fleet._report(Choice(Upstream("fleet-0")), Outcome.ANSWERED, "")
            assert [each["event"] for each in logs] == ["upstream_recovered"]
            assert _sample("sluice_upstream_ejected", upstream="fleet-0") == 0

    run(scenario())


def test_replies_that_break_off_leave_a_server_out(run: Run) -> None:
    """Its heads alone are no sign of health."""

    async def scenario() -> None:
        broken: Script = (Do.READ_REQUEST, b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n", Do.RESET)
        async with fleet_of(broken) as servers:
            for _ in range(3):
                with pytest.raises(UpstreamError):
                    await read_all((await servers.fleet.open(ASK)).reply)
            assert _sample("sluice_upstream_ejected", upstream="fleet-0") == 1

    run(scenario())


def test_what_became_of_requests_is_counted(run: Run) -> None:
    """By server: the answers, the failures, and what was given up."""

    async def scenario() -> None:
        names = ("answered", "failed", "abandoned")
        async with fleet_of(AWAY, [*_serve(b"b"), Do.READ_REQUEST, Do.AWAIT_CLOSE]) as servers:
            before = [_requests("fleet-0", "failed"), *[_requests("fleet-1", name) for name in names]]
            await read_all((await servers.fleet.open(ASK)).reply)
            asking = asyncio.ensure_future(servers.fleet.open(ASK))
            server = servers.raw[1]
            assert server is not None
            await until(lambda: len(server.requests) == 2)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            after = [_requests("fleet-0", "failed"), *[_requests("fleet-1", name) for name in names]]
            assert [b - a for a, b in zip(before, after, strict=True)] == [1, 1, 0, 1]

    run(scenario())


def test_our_own_limit_says_nothing_about_a_server(run: Run) -> None:
    """A request that finds no place goes to another server, and the full one stays in."""

    async def scenario() -> None:
        hold: Script = (Do.READ_REQUEST, Do.AWAIT_CLOSE)
        limits = PoolLimits(max_connections=1, max_waiting=0)
        async with fleet_of(hold, hold, limits=limits) as servers:
            asking = [asyncio.ensure_future(servers.fleet.open(ASK)) for _ in range(2)]
            await until(lambda: servers.generations == [1, 1])
            for _ in range(5):
                with pytest.raises(PoolFullError):
                    await servers.fleet.open(ASK)
            assert _sample("sluice_upstream_ejected", upstream="fleet-0") == 0
            for each in asking:
                each.cancel()
            await asyncio.gather(*asking, return_exceptions=True)

    run(scenario())


def test_a_model_that_nobody_has_is_not_found(run: Run) -> None:
    """The client's mistake, told as such; no server is bothered."""

    async def scenario() -> None:
        async with RawServer(_serve(b"a")) as server:
            upstream = Upstream("only", models={"public": "own"})
            pool = UpstreamPool(server.base_url, PATIENT)
            fleet = Fleet([(upstream, pool)], Selector([upstream], lambda: 0.0))
            with pytest.raises(RequestError) as caught:
                await fleet.open(ASK._replace(model="private"))
            assert caught.value.code is ErrorCode.MODEL_NOT_FOUND
            body = orjson.dumps({"model": "public", "messages": []})
            opened = await fleet.open(ASK._replace(model="public", body=body))
            assert await read_all(opened.reply) == b"a"
            assert server.requests[0].endswith(b'{"model":"own","messages":[]}')
            fleet.close()
            await until(lambda: not pool._connections)

    run(scenario())


def test_a_compressed_reply_is_read_plain(run: Run) -> None:
    """Some servers compress though they are asked not to."""

    async def scenario() -> None:
        packed = gzip.compress(b"plain")
        head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(packed)
        async with fleet_of((Do.READ_REQUEST, head + packed)) as servers:
            assert await read_all((await servers.fleet.open(ASK)).reply) == b"plain"

    run(scenario())


@pytest.mark.parametrize(
    ("document", "model", "name"),
    [
        ({"model": "a", "messages": []}, "a", "b"),
        ({"messages": [{"content": 'say "model":"a" please'}], "model": "a"}, "a", "b"),
        ({"metadata": {"model": "a"}, "model": "a"}, "a", "org/b"),
        ({'x"model': "a", "model": "a"}, "a", "b"),
        ({"model": "通义"}, "通义", '"quoted\\"'),
        ({"model": "a"}, "a", "a"),
    ],
)
def test_the_server_reads_its_own_name_for_the_model(document: dict[str, object], model: str, name: str) -> None:
    """In the one member that means it; the same words anywhere else stay."""
    assert orjson.loads(renamed(orjson.dumps(document), model, name)) == document | {"model": name}


def _requests(upstream: str, outcome: str) -> float:
    return _sample("sluice_upstream_requests_total", upstream=upstream, outcome=outcome)
