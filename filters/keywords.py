"""Keyword matching: an immutable index over terms, for whole texts and for texts that arrive in pieces.

Automata find matches in the classes of a text (`filters.reading`); each is then settled in the text as received
(`filters.locating`, `filters.surroundings`). Rules: offsets are in the text as received; a stream finds exactly
what a scan of the whole text finds, however it is cut.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from filters.combining import Combiner, Part, finding_of
from filters.findings import MOST_FINDINGS, Finding, Kind, Phase, Term
from filters.joint_stream import JointStream
from filters.keyword_stream import KeywordStream
from filters.lexicon import Lexicon, Match
from filters.locating import Place, locate, resembles
from filters.patterns import PatternSet
from filters.reading import SIGN_BY_LETTER, WholeText
from filters.surroundings import Surroundings

# One call into the automaton holds the interpreter lock; this bounds it to about a millisecond.
_SLICE_CHARACTERS = 16_384
# Parts of combinations are no findings yet, and harmless texts have many. A text with more than this is past judging.
_MOST_PARTS = 10_000


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
        rows = [term for term in terms if phase in term.phases]
        self.lexicon = Lexicon(rows)
        self.patterns = _pattern_set(rows)

    def parts(self) -> Iterator[Any]:
        """Yield what `restore` makes the same of, besides the terms, in small pieces."""
        return self.lexicon.parts()

    @classmethod
    def restore(cls, terms: Iterable[Term], phase: Phase, parts: Iterator[Any]) -> "KeywordMatcher":
        """Return the matcher of these terms that `parts` was asked of, without compiling them again."""
        rows = [term for term in terms if phase in term.phases]
        matcher = cls((), phase)
        matcher.lexicon, matcher.patterns = Lexicon.restore(rows, parts), _pattern_set(rows)
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
        found = self._search(WholeText(text), text)
        if SIGN_BY_LETTER.search(text):
            found += self._search(WholeText(text, signs=True), text)
        if not found:
            return by_pattern
        if len(found) > _MOST_PARTS:
            # What follows was not read, and so many findings say so.
            return [finding_of(part.entry.term, part.place) for part in found[: MOST_FINDINGS + 1]]
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

    def _search(self, whole: WholeText, text: str) -> list[Part]:
        """Return what stands in one reading of a text."""
        parts: list[Part] = []
        alone = 0
        surroundings = Surroundings(self.lexicon)
        for match in self._matches(whole):
            for entry in self.lexicon.entries(match, whole.skeleton, whole.classes):
                if not resembles(entry, whole.skeleton[match.start : match.end]):
                    continue
                place = locate(whole.reading, match.start, entry)
                if isinstance(place, Place) and surroundings.suit(entry, place, text, 0):
                    at = min(surroundings.certain_at(entry, place), len(text))
                    parts.append(Part(at, entry, place))
                    alone += entry.part < 0
            # A text written to match everywhere would be paid for in memory.
            if alone > MOST_FINDINGS or len(parts) > _MOST_PARTS:
                break
        return parts

    def _matches(self, whole: WholeText) -> Iterable[Match]:
        """Return what automata find, in order of its end within a slice."""
        skeleton, classes = whole.skeleton, whole.classes
        if len(classes) <= _SLICE_CHARACTERS:
            return self.lexicon.find(skeleton, classes)
        return self._sliced(skeleton, classes)

    def _sliced(self, skeleton: str, classes: str) -> Iterator[Match]:
        for start in range(0, len(classes), _SLICE_CHARACTERS):
            # Slices overlap by what a pattern may need of its beginning.
            begin, end = max(0, start - self.lexicon.longest + 1), start + _SLICE_CHARACTERS
            for match in self.lexicon.find(skeleton[begin:end], classes[begin:end]):
                # What ends in the overlap was found in the slice before.
                if begin + match.end > start:
                    yield match._replace(start=begin + match.start, end=begin + match.end)


def _pattern_set(terms: Iterable[Term]) -> PatternSet | None:
    rows = [term for term in terms if term.kind is Kind.PATTERN]
    return PatternSet.of_terms(rows) if rows else None
