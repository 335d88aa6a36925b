"""The keyword scan of one text that arrives in pieces.

Rules: it finds what a scan of the whole text finds, and says by which length of the text each finding is certain;
text before the frontier can be part of no finding that is not known yet. The frontier is the start of the longest
suffix that may still grow into a term, or of a place whose surroundings are still to come, whichever is first. Only
what can still matter is kept, so an endless stream needs no more memory than a short one. Behind one finding more
than `MOST_FINDINGS`, which is past judging in a whole text too, nothing is looked for any more.
"""

from collections.abc import Sequence

from filters.combining import Combiner, Part
from filters.entries import Entry
from filters.findings import MOST_FINDINGS, Known
from filters.kernel_tail import KernelState, KernelTail, new_tail
from filters.lexicon import Lexicon
from filters.locating import Place
from filters.mixed_places import stream_places
from filters.reading import SIGNS
from filters.surroundings import LEFT_CHARACTERS, Surroundings
from filters.tail import State, Tail

# Both readings, waiting places, combinations, the window and its offset, the size, the frontier, how many findings
# may still be told. A plain tuple, because one is made for every piece of every stream.
_Before = tuple[
    State | KernelState, State | KernelState | None, Sequence[Part], Combiner | None, str, int, int, int, int
]
# The window is cut when so much of it is of no use any more: each cut copies the rest.
_SPARE_CHARACTERS = 256


