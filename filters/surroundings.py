"""Surroundings: what stands around a place decides whether a term stands there.

Chinese is written without spaces, so a dictionary decides what a word is (rjieba: the algorithm and dictionary of
jieba): 大麻 does not stand in 大麻烦. Rules: only a window around a place is looked at, so the cost does not grow
with the text, and the answer is the same for every cutting of a stream.
"""

from itertools import accumulate, pairwise

import rjieba

from filters.characters import CharacterClass, class_numbers
from filters.entries import Entry, level
from filters.findings import Step
from filters.homophones import is_word
from filters.lexicon import Lexicon
from filters.locating import Edges, Place
from filters.reading import spell
from filters.scripts import is_common, is_ideograph

LEFT_CHARACTERS = 8
RIGHT_CHARACTERS = 4
# What cutting into words costs is bounded for each text: behind it a place counts as it stands.
_MOST_CUTS = 20_000
# Bound once: looking a member up in its enum takes longer than what is done with it.
_REPEATS = Step.REPEATS
_ANY, _LETTERS, _WORDS, _RARE = Edges
_INVISIBLE = list(CharacterClass).index(CharacterClass.INVISIBLE)
_UNSEEN = frozenset(chr(code) for code, number in enumerate(class_numbers()) if number == _INVISIBLE)
# What stands around nearly every place: characters that are seen, and spelled as dictionaries spell them.
_USUAL = frozenset(
    char
    for codes in (range(0x20, 0x7F), range(0x3000, 0xA000), range(0xFF00, 0xFF70))
    for char in map(chr, codes)
    if level(char) == char and char not in _UNSEEN
)
_PAIR = 2
_TRIPLE = 3
_PLAIN_CHARACTERS = 6


class Surroundings:
    """Looks around the places of one text.

    Args:
        lexicon: knows the phrases inside which a term does not count.
    """

    __slots__ = ("_allowances", "_cuts")

    def __init__(self, lexicon: Lexicon) -> None:
        self._allowances = lexicon.allowances
        self._cuts = 0

    def certain_at(self, entry: Entry, place: Place) -> int:
        """Return how long the text must be, unless it ends before, to look around a place.

        Args:
            entry: what stands there.
            place: where.
        """
        behind = 0 if place.edges is _ANY else RIGHT_CHARACTERS
        if not self._allowances:
            return place.end + behind
        for allowance in self._allowances.get(entry.kept, ()):
            behind = max(behind, len(allowance.text) - allowance.before - len(entry.kept))
        return place.end + behind

    def suit(self, entry: Entry, place: Place, text: str, base: int) -> bool:
        """Tell whether a term stands at a place.

        Args:
            entry: what was located.
            place: where.
            text: the text, or the window of it that is still at hand.
            base: offset of the window's first character.
        """
        edges = place.edges
        if edges is _ANY and not self._allowances:
            return True
        start, end = place.start - base, place.end - base
        if self._allowances and self._is_allowed(entry, text, start):
            return False
        if edges is _ANY:
            return True
        left = min(LEFT_CHARACTERS, start)
        window = text[start - left : end + RIGHT_CHARACTERS]
        is_usual = _USUAL.issuperset(window)
        if is_usual or _UNSEEN.isdisjoint(window):
            levelled, first, last = window if is_usual else level(window), left, left + end - start
        else:
            # Invisible characters would stand in the way of the dictionary, and hide the letter behind them.
            seen = [at for at, char in enumerate(window) if char not in _UNSEEN]
            levelled = level("".join([window[at] for at in seen]))
            first = sum(1 for at in seen if at < left)
            last = sum(1 for at in seen if at < left + end - start)
        # Where somebody repeats characters, those behind the last one are no other word.
        while _REPEATS in place.via and last < len(levelled) and levelled[last] == levelled[last - 1]:
            last += 1
        if _goes_on(levelled, first) or _goes_on(levelled, last):
            return False
        if place.edges is _LETTERS:
            return True
        # Read where they stand: what is levelled has lost the invisible characters between them.
        swapped = "".join([text[at - base] for at in place.swapped])
        swapped = swapped if is_usual else level(swapped)
        return self._is_word(levelled, first, last, place, swapped)

    def _is_allowed(self, entry: Entry, text: str, start: int) -> bool:
        """Tell whether the place is inside an allow phrase, written without anything between its characters."""
        for allowance in self._allowances.get(entry.kept, ()):
            begin = start - allowance.before
            if begin >= 0 and spell(text[begin : begin + len(allowance.text)])[0] == allowance.text:
                return True
        return False

    def _is_word(self, text: str, first: int, last: int, place: Place, swapped: str) -> bool:
        """Tell whether both ends of a place are ends of words, and no ordinary words only sound like the term."""
        if place.edges is _RARE and _is_ordinary(text[first:last], swapped):
            return False
        self._cuts += 1
        if self._cuts > _MOST_CUTS:
            return True
        cuts = [0, *accumulate(map(len, rjieba.cut(text, hmm=False)))]
        if first not in cuts or last not in cuts:
            return False
        inside = [end - begin for begin, end in pairwise(cuts) if first <= begin < last]
        # Where so much stands as listed, it matters no more that what was swapped makes words as well.
        listed = last - first - len(swapped)
        return place.edges is _WORDS or min(inside) < _PAIR or listed >= _PLAIN_CHARACTERS


def _is_ordinary(text: str, swapped: str) -> bool:
    """Tell at once, without cutting, what most places that only sound like a term are."""
    if len(text) > _TRIPLE:
        return False
    # With one character in its sound alone: 病毒 is a word, and 吗 stands behind anything.
    if is_word(text):
        return True
    common = {char for char in swapped if is_common(char)}
    if len(text) < _TRIPLE:
        return bool(common)
    # 和武器 is 和 before a word, and no 核武器; 要头丸 is nothing but 摇头丸.
    return (text[0] in common and is_word(text[1:])) or (text[-1] in common and is_word(text[:-1]))


def _goes_on(text: str, at: int) -> bool:
    """Tell whether a Latin word or a number runs over a position."""
    # Nearly all that stands there is an ideograph, which is asked first.
    return 0 < at < len(text) and _is_letter(text[at]) and _is_letter(text[at - 1])


def _is_letter(char: str) -> bool:
    return not is_ideograph(char) and char.isalnum()
