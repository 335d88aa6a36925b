"""What came compressed is read as what it says: whole, in pieces, broken, and as a bomb."""

import gzip
import itertools
import tracemalloc
import zlib
from collections.abc import Callable

import brotli
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.proxy.encodings import ACCEPTED, TooLargeError, codings_of, decode_whole, decoder_for

LIMIT = 1024 * 1024
TEXT = "水位正常。".encode() * 400


def _bare_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


CODINGS: dict[str, tuple[bytes, Callable[[bytes], bytes]]] = {
    "gzip": (b"gzip", gzip.compress),
    "gzip by its old name": (b"x-gzip", gzip.compress),
    "gzip in two members": (b"gzip", lambda data: gzip.compress(data[:7]) + gzip.compress(data[7:])),
    "deflate": (b"deflate", zlib.compress),
    "deflate without zlib's header": (b"deflate", _bare_deflate),
    "br": (b"br", brotli.compress),
    "zstd": (b"zstd", zstandard.compress),
    "zstd in two frames": (b"zstd", lambda data: zstandard.compress(data[:7]) + zstandard.compress(data[7:])),
}
each_coding = pytest.mark.parametrize("name", CODINGS)


def _decode(name: str, data: bytes, limit_bytes: int = LIMIT) -> bytes:
    decoder = decoder_for([CODINGS[name][0]], limit_bytes)
    assert decoder is not None
    return decode_whole(decoder, data)


@each_coding
@settings(max_examples=30, deadline=None)
@given(data=st.binary(max_size=300), cuts=st.lists(st.integers(0, 400), max_size=6))
def test_the_text_comes_back_however_it_was_cut(name: str, data: bytes, cuts: list[int]) -> None:
    """The same bytes, in any pieces."""
    coding, compress = CODINGS[name]
    packed = compress(data)
    decoder = decoder_for([coding], LIMIT)
    assert decoder is not None
    edges = [0, *sorted(min(cut, len(packed)) for cut in cuts), len(packed)]
    pieces = [decoder.feed(packed[start:end]) for start, end in itertools.pairwise(edges)]
    decoder.finish()
    assert b"".join(pieces) == data


@each_coding
def test_one_byte_at_a_time(name: str) -> None:
    """The smallest pieces there are."""
    coding, compress = CODINGS[name]
    decoder = decoder_for([coding], LIMIT)
    assert decoder is not None
    assert b"".join(decoder.feed(bytes([byte])) for byte in compress(TEXT)) == TEXT
    decoder.finish()


@each_coding
def test_an_end_too_early_is_an_error(name: str) -> None:
    """Half a document is never taken for a whole one."""
    with pytest.raises(ValueError, match="cut off"):
        _decode(name, CODINGS[name][1](TEXT)[:-1])


@each_coding
@pytest.mark.parametrize("rest", [b"x", b"more than a byte"])
@pytest.mark.parametrize("apart", [False, True])
def test_bytes_behind_the_end_are_an_error(name: str, rest: bytes, *, apart: bool) -> None:
    """Another reader might go on there."""
    coding, compress = CODINGS[name]
    decoder = decoder_for([coding], LIMIT)
    assert decoder is not None
    pieces = [compress(TEXT), rest] if apart else [compress(TEXT) + rest]
    with pytest.raises(ValueError, match=r"compressed body|behind the end"):  # noqa: PT012 which piece tells is open
        for piece in pieces:
            decoder.feed(piece)
        decoder.finish()


@each_coding
def test_what_is_no_such_coding_is_an_error(name: str) -> None:
    """Plain text under the name of a coding is refused, not passed."""
    with pytest.raises(ValueError, match="compressed body"):
        _decode(name, b'{"model": "m", "messages": []}')


@each_coding
def test_an_empty_body_is_empty(name: str) -> None:
    """Nothing came, so nothing is missing."""
    assert _decode(name, b"") == b""


@each_coding
def test_the_limit_is_exact(name: str) -> None:
    """As much as the limit passes, one byte more does not."""
    packed = CODINGS[name][1](TEXT)
    assert _decode(name, packed, len(TEXT)) == TEXT
    with pytest.raises(TooLargeError):
        _decode(name, packed, len(TEXT) - 1)


@each_coding
def test_a_bomb_costs_no_more_memory_than_the_limit_allows(name: str) -> None:
    """A gigabyte in a few kilobytes is cut where it gets too large."""
    bomb = CODINGS[name][1](bytes(64 * LIMIT))
    tracemalloc.start()
    try:
        with pytest.raises(TooLargeError):
            _decode(name, bomb)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 * LIMIT


def test_a_zstd_window_that_is_too_large_is_refused() -> None:
    """Its memory would be at the sender's choice (RFC 9659)."""
    parameters = zstandard.ZstdCompressionParameters(window_log=27)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    packed = compressor.compress(bytes(range(256))) + compressor.flush()
    with pytest.raises(ValueError, match="broken"):
        _decode("zstd", packed)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], []),
        ([b"identity"], []),
        ([b""], []),
        ([b" GZIP "], [b"gzip"]),
        ([b"gzip", b"identity"], [b"gzip"]),
        ([b"gzip, br"], [b"gzip", b"br"]),
        ([b"gzip", b"br"], [b"gzip", b"br"]),
    ],
)
def test_lines_of_the_header_are_one_list(lines: list[bytes], expected: list[bytes]) -> None:
    """Case and blanks do not count, and `identity` is nothing."""
    assert codings_of(lines) == expected


@pytest.mark.parametrize("codings", [[b"compress"], [b"gzip", b"gzip"], [b"\xff"]])
def test_there_is_no_decoder_for_the_rest(codings: list[bytes]) -> None:
    """Unknown codings, and one over the other."""
    assert decoder_for(codings, LIMIT) is None


def test_what_is_accepted_is_read() -> None:
    """The header names nothing that is refused."""
    assert all(decoder_for([name.strip()], LIMIT) for name in ACCEPTED.split(b","))
