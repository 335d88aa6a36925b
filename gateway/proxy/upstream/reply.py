"""A reply read from bytes, without I/O.

Rules: the outcome does not depend on where the bytes were cut; a reply that stops before its declared end is an
error and never an end; interim (1xx) replies are skipped; bytes behind the end make the connection unfit for
another request; what the peer can make us keep is bounded.
"""

from typing import Final

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from gateway.errors import ErrorCode, UpstreamError

HEAD_LIMIT_BYTES: Final = 64 * 1024
HEADER_LIMIT: Final = 128

_SWITCHING_PROTOCOLS: Final = 101
_FIRST_FINAL_STATUS: Final = 200
_STATUSES: Final = range(100, 600)
_FRAMING: Final = frozenset({b"content-length", b"transfer-encoding"})
# RFC 9112 section 6.3: these end with their head, whatever it says.
_WITHOUT_BODY: Final = frozenset({204, 304})


class ReplyParser:
    """Reads the replies of one connection, one after the other; ``begin`` before each.

    One parser for all of them, because making one costs more than reading a short reply with it.

    Attributes:
        status: HTTP status, once ``head_complete``.
        headers: names in lower case and values, in the order received; trailers are dropped.
        started: whether a byte of the reply has come.
        head_complete: whether ``status`` and ``headers`` can be used.
        complete: whether the reply came to its end.
        keep_alive: whether the connection may carry another request; only meaningful once ``complete``.
        buffered_bytes: body bytes received and not yet taken.
    """

    __slots__ = (
        "_body",
        "_interim",
        "_parser",
        "_sized",
        "_unproductive_bytes",
        "buffered_bytes",
        "complete",
        "head_complete",
        "headers",
        "keep_alive",
        "started",
        "status",
    )

    def __init__(self) -> None:
        self._parser = HttpResponseParser(self)
        self.begin()
        # Until a request is sent, nothing is owed: bytes that come now come behind an end.
        self.complete = self.keep_alive = True

    def begin(self) -> None:
        """Expect the next reply. The one before must be complete and ``keep_alive``."""
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.started = self.head_complete = self.complete = self.keep_alive = False
        self.buffered_bytes = 0
        self._body: list[bytes] = []
        self._interim = self._sized = False
        self._unproductive_bytes = 0

    def feed(self, data: bytes) -> None:
        """Take bytes as they came.

        Raises:
            UpstreamError: ``UPSTREAM_MALFORMED``. What came before the fault stays readable.
        """
        if self.complete:
            # A stray line end is passed over, as the parser does when it comes in the same read.
            self.keep_alive = self.keep_alive and not data.strip(b"\r\n")
            return
        in_head = not self.head_complete
        room = HEAD_LIMIT_BYTES - self._unproductive_bytes
        if not in_head or len(data) <= room:
            self._parse(data)
            return
        self._parse(data[:room])
        if not self.head_complete:
            raise _malformed(f"its head is larger than {HEAD_LIMIT_BYTES} bytes")
        self.feed(data[room:])

    def end(self) -> None:
        """Take note that the peer closed its side in good order.

        Raises:
            UpstreamError: ``UPSTREAM_RESET``, when the reply was not at its end. Over TLS a body without a length
                cannot be told from one cut off by an attacker: asyncio does not tell whether a ``close_notify`` came.
        """
        if not self.complete and (self._sized or not self.head_complete):
            raise UpstreamError(
                "The upstream closed the connection before its reply ended.", ErrorCode.UPSTREAM_RESET
            )
        # Without a length the close is the end (RFC 9112 section 6.3, item 8).
        self.complete = True
        self.keep_alive = False

    def take(self) -> bytes:
        """Hand over all buffered body bytes; empty when there are none."""
        body = self._body
        data = body[0] if len(body) == 1 else b"".join(body)
        body.clear()
        self.buffered_bytes = 0
        return data

    def _parse(self, data: bytes) -> None:
        self.started = True
        before = self.buffered_bytes
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as exc:
            if not self.complete:
                # The parser's own messages are constants; none quotes what the peer sent.
                raise _malformed(str(exc.__context__ or exc)) from exc
            self.keep_alive = False
        if self.buffered_bytes != before:
            self._unproductive_bytes = 0
            return
        # Trailers cut into many reads are gathered inside the parser: bound what comes without a body byte.
        self._unproductive_bytes += len(data)
        if self._unproductive_bytes > HEAD_LIMIT_BYTES and not self.complete:
            raise _malformed(f"more than {HEAD_LIMIT_BYTES} bytes came without content")

    # What follows is called by the parser from within ``feed_data``.

    def on_message_begin(self) -> None:
        """Stop the parser when something begins behind the end."""
        if self.complete:
            raise ValueError("bytes came behind the reply")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; drop a trailer."""
        if not self.head_complete:
            self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Settle status and framing; forget the head of an interim reply."""
        status = self._parser.get_status_code()
        if status not in _STATUSES or status == _SWITCHING_PROTOCOLS:
            raise ValueError("its status is none that this request can have")
        if status < _FIRST_FINAL_STATUS:
            self._interim = True
            self.headers.clear()
            return
        self._sized = self._settle_framing() or status in _WITHOUT_BODY
        self.status = status
        self.head_complete = True

    def _settle_framing(self) -> bool:
        """Return whether the head says where the body ends; the parser has checked the length, if there is one."""
        if len(self.headers) > HEADER_LIMIT:
            raise ValueError(f"it has more than {HEADER_LIMIT} headers")
        framing = [header for header in self.headers if header[0] in _FRAMING]
        codings = [value.strip().lower() for name, value in framing if name == b"transfer-encoding"]
        # No other coding was asked for; content in one could not be scanned.
        if codings and (codings != [b"chunked"] or len(framing) != 1):
            raise ValueError("its transfer coding is not plain chunked")
        return bool(framing)

    def on_body(self, piece: bytes) -> None:
        """Keep a piece of the body."""
        self._body.append(piece)
        self.buffered_bytes += len(piece)

    def on_message_complete(self) -> None:
        """Note the end of the reply, or of an interim one before it."""
        if self._interim:
            self._interim = False
            return
        self.complete = True
        self.keep_alive = self._parser.should_keep_alive()


def _malformed(why: str) -> UpstreamError:
    return UpstreamError(f"The upstream's reply cannot be understood: {why}.", ErrorCode.UPSTREAM_MALFORMED)
