"""Combining: findings of single terms, and of combinations of several parts.

Rules: a combination is found where the part that completes it stands, since what came before may have left already;
parts are remembered for as long as a combination may reach. A part that must be absent is waited for: within the
combination's distance, or `ABSENT_CHARACTERS` behind the part that completes it where it has none.
"""

from collections.abc import Iterable
from typing import NamedTuple

from filters.combinations import Combination, parse_combination
from filters.entries import Entry
from filters.findings import Finding, Known, Stage, Step, Term
from filters.locating import Place

ABSENT_CHARACTERS = 64
"""How far behind a combination without a distance a part that must be absent is looked for."""
# Of steps, as findings name them.
_ORDER = {step: number for number, step in enumerate(Step)}
# Places remembered of each part: what stands farther back than so many others is out of reach in any sane text.
_REMEMBERED_PLACES = 32


class Part(NamedTuple):
    """A term, or a part of a combination, that stands in a text.

    Attributes:
        at: length of the text by which this is certain.
        entry: what stands there.
        place: where.
    """

    at: int
    entry: Entry
    place: Place


class _Waiting(NamedTuple):
    """A combination that is complete unless an absent part still comes.

    Attributes:
        at: length of the text by which that is certain.
        found: what is found then.
    """

    at: int
    found: Finding


class _Seen:
    """What was seen of one combination in one text.

    Args:
        combination: the combination.
    """

    __slots__ = ("combination", "places", "waiting")

    def __init__(self, combination: Combination) -> None:
        self.combination = combination
        self.places: tuple[tuple[Place, ...], ...] = ((),) * (len(combination.parts) + len(combination.absent))
        self.waiting: tuple[_Waiting, ...] = ()

    def copy(self) -> "_Seen":
        """Return the same, to go on from."""
        other = _Seen(self.combination)
        other.places, other.waiting = self.places, self.waiting
        return other

    def take(self, part: Part) -> list[Known]:
        """Note a part; return what it completes at once."""
        number, place = part.entry.part, part.place
        kept = (*self.places[number], place)[-_REMEMBERED_PLACES:]
        self.places = (*self.places[:number], kept, *self.places[number + 1 :])
        if number >= len(self.combination.parts):
            self.waiting = tuple(wait for wait in self.waiting if place.end > wait.at)
            return []
        return self._complete(part)

    def settle(self, before: int, *, final: int | None = None) -> list[Known]:
        """Return what no absent part can undo any more.

        Args:
            before: settled is what was waited for up to here, this length excluded.
            final: length of the text where it is complete: then nothing is waited for.
        """
        due = [wait for wait in self.waiting if wait.at < before or final is not None]
        self.waiting = tuple(wait for wait in self.waiting if wait not in due)
        return [Known(wait.at if final is None else min(wait.at, final), wait.found) for wait in due]

    def _complete(self, part: Part) -> list[Known]:
        combination = self.combination
        chosen = [max(places) for places in self.places[: len(combination.parts)] if places]
        begin, end = min(place.start for place in chosen), max(place.end for place in chosen)
        within = combination.within
        if len(chosen) < len(combination.parts) or (within is not None and end - begin > within):
            return []
        steps = frozenset(step for place in chosen for step in place.via)
        found = finding_of(part.entry.term, part.place._replace(via=steps))
        if not combination.absent:
            return [Known(part.at, found)]
        first, last = (0, end + ABSENT_CHARACTERS) if within is None else (end - within, begin + within)
        absent = (place for places in self.places[len(combination.parts) :] for place in places)
        if not any(first <= place.start and place.end <= last for place in absent):
            self.waiting += (_Waiting(max(last, part.at), found),)
        return []


class Combiner:
    """Makes findings of what stands in one text.

    Attributes:
        earliest: where the first completion begins that an absent part may still undo; None where there is none.
    """

    __slots__ = ("_seen", "earliest")

    def __init__(self) -> None:
        self._seen: dict[Term, _Seen] = {}
        self.earliest: int | None = None

    def copy(self) -> "Combiner":
        """Return the same, to go on from."""
        other = Combiner()
        other._seen = {term: seen.copy() for term, seen in self._seen.items()}
        other.earliest = self.earliest
        return other

    @property
    def active(self) -> bool:
        """Whether a part of any combination was seen."""
        return bool(self._seen)

    def add(self, parts: Iterable[Part], size: int, *, final: bool) -> list[Known]:
        """Take what became certain; return what is found with it.

        Args:
            parts: what stands in the text.
            size: length of the text so far.
            final: True when the text is complete.
        """
        found: list[Known] = []
        for part in sorted(parts, key=lambda part: (part.at, part.place.end, part.place.start)):
            if part.entry.part < 0:
                found.append(Known(part.at, finding_of(part.entry.term, part.place)))
            else:
                found += self._take(part)
        for seen in self._seen.values():
            found += seen.settle(size + 1, final=size if final else None)
        # Asked for at every piece of a stream, and changed by few.
        self.earliest = min((wait.found.start for seen in self._seen.values() for wait in seen.waiting), default=None)
        return found

    def _take(self, part: Part) -> list[Known]:
        term = part.entry.term
        seen = self._seen.get(term)
        if seen is None:
            seen = self._seen[term] = _Seen(parse_combination(term.text))
        # In the order of time: what was certain before this part came cannot be undone by it.
        return seen.settle(part.at) + seen.take(part)


def finding_of(term: Term, place: Place) -> Finding:
    """Return the finding of a term at a place."""
    via = tuple(sorted(place.via, key=_ORDER.__getitem__)) if place.via else ()
    return Finding(Stage.KEYWORDS, term.risk, place.start, place.end, term, via)
