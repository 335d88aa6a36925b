"""The lexicon: all terms of one half of an exchange, compiled for search.

Immutable, and small: of a spelling only its pattern is kept, in an automaton. What else is known of it
(`filters.entries`) is worked out again when a text has it, which is rare, and remembered within a bound.

Each kind of pattern (`filters.compiling`) has an automaton of its own; most Chinese texts have no place for letters.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Self

from filters.automata import Finder, build_finder
from filters.beginnings import END, Beginnings
from filters.compiling import Compiled, Patterns, compile_terms
from filters.entries import Allowance, Entry, allowances_of
from filters.findings import ROMANISED, Kind, Term
from filters.glance import Glance
from filters.long_text import LongText
from filters.mixed import junctions
from filters.passing import Passing
from filters.reading import Reading, class_text, spell
from filters.resemblance import Resemblance
from filters.short_terms import ShortTerms
from filters.sounds import Sounds

_SEARCHED = frozenset({Kind.LITERAL, Kind.WORD, Kind.ALL})
_PAIR = 2
_TRIPLE = 3
_LETTER = re.compile(r"[0-9a-z]")
_ASCII_END = 128
# Where beginnings stand as near to each other as this, an automaton reads everything at once.
_CROWDED = 8


class Match(NamedTuple):
    """An occurrence of a pattern for which an entry may stand.

    Attributes:
        start: position in the skeleton.
        end: position behind its last character.
        entries: what may stand there.
    """

    start: int
    end: int
    entries: tuple[Entry, ...]


class _Patterns:
    """All patterns of one kind.

    Args:
        patterns: the patterns and whose they are.
        build: makes what finds them.
    """

    __slots__ = ("_more", "_owners", "find", "longest")

    def __init__(self, patterns: Patterns, build: Callable[[Sequence[str]], Finder]) -> None:
        self._owners, self._more = patterns.owners, patterns.more
        self.find: Finder = build(patterns.texts)
        self.longest = max(map(len, patterns.texts), default=0)

    def owners(self, pattern: int) -> tuple[int, ...]:
        """Return the terms a pattern is a spelling of."""
        return (self._owners[pattern], *self._more.get(pattern, ()))


class Lexicon:
    """Terms compiled for search.

    Args:
        terms: rows of the keyword lists; patterns are not for it and left out.

    Attributes:
        allowances: for the kept text of a term, the allow phrases it stands in.
        farthest: most characters of an allow phrase before or behind a term in it.
        longest: length of the longest pattern; 0 where there is nothing to look for.
        passing: what is known of pairs of characters, for streams.
        beginnings: those of Chinese terms, for mixed spellings.

    Raises:
        ValueError: nothing of a term is left when it is folded; it would match everywhere.
    """

    _build_finder: Callable[[Sequence[str]], Finder] = staticmethod(build_finder)

    def __init__(self, terms: Iterable[Term]) -> None:
        rows = tuple(terms)
        self._terms = tuple(term for term in rows if term.kind in _SEARCHED)
        phrases = [term.text for term in rows if term.kind is Kind.ALLOW]
        self.allowances: dict[str, tuple[Allowance, ...]] = allowances_of(phrases)
        self.farthest = max((len(places[0].text) for places in self.allowances.values()), default=0)
        compiled = compile_terms(self._terms)
        self._short = ShortTerms(*compiled.pairs)
        self._sounds = _Patterns(compiled.sounds, self._build_finder)
        self._letters = _Patterns(compiled.letters, self._build_finder)
        self.longest = max(self._short.longest, self._sounds.longest, self._letters.longest)
        self._resemblance = Resemblance(self._terms)
        self.beginnings = Sounds([*compiled.sounds.texts, *self._short.by_class])
        self._index(compiled)

    def _index(self, compiled: Compiled) -> None:
        """Build what tells where a look is worth it."""
        sounds, letters = compiled.sounds.texts, compiled.letters.texts
        self._glance = Glance(self._short.spellings, sounds)
        self._beginnings = Beginnings([*sounds, *letters])
        self.passing = Passing(self._short, self._beginnings, self._resemblance)
        self._letter_runs = re.compile(b"\x01" * min(map(len, letters), default=1) + b"\x01*")

    def parts(self) -> Iterator[Any]:
        """Yield what `restore` makes the same of, besides the terms, in small pieces."""
        yield self.allowances, self.farthest, self.longest, self._short
        yield self._sounds
        yield self._letters
        yield self.beginnings
        yield from self._index_parts()

    def _index_parts(self) -> Iterator[Any]:
        yield self._glance, self._letter_runs
        yield from self._beginnings.parts()

    @classmethod
    def restore(cls, terms: Iterable[Term], parts: Iterator[Any]) -> Self:
        """Return the lexicon of these terms that `parts` was asked of, without compiling them again."""
        lexicon = cls(())
        lexicon._terms = tuple(term for term in terms if term.kind in _SEARCHED)
        lexicon.allowances, lexicon.farthest, lexicon.longest, lexicon._short = next(parts)
        lexicon._sounds, lexicon._letters, lexicon.beginnings = next(parts), next(parts), next(parts)
        lexicon._resemblance = Resemblance(lexicon._terms)
        lexicon._restore_index(parts)
        return lexicon

    def _restore_index(self, parts: Iterator[Any]) -> None:
        self._glance, self._letter_runs = next(parts)
        self._beginnings = Beginnings.restore(parts)
        self.passing = Passing(self._short, self._beginnings, self._resemblance)

    def find(self, skeleton: str, classes: str) -> list[Match]:
        """Return all occurrences of patterns for which an entry may stand, in order of their end.

        Args:
            skeleton: the text's skeleton.
            classes: its classes.
        """
        by_class, begun, triples = self._short.by_class, self._beginnings.pairs, self._beginnings.triples
        pairs: list[int] = []
        longer = False
        for at in range(len(classes) - 1):
            pair = classes[at : at + _PAIR]
            if pair in by_class:
                pairs.append(at)
            # Most places settle here that nothing longer begins at them, which spares the automaton.
            if pair in begun and not longer:
                longer = classes[at : at + _TRIPLE] in triples
        found = list(self._short_at(pairs, _PAIR, skeleton, classes)) if pairs else []
        if singles := self._short.singles:
            places = [at for at, char in enumerate(skeleton) if char in singles]
            found += self._short_at(places, 1, skeleton, skeleton)
        if longer:
            found += self._standing(self._sounds, self._sounds.find(classes), skeleton)
        if self._letters.longest and _LETTER.search(classes):
            found += self._standing(self._letters, self._letters.find(classes), skeleton)
        found.sort(key=by_end)
        return found

    def find_long(self, text: LongText, start: int, end: int) -> list[Match]:
        """Return the same for a part of a long text, at positions in the whole.

        Args:
            text: the text.
            start: where the part begins in its skeleton.
            end: position behind its last character.
        """
        codes, class_codes = text.skeleton_codes, text.class_codes
        skeleton, classes = text.skeleton, text.classes
        if start or end < len(codes):
            codes, class_codes = codes[start:end], class_codes[start:end]
            skeleton, classes = skeleton[start:end], classes[start:end]
        places = self._glance.places(codes, class_codes)
        found = list(self._short_at(places.pairs, _PAIR, skeleton, classes))
        found += self._short_at(places.singles, 1, skeleton, skeleton)
        found += self._sounds_at(places.sounds, skeleton, classes)
        if self._letters.longest:
            for run in self._letter_runs.finditer((codes < _ASCII_END).tobytes()):
                letters = self._letters.find(classes[run.start() : run.end()])
                found += self._standing(self._letters, letters, skeleton, run.start())
        if start:
            found = [Match(start + match.start, start + match.end, match.entries) for match in found]
        found = [match for match in found if _is_possible(match, text)]
        found.sort(key=by_end)
        return found

    def _sounds_at(self, places: list[int], skeleton: str, classes: str) -> Iterator[Match]:
        """Yield longer Chinese terms that may stand at some places."""
        find, longest, triples = self._sounds.find, self._sounds.longest, self._beginnings.triples
        if len(places) * _CROWDED > len(classes):
            # A text made to look like many terms is read once, not once for each.
            yield from self._standing(self._sounds, find(classes), skeleton)
            return
        known = self._resemblance.known
        for at in places:
            end = at + _TRIPLE
            following = triples.get(classes[at:end])
            if following is None:
                continue
            if end == len(classes) or classes[end] not in following:
                # Only what ends here can stand here; what was looked at before needs no automaton.
                entries = () if END not in following else known.get(skeleton[at:end])
                if entries:
                    yield Match(at, end, entries)
                if entries is not None:
                    continue
            matches = [match for match in find(classes[at : at + longest]) if not match[0]]
            yield from self._standing(self._sounds, matches, skeleton, at)

    def junctions(self, text: str, start: int) -> list[tuple[int, int]] | None:
        """Return where letters meet ideographs or tones (`filters.mixed`), from an offset on; None for nowhere."""
        return junctions(text, start)

    def live_before(self, text: str, begin: int, end: int) -> int | None:
        """Return where the first term begins that may be coming at the end of a part of a text; None for nowhere.

        Args:
            text: text as received.
            begin: offset at which the part begins.
            end: offset behind its last character.
        """
        reading = Reading(text, 0, *spell(text[begin:end], begin))
        first = self.first_live(reading.skeleton, class_text(reading.skeleton))
        return reading.positions[reading.starts[first]] if first < len(reading.skeleton) else None

    def entries_with(self, classes: str) -> tuple[Entry, ...]:
        """Return the terms, as listed, that have these classes."""
        if len(classes) == _PAIR:
            pairs = self._short.by_class.get(classes, "")
            listed = [pairs[at : at + _PAIR] for at in range(0, len(pairs), _PAIR)]
            numbers = [number for pair in listed for number in self._short.listed(pair)]
        else:
            numbers = [
                number
                for start, end, pattern in self._sounds.find(classes)
                if end - start == len(classes)
                for number in self._sounds.owners(pattern)
            ]
        return self._resemblance.of_classes(classes, numbers)

    def first_live(self, skeleton: str, classes: str) -> int:
        """Return where the longest suffix begins that may grow into a pattern; the length where none may."""
        size = len(classes)
        live = self._beginnings.first_live(classes)
        if live < size or not size:
            return live
        begins = classes[-1] in self._beginnings.firsts or skeleton[-1] in self._short.firsts
        return size - 1 if begins else size

    def live_in(self, reading: Reading, floor: int) -> tuple[int, int]:
        """Return where the longest suffix of a reading begins that may grow into a pattern.

        Args:
            reading: the tail of a stream.
            floor: position in its skeleton before which nothing matters any more.

        Returns:
            The position in the skeleton, or its length where there is none; and that in the kept text at which the
            term itself begins at the earliest. Whether it would begin in the middle of a word is not asked here,
            which holds a little more than the kernel does.
        """
        skeleton = reading.skeleton[floor:]
        first = floor + self.first_live(skeleton, class_text(skeleton))
        return first, reading.bounded_run(first)[0] if first < len(reading.skeleton) else len(reading.kept)

    def _short_at(self, places: Iterable[int], size: int, skeleton: str, classes: str) -> Iterator[Match]:
        """Yield terms of one or two characters that may stand at some places."""
        known = self._resemblance.known.get
        for at in places:
            written = skeleton[at : at + size]
            entries = known(written)
            if entries is None:
                entries = self._resemblance.of_short(written, self._short.owners(written, classes[at : at + size]))
            if entries:
                yield Match(at, at + size, entries)

    def _standing(
        self, patterns: _Patterns, matches: Iterable[tuple[int, int, int]], skeleton: str, base: int = 0
    ) -> Iterator[Match]:
        """Yield those matches of an automaton for which an entry may stand."""
        known = self._resemblance.known.get
        for start, end, pattern in matches:
            written = skeleton[base + start : base + end]
            entries = known(written)
            if entries is None:
                entries = self._resemblance.of_pattern(written, patterns.owners(pattern))
            if entries:
                yield Match(base + start, base + end, entries)


def by_end(match: Match) -> tuple[int, int]:
    """Return what matches are put in order by."""
    return match.end, match.start


def _is_possible(match: Match, text: LongText) -> bool:
    """Tell at once what most matches of letters are: without the repeats of a term, or in the middle of a word."""
    start, end, entries = match
    romanised = repeated = True
    for entry in entries:
        romanised = romanised and entry.step in ROMANISED
        repeated = repeated and bool(entry.runs)
    if repeated:
        return text.has_repeats(start, end)
    return not (romanised and text.is_within_word(start, end))
