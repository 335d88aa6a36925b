"""Content codings of HTTP (RFC 9110 section 8.4.1): what came compressed is read as what it says.

Rules: what one call gives out is bounded, whatever was put in, so a few bytes cannot become a full memory; the output
does not depend on where the input was cut; an end in mid-stream and bytes behind the end are errors, because another
reader of the same bytes might go on where we stop.
"""

import zlib
from collections.abc import Callable, Iterable
from typing import Final, Protocol

import brotli
import zstandard

# RFC 9659: a zstd window beyond this must not be used for content, and would be memory at the sender's choice.
_ZSTD_WINDOW_BYTES: Final = 8 * 1024 * 1024
# The library bounds no output. Four bytes of input can hold a block of 128 KiB, so this many are at most 8 MiB.
_ZSTD_STEP_BYTES: Final = 256
_GZIP_WBITS: Final = zlib.MAX_WBITS | 16
_ZLIB_HEADER_BYTES: Final = 2
_ZLIB_METHOD_DEFLATE: Final = 8


class TooLargeError(ValueError):
    """More comes out than may."""


class Decoder(Protocol):
    """Reads one compressed body."""

    def feed(self, data: bytes) -> bytes:
        """Take compressed bytes, return what they hold; raise ValueError when they are broken, `TooLargeError` before
        more than the limit comes out of one call.
        """  # noqa: D205 one sentence
        ...

    def finish(self) -> None:
        """Take note that no more comes; raise ValueError when the body is not at its end."""
        ...


def codings_of(values: Iterable[bytes]) -> list[bytes]:
    """Return the codings that ``content-encoding`` headers name, in order and without those that change nothing.

    Args:
        values: one for each line of the field; together they are one list (RFC 9110 section 5.3).
    """
    names = [name.strip().lower() for value in values for name in value.split(b",")]
    return [name for name in names if name not in (b"", b"identity")]


def decoder_for(codings: list[bytes], limit_bytes: int) -> Decoder | None:
    """Return a decoder; None when there is none for what is asked, as for two codings one over the other.

    Args:
        codings: as `codings_of` returns them; not empty.
        limit_bytes: most that one call of ``feed`` may return.
    """
    make = _DECODERS.get(codings[0]) if len(codings) == 1 else None
    return make(limit_bytes) if make else None


def decode_whole(decoder: Decoder, data: bytes) -> bytes:
    """Return what a whole body holds.

    Raises:
        TooLargeError: it is larger than the decoder's limit.
        ValueError: it is broken.
    """
    decoded = decoder.feed(data)
    decoder.finish()
    return decoded


class _Inflater:
    """Reads gzip (any number of members, RFC 1952 section 2.2) and deflate."""

    def __init__(self, limit_bytes: int, wbits: int | None) -> None:
        self._limit_bytes = limit_bytes
        self._wbits = wbits
        self._member = zlib.decompressobj(_GZIP_WBITS)
        self._open = self._ended = False
        self._head = b""

    def feed(self, data: bytes) -> bytes:
        pieces: list[bytes] = []
        room = self._limit_bytes
        data, self._head = self._head + data, b""
        while data and (self._open or self._begin(data)):
            piece = _inflate(self._member, data, room + 1)
            room -= len(piece)
            if room < 0:
                raise TooLargeError
            pieces.append(piece)
            data = self._member.unused_data
            self._open, self._ended = not self._member.eof, self._member.eof
        return b"".join(pieces)

    def finish(self) -> None:
        if self._open or self._head:
            raise ValueError("the compressed body is cut off")

    def _begin(self, data: bytes) -> bool:
        """Begin a member; False when too little has come to know of which kind."""
        wbits = self._wbits
        if wbits is None:
            if self._ended:
                raise ValueError("bytes stand behind the end")
            if len(data) < _ZLIB_HEADER_BYTES:
                self._head = data
                return False
            wbits = _deflate_wbits(data)
        self._member, self._open = zlib.decompressobj(wbits), True
        return True


def _deflate_wbits(data: bytes) -> int:
    """Tell a stream with zlib's header, which the name means, from a bare one, which some programs send."""
    wrapped = data[0] & 0x0F == _ZLIB_METHOD_DEFLATE and (data[0] << 8 | data[1]) % 31 == 0
    return zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS


def _inflate(member: "zlib._Decompress", data: bytes, most: int) -> bytes:
    try:
        return member.decompress(data, most)
    except zlib.error as exc:
        raise ValueError("the compressed body is broken") from exc


class _Brotli:
    """Reads br (RFC 7932)."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._stream = brotli.Decompressor()
        self._begun = False

    def feed(self, data: bytes) -> bytes:
        if self._stream.is_finished() and data:
            raise ValueError("bytes stand behind the end")
        self._begun = self._begun or bool(data)
        pieces: list[bytes] = []
        room = self._limit_bytes
        while True:
            try:
                piece: bytes = self._stream.process(data, output_buffer_limit=room + 1)
            except brotli.error as exc:
                raise ValueError("the compressed body is broken") from exc
            room -= len(piece)
            if room < 0:
                raise TooLargeError
            pieces.append(piece)
            if self._stream.can_accept_more_data() or self._stream.is_finished():
                return b"".join(pieces)
            data = b""

    def finish(self) -> None:
        if self._begun and not self._stream.is_finished():
            raise ValueError("the compressed body is cut off")


class _Zstd:
    """Reads zstd (RFC 8878), any number of frames."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._library = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES)
        self._frame = self._library.decompressobj()
        self._open = False

    def feed(self, data: bytes) -> bytes:
        pieces: list[bytes] = []
        room = self._limit_bytes
        for start in range(0, len(data), _ZSTD_STEP_BYTES):
            step = data[start : start + _ZSTD_STEP_BYTES]
            while step:
                piece = self._decompress(step)
                room -= len(piece)
                if room < 0:
                    raise TooLargeError
                pieces.append(piece)
                step = self._frame.unused_data
        return b"".join(pieces)

    def finish(self) -> None:
        if self._open:
            raise ValueError("the compressed body is cut off")

    def _decompress(self, data: bytes) -> bytes:
        if not self._open:
            self._frame = self._library.decompressobj()
        try:
            piece = self._frame.decompress(data)
        except zstandard.ZstdError as exc:
            raise ValueError("the compressed body is broken") from exc
        self._open = not self._frame.eof
        return piece


_DECODERS: Final[dict[bytes, Callable[[int], Decoder]]] = {
    b"gzip": lambda limit_bytes: _Inflater(limit_bytes, _GZIP_WBITS),
    b"x-gzip": lambda limit_bytes: _Inflater(limit_bytes, _GZIP_WBITS),  # RFC 9110 section 8.4.1.3: the same
    b"deflate": lambda limit_bytes: _Inflater(limit_bytes, None),
    b"br": _Brotli,
    b"zstd": _Zstd,
}
ACCEPTED: Final = b"gzip, deflate, br, zstd"
"""What is read, as the value of a header."""
