"""A glance: which places of a long text are worth a look, told from numbers alone.

What stands at nearly every place of a text begins no term. Here each place is looked up in tables that have a mark
for every beginning there is: the first three classes of a longer Chinese term; either character of a pair, beside the
class of the other one. Different beginnings may share a mark, so a place that has none is clean for certain, and one
that has is looked at in earnest (`filters.lexicon`).

The place in a table is a sum of numbers, one for each character; that takes the fewest passes over the text, and each
pass over a short one costs as much as a look at several characters.
"""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from filters.long_text import Codes
from filters.reading import class_text

_BMP = 0x10000
# Characters of the other planes share a number with one of the basic plane.
_LOW = _BMP - 1
_TRIPLE = 3
_NUMBERS = 1 << 20


def _scattered(seed: int) -> Codes:
    """Return a number for each code that tells nothing of the codes beside it: sums of such ones seldom meet."""
    codes = np.arange(_BMP, dtype=np.uint32) + np.uint32(seed)
    for factor in (0x85EBCA6B, 0xC2B2AE35):  # the last steps of MurmurHash3
        codes ^= codes >> np.uint32(15)
        codes *= np.uint32(factor)
    return (codes >> np.uint32(12)).astype(np.intp)


_OWN = _scattered(1)
_SOUND = _scattered(1 + _BMP)


class Places(NamedTuple):
    """Where a look is worth it, as positions in the skeleton.

    Attributes:
        singles: a term of one character.
        pairs: one of two.
        sounds: a longer Chinese one begins.
    """

    singles: list[int]
    pairs: list[int]
    sounds: list[int]


class Glance:
    """Marks of all beginnings.

    Args:
        short: spellings of one or two characters.
        sounds: classes of longer Chinese ones.
    """

    __slots__ = ("_firsts", "_seconds", "_singles", "_triples")

    def __init__(self, short: Collection[str], sounds: Collection[str]) -> None:
        pairs = "".join([spelling for spelling in short if len(spelling) > 1])
        own, sound = _numbers(pairs), _numbers(class_text(pairs), _SOUND)
        self._firsts = _marks(own[::2] + sound[1::2], 2)
        self._seconds = _marks(sound[::2] + own[1::2], 2)
        singles = _numbers("".join([spelling for spelling in short if len(spelling) == 1]))
        self._singles = _marks(singles, 1) if len(singles) else None
        triples = _numbers("".join([pattern[:_TRIPLE] for pattern in sounds]), _SOUND)
        self._triples = _marks(triples[::3] + 2 * triples[1::3] + 4 * triples[2::3], 7)

    def places(self, skeleton: Codes, classes: Codes) -> Places:
        """Return the places that have a mark.

        Args:
            skeleton: code points of a skeleton.
            classes: code points of its classes.
        """
        own, sound = _OWN[skeleton & _LOW], _SOUND[classes & _LOW]
        pairs = self._firsts[own[:-1] + sound[1:]] | self._seconds[sound[:-1] + own[1:]]
        twice = sound + sound
        triples = self._triples[(sound[:-1] + twice[1:])[:-1] + (twice + twice)[2:]]
        singles = [] if self._singles is None else self._singles[own].nonzero()[0].tolist()
        return Places(singles, pairs.nonzero()[0].tolist(), triples.nonzero()[0].tolist())


def _numbers(text: str, table: Codes = _OWN) -> Codes:
    numbers: Codes = table[np.frombuffer(text.encode("utf-32-le"), np.uint32) & _LOW]
    return numbers


def _marks(places: Codes, most: int) -> npt.NDArray[np.bool_]:
    table = np.zeros(most * _NUMBERS, np.bool_)
    table[places] = True
    return table
