"""Exchanges over real sockets: what clients receive, what the record says, and what happens when somebody leaves."""

import asyncio
import gc
import socket
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import openai
import orjson
import pytest
from structlog.testing import capture_logs

from gateway.accounts.account import AccountKind
from gateway.errors import ErrorCode
from gateway.protocol.events import RequestRefused
from gateway.protocol.exchange import Exchange
from gateway.proxy.admission import NOBODY
from gateway.proxy.driver import Driver, Message
from gateway.standin.replies import HARM_TERM, LABEL_TEXT
from tests.gateway.audit.builders import FailingOps
from tests.gateway.protocol.playbook import given
from tests.gateways import (
    BLOCKED,
    CHAT,
    DONE,
    HTTP,
    MODEL,
    STREAM_END,
    STREAM_HEAD,
    AsgiClient,
    Gateway,
    Scripted,
    chat,
    chunk,
    delta,
    eventually,
    expect_error,
    frames_of,
    gateway,
    in_front_of,
    messages_of,
    receive_until,
    reply,
    said_in,
    scripted,
    stream_of,
    whole_answer,
)
from tests.raw_server import Do, Script

# What the model server does wrong.


@pytest.mark.parametrize("streamed", [False, True])
def test_a_model_server_that_is_not_there(tmp_path: Path, streamed: bool) -> None:  # noqa: FBT001 the same
    """Refused connections are 502, and the openai client sees a server error."""
    with gateway(tmp_path, "http://127.0.0.1:1") as running:
        expect_error(running, ErrorCode.UPSTREAM_UNREACHABLE, lambda: running.post(chat("你好", stream=streamed)))
        assert running.metric("sluice_upstream_errors_total", reason="unreachable") > 0
        with pytest.raises(openai.InternalServerError):
            running.openai().chat.completions.create(model=MODEL, messages=messages_of("你好"))


# Readable JSON, said to be compressed and then said not to be: whoever believes the first sees another text.
_ENCODED = reply(b"{}").replace(b"\r\n\r\n", b"\r\ncontent-encoding: gzip\r\ncontent-encoding: identity\r\n\r\n")

