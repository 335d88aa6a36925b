"""Homophones of short terms: pairs of characters are spelled out, since any two syllables make a word.

Longer terms are found by their syllables (`filters.lexicon`), which needs no list of spellings.
"""

from collections.abc import Iterator
from functools import cache

import rjieba

from filters.characters import SYLLABLES
from filters.scripts import is_common, is_ideograph


def same_sounds(pair: str) -> Iterator[str]:
    """Yield what a pair is written as with another character of the same sound in one place.

    Words of the dictionary are left out, and characters so common that they stand beside anything.

    Args:
        pair: two folded characters.
    """
    for at, char in enumerate(pair):
        for other in _typed().get(SYLLABLES.get(char, ("",))[0], "") if is_ideograph(char) else "":
            written = pair[:at] + other + pair[at + 1 :]
            if other != char and not rjieba.has_word(written):
                yield written


@cache
def _typed() -> dict[str, str]:
    """Return, by syllable, the characters that people type: the first level of GB 2312, the commonest left out."""
    typed: dict[str, str] = {}
    for char, readings in SYLLABLES.items():
        if is_ideograph(char) and b"\xb0" <= char.encode("gb2312", "ignore")[:1] <= b"\xd7" and not is_common(char):
            typed[readings[0]] = typed.get(readings[0], "") + char
    return typed
