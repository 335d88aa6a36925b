"""The tail of a stream where the kernel was built: where it begins, and nothing more.

The kernel reads the tail and the next piece again from the text as received, which costs less than keeping what was
read. Only where it proposes a place, or a place still grows, the tail is read by `filters.tail`.
"""

from typing import cast

from filters.entries import Entry
from filters.kernel import Layer
from filters.kernel_lexicon import KernelLexicon
from filters.lexicon import Lexicon
from filters.locating import Place
from filters.reading import Gap, spell, without_runs
from filters.tail import State, Tail

# Where the tail begins; where the first character stands that may become a term; what `filters.tail` knows of it,
# where a place grows.
KernelState = tuple[int, int | None, State | None]
_EMPTY: KernelState = (0, None, None)


class KernelTail:
    """One reading of the part of a stream that may still become a term.

    Args:
        lexicon: the terms.
        state: where to go on from.
        signs: True when signs are letters in this reading.

    Attributes:
        state: all that a piece changes, to go back to.
    """

    __slots__ = ("_lexicon", "_read", "_signs", "state")

    def __init__(self, lexicon: KernelLexicon, state: KernelState = _EMPTY, *, signs: bool = False) -> None:
        self._lexicon = lexicon
        self._read = lexicon.kernel.tail
        self._signs = signs
        self.state = state

    def resumed(self, state: object, *, signs: bool = False) -> "KernelTail":
        """Return a tail of the same terms that goes on from a state."""
        return KernelTail(self._lexicon, cast("KernelState", state), signs=signs)

    @property
    def start(self) -> int | None:
        """Offset of the first character that may still become a term; None where none may."""
        return self.state[1]

    @property
    def begin(self) -> int:
        """Offset of the first character of the tail; the length of the text where it is empty."""
        return self.state[0]

    def passes(self, _text: str, base: int, window: str, window_base: int) -> bool:
        """Take the next piece if nothing is proposed and no sign may be a letter; otherwise do nothing.

        It is for the reading without signs. The answer is that of `feed`, in a fraction of its time.

        Args:
            _text: the piece.
            base: its offset.
            window: the part of the text that is still at hand, the piece included.
            window_base: offset of its first character.
        """
        begin, _, growing = self.state
        if growing is not None:
            return False
        read = self._read(window, begin - window_base, base - window_base, 0)
        if read is None:
            return False
        begin, live, sign = read
        if sign >= 0:
            return False
        self.state = begin + window_base, live + window_base if live >= 0 else None, None
        return True

    def feed(self, text: str, base: int, window: str, window_base: int) -> list[tuple[Entry, Place]]:
        """Take the next piece; return the places that are new. The arguments are those of `passes`."""
        begin, _, growing = self.state
        if growing is None:
            layer = Layer.SIGNS if self._signs else Layer.PLAIN
            read = self._read(window, begin - window_base, base - window_base, layer)
            if read is not None:
                begin, live, _ = read
                self.state = begin + window_base, live + window_base if live >= 0 else None, None
                return []
            growing = self._spelled(begin, base, window, window_base)
        tail = Tail(self._lexicon, growing, signs=self._signs)
        places = tail.feed(text, base, window, window_base)
        # Where it is empty, no character has its beginning.
        begin = min(tail.begin, base + len(text))
        self.state = begin, tail.start, tail.state if tail.grows else None
        return places

    def finish(self) -> None:
        """End the text: a run that is too short stays so."""
        self.state = self.state[0], self.state[1], None

    def _spelled(self, begin: int, base: int, window: str, window_base: int) -> State:
        """Return what `filters.tail` knows of the tail before the piece at ``base``."""
        text = window[begin - window_base : base - window_base]
        kept, positions = spell(text, begin, signs=self._signs)
        gap = Gap()
        for char in text[positions[-1] + 1 - begin if positions else 0 :]:
            gap = gap.with_character(char)
        return kept, positions, (), len(without_runs(kept)), gap, self.state[1]


def new_tail(lexicon: Lexicon) -> Tail | KernelTail:
    """Return the tail of a stream that begins."""
    return KernelTail(lexicon) if isinstance(lexicon, KernelLexicon) else Tail(lexicon)
