"""Short terms: spellings of one or two characters that are not all Latin.

So short, only the very characters count, and what people type for one of the two (`filters.homophones`): spelled out,
the homophones would be twenty patterns for each term, so they are found by their classes and looked at again.
"""

from collections.abc import Collection, Iterator

from filters.homophones import is_same_sound, is_word, typed_like
from filters.reading import class_text


class ShortTerms:
    """The spellings of one or two characters.

    Args:
        owners: by spelling, the first term it belongs to.
        more: by spelling, the others, where there are any.

    Attributes:
        singles: spellings of one character.
        by_class: by the classes of a pair, all spellings that have them, one behind the other.
        longest: length of the longest spelling.
        firsts: characters that are, or are typed for, the first one of a pair.
    """

    __slots__ = ("_more", "_owners", "by_class", "firsts", "longest", "singles")

    def __init__(self, owners: dict[str, int], more: dict[str, tuple[int, ...]]) -> None:
        self._owners = owners
        self._more = more
        self.singles = frozenset(spelling for spelling in owners if len(spelling) == 1)
        self.longest = max(map(len, owners), default=0)
        self.by_class: dict[str, str] = {}
        for spelling in owners:
            if len(spelling) > 1:
                classes = class_text(spelling)
                self.by_class[classes] = self.by_class.get(classes, "") + spelling
        self.firsts = _firsts(spelling for spelling in owners if len(spelling) > 1)

    @property
    def spellings(self) -> Collection[str]:
        """All spellings."""
        return self._owners.keys()

    def written(self) -> Iterator[str]:
        """Yield all that may be written for a pair, as `owners` reads it; some more than once."""
        for pair in (spelling for spelling in self._owners if len(spelling) > 1):
            first, second = pair[0], pair[1]
            yield pair
            # A word is none (`filters.homophones`).
            yield from [char + second for char in typed_like(first) if char != first and not is_word(char + second)]
            yield from [first + char for char in typed_like(second) if char != second and not is_word(first + char)]

    def listed(self, spelling: str) -> tuple[int, ...]:
        """Return the terms that a spelling belongs to."""
        return self._owners[spelling], *self._more.get(spelling, ())

    def owners(self, written: str, classes: str) -> Iterator[tuple[str, int]]:
        """Yield what may be meant, by spelling and term, in order of the terms.

        Args:
            written: one or two characters of a skeleton.
            classes: their classes.
        """
        listed = self.by_class.get(classes, "")
        pairs = [listed[at : at + 2] for at in range(0, len(listed), 2)]
        meant = [pair for pair in pairs if pair == written or is_same_sound(pair, written)]
        if written in self.singles:
            meant.append(written)
        yield from sorted(
            (
                (spelling, number)
                for spelling in meant
                for number in (self._owners[spelling], *self._more.get(spelling, ()))
            ),
            key=lambda owner: owner[1],
        )


def _firsts(pairs: Iterator[str]) -> frozenset[str]:
    firsts: set[str] = set()
    for pair in pairs:
        firsts.add(pair[0])
        for other in typed_like(pair[0]):
            if other not in firsts and not is_word(other + pair[1]):
                firsts.add(other)
    return frozenset(firsts)
