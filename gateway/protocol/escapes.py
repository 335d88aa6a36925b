r"""JSON escapes inside a text, read piece by piece, with the way back to the text as received.

The arguments of a tool call are a text that is JSON itself: a program reads ``\u51b0`` in it as one character. The
reader here needs no structure, only the escapes (RFC 8259, section 7), so it also reads JSON that is cut short,
surrounded by prose, or not JSON at all. What stands between two strings of it stays where it is and keeps them apart.

Rules: output does not depend on how the text was cut; an escape that is not complete yet is waited for, at most
eleven characters long; half of a surrogate pair alone reads as U+FFFD, since no string can hold it.
"""

import re
from bisect import bisect_right
from typing import NamedTuple

_HEX = "[0-9a-fA-F]"
_TOKEN = re.compile(
    rf"\\u([dD][89abAB]{_HEX}{{2}})\\u([dD][c-fC-F]{_HEX}{{2}})"  # a pair of surrogates
    rf"|\\u({_HEX}{{4}})"
    r'|\\(["\\/bfnrt])'
    rf"|\\(?:u{_HEX}{{0,3}})?"  # no escape, or none yet
)
_LOW_BEGUN = re.compile(rf"(?:\\(?:u(?:[dD](?:[c-fC-F]{_HEX}?)?)?)?)?")  # what may become the second of a pair
_SHORT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_UNPAIRED = "\ufffd"
_HIGH_FROM, _LOW_FROM, _SURROGATES_END = 0xD800, 0xDC00, 0xE000


class Place(NamedTuple):
    """Where a character of the reading stands in the text as received.

    Attributes:
        start: offset of its first character there.
        end: offset behind its last one.
        known: length of the text by which it is certain what it reads as.
    """

    start: int
    end: int
    known: int


class EscapeReader:
    """Reads the escapes of one text that arrives in pieces.

    Args:
        start: offset in the text as received at which reading begins.

    Attributes:
        settled: offset up to which the text has been read; behind it an escape may have begun.
    """

    __slots__ = ("_at", "_base", "_places", "_rest", "_size", "settled")

    def __init__(self, start: int = 0) -> None:
        self.settled = start
        self._rest = ""
        self._size = 0  # characters read out so far
        # Only where the reading is no copy: an offset in the reading, and the place it comes from.
        self._at: list[int] = []
        self._places: list[Place] = []
        self._base = start  # where the reading's first character would be if all were a copy up to the first place

    def feed(self, text: str) -> str:
        """Take the next piece; return what it reads as."""
        return self._read(self._rest + text, last=False)

    def finish(self) -> str:
        """End the text: what looked like the beginning of an escape is none."""
        return self._read(self._rest, last=True)

    def place(self, at: int) -> Place:
        """Return the place of one character of the reading; behind the last one, of what comes next."""
        number = bisect_right(self._at, at) - 1
        if number < 0:
            start = self._base + at
        elif self._at[number] == at:
            return self._places[number]
        else:
            start = self._places[number].end + at - self._at[number] - 1
        return Place(start, start + 1, start + 1)

    def around(self, offset: int) -> Place:
        """Return the place a character of the text as received belongs to."""
        number = bisect_right(self._places, offset, key=lambda place: place.start) - 1
        if number >= 0 and offset < self._places[number].end:
            return self._places[number]
        return Place(offset, offset + 1, offset + 1)

    def read_by(self, size: int) -> int:
        """Return how much of the reading was known when the text was so long."""
        number = bisect_right(self._places, size, key=lambda place: place.known)
        following = self._places[number].start if number < len(self._places) else self.settled
        if number == 0:
            return max(0, min(size, following) - self._base)
        return self._at[number - 1] + 1 + max(0, min(size, following) - self._places[number - 1].end)

    def forget(self, offset: int) -> None:
        """Forget places that end before an offset of the text as received; nobody asks about text before it again."""
        # One of them stays, so that there is always something to count from.
        count = bisect_right(self._places, offset, key=lambda place: place.end) - 1
        if count > 0:
            del self._at[:count], self._places[:count]

    def _read(self, text: str, *, last: bool) -> str:
        origin, copied, end = self.settled, 0, len(text)
        out: list[str] = []
        for token in _TOKEN.finditer(text):
            known = _known_by(token, last=last)
            if known > len(text):
                end = token.start()
                break
            out += text[copied : token.start()], _reads_as(token)
            self._size += token.start() - copied
            self._note(token, origin, origin + known)
            copied = token.end()
        out.append(text[copied:end])
        self._size += end - copied
        self._rest = text[end:]
        self.settled = origin + end
        return "".join(out)

    def _note(self, token: re.Match[str], origin: int, known: int) -> None:
        start, end = origin + token.start(), origin + token.end()
        if token.lastindex:
            places = [Place(start, end, known)]
        else:
            # No escape: each character is itself, but that was not known at once.
            places = [Place(offset, offset + 1, known) for offset in range(start, end)]
        self._at += range(self._size, self._size + len(places))
        self._places += places
        self._size += len(places)


def _known_by(token: re.Match[str], *, last: bool) -> int:
    """Return the offset behind the character that settles what a token reads as; beyond the text if it is to come."""
    end, text = token.end(), token.string
    code = token[3]
    if code and _HIGH_FROM <= int(code, 16) < _LOW_FROM:
        # The other half may follow.
        begun = _LOW_BEGUN.match(text, end)
        end = (begun.end() if begun else end) + 1
    elif not token.lastindex:
        end += 1
    return min(end, len(text)) if last else end


def _reads_as(token: re.Match[str]) -> str:
    high, low, code, short = token.groups()
    if high:
        return chr(0x10000 + (int(high, 16) - _HIGH_FROM) * 0x400 + int(low, 16) - _LOW_FROM)
    if code:
        number = int(code, 16)
        return _UNPAIRED if _HIGH_FROM <= number < _SURROGATES_END else chr(number)
    return _SHORT.get(short, short) if short else token[0]
