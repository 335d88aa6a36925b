"""A server that plays a script over a raw socket: it can break every rule a real one keeps."""

import asyncio
import os
import socket
import ssl
import struct
from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import Self


class Do(Enum):
    """What a script can do besides sending bytes and waiting for an event."""

    READ_REQUEST = auto()
    CLOSE = auto()
    RESET = auto()
    AWAIT_CLOSE = auto()


Step = bytes | asyncio.Event | Do
Script = Sequence[Step]


async def until(condition: Callable[[], bool]) -> None:
    """Turn the event loop until something holds that nobody signals."""
    while not condition():  # noqa: ASYNC110 - the objects looked at must not know they are watched
        await asyncio.sleep(0)


async def turn_loop() -> None:
    """Let the loop do whatever it can do now, on both sides of a connection."""
    for _ in range(1000):
        await asyncio.sleep(0)


class RawServer:
    """Plays one script per connection, in the order they come; the last script serves all further ones.

    Attributes:
        requests: the requests read, each whole.
        connections: how many were accepted.
        sent_bytes: how many bytes have left the server's own buffer, or nearly so.
        request_read: set when a request has been read.
        finished: set when a script came to its end.
        peer_closed: set when ``AWAIT_CLOSE`` saw the end.
    """

    def __init__(self, *scripts: Script, ssl_context: ssl.SSLContext | None = None) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.sent_bytes = 0
        self.request_read = asyncio.Event()
        self.finished = asyncio.Event()
        self.peer_closed = asyncio.Event()
        self._scripts = scripts
        self._ssl = ssl_context
        self._players: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []

    @property
    def base_url(self) -> str:
        """Return the URL to give to a pool."""
        return f"{'https' if self._ssl else 'http'}://127.0.0.1:{self.port}/v1"

    @property
    def port(self) -> int:
        """Return the port listened on."""
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def stop_listening(self) -> None:
        """Refuse further connections."""
        self._server.close()

    def shut_down_now(self) -> None:
        """Send the end of the newest connection to the peer's kernel, before any event loop turns."""
        fd = os.dup(self._writers[-1].get_extra_info("socket").fileno())
        with socket.socket(fileno=fd) as twin:
            twin.shutdown(socket.SHUT_RDWR)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._ssl)
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._server.close()
        for player in self._players:
            player.cancel()
        await asyncio.gather(*self._players, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        player = asyncio.current_task()
        assert player is not None
        self._players.add(player)
        self._writers.append(writer)
        script = self._scripts[min(self.connections, len(self._scripts) - 1)]
        self.connections += 1
        try:
            for step in script:
                await self._play(step, reader, writer)
            self.finished.set()
            await reader.read()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client left, or the test is over
        finally:
            writer.transport.abort()

    async def _play(self, step: Step, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        match step:
            case bytes():
                writer.write(step)
                await writer.drain()
                self.sent_bytes += len(step)
            case asyncio.Event():
                await step.wait()
            case Do.READ_REQUEST:
                self.requests.append(await _read_request(reader))
                self.request_read.set()
            case Do.CLOSE:
                writer.close()
                await writer.wait_closed()
            case Do.RESET:
                _reset(writer)
            case Do.AWAIT_CLOSE:
                await _read_to_the_end(reader)
                self.peer_closed.set()


async def _read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(line for line in head.split(b"\r\n") if line.startswith(b"content-length: "))
    return head + await reader.readexactly(int(length.removeprefix(b"content-length: ")))


async def _read_to_the_end(reader: asyncio.StreamReader) -> None:
    try:
        await reader.read()
    except ConnectionError:
        return  # a reset is an end, too


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST: a linger time of zero drops what is queued (socket(7), SO_LINGER)."""
    fd = os.dup(writer.get_extra_info("socket").fileno())
    with socket.socket(fileno=fd) as twin:
        twin.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
