"""The lexicon where the kernel was built: places come from one pass over the text, and are settled as ever."""

from bisect import bisect_left
from collections.abc import Iterator
from functools import partial
from operator import itemgetter
from typing import Any, NamedTuple

from filters.compiling import Compiled
from filters.entries import Entry
from filters.kernel import Kernel, Layer, WholeFinder
from filters.lexicon import Lexicon, Match, by_end
from filters.locating import Place, is_two_sentences, locate
from filters.mixed import SYLLABLE_TABLE
from filters.reading import Reading, class_text, spell

_PAIR = 2
Places = tuple[tuple[Entry, Place], ...]
_REMEMBERED_PIECES = 16_384
_REMEMBERED_STRETCHES = 4_096
# Longer ones are few in a text, and would be paid for in memory.
_REMEMBERED_CHARACTERS = 128
# In a skeleton nothing is told from how it is written.
_NOTHING: dict[str, Places] = {}


class Piece(NamedTuple):
    """What a text has at a place that was proposed.

    Attributes:
        stretch: from the first character to the last, as received.
        before: the character before it where that is a plain letter or digit, or nothing.
        written: what the skeleton has there.
        skipped: how many characters of the skeleton the first character gives before that.
        signs: True when signs are letters.
    """

    stretch: str
    before: str
    written: str
    skipped: int
    signs: bool


class KernelLexicon(Lexicon):
    """Terms compiled for search by the kernel.

    Attributes:
        kernel: proposes places.
        plain: by piece of a skeleton, what stands in a text that is nothing else, as far as it was worked out.
    """

    kernel: Kernel
    plain: dict[str, Places]
    _pieces: dict[Piece, Places]

    _build_finder = WholeFinder

    def _index(self, compiled: Compiled) -> None:
        self.plain, self._pieces = {}, {}
        letters, plain = compiled.letters.texts, compiled.plain
        pairs = [spelling for spelling in self._short.spellings if len(spelling) == _PAIR]
        classes = [class_text(pair) for pair in pairs]
        self.kernel = Kernel.of_patterns(
            singles=self._short.singles,
            pairs=self._short.written(),
            sounds=compiled.sounds.texts,
            letters=plain,
            romanised=(pattern for pattern in letters if pattern not in plain),
            marks=(
                [pair[0] + sounds[1] for pair, sounds in zip(pairs, classes, strict=True)],
                [sounds[0] + pair[1] for pair, sounds in zip(pairs, classes, strict=True)],
                classes,
            ),
            triples=compiled.triples,
        )

    def _index_parts(self) -> Iterator[Any]:
        yield from self.kernel.parts()

    def _restore_index(self, parts: Iterator[Any]) -> None:
        self.plain, self._pieces = {}, {}
        self.kernel = Kernel.restore(parts)

    @property
    def settled(self) -> dict[str, tuple[Entry, ...]]:
        """By piece of a skeleton, the entries that it may stand for, as far as they were worked out."""
        return self._resemblance.known

    def find(self, skeleton: str, classes: str) -> list[Match]:
        """Return what `Lexicon.find` returns."""
        found: list[Match] = []
        start, size = 0, len(classes)
        while start < size:
            start, _, places = self.kernel.scan(skeleton, start, Layer.SKELETON, self.settled, _NOTHING)
            for begin, end, _, written, _ in places:
                if entries := self.entries_at(written):
                    found.append(Match(begin, end, entries))
        found.sort(key=by_end)
        return found

    def first_live(self, skeleton: str, classes: str) -> int:
        """Return what `Lexicon.first_live` returns."""
        size = len(classes)
        # Nothing is new, so nothing is proposed.
        _, live, _ = self.kernel.tail(skeleton, 0, size, Layer.SKELETON) or (0, -1, -1)
        return size if live < 0 else live

    def live_in(self, reading: Reading, floor: int) -> tuple[int, int]:
        """Return what `Lexicon.live_in` returns, as the kernel says it of the text: what is held is one for both."""
        positions, base, size = reading.positions, reading.base, len(reading.skeleton)
        start = positions[0] - base
        # The character before it tells whether the first one begins a word.
        before = max(0, start - 1)
        part = reading.text[before : positions[-1] + 1 - base]
        layer = Layer.SIGNS if reading.signs else Layer.PLAIN
        # Nothing is new, so nothing is proposed.
        begin, live, _ = self.kernel.tail(part, start - before, len(part), layer) or (0, -1, -1)
        if live < 0:
            return size, len(reading.kept)
        begin, live = begin + before + base, live + before + base
        first = next(at for at in range(floor, size) if positions[reading.bounded_run(at)[0]] == begin)
        return first, bisect_left(positions, live)

    def junctions(self, text: str, start: int) -> list[tuple[int, int]] | None:
        """Return what `Lexicon.junctions` returns."""
        return self.kernel.junctions(text, start, SYLLABLE_TABLE, self.beginnings.longest)

    def live_before(self, text: str, begin: int, end: int) -> int | None:
        """Return what `Lexicon.live_before` returns."""
        part = text[begin:end]
        # Nothing is new, so nothing is proposed.
        _, live, _ = self.kernel.tail(part, 0, len(part), Layer.PLAIN) or (0, -1, -1)
        return None if live < 0 else begin + live

    def entries_at(self, written: str) -> tuple[Entry, ...]:
        """Return the entries for which a piece of a skeleton may stand that was proposed."""
        entries = self.settled.get(written)
        return self._worked_out(written) if entries is None else entries

    def plain_at(self, written: str) -> Places:
        """Return what stands in a text that is nothing but a piece of a skeleton: most proposals are plain ones."""
        places = self.plain.get(written)
        if places is None:
            if len(self.plain) >= _REMEMBERED_PIECES:
                self.plain.clear()
            places = self.plain[written] = tuple(self._located(written))
        return places

    def places_at(self, piece: Piece) -> Places:
        """Return what stands at a place that was proposed, at offsets from its begin.

        Who means to be dear writes the same again and again, so some of it is remembered.
        """
        places = self._pieces.get(piece)
        if places is None:
            places = tuple(self._settled(piece))
            if len(piece.stretch) <= _REMEMBERED_CHARACTERS:
                if len(self._pieces) >= _REMEMBERED_STRETCHES:
                    self._pieces.clear()
                self._pieces[piece] = places
        return places

    def _settled(self, piece: Piece) -> Iterator[tuple[Entry, Place]]:
        stretch, before, written, skipped, signs = piece
        reading: Reading | None = None
        for entry in self.entries_at(written):
            if is_two_sentences(stretch, written, entry):
                continue
            if reading is None:
                kept, positions = spell(stretch, signs=signs)
                reading = Reading(before + stretch, -len(before), kept, positions, signs=signs)
            place = locate(reading, skipped, entry)
            if isinstance(place, Place):
                yield entry, place

    def _located(self, written: str) -> Iterator[tuple[Entry, Place]]:
        reading = Reading(written, 0, written, range(len(written)))
        for entry in self.entries_at(written):
            place = locate(reading, 0, entry)
            if isinstance(place, Place):
                yield entry, place

    def _worked_out(self, written: str) -> tuple[Entry, ...]:
        classes = class_text(written)
        is_latin = written.isascii() or classes.isascii()
        if len(written) <= _PAIR and not is_latin:
            return self._resemblance.of_short(written, self._short.owners(written, classes))
        patterns = self._letters if is_latin else self._sounds
        numbers = [
            number
            for start, end, pattern in patterns.find(classes)
            if end - start == len(classes)
            for number in patterns.owners(pattern)
        ]
        return self._resemblance.of_pattern(written, numbers)


