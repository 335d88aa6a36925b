"""Sounds: all beginnings of Chinese terms by their syllables, to tell what may become one of them.

Kept as hashes, since a place that they let through by mistake is settled like any other.
"""

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

_Hashes = npt.NDArray[np.uint64]

_MASK = (1 << 64) - 1
_FACTOR = 0xFF51AFD7ED558CCD
START = 0x9E3779B97F4A7C15
"""The hash of no syllable."""
_SYLLABLES_FROM = 0xE000
_SYLLABLES = 512
# Arrays of hashes that wait until what is twice is left out.
_KEPT_APART = 8
_GOES_ON, _ENDS = 1, 2
# One place in eight of the marks has one.
_SPARE_BITS = 2


class Sounds:
    """The beginnings of patterns that are read by classes.

    Args:
        patterns: the patterns, of two classes or more.

    Attributes:
        longest: classes of the longest pattern.
    """

    __slots__ = ("_ends", "_goes_on", "_marks", "_neighbours", "_shift", "longest")

    def __init__(self, patterns: Sequence[str]) -> None:
        self.longest = max(map(len, patterns), default=0)
        beginnings, ends = _hashes(patterns, self.longest)
        self.fill(beginnings.tobytes(), ends.tobytes(), _neighbours(patterns))

    def __reduce__(self) -> tuple[object, ...]:
        """Return what a copy in another process is made of."""
        return _restored, (self.longest, bytes(self._goes_on), bytes(self._ends), self._neighbours)

    def fill(self, goes_on: bytes, ends: bytes, neighbours: bytes) -> None:
        """Take the hashes, each sorted, and which classes are beside each other."""
        # Memory views answer with plain numbers, which is what bisecting compares fastest.
        self._goes_on, self._ends = memoryview(goes_on).cast("Q"), memoryview(ends).cast("Q")
        self._neighbours = neighbours
        bits = max(1, len(self._goes_on) + len(self._ends)).bit_length() + _SPARE_BITS
        self._shift = 64 - bits
        marks = np.zeros(1 << bits, np.uint8)
        for hashes, mark in ((goes_on, _GOES_ON), (ends, _ENDS)):
            marks[np.unique(np.frombuffer(hashes, np.uint64) >> np.uint64(self._shift))] |= mark
        # Nearly every look ends here.
        self._marks = marks.tobytes()

    def goes_on(self, hashed: int) -> bool:
        """Tell whether more follows in some pattern that begins so."""
        return bool(self._marks[hashed >> self._shift] & _GOES_ON) and _holds(self._goes_on, hashed)

    def ends(self, hashed: int) -> bool:
        """Tell whether this is a whole pattern."""
        return bool(self._marks[hashed >> self._shift] & _ENDS) and _holds(self._ends, hashed)

    def may_follow(self, first: int, second: int) -> bool:
        """Tell whether two classes stand beside each other in some pattern."""
        return bool(self._neighbours[_bit(first, second)])


def _holds(hashes: memoryview, hashed: int) -> bool:
    at = bisect_left(hashes, hashed)
    return at < len(hashes) and hashes[at] == hashed


def hashed(before: int, symbol: int) -> int:
    """Return the hash of a beginning with one class more."""
    value = ((before ^ symbol) * _FACTOR) & _MASK
    return value ^ (value >> 32)


def _bit(first: int, second: int) -> int:
    # What is no syllable shares a number with one.
    return (first - _SYLLABLES_FROM) % _SYLLABLES * _SYLLABLES + (second - _SYLLABLES_FROM) % _SYLLABLES


def _restored(longest: int, goes_on: bytes, ends: bytes, neighbours: bytes) -> Sounds:
    sounds = Sounds(())
    sounds.longest = longest
    sounds.fill(goes_on, ends, neighbours)
    return sounds


def _hashes(patterns: Sequence[str], longest: int) -> tuple[_Hashes, _Hashes]:
    """Return the hashes of all proper beginnings and of the patterns, each sorted."""
    codes = np.frombuffer("".join(patterns).encode("utf-32-le"), np.uint32).astype(np.uint64)
    lengths = np.fromiter(map(len, patterns), np.intp, len(patterns))
    starts = np.cumsum(lengths) - lengths
    values = np.full(len(patterns), START, np.uint64)
    beginnings = [np.empty(0, np.uint64)]
    for at in range(longest):
        alive = (lengths > at).nonzero()[0]
        value = (values[alive] ^ codes[starts[alive] + at]) * np.uint64(_FACTOR)
        values[alive] = value ^ (value >> np.uint64(32))
        beginnings.append(values[(lengths > at + 1).nonzero()[0]])
        if len(beginnings) > _KEPT_APART:
            beginnings = [np.unique(np.concatenate(beginnings))]
    return np.unique(np.concatenate(beginnings)), np.unique(values)


def _neighbours(patterns: Sequence[str]) -> bytes:
    table = np.zeros(_SYLLABLES * _SYLLABLES, np.bool_)
    codes = np.frombuffer("\n".join(patterns).encode("utf-32-le"), np.uint32).astype(np.intp)
    inner = (codes[:-1] != ord("\n")) & (codes[1:] != ord("\n"))
    first, second = (codes[:-1] - _SYLLABLES_FROM) % _SYLLABLES, (codes[1:] - _SYLLABLES_FROM) % _SYLLABLES
    table[(first * _SYLLABLES + second)[inner]] = True
    return table.tobytes()
