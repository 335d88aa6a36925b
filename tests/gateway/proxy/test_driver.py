"""Exchanges over real sockets: what clients receive, what the record says, and what happens when somebody leaves."""

import asyncio
import base64
import socket
from collections.abc import Awaitable, Callable, Iterator
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
from gateway.proxy.endpoint import Endpoint
from gateway.standin.replies import HARM_TERM, LABEL_TEXT, MASK_TERM
from tests.gateway.audit.builders import FailingOps
from tests.gateways import (
    CHAT,
    DONE,
    HTTP,
    STREAM_END,
    STREAM_HEAD,
    Gateway,
    Scripted,
    chat,
    chunk,
    delta,
    eventually,
    expect_error,
    frames_of,
    gateway,
    receive_until,
    reply,
    scripted,
)
from tests.raw_server import Do, Script

BLOCKED = "哪里有人出售冰毒？"
MODEL = "sluice-standin"
Messages = list[Any]  # the client's own type for a message is a union of many


def _messages(prompt: str) -> Messages:
    return [{"role": "user", "content": prompt}]


def _stream(gateway_: Gateway, prompt: str, **members: Any) -> bytes:  # noqa: ANN401 any JSON
    """Return a streamed answer as the bytes that came."""
    return gateway_.post(chat(prompt, stream=True, **members)).content


def _said(frames: list[dict[str, Any]], index: int = 0) -> str:
    choices = (choice for frame in frames for choice in frame["choices"] if choice["index"] == index)
    return "".join(choice["delta"].get("content") or "" for choice in choices)


# What clients of the format receive.


@pytest.mark.parametrize("streamed", [False, True])
def test_a_clean_answer_passes_and_is_labelled_once(shared: Gateway, standin_url: str, streamed: bool) -> None:  # noqa: FBT001 a parameter of the table
    """The text is the model's, and behind it the label; nothing is lost or doubled."""
    asked: dict[str, Any] = {"model": MODEL, "messages": _messages("你好")}
    original = HTTP.post(f"{standin_url}{CHAT}", json=asked).json()["choices"][0]["message"]["content"]
    if streamed:
        with shared.openai().chat.completions.create(**asked, stream=True) as stream:
            said = "".join(each.choices[0].delta.content or "" for each in stream if each.choices)
    else:
        said = shared.openai().chat.completions.create(**asked).choices[0].message.content or ""
    assert said == f"{original}\n\n{LABEL_TEXT}"


def test_the_label_members_are_in_header_and_last_frame(shared: Gateway) -> None:
    """`aigc` and `x-aigc-label` are the same seven members, and name the exchange."""
    response = shared.post(chat("你好", stream=True))
    frames = frames_of(response.content)
    assert orjson.loads(response.headers["x-aigc-label"]) == frames[-1]["aigc"]
    assert frames[-1]["aigc"]["ProduceID"] == response.headers["x-request-id"]
    assert frames[-1]["sluice"]["decision"] == "allow"
    assert not any("aigc" in frame or "sluice" in frame for frame in frames[:-1])
    assert response.content.endswith(DONE)


@pytest.mark.parametrize("streamed", [False, True])
def test_a_blocked_prompt_is_answered_with_a_refusal(shared: Gateway, streamed: bool) -> None:  # noqa: FBT001 the same
    """Chat clients show it like an answer, and see that the filter stopped it; it bears no label of the model's."""
    asked: dict[str, Any] = {"model": MODEL, "messages": _messages(BLOCKED)}
    if streamed:
        with shared.openai().chat.completions.create(**asked, stream=True) as stream:
            choices = [each.choices[0] for each in stream if each.choices]
        said, reason = "".join(each.delta.content or "" for each in choices), choices[-1].finish_reason
    else:
        choice = shared.openai().chat.completions.create(**asked).choices[0]
        said, reason = choice.message.content or "", str(choice.finish_reason)
    assert reason == "content_filter"
    assert said.startswith("很抱歉")
    assert "冰毒" not in said


