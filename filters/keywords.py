"""Keyword matching: an immutable index over terms, for whole texts and for texts that arrive in pieces.

Rules: matching runs on folded text, offsets are in the text as received (`filters.folding` keeps them equal). A
stream finds exactly what a scan of the whole text finds, however it is cut. Its frontier is the start of the longest
suffix that is a proper prefix of a term: text before it can never become part of a match that is not known yet.

Two libraries do the work, each where it measured best: daachorse reads whole texts (20-45 ns a character against
120-240), pyahocorasick keeps its state between the pieces of a stream.
"""

from collections.abc import Iterable, Iterator, Sequence

import ahocorasick
import daachorse

from filters.findings import Finding, Known, Phase, Stage, Term
from filters.folding import fold

# A text with more than this is past judging one by one; whoever judges takes the bound itself for a finding.
MOST_FINDINGS = 2_000
# One call into the automaton holds the interpreter lock; this bounds it to about a millisecond.
_SLICE_CHARACTERS = 16_384


class KeywordMatcher:
    """Finds every occurrence of every term, overlapping ones too.

    Args:
        terms: rows of the keyword lists.
        phase: only terms that are looked for in this half of an exchange are taken.

    Raises:
        ValueError: a term has no text; it would match everywhere.
    """

    def __init__(self, terms: Iterable[Term], phase: Phase) -> None:
        by_fold: dict[str, list[Term]] = {}
        for term in terms:
            if phase in term.phases:
                # Rows that fold alike are one pattern: a match has to name every risk behind it.
                by_fold.setdefault(fold(term.text), []).append(term)
        if "" in by_fold:
            raise ValueError("a term must not be empty: remove the row from its list")
        self._rows = list(by_fold.values())
        self.longest = max(map(len, by_fold), default=0)
        # A list may hold nothing for this half of an exchange: then no engine is asked.
        self._whole = daachorse.CharwiseDoubleArrayAhoCorasick(list(by_fold)) if by_fold else None
        self._pieces = ahocorasick.Automaton()
        for number, text in enumerate(by_fold):
            self._pieces.add_word(text, (number, len(text)))
        self._pieces.make_automaton()
        self._first_characters = frozenset(text[0] for text in by_fold)
        # Paid for once per ruleset, so that a stream asks with one look and not term by term.
        self._proper_prefixes = frozenset(text[:size] for text in by_fold for size in range(1, len(text)))

    def scan(self, text: str) -> list[Finding]:
        """Find all terms in a whole text.

        Args:
            text: text as received.

        Returns:
            Findings in order of their end, then their start. More than `MOST_FINDINGS` of them mean that the text was
            not read to its end.
        """
        if self._whole is None:
            return []
        matches: set[tuple[int, int, int]] = set()
        for start in range(0, len(text), _SLICE_CHARACTERS):
            # Slices overlap by what a term may need of its beginning; a set forgets what both saw.
            begin = max(0, start - self.longest + 1)
            piece = fold(text[begin : start + _SLICE_CHARACTERS])
            found = self._whole.find_overlapping(piece)
            matches.update([(begin + end, begin + first, row) for first, end, row in found])
            # A text written to match everywhere would be paid for in memory.
            if len(matches) > MOST_FINDINGS:
                break
        return [self._finding(first, end, term) for end, first, row in sorted(matches) for term in self._rows[row]]

    def scan_all(self, texts: Sequence[str]) -> tuple[tuple[Finding, ...], ...]:
        """Find all terms in each of several texts.

        Args:
            texts: texts as received.

        Returns:
            The findings of each text, as `scan` gives them. More than `MOST_FINDINGS` together mean that what follows
            was not read.
        """
        # Hardly any text holds a term, and a term in one text is also one in all of them joined: reading them at
        # once settles most documents with one call instead of one for each string.
        if sum(map(len, texts)) <= _SLICE_CHARACTERS and not self.scan("\n".join(texts)):
            return ((),) * len(texts)
        findings: list[tuple[Finding, ...]] = []
        room = MOST_FINDINGS
        for text in texts:
            # At no room left one more text is read: just the bound has to be told from more than it.
            findings.append(tuple(self.scan(text)) if room >= 0 else ())
            room -= len(findings[-1])
        return tuple(findings)

    def stream(self) -> "KeywordStream":
        """Return a scan of a text that arrives in pieces."""
        return KeywordStream(self)

    def _finding(self, start: int, end: int, term: Term) -> Finding:
        return Finding(Stage.KEYWORDS, term.risk, start, end, term)

    def _first_live(self, folded: str) -> int:
        """Return the offset of the longest suffix that is a proper prefix of a term, or the length if none is."""
        for start in range(max(0, len(folded) - self.longest + 1), len(folded)):
            # The first character alone settles nearly every start, without cutting a string out.
            if folded[start] in self._first_characters and folded[start:] in self._proper_prefixes:
                return start
        return len(folded)


class KeywordStream:
    """The scan of one text that arrives in pieces; belongs to one stream.

    Attributes:
        frontier: offset up to which no unknown match can begin, in code points of the text so far.
    """

    __slots__ = ("_iterator", "_matcher", "_tail", "_tail_start", "frontier")

    def __init__(self, matcher: KeywordMatcher) -> None:
        self._matcher = matcher
        self._iterator: Iterator[tuple[int, tuple[int, int]]] | None = None
        self._tail = ""  # folded text from `_tail_start` on: what a live prefix may reach back to
        self._tail_start = 0
        self.frontier = 0

    def feed(self, text: str) -> list[Known]:
        """Take the next piece.

        Args:
            text: what follows, as received.

        Returns:
            What became certain with this piece, in that order, then by start.
        """
        folded = fold(text)
        matcher, kept = self._matcher, len(self._tail)
        before = self._tail_start + kept
        # A stream may be endless: only what the longest term can reach back to is kept.
        dropped = min(kept, kept - matcher.longest + 1)
        if dropped > 0:
            self._tail = self._tail[dropped:]
            self._tail_start += dropped
        self._tail += folded
        # An earlier suffix that is no live prefix now can never become one, so only the held text and the new
        # piece are asked.
        self.frontier = self._clear(max(self.frontier, self._tail_start), before + len(folded))
        return self._search(folded)

    def finish(self) -> list[Known]:
        """End the text; return what only its end makes certain."""
        return []

    @property
    def pending(self) -> int:
        """Characters behind the frontier: they may be the beginning of a match."""
        return self._tail_start + len(self._tail) - self.frontier

    def clear_before(self, at: int) -> int:
        """Return the frontier as it was when the text ended at ``at``, an offset inside the last piece.

        A stop at a match must not depend on what came in the same piece behind it.
        """
        return self._clear(self._tail_start, at)

    def _clear(self, start: int, end: int) -> int:
        first, last = start - self._tail_start, end - self._tail_start
        return start + self._matcher._first_live(self._tail[first:last])  # noqa: SLF001 one class in two parts

    def _search(self, folded: str) -> list[Known]:
        matcher = self._matcher
        if not matcher.longest or not folded:
            return []
        if self._iterator is None:
            self._iterator = matcher._pieces.iter(folded)  # noqa: SLF001 the same
        else:
            self._iterator.set(folded)  # type: ignore[attr-defined]  # continues where the last piece ended
        found = [(last + 1, last + 1 - size, row) for last, (row, size) in self._iterator]
        if not found:
            return []
        # The engine orders by end alone; a scan orders by start too, and both must say the same.
        found.sort()
        return [
            Known(end, matcher._finding(first, end, term))  # noqa: SLF001 the same
            for end, first, row in found
            for term in matcher._rows[row]  # noqa: SLF001 the same
        ]
