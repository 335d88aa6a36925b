"""The tail of a stream: the part of its reading that may still become a term.

Rules: the tail begins where the longest suffix begins that is a proper prefix of a term, so scanning it again finds
every match that ends in the next piece; nothing before it is kept. What bounds a place (`filters.locating`: gaps,
runs) bounds the tail.
"""

import sys
from collections.abc import Sequence
from typing import NamedTuple

from filters.entries import Entry
from filters.lexicon import Lexicon, Match
from filters.locating import Growing, Place, locate
from filters.reading import FOLDS, FOLDS_WITH_SIGNS, LONGEST_RUN, Gap, Reading, class_text, has_runs

_NO_GAP = Gap()


class _Candidate(NamedTuple):
    """A match whose last run may still be too short.

    Attributes:
        entry: what may stand there.
        first: position of its first character in the skeleton of the tail.
    """

    entry: Entry
    first: int


# A plain tuple, because one is made for every piece of every stream.
State = tuple[str, Sequence[int], tuple[_Candidate, ...], int, Gap, bool]


class Tail:
    """One reading of the part of a stream that may still become a term.

    Args:
        lexicon: the terms.
        signs: True when signs are letters in this reading.

    Attributes:
        kept: the kept text of the tail.
    """

    __slots__ = ("_gap", "_growing", "_lexicon", "_open", "_positions", "_scanned", "_signs", "kept")

    def __init__(self, lexicon: Lexicon, *, signs: bool = False) -> None:
        self._lexicon = lexicon
        self._signs = signs
        self.kept = ""
        # Replaced and never changed, so that copies may share them.
        self._positions: Sequence[int] = ()
        self._growing: tuple[_Candidate, ...] = ()
        self._scanned = 0  # characters of the skeleton whose matches are known
        self._gap = _NO_GAP
        self._open = False  # whether the tail may still become a term

    def save(self) -> State:
        """Return the state, to go back to."""
        return self.kept, self._positions, self._growing, self._scanned, self._gap, self._open

    @classmethod
    def restore(cls, lexicon: Lexicon, state: State, *, signs: bool = False) -> "Tail":
        """Return a tail as it was, or as the other reading would be from here on."""
        tail = cls(lexicon, signs=signs)
        tail.kept, tail._positions, tail._growing, tail._scanned, tail._gap, tail._open = state
        return tail

    @property
    def start(self) -> int | None:
        """Offset of the first character that may still become a term; None where none may."""
        return self._positions[0] if self._open else None

    @property
    def begin(self) -> int:
        """Offset of the first character of the tail; where it is empty, no character has it."""
        return self._positions[0] if self._positions else sys.maxsize

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
        for offset, char in enumerate(text, base):
            form = folds[ord(char)]
            if form is not None:
                # A code stands for the character itself.
                kept.append(form if isinstance(form, str) else char)
                positions += [offset] * len(kept[-1])
                self._gap = _NO_GAP
                continue
            self._gap = self._gap.with_character(char)
            if self._gap.is_long:
                found += self._extend("".join(kept), positions, window, window_base)
                kept, positions = [], []
                self._forget()
        return found + self._extend("".join(kept), positions, window, window_base) if kept else found

    def feed_plain(self, text: str, base: int, window: str, window_base: int) -> list[tuple[Entry, Place]]:
        """Take a piece in which nothing is folded or dropped, as nearly every one in Chinese; otherwise as `feed`."""
        self._gap = _NO_GAP
        return self._extend(text, range(base, base + len(text)), window, window_base)

    def finish(self) -> None:
        """End the text: a run that is too short stays so."""
        self._growing = ()

    def _forget(self) -> None:
        self.kept, self._positions, self._growing, self._scanned, self._open = "", (), (), 0, False

    def _extend(
        self, kept: str, positions: Sequence[int], window: str, window_base: int
    ) -> list[tuple[Entry, Place]]:
        own = self._positions
        if not own:
            self._positions = positions
        elif type(own) is range and type(positions) is range and own.stop == positions.start:
            # Nothing was dropped between them: positions are counted and not listed.
            self._positions = range(own.start, positions.stop)
        else:
            self._positions = (*own, *positions)
        self.kept += kept
        reading = self._read(window, window_base) if has_runs(self.kept) else None
        skeleton = reading.skeleton if reading else self.kept
        classes = class_text(skeleton)
        matches = self._lexicon.find(skeleton, classes)
        places: list[tuple[Entry, Place]] = []
        if matches or self._growing:
            places = self._settle(reading or self._read(window, window_base), matches)
        if reading is None:
            first = self._lexicon.first_live(skeleton, classes)
        else:
            # A run this long breaks every term, so nothing before its end can matter.
            floor = max([at for at in range(len(skeleton)) if _length(reading, at) > LONGEST_RUN], default=0)
            first = floor + self._lexicon.first_live(skeleton[floor:], classes[floor:])
            self._growing = tuple(candidate for candidate in self._growing if candidate.first >= floor)
        if self._growing:
            first = min(first, *[candidate.first for candidate in self._growing])
        self._open = first < len(skeleton)
        # The last character stays in any case: what repeats it is no new match.
        first = min(first, len(skeleton) - 1)
        if first or reading:
            self._cut(first, len(skeleton), reading)
        else:
            self._scanned = len(skeleton)
        return places

    def _read(self, window: str, window_base: int) -> Reading:
        return Reading(window, window_base, self.kept, self._positions, signs=self._signs)

    def _settle(self, reading: Reading, matches: Sequence[Match]) -> list[tuple[Entry, Place]]:
        """Return the places of new matches, and of those whose last run has grown."""
        candidates = list(self._growing)
        for match in matches:
            # What lies within the old tail was found when its last piece came.
            if match.end > self._scanned:
                candidates += [_Candidate(entry, match.start) for entry in match.entries]
        places: list[tuple[Entry, Place]] = []
        growing: list[_Candidate] = []
        for candidate in candidates:
            place = locate(reading, candidate.first, candidate.entry)
            if isinstance(place, Place):
                places.append((candidate.entry, place))
            elif isinstance(place, Growing):
                growing.append(candidate)
        self._growing = tuple(growing)
        return places

    def _cut(self, first: int, size: int, reading: Reading | None) -> None:
        """Forget what can become no term any more."""
        start = first
        if reading:
            begin, end = reading.run(first)
            start = max(begin, end - LONGEST_RUN)
        self.kept = self.kept[start:]
        self._positions = self._positions[start:]
        self._scanned = size - first
        if self._growing:
            self._growing = tuple(candidate._replace(first=candidate.first - first) for candidate in self._growing)


def _length(reading: Reading, at: int) -> int:
    start, end = reading.run(at)
    return end - start
