"""Tests of `gateway.standin.app`: the ASGI application, called without a server."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import orjson
import pytest

from gateway.standin import app as standin_app
from gateway.standin.app import BODY_LIMIT_BYTES, StandIn

CHAT = "/v1/chat/completions"


class Client:
    """One request: gives the body in parts, then waits for its cue to leave; keeps what it was sent.

    Args:
        parts: the request's body.
        stays_for: body messages after which the client leaves; None never leaves.
    """

    def __init__(self, *parts: bytes, stays_for: int | None = None) -> None:
        self.parts = list(parts)
        self.stays_for = stays_for
        self.sent: list[MutableMapping[str, Any]] = []
        self.leaves = asyncio.Event()
        if stays_for == 0:
            self.leaves.set()

    async def receive(self) -> MutableMapping[str, Any]:
        """Give the next part of the body, or the disconnect."""
        if self.parts:
            part = self.parts.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(self.parts)}
        await self.leaves.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """Keep a message; leave after the number of them the client stays for."""
        self.sent.append(message)
        if self.stays_for is not None and len(self.sent) > self.stays_for:
            self.leaves.set()

    @property
    def payload(self) -> bytes:
        """The body received so far."""
        return b"".join(message["body"] for message in self.sent[1:])

    @property
    def ended(self) -> bool:
        """Whether the body came to its end."""
        return self.sent[-1]["more_body"] is False


def request(text: str, **members: object) -> bytes:
    """Return the body of a request with one user message."""
    return orjson.dumps({"messages": [{"role": "user", "content": text}], "stream": True, **members})


def ask(client: Client, app: StandIn | None = None, path: str = CHAT, method: str = "POST") -> Client:
    """Let a client make its request and wait until it is over."""
    scope = {"type": "http", "method": method, "path": path}
    asyncio.run((app or StandIn(0))(scope, client.receive, client.send))
    return client


def test_one_frame_is_one_send() -> None:
    """Each frame of a stream is a message of its own, between the head and the end."""
    client = ask(Client(request("[[echo:abcd]]")))
    head, *frames, end = client.sent
    assert (head["status"], dict(head["headers"])[b"content-type"]) == (200, b"text/event-stream; charset=utf-8")
    assert all(frame["body"].count(b"data: ") == 1 for frame in frames)
    assert len(frames) == 1 + 3 + 2
    assert end == {"type": "http.response.body", "body": b"", "more_body": False}


def test_body_may_come_in_parts() -> None:
    """The request's body is joined from the parts it comes in."""
    whole = request("[[echo:abcd]]")
    assert ask(Client(whole[:9], b"", whole[9:])).payload == ask(Client(whole)).payload


def test_paced_reply_is_complete() -> None:
    """A paced reply has the bytes of one sent at once."""
    whole = ask(Client(request("[[length:30]]")), StandIn(0))
    paced = ask(Client(request("[[length:30]]")), StandIn(10_000))
    assert paced.payload == whole.payload
    assert paced.ended


@pytest.mark.parametrize("text", ["[[length:100000]][[pace:1]]", "[[stall]]hi", "[[stall:head]]"])
def test_leaving_ends_the_reply(text: str) -> None:
    """A client that leaves ends a reply that would go on for a day, or for ever."""
    client = ask(Client(request(text), stays_for=0))
    assert not client.sent or not client.ended


def test_faults_of_a_paced_reply_are_seen() -> None:
    """An error while a paced reply is sent reaches the server, as it does for one sent at once."""

    async def broken(message: MutableMapping[str, Any]) -> None:
        raise RuntimeError("the transport is broken")

    client = Client(request("hi"))
    scope = {"type": "http", "method": "POST", "path": CHAT}
    with pytest.raises(RuntimeError, match="transport is broken"):
        asyncio.run(StandIn(50)(scope, client.receive, broken))


def test_reset_leaves_the_body_unfinished() -> None:
    """A reset reply returns with frames sent and the body open, for the server to cut."""
    client = ask(Client(request("[[reset]]hi")))
    assert b"data: " in client.payload
    assert not client.ended


def test_repeated_requests_are_planned_once() -> None:
    """A small request that comes again gets the very same frames, not equal ones."""
    app = StandIn(0)
    first, again = (ask(Client(request("hi")), app) for _ in range(2))
    assert all(one["body"] is other["body"] for one, other in zip(first.sent[1:], again.sent[1:], strict=True))


def test_large_scripts_are_not_kept() -> None:
    """Neither a large request nor a large reply stays in memory."""
    app = StandIn(0)
    ask(Client(request("x" * 5000)), app)
    ask(Client(request("[[length:9999]]")), app)
    assert app._scripts == {}


def test_kept_scripts_are_bounded() -> None:
    """When the memory for scripts is full, further requests are served without it."""
    app = StandIn(0)
    for number in range(standin_app._KEPT_SCRIPTS + 1):
        last = ask(Client(request(f"[[echo:{number}]]")), app)
    assert len(app._scripts) == standin_app._KEPT_SCRIPTS
    assert last.ended


def test_other_routes() -> None:
    """The model list and the health page answer at once; everything else is an error in OpenAI's shape."""
    assert orjson.loads(ask(Client(), path="/healthz", method="GET").payload) == {"status": "ok"}
    assert orjson.loads(ask(Client(), path="/v1/models", method="GET").payload)["object"] == "list"
    for path, method, status in (("/v1/files", "GET", 404), (CHAT, "GET", 405), ("/healthz", "POST", 405)):
        client = ask(Client(), path=path, method=method)
        assert client.sent[0]["status"] == status
        assert "message" in orjson.loads(client.payload)["error"]


def test_body_has_a_limit() -> None:
    """A body over the limit is refused, and no more of it is read."""
    client = ask(Client(b"x" * BODY_LIMIT_BYTES, b"x", b"never read"))
    assert client.sent[0]["status"] == 413
    assert client.parts == [b"never read"]


def test_other_scopes_are_left_alone() -> None:
    """A lifespan needs neither start nor stop."""
    client = Client()
    asyncio.run(StandIn()({"type": "lifespan"}, client.receive, client.send))
    assert client.sent == []


def test_every_format_has_its_path() -> None:
    """The same body on two paths is two requests."""
    app, body = StandIn(0), request("hi", stream=False)
    chat, message = ask(Client(body), app), ask(Client(body), app, "/v1/messages")
    assert (b'"choices"' in chat.payload, b'"stop_reason"' in message.payload) == (True, True)
    assert ask(Client(body), app, "/v1/messages/count_tokens").payload == b'{"input_tokens":1}'
    assert b'"output"' in ask(Client(b'{"input": "hi"}'), app, "/v1/responses").payload
