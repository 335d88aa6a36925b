"""The lexicon: all terms of one half of an exchange, compiled for search.

Immutable, and small: of every spelling only its classes are kept, in the automaton. What else is known of it
(`filters.entries`) is worked out again when a text has it, which is rare, and remembered within a bound.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator

from filters.automata import Finder, build_finder
from filters.combinations import parse_combination
from filters.entries import Allowance, Entry, allowances_of, entries_of, entry_of
from filters.findings import Kind, Term

_REMEMBERED_TERMS = 4096
_SEARCHED = frozenset({Kind.LITERAL, Kind.WORD, Kind.ALL})


class Lexicon:
    """Terms compiled for search.

    Args:
        terms: rows of the keyword lists; patterns are not for it and left out.

    Attributes:
        longest: length of the longest pattern.
        find: finds all patterns in the classes of a text.
        allowances: for the kept text of a term, the allow phrases it stands in.
        farthest: most characters of an allow phrase before or behind a term in it.

    Raises:
        ValueError: nothing of a term is left when it is folded; it would match everywhere.
    """

    def __init__(self, terms: Iterable[Term]) -> None:
        rows = tuple(terms)
        self._terms = tuple(term for term in rows if term.kind in _SEARCHED)
        phrases = [term.text for term in rows if term.kind is Kind.ALLOW]
        self.allowances: dict[str, tuple[Allowance, ...]] = allowances_of(phrases)
        self.farthest = max((len(places[0].text) for places in self.allowances.values()), default=0)
        owners: dict[str, list[int]] = {}
        for number, term in enumerate(self._terms):
            for entry in compile_term(term):
                numbers = owners.setdefault(entry.classes, [])
                if number not in numbers:
                    numbers.append(number)
        self._owners = list(map(tuple, owners.values()))
        patterns = list(owners)
        self.longest = max(map(len, patterns), default=0)
        self.find: Finder = build_finder(patterns)
        self._firsts = frozenset(pattern[0] for pattern in patterns if len(pattern) > 1)
        self._pairs = frozenset(pattern[:2] for pattern in patterns if len(pattern) > 2)  # noqa: PLR2004 a pair
        self._sorted = sorted(pattern for pattern in patterns if len(pattern) > 2)  # noqa: PLR2004 the same
        self._remembered: dict[int, tuple[Entry, ...]] = {}

    def entries(self, pattern: int, classes: str) -> Iterator[Entry]:
        """Yield the entries behind a pattern.

        Args:
            pattern: its number.
            classes: its text.
        """
        for number in self._owners[pattern]:
            for entry in self._entries_of(number):
                if entry.classes == classes:
                    yield entry

    def first_live(self, classes: str) -> int:
        """Return where the longest suffix begins that is a proper prefix of a pattern; the length where none is."""
        size = len(classes)
        for start in range(max(0, size - self.longest + 1), size - 1):
            # Two characters settle nearly every start; only then is a longer one looked up.
            if classes[start : start + 2] in self._pairs and self._is_prefix(classes[start:]):
                return start
        return size - 1 if size and classes[-1] in self._firsts else size

    def _is_prefix(self, text: str) -> bool:
        if len(text) == 2:  # noqa: PLR2004 a pair
            return True
        at = bisect_left(self._sorted, text)
        # The text itself comes first where it is a pattern; what it begins comes right behind it.
        if at < len(self._sorted) and self._sorted[at] == text:
            at += 1
        return at < len(self._sorted) and self._sorted[at].startswith(text)

    def _entries_of(self, number: int) -> tuple[Entry, ...]:
        entries = self._remembered.get(number)
        if entries is None:
            if len(self._remembered) >= _REMEMBERED_TERMS:
                self._remembered.clear()
            entries = self._remembered[number] = tuple(compile_term(self._terms[number]))
        return entries


def compile_term(term: Term) -> Iterator[Entry]:
    """Yield the entries of a row: one for each spelling, or for each part of a combination.

    Raises:
        ValueError: nothing of it is left when it is folded.
    """
    if term.kind is not Kind.ALL:
        yield from entries_of(term)
        return
    combination = parse_combination(term.text)
    for number, part in enumerate((*combination.parts, *combination.absent)):
        yield entry_of(part, term, number)
