"""Compiling: what is looked for of each term, as patterns for automata.

There are three kinds of pattern. *Pairs* are spellings of one or two characters: so short, only the very characters
count, since any two syllables make a word. *Sounds* are longer Chinese ones, by classes. *Letters* are those of Latin
letters and digits alone, by classes too.

Terms are read in batches, one long text for each layer, since a call for every spelling of 100,000 terms would be
most of the time.
"""

from array import array
from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

from filters.characters import fold
from filters.entries import texts_of
from filters.findings import ROMANISED, Term
from filters.reading import class_text, without_runs

_PAIR = 2
_TRIPLE = 3
_BATCH_TERMS = 2_000
# Between the texts of a batch; no folded text has one.
_BETWEEN = "\n"


class Space(IntEnum):
    """What a pattern is made of."""

    PAIRS = 0
    SOUNDS = 1
    LETTERS = 2


class Patterns(NamedTuple):
    """The patterns of one kind that automata look for.

    Attributes:
        texts: the patterns, each once.
        owners: by pattern, the first term it is a spelling of.
        more: by position of a pattern, the other terms, where there are any.
    """

    texts: list[str]
    owners: "array[int]"
    more: dict[int, tuple[int, ...]]


class Owners(NamedTuple):
    """Patterns that are looked up.

    Attributes:
        first: by pattern, the first term it is a spelling of.
        more: by pattern, the other terms, where there are any.
    """

    first: dict[str, int]
    more: dict[str, tuple[int, ...]]

    def add(self, pattern: str, number: int) -> None:
        """Take a pattern of a term; terms come in order."""
        first = self.first.setdefault(pattern, number)
        if first != number:
            others = self.more.get(pattern, ())
            if number not in others:
                self.more[pattern] = (*others, number)

    def patterns(self) -> Patterns:
        """Return the same by position; a dictionary of all would be large, and nearly all have one owner."""
        texts = list(self.first)
        more = {at: self.more[text] for at, text in enumerate(texts) if text in self.more} if self.more else {}
        return Patterns(texts, array("I", self.first.values()), more)


class Compiled(NamedTuple):
    """The patterns of all terms, by kind (`Space`).

    Attributes:
        pairs: spellings of one or two characters.
        sounds: longer Chinese ones, by classes.
        letters: those of Latin letters and digits alone, by classes.
        plain: of these, the ones that are not only Chinese terms in Latin letters.
        triples: spellings of three characters that are looked for by classes, each with its classes behind it.
    """

    pairs: Owners
    sounds: Patterns
    letters: Patterns
    plain: frozenset[str]
    triples: list[str]


def compile_terms(terms: Sequence[Term]) -> Compiled:
    """Return the patterns of all terms.

    Args:
        terms: rows of the keyword lists that are looked for by spelling.

    Raises:
        ValueError: nothing of a term is left when it is folded; it would match everywhere.
    """
    pairs, sounds, letters = (Owners({}, {}) for _ in Space)
    plain: set[str] = set()
    triples: list[str] = []
    for start in range(0, len(terms), _BATCH_TERMS):
        texts, numbers, romanised = _folded(terms, start)
        skeletons = without_runs(_BETWEEN.join(texts))
        classes = class_text(skeletons).split(_BETWEEN)
        for skeleton, pattern, number, is_romanised in zip(
            skeletons.split(_BETWEEN), classes, numbers, romanised, strict=True
        ):
            if skeleton.isascii():
                letters.add(pattern, number)
                if not is_romanised:
                    plain.add(pattern)
            elif len(skeleton) > _PAIR:
                sounds.add(pattern, number)
                if len(skeleton) == _TRIPLE:
                    triples.append(skeleton + pattern)
            else:
                pairs.add(skeleton, number)
    return Compiled(pairs, sounds.patterns(), letters.patterns(), frozenset(plain), triples)


def pattern_of(skeleton: str) -> tuple[Space, str]:
    """Return the pattern of a skeleton, and its kind."""
    if skeleton.isascii():
        return Space.LETTERS, class_text(skeleton)
    if len(skeleton) <= _PAIR:
        return Space.PAIRS, skeleton
    return Space.SOUNDS, class_text(skeleton)


def _folded(terms: Sequence[Term], start: int) -> tuple[list[str], list[int], list[bool]]:
    """Return the texts that are looked for of a batch, folded; by text the position of its term, and if romanised."""
    texts: list[str] = []
    numbers: list[int] = []
    romanised: list[bool] = []
    for number, term in enumerate(terms[start : start + _BATCH_TERMS], start):
        for text, step, _ in texts_of(term):
            # What is spelled otherwise is made of folded text.
            texts.append(text if step else fold(text))
            numbers.append(number)
            romanised.append(step in ROMANISED)
    if "" in texts:
        raise ValueError(
            "a term must hold a letter, a digit or an ideograph: write what is made of signs alone as a pattern"
        )
    return texts, numbers, romanised
