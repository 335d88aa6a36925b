"""A relay that writes down what a server sent: between the gateway and a model whose words nobody knows before."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Relay:
    """A relay that is listening.

    Attributes:
        port: where it listens, on loopback.
        sent: every byte the server sent, in order.
    """

    port: int = 0
    sent: bytearray = field(default_factory=bytearray)


@contextmanager
def relayed(port: int) -> Iterator[Relay]:
    """Relay connections to a port of this machine, in a thread.

    Args:
        port: where the server listens.
    """
    relay, listening, stopping = Relay(), threading.Event(), threading.Event()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, write_down: bool) -> None:
        try:
            while data := await reader.read(65_536):
                if write_down:
                    relay.sent += data
                writer.write(data)
                await writer.drain()
        finally:
            writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection("127.0.0.1", port)
        there = pump(reader, to_server, write_down=False)
        back = pump(from_server, writer, write_down=True)
        await asyncio.gather(there, back, return_exceptions=True)

    async def main() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        relay.port = server.sockets[0].getsockname()[1]
        listening.set()
        async with server:
            while not await asyncio.to_thread(stopping.wait, 0.1):
                pass

    thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
    thread.start()
    try:
        assert listening.wait(10)
        yield relay
    finally:
        stopping.set()
        thread.join(10)
