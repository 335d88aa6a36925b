"""Compiling: what is looked for of each term, as patterns for automata.

There are three kinds of pattern. *Pairs* are spellings of one or two characters: so short, only the very characters
count, since any two syllables make a word. *Sounds* are longer Chinese ones, by classes. *Letters* are those of Latin
letters and digits alone, by classes too.

Rules: terms are read in batches, one long text for each layer, since a call for every spelling of 100,000 terms would
be most of the time; one kind is handed over after the other, so that what the automaton of one needs is given back
before the next.
"""

from array import array
from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import NamedTuple

from filters.characters import fold
from filters.entries import texts_of
from filters.findings import Kind, Step, Term
from filters.homophones import same_sounds
from filters.reading import class_text, without_runs

_PAIR = 2
_BATCH_TERMS = 2_000
# Between the texts of a batch; no folded text has one.
_BETWEEN = "\n"


class Space(IntEnum):
    """What a pattern is made of."""

    PAIRS = 0
    SOUNDS = 1
    LETTERS = 2


class Patterns(NamedTuple):
    """The patterns of one kind.

    Attributes:
        space: the kind.
        texts: the patterns, each once.
        owners: by pattern, the first term it is a spelling of.
        more: by position of a pattern, the other terms, where there are any.
    """

    space: Space
    texts: list[str]
    owners: "array[int]"
    more: dict[int, tuple[int, ...]]


class _Collected:
    """Patterns with their owners, while they are being collected."""

    __slots__ = ("_more", "_numbers")

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._more: dict[str, tuple[int, ...]] = {}

    def add(self, pattern: str, number: int) -> None:
        """Take a pattern of a term; terms come in order."""
        first = self._numbers.setdefault(pattern, number)
        if first != number:
            others = self._more.get(pattern, ())
            if number not in others:
                self._more[pattern] = (*others, number)

    def patterns(self, space: Space) -> Patterns:
        """Return them; there are none afterwards."""
        texts, owners = list(self._numbers), array("I", self._numbers.values())
        more = {at: self._more[text] for at, text in enumerate(texts) if text in self._more} if self._more else {}
        self._numbers, self._more = {}, {}
        return Patterns(space, texts, owners, more)


def compile_terms(terms: Sequence[Term]) -> Iterator[Patterns]:
    """Yield the patterns of all terms, kind by kind.

    Args:
        terms: rows of the keyword lists that are looked for by spelling.

    Raises:
        ValueError: nothing of a term is left when it is folded; it would match everywhere.
    """
    sounds, letters, pairs = _Collected(), _Collected(), _Collected()
    short: list[tuple[str, int, int]] = []
    for start in range(0, len(terms), _BATCH_TERMS):
        texts, numbers, own = _folded(terms, start)
        skeletons = without_runs(_BETWEEN.join(texts))
        classes = class_text(skeletons).split(_BETWEEN)
        for skeleton, pattern, number, alike in zip(skeletons.split(_BETWEEN), classes, numbers, own, strict=True):
            if skeleton.isascii():
                letters.add(pattern, number)
            elif len(skeleton) > _PAIR:
                sounds.add(pattern, number)
            else:
                short.append((skeleton, number, alike))
    yield sounds.patterns(Space.SOUNDS)
    yield letters.patterns(Space.LETTERS)
    # Last, since homophones are more than all others.
    for skeleton, number, alike in short:
        pairs.add(skeleton, number)
        for other in same_sounds(skeleton) if alike and len(skeleton) == _PAIR else ():
            pairs.add(other, number)
    yield pairs.patterns(Space.PAIRS)


def pattern_of(skeleton: str) -> tuple[Space, str]:
    """Return the pattern of a skeleton, and its kind."""
    if skeleton.isascii():
        return Space.LETTERS, class_text(skeleton)
    if len(skeleton) <= _PAIR:
        return Space.PAIRS, skeleton
    return Space.SOUNDS, class_text(skeleton)


def _folded(terms: Sequence[Term], start: int) -> tuple[list[str], list[int], bytearray]:
    """Return the texts that are looked for of a batch, by text its term and whether homophones are looked for too."""
    texts: list[str] = []
    numbers: list[int] = []
    own = bytearray()
    for number, term in enumerate(terms[start : start + _BATCH_TERMS], start):
        alike = term.kind is not Kind.ALL and Step.HOMOPHONES not in term.folds_off
        for text, step, _ in texts_of(term):
            # What is spelled otherwise is made of folded text.
            texts.append(text if step else fold(text))
            numbers.append(number)
            own.append(alike and not step)
    if "" in texts:
        raise ValueError(
            "a term must hold a letter, a digit or an ideograph: write what is made of signs alone as a pattern"
        )
    return texts, numbers, own
