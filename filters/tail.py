"""The tail of a stream: the part of its reading that may still become a term.

Rules: the tail begins where the longest suffix begins that is a proper prefix of a term, so scanning it again finds
every match that ends in the next piece; nothing before it is kept. What bounds a place (`filters.locating`: gaps,
runs) bounds the tail.
"""

import sys
from collections.abc import Sequence
from typing import NamedTuple, cast

from filters.characters import CharacterClass, class_numbers
from filters.entries import Entry
from filters.findings import ROMANISED
from filters.lexicon import Lexicon, Match
from filters.locating import Growing, Place, locate
from filters.passing import FOLDED
from filters.reading import (
    FOLDS,
    FOLDS_WITH_SIGNS,
    GAP_CHARACTERS,
    GAP_SEPARATORS,
    LONGEST_RUN,
    SIGNS,
    Gap,
    Reading,
    class_text,
)

_NO_GAP = Gap()
# Gaps of so many separators: made once, since most pieces that are not plain end in one.
_SEPARATORS = tuple(Gap(number, number) for number in range(GAP_SEPARATORS + 1))
_CLASS_NUMBERS = class_numbers()
_INVISIBLE = list(CharacterClass).index(CharacterClass.INVISIBLE)


class _Candidate(NamedTuple):
    """A match whose last run may still be too short.

    Attributes:
        entry: what may stand there.
        first: position of its first character in the skeleton of the tail.
    """

    entry: Entry
    first: int


# The kept text, the offset of each of its characters, places that grow, characters of the skeleton whose matches are
# known, what was dropped since the last kept character, where the first character stands that may become a term.
# A plain tuple, because one is made for every piece of every stream; never changed, so that copies may share it.
State = tuple[str, Sequence[int], tuple[_Candidate, ...], int, Gap, int | None]
_EMPTY: State = ("", (), (), 0, _NO_GAP, None)


class Tail:
    """One reading of the part of a stream that may still become a term.

    Args:
        lexicon: the terms.
        state: where to go on from.
        signs: True when signs are letters in this reading.

    Attributes:
        state: all that a piece changes, to go back to.
    """

    __slots__ = ("_lexicon", "_signs", "state")

    def __init__(self, lexicon: Lexicon, state: State = _EMPTY, *, signs: bool = False) -> None:
        self._lexicon = lexicon
        self._signs = signs
        self.state = state

    def resumed(self, state: object, *, signs: bool = False) -> "Tail":
        """Return a tail of the same terms that goes on from a state."""
        return Tail(self._lexicon, cast("State", state), signs=signs)

    @property
    def kept(self) -> str:
        """The kept text of the tail."""
        return self.state[0]

    @property
    def start(self) -> int | None:
        """Offset of the first character that may still become a term; None where none may."""
        return self.state[5]

    @property
    def grows(self) -> bool:
        """Whether a match was found whose last run may still be too short."""
        return bool(self.state[2])

    def passes(self, text: str, base: int, _window: str = "", _window_base: int = 0) -> bool:
        """Take the next piece if nothing in it is found or repeated, as in nearly every one; otherwise do nothing.

        It is for the reading without signs. The answer is that of `feed`, in a fraction of its time.

        Args:
            text: the piece.
            base: its offset.
        """
        kept, positions, growing, known, gap, start = self.state
        if growing or not kept:
            return False
        offsets: Sequence[int]
        first = self._lexicon.passing.first_live(kept + text, known)
        if first >= 0:
            gap, offsets = _NO_GAP, range(base, base + len(text))
        elif first == FOLDED and (folded := _fold(text, base, gap)) is not None:
            text, offsets, gap = folded
            if not text:
                self.state = kept, positions, growing, known, gap, start
                return True
            first = self._lexicon.passing.first_live(kept + text, known)
        if first < 0:
            return False
        size = len(kept) + len(text)
        # The last character stays in any case: what repeats it is no new match.
        cut = min(first, size - 1)
        behind = cut - len(kept)
        positions = offsets[behind:] if behind >= 0 else (*positions[cut:], *offsets)
        self.state = (kept + text)[cut:], positions, (), size - cut, gap, positions[0] if first < size else None
        return True

    @property
    def begin(self) -> int:
        """Offset of the first character of the tail; where it is empty, no character has it."""
        positions = self.state[1]
        return positions[0] if positions else sys.maxsize

    def feed(self, text: str, base: int, window: str, window_base: int) -> list[tuple[Entry, Place]]:
        """Take the next piece.

        Args:
            text: the piece.
            base: its offset.
            window: the part of the text that is still at hand, the piece included.
            window_base: offset of its first character.

        Returns:
            Places that are new.
        """
        found: list[tuple[Entry, Place]] = []
        kept: list[str] = []
        positions: list[int] = []
        folds = FOLDS_WITH_SIGNS if self._signs else FOLDS
        characters, separators, _ = self.state[4]
        for offset, char in enumerate(text, base):
            form = folds[ord(char)]
            if form is not None:
                # A code stands for the character itself.
                kept.append(form if isinstance(form, str) else char)
                positions += [offset] * len(kept[-1])
                characters = separators = 0
            # Behind a gap that is long already nothing changes.
            elif characters <= GAP_CHARACTERS and separators <= GAP_SEPARATORS:
                characters += 1
                separators += _CLASS_NUMBERS[ord(char)] != _INVISIBLE
                if characters > GAP_CHARACTERS or separators > GAP_SEPARATORS:
                    if kept:
                        found += self._extend("".join(kept), positions, window, window_base)
                    kept, positions = [], []
                    self.state = _EMPTY
        if kept:
            found += self._extend("".join(kept), positions, window, window_base)
        kept_before, offsets, growing, known, _, start = self.state
        self.state = kept_before, offsets, growing, known, Gap(characters, separators), start
        return found

    def finish(self) -> None:
        """End the text: a run that is too short stays so."""
        kept, positions, _, known, gap, start = self.state
        self.state = kept, positions, (), known, gap, start

    def _extend(
        self, kept: str, positions: Sequence[int], window: str, window_base: int
    ) -> list[tuple[Entry, Place]]:
        before, offsets, growing, known, gap, _ = self.state
        kept, positions = before + kept, (*offsets, *positions)
        reading = Reading(window, window_base, kept, positions, signs=self._signs)
        skeleton = reading.skeleton
        matches = self._lexicon.find(skeleton, class_text(skeleton))
        places: list[tuple[Entry, Place]] = []
        if matches or growing:
            places, growing = _settle(reading, matches, known, growing)
        # A run this long breaks every term, so nothing before its end can matter.
        floor = _last_long_run(reading) if len(kept) > len(skeleton) else 0
        first, opening = self._lexicon.live_in(reading, floor)
        if growing:
            growing = tuple(candidate for candidate in growing if candidate.first >= floor)
            first = min(first, *[candidate.first for candidate in growing])
            opening = min(opening, *[_opening(reading, candidate) for candidate in growing])
        start = positions[opening] if opening < len(kept) else None
        # The last character stays in any case: what repeats it is no new match.
        first = min(first, len(skeleton) - 1)
        begin, _ = reading.bounded_run(first)
        kept, positions = kept[begin:], positions[begin:]
        if growing and first:
            growing = tuple(candidate._replace(first=candidate.first - first) for candidate in growing)
        self.state = kept, positions, growing, len(skeleton) - first, gap, start
        return places