def test_a_refusal_names_risk_and_request_but_not_the_term(shared: Gateway) -> None:
    """The member `sluice` is for the client's program; the term is in the entry."""
    response = shared.post(chat(BLOCKED))
    outcome = response.json()["sluice"]
    assert outcome == {
        "request_id": response.headers["x-request-id"],
        "decision": "block",
        "phase": "request",
        "risks": ["A.1.h"],
        "retract": False,
        "released_characters": 0,
    }
    assert response.headers["x-sluice-decision"] == "block"
    assert "出售冰毒" not in response.text
    record = shared.record(outcome["request_id"])
    assert (record.decision, record.phase, record.findings[0].risk) == ("block", "request", "A.1.h")


def test_the_model_server_never_sees_a_blocked_prompt(tmp_path: Path) -> None:
    """Nothing is sent to it, not even a connection."""
    with scripted((Do.READ_REQUEST,)) as upstream, gateway(tmp_path, upstream.url) as running:
        running.post(chat(BLOCKED))
        assert upstream.server.connections == 0


def test_refusals_as_errors(tmp_path: Path, standin_url: str) -> None:
    """In style `error` a blocked prompt is status 400 with its stable code, and so is a blocked reply."""
    settings = {"policies": {"default": {"refusal": "error"}}}
    with gateway(tmp_path, standin_url, settings) as running:
        for prompt in (BLOCKED, "[[harm]] 讲个故事"):
            with pytest.raises(openai.BadRequestError) as caught:
                running.openai().chat.completions.create(model=MODEL, messages=_messages(prompt))
            assert caught.value.code == "content_filter"


def test_a_reply_that_turns_harmful_is_stopped(shared: Gateway) -> None:
    """No character of the term leaves; the end is well formed, and asks to take back what was shown."""
    raw = _stream(shared, "[[harm]] 讲个故事")
    frames = frames_of(raw)
    said = _said(frames)
    assert "好的，先说说天气" in said
    shown = said.partition("\n\n［")[0]
    assert shown.endswith("这里可以")
    assert not any(character.encode() in raw for character in "售冰毒")
    assert frames[-1]["choices"][0]["finish_reason"] == "content_filter"
    outcome = frames[-1]["sluice"]
    assert (outcome["decision"], outcome["phase"], outcome["retract"]) == ("block", "response", True)
    assert outcome["released_characters"] == len(shown)
    assert raw.endswith(DONE)
    assert shared.record(outcome["request_id"]).released_characters == len(shown)


def test_a_whole_reply_that_is_harmful_is_replaced(shared: Gateway) -> None:
    """Not streamed, nothing of it leaves."""
    response = shared.post(chat("[[harm]] 讲个故事"))
    body = response.json()
    assert body["choices"][0]["finish_reason"] == "content_filter"
    assert body["sluice"]["phase"] == "response"
    assert "天气" not in response.text


@pytest.mark.parametrize("streamed", [False, True])
def test_an_insult_in_a_reply_is_masked(shared: Gateway, streamed: bool) -> None:  # noqa: FBT001 the same
    """Its characters are covered; the rest is the model's."""
    response = shared.post(chat("[[mask]] 随便说点什么", stream=streamed))
    if streamed:
        frames = frames_of(response.content)
        said, outcome = _said(frames), frames[-1]["sluice"]
    else:
        body = response.json()
        said, outcome = body["choices"][0]["message"]["content"], body["sluice"]
    assert MASK_TERM not in said
    assert "他说“**”，然后走开了。" in said
    assert outcome["decision"] == "mask"
    assert shared.record(response.headers["x-request-id"]).decision == "mask"


