"""Reading: the copy of a text that matching works on, and the way back to the text as received.

A text is read in three layers. *Kept* is what remains when every character is folded and separators and invisible
characters are left out. The *skeleton* is the kept text with each run of one character written once. *Classes* are
the skeleton with characters that sound or look alike made one: Chinese characters of one syllable, Latin letters and
the digits that stand for them. Automata read the classes; what they find is looked at again in the other layers
(`filters.locating`), so the classes only have to be generous.

Rules: reading never changes what is delivered; a text read in pieces gives the pieces of its reading, but for runs,
which join.
"""

import re
from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from filters.characters import LEET, SEVERAL, SYLLABLES, CharacterClass, character_class, code_tables, fold_table

# From here on numpy reads faster than str.translate, which pays for every character.
_LONG_CHARACTERS = 160
_RUN = re.compile(r"(.)\1+", re.DOTALL)
LONGEST_RUN = 32
"""A run longer than this breaks a term; what a stream keeps of one is bounded by it."""
GAP_SEPARATORS = 8
"""Most separators between two characters of a term."""
GAP_CHARACTERS = 64
"""Most characters between them, invisible ones counted."""
BREAK = "\ufffe"
"""Stands in the kept text where a gap is longer; no term reaches over it, and no character folds to it."""
_LONG_GAP = re.compile(b"\x01{%d,}" % (GAP_SEPARATORS + 1))
_SEVERAL_BMP = 0xFFFF  # in the small table: the fold has several characters
_BMP = 0x10000
# Syllables are written in the private use area, which no fold yields.
_SYLLABLES_FROM = 0xE000

FOLDS = fold_table()
"""By code point: the code of the fold, a string where it is several characters, None where nothing is kept."""

# A sign stands for a letter only beside one: c@sh, $hit, a$$.
SIGN_BY_LETTER = re.compile(r"[@$!|+＠＄！｜＋](?=[A-Za-z0-9@$＠＄])|(?<=[A-Za-z0-9])[@$|+＠＄｜＋]")
"""Where a text has a sign that may stand for a letter."""

SIGNS = frozenset(char for char in LEET if FOLDS[ord(char)] is None)
"""Signs that may stand for a letter, such as ``@``; otherwise they are separators."""

FOLDS_WITH_SIGNS = FOLDS.copy()
"""The same for a reading in which the signs are letters."""
for _sign in SIGNS:
    FOLDS_WITH_SIGNS[ord(_sign)] = ord(_sign)


# The same with one mark for folds of several characters, so that lengths tell how much was dropped.
_MARK = "\uffff"
_MARKED = [_MARK if isinstance(form, str) and len(form) > 1 else form for form in FOLDS]
_MARKED_WITH_SIGNS = [_MARK if isinstance(form, str) and len(form) > 1 else form for form in FOLDS_WITH_SIGNS]


def _class_table() -> list[int]:
    table = list(range(len(FOLDS)))
    numbers: dict[str, int] = {}
    for char, readings in SYLLABLES.items():
        table[ord(char)] = numbers.setdefault(readings[0], _SYLLABLES_FROM + len(numbers))
    # Behind the syllables: digits have one too, and are read as letters more often.
    for char, letter in LEET.items():
        table[ord(char)] = ord(letter)
    return table


CLASSES = _class_table()
"""By code point of a kept character: the code of its class."""

_FOLD_CODES = code_tables()
_CLASS_CODES = np.array(CLASSES, np.uint32)
# Nearly every text is within the basic plane, and these fit into the processor's caches.
_FOLD_CODES_BMP = np.minimum(_FOLD_CODES[:_BMP], _SEVERAL_BMP).astype(np.uint16)
_CLASS_CODES_BMP = _CLASS_CODES[:_BMP].astype(np.uint16)


def has_runs(kept: str) -> bool:
    """Tell whether a character is repeated."""
    return _RUN.search(kept) is not None


def without_runs(kept: str) -> str:
    """Return a kept text with each run of one character written once."""
    return _RUN.sub(r"\1", kept)


def class_text(kept: str) -> str:
    """Return the classes of a kept text or a skeleton."""
    return kept.translate(CLASSES)


def skeleton_of(text: str) -> str:
    """Return the skeleton of a text."""
    kept = text.translate(FOLDS)
    return _RUN.sub(r"\1", kept) if _RUN.search(kept) else kept


def spell(text: str, base: int = 0, *, signs: bool = False) -> tuple[str, list[int]]:
    """Return the kept text, and the offset in the text as received of each of its characters.

    Args:
        text: text as received.
        base: offset of its first character.
        signs: True when signs are letters.
    """
    kept: list[str] = []
    positions: list[int] = []
    gap = Gap()
    for offset, char in enumerate(text, base):
        form = spell_character(char, signs=signs)
        if form:
            gap = Gap()
        else:
            gap = gap.with_character(char)
            form = BREAK if gap.is_long and not gap.was_long else ""
        kept.append(form)
        positions += [offset] * len(form)
    return "".join(kept), positions


class Gap(NamedTuple):
    """What was dropped since the last kept character.

    Attributes:
        characters: how many.
        separators: how many of them are seen.
        was_long: True when it was too long before its last character.
    """

    characters: int = 0
    separators: int = 0
    was_long: bool = False

    @property
    def is_long(self) -> bool:
        """Whether no term reaches over it."""
        return self.characters > GAP_CHARACTERS or self.separators > GAP_SEPARATORS

    def with_character(self, char: str) -> "Gap":
        """Return the gap with one more character."""
        seen = character_class(char) is not CharacterClass.INVISIBLE
        return Gap(self.characters + 1, self.separators + seen, self.is_long)


