"""Compiling: what is looked for of each term, as patterns for automata.

There are three kinds of pattern. *Pairs* are spellings of one or two characters: so short, only the very characters
count, since any two syllables make a word. *Sounds* are longer Chinese ones, by classes. *Letters* are those of Latin
letters and digits alone, by classes too.
"""

from collections.abc import Sequence
from enum import IntEnum

from filters.entries import texts_of
from filters.findings import Term
from filters.reading import class_text, skeleton_of

_PAIR = 2


class Space(IntEnum):
    """What a pattern is made of."""

    PAIRS = 0
    SOUNDS = 1
    LETTERS = 2


def compile_terms(terms: Sequence[Term]) -> list[tuple[dict[str, int], dict[str, tuple[int, ...]]]]:
    """Return the patterns of all terms by kind: each with its first owner, and the others where there are any.

    Args:
        terms: rows of the keyword lists that are looked for by spelling.

    Raises:
        ValueError: nothing of a term is left when it is folded; it would match everywhere.
    """
    owners: list[dict[str, int]] = [{}, {}, {}]
    more: list[dict[str, tuple[int, ...]]] = [{}, {}, {}]
    for number, term in enumerate(terms):
        for text, _, _ in texts_of(term):
            space, pattern = pattern_of(skeleton_of(text))
            first = owners[space].setdefault(pattern, number)
            if first != number and number not in more[space].get(pattern, ()):
                more[space][pattern] = (*more[space].get(pattern, ()), number)
    return list(zip(owners, more, strict=True))


def pattern_of(skeleton: str) -> tuple[Space, str]:
    """Return the pattern of a skeleton, and its kind.

    Raises:
        ValueError: the skeleton is empty.
    """
    if not skeleton:
        raise ValueError(
            "a term must hold a letter, a digit or an ideograph: write what is made of signs alone as a pattern"
        )
    if skeleton.isascii():
        return Space.LETTERS, class_text(skeleton)
    if len(skeleton) <= _PAIR:
        return Space.PAIRS, skeleton
    return Space.SOUNDS, class_text(skeleton)
