"""The lexicon: all terms of one half of an exchange, compiled for search.

Immutable, and small: of a spelling only its pattern is kept, in an automaton. What else is known of it
(`filters.entries`) is worked out again when a text has it, which is rare, and remembered within a bound.

Each kind of pattern (`filters.compiling`) has an automaton of its own; most Chinese texts have no place for letters.
"""

import re
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

from filters.automata import Finder, build_finder
from filters.compiling import Patterns, Space, compile_terms, pattern_of
from filters.entries import Allowance, Entry, allowances_of, entries_of
from filters.findings import Kind, Term
from filters.reading import class_text

_REMEMBERED_TERMS = 4096
_SEARCHED = frozenset({Kind.LITERAL, Kind.WORD, Kind.ALL})
_PAIR = 2
_TRIPLE = 3
# Strings handed over at once: whoever takes them over must not hold the interpreter up.
_PIECE = 2_000
_PIECE_CHARACTERS = 16_384
_LETTER = re.compile(r"[0-9a-z]")


class Match(NamedTuple):
    """An occurrence of a pattern.

    Attributes:
        start: position in the skeleton.
        end: position behind its last character.
        space: kind of the pattern.
        pattern: its number among these.
    """

    start: int
    end: int
    space: Space
    pattern: int


class _Patterns:
    """All patterns of one kind.

    Args:
        patterns: the patterns and whose they are.
    """

    __slots__ = ("_more", "_owners", "find", "longest")

    def __init__(self, patterns: Patterns) -> None:
        # Nearly every pattern has one owner, and a list of lists would be the larger part of the index.
        self._owners, self._more = patterns.owners, patterns.more
        self.find: Finder = build_finder(patterns.texts)
        self.longest = max(map(len, patterns.texts), default=0)

    def owners(self, pattern: int) -> tuple[int, ...]:
        """Return the terms a pattern is a spelling of."""
        return (self._owners[pattern], *self._more.get(pattern, ()))


class _Prefixes:
    """The proper prefixes of patterns that are read by classes.

    Args:
        patterns: the patterns, each once; the list is empty afterwards.
    """

    __slots__ = ("_ends", "_pairs", "_sorted", "_triples", "firsts", "longest")

    def __init__(self, patterns: list[str]) -> None:
        self.longest = max(map(len, patterns), default=0)
        self.firsts = {pattern[0] for pattern in patterns if len(pattern) > 1}
        # One text and where each ends: as strings of their own they would take six times the memory.
        patterns.sort()
        self._sorted = "".join(patterns)
        self._ends = array("I", accumulate(map(len, patterns)))
        # Before the sets are made: what is left of longer strings would keep whole pages from being given back.
        patterns.clear()
        ends = list(pairwise((0, *self._ends)))
        self._pairs = {self._sorted[start : start + _PAIR] for start, end in ends if end - start > _PAIR}
        self._triples = {self._sorted[start : start + _TRIPLE] for start, end in ends if end - start > _TRIPLE}

    def parts(self) -> Iterator[Any]:
        """Yield what `restore` makes the same of, in small pieces."""
        yield self.longest
        yield self.firsts
        yield self._ends
        for strings in (self._pairs, self._triples):
            yield from _in_pieces(list(strings))
        cut = range(0, len(self._sorted), _PIECE_CHARACTERS)
        yield from _in_pieces([self._sorted[start : start + _PIECE_CHARACTERS] for start in cut])

    @classmethod
    def restore(cls, parts: Iterator[Any]) -> "_Prefixes":
        """Return what `parts` was asked of."""
        prefixes = cls([])
        prefixes.longest, prefixes.firsts, prefixes._ends = next(parts), next(parts), next(parts)
        # Not in an order: the pieces are read one after the other.
        for piece in _pieces(parts):
            prefixes._pairs.update(piece)
        for piece in _pieces(parts):
            prefixes._triples.update(piece)
        prefixes._sorted = "".join(text for piece in _pieces(parts) for text in piece)
        return prefixes

    def first_live(self, text: str) -> int:
        """Return where the longest suffix of two characters or more begins that is one; the length where none is."""
        size, pairs = len(text), self._pairs
        for start in range(max(0, size - self.longest + 1), size - 1):
            # The first characters settle nearly every start; only behind them a longer suffix is looked up.
            if text[start : start + _PAIR] in pairs and self._goes_on(text, start, size):
                return start
        return size

    def _goes_on(self, text: str, start: int, size: int) -> bool:
        if size - start <= _PAIR:
            return True
        if text[start : start + _TRIPLE] not in self._triples:
            return False
        return size - start <= _TRIPLE or self._is_prefix(text[start:])

    def _is_prefix(self, text: str) -> bool:
        at = bisect_left(range(len(self._ends)), text, key=self._pattern)
        # The text itself comes first where it is a pattern; what it begins comes right behind it.
        if at < len(self._ends) and self._pattern(at) == text:
            at += 1
        return at < len(self._ends) and self._pattern(at).startswith(text)

    def _pattern(self, at: int) -> str:
        return self._sorted[self._ends[at - 1] if at else 0 : self._ends[at]]


