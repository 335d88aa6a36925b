"""A reply that came compressed though it was asked for plain: read as what it says.

Rules: the reader gets plain bytes, or an error and never an end where the compression breaks off; what one read gives
out is bounded, however much a few bytes claim to be.
"""

from typing import Final, Protocol

from gateway.errors import ErrorCode, UpstreamError
from gateway.proxy.encodings import Decoder, codings_of, decoder_for

# As large as the largest reply that is not streamed: a bomb costs no more memory than an honest reply may.
_READ_LIMIT_BYTES: Final = 16 * 1024 * 1024


class Reply(Protocol):
    """A reply whose head has come. Read it to the end or close it.

    Attributes:
        status: HTTP status.
        headers: names in lower case and values, in the order received.
    """

    status: int
    headers: list[tuple[bytes, bytes]]

    async def read(self) -> bytes:
        """Take all body bytes that have come, waiting for some; empty at the end; raise UpstreamError before it."""
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...


class DecodedReply:
    """A compressed reply, read plain.

    Args:
        reply: as it came.
        decoder: for its content coding.
    """

    __slots__ = ("_decoder", "_reply", "headers", "status")

    def __init__(self, reply: Reply, decoder: Decoder) -> None:
        self._reply = reply
        self._decoder = decoder
        self.status = reply.status
        self.headers = reply.headers

    async def read(self) -> bytes:
        """Take plain body bytes, waiting for some; empty at the end, and ever after.

        Raises:
            UpstreamError: the reply stopped before its end, or is not what its coding says.
        """
        while True:
            data = await self._reply.read()
            try:
                if not data:
                    self._decoder.finish()
                    return b""
                plain = self._decoder.feed(data)
            except ValueError as exc:
                self._reply.close()
                raise UpstreamError(
                    f"The upstream's reply cannot be understood: {exc}.", ErrorCode.UPSTREAM_MALFORMED
                ) from exc
            # A few compressed bytes may say nothing yet; an empty answer would be taken for the end.
            if plain:
                return plain

    def close(self) -> None:
        """Let go of the connection."""
        self._reply.close()


def decoded(reply: Reply) -> Reply:
    """Return a reply that reads plain: itself when it came so.

    Raises:
        UpstreamError: it is in a coding that is not known here. What cannot be read cannot be scanned.
    """
    for name, _ in reply.headers:
        if name == b"content-encoding":
            return _decoded(reply)
    return reply


def _decoded(reply: Reply) -> Reply:
    codings = codings_of(value for name, value in reply.headers if name == b"content-encoding")
    if not codings:
        return reply
    decoder = decoder_for(codings, _READ_LIMIT_BYTES)
    if decoder is None:
        reply.close()
        raise UpstreamError(
            "The upstream's reply is in a content coding that is not known here.", ErrorCode.UPSTREAM_MALFORMED
        )
    return DecodedReply(reply, decoder)
