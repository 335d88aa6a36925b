"""Keyword matching: an immutable index over terms, for whole texts and for texts that arrive in pieces.

Automata find matches in the classes of a text (`filters.reading`); each is then settled in the text as received
(`filters.locating`, `filters.surroundings`). Rules: offsets are in the text as received; a stream finds exactly
what a scan of the whole text finds, however it is cut.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from filters.combining import Combiner, Part, finding_of
from filters.entries import Entry
from filters.findings import MOST_FINDINGS, Finding, Kind, Phase, Term
from filters.joint_stream import JointStream
from filters.kernel import is_available
from filters.kernel_lexicon import KernelLexicon, KernelText
from filters.keyword_stream import KeywordStream
from filters.lexicon import Lexicon, Match
from filters.locating import Place, locate
from filters.long_text import LongText
from filters.mixed_places import whole_places
from filters.patterns import PatternSet
from filters.reading import ShortText
from filters.surroundings import Surroundings

# One call into the automaton holds the interpreter lock; this bounds it to about a millisecond.
_SLICE_CHARACTERS = 16_384
# Parts of combinations are no findings yet, and harmless texts have many. A text with more than this is past judging.
_MOST_PARTS = 10_000
# Bound once: looking a member up in its enum takes longer than what is done with it.
_PATTERN, _PHASES = Kind.PATTERN, len(Phase)
# From here on passes over the whole text cost less than a look at each character.
_LONG_CHARACTERS = 96


class KeywordMatcher:
    """Finds every occurrence of every term, overlapping ones too.

    Args:
        terms: rows of the keyword lists.
        phase: only terms that are looked for in this half of an exchange are taken.

    Attributes:
        lexicon: the terms, compiled.
        patterns: those that are regular expressions; None where there are none.

    Raises:
        ValueError: nothing of a term is left when it is folded; it would match everywhere.
    """

    def __init__(self, terms: Iterable[Term], phase: Phase) -> None:
        rows = _of_phase(terms, phase)
        self.lexicon: Lexicon = (KernelLexicon if is_available() else Lexicon)(rows)
        self.patterns = _pattern_set(rows)

    def parts(self) -> Iterator[Any]:
        """Yield what `restore` makes the same of, besides the terms, in small pieces."""
        return self.lexicon.parts()

    @classmethod
    def restore(cls, terms: Iterable[Term], phase: Phase, parts: Iterator[Any]) -> "KeywordMatcher":
        """Return the matcher of these terms that `parts` was asked of, without compiling them again."""
        rows = _of_phase(terms, phase)
        matcher = cls((), phase)
        matcher.lexicon, matcher.patterns = type(matcher.lexicon).restore(rows, parts), _pattern_set(rows)
        return matcher

    def scan(self, text: str) -> list[Finding]:
        """Find all terms in a whole text.

        Args:
            text: text as received.

        Returns:
            Findings in order of their end, then their start. More than `MOST_FINDINGS` of them mean that the text was
            not read to its end.
        """
        by_pattern = self.patterns.scan(text) if self.patterns else []
        if not self.lexicon.longest:
            return by_pattern
        whole = self._read(text)
        found = self._search(whole)
        if met := self.lexicon.junctions(text, 0):
            found += self._settled(whole_places(self.lexicon, text, met), text)
        if whole.has_sign_by_letter:
            found += self._search(self._read(text, signs=True))
        if not found:
            return by_pattern
        if len(found) > _MOST_PARTS:
            # What follows was not read, and so many findings say so.
            return [finding_of(part.entry.term, part.place) for part in found[: MOST_FINDINGS + 1]]
        if all(part.entry.part < 0 for part in found):
            # Nothing to combine: most texts with a finding have that one alone.
            findings = [finding_of(part.entry.term, part.place) for part in sorted(found, key=_by_end)]
            if not by_pattern:
                return findings
        else:
            findings = [known.finding for known in Combiner().add(found, len(text), final=True)]
        return sorted(findings + by_pattern, key=lambda finding: (finding.end, finding.start))

    def scan_all(self, texts: Sequence[str]) -> tuple[tuple[Finding, ...], ...]:
        """Find all terms in each of several texts.

        Args:
            texts: texts as received.

        Returns:
            The findings of each text, as `scan` gives them. More than `MOST_FINDINGS` together mean that what follows
            was not read.
        """
        findings: list[tuple[Finding, ...]] = []
        room = MOST_FINDINGS
        for text in texts:
            # At no room left one more text is read: just the bound has to be told from more than it.
            findings.append(tuple(self.scan(text)) if room >= 0 else ())
            room -= len(findings[-1])
        return tuple(findings)

    def stream(self) -> KeywordStream | JointStream:
        """Return a scan of a text that arrives in pieces."""
        stream = KeywordStream(self.lexicon)
        return JointStream((stream, self.patterns.stream())) if self.patterns else stream

    def _read(self, text: str, *, signs: bool = False) -> KernelText | ShortText | LongText:
        if isinstance(self.lexicon, KernelLexicon):
            return KernelText(self.lexicon, text, signs=signs)
        return read_whole(text, signs=signs)

    def _search(self, whole: KernelText | ShortText | LongText) -> list[Part]:
        """Return what stands in one reading of a text."""
        return self._settled(whole.places() if isinstance(whole, KernelText) else self._places(whole), whole.text)

    def _settled(self, places: Iterable[tuple[Entry, Place]], text: str) -> list[Part]:
        """Return those of the places around which the text is as it has to be."""
        parts: list[Part] = []
        alone = 0
        surroundings: Surroundings | None = None
        for entry, place in places:
            # Most texts have no place at all.
            surroundings = surroundings or Surroundings(self.lexicon)
            if surroundings.suit(entry, place, text, 0):
                at = surroundings.certain_at(entry, place)
                parts.append(Part(min(len(text), at), entry, place))
                alone += entry.part < 0
                # A text written to match everywhere would be paid for in memory.
                if alone > MOST_FINDINGS or len(parts) > _MOST_PARTS:
                    break
        return parts

    def _places(self, whole: ShortText | LongText) -> Iterator[tuple[Entry, Place]]:
        for match in self._matches(whole):
            reading = whole.around(match.start, match.end)
            for entry in match.entries:
                place = locate(reading, 0, entry)
                if isinstance(place, Place):
                    yield entry, place

    def _matches(self, whole: ShortText | LongText) -> Iterable[Match]:
        """Return what may stand in a text, in order of its end within a slice."""
        if isinstance(whole, ShortText):
            return self.lexicon.find(whole.skeleton, whole.classes)
        if len(whole.skeleton_codes) <= _SLICE_CHARACTERS:
            return self.lexicon.find_long(whole, 0, len(whole.skeleton_codes))
        return self._sliced(whole)

    def _sliced(self, whole: LongText) -> Iterator[Match]:
        for start in range(0, len(whole.skeleton_codes), _SLICE_CHARACTERS):
            # Slices overlap by what a pattern may need of its beginning.
            begin = max(0, start - self.lexicon.longest + 1)
            for match in self.lexicon.find_long(whole, begin, start + _SLICE_CHARACTERS):
                # What ends in the overlap was found in the slice before.
                if match.end > start:
                    yield match


def read_whole(text: str, *, signs: bool = False) -> ShortText | LongText:
    """Read a whole text the way that is faster for its length.

    Args:
        text: text as received.
        signs: True when signs are letters.
    """
    return (LongText if len(text) >= _LONG_CHARACTERS else ShortText)(text, signs=signs)


def _by_end(part: Part) -> tuple[int, int, int]:
    return part.place.end, part.place.start, part.at


def _of_phase(terms: Iterable[Term], phase: Phase) -> list[Term]:
    # Nearly all are looked for in both halves, and their number tells so in a fraction of the time.
    return [term for term in terms if len(term.phases) == _PHASES or phase in term.phases]


def _pattern_set(terms: Iterable[Term]) -> PatternSet | None:
    rows = [term for term in terms if term.kind is _PATTERN]
    return PatternSet.of_terms(rows) if rows else None
