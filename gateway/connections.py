"""Client connections: uvicorn's HTTP protocol with the bounds it leaves open.

Rules: what a peer sends without content (a head, trailers, chunk extensions) is bounded in bytes; each wait for a
peer that owes us something is bounded in time; trailers are dropped, because a proxy that passes them on would let a
client add headers behind those the proxy has written (RFC 9110 section 6.5.1); an offer to change the protocol is
declined by going on in this one (section 7.8), which the parser by itself would not: it stops behind the head.

Nothing here costs the ordinary request more than a few assignments: timers are armed only for what came in parts.
"""

import asyncio
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_LIMIT_BYTES = 64 * 1024
"""Most bytes without content; what comes in one read beyond it is taken, and no more."""

HEAD_SECONDS = 20.0
"""Longest wait for the first head of a connection, and for the rest of any head that has begun."""

UNREAD_BODY_SECONDS = 10.0
"""Longest that a body may go on coming behind its answer, so that clients who send first can read the answer."""

SENDING_SECONDS = 60.0
"""Longest that a client may take nothing of an answer: it holds a connection to the model server as long."""

_OFFER = frozenset({b"connection", b"upgrade", b"http2-settings"})


class ClientConnection(HttpToolsProtocol):
    """One connection to a client."""

    head_limit_bytes = HEAD_LIMIT_BYTES
    head_seconds = HEAD_SECONDS
    unread_body_seconds = UNREAD_BODY_SECONDS
    sending_seconds = SENDING_SECONDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 whatever uvicorn passes
        super().__init__(*args, **kwargs)
        self._head_open = self._offered = False
        self._productive = False
        self._unproductive_bytes = 0
        self._reading_timer: asyncio.TimerHandle | None = None
        self._sending_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Wait for a first request, but not for ever."""
        super().connection_made(transport)
        self._await_peer(self.head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of the timers."""
        super().connection_lost(exc)
        self._stop_waiting()
        self.resume_writing()

    def data_received(self, data: bytes) -> None:
        """Parse what came, and look at what it was good for."""
        self._productive = False
        self._unset_keepalive_if_required()
        try:
            self._parse(data)
        except httptools.HttpParserError:
            # As uvicorn has it, whose own reading this stands in for.
            self.logger.warning("Invalid HTTP request received.")
            self.send_400_response("Invalid HTTP request received.")
            return
        if self._productive:
            self._unproductive_bytes = 0
        else:
            self._unproductive_bytes += len(data)
        if self._unproductive_bytes > self.head_limit_bytes:
            # Not close(): it would wait for a client that does not read.
            self.transport.abort()
        # Armed once and not with each read, or a byte now and then would keep a head open for ever.
        elif self._head_open and self._reading_timer is None:
            self._await_peer(self.head_seconds)

    def pause_writing(self) -> None:
        """The client is behind: give it some time."""
        super().pause_writing()
        if self._sending_timer is None:
            self._sending_timer = self.loop.call_later(self.sending_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """The client reads again."""
        super().resume_writing()
        if self._sending_timer is not None:
            self._sending_timer.cancel()
            self._sending_timer = None

    def _parse(self, data: bytes) -> None:
        rest: bytes | memoryview = data
        while True:
            try:
                self.parser.feed_data(rest)
            except httptools.HttpParserUpgrade as offer:
                if not self._offered:
                    return  # a tunnel (CONNECT): what comes behind its head is in no protocol of ours
                # A view, because a copy for each of many small requests in one read would cost its square.
                rest = memoryview(rest)[offer.args[0] :]
                self._decline()
            else:
                return

    def _decline(self) -> None:
        """Read the head again as if nothing had been offered; the body is still to come."""
        head = [b"%b %b HTTP/1.1" % (self.parser.get_method(), self.url)]
        head += [b"%b: %b" % header for header in self.headers if header[0] not in _OFFER]
        if not self.parser.should_keep_alive():
            head.append(b"connection: close")
        self._offered = False
        # The old one has gone over to the protocol that was offered, and cannot come back.
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn sets it
        self.parser.feed_data(b"\r\n".join((*head, b"\r\n")))

    # What follows is called by the parser from within ``data_received``, but for ``on_response_complete``.

    def on_message_begin(self) -> None:
        """Expect a head."""
        super().on_message_begin()
        self._head_open = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; drop a trailer."""
        if self._head_open:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is whole; one with an offer is read once more."""
        if self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT":
            self._offered = True
            return
        self._head_open = False
        self._productive = True
        self._stop_waiting()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Content came."""
        self._productive = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        if self._offered:
            return
        self._productive = True
        self._stop_waiting()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The answer has left; what is still to come of its request is read and dropped, for a while."""
        super().on_response_complete()
        if self.cycle.response_complete and self.cycle.more_body:
            self._await_peer(self.unread_body_seconds)

    def _await_peer(self, seconds: float) -> None:
        self._stop_waiting()
        self._reading_timer = self.loop.call_later(seconds, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._reading_timer is not None:
            self._reading_timer.cancel()
            self._reading_timer = None
