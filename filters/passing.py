"""Passing: what two characters beside each other say of a stream, so that nearly every piece passes at a look.

Most pairs of characters that stand in texts are no term and begin none. What is known of a pair is worked out once
and remembered within a bound; a piece in which nothing more is to be asked costs one look-up for each character.
"""

from operator import add

from filters.beginnings import END, Beginnings
from filters.reading import CLASSES, FOLDS
from filters.resemblance import Resemblance
from filters.short_terms import ShortTerms

IN_EARNEST = -1
"""Answer: something may stand here, or a run may matter."""
FOLDED = -2
"""Answer: a character is not its own fold; the kept text has to be asked about."""

_REMEMBERED_PAIRS = 32_768
_TRIPLE = 3
# What is known of a pair, in the order of how much has to be done about it.
_NOTHING, _FIRST, _BEGINNING, _IN_EARNEST, _FOLDED = range(5)


class Passing:
    """What is known of pairs of characters; shared by all streams.

    Args:
        short: terms of one or two characters.
        beginnings: those of longer terms.
        resemblance: what may stand for which term.
    """

    __slots__ = ("_beginnings", "_known", "_marks", "_resemblance", "_short")

    def __init__(self, short: ShortTerms, beginnings: Beginnings, resemblance: Resemblance) -> None:
        self._short = short
        self._beginnings = beginnings
        self._resemblance = resemblance
        self._known = resemblance.known
        self._marks: dict[str, int] = {}

    def first_live(self, text: str, looked_at: int) -> int:
        """Say where the longest suffix begins that may grow into a pattern, if nothing stands in the text.

        Args:
            text: two characters or more: a skeleton of which matches were looked for, and what follows, as received.
            looked_at: length of that skeleton.

        Returns:
            The position, or the length of the text; `FOLDED` or `IN_EARNEST` where looking at pairs is not enough.
        """
        marks, live, size, at, mark, classes = self._marks, len(text), len(text), -1, 0, ""
        for pair in map(add, text, text[1:]):
            at += 1
            mark = marks.get(pair, -1)
            if mark < 0:
                mark = self._mark(pair)
            if mark <= _FIRST:
                continue
            if mark != _BEGINNING:
                return FOLDED if mark == _FOLDED else IN_EARNEST
            end = at + _TRIPLE
            if end > size:
                return min(live, at)
            classes = classes or text.translate(CLASSES)
            following = self._beginnings.triples.get(classes[at:end])
            if following is None:
                continue
            if end > looked_at and END in following and self._known.get(text[at:end]) != ():
                return IN_EARNEST
            # At the end of the text nothing comes next yet, and the empty string is in every other.
            if classes[end : end + 1] in following:
                if end < size:
                    return IN_EARNEST
                live = min(live, at) if following != END else live
        return min(live, size - 1) if mark == _FIRST else live

    def _mark(self, pair: str) -> int:
        """Work out what is known of a pair."""
        if len(self._marks) >= _REMEMBERED_PAIRS:
            self._marks.clear()
        mark = self._marks[pair] = self._mark_of(pair)
        return mark

    def _mark_of(self, pair: str) -> int:
        first, second = pair[0], pair[1]
        if FOLDS[ord(second)] != ord(second):
            return _FOLDED
        classes = pair.translate(CLASSES)
        if first == second or self._may_stand(second, classes[1]) or self._may_stand(pair, classes):
            return _IN_EARNEST
        if classes in self._beginnings.pairs:
            return _BEGINNING
        return _FIRST if classes[1] in self._beginnings.firsts or second in self._short.firsts else _NOTHING

    def _may_stand(self, written: str, classes: str) -> bool:
        """Tell whether a short term may stand there."""
        if classes in self._beginnings.short:
            return True
        if written not in self._short.singles and classes not in self._short.by_class:
            return False
        return bool(self._resemblance.of_short(written, self._short.owners(written, classes)))