def _fold(text: str, base: int, gap: Gap) -> tuple[str, list[int], Gap] | None:
    """Return the kept text of an ordinary piece, its offsets, and the gap behind it; None where it is none."""
    kept, offsets, separators = "", [], gap.separators
    if gap.characters != separators:
        return None
    for offset, char in enumerate(text, base):
        form = FOLDS[ord(char)]
        if form is None:
            separators += 1
            if separators > GAP_SEPARATORS or _CLASS_NUMBERS[ord(char)] == _INVISIBLE or char in SIGNS:
                return None
            continue
        form = form if isinstance(form, str) else char
        if len(form) > 1:
            return None
        kept += form
        offsets.append(offset)
        separators = 0
    return kept, offsets, _SEPARATORS[separators]


def _settle(
    reading: Reading, matches: Sequence[Match], known: int, growing: tuple[_Candidate, ...]
) -> tuple[list[tuple[Entry, Place]], tuple[_Candidate, ...]]:
    """Return the places of new matches, and of those whose last run has grown; and what still grows."""
    candidates = list(growing)
    for match in matches:
        # What lies within the old tail was found when its last piece came.
        if match.end > known:
            candidates += [_Candidate(entry, match.start) for entry in match.entries]
    places: list[tuple[Entry, Place]] = []
    still: list[_Candidate] = []
    for candidate in candidates:
        place = locate(reading, candidate.first, candidate.entry)
        if isinstance(place, Place):
            places.append((candidate.entry, place))
        elif isinstance(place, Growing):
            still.append(candidate)
    return places, tuple(still)


def _opening(reading: Reading, candidate: _Candidate) -> int:
    """Return where in the kept text a place that grows may begin."""
    opening = reading.opening(candidate.first) if candidate.entry.step in ROMANISED else None
    return reading.bounded_run(candidate.first)[0] if opening is None else opening


def _last_long_run(reading: Reading) -> int:
    lengths = [reading.run(at) for at in range(len(reading.skeleton))]
    return max([at for at, (start, end) in enumerate(lengths) if end - start > LONGEST_RUN], default=0)
