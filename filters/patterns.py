"""Matching by regular expressions (RE2), in whole texts and in texts that arrive in pieces.

Rules: of each expression, matches are found from left to right, at each place the longest of at most `WINDOW`
characters, and the next search begins behind it. A match longer than the window is none; where a shorter one begins
at the same place, that one counts. A check of the pattern's own may narrow a match down or reject it; a rejected one
is as if it did not match there. Expressions read the folded copy of a text (`filters.folding`), and case never
matters to them.

A stream finds exactly what a scan of the whole text finds, however it is cut. A match is certain when nothing that
began at or before its start can still become one. The frontier is the leftmost place where something has begun that
may still become a match; what may be one is told by the expression of all beginnings (`filters.prefixes`).

Linear: each character is read a bounded number of times, whatever the text. An ordinary text is read once by one
automaton of all expressions; a hostile one costs at most a few windows for each character.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Container, Iterable, Sequence
from typing import Any, NamedTuple

import re2

from filters.findings import MOST_FINDINGS, Finding, Known, Stage, Term
from filters.folding import fold
from filters.prefixes import shape_of

WINDOW = 256
"""Most characters of a match."""
CONTEXT = 32
"""Most characters before a match that its check is shown."""
# A piece may be as long as a frame; the engine copies what it is given, so it is given a slice at a time.
_SLICE_CHARACTERS = 4_096
# How far one search for one expression looks: everything that begins in the first half ends inside.
_REACH = 2 * WINDOW
# Many expressions in one automaton need room; without it the engine falls back to a way that is ten times slower.
_ENGINE_BYTES = 64 << 20

Engine = Any  # the library brings no types
Check = Callable[[str, str], tuple[int, int] | None]
"""Given a match and what stands before it (at most `CONTEXT`), both as received: the part that counts.

