"""Homophones of pairs of characters: only what people type counts, since any two syllables make a word.

Longer terms are found by their syllables (`filters.lexicon`), and need no such care.
"""

from functools import cache

import rjieba

from filters.characters import SYLLABLES, rows
from filters.scripts import is_common, is_ideograph

# Words that the segmenter's dictionary is too old for.
_MODERN = frozenset(row[0] for row in rows("modern.tsv"))


def is_word(text: str) -> bool:
    """Tell whether a text is a Chinese word."""
    return rjieba.has_word(text) or text in _MODERN


def is_same_sound(pair: str, written: str) -> bool:
    """Tell whether a pair may be written with another character of the same sound in one place.

    Words of the dictionary are none, nor is what has a character so common that it stands beside anything.

    Args:
        pair: two folded characters.
        written: two others.
    """
    at = 1 if pair[0] == written[0] else 0
    char, other = pair[at], written[at]
    if pair[1 - at] != written[1 - at] or other == char or not is_ideograph(char):
        return False
    return other in typed_like(char) and not is_word(written)


def typed_like(char: str) -> str:
    """Return the characters that people type by the sound of one, none where it has no sound."""
    return _typed().get(SYLLABLES.get(char, ("",))[0], "") if is_ideograph(char) else ""


@cache
def _typed() -> dict[str, str]:
    """Return, by syllable, the characters that people type: the first level of GB 2312, the commonest left out."""
    typed: dict[str, str] = {}
    for char, readings in SYLLABLES.items():
        if is_ideograph(char) and b"\xb0" <= char.encode("gb2312", "ignore")[:1] <= b"\xd7" and not is_common(char):
            typed[readings[0]] = typed.get(readings[0], "") + char
    return typed


def shares_sound(char: str, other: str) -> bool:
    """Tell whether two characters have a reading in common."""
    return not set(SYLLABLES.get(char, ())).isdisjoint(SYLLABLES.get(other, ()))
