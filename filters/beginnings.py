"""Beginnings: what longer patterns start with, to tell what may become one of them."""

from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterator
from itertools import accumulate
from typing import Any

_PAIR = 2
_TRIPLE = 3
END = "\0"
"""Stands for the end of a pattern among the classes that come next; it is none itself."""
# Strings handed over at once: whoever takes them over must not hold the interpreter up.
_PIECE = 2_000
_PIECE_CHARACTERS = 65_536


class Beginnings:
    """The proper prefixes of patterns that are read by classes.

    Args:
        patterns: the patterns.

    Attributes:
        longest: length of the longest pattern.
        firsts: classes that one begins with, and goes on.
        pairs: two classes that one begins with, and goes on.
        short: whole patterns of one or two classes.
        triples: by three classes that one begins with, all that come next; `END` where one ends there.
    """

    __slots__ = ("_ends", "_sorted", "firsts", "longest", "pairs", "short", "triples")

    def __init__(self, patterns: Collection[str]) -> None:
        self.longest = max(map(len, patterns), default=0)
        self.firsts = {pattern[0] for pattern in patterns if len(pattern) > 1}
        self.short = {pattern for pattern in patterns if len(pattern) <= _PAIR}
        self.triples = _triples(patterns)
        self.pairs = {triple[:_PAIR] for triple in self.triples}
        longer = sorted(pattern for pattern in patterns if len(pattern) > _TRIPLE + 1)
        # One text, and where each ends: as strings of their own they would take six times the memory.
        self._sorted = "".join(longer)
        self._ends = array("I", accumulate(map(len, longer)))

    def parts(self) -> Iterator[Any]:
        """Yield what `restore` makes the same of, in small pieces."""
        yield self.longest
        yield self.firsts
        yield self.short
        yield self._ends
        for strings in (self.pairs, self.triples.items()):
            yield from _in_pieces(list(strings))
        cuts = range(0, len(self._sorted), _PIECE_CHARACTERS)
        yield len(cuts)
        yield from (self._sorted[start : start + _PIECE_CHARACTERS] for start in cuts)

    @classmethod
    def restore(cls, parts: Iterator[Any]) -> "Beginnings":
        """Return what `parts` was asked of."""
        same = cls(())
        same.longest, same.firsts, same.short, same._ends = (next(parts) for _ in range(4))
        # Not in an order: the pieces are read one after the other.
        for piece in _pieces(parts):
            same.pairs.update(piece)
        for piece in _pieces(parts):
            same.triples.update(piece)
        same._sorted = "".join([*_pieces(parts)])
        return same

    def first_live(self, text: str) -> int:
        """Return where the longest suffix of two characters or more begins that is one; the length where none is."""
        size, pairs = len(text), self.pairs
        for start in range(max(0, size - self.longest + 1), size - 1):
            # The first characters settle nearly every start; only behind them a longer suffix is looked up.
            if text[start : start + _PAIR] in pairs and self._goes_on(text, start, size):
                return start
        return size

    def _goes_on(self, text: str, start: int, size: int) -> bool:
        if size - start <= _PAIR:
            return True
        following = self.triples.get(text[start : start + _TRIPLE], END)
        if size - start <= _TRIPLE:
            return following != END
        return text[start + _TRIPLE] in following and self._is_prefix(text[start:])

    def _is_prefix(self, text: str) -> bool:
        at = bisect_left(range(len(self._ends)), text, key=self._pattern)
        # The text itself comes first where it is a pattern; what it begins comes right behind it.
        if at < len(self._ends) and self._pattern(at) == text:
            at += 1
        return at < len(self._ends) and self._pattern(at).startswith(text)

    def _pattern(self, at: int) -> str:
        return self._sorted[self._ends[at - 1] if at else 0 : self._ends[at]]


def _triples(patterns: Collection[str]) -> dict[str, str]:
    triples: dict[str, str] = {}
    # Each once: nearly all triples are followed by one class.
    shared: dict[str, str] = {}
    for pattern in patterns:
        if len(pattern) < _TRIPLE:
            continue
        triple, following = pattern[:_TRIPLE], pattern[_TRIPLE : _TRIPLE + 1] or END
        others = triples.setdefault(triple, shared.setdefault(following, following))
        if following not in others:
            triples[triple] = others + following
    return triples


def _in_pieces(strings: list[Any]) -> Iterator[Any]:
    """Yield how many pieces follow, and the pieces."""
    pieces = [strings[start : start + _PIECE] for start in range(0, len(strings), _PIECE)]
    yield len(pieces)
    yield from pieces


def _pieces(parts: Iterator[Any]) -> Iterator[Any]:
    for _ in range(next(parts)):
        yield next(parts)
