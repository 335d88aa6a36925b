"""The kernel: one pass over a text, in C, that says at which places a term may stand.

Nearly all text is harmless, so what it costs to see that is what the gateway costs. The kernel (`filters/_scan.c`)
folds a text, leaves out separators, writes runs once and looks every place up in a set of all beginnings of all
patterns; here are the tables it reads. It proposes and never decides: a place that it proposes is settled like any
other (`filters.kernel_lexicon`), and one that it does not propose is none for the rest of the engine either, which
property tests hold it to. Where it was not built, `filters.lexicon` does the same in Python.
"""

from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from filters.characters import CODES, SEVERAL, CharacterClass, class_numbers, code_tables
from filters.reading import BREAK, CLASSES, FOLDS, SIGNS, spell_character

try:
    from filters import _scan
except ImportError:  # pragma: no cover  # no compiler was there when the package was installed
    _scan = None  # type: ignore[assignment]  # asked for before it is used

_Units = npt.NDArray[np.uint64]

_PAGE = 256
_CLASS_FROM = 21
_CODE = (1 << _CLASS_FROM) - 1
_UNIT = (1 << 43) - 1
# Flags of a character, in the order of `_scan.c`.
_KEPT, _INVISIBLE, _SEVERAL, _WORD, _SIGN, _SIGN_BEHIND, _SIGN_ALONE, _COMPANY = (1 << at for at in range(42, 50))
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
# What `SIGN_BY_LETTER` of `filters.reading` says: signs behind a letter, and what may stand behind a sign.
_BEHIND = "@$|+＠＄｜＋"
_BESIDE = _LETTERS + "@$＠＄"
# A piece of a table that is handed over: whoever takes it over must not hold the interpreter up.
_PIECE_BYTES = 1 << 18


class Layer(IntEnum):
    """The way a text is read."""

    PLAIN = 0
    SIGNS = 1  # signs are letters
    SKELETON = 2  # the text is a skeleton: every character stands for itself


class Tables(NamedTuple):
    """What is known of all characters.

    Attributes:
        pages: by layer, for each 256 code points where they begin in ``units``.
        units: by code point what it folds to, the class of that, and flags.
        several: the folds of characters that fold to several.
    """

    pages: bytes
    units: bytes
    several: bytes


def is_available() -> bool:
    """Tell whether the kernel was built."""
    return _scan is not None


class Kernel:
    """A set of patterns that is looked for in one pass.

    Args:
        slots: the set of all beginnings.
        marks: a mark for each of the first characters of patterns.
        longest: characters of the longest pattern.
        depths: how many characters have marks, of each kind of which there are patterns.

    Attributes:
        scan: ``scan(text, start, layer, settled, plain)`` reads a slice of a whole text. It returns where the next
            one begins; the offset of the first sign that may be read as a letter, or -1; and the places at which a
            term may stand: the offset of its first character, the one behind its last, how many characters of the
            skeleton the first one gives before the place, what the skeleton has there, and what ``plain`` has of
            that where the text has nothing else, or None. Left out is what ``settled``, or there ``plain``, has
            nothing of, and in the layer of signs what has no sign.
        tail: ``tail(text, start, fresh, layer)`` reads the tail of a stream and a piece that begins at ``fresh``. It
            returns None where a term may stand that ends in the piece; otherwise where the tail begins then, where
            the first character stands that may become a term, or -1, and the offset of the last sign, or -1.
        junctions: ``junctions(text, start, syllables, longest)`` returns where letters meet ideographs or tones
            (`filters.mixed`) and a term of at most ``longest`` characters may be read over them, with the offset at
            which it begins first, or None.
    """

    __slots__ = ("_parts", "junctions", "scan", "tail")

    def __init__(self, slots: bytes, marks: bytes, longest: int, depths: int) -> None:
        self._parts = slots, marks, longest, depths
        pages, units, several = character_tables()
        scanner = _scan.Scanner(pages, units, several, slots, marks, longest, depths)
        # Bound once: they are called for every piece of every stream.
        self.scan, self.tail, self.junctions = scanner.scan, scanner.tail, scanner.junctions

    @classmethod
    def of_patterns(
        cls,
        *,
        singles: Iterable[str],
        pairs: Iterable[str],
        sounds: Iterable[str],
        letters: Iterable[str],
        romanised: Iterable[str],
        marks: Sequence[Iterable[str]],
        triples: Iterable[str],
    ) -> "Kernel":
        """Build one.

        Args:
            singles: terms of one character.
            pairs: all that may be written for a term of two.
            sounds: classes of longer ones.
            letters: classes of those in Latin letters.
            romanised: classes of those that are Chinese terms in Latin letters, and nothing else.
            marks: of each term of two characters, the first beside the class of the second; the same the other way;
                both classes.
            triples: those of ``sounds`` that have three characters, as listed, each with its classes behind it: two
                of its characters have to stand in a text.
        """
        return cls(*_scan.build((singles, pairs, sounds, letters, romanised, *marks, triples)))

    def parts(self) -> Iterator[Any]:
        """Yield what `restore` makes the same of, in small pieces."""
        slots, marks, longest, depths = self._parts
        yield longest, depths
        for table in (slots, marks):
            cuts = range(0, len(table), _PIECE_BYTES)
            yield len(cuts)
            yield from (table[start : start + _PIECE_BYTES] for start in cuts)

    @classmethod
    def restore(cls, parts: Iterator[Any]) -> "Kernel":
        """Return what `parts` was asked of."""
        longest, depths = next(parts)
        slots, marks = (b"".join([next(parts) for _ in range(next(parts))]) for _ in range(2))
        return cls(slots, marks, longest, depths)


