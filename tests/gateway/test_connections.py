"""What a peer may keep open, and for how long."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn

from gateway.connections import HEAD_LIMIT_BYTES, ClientConnection
from gateway.sockets import open_socket
from tests.gateways import eventually, receive_until

GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n"


class Impatient(ClientConnection):
    """A connection whose patience a test can wait for."""

    head_seconds = unread_body_seconds = sending_seconds = 0.3


class App:
    """Answers without waiting for a body; keeps the headers it saw."""

    def __init__(self, body: bytes = b"ok", *, reads: bool = False) -> None:
        self.headers: list[list[tuple[bytes, bytes]]] = []
        self.finished = threading.Event()
        self._body = body
        self._reads = reads

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 as ASGI has them
        """Answer one request."""
        while self._reads and (await receive()).get("more_body"):
            pass
        self.headers.append(list(scope["headers"]))
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(self._body))]}
        )
        for start in range(0, len(self._body), 65536):
            await send({"type": "http.response.body", "body": self._body[start : start + 65536], "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        self.finished.set()


@contextmanager
def connected(app: App, protocol: type[ClientConnection] = Impatient) -> Iterator[socket.socket]:
    """Serve an application, and connect to it."""
    with open_socket("127.0.0.1", 0) as listener:
        config = uvicorn.Config(
            app, http=protocol, ws="none", lifespan="off", log_config=None, timeout_graceful_shutdown=0
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            eventually(lambda: server.started)
            with socket.create_connection(listener.getsockname(), timeout=30) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join(30)


def _is_closed(client: socket.socket) -> bool:
    try:
        return not client.recv(65536)
    except ConnectionError:
        return True


@pytest.mark.parametrize("begun", [b"", b"GET / HTTP/1.1\r\nhost", GET + b"GET"])
def test_a_head_has_its_time(begun: bytes) -> None:
    """A connection without a request, with half a first one or half a second one is closed."""
    with connected(App()) as client:
        client.sendall(begun)
        if begun.startswith(GET):
            receive_until(client, b"\r\n\r\nok")
        assert _is_closed(client)


def test_a_whole_head_is_not_hurried() -> None:
    """Once its head is there, an exchange may take longer than a head may."""
    with connected(App(reads=True)) as client:
        client.sendall(CHUNKED + b"\r\n")
        client.settimeout(0.7)
        with pytest.raises(TimeoutError):
            client.recv(1)
        client.settimeout(30)
        client.sendall(b"0\r\n\r\n")
        receive_until(client, b"\r\n\r\nok")


@pytest.mark.parametrize(
    "start",
    [b"GET / HTTP/1.1\r\nx-long: ", b"GET /", CHUNKED + b"\r\n0\r\nx-trailer: ", CHUNKED + b"\r\n1;extension="],
)
def test_what_comes_without_content_is_bounded(start: bytes) -> None:
    """An endless header, target, trailer or chunk extension ends the connection."""
    with connected(App(reads=True), ClientConnection) as client, pytest.raises(ConnectionError):
        client.sendall(start + b"a" * (1024 * HEAD_LIMIT_BYTES))


def test_trailers_are_no_headers() -> None:
    """What stands behind the body cannot pass for what a proxy wrote in front of it."""
    app = App(reads=True)
    with connected(app) as client:
        client.sendall(CHUNKED + b"x-forwarded-for: 203.0.113.1\r\n\r\n0\r\nx-forwarded-for: 10.0.0.1\r\n\r\n")
        receive_until(client, b"\r\n\r\nok")
    assert [value for name, value in app.headers[0] if name == b"x-forwarded-for"] == [b"203.0.113.1"]


def test_a_body_behind_its_answer_is_read_for_a_while() -> None:
    """A client that sends on can read its answer; one that never ends is cut off."""
    with connected(App()) as client:
        client.sendall(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{")
        receive_until(client, b"\r\n\r\nok")
        assert _is_closed(client)


def test_a_body_that_ends_behind_its_answer_leaves_the_connection() -> None:
    """The next request is served."""
    with connected(App(), ClientConnection) as client:
        client.sendall(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{")
        receive_until(client, b"\r\n\r\nok")
        client.sendall(b"}" + GET)
        receive_until(client, b"\r\n\r\nok")


def test_a_client_that_takes_nothing_is_cut_off() -> None:
    """An answer that nobody reads does not hold its exchange for ever."""
    body = b"x" * (32 * 1024 * 1024)
    app = App(body)
    with connected(app) as client:
        client.sendall(GET)
        assert app.finished.wait(30)


OFFER = b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AA\r\n"
OFFERING = b"POST /first HTTP/1.1\r\nhost: x\r\n" + OFFER + b"content-length: 4\r\n\r\nbody"


@pytest.mark.parametrize("step", [1, 7, 10_000])
def test_an_offer_of_another_protocol_is_declined(step: int) -> None:
    """The request is served in this one with its body, however it is cut, and so is what follows it."""
    app = Bodies()
    sent = OFFERING + GET + OFFERING.replace(b"upgrade: h2c", b"upgrade: websocket") + GET
    with connected(app, ClientConnection) as client:
        for start in range(0, len(sent), step):
            client.sendall(sent[start : start + step])
        received = b""
        while received.count(b"HTTP/1.1 200 OK") < 4:
            received += client.recv(65536)
    assert app.bodies == [b"body", b"", b"body", b""]
    assert app.headers[0] == [(b"host", b"x"), (b"content-length", b"4")]


def test_a_client_that_offers_and_closes_is_answered_and_closed() -> None:
    """Its wish to end the connection is not lost with the offer."""
    app = Bodies()
    with connected(app, ClientConnection) as client:
        client.sendall(OFFERING.replace(b"connection: ", b"connection: close, "))
        receive_until(client, b"\r\n\r\nok")
        assert _is_closed(client)
    assert app.bodies == [b"body"]


def test_many_offers_in_one_read_are_many_requests() -> None:
    """Each costs as much as any other request."""
    app = Bodies()
    with connected(app, ClientConnection) as client:
        client.sendall(OFFERING * 2000)
        received = b""
        while received.count(b"HTTP/1.1 200 OK") < 2000:
            received += client.recv(1024 * 1024)
    assert app.bodies == [b"body"] * 2000


def test_a_tunnel_is_not_opened() -> None:
    """CONNECT is refused, and what stands behind it is not read."""
    app = Bodies()
    with connected(app, ClientConnection) as client:
        client.sendall(b"CONNECT example.org:443 HTTP/1.1\r\nhost: x\r\n\r\n" + GET)
        assert receive_until(client, b"\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    assert app.bodies == []


def test_what_is_no_http_is_told_so() -> None:
    """400, and the end."""
    with connected(App(), ClientConnection) as client:
        client.sendall(b"SSH-2.0-OpenSSH\r\n\r\n")
        assert receive_until(client, b"\r\n\r\n").startswith(b"HTTP/1.1 400 ")


class Bodies(App):
    """Keeps the bodies it read."""

    def __init__(self) -> None:
        super().__init__()
        self.bodies: list[bytes] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 as ASGI has them
        """Read, then answer."""
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        self.bodies.append(body)
        await super().__call__(scope, receive, send)
