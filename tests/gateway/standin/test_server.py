"""Tests of `gateway.standin.server`: the stand-in over real HTTP, as clients meet it."""

import errno
import socket
from collections.abc import Iterator

import httpx
import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam
from starlette.types import Receive, Scope, Send

from gateway.sockets import base_url, open_socket
from gateway.standin.app import StandIn
from gateway.standin.replies import HARM_TERM, HUGE_CHARACTERS
from gateway.standin.server import serving
from gateway.standin.wire import DONE, MODEL
from tests.servers import run_asgi

CHAT = "/v1/chat/completions"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Return the address of a stand-in that answers at once."""
    with run_asgi(StandIn(0)) as address:
        yield address


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[openai.OpenAI]:
    """Return OpenAI's own client for that stand-in."""
    with openai.OpenAI(base_url=f"{url}/v1", api_key="any", max_retries=0) as opened:
        yield opened


def ask(text: str) -> list[ChatCompletionMessageParam]:
    """Return the messages of a request."""
    return [{"role": "user", "content": text}]


def request(text: str) -> dict[str, object]:
    """Return the body of a request for a stream."""
    return {"messages": ask(text), "stream": True}


def test_openai_client_reads_a_reply(client: openai.OpenAI) -> None:
    """The reply names the stand-in in model, fingerprint and text."""
    completion = client.chat.completions.create(model="any", messages=ask("你好"), n=2)
    assert (completion.model, completion.system_fingerprint) == (MODEL, MODEL)
    assert all(MODEL in (choice.message.content or "") for choice in completion.choices)
    assert client.models.list().data[0].owned_by == MODEL


def test_openai_client_reads_a_stream(client: openai.OpenAI) -> None:
    """The stream joins to the harmful text and ends with its usage."""
    asked = client.chat.completions.create(
        model="any", messages=ask("[[harm]]"), stream=True, stream_options={"include_usage": True}
    )
    chunks = list(asked)
    assert HARM_TERM in "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == len(chunks) - 3


def test_openai_client_assembles_tool_calls(client: openai.OpenAI) -> None:
    """The client's own accumulator puts interleaved fragments together into two calls."""
    with client.chat.completions.stream(model="any", messages=ask("[[tools]]")) as stream:
        message = stream.get_final_completion().choices[0].message
    assert [call.function.name for call in message.tool_calls or ()] == ["look_up", "keep_note"]


def test_openai_client_reads_an_error(client: openai.OpenAI) -> None:
    """An HTTP error becomes the client's own exception for it, with the message."""
    with pytest.raises(openai.RateLimitError, match="asked to fail with status 429"):
        client.chat.completions.create(model="any", messages=ask("[[error:429]]"))


def test_same_request_same_bytes(url: str) -> None:
    """A reply is a function of its request, also from another server."""
    with run_asgi(StandIn(0)) as other:
        replies = {httpx.post(f"{host}{CHAT}", json=request("你好")).content for host in (url, other, url)}
    (reply,) = replies
    assert reply.endswith(DONE)


@pytest.mark.parametrize("stream", [True, False])
def test_reset_is_seen_as_an_unfinished_body(url: str, stream: bool) -> None:  # noqa: FBT001 - a parameter of the table
    """The client gets frames, or a part of the announced length, and then a connection closed too early."""
    received: list[bytes] = []
    with httpx.stream("POST", f"{url}{CHAT}", json=request("[[reset]]hi") | {"stream": stream}) as response:
        assert response.status_code == 200
        with pytest.raises(httpx.RemoteProtocolError, match=r"incomplete chunked read|received \d+ bytes, expected"):
            received.extend(response.iter_raw())
    assert MODEL.encode() in b"".join(received)


def test_stall_keeps_the_connection_open(url: str) -> None:
    """A stalled stream sends frames and then nothing, until the client gives up."""
    received: list[bytes] = []
    stalled = httpx.stream("POST", f"{url}{CHAT}", json=request("[[stall]]hi"), timeout=httpx.Timeout(10, read=1))
    with pytest.raises(httpx.ReadTimeout), stalled as response:
        received.extend(response.iter_raw())
    assert b"data: " in b"".join(received)


def test_silence_sends_not_even_a_head(url: str) -> None:
    """Stalled from the head on, the client gets no status."""
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{url}{CHAT}", json=request("[[stall:head]]"), timeout=httpx.Timeout(10, read=1))


def test_huge_frame_arrives_whole(url: str) -> None:
    """One frame of 10 MiB passes the server's flow control."""
    frames = httpx.post(f"{url}{CHAT}", json=request("[[huge]]")).content.split(b"\n\n")
    assert max(map(len, frames)) > HUGE_CHARACTERS


def test_taken_port_is_an_error_at_once() -> None:
    """A port that is taken is known before any server starts."""
    with open_socket("127.0.0.1", 0) as taken, pytest.raises(OSError, match=r".") as caught:
        open_socket("127.0.0.1", taken.getsockname()[1])
    assert caught.value.errno == errno.EADDRINUSE


def test_base_url_brackets_long_addresses() -> None:
    """An IPv6 address stands in brackets."""
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    with open_socket("127.0.0.1", 0) as listener:
        assert base_url(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        listener = open_socket("::1", 0)
    except OSError as error:
        pytest.skip(f"this machine has no IPv6 loopback: {error}")
    with listener:
        assert base_url(listener) == f"http://[::1]:{listener.getsockname()[1]}"


def test_application_that_does_not_start_is_reported() -> None:
    """An application whose start fails is an error, and its port is free again."""

    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no"})

    with pytest.raises(RuntimeError, match="did not start"), serving(broken):
        pytest.fail("the block must not run")


def test_server_stops_with_its_block() -> None:
    """After the block nothing listens any more."""
    with serving(StandIn(0)) as address:
        assert httpx.get(f"{address}/healthz").status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{address}/healthz")