None rejects the match, and another one may begin inside it; a part that is empty rejects all up to where it stands.
"""


class Pattern(NamedTuple):
    """An expression to look for.

    Attributes:
        term: what a finding names.
        expression: in RE2's syntax.
        check: narrows a match down, or rejects it; None takes every match whole.
    """

    term: Term
    expression: str
    check: Check | None = None


class _Row(NamedTuple):
    """A pattern, ready."""

    term: Term
    engine: Engine
    check: Check | None


def _options() -> Engine:
    options = re2.Options()
    options.longest_match = True
    # Groups would have to be located for each match, which takes another pass of another engine.
    options.never_capture = True
    options.case_sensitive = False
    # The library would write expressions to standard error.
    options.log_errors = False
    options.max_mem = _ENGINE_BYTES
    return options


def _compile(expression: str) -> Engine:
    try:
        return re2.compile(expression, _options())
    except re2.error as exc:
        reason = exc.args[0].decode() if isinstance(exc.args[0], bytes) else exc.args[0]
        raise ValueError(f"is no expression that RE2 reads ({reason})") from exc


class PatternSet:
    """Finds the matches of several expressions.

    Args:
        patterns: what to look for.
        stage: what findings are said to come from.
        first: finds a folded character that a match can begin with, where few can: text without one is not looked at.

    Raises:
        ValueError: an expression cannot be used; the message names it, and says why.
    """

    def __init__(
        self, patterns: Iterable[Pattern], stage: Stage = Stage.KEYWORDS, first: re.Pattern[str] | None = None
    ) -> None:
        self._stage = stage
        self._first = first
        self._rows: list[_Row] = []
        matches, beginnings = [], []
        self._shortest = WINDOW
        self._joinable = True
        for pattern in patterns:
            try:
                engine, shape = _compile(pattern.expression), shape_of(pattern.expression)
                if shape.shortest == 0:
                    raise ValueError("matches no text at all, so it would match everywhere")  # noqa: TRY301 one place names the expression
                if shape.shortest > WINDOW:
                    raise ValueError(f"matches nothing shorter than {WINDOW} characters, the longest match there is")  # noqa: TRY301 the same
                # A single character that nothing needs to follow has no beginning.
                if shape.begun is not None:
                    _compile(shape.begun)
                    beginnings.append(shape.begun)
            except ValueError as exc:
                raise ValueError(f"the pattern {pattern.expression!r} {exc}") from exc
            self._rows.append(_Row(pattern.term, engine, pattern.check))
            matches.append(shape.text)
            self._shortest = min(self._shortest, shape.shortest)
            # Where the beginning or end of a text is asked for, a text among others is another text.
            self._joinable = self._joinable and not shape.anchored
        self._any = _compile("|".join(matches)) if matches else None
        self._which = re2.Set.SearchSet(_options())
        for expression in matches:
            self._which.Add(expression)
        self._which.Compile()
        self._begun = _compile(rf"(?:{'|'.join(beginnings)})\z") if beginnings else None

    @classmethod
    def of_terms(cls, terms: Iterable[Term]) -> "PatternSet":
        """Build the set of list rows whose texts are expressions."""
        return cls([Pattern(term, term.text) for term in terms])

    def scan(self, text: str) -> list[Finding]:
        """Find all matches in a whole text.

        Args:
            text: text as received.

        Returns:
            Findings in order of their end, then their start. More than `MOST_FINDINGS` of them mean that the text was
            not read to its end.
        """
        if not self.may_match([text]):
            return []
        stream, found = self.stream(timed=()), list[Known]()
        for start in range(0, len(text), _SLICE_CHARACTERS):
            found += stream.feed(text[start : start + _SLICE_CHARACTERS])
            if len(found) > MOST_FINDINGS:
                break
        else:
            found += stream.finish()
        return sorted((known.finding for known in found), key=lambda finding: (finding.end, finding.start))

    def scan_all(self, texts: Sequence[str]) -> tuple[tuple[Finding, ...], ...]:
        """Find all matches in each of several texts.

        Returns:
            The findings of each text, as `scan` gives them. More than `MOST_FINDINGS` together mean that what follows
            was not read.
        """
        if not self.may_match(texts):
            return ((),) * len(texts)
        findings: list[tuple[Finding, ...]] = []
        room = MOST_FINDINGS
        for text in texts:
            findings.append(tuple(self.scan(text)) if room >= 0 else ())
            room -= len(findings[-1])
        return tuple(findings)

    def may_match(self, texts: Sequence[str]) -> bool:
        """Tell whether a closer look at any of these texts is worth it: one look settles most of them."""
        if self._any is None:
            return False
        # A match in one text is one in all of them joined, unless it asks for the text's own beginning or end.
        joined = "\n".join(texts)
        return (
            len(joined) > _SLICE_CHARACTERS
            or not (self._joinable or len(texts) == 1)
            or self._any.search(fold(joined)) is not None
        )

    def stream(self, timed: Container[Term] | None = None) -> "PatternStream":
        """Return a scan of a text that arrives in pieces.

        Args:
            timed: terms of which the moment of certainty is asked for, which takes a while to say; None for all. Of
                others it is said that their end is the moment.
        """
        return PatternStream(self, timed)

    def rows_in(self, folded: str) -> Iterable[int]:
        """Return the numbers of the patterns that may match a part of a folded text."""
        # It runs out of memory where the text drives it through too many states, and then says nothing. Its own order
        # depends on the text, and with it would that of findings at one place.
        return sorted(self._which.Match(folded)) or range(len(self._rows))


class PatternStream:
    """The scan of one text that arrives in pieces; belongs to one stream.

    Keeps the last piece and, before it, as much as a match and its context can reach back to.

    Args:
        patterns: what is looked for.
        timed: terms of which the moment of certainty is asked for; None for all.

    Attributes:
        frontier: offset up to which no unknown match can begin, in code points of the text so far.
    """

    __slots__ = ("_base", "_folded", "_next", "_raw", "_set", "_timed", "frontier")

    def __init__(self, patterns: PatternSet, timed: Container[Term] | None) -> None:
        self._set = patterns
        self._timed = timed
        self._raw = ""
        self._folded = ""
        self._base = 0  # offset of the first character kept
        self._next: dict[int, int] = {}  # by number of a pattern: where its last match ended
        self.frontier = 0

    def feed(self, text: str) -> list[Known]:
        """Take the next piece.

        Args:
            text: what follows, as received.

        Returns:
            What became certain with this piece, in that order, then by end and start.
        """
        dropped = len(self._raw) - WINDOW - CONTEXT
        if dropped > 0:
            self._raw, self._folded = self._raw[dropped:], self._folded[dropped:]
            self._base += dropped
        before, folded = self._end, fold(text)
        self._raw += text
        self._folded += folded
        first = self._set._first  # noqa: SLF001 one class in two parts
        if first is not None and self.frontier == before and not first.search(folded):
            # Most pieces of a Chinese answer end here.
            self.frontier = self._end
            return []
        found: list[Known] = []
        for end in (*range(before + _SLICE_CHARACTERS, self._end, _SLICE_CHARACTERS), self._end):
            # What began before the last frontier and was no beginning then is none now.
            found += self._settle(self._first_begun(self.frontier, end), end)
        return found

    def finish(self) -> list[Known]:
        """End the text; return what only its end makes certain."""
        return self._settle(self._end, self._end)

    def clear_before(self, at: int) -> int:
        """Return the frontier as it was when the text ended at ``at``, an offset inside the last piece."""
        return self._first_begun(0, at)

    @property
    def _end(self) -> int:
        return self._base + len(self._raw)

    def _first_begun(self, start: int, end: int) -> int:
        """Return where the leftmost thing has begun that may still become a match, in the text up to ``end``."""
        engine = self._set._begun  # noqa: SLF001 one class in two parts
        if engine is None:
            return end
        start = max(start, end - WINDOW, self._base)
        first = max(start - 1, self._base)
        found = engine.search(self._folded[first - self._base : end - self._base], start - first)
        return first + int(found.start()) if found else end

    def _settle(self, frontier: int, end: int) -> list[Known]:
        """Find the matches that begin before a new frontier; the text is looked at up to ``end``."""
        start, self.frontier = self.frontier, max(self.frontier, frontier)
        if self.frontier == start or end - start < self._set._shortest:  # noqa: SLF001 one class in two parts
            return []
        # One look for all of them: hardly ever is there a match, and only then it is asked whose.
        if self._search(self._set._any, start, end) is None:  # noqa: SLF001 the same
            return []
        # With the characters on both sides, as in a search: an assertion that is true there is true here.
        around = self._folded[max(start - 1, self._base) - self._base : end + 1 - self._base]
        found = [
            known
            for number in self._set.rows_in(around)
            for known in self._matches_of(number, self._set._rows[number], start, end)  # noqa: SLF001 the same
        ]
        found.sort(key=lambda known: (known.at, known.finding.end, known.finding.start))
        return found

    def _matches_of(self, number: int, row: _Row, start: int, end: int) -> list[Known]:
        found: list[Known] = []
        at = max(start, self._next.get(number, 0))
        while (span := self._next_match(row, at, end)) and span[0] < self.frontier:
            first, last = span
            part = (0, last - first) if row.check is None else self._checked(row.check, first, last)
            at = self._next[number] = first + (1 if part is None else part[1])
            if part is not None and part[0] < part[1]:
                finding = Finding(self._set._stage, row.term.risk, first + part[0], at, row.term)  # noqa: SLF001 the same
                timed = self._timed is None or row.term in self._timed
                found.append(Known(self._certain_at(first, last, end) if timed else last, finding))
        return found

    def _checked(self, check: Check, first: int, last: int) -> tuple[int, int] | None:
        start, end = first - self._base, last - self._base
        return check(self._raw[start:end], self._raw[max(0, start - CONTEXT) : start])

    def _next_match(self, row: _Row, at: int, end: int) -> tuple[int, int] | None:
        """Return the leftmost match that begins at ``at`` or behind it, the longest there that fits the window."""
        while at < end:
            near = min(end, at + _REACH)
            span = self._search(row.engine, at, near)
            if span is None:
                # What begins in the second half may end behind it.
                at = near if near == end else near - WINDOW
            elif span[1] - span[0] <= WINDOW and (near == end or span[0] + WINDOW <= near):
                return span
            else:
                cut = self._search(row.engine, span[0], min(end, span[0] + WINDOW))
                # One that begins further right has to wait its turn: there may be others before it.
                if cut and cut[0] == span[0]:
                    return cut
                at = span[0] + 1
        return None

    def _search(self, engine: Engine, start: int, end: int) -> tuple[int, int] | None:
        """Search a part of the text; the characters on both sides are seen, so that assertions are true."""
        first, last = max(start - 1, self._base) - self._base, end + 1 - self._base
        found = engine and engine.search(
            self._folded[first:last], start - self._base - first, end - self._base - first
        )
        return (found.start() + first + self._base, found.end() + first + self._base) if found else None

    def _certain_at(self, first: int, last: int, end: int) -> int:
        """Return the length of text by which a match is certain: the frontier is behind its start from then on."""
        # How far the text was read must not matter, only what it says: so the moment is looked for.
        lengths = range(last, min(end, first + WINDOW + 1))
        return last + bisect_left(lengths, 1, key=lambda length: int(self._first_begun(0, length) > first))
