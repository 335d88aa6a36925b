"""Texts known to be clean: clients send a conversation whole with every turn, and only what is new is scanned.

Rules: what is remembered says exactly what a scan would say; only texts without findings are remembered, since a
finding is rare and its rescan cheap; a text is known by a digest that nobody outside can compute, bound to what it
was scanned with, and is itself never kept; who was seen least recently goes first. The loop and the document thread
of one worker share it: each step is a single one on one table.
"""

from collections import OrderedDict
from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

from filters.findings import MOST_FINDINGS, Finding, Findings

# A look-up takes 1.5 to 2 µs here and 2 to 10 ns a character; reading so much Chinese takes twice that.
SHORTEST_CHARACTERS = 64
# Digests are made on the event loop: at 10 ns a character of Chinese this is 2 ms. The rest is scanned in the pool.
MOST_CHARACTERS = 200_000
# About 9 MB: each is a digest of 16 bytes and its place in a table, however long its text.
MOST_TEXTS = 65_536
# Against chance enough: who could make two texts of one digest would need the key.
_DIGEST_BYTES = 16


class Unread(NamedTuple):
    """The texts of a document that have to be scanned.

    Attributes:
        texts: these texts.
        places: their numbers among all texts of the document.
        digests: what each is remembered by once it is found clean; empty for a text that is not remembered.
        total: how many texts the document has.
    """

    texts: tuple[str, ...]
    places: tuple[int, ...]
    digests: tuple[bytes, ...]
    total: int

    @property
    def characters(self) -> int:
        """How long they are together."""
        return sum(map(len, self.texts))

    @property
    def hits(self) -> int:
        """How many texts need no scan."""
        return self.total - len(self.texts)

    @property
    def misses(self) -> int:
        """How many texts were looked up in vain."""
        return len(self.digests) - self.digests.count(b"")


def all_unread(texts: Sequence[str]) -> Unread:
    """Return the texts of a document that nobody sends again, such as a reply."""
    return Unread(tuple(texts), tuple(range(len(texts))), (b"",) * len(texts), len(texts))


class VerdictMemory:
    """Remembers clean texts, up to a bound.

    Args:
        key: secret of this process, at most 64 bytes: with it nobody can look for texts that share a digest.
        limit: most texts remembered; each takes the same few bytes.
    """

    __slots__ = ("_clean", "_key", "_limit")

    def __init__(self, key: bytes = b"", limit: int = MOST_TEXTS) -> None:
        self._key = key
        self._limit = limit
        # Ordered by when a text was last seen; the values say nothing.
        self._clean: OrderedDict[bytes, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._clean)

    def unread(self, scope: str, texts: Sequence[str], *, shortest: int = SHORTEST_CHARACTERS) -> Unread:
        """Return which texts of a document have to be scanned.

        Args:
            scope: names everything a finding depends on besides the text: the digest of the ruleset or of the model,
                the phase or the side.
            texts: all texts of the document.
            shortest: length in characters from which on a look-up costs less than the scan it saves.
        """
        # Most requests are short, and pay one look for what they have no use for.
        if max(map(len, texts), default=0) < shortest:
            return all_unread(texts)
        seed = None
        room = MOST_CHARACTERS
        kept: list[tuple[str, int, bytes]] = []
        for place, text in enumerate(texts):
            digest = b""
            if shortest <= len(text) <= room:
                room -= len(text)
                # Copied for each text, which costs less than to begin anew with key and scope.
                seed = seed or blake2b(f"{scope}\0".encode(), key=self._key, digest_size=_DIGEST_BYTES)
                hasher = seed.copy()
                hasher.update(text.encode())
                digest = hasher.digest()
                if self._knows(digest):
                    continue
            kept.append((text, place, digest))
        if not kept:
            return Unread((), (), (), len(texts))
        unread, places, digests = zip(*kept, strict=True)
        return Unread(unread, places, digests, len(texts))

    def _knows(self, digest: bytes) -> bool:
        try:
            self._clean.move_to_end(digest)
        # Not asked first: between two looks, the other thread may forget what was there.
        except KeyError:
            return False
        return True

    def settle(self, unread: Unread, findings: Findings) -> Findings:
        """Remember what was found clean; return the findings of every text of the document.

        Args:
            unread: what was scanned.
            findings: what was found in each of these texts, in their order.
        """
        # Behind more findings than are judged, texts were not read: nothing found in them means nothing.
        if sum(map(len, findings)) <= MOST_FINDINGS:
            for digest, found in zip(unread.digests, findings, strict=True):
                if digest and not found:
                    self._clean[digest] = None
            while len(self._clean) > self._limit:
                self._clean.popitem(last=False)
        if len(findings) == unread.total:
            return findings
        everywhere: list[tuple[Finding, ...]] = [()] * unread.total
        for place, found in zip(unread.places, findings, strict=True):
            everywhere[place] = found
        return tuple(everywhere)
