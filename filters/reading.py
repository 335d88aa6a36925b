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
from typing import NamedTuple

from filters.characters import FORM, LEET, SYLLABLES, CharacterClass, character_class, fold_table

_RUN = re.compile(r"(.)\1+", re.DOTALL)
LONGEST_RUN = 32
"""A run longer than this breaks a term; what a stream keeps of one is bounded by it."""
# Bound once: looking a member up in its enum takes longer than what is done with it.
_INVISIBLE = CharacterClass.INVISIBLE
GAP_SEPARATORS = 8
"""Most separators between two characters of a term."""
GAP_CHARACTERS = 64
"""Most characters between them, invisible ones counted."""
BREAK = "\ufffe"
"""Stands in the kept text where a gap is longer; no term reaches over it, and no character folds to it."""
_CLOSE = 16
# Syllables are written in the private use area, which no fold yields.
_SYLLABLES_FROM = 0xE000

FOLDS = fold_table()
"""By code point: the code of the fold, a string where it is several characters, None where nothing is kept."""

# A sign stands for a letter only beside one: c@sh, $hit, a$$.
# Letters of flags need no such company: 🇭🇪🇷🇴🇮🇳 is a word, 海🇨🇳洛 a flag between two characters.
# The sign comes first in the expression, so that the search goes from sign to sign.
SIGN_BY_LETTER = re.compile(
    r"[@$!|+＠＄！｜＋🇦-🇿](?:(?=[A-Za-z0-9@$＠＄])|(?<=[A-Za-z0-9][@$|+＠＄｜＋])|(?<=[🇦-🇿]))"
)
"""Where a text has a sign that may stand for a letter."""

SIGNS = frozenset(char for char in (*LEET, *FORM) if FOLDS[ord(char)] is None)
"""Signs that may stand for a letter, such as ``@`` and the letters of flags; otherwise they are separators."""

FOLDS_WITH_SIGNS = FOLDS.copy()
"""The same for a reading in which the signs are letters."""
for _sign in SIGNS:
    FOLDS_WITH_SIGNS[ord(_sign)] = FORM.get(_sign, ord(_sign))


# The same with one mark for folds of several characters, so that lengths tell how much was dropped.
_MARK = "\uffff"
_MARKED = [_MARK if isinstance(form, str) and len(form) > 1 else form for form in FOLDS]
_MARKED_WITH_SIGNS = [_MARK if isinstance(form, str) and len(form) > 1 else form for form in FOLDS_WITH_SIGNS]


def has_sign_by_letter(text: str, places: Sequence[int]) -> bool:
    """Tell whether a sign may stand for a letter.

    Args:
        text: text as received.
        places: where it has signs.
    """
    # Where signs stand close together, one search costs less than a look at each.
    if len(places) * _CLOSE > len(text):
        return SIGN_BY_LETTER.search(text) is not None
    return any(SIGN_BY_LETTER.match(text, at) for at in places)


def near_sound(syllable: str) -> str:
    """Return what a syllable becomes where dialects do not tell sounds apart: zh and z, n and l, ang and an."""
    start, size = _NEAR_STARTS.get(syllable[:2], (syllable[:1], 1))
    if size == 1:
        start = "l" if start == "n" and len(syllable) > 1 else start
    rest = syllable[size:]
    return start + (rest[:-1] if rest.endswith("ng") and rest != "ong" and not rest.endswith("ong") else rest)


_NEAR_STARTS = {"zh": ("z", 2), "ch": ("c", 2), "sh": ("s", 2)}


def _class_table() -> list[int]:
    table = list(range(len(FOLDS)))
    numbers: dict[str, int] = {}
    for char, readings in SYLLABLES.items():
        table[ord(char)] = numbers.setdefault(near_sound(readings[0]), _SYLLABLES_FROM + len(numbers))
    # Behind the syllables: digits have one too, and are read as letters more often.
    for char, letter in LEET.items():
        table[ord(char)] = ord(letter)
    return table


CLASSES = _class_table()
"""By code point of a kept character: the code of its class."""


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
        seen = character_class(char) is not _INVISIBLE
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
            before = "\0" + kept
            self.starts = [at for at, char in enumerate(kept) if char != before[at]]

    def run(self, index: int) -> tuple[int, int]:
        """Return where in the kept text a character of the skeleton begins and ends."""
        end = self.starts[index + 1] if index + 1 < len(self.starts) else len(self.kept)
        return self.starts[index], end

    def bounded_run(self, index: int) -> tuple[int, int]:
        """Return the same of the part of a run that is not too long for a term."""
        begin, end = self.run(index)
        return max(begin, end - LONGEST_RUN), end

    def opening(self, index: int) -> int | None:
        """Return where in the kept text something romanised may begin that begins in a run; None for nowhere.

        Nothing does in the middle of a word. What follows changes nothing of that, so nobody has to wait for it.
        """
        return next((at for at in range(*self.bounded_run(index)) if not self.is_inner(at)), None)

    def is_inner(self, at: int) -> bool:
        """Tell whether a character of the kept text is a plain letter or digit right behind another."""
        offset = self.positions[at] - self.base
        pair = self.text[max(0, offset - 1) : offset + 1]
        return len(pair) > 1 and pair.isascii() and pair.isalnum()

    def char_at(self, offset: int) -> str:
        """Return the character at an offset in the text as received."""
        return self.text[offset - self.base]


class ShortText:
    """A whole text in all its layers, read character by character.

    Args:
        text: text as received.
        signs: True when signs are letters.

    Attributes:
        text: text as received.
        skeleton: its skeleton.
        classes: its classes.
    """

    __slots__ = ("_signs", "classes", "skeleton", "text")

    def __init__(self, text: str, *, signs: bool = False) -> None:
        self.text = text
        self._signs = signs
        kept = text.translate(_MARKED_WITH_SIGNS if signs else _MARKED)
        # Only where so much was dropped can a gap be long.
        if _MARK in kept or len(text) - len(kept) > GAP_SEPARATORS:
            kept, _ = spell(text, signs=signs)
        self.skeleton = _RUN.sub(r"\1", kept) if _RUN.search(kept) else kept
        self.classes = self.skeleton.translate(CLASSES)

    @property
    def has_signs(self) -> bool:
        """Whether it has characters that may be read as letters, and are not in this reading."""
        return not self._signs and not SIGNS.isdisjoint(self.text)

    @property
    def has_sign_by_letter(self) -> bool:
        """Whether one of these stands where a letter may stand."""
        return self.has_signs and has_sign_by_letter(
            self.text, [at for at, char in enumerate(self.text) if char in SIGNS]
        )

    def around(self, first: int, end: int) -> Reading:
        """Return all layers of a part of the skeleton, runs at both ends whole.

        Args:
            first: where the part begins.
            end: position behind its last character.
        """
        whole = Reading(self.text, 0, *spell(self.text, signs=self._signs), signs=self._signs)
        begin, stop = whole.starts[first], whole.run(end - 1)[1]
        return Reading(self.text, 0, whole.kept[begin:stop], whole.positions[begin:stop], signs=self._signs)