class WholeFinder:
    """Patterns that a text is, from its first character to its last: all that is asked once a place was proposed.

    An automaton of them would take several times as long to build, and most of the memory. Of each pattern a hash is
    kept: another text may share it, and whoever asks looks at what it finds.

    Args:
        patterns: distinct strings.
    """

    __slots__ = ("_hashes", "_numbers")

    def __init__(self, patterns: Sequence[str]) -> None:
        hashes = np.frombuffer(_scan.hashes(list(patterns)), np.uint64)
        order = hashes.argsort(kind="stable")
        self._hashes, self._numbers = hashes[order], order.astype(np.uint32)

    def __call__(self, text: str) -> list[tuple[int, int, int]]:
        """Return where the text begins, where it ends, and the number of the pattern, for each that it may be."""
        hashed = np.frombuffer(_scan.hashes([text]), np.uint64)
        first, last = self._hashes.searchsorted(hashed), self._hashes.searchsorted(hashed, "right")
        return [(0, len(text), number) for number in self._numbers[first[0] : last[0]].tolist()]


@cache
def character_tables() -> Tables:
    """Return what is known of all characters: tables of C's layout, pages that are alike once."""
    plain, several = _plain_units()
    signs = plain.copy()
    for sign in SIGNS:
        signs[ord(sign)] |= np.uint64(_unit(ord(spell_character(sign, signs=True))))
    # What a fold can give, and nothing else: in a skeleton stands nothing else.
    folded = np.unique(signs[(signs & np.uint64(_KEPT | _SEVERAL)) == _KEPT] & np.uint64(_UNIT))
    skeleton = np.zeros(CODES, np.uint64)
    for units in (folded, several & np.uint64(_UNIT), np.array([_unit(ord(BREAK))], np.uint64)):
        skeleton[units & np.uint64(_CODE)] = units
    numbers: dict[bytes, int] = {}
    pages = [
        numbers.setdefault(page.tobytes(), len(numbers))
        for units in (plain, signs, skeleton)
        for page in units.reshape(-1, _PAGE)
    ]
    return Tables(np.array(pages, np.uint16).tobytes(), b"".join(numbers), several.tobytes())


def _unit(code: int) -> int:
    """Return what is known of a character that stands for itself."""
    return code | CLASSES[code] << _CLASS_FROM | _KEPT


def _plain_units() -> tuple[_Units, _Units]:
    """Return the units of the ordinary layer, and the folds of characters that fold to several."""
    folds = code_tables().astype(np.uint64)
    wide = (folds == SEVERAL).nonzero()[0].tolist()
    folds[wide] = 0
    units: _Units = folds | np.array(CLASSES, np.uint64)[folds] << np.uint64(_CLASS_FROM) | np.uint64(_KEPT)
    units[folds == 0] = 0
    several: list[int] = []
    for code in wide:
        form = FOLDS[code]
        units[code] = len(several) | len(form) << _CLASS_FROM | _KEPT | _SEVERAL
        several += map(_unit, map(ord, form))
    invisible = np.frombuffer(class_numbers(), np.uint8) == list(CharacterClass).index(CharacterClass.INVISIBLE)
    units[invisible] |= np.uint64(_INVISIBLE)
    for characters, flag in (
        (SIGNS, _SIGN),
        (_BEHIND, _SIGN_BEHIND),
        ([sign for sign in SIGNS if "🇦" <= sign <= "🇿"], _SIGN_ALONE),
        (_LETTERS, _WORD),
        (_BESIDE, _COMPANY),
    ):
        units[[ord(char) for char in characters]] |= np.uint64(flag)
    return units, np.array(several, np.uint64)