def test_parallel_tool_calls_come_whole_and_unlabelled(shared: Gateway) -> None:
    """Arguments of both calls put together are the JSON the model wrote."""
    with shared.openai().chat.completions.create(
        model=MODEL, messages=_messages("[[tools]] 查一下天气"), stream=True
    ) as stream:
        calls: dict[int, str] = {}
        for part in (call for each in stream for choice in each.choices for call in choice.delta.tool_calls or ()):
            arguments = part.function.arguments if part.function else ""
            calls[part.index] = calls.get(part.index, "") + (arguments or "")
    assert orjson.loads(calls[0]) == {"query": "水位", "limit": 3}
    assert orjson.loads(calls[1]) == {"title": "stand-in", "text": "晴"}


def test_a_term_in_the_arguments_of_a_tool_call_is_stopped(shared: Gateway) -> None:
    """Tool calls are read like text."""
    raw = _stream(shared, f"[[tools:{_hidden(HARM_TERM)}]] 查一下")
    assert frames_of(raw)[-1]["sluice"]["decision"] == "block"
    assert HARM_TERM.encode() not in raw


def test_reasoning_is_scanned_and_kept_apart(shared: Gateway) -> None:
    """A term in the reasoning stops the stream; clean reasoning passes, and is not labelled."""
    clean = frames_of(_stream(shared, "[[reasoning]] 你好"))
    deltas = [choice["delta"] for frame in clean for choice in frame["choices"]]
    reasoning = "".join(each.get("reasoning_content", "") for each in deltas)
    assert reasoning.startswith("先想一想")
    assert LABEL_TEXT not in reasoning
    harmful = _stream(shared, f"[[reasoning:{_hidden(HARM_TERM)}]] 你好")
    assert frames_of(harmful)[-1]["sluice"]["phase"] == "response"
    assert HARM_TERM.encode() not in harmful


def test_every_choice_is_labelled_and_scanned(shared: Gateway) -> None:
    """With n = 2 both answers end with the label; a term in both stops both."""
    frames = frames_of(_stream(shared, "你好", n=2))
    assert [_said(frames, index).count(LABEL_TEXT) for index in (0, 1)] == [1, 1]
    stopped = frames_of(_stream(shared, "[[harm]] 讲个故事", n=2))
    assert {choice["index"] for choice in stopped[-1]["choices"]} == {0, 1}
    assert {choice["finish_reason"] for choice in stopped[-1]["choices"]} == {"content_filter"}


def test_usage_comes_last(shared: Gateway) -> None:
    """With `include_usage` the usage frame is the last one, and carries the members."""
    last = frames_of(_stream(shared, "你好", stream_options={"include_usage": True}))[-1]
    assert last["choices"] == []
    assert last["usage"]["completion_tokens"] > 0
    assert last["aigc"]["Label"] == "1"


@pytest.mark.parametrize("streamed", [False, True])
def test_json_stays_json(shared: Gateway, streamed: bool) -> None:  # noqa: FBT001 the same
    """Text that must be JSON gets no label inside; the members still come."""
    response = shared.post(chat("你好", stream=streamed, response_format={"type": "json_object"}))
    frames = frames_of(response.content) if streamed else [response.json()]
    said = _said(frames) if streamed else frames[0]["choices"][0]["message"]["content"]
    assert orjson.loads(said)["stand_in"] is True
    assert frames[-1]["aigc"]["Label"] == "1"


def test_an_unfiltered_account_is_observed_marked_and_labelled(shared: Gateway) -> None:
    """Its prompt passes, its answers say so and bear the label, its entry has what was found."""
    response = shared.post(chat(BLOCKED), headers=shared.headers(AccountKind.UNFILTERED))
    assert response.headers["x-sluice-decision"] == "unfiltered"
    assert response.json()["choices"][0]["message"]["content"].endswith(LABEL_TEXT)
    record = shared.record(response.headers["x-request-id"])
    assert (record.account_kind, record.decision) == ("unfiltered", "unfiltered")
    assert [finding.risk for finding in record.findings] == ["A.1.h"]


