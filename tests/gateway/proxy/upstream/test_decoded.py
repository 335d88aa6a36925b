"""Replies that came compressed though nobody asked for it."""

import asyncio
import gzip

import pytest

from gateway.errors import ErrorCode, UpstreamError
from gateway.proxy.upstream.decoded import Reply, decoded


class _Reply:
    """A reply in pieces."""

    def __init__(self, *pieces: bytes, encodings: tuple[bytes, ...] = (b"gzip",)) -> None:
        self.status = 200
        self.headers = [(b"content-type", b"text/plain"), *((b"content-encoding", each) for each in encodings)]
        self.closed = False
        self._pieces = list(pieces)

    async def read(self) -> bytes:
        """Give the next piece."""
        return self._pieces.pop(0) if self._pieces else b""

    def close(self) -> None:
        """Note it."""
        self.closed = True


async def _read_all(reply: Reply) -> bytes:
    pieces = []
    while piece := await reply.read():
        pieces.append(piece)
    assert await reply.read() == b""
    return b"".join(pieces)


@pytest.mark.parametrize("encodings", [(), (b"identity",), (b"", b" Identity ")])
def test_a_plain_reply_is_left_alone(encodings: tuple[bytes, ...]) -> None:
    """It costs nothing, frame by frame."""
    reply = _Reply(b"text", encodings=encodings)
    assert decoded(reply) is reply


def test_a_compressed_reply_is_read_plain() -> None:
    """One byte at a time too: a byte that says nothing yet is no end."""
    packed = gzip.compress(b"plain text")
    reply = decoded(_Reply(*(bytes([byte]) for byte in packed)))
    assert (reply.status, reply.headers[0]) == (200, (b"content-type", b"text/plain"))
    assert asyncio.run(_read_all(reply)) == b"plain text"


@pytest.mark.parametrize(
    "pieces",
    [(gzip.compress(b"plain text")[:-4],), (b"plain text",), (gzip.compress(b"one"), b"behind"), (b"\x1f",)],
    ids=["cut off", "not compressed", "more behind the end", "hardly begun"],
)
def test_a_broken_reply_is_malformed(pieces: tuple[bytes, ...]) -> None:
    """What cannot be read to its end has no end; the connection is let go."""
    source = _Reply(*pieces)
    with pytest.raises(UpstreamError) as caught:
        asyncio.run(_read_all(decoded(source)))
    assert caught.value.code is ErrorCode.UPSTREAM_MALFORMED
    assert source.closed


def test_a_bomb_is_malformed() -> None:
    """A reply that unpacks to more than any honest one is cut."""
    with pytest.raises(UpstreamError) as caught:
        asyncio.run(_read_all(decoded(_Reply(gzip.compress(bytes(20 * 1024 * 1024))))))
    assert caught.value.code is ErrorCode.UPSTREAM_MALFORMED


@pytest.mark.parametrize("encodings", [(b"compress",), (b"gzip, br",), (b"gzip", b"gzip")])
def test_an_unknown_coding_is_malformed(encodings: tuple[bytes, ...]) -> None:
    """What cannot be read cannot be scanned."""
    source = _Reply(b"x", encodings=encodings)
    with pytest.raises(UpstreamError) as caught:
        decoded(source)
    assert caught.value.code is ErrorCode.UPSTREAM_MALFORMED
    assert source.closed


def test_a_decoded_reply_can_be_given_up() -> None:
    """The connection under it is let go."""
    source = _Reply()
    decoded(source).close()
    assert source.closed