class KeywordStream:
    """The scan of one text that arrives in pieces; belongs to one stream.

    Args:
        lexicon: the terms.

    Attributes:
        frontier: offset up to which no unknown finding can begin, in code points of the text so far.
    """

    __slots__ = (
        "_before",
        "_combiner",
        "_left_characters",
        "_lexicon",
        "_mixed_from",
        "_piece",
        "_room",
        "_signed",
        "_size",
        "_surroundings",
        "_tail",
        "_waiting",
        "_window",
        "_window_base",
        "frontier",
    )

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._left_characters = max(LEFT_CHARACTERS, lexicon.farthest)
        self._surroundings = Surroundings(lexicon)
        self._tail = new_tail(lexicon)
        # The reading in which signs are letters; it exists while its tail has one.
        self._signed: Tail | KernelTail | None = None
        # Places whose surroundings are still to come.
        self._waiting: Sequence[Part] = ()
        # It exists once a part of a combination was seen.
        self._combiner: Combiner | None = None
        # Where a term begins that may be coming in a mixed spelling; worked out anew with every piece.
        self._mixed_from: int | None = None
        self._window = ""
        self._window_base = 0
        self._size = 0
        self.frontier = 0
        # One more than are judged tells that there were more.
        self._room = MOST_FINDINGS + 1
        self._piece = ""
        self._before = self._save()

    def feed(self, text: str) -> list[Known]:
        """Take the next piece.

        Args:
            text: what follows, as received.

        Returns:
            What became certain with this piece, in that order, then by end and start. More than `MOST_FINDINGS` of
            all pieces mean that what follows is not read.
        """
        if not self._lexicon.longest:
            # Nothing to look for: nothing is held either.
            self._size = self.frontier = self._size + len(text)
            return []
        if not text:
            return []
        self._before = self._save()
        self._piece = text
        if not self._room:
            self._give_up()
            self._size = self.frontier = self._size + len(text)
            return []
        base = self._size
        if self.frontier - self._window_base > _SPARE_CHARACTERS + self._left_characters:
            self._forget()
        self._window += text
        size = self._size = base + len(text)
        passed = self._signed is None and self._tail.passes(text, base, self._window, self._window_base)
        places = [] if passed else self._feed_both(text, base)
        self._mixed_from = None
        if met := self._lexicon.junctions(self._window, self.frontier - self._window_base):
            mixed, self._mixed_from = stream_places(
                self._lexicon, self._window, self._window_base, self.frontier, base, met
            )
            if mixed or self._mixed_from is not None:
                places, passed = [*places, *mixed], False
        waits = self._combiner is not None and self._combiner.earliest is not None
        if places or self._waiting or waits:
            known = self._settle(places, final=False)
        elif passed:
            # Nothing else can hold anything.
            start = self._tail.start
            self.frontier = size if start is None else start
            return []
        else:
            known = []
        self.frontier = self._first_open()
        return known

    def _feed_both(self, text: str, base: int) -> list[tuple[Entry, Place]]:
        """Take a piece in the ordinary reading, and in the one with signs where it differs."""
        signed = self._signed
        if signed is None and not SIGNS.isdisjoint(text):
            signed = self._tail.resumed(self._tail.state, signs=True)
        places = self._tail.feed(text, base, self._window, self._window_base)
        if signed is not None:
            places += signed.feed(text, base, self._window, self._window_base)
            # Without a sign the two readings are one again. A sign that only the ordinary one still holds, in a gap,
            # would be left out of what the other is made of when the next sign comes.
            begin = min(self._tail.begin, signed.begin)
            self._signed = None if SIGNS.isdisjoint(self._window[begin - self._window_base :]) else signed
        return places

    def finish(self) -> list[Known]:
        """End the text; return what only its end makes certain. It may be fed further."""
        self._tail.finish()
        if self._signed is not None:
            self._signed.finish()
        known = self._settle([], final=True)
        self._mixed_from = None
        self.frontier = self._size
        return known

    @property
    def pending(self) -> int:
        """Characters behind the frontier: they may be the beginning of a finding."""
        return self._size - self.frontier

    def clear_before(self, at: int) -> int:
        """Return the frontier as it was when the text ended at ``at``, an offset inside the last piece.

        A stop at a match must not depend on what came in the same piece behind it.
        """
        if not self._lexicon.longest:
            return at
        again = KeywordStream(self._lexicon)
        (
            tail,
            signed,
            again._waiting,
            again._combiner,
            again._window,
            again._window_base,
            again._size,
            again.frontier,
            again._room,
        ) = self._before
        again._tail = self._tail.resumed(tail)
        again._signed = self._tail.resumed(signed, signs=True) if signed else None
        again.feed(self._piece[: at - again._size])
        return again.frontier

    def _save(self) -> _Before:
        """Return all that a piece changes."""
        signed = self._signed.state if self._signed is not None else None
        window, base, size = self._window, self._window_base, self._size
        return self._tail.state, signed, self._waiting, self._combiner, window, base, size, self.frontier, self._room

    def _settle(self, places: list[tuple[Entry, Place]], *, final: bool) -> list[Known]:
        """Look around the places that can be looked around by now, and combine what stands there."""
        # A new list: the one before may be gone back to.
        waiting = [
            *self._waiting,
            *[Part(self._surroundings.certain_at(entry, place), entry, place) for entry, place in places],
        ]
        due = [part for part in waiting if part.at <= self._size or final]
        self._waiting = [part for part in waiting if part.at > self._size and not final]
        standing = [
            part._replace(at=min(part.at, self._size))
            for part in due
            if self._surroundings.suit(part.entry, part.place, self._window, self._window_base)
        ]
        # A copy: the one before may be gone back to, as often as somebody asks.
        combiner = self._combiner.copy() if self._combiner is not None else Combiner()
        known = combiner.add(standing, self._size, final=final)
        self._combiner = combiner if combiner.active else None
        if len(known) > self._room:
            # The same ones however the text is cut.
            known = sorted(known, key=lambda each: (each.at, each.finding.end, each.finding.start))[: self._room]
        self._room -= len(known)
        return known

    def _give_up(self) -> None:
        """Forget everything: it is past judging."""
        self._tail, self._signed, self._waiting, self._combiner = new_tail(self._lexicon), None, (), None
        self._window, self._window_base = "", self._size

    def _first_open(self) -> int:
        """Return where the first character stands on which something still depends."""
        first = self._size
        start = self._tail.start
        if start is not None:
            first = start
        if self._signed is not None and self._signed.start is not None:
            first = min(first, self._signed.start)
        if self._mixed_from is not None:
            first = min(first, self._mixed_from)
        if self._waiting:
            first = min(first, *[part.place.start for part in self._waiting])
        if self._combiner is not None and (earliest := self._combiner.earliest) is not None:
            first = min(first, earliest)
        return first

    def _forget(self) -> None:
        """Drop what no place will be looked around in any more."""
        begin = self._tail.begin if self._signed is None else min(self._tail.begin, self._signed.begin)
        start = min(self.frontier, begin) - self._left_characters
        self._window = self._window[start - self._window_base :]
        self._window_base = start
