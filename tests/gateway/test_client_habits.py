"""Habits of HTTP clients, over real sockets: what they send ahead, keep open, ask for and leave out."""

import gzip
import http.client
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import orjson
import pytest

from gateway.accounts.account import AccountKind
from tests.gateways import (
    BLOCKED,
    CHAT,
    DONE,
    STREAM_END,
    STREAM_HEAD,
    Gateway,
    chat,
    chunk,
    delta,
    frames_of,
    in_front_of,
    messages_of,
    reply,
    whole_answer,
)
from tests.raw_server import Do


@contextmanager
def connected(running: Gateway) -> Iterator[socket.socket]:
    """Connect to the data plane."""
    with socket.create_connection(("127.0.0.1", httpx.URL(running.url).port or 0), timeout=30) as client:
        yield client


def request(running: Gateway, prompt: str, *lines: str, stream: bool = False) -> bytes:
    """Return a request as bytes."""
    body = orjson.dumps(chat(prompt, stream=stream))
    key, length = f"x-api-key: {running.keys[AccountKind.USER]}", f"content-length: {len(body)}"
    head = "\r\n".join((f"POST {CHAT} HTTP/1.1", "host: x", key, length, *lines))
    return f"{head}\r\n\r\n".encode() + body


def answers(client: socket.socket, count: int) -> list[tuple[int, bytes]]:
    """Read answers as a strict client does: status and body of each, by the rules of HTTP/1.1."""
    found = []
    for _ in range(count):
        answer = http.client.HTTPResponse(_Unbuffered(client))  # type: ignore[arg-type] # as much of a socket as it needs
        answer.begin()
        found.append((answer.status, answer.read()))
    return found


class _Unbuffered:
    """A socket whose reader takes no byte of the next answer."""

    def __init__(self, client: socket.socket) -> None:
        self._client = client

    def makefile(self, _mode: str) -> socket.SocketIO:
        """Return the reader."""
        return self._client.makefile("rb", buffering=0)


def test_many_requests_in_one_segment_are_answered_in_order(shared: Gateway) -> None:
    """Streamed, whole and refused ones, each with its own answer and nothing of its neighbours'."""
    prompts = [("[[echo:一]]", True), (BLOCKED, False), ("[[echo:二]]", False), ("[[echo:三]]", True), ("四", False)]
    with connected(shared) as client:
        client.sendall(b"".join(request(shared, prompt, stream=stream) for prompt, stream in prompts))
        found = answers(client, len(prompts))
    assert [status for status, _ in found] == [200] * 5
    assert found[0][1].endswith(DONE)
    assert "一".encode() in found[0][1]
    assert b"content_filter" in found[1][1]
    assert "二" in orjson.loads(found[2][1])["choices"][0]["message"]["content"]
    assert "三".encode() in found[3][1]
    assert orjson.loads(found[4][1])["choices"][0]["finish_reason"] == "stop"


def test_a_request_cut_anywhere_is_one_request(shared: Gateway) -> None:
    """Byte by byte on one connection, one behind the other."""
    with connected(shared) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(2):
            for byte in request(shared, "你好"):
                client.sendall(bytes([byte]))
            assert [status for status, _ in answers(client, 1)] == [200]


def test_an_old_client_gets_its_answer_and_the_end(shared: Gateway) -> None:
    """HTTP/1.0 without keep-alive: the connection ends with the answer."""
    with connected(shared) as client:
        client.sendall(request(shared, "你好").replace(b"HTTP/1.1", b"HTTP/1.0", 1))
        received = b"".join(iter(lambda: client.recv(65536), b""))
    assert received.startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_client_that_offers_another_protocol_is_served_in_this_one(shared: Gateway) -> None:
    """Java's client offers HTTP/2 with its first request, and goes on in HTTP/1.1 on the same connection."""
    offer = ("connection: Upgrade, HTTP2-Settings", "upgrade: h2c", "http2-settings: AAEAAEAAAAIAAAAB")
    with connected(shared) as client:
        client.sendall(request(shared, "你好", *offer))
        assert [status for status, _ in answers(client, 1)] == [200]
        client.sendall(request(shared, "你好"))
        assert [status for status, _ in answers(client, 1)] == [200]


@pytest.mark.parametrize("accepted", ["gzip, deflate, br, zstd", "identity", "*"])
def test_a_client_that_would_take_a_compressed_answer_gets_a_plain_one(shared: Gateway, accepted: str) -> None:
    """Each frame must be readable when it comes."""
    response = shared.post(chat("你好", stream=True), headers=shared.headers() | {"accept-encoding": accepted})
    assert "content-encoding" not in response.headers
    assert response.content.endswith(DONE)


def test_usage_frames_pass(tmp_path: Path) -> None:
    """`stream_options.include_usage`: the frame without choices behind the end, and the nulls before it."""
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    last = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [], "usage": usage}
    frame = chunk(b"data: " + orjson.dumps(last) + b"\n\n")
    script = (
        Do.READ_REQUEST,
        STREAM_HEAD,
        delta("水位"),
        delta("正常", finish="stop"),
        frame,
        chunk(DONE),
        STREAM_END,
    )
    with in_front_of(tmp_path, script) as (running, upstream):
        options = {"include_usage": True}
        frames = frames_of(running.post(chat("你好", stream=True, stream_options=options)).content)
        sent = orjson.loads(upstream.server.requests[0].partition(b"\r\n\r\n")[2])
    assert sent["stream_options"] == options
    assert [each["usage"] for each in frames if each.get("usage")] == [usage]
    assert frames[-1]["choices"] == []
    assert "aigc" in frames[-1]


def test_a_sdk_reads_the_usage(shared: Gateway) -> None:
    """The client most people use finds it in the last frame."""
    with shared.openai().chat.completions.create(
        model="sluice-standin", messages=messages_of("你好"), stream=True, stream_options={"include_usage": True}
    ) as stream:
        *_, last = stream
    assert last.usage is not None
    assert last.usage.total_tokens > 0


def test_answers_in_other_codings_reach_the_client_plain(tmp_path: Path) -> None:
    """A model server that compresses though it is asked not to is read, scanned and passed on plain."""
    packed = gzip.compress(whole_answer("水位正常"))
    answer = reply(packed).replace(b"\r\n\r\n", b"\r\ncontent-encoding: gzip\r\n\r\n", 1)
    with in_front_of(tmp_path, (Do.READ_REQUEST, answer)) as (running, upstream):
        response = running.post(chat("你好"))
        assert response.json()["choices"][0]["message"]["content"].startswith("水位正常")
        assert "content-encoding" not in response.headers
        assert b"\r\naccept-encoding: identity\r\n" in upstream.server.requests[0]