def spell_character(char: str, *, signs: bool = False) -> str:
    """Return the fold of one character, empty where it is dropped."""
    form = (FOLDS_WITH_SIGNS if signs else FOLDS)[ord(char)]
    return form if isinstance(form, str) else chr(form) if form is not None else ""


class Reading:
    """One text in all its layers.

    Args:
        text: text as received, or the window of it that is still at hand.
        base: offset of the window's first character.
        kept: its kept text.
        positions: offset in the text as received of each kept character.
        signs: True when signs are letters.

    Attributes:
        skeleton: the kept text, runs written once.
        starts: position in the kept text at which each character of the skeleton begins.
    """

    __slots__ = ("base", "kept", "positions", "signs", "skeleton", "starts", "text")

    def __init__(self, text: str, base: int, kept: str, positions: Sequence[int], *, signs: bool = False) -> None:
        self.text = text
        self.base = base
        self.kept = kept
        self.positions = positions
        self.signs = signs
        self.starts: Sequence[int] = range(len(kept))
        self.skeleton = kept
        if _RUN.search(kept):
            self.skeleton = _RUN.sub(r"\1", kept)
            codes = np.frombuffer(kept.encode("utf-32-le"), np.uint32)
            self.starts = np.flatnonzero(np.concatenate(([True], codes[1:] != codes[:-1]))).tolist()

    def run(self, index: int) -> tuple[int, int]:
        """Return where in the kept text a character of the skeleton begins and ends."""
        end = self.starts[index + 1] if index + 1 < len(self.starts) else len(self.kept)
        return self.starts[index], end

    def char_at(self, offset: int) -> str:
        """Return the character at an offset in the text as received."""
        return self.text[offset - self.base]


class WholeText:
    """A whole text: its classes at once, its other layers once something was found.

    Args:
        text: text as received.
        signs: True when signs are letters.
    """

    def __init__(self, text: str, *, signs: bool = False) -> None:
        self.text = text
        self._signs = signs

    @cached_property
    def classes(self) -> str:
        """The text as automata read it."""
        return self._layers[1]

    @cached_property
    def skeleton(self) -> str:
        """The text with runs written once."""
        return self._layers[0]

    @cached_property
    def _layers(self) -> tuple[str, str]:
        if not self._signs and len(self.text) >= _LONG_CHARACTERS:
            return _long_layers(self.text)
        kept = self.text.translate(_MARKED_WITH_SIGNS if self._signs else _MARKED)
        # Only where so much was dropped can a gap be long.
        if _MARK in kept or len(self.text) - len(kept) > GAP_SEPARATORS:
            kept, _ = spell(self.text, signs=self._signs)
        return _as_layers(kept)

    @cached_property
    def reading(self) -> Reading:
        """All layers."""
        if len(self.text) < _LONG_CHARACTERS or self._signs:
            return Reading(self.text, 0, *spell(self.text, signs=self._signs), signs=self._signs)
        return Reading(self.text, 0, *_long_spell(self.text))


class _Codes(NamedTuple):
    """A text as numbers.

    Attributes:
        folds: code of each character's fold, 0 where it is dropped.
        several: the code that stands for a fold of several characters.
        classes: table of classes that fits them.
        encoding: what turns them into text again.
    """

    folds: npt.NDArray[Any]
    several: int
    classes: npt.NDArray[Any]
    encoding: str


def _codes(text: str) -> _Codes:
    short = text.encode("utf-16-le", "surrogatepass")
    if len(short) == 2 * len(text):
        folds = _FOLD_CODES_BMP.take(np.frombuffer(short, np.uint16))
        codes = _Codes(folds, _SEVERAL_BMP, _CLASS_CODES_BMP, "utf-16-le")
    else:
        long = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        codes = _Codes(_FOLD_CODES.take(long), SEVERAL, _CLASS_CODES, "utf-32-le")
    _mark_long_gaps(text, codes.folds)
    return codes


def _mark_long_gaps(text: str, folds: npt.NDArray[Any]) -> None:
    """Write a break into every gap that no term reaches over."""
    dropped = (folds == 0).tobytes()
    for found in _LONG_GAP.finditer(dropped):
        gap = Gap()
        for at in range(*found.span()):
            gap = gap.with_character(text[at])
            if gap.is_long:
                folds[at] = ord(BREAK)
                break


def _as_layers(kept: str) -> tuple[str, str]:
    skeleton = _RUN.sub(r"\1", kept) if _RUN.search(kept) else kept
    return skeleton, class_text(skeleton)


def _long_layers(text: str) -> tuple[str, str]:
    codes = _codes(text)
    kept = codes.folds.compress(codes.folds)
    if (kept == codes.several).any():
        return _as_layers(spell(text)[0])
    differs = kept[1:] != kept[:-1]
    if not differs.all():
        kept = np.concatenate((kept[:1], kept[1:].compress(differs)))
    return kept.tobytes().decode(codes.encoding), codes.classes.take(kept).tobytes().decode(codes.encoding)


def _long_spell(text: str) -> tuple[str, Sequence[int]]:
    codes = _codes(text)
    if (codes.folds == codes.several).any():
        return spell(text)
    kept = codes.folds.compress(codes.folds).tobytes().decode(codes.encoding)
    return kept, np.flatnonzero(codes.folds).tolist()
