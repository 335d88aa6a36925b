"""Reads files line by line in large pieces, and checks that an entry is canonical JSON; made for speed.

Rules: memory is bounded by a piece and a line; a line longer than any could be ends the reading. The checks here run
for every entry of a trail, ten million of them within minutes, so what is rare is sorted out by cheap tests first.
"""

import re
from collections.abc import Iterator
from typing import IO

import orjson

from gateway.audit import segment
from gateway.audit.canonical import canonical_json

LINE_LIMIT_BYTES = 2 * segment.ENTRY_LIMIT_BYTES

_PIECE_BYTES = 1024 * 1024
_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER
# A number with a fraction or an exponent, in JSON without white space; one in a string costs time only.
_FLOAT = re.compile(rb"[:,\[]-?[0-9]+[.eE]")


class Lines:
    """The lines of a file, from where it stands to its end.

    Attributes:
        end: offset behind the last whole line so far.
        rest: what follows the last whole line, once all were read.
        overlong: whether that is longer than any line may be; then reading ended there.
    """

    def __init__(self, file: IO[bytes], start: int = 0) -> None:
        self._file = file
        self.end = start
        self.rest = b""
        self.overlong = False

    def pieces(self) -> Iterator[tuple[int, list[bytes]]]:
        """Yield whole lines without their line feeds, many at once, with the offset of the first."""
        rest = b""
        while data := self._file.read(_PIECE_BYTES):
            *lines, rest = (rest + data).split(b"\n")
            if lines:
                start = self.end
                self.end += sum(map(len, lines)) + len(lines)
                yield start, lines
            self.rest = rest
            if len(rest) > LINE_LIMIT_BYTES:
                self.overlong = True
                return


def is_canonical(entry: bytes) -> bool:
    """Say whether bytes are an object in the canonical form of RFC 8785, of the values an entry may hold."""
    try:
        value = orjson.loads(entry)
        if orjson.dumps(value, option=_OPTIONS) != entry or entry[:1] != b"{":
            return False
        # Written back the same, so only floats, and keys that sort otherwise beyond the plane, may still be wrong.
        return (entry.isascii() and not _FLOAT.search(entry)) or canonical_json(value) == entry
    except (ValueError, TypeError):
        return False