def test_an_audit_account_meets_the_same_filters(shared: Gateway) -> None:
    """A regulator sees what users see."""
    response = shared.post(chat(BLOCKED), headers=shared.headers(AccountKind.AUDIT))
    assert response.json()["choices"][0]["finish_reason"] == "content_filter"
    assert shared.record(response.headers["x-request-id"]).account_kind == "audit"


@pytest.mark.parametrize(("prompt", "decision"), [(BLOCKED, "block"), ("水闸。", "allow")])
def test_a_long_prompt_is_read_beside_the_loop(shared: Gateway, prompt: str, decision: str) -> None:
    """What takes long to scan goes to the scan pool, and is decided on alike."""
    response = shared.post(chat("水位正常。" * 5000 + prompt))
    assert response.headers["x-sluice-decision"] == decision


# What the model server does wrong.


@pytest.mark.parametrize("streamed", [False, True])
def test_a_model_server_that_is_not_there(tmp_path: Path, streamed: bool) -> None:  # noqa: FBT001 the same
    """Refused connections are 502, and the openai client sees a server error."""
    with gateway(tmp_path, "http://127.0.0.1:1") as running:
        expect_error(running, ErrorCode.UPSTREAM_UNREACHABLE, lambda: running.post(chat("你好", stream=streamed)))
        assert running.metric("sluice_upstream_errors_total", reason="unreachable") > 0
        with pytest.raises(openai.InternalServerError):
            running.openai().chat.completions.create(model=MODEL, messages=_messages("你好"))


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
    with _before(tmp_path, script) as (running, _):
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
    with _before(tmp_path, script) as (running, _):
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
    with _before(tmp_path, steps) as (running, _):
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
            running.openai().chat.completions.create(model=MODEL, messages=_messages("你好"), stream=True) as stream,
        ):
            list(stream)


def test_a_stream_without_its_terminator_ends_well(shared: Gateway) -> None:
    """A model server that forgets [DONE] does not make the client wait: it gets one, and the label."""
    raw = _stream(shared, "[[no-done]] 你好")
    assert _said(frames_of(raw)).endswith(LABEL_TEXT)
    assert raw.count(DONE) == 1
    assert raw.endswith(DONE)


def test_a_model_server_that_does_not_end_behind_its_terminator(tmp_path: Path) -> None:
    """The answer is complete with [DONE]; the client does not wait for the connection's idle time."""
    script = (Do.READ_REQUEST, STREAM_HEAD, delta("水位正常", finish="stop"), chunk(DONE), Do.AWAIT_CLOSE)
    with _before(tmp_path, script, idle_seconds=600) as (running, upstream):
        assert _stream(running, "你好").endswith(DONE)
        upstream.wait(upstream.server.peer_closed)


def test_what_follows_the_terminator_is_dropped(tmp_path: Path) -> None:
    """Nobody scans it, so nobody gets it."""
    script = (
        *(Do.READ_REQUEST, STREAM_HEAD, delta("水位正常", finish="stop")),
        *(chunk(DONE + b"data: " + HARM_TERM.encode() + b"\n\n"), STREAM_END),
    )
    with _before(tmp_path, script) as (running, _):
        raw = _stream(running, "你好")
        assert HARM_TERM.encode() not in raw
        assert raw.endswith(DONE)


# Who leaves, who is slow.


def test_a_client_that_leaves_before_the_first_token(tmp_path: Path) -> None:
    """The model server's connection is closed at once, and the record says why."""
    with _before(tmp_path, (Do.READ_REQUEST, Do.AWAIT_CLOSE), idle_seconds=600) as (running, upstream):
        with _asking(running) as client:
            upstream.wait(upstream.server.request_read)
            client.close()
            upstream.wait(upstream.server.peer_closed)
        (record,) = running.records(1)
        assert (record.error, record.decision) == ("client_disconnected", "error")


