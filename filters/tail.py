"""The tail of a stream: the part of its reading that may still become a term.

Rules: the tail begins where the longest suffix begins that is a proper prefix of a term, so scanning it again finds
every match that ends in the next piece; nothing before it is kept. What bounds a place (`filters.locating`: gaps,
runs) bounds the tail.
"""

from collections.abc import Sequence
from typing import NamedTuple

from filters.characters import CharacterClass, character_class
from filters.entries import Entry
from filters.lexicon import Lexicon, Match
from filters.locating import GAP_CHARACTERS, GAP_SEPARATORS, Growing, Place, locate, resembles
from filters.reading import LONGEST_RUN, Reading, class_text, has_runs, spell_character


class _Candidate(NamedTuple):
    """A match whose last run may still be too short.

    Attributes:
        entry: what may stand there.
        first: position of its first character in the skeleton of the tail.
    """

    entry: Entry
    first: int


class Tail:
    """One reading of the part of a stream that may still become a term.

    Args:
        lexicon: the terms.
        signs: True when signs are letters in this reading.

    Attributes:
        kept: the kept text of the tail.
    """

    __slots__ = ("_gap", "_growing", "_lexicon", "_positions", "_scanned", "_separators", "_signs", "kept")

    def __init__(self, lexicon: Lexicon, *, signs: bool = False) -> None:
        self._lexicon = lexicon
        self._signs = signs
        self.kept = ""
        # Replaced and never changed, so that copies may share them.
        self._positions: Sequence[int] = ()
        self._growing: tuple[_Candidate, ...] = ()
        self._scanned = 0  # characters of the skeleton whose matches are known
        self._gap = 0  # characters since the last kept one
        self._separators = 0  # those of them that are seen

    def copy(self, *, signs: bool) -> "Tail":
        """Return the same, to go on from."""
        other = Tail(self._lexicon, signs=signs)
        other.kept, other._positions, other._growing = self.kept, self._positions, self._growing
        other._scanned, other._gap, other._separators = self._scanned, self._gap, self._separators
        return other

    @property
    def start(self) -> int | None:
        """Offset of the first character that may still become a term; None where none may."""
        return self._positions[0] if self.kept else None

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
        for offset, char in enumerate(text, base):
            form = spell_character(char, signs=self._signs)
            if form:
                kept.append(form)
                positions += [offset] * len(form)
                self._gap = self._separators = 0
            elif self._drops_too_much(char):
                found += self._extend("".join(kept), positions, window, window_base)
                kept, positions = [], []
                self._forget()
        return found + self._extend("".join(kept), positions, window, window_base) if kept else found

    def feed_plain(self, text: str, base: int, window: str, window_base: int) -> list[tuple[Entry, Place]]:
        """Take a piece in which nothing is folded or dropped, as nearly every one in Chinese; otherwise as `feed`."""
        self._gap = self._separators = 0
        return self._extend(text, range(base, base + len(text)), window, window_base)

    def finish(self) -> None:
        """End the text: a run that is too short stays so."""
        self._growing = ()

    def _drops_too_much(self, char: str) -> bool:
        """Count a character that is not kept; tell whether no term reaches over so many."""
        self._gap += 1
        self._separators += character_class(char) is not CharacterClass.INVISIBLE
        return self._gap > GAP_CHARACTERS or self._separators > GAP_SEPARATORS

    def _forget(self) -> None:
        self.kept, self._positions, self._growing, self._scanned = "", (), (), 0

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
            places = self._settle(reading or self._read(window, window_base), classes, matches)
        first = self._lexicon.first_live(skeleton, classes)
        if self._growing:
            first = min(first, *[match.first for match in self._growing])
        if first or reading:
            self._cut(first, len(skeleton), reading)
        else:
            self._scanned = len(skeleton)
        return places

    def _read(self, window: str, window_base: int) -> Reading:
        return Reading(window, window_base, self.kept, self._positions, signs=self._signs)

    def _settle(self, reading: Reading, classes: str, matches: Sequence[Match]) -> list[tuple[Entry, Place]]:
        """Return the places of new matches, and of those whose last run has grown."""
        candidates = list(self._growing)
        for match in matches:
            # What lies within the old tail was found when its last piece came.
            if match.end > self._scanned:
                spelled = reading.skeleton[match.start : match.end]
                entries = self._lexicon.entries(match, reading.skeleton, classes)
                candidates += [_Candidate(entry, match.start) for entry in entries if resembles(entry, spelled)]
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
            # A run this long breaks every term, so nothing before its end can matter.
            long = [at for at in range(first, size) if reading.run(at)[1] - reading.run(at)[0] > LONGEST_RUN]
            first = max([first, *long])
            start = len(self.kept)
            if first < size:
                begin, end = reading.run(first)
                start = max(begin, end - LONGEST_RUN)
        self.kept = self.kept[start:]
        self._positions = self._positions[start:]
        self._scanned = size - first
        if self._growing:
            self._growing = tuple(
                match._replace(first=match.first - first) for match in self._growing if match.first >= first
            )
