"""What each character stands for: the fold of one, the steps it takes, how a Chinese one is read.

Rules: pure tables, read once from `filters/data` (its README says where they come from). Folding is done when its
result folds to itself; the form of a character depends on nothing beside it, so folding in pieces gives the pieces.
The tables, not the interpreter's version of Unicode, decide: two machines match alike.
"""

from collections.abc import Iterator
from enum import Enum
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from filters.findings import Step

CODES = 0x110000
# In `code_tables`: characters whose form is several.
SEVERAL = 0xFFFFFFFF


class CharacterClass(Enum):
    """What matching does with a character."""

    KEPT = "kept"  # letters, digits, ideographs: what terms are made of
    SEPARATOR = "separator"  # punctuation, signs, spaces, emoji, private and unassigned codes
    INVISIBLE = "invisible"  # drawn as nothing, or as a mark on the letter before


# The letters of the second column of forms.tsv, in the order the steps are taken.
_STEP_CODES = {
    "W": Step.WIDTH,
    "C": Step.CASE,
    "T": Step.TRADITIONAL,
    "L": Step.LOOKALIKE,
    "D": Step.DIGITS,
}
_CLASSES = tuple(CharacterClass)


def rows(name: str) -> Iterator[list[str]]:
    """Yield the rows of a table of `filters/data`, each as its columns."""
    text = files("filters").joinpath("data", name).read_text(encoding="utf-8")
    # Not splitlines: characters of the tables may be line ends to it.
    return (line.split("\t") for line in text.split("\n") if line and line[0] != "#")


def _read_forms() -> tuple[dict[str, str], dict[str, tuple[Step, ...]]]:
    # Undecodable bytes of a command line come as lone surrogates; no engine takes one.
    form = dict.fromkeys(map(chr, range(0xD800, 0xE000)), "\ufffd")
    steps: dict[str, tuple[Step, ...]] = dict.fromkeys(form, ())
    combinations: dict[str, tuple[Step, ...]] = {}
    for char, folded, codes in rows("forms.tsv"):
        form[char] = folded
        if codes not in combinations:
            combinations[codes] = tuple(map(_STEP_CODES.__getitem__, codes))
        steps[char] = combinations[codes]
    return form, steps


def _read_classes() -> dict[range, CharacterClass]:
    return {
        range(int(first, 16), int(last, 16) + 1): CharacterClass(name) for first, last, name in rows("classes.tsv")
    }


def _numbers(classes: dict[range, CharacterClass]) -> bytes:
    numbers = bytearray(CODES)
    for codes, own in classes.items():
        numbers[codes.start : codes.stop] = bytes((_CLASSES.index(own),)) * len(codes)
    return bytes(numbers)


def _read_syllables() -> dict[str, tuple[str, ...]]:
    syllables: dict[str, tuple[str, ...]] = {}
    for readings, characters in rows("readings.tsv"):
        syllables.update(dict.fromkeys(characters, tuple(readings.split(" "))))
    return syllables


# Every character that folds to something else, and what it took. Characters that are kept, and the letters of flags,
# which are kept in the reading in which signs are letters (`filters.reading`).
FORM, STEPS = _read_forms()
# Toneless readings of what Chinese characters fold to (digits among them: 四 folds to 4), most common first; ü is v.
SYLLABLES = _read_syllables()
# Digits and signs read as Latin letters, and l, which nobody tells from i: the letter that stands for their class.
LEET = dict(zip("01l|!34@5$7+892", "oiiiieaassttbgz", strict=True))
# Signs are dropped by folding, so their full-width forms have to be here too.
LEET |= dict(zip("｜！＠＄＋", "iiast", strict=True))

# Ranges of codes that are not kept.
_DROPPED = _read_classes()
_CLASS_NUMBERS = _numbers(_DROPPED)


def character_class(char: str) -> CharacterClass:
    """Return what matching does with a character."""
    return _CLASSES[_CLASS_NUMBERS[ord(char)]]


@cache
def fold_table() -> list[int | str | None]:
    """Return what each code point becomes, for `str.translate`.

    Returns:
        By code point: itself, a string where the form differs, or None where the character is dropped. It is shared:
        do not change it.
    """
    table: list[int | str | None] = list(range(CODES))
    for char, form in FORM.items():
        table[ord(char)] = form
    for codes in _DROPPED:
        table[codes.start : codes.stop] = [None] * len(codes)
    return table


@cache
def code_tables() -> NDArray[np.uint32]:
    """Return what each code point becomes, for arrays of code points.

    Returns:
        Shape ``(0x110000,)``: the code of the form, 0 where the character is dropped, `SEVERAL` where the form has
        several characters. It is read-only.
    """
    table = np.arange(CODES, dtype=np.uint32)
    for char, form in FORM.items():
        table[ord(char)] = ord(form) if len(form) == 1 else SEVERAL
    for codes in _DROPPED:
        table[codes.start : codes.stop] = 0
    table.flags.writeable = False
    return table


def class_numbers() -> bytes:
    """Return, by code point, the number of its class in the order of `CharacterClass`."""
    return _CLASS_NUMBERS


def fold(text: str) -> str:
    """Return the text as matching reads it, without what is dropped; for terms, not for texts with offsets."""
    return text.translate(fold_table())