class KernelText:
    """A whole text, read by the kernel.

    Args:
        lexicon: the terms.
        text: text as received.
        signs: True when signs are letters.

    Attributes:
        text: text as received.
        has_sign_by_letter: whether a sign may be read as a letter, as far as the places were asked for.
    """

    __slots__ = ("_lexicon", "_signs", "has_sign_by_letter", "text")

    def __init__(self, lexicon: KernelLexicon, text: str, *, signs: bool = False) -> None:
        self._lexicon = lexicon
        self._signs = signs
        self.text = text
        self.has_sign_by_letter = False

    def places(self) -> Iterator[tuple[Entry, Place]]:
        """Yield what stands in the text, in order of its end within a slice."""
        text, layer, lexicon = self.text, Layer.SIGNS if self._signs else Layer.PLAIN, self._lexicon
        scan, settled, remembered = lexicon.kernel.scan, lexicon.settled, lexicon.plain
        start, size = 0, len(text)
        while start < size:
            start, sign, proposals = scan(text, start, layer, settled, remembered)
            if sign >= 0:
                self.has_sign_by_letter = True
            if not proposals:
                continue
            if len(proposals) > 1:
                proposals.sort(key=_BY_END)
            for begin, end, skipped, written, plain in proposals:
                if plain is not None:
                    for entry, place in plain:
                        yield entry, _moved(place, begin)
                else:
                    yield from self._settled(begin, end, skipped, written)

    def _settled(self, begin: int, end: int, skipped: int, written: str) -> Iterator[tuple[Entry, Place]]:
        """Yield what stands at a place of which nothing is remembered, or that is not written plainly."""
        text, signs, lexicon = self.text, self._signs, self._lexicon
        stretch = text[begin:end]
        if stretch == written and not signs:
            places = lexicon.plain_at(written)
        else:
            # Before a place nothing else counts.
            before = text[begin - 1 : begin] if begin else ""
            piece = Piece(stretch, before if before.isascii() and before.isalnum() else "", written, skipped, signs)
            places = lexicon.places_at(piece)
        yield from [(entry, _moved(place, begin)) for entry, place in places]


def _moved(place: Place, by: int) -> Place:
    """Return a place that stands as far behind as its text does."""
    start, end, via, edges, swapped = place
    if swapped:
        swapped = tuple([at + by for at in swapped])
    return _place((start + by, end + by, via, edges, swapped))


# By its end, then its start.
_BY_END = itemgetter(1, 0)
# Made of a tuple at once: naming the members would take as long as all else that is done with one.
_place = partial(tuple.__new__, Place)
