"""Incremental server-sent-events codec.

Rules: bytes in, frames out; output does not depend on where the input was cut; a frame is never dropped or
reordered; at a frame larger than ``limit_bytes`` the decoder stops, so a peer cannot make us grow. Every byte of a
frame is either in its data or in its other lines, so that all of it can be scanned.

Source: WHATWG HTML, section 9.2 (server-sent events).
"""

import re
from typing import NamedTuple

# A blank line: two line ends in a row. Atomic groups keep "\r\n" from being read as two ends.
_BLANK_LINE = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")
_LINE_END = re.compile(rb"\r\n|\n|\r")
_CARRIAGE_RETURN = 0x0D
_BOM = b"\xef\xbb\xbf"
_FIELDS = frozenset({b"", b"event", b"id", b"retry"})  # a comment's field has no name

KEEP_ALIVE = b": keep-alive\n\n"
"""A comment, which readers skip (WHATWG HTML 9.2): the line is in use, and whoever watches it does not cut it."""


class SseFrame(NamedTuple):
    """One frame of a stream.

    Attributes:
        raw: its bytes as received, with the blank line that ends it.
        data: its ``data`` lines joined by line feeds; None when that is empty (readers skip such a frame).
        others: its other lines (event names, ids, comments), as received.
    """

    raw: bytes
    data: bytes | None
    others: tuple[bytes, ...] = ()


class SseDecoder:
    """Cuts a byte stream into frames.

    Args:
        limit_bytes: largest frame taken.

    Attributes:
        overflowed: True once a frame over the limit was met; frames before it were returned, nothing after it is.
    """

    __slots__ = ("_buffer", "_limit_bytes", "_searched", "overflowed")

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self.overflowed = False
        self._buffer = b""
        self._searched = 0

    def feed(self, data: bytes) -> list[SseFrame]:
        """Take bytes; return the frames that are complete now."""
        # Mostly nothing is left over, and the bytes are read where they are, without a copy.
        buffer = self._buffer + data if self._buffer else data
        frames: list[SseFrame] = []
        start, position = 0, self._searched
        # Without carriage returns a blank line is two line feeds, which a search in C finds.
        end_of_frame = _end_at_any if b"\r" in buffer else _end_at_line_feeds
        while not self.overflowed and (end := end_of_frame(buffer, position)):
            self._take(buffer[start:end], frames)
            start = position = end
        self._buffer = buffer[start:]
        # A line end seen now may be the first half of a blank line: look at it again.
        self._searched = max(0, len(self._buffer) - 3)
        self.overflowed = self.overflowed or len(self._buffer) > self._limit_bytes
        if self.overflowed:
            # Given back now: the peer may go on sending for long.
            self._buffer = b""
        return frames

    def finish(self) -> list[SseFrame]:
        """Return what is left when the stream ends: an unterminated frame is still a frame, and gets its end."""
        rest, self._buffer = self._buffer, b""
        frames: list[SseFrame] = []
        # WHATWG HTML 9.2 drops such a rest, but not all readers do: it is scanned, and leaves as a whole frame.
        if rest.strip():
            self._take(rest + b"\n\n", frames)
        return frames

    def _take(self, raw: bytes, frames: list[SseFrame]) -> None:
        # Here as well: a large frame may come in one read, and never wait in the buffer.
        if len(raw) > self._limit_bytes:
            self.overflowed = True
        # Nearly every frame is one such line; it should not pay for the odd ones.
        elif raw.startswith(b"data: ") and raw.find(b"\n") == len(raw) - 2 and b"\r" not in raw:
            frames.append(SseFrame(raw, raw[6:-2] or None))
        else:
            frames.append(_parse(raw))


def _end_at_line_feeds(buffer: bytes, position: int) -> int:
    """Return the offset behind the next two line feeds, or 0 while there are none."""
    found = buffer.find(b"\n\n", position)
    return found + 2 if found >= 0 else 0


def _end_at_any(buffer: bytes, position: int) -> int:
    """Return the offset behind the next blank line of any kind, or 0 while there is none."""
    match = _BLANK_LINE.search(buffer, position)
    if match is None or (match.end() == len(buffer) and buffer[-1] == _CARRIAGE_RETURN):
        return 0  # behind a carriage return a line feed may follow, and belongs to the same line end
    return match.end()


def _parse(raw: bytes) -> SseFrame:
    """Read a frame by the rules of the specification, line by line."""
    data: list[bytes] = []
    others: list[bytes] = []
    # A mark belongs before the stream only (9.2); taken off everywhere, it can hide no data line from the scan.
    for line in filter(None, _LINE_END.split(raw.removeprefix(_BOM))):
        name, _, value = line.partition(b":")
        if name == b"data":
            # One space only (9.2): a second one is part of the value.
            data.append(value.removeprefix(b" "))
        else:
            others.append(line)
    return SseFrame(raw, b"\n".join(data) or None, tuple(others))


def encode_frame(data: bytes, others: tuple[bytes, ...] = ()) -> bytes:
    """Return the bytes of a frame.

    Args:
        data: payload without line ends, such as compact JSON.
        others: other lines to keep, as in `SseFrame.others`.
    """
    return b"".join([*(line + b"\n" for line in others), b"data: ", data, b"\n\n"])


def text_of_line(line: bytes) -> str:
    """Return what a line beside the data says, without the name of its field.

    Args:
        line: as in `SseFrame.others`.
    """
    name, _, value = line.partition(b":")
    # A field nobody knows is skipped by readers (9.2), and is read whole here.
    return (value if name in _FIELDS else line).decode("utf-8", "replace").strip()
