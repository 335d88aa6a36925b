"""Resemblance: whether a piece of a skeleton may stand for a term, before anybody looks at the text around it.

Nearly all that shares the classes of a term is something else: other words of the same syllables, letters in the
middle of a word. That is told here, from the two strings alone, and remembered within a bound.
"""

from collections.abc import Iterable, Sequence

from filters.entries import Entry, entries_of
from filters.findings import Kind, Term
from filters.homophones import shares_sound
from filters.reading import SIGNS, class_text, skeleton_of
from filters.scripts import is_common, is_ideograph

# Bound once: looking a member up in its enum takes longer than what is done with it.
_ALL = Kind.ALL
_REMEMBERED_SPELLINGS = 16_384
_REMEMBERED_TERMS = 4_096
# Shorter words with a digit in them are names of things.
_LEET_LETTERS = 4
# Shorter terms keep half of their characters: any two syllables make a word.
_WHOLE_SOUNDS = 4
# Of the letters of a word, so many must be letters.
_LEET_SHARE = 0.3


class Resemblance:
    """What may stand for which term; shared by all texts that are scanned.

    Args:
        terms: the terms, by number.

    Attributes:
        known: by piece of a skeleton, the entries that it may stand for, as far as they were worked out.
    """

    __slots__ = ("_entries", "_listed", "_terms", "known")

    def __init__(self, terms: Sequence[Term]) -> None:
        self._terms = terms
        self._entries: dict[int, tuple[Entry, ...]] = {}
        self._listed: dict[str, tuple[Entry, ...]] = {}
        self.known: dict[str, tuple[Entry, ...]] = {}

    def of_short(self, written: str, owners: Iterable[tuple[str, int]]) -> tuple[Entry, ...]:
        """Work out the entries that one or two characters may stand for.

        Args:
            written: the characters.
            owners: spellings that they may be meant for, and the terms these belong to.
        """
        found = [
            entry
            for spelling, number in owners
            for entry in self._entries_of(number)
            # Parts of a combination are common words, and stand as they are listed.
            if entry.skeleton == spelling
            and (spelling == written or entry.term.kind is not _ALL)
            and resembles(entry, written)
        ]
        return self._remember(written, found)

    def of_pattern(self, written: str, numbers: Iterable[int]) -> tuple[Entry, ...]:
        """Work out the entries that a match of a longer pattern may stand for.

        Args:
            written: what the skeleton has where the pattern was found.
            numbers: the terms that the pattern belongs to.
        """
        classes = class_text(written)
        found = [
            entry
            for number in numbers
            if _is_worth_it(self._terms[number], written, classes)
            for entry in self._entries_of(number)
            if class_text(entry.skeleton) == classes and resembles(entry, written)
        ]
        return self._remember(written, found)

    def of_classes(self, classes: str, numbers: Iterable[int]) -> tuple[Entry, ...]:
        """Return the terms as listed, of some, that have these classes and repeat no character."""
        entries = self._listed.get(classes)
        if entries is None:
            if len(self._listed) >= _REMEMBERED_TERMS:
                self._listed.clear()
            entries = self._listed[classes] = tuple(
                entry
                for number in dict.fromkeys(numbers)
                for entry in self._entries_of(number)
                if entry.step is None and entry.part < 0 and not entry.runs and class_text(entry.skeleton) == classes
            )
        return entries

    def _remember(self, written: str, found: list[Entry]) -> tuple[Entry, ...]:
        if len(self.known) >= _REMEMBERED_SPELLINGS:
            self.known.clear()
        entries = self.known[written] = tuple(found)
        return entries

    def _entries_of(self, number: int) -> tuple[Entry, ...]:
        entries = self._entries.get(number)
        if entries is None:
            if len(self._entries) >= _REMEMBERED_TERMS:
                self._entries.clear()
            entries = self._entries[number] = tuple(entries_of(self._terms[number]))
        return entries


def resembles(entry: Entry, written: str) -> bool:
    """Tell whether a piece of a skeleton may stand for an entry that shares its classes.

    Args:
        entry: one of the entries of a pattern.
        written: what the skeleton has where the pattern was found.
    """
    # An expansion is a guess already; a guess at a guess finds anything.
    return entry.skeleton == written or (entry.step is None and _may_swap(entry.skeleton, written))


def _is_worth_it(term: Term, written: str, classes: str) -> bool:
    """Tell, without the other spellings of a term, which are dear, that most of these terms do not stand there."""
    own = skeleton_of(term.text)
    # What sounds like the term itself sounds like no spelling of it: these are of other syllables.
    return term.kind is _ALL or class_text(own) != classes or own == written or _may_swap(own, written)


def _may_swap(listed: str, written: str) -> bool:
    """Tell whether characters that only sound or look alike may stand for the listed ones."""
    swaps = [at for at, char in enumerate(listed) if char != written[at]]
    letters = [char for char in listed if not is_ideograph(char)]
    ideographs = len(listed) - len(letters)
    sounds = [at for at in swaps if is_ideograph(listed[at])]
    # An ideograph stands for an ideograph alone: 6 has the sound of 流, and is no 流 in a Latin word.
    if [at for at in swaps if is_ideograph(written[at])] != sounds:
        return False
    if not sounds:
        return _may_be_leet([written[at] for at in swaps], len(letters), ideographs)
    if len(sounds) != len(swaps):
        # With letters swapped too, it is another word.
        return False
    near = [at for at in sounds if not shares_sound(listed[at], written[at])]
    if 2 * len(sounds) > ideographs:
        # All of four or more may be of the very sound: so much comes about in no harmless text.
        return ideographs >= _WHOLE_SOUNDS and not near
    # 是同性恋 is no 死同性恋.
    return not any(is_common(written[at]) for at in near if at in {0, len(listed) - 1})


def _may_be_leet(signs: Sequence[str], letters: int, ideographs: int) -> bool:
    """Tell whether signs may stand for some of the letters of a term."""
    if ideographs:
        return True
    # Digits in a row are a number, and short words with a digit are names of things.
    short = letters < _LEET_LETTERS and not SIGNS.issuperset(signs)
    return not short and letters - len(signs) >= letters * _LEET_SHARE