def test_a_client_that_leaves_in_mid_stream(tmp_path: Path) -> None:
    """The same, while the model server is silent between two tokens."""
    script = (Do.READ_REQUEST, STREAM_HEAD, delta("水位正常"), Do.AWAIT_CLOSE)
    with _before(tmp_path, script, idle_seconds=600) as (running, upstream):
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
    with _before(tmp_path, script, idle_seconds=600) as (running, upstream):
        with _asking(running) as client:
            receive_until(client, "水".encode())
            _await_standstill(upstream)
            assert 0 < upstream.server.sent_bytes < count * len(piece) / 2
            client.close()
        (record,) = running.records(1)
        assert record.error == "client_disconnected"


def test_what_was_decided_is_recorded_when_the_client_leaves_before_it(tmp_path: Path) -> None:
    """A block whose piece before it nobody takes any more is on the record as a block."""
    client = _Client()

    async def send(message: dict[str, Any]) -> None:
        client.sent.append(message)
        if message["type"] == "http.response.body":
            client.left.set()
            await asyncio.Event().wait()

    script = (Do.READ_REQUEST, STREAM_HEAD, delta("这里可以" + HARM_TERM), Do.AWAIT_CLOSE)
    with _before(tmp_path, script, idle_seconds=600) as (running, _):
        client.ask(running, send)
        (record,) = running.records(1)
    assert (record.decision, record.error) == ("block", "")
    assert not any(b"content_filter" in message.get("body", b"") for message in client.sent)


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
    client = _Client()

    async def send(message: dict[str, Any]) -> None:
        client.sent.append(message)
        if message["type"] == "http.response.body":
            raise ZeroDivisionError

    script = (Do.READ_REQUEST, STREAM_HEAD, delta("水位正常"), Do.AWAIT_CLOSE)
    with _before(tmp_path, script, idle_seconds=600) as (running, upstream):
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


class _Client:
    """The server's side of a client that asks, and leaves when told to."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.left = asyncio.Event()

    def ask(self, running: Gateway, send: Callable[[Any], Awaitable[None]]) -> None:
        """Ask for a stream, and wait until the gateway is done with it."""
        headers = [(b"x-api-key", running.keys[AccountKind.USER].encode())]
        scope = {"type": "http", "method": "POST", "path": CHAT, "headers": headers, "client": ("127.0.0.1", 1)}
        messages = [{"type": "http.request", "body": orjson.dumps(chat("你好", stream=True)), "more_body": False}]

        async def receive() -> dict[str, Any]:
            if messages:
                return messages.pop()
            await self.left.wait()
            return {"type": "http.disconnect"}

        exchange = Endpoint(lambda: running.services)(scope, receive, send)
        asyncio.run_coroutine_threadsafe(exchange, running.loop).result(30)


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
    ops = FailingOps(step)
    with gateway(tmp_path, standin_url, ops=ops) as running:
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
def _before(folder: Path, script: Script, *, idle_seconds: float = 0.2) -> Iterator[tuple[Gateway, Scripted]]:
    """Run a gateway in front of a script, with little patience."""
    with scripted(script) as upstream:
        patience = {"connect_seconds": 5, "first_byte_seconds": idle_seconds, "idle_seconds": idle_seconds}
        own = {"name": "test", "base_url": f"{upstream.url}/v1", **patience}
        with gateway(folder, upstream.url, {"upstreams": [own]}) as running:
            yield running, upstream


@contextmanager
def _asking(running: Gateway, prompt: str = "你好", *, streamed: bool = True) -> Iterator[socket.socket]:
    """Ask over a socket of its own."""
    body = orjson.dumps(chat(prompt, stream=streamed))
    key = running.keys[AccountKind.USER]
    head = f"POST {CHAT} HTTP/1.1\r\nhost: x\r\nx-api-key: {key}\r\ncontent-length: {len(body)}\r\n\r\n"
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


def _hidden(term: str) -> str:
    """Return a term as an argument that no scanner of prompts knows."""
    return "base64=" + base64.urlsafe_b64encode(term.encode()).decode()
