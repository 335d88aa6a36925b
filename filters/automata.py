"""Automata: all occurrences of many strings in a text, by whichever library measured best.

Rules: an engine reads a whole string and keeps nothing between two calls; matches may overlap. daachorse is the
fast one (`benchmarks/RESULTS.md`); pyahocorasick is the reference every engine is held equal to, and serves where
the other has no build.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import ahocorasick

try:
    import daachorse
except ImportError:  # pragma: no cover  # no build for this platform
    daachorse = None  # type: ignore[assignment]  # asked for before it is used


class Match(NamedTuple):
    """An occurrence of a pattern.

    Attributes:
        start: offset of its first character in the text that was read.
        end: offset behind its last character.
        pattern: position of the pattern in the list the automaton was built from.
    """

    start: int
    end: int
    pattern: int


# Engines answer with plain tuples shaped like `Match`: a value made for each would cost as much as finding it.
Finder = Callable[[str], Sequence[tuple[int, int, int]]]


class ReferenceAutomaton:
    """pyahocorasick: slower than the double array, and there for every platform.

    Args:
        patterns: distinct strings, none of them empty.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        self._automaton: Any = ahocorasick.Automaton()
        for number, pattern in enumerate(patterns):
            self._automaton.add_word(pattern, (number, len(pattern)))
        self._automaton.make_automaton()

    def find(self, text: str) -> list[tuple[int, int, int]]:
        """Return all matches, in order of their end."""
        return [(last + 1 - size, last + 1, number) for last, (number, size) in self._automaton.iter(text)]


class LetterFinder:
    """Strings of ASCII, read as bytes: in half the time of characters.

    Args:
        patterns: distinct strings, none of them empty.
    """

    __slots__ = ("_automaton",)

    def __init__(self, patterns: Sequence[str]) -> None:
        self._automaton = daachorse.DoubleArrayAhoCorasick([text.encode("ascii") for text in patterns])

    def __call__(self, text: str) -> Sequence[tuple[int, int, int]]:
        """Return all matches, in order of their end."""
        # One byte for each character; what is no letter becomes a question mark, which no kept text has.
        return self._automaton.find_overlapping(text.encode("ascii", "replace"))


def build_finder(patterns: Sequence[str]) -> Finder:
    """Build the fastest engine there is.

    Args:
        patterns: distinct strings, none of them empty; there may be none at all.
    """
    if not patterns:
        return _find_nothing
    if daachorse is None:  # pragma: no cover
        return ReferenceAutomaton(patterns).find  # type: ignore[unreachable]
    if all(text.isascii() for text in patterns):
        return LetterFinder(patterns)
    find: Finder = daachorse.CharwiseDoubleArrayAhoCorasick(list(patterns)).find_overlapping
    return find


def _find_nothing(_text: str) -> Sequence[tuple[int, int, int]]:
    return ()
