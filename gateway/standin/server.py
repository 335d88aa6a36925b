"""Running the stand-in, or any ASGI application, under uvicorn.

The listening socket is the caller's (`gateway.sockets`), so port 0 has a number before the first request.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import uvicorn
from starlette.types import ASGIApp

from gateway.sockets import base_url, open_socket

# Longer than clients keep idle connections, so that a reused one is not closed under their request.
_KEEP_ALIVE_SECONDS = 75
_START_SECONDS = 10.0
_STOP_SECONDS = 10.0


class _AnnouncingServer(uvicorn.Server):
    """Tells when its start is over, so that nobody has to ask again and again."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._start_is_over = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets=sockets)
        finally:
            self._start_is_over.set()

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        # A failed start leaves the loop as SystemExit, which would end in a thread as an unhandled exception.
        with suppress(SystemExit):
            super().run(sockets=sockets)

    def wait_until_started(self) -> bool:
        """Wait for the end of the start, within bounds; tell whether the server takes connections."""
        return self._start_is_over.wait(_START_SECONDS) and self.started


def run(app: ASGIApp, listener: socket.socket) -> None:
    """Serve until a signal stops it."""
    uvicorn.Server(_config(app, "warning")).run(sockets=[listener])


@contextmanager
def serving(app: ASGIApp, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve in a thread while the block runs.

    Yields:
        The server's base URL, once it takes connections.

    Raises:
        RuntimeError: the application did not start in time.
    """
    # Opened here, so that a taken port is the caller's error and not one inside a thread.
    listener = open_socket(host, port)
    url = base_url(listener)
    # Only the worst is logged: a broken-off reply, which uvicorn calls an error, is what the stand-in is asked for.
    server = _AnnouncingServer(_config(app, "critical"))
    # A daemon, so that a reply that never ends cannot keep a test run from ending.
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        if not server.wait_until_started():
            raise RuntimeError(f"The application at {url} did not start within {_START_SECONDS:g} seconds.")
        yield url
    finally:
        # Stopping has a bound as well: a stalled reply would hold the thread for ever.
        server.should_exit = True
        thread.join(_STOP_SECONDS)
        listener.close()


def _config(app: ASGIApp, log_level: str) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        # The faster parser, since the stand-in should not be what a benchmark measures.
        http="httptools",
        ws="none",
        log_level=log_level,
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=1,
    )