class Lexicon:
    """Terms compiled for search.

    Args:
        terms: rows of the keyword lists; patterns are not for it and left out.

    Attributes:
        allowances: for the kept text of a term, the allow phrases it stands in.
        farthest: most characters of an allow phrase before or behind a term in it.
        longest: length of the longest pattern; 0 where there is nothing to look for.

    Raises:
        ValueError: nothing of a term is left when it is folded; it would match everywhere.
    """

    def __init__(self, terms: Iterable[Term]) -> None:
        rows = tuple(terms)
        self._terms = tuple(term for term in rows if term.kind in _SEARCHED)
        phrases = [term.text for term in rows if term.kind is Kind.ALLOW]
        self.allowances: dict[str, tuple[Allowance, ...]] = allowances_of(phrases)
        self.farthest = max((len(places[0].text) for places in self.allowances.values()), default=0)
        self._spaces: dict[Space, _Patterns] = {}
        by_class: list[str] = []
        for patterns in compile_terms(self._terms):
            if patterns.space is Space.PAIRS:
                # A pair is read by its very characters, so its beginning is too.
                self._pair_firsts = frozenset(pattern[0] for pattern in patterns.texts if len(pattern) > 1)
            else:
                by_class += patterns.texts
            self._spaces[patterns.space] = _Patterns(patterns)
        self._prefixes = _Prefixes(by_class)
        self._pairs, self._sounds, self._letters = (self._spaces[space] for space in Space)
        self.longest = max(patterns.longest for patterns in self._spaces.values())
        self._remembered: dict[int, tuple[Entry, ...]] = {}

    def parts(self) -> Iterator[Any]:
        """Yield what `restore` makes the same of, besides the terms, in small pieces."""
        yield self.allowances, self.farthest, self.longest, self._pair_firsts
        yield from (self._spaces[space] for space in Space)
        yield from self._prefixes.parts()

    @classmethod
    def restore(cls, terms: Iterable[Term], parts: Iterator[Any]) -> "Lexicon":
        """Return the lexicon of these terms that `parts` was asked of, without compiling them again."""
        lexicon = cls(())
        lexicon._terms = tuple(term for term in terms if term.kind in _SEARCHED)
        lexicon.allowances, lexicon.farthest, lexicon.longest, lexicon._pair_firsts = next(parts)
        lexicon._spaces = {space: next(parts) for space in Space}
        lexicon._pairs, lexicon._sounds, lexicon._letters = lexicon._spaces.values()
        lexicon._prefixes = _Prefixes.restore(parts)
        return lexicon

    def find(self, skeleton: str, classes: str) -> list[Match]:
        """Return all occurrences of all patterns, in order of their end.

        Args:
            skeleton: the text's skeleton.
            classes: its classes.
        """
        pairs, sounds = self._pairs.find(skeleton), self._sounds.find(classes)
        letters = self._letters.find(classes) if self._letters.longest and _LETTER.search(classes) else ()
        if not (pairs or sounds or letters):
            return []
        found = [Match(start, end, Space.PAIRS, pattern) for start, end, pattern in pairs]
        found += [Match(start, end, Space.SOUNDS, pattern) for start, end, pattern in sounds]
        found += [Match(start, end, Space.LETTERS, pattern) for start, end, pattern in letters]
        found.sort(key=_by_end)
        return found

    def entries(self, match: Match, skeleton: str, classes: str) -> Iterator[Entry]:
        """Yield the entries behind a match.

        Args:
            match: the match.
            skeleton: the text it is in.
            classes: its classes.
        """
        text = (skeleton if match.space is Space.PAIRS else classes)[match.start : match.end]
        for number in self._spaces[match.space].owners(match.pattern):
            for entry in self._entries_of(number):
                space, pattern = pattern_of(entry.skeleton)
                # A pair is also looked for by what sounds like it.
                same = pattern == text or (space is Space.PAIRS and class_text(pattern) == class_text(text))
                if same and space is match.space:
                    yield entry

    def first_live(self, skeleton: str, classes: str) -> int:
        """Return where the longest suffix begins that may grow into a pattern; the length where none may."""
        size = len(classes)
        live = self._prefixes.first_live(classes)
        if live < size or not size:
            return live
        begins = classes[-1] in self._prefixes.firsts or skeleton[-1] in self._pair_firsts
        return size - 1 if begins else size

    def _entries_of(self, number: int) -> tuple[Entry, ...]:
        entries = self._remembered.get(number)
        if entries is None:
            if len(self._remembered) >= _REMEMBERED_TERMS:
                self._remembered.clear()
            entries = self._remembered[number] = tuple(entries_of(self._terms[number]))
        return entries


def _in_pieces(strings: list[str]) -> Iterator[Any]:
    """Yield how many pieces follow, and the pieces."""
    pieces = [strings[start : start + _PIECE] for start in range(0, len(strings), _PIECE)]
    yield len(pieces)
    yield from pieces


def _pieces(parts: Iterator[Any]) -> Iterator[list[str]]:
    for _ in range(next(parts)):
        yield next(parts)


def _by_end(match: Match) -> tuple[int, int]:
    return match.end, match.start
