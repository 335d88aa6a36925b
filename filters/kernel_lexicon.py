"""The lexicon where the kernel was built: places come from one pass over the text, and are settled as ever."""

from collections.abc import Iterator
from typing import Any

from filters.compiling import Compiled
from filters.entries import Entry
from filters.kernel import Kernel, Layer
from filters.lexicon import Lexicon, Match, by_end
from filters.locating import Place, is_two_sentences, locate
from filters.mixed import SYLLABLE_TABLE
from filters.reading import Reading, class_text, spell

_PAIR = 2
_REMEMBERED_PIECES = 16_384


class KernelLexicon(Lexicon):
    """Terms compiled for search by the kernel.

    Attributes:
        kernel: proposes places.
    """

    kernel: Kernel
    _plain: dict[str, tuple[tuple[Entry, Place], ...]]

    def _index(self, compiled: Compiled) -> None:
        self._plain = {}
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
            ),
        )

    def _index_parts(self) -> Iterator[Any]:
        yield from self.kernel.parts()

    def _restore_index(self, parts: Iterator[Any]) -> None:
        self._plain = {}
        self.kernel = Kernel.restore(parts)

    def find(self, skeleton: str, classes: str) -> list[Match]:
        """Return what `Lexicon.find` returns."""
        found: list[Match] = []
        start, size = 0, len(classes)
        while start < size:
            start, _, places = self.kernel.scan(skeleton, start, Layer.SKELETON)
            for begin, end, _, written in places:
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

    def junctions(self, text: str, start: int) -> list[int] | None:
        """Return what `Lexicon.junctions` returns."""
        return self.kernel.junctions(text, start, SYLLABLE_TABLE)

    def live_before(self, text: str, begin: int, end: int) -> int | None:
        """Return what `Lexicon.live_before` returns."""
        part = text[begin:end]
        # Nothing is new, so nothing is proposed.
        _, live, _ = self.kernel.tail(part, 0, len(part), Layer.PLAIN) or (0, -1, -1)
        return None if live < 0 else begin + live

    def entries_at(self, written: str) -> tuple[Entry, ...]:
        """Return the entries for which a piece of a skeleton may stand that was proposed."""
        entries = self._resemblance.known.get(written)
        return self._worked_out(written) if entries is None else entries

    def plain_at(self, written: str) -> tuple[tuple[Entry, Place], ...]:
        """Return what stands in a text that is nothing but a piece of a skeleton: most proposals are plain ones."""
        places = self._plain.get(written)
        if places is None:
            if len(self._plain) >= _REMEMBERED_PIECES:
                self._plain.clear()
            places = self._plain[written] = tuple(self._located(written))
        return places

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
        text, signs, layer = self.text, self._signs, Layer.SIGNS if self._signs else Layer.PLAIN
        lexicon = self._lexicon
        scan, entries_at, plain_at = lexicon.kernel.scan, lexicon.entries_at, lexicon.plain_at
        start, size = 0, len(text)
        while start < size:
            start, sign, proposals = scan(text, start, layer)
            self.has_sign_by_letter = self.has_sign_by_letter or sign >= 0
            if len(proposals) > 1:
                proposals.sort(key=_by_end)
            for begin, end, skipped, written in proposals:
                stretch = text[begin:end]
                if stretch == written and not signs:
                    yield from [(entry, _moved(place, begin)) for entry, place in plain_at(written)]
                    continue
                reading: Reading | None = None
                for entry in entries_at(written):
                    if is_two_sentences(stretch, written, entry):
                        continue
                    reading = reading or Reading(text, 0, *spell(stretch, begin, signs=signs), signs=signs)
                    place = locate(reading, skipped, entry)
                    if isinstance(place, Place):
                        yield entry, place


def _moved(place: Place, by: int) -> Place:
    """Return a place that stands as far behind as its text does."""
    start, end, via, edges, swapped = place
    return Place(start + by, end + by, via, edges, tuple([at + by for at in swapped]) if swapped else swapped)


def _by_end(place: tuple[int, int, int, str]) -> tuple[int, int]:
    return place[1], place[0]