FAILURES: dict[str, tuple[Script, ErrorCode]] = {
    "silence": ((Do.READ_REQUEST, Do.AWAIT_CLOSE), ErrorCode.UPSTREAM_TIMEOUT),
    "a head without its body": (
        (Do.READ_REQUEST, b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{", Do.AWAIT_CLOSE),
        ErrorCode.UPSTREAM_TIMEOUT,
    ),
    "a reset before the head": ((Do.READ_REQUEST, Do.RESET), ErrorCode.UPSTREAM_RESET),
    "a reset in the body": (
        (Do.READ_REQUEST, b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{", Do.CLOSE),
        ErrorCode.UPSTREAM_RESET,
    ),
    "no HTTP": ((Do.READ_REQUEST, b"SSH-2.0-OpenSSH_9.2\r\n"), ErrorCode.UPSTREAM_MALFORMED),
    "a web page": (
        (Do.READ_REQUEST, reply(b"<html>" + BLOCKED.encode(), content_type=b"text/html")),
        ErrorCode.UPSTREAM_MALFORMED,
    ),
    "a redirect": ((Do.READ_REQUEST, reply(b"{}", status=b"302 Found")), ErrorCode.UPSTREAM_MALFORMED),
    "401": ((Do.READ_REQUEST, reply(b"{}", status=b"401 Unauthorized")), ErrorCode.UPSTREAM_REFUSED),
    "compressed": ((Do.READ_REQUEST, _ENCODED), ErrorCode.UPSTREAM_MALFORMED),
    "500 with a page": ((Do.READ_REQUEST, reply(b"oops", status=b"500 No")), ErrorCode.UPSTREAM_ERROR),
}


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("failure", FAILURES)
def test_a_model_server_that_fails_before_anything_was_sent(
    tmp_path: Path,
    failure: str,
    streamed: bool,  # noqa: FBT001 the same
) -> None:
    """Each failure is a status and a code of its own, and nothing of the reply leaves."""
    script, code = FAILURES[failure]
    with in_front_of(tmp_path, script) as (running, _):
        response = expect_error(running, code, lambda: running.post(chat("你好", stream=streamed)))
        assert "出售" not in response.text


@pytest.mark.parametrize("status", [400, 429, 503])
def test_an_error_of_the_model_server_is_passed_on(shared: Gateway, status: int) -> None:
    """Its status and shape reach the client, who can act on them; it is no generated content, so it has no label."""
    response = shared.post(chat(f"[[error:{status}]] 你好"))
    assert response.status_code == status
    assert "aigc" not in response.json()
    assert "x-aigc-label" not in response.headers
    record = shared.record(response.headers["x-request-id"])
    assert (record.status, record.error, record.decision) == (status, "upstream_error", "error")


def test_an_error_of_the_model_server_is_scanned(tmp_path: Path) -> None:
    """An error may repeat what was asked of the model: it passes the same filters."""
    body = orjson.dumps({"error": {"message": f"cannot answer {HARM_TERM}", "code": None}})
    script = (Do.READ_REQUEST, reply(body, status=b"400 Bad Request"))
    with in_front_of(tmp_path, script) as (running, _):
        response = running.post(chat("你好"))
        assert HARM_TERM not in response.text
        assert running.record(response.headers["x-request-id"]).decision == "block"


STREAM_FAILURES: dict[str, tuple[Script, ErrorCode]] = {
    "silence": ((Do.AWAIT_CLOSE,), ErrorCode.UPSTREAM_TIMEOUT),
    "a reset": ((Do.RESET,), ErrorCode.UPSTREAM_RESET),
    "an end without the last chunk": ((Do.CLOSE,), ErrorCode.UPSTREAM_RESET),
    "a frame that is no JSON": ((chunk(b"data: {no json\n\n"), Do.AWAIT_CLOSE), ErrorCode.UPSTREAM_MALFORMED),
    "a frame of another shape": (
        (chunk(b'data: {"choices": "none"}\n\n'), Do.AWAIT_CLOSE),
        ErrorCode.UPSTREAM_MALFORMED,
    ),
    "a frame in no UTF-8": ((chunk(b'data: {"a":"\xff\xfe"}\n\n'), Do.AWAIT_CLOSE), ErrorCode.UPSTREAM_MALFORMED),
    "a frame of 10 MB": (
        (*(chunk(b"data: " + b"x" * 65536) for _ in range(160)), Do.AWAIT_CLOSE),
        ErrorCode.UPSTREAM_MALFORMED,
    ),
    "a chunk that is none": ((b"zz\r\nnonsense", Do.AWAIT_CLOSE), ErrorCode.UPSTREAM_MALFORMED),
}


@pytest.mark.parametrize("failure", STREAM_FAILURES)
def test_a_model_server_that_fails_in_mid_stream(tmp_path: Path, failure: str) -> None:
    """The client gets what was cleared, an error frame with the code, and the terminator; never a hang."""
    script, code = STREAM_FAILURES[failure]
    steps = (Do.READ_REQUEST, STREAM_HEAD, delta("水位正常"), *script)
    with in_front_of(tmp_path, steps) as (running, _):
        before = running.metric("sluice_errors_total", code=code)
        response = running.post(chat("你好", stream=True))
        frames = frames_of(response.content)
        assert frames[0]["choices"][0]["delta"]["content"] == "水位正常"
        assert frames[-1]["error"]["code"] == code
        assert response.content.endswith(DONE)
        record = running.record(response.headers["x-request-id"])
        assert (record.error, record.decision, record.streamed) == (code, "error", True)
        assert running.metric("sluice_errors_total", code=code) == before + 1
        with (
            pytest.raises(openai.APIError),
            running.openai().chat.completions.create(
                model=MODEL, messages=messages_of("你好"), stream=True
            ) as stream,
        ):
            list(stream)


def test_a_stream_without_its_terminator_ends_well(shared: Gateway) -> None:
    """A model server that forgets [DONE] does not make the client wait: it gets one, and the label."""
    raw = stream_of(shared, "[[no-done]] 你好")
    assert said_in(frames_of(raw)).endswith(LABEL_TEXT)
    assert raw.count(DONE) == 1
    assert raw.endswith(DONE)


def test_a_model_server_that_does_not_end_behind_its_terminator(tmp_path: Path) -> None:
    """The answer is complete with [DONE]; the client does not wait for the connection's idle time."""
    script = (Do.READ_REQUEST, STREAM_HEAD, delta("水位正常", finish="stop"), chunk(DONE), Do.AWAIT_CLOSE)
    with in_front_of(tmp_path, script, idle_seconds=600) as (running, upstream):
        assert stream_of(running, "你好").endswith(DONE)
        upstream.wait(upstream.server.peer_closed)


def test_what_follows_the_terminator_is_dropped(tmp_path: Path) -> None:
    """Nobody scans it, so nobody gets it."""
    script = (
        *(Do.READ_REQUEST, STREAM_HEAD, delta("水位正常", finish="stop")),
        *(chunk(DONE + b"data: " + HARM_TERM.encode() + b"\n\n"), STREAM_END),
    )
    with in_front_of(tmp_path, script) as (running, _):
        raw = stream_of(running, "你好")
        assert HARM_TERM.encode() not in raw
        assert raw.endswith(DONE)


# Who leaves, who is slow.


def test_a_client_that_leaves_before_the_first_token(tmp_path: Path) -> None:
    """The model server's connection is closed at once, and the record says why."""
    with in_front_of(tmp_path, (Do.READ_REQUEST, Do.AWAIT_CLOSE), idle_seconds=600) as (running, upstream):
        with _asking(running) as client:
            upstream.wait(upstream.server.request_read)
            client.close()
            upstream.wait(upstream.server.peer_closed)
        (record,) = running.records(1)
        assert (record.error, record.decision) == ("client_disconnected", "error")


def test_a_client_that_leaves_in_mid_stream(tmp_path: Path) -> None:
    """The same, while the model server is silent between two tokens."""
    script = (Do.READ_REQUEST, STREAM_HEAD, delta("水位正常"), Do.AWAIT_CLOSE)
    with in_front_of(tmp_path, script, idle_seconds=600) as (running, upstream):
        with _asking(running) as client:
            receive_until(client, "水位正常".encode())
            assert running.metric("sluice_streams_open") == 1
            client.close()
            upstream.wait(upstream.server.peer_closed)
        (record,) = running.records(1)
        assert (record.error, record.status, record.streamed) == ("client_disconnected", 200, True)
        assert running.metric("sluice_streams_open") == 0


def test_a_client_that_does_not_read_stops_the_model_server(tmp_path: Path) -> None:
    """What lies between them is bounded; when the client leaves, what was decided is recorded."""
    piece = delta("水" * 5000)
    count = 4000
    script: Script = (Do.READ_REQUEST, STREAM_HEAD, *([piece] * count), Do.AWAIT_CLOSE)
    with in_front_of(tmp_path, script, idle_seconds=600) as (running, upstream):
        with _asking(running) as client:
            receive_until(client, "水".encode())
            _await_standstill(upstream)
            assert 0 < upstream.server.sent_bytes < count * len(piece) / 2
            client.close()
        (record,) = running.records(1)
        assert record.error == "client_disconnected"


def test_sound_nobody_takes_stops_the_model_server(tmp_path: Path) -> None:
    """Bytes that pass are bounded like frames of a stream, and counted as an open stream until the client leaves."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\ntransfer-encoding: chunked\r\n\r\n"
    piece, count = chunk(b"\xff" * 15000), 4000
    script: Script = (Do.READ_REQUEST, head, *([piece] * count), Do.AWAIT_CLOSE)
    with _before(tmp_path, script, idle_seconds=600) as (running, upstream):
        with _asking(running, path="/v1/audio/speech") as client:
            receive_until(client, b"\xff" * 1000)
            _await_standstill(upstream)
            assert 0 < upstream.server.sent_bytes < count * len(piece) / 2
            assert running.metric("sluice_streams_open") == 1
            client.close()
        (record,) = running.records(1)
        assert (record.error, record.dialect) == ("client_disconnected", "openai.speech")
        eventually(lambda: running.metric("sluice_streams_open") == 0)


def test_what_was_decided_is_recorded_when_the_client_leaves_before_it(tmp_path: Path) -> None:
    """A block whose piece before it nobody takes any more is on the record as a block."""
    client = AsgiClient()

    async def send(message: dict[str, Any]) -> None:
        client.sent.append(message)
        if message["type"] == "http.response.body":
            client.left.set()
            await asyncio.Event().wait()

    script = (Do.READ_REQUEST, STREAM_HEAD, delta("这里可以" + HARM_TERM), Do.AWAIT_CLOSE)
    with in_front_of(tmp_path, script, idle_seconds=600) as (running, _):
        client.ask(running, send)
        (record,) = running.records(1)
    assert (record.decision, record.error) == ("block", "")
    assert not any(b"content_filter" in message.get("body", b"") for message in client.sent)


# Who waits.

KEEP_ALIVE = b": keep-alive\n\n"


def test_a_client_that_waits_hears_that_the_stream_is_open(tmp_path: Path) -> None:
    """While text is held and the model is silent, comments leave between the frames; the openai client skips them."""
    go_on = asyncio.Event()
    script = (
        *(Do.READ_REQUEST, STREAM_HEAD, delta("这里" + HARM_TERM[:2]), go_on),
        *(delta("水果"), delta("", finish="stop"), chunk(DONE), STREAM_END),
    )
    with _before(tmp_path, script, idle_seconds=600) as (running, upstream):
        running.services.keep_alive_seconds = 0.02
        with _asking(running) as client:
            answer = receive_until(client, KEEP_ALIVE)
            assert running.metric("sluice_held_characters") == 2
            answer += receive_until(client, KEEP_ALIVE)
            upstream.set(go_on)
            answer += receive_until(client, b"\r\n0\r\n\r\n")
        running.records(1)
        assert running.metric("sluice_held_characters") == 0
    # Played once more, byte for byte, to clients that know nothing of this gateway.
    with scripted((answer, Do.AWAIT_CLOSE)) as server:
        body = HTTP.post(f"{server.url}{CHAT}", json={}).content
        with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as reader:
            pieces = list(reader.chat.completions.create(model=MODEL, messages=messages_of("你好"), stream=True))
    whole = f"这里{HARM_TERM[:2]}水果"
    assert body.count(KEEP_ALIVE) >= 2
    assert {frame[:6] for frame in body.split(b"\n\n")} == {b"data: ", KEEP_ALIVE[:6], b""}
    assert said_in(frames_of(body)).startswith(whole)
    assert "".join(each.choices[0].delta.content or "" for each in pieces).startswith(whole)


def test_an_answer_that_is_no_stream_has_no_comments(tmp_path: Path) -> None:
    """However long it takes: before the head, or inside of a document, a comment would be another answer."""
    go_on = asyncio.Event()
    whole = (Do.READ_REQUEST, go_on, reply(whole_answer("水位正常")))
    streamed = (Do.READ_REQUEST, STREAM_HEAD, Do.AWAIT_CLOSE)
    with scripted(whole, streamed) as upstream, gateway(tmp_path, upstream.url) as running:
        running.services.keep_alive_seconds = 0.02
        with _asking(running, streamed=False) as waiting:
            upstream.wait(upstream.server.request_read)
            # Another client has been told twice that its stream is open: so much time has passed for both.
            with _asking(running) as other:
                receive_until(other, KEEP_ALIVE)
                receive_until(other, KEEP_ALIVE)
            upstream.set(go_on)
            answer = receive_until(waiting, b"}}")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert KEEP_ALIVE not in answer


# What we do wrong ourselves.


def test_a_defect_before_the_answer_is_told_recorded_and_counted(tmp_path: Path) -> None:
    """The client gets the id and no stack."""
    with gateway(tmp_path, "http://127.0.0.1:1") as running:
        running.services.scan_pool = _Defective()  # type: ignore[assignment] # a fake of it
        with capture_logs() as logs:
            response = expect_error(running, ErrorCode.INTERNAL, lambda: running.post(chat("水位正常。" * 5000)))
    assert "ZeroDivisionError" not in response.text
    assert [(each["event"], each["request_id"]) for each in logs if each["log_level"] == "error"] == [
        ("exchange_failed", response.headers["x-request-id"])
    ]


def test_a_defect_in_mid_stream_leaves_the_stream_without_its_end(tmp_path: Path) -> None:
    """The client must not take half an answer for a whole one; the record says what happened."""
    client = AsgiClient()

    async def send(message: dict[str, Any]) -> None:
        client.sent.append(message)
        if message["type"] == "http.response.body":
            raise ZeroDivisionError

    script = (Do.READ_REQUEST, STREAM_HEAD, delta("水位正常"), Do.AWAIT_CLOSE)
    with in_front_of(tmp_path, script, idle_seconds=600) as (running, upstream):
        client.ask(running, send)
        upstream.wait(upstream.server.peer_closed)
        (record,) = running.records(1)
    assert (record.decision, record.error) == ("error", "internal_error")
    assert [message["type"] for message in client.sent] == ["http.response.start", "http.response.body"]


class _Defective:
    async def scan(self, _job: object, _ruleset: object) -> None:
        raise ZeroDivisionError

    def close(self) -> None:
        """Nothing to let go of."""


# The audit trail.


def test_a_refusal_leaves_when_its_entry_is_on_disk(shared: Gateway) -> None:
    """At the first byte of the answer, the segment file has the entry."""
    with _asking(shared, BLOCKED, streamed=False) as client:
        client.recv(1)
        on_disk = shared.on_disk()
        answer = receive_until(client, b"}}")
    request_id = answer.partition(b"x-request-id: ")[2][:32].decode()
    assert request_id in {each.request_id for each in on_disk}


def test_a_notice_leaves_when_its_entry_is_on_disk(shared: Gateway) -> None:
    """The same for a stream that is stopped: the notice waits for the entry."""
    with _asking(shared, "[[harm]] 讲个故事") as client:
        received = receive_until(client, b"content_filter")
        on_disk = shared.on_disk()
    request_id = received.partition(b"x-request-id: ")[2][:32].decode()
    assert request_id in {each.request_id for each in on_disk}


@pytest.mark.parametrize("step", ["write", "sync"])
def test_a_disk_that_fails_stops_refusals_then_everything(tmp_path: Path, standin_url: str, step: str) -> None:
    """What cannot be recorded does not happen: 503, not ready, until the disk is back; nothing is lost."""
    ops = FailingOps()
    with gateway(tmp_path, standin_url, ops=ops) as running:
        ops.step = step
        response = running.post(chat(BLOCKED))
        assert (response.status_code, response.json()["error"]["code"]) == (503, "audit_unavailable")
        assert response.headers["retry-after"] == "5"
        eventually(lambda: not running.services.appender.available)
        assert running.post(chat("你好")).json()["error"]["code"] == "audit_unavailable"
        ready = HTTP.get(f"{running.url}/readyz")
        assert (ready.status_code, ready.json()["reasons"]) == (503, ["audit_unavailable"])
        ops.heal()
        eventually(lambda: running.services.appender.available)
        assert running.post(chat("你好")).status_code == 200
        assert [each.decision for each in running.records(3)] == ["block", "error", "allow"]


def test_a_disk_that_fails_in_mid_stream_ends_the_stream(tmp_path: Path) -> None:
    """A stream whose block cannot be recorded ends with the error, and without a character of the term."""
    ops = FailingOps()
    script = (Do.READ_REQUEST, STREAM_HEAD, delta("这里可以"), delta(HARM_TERM), Do.AWAIT_CLOSE)
    with scripted(script) as upstream, gateway(tmp_path, upstream.url, ops=ops) as running:
        ops.step = "sync"
        response = running.post(chat("你好", stream=True))
        assert frames_of(response.content)[-1]["error"]["code"] == "audit_unavailable"
        assert HARM_TERM.encode() not in response.content
        ops.heal()
        assert running.records(1)[0].decision == "block"


@contextmanager
def _before(folder: Path, script: Script, *, idle_seconds: float = 0.6) -> Iterator[tuple[Gateway, Scripted]]:
    """Run a gateway in front of a script, with little patience."""
    with scripted(script) as upstream:
        patience = {"connect_seconds": 5, "first_byte_seconds": idle_seconds, "idle_seconds": idle_seconds}
        own = {"name": "test", "base_url": f"{upstream.url}/v1", **patience}
        # Sound that takes no label passes as it comes, as a few tests here need.
        policies = {"default": {"file_labels": "open"}}
        with gateway(folder, upstream.url, {"upstreams": [own], "policies": policies}) as running:
            yield running, upstream


@contextmanager
def _asking(
    running: Gateway, prompt: str = "你好", *, streamed: bool = True, path: str = CHAT
) -> Iterator[socket.socket]:
    """Ask over a socket of its own."""
    # A member that another route needs does no harm to chat, nor the other way round.
    body = orjson.dumps(chat(prompt, stream=streamed, input=prompt, response_format="pcm"))
    key = running.keys[AccountKind.USER]
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\nx-api-key: {key}\r\ncontent-length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", httpx.URL(running.url).port or 0), timeout=30) as client:
        client.sendall(head.encode() + body)
        yield client


def _await_standstill(upstream: Scripted) -> None:
    """Wait until the server could not send anything for a while."""
    seen: list[int] = []

    def still() -> bool:
        seen.append(upstream.server.sent_bytes)
        return len(seen) > 100 and len(set(seen[-100:])) == 1

    eventually(still)


def test_an_exchange_leaves_no_cycles(shared: Gateway) -> None:
    """What an exchange held is gone with it, without the collector, also when its client was watched for."""

    async def drive() -> "weakref.ref[Exchange]":
        exchange = Exchange(given())
        gone = asyncio.Event()

        async def receive() -> Message:
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(_message: Message) -> None:
            await asyncio.sleep(0)

        services = shared.services
        driver = Driver(exchange, services, NOBODY, receive, send)
        asyncio.get_running_loop().call_soon(driver._watch)  # as after twenty milliseconds
        await asyncio.create_task(driver.run(RequestRefused(ErrorCode.KEY_UNKNOWN)))
        await asyncio.sleep(0)
        return weakref.ref(exchange)

    gc.disable()
    try:
        exchange = asyncio.run_coroutine_threadsafe(drive(), shared.loop).result(30)
        assert exchange() is None
    finally:
        gc.enable()
