"""The ruleset: everything detection works with, immutable and named by a digest.

A reload builds a new one in another process and swaps the reference; an exchange ends with the ruleset it began with,
and its digest is in the exchange's record.
"""

import pickle
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from filters.findings import Phase, Term
from filters.keywords import KeywordMatcher

_PIECE_TERMS = 1_000
_LENGTH = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class Ruleset:
    """What prompts and replies are scanned with.

    Attributes:
        digest: digest of the lists it was built from, ``sha256:`` and 64 hex digits.
        terms: what is looked for.
        request: matcher for prompts.
        response: matcher for replies.
    """

    digest: str
    terms: tuple[Term, ...]
    request: KeywordMatcher
    response: KeywordMatcher

    @property
    def term_count(self) -> int:
        """Number of terms in it."""
        return len(self.terms)

    def matcher(self, phase: Phase) -> KeywordMatcher:
        """Return the matcher for one half of an exchange."""
        return self.request if phase is Phase.REQUEST else self.response


def build_ruleset(terms: Iterable[Term], digest: str) -> Ruleset:
    """Build the matchers.

    Args:
        terms: rows of the keyword lists.
        digest: digest of these rows (`filters.lists.list_digest`).

    Raises:
        ValueError: a term cannot be looked for.
    """
    rows = tuple(terms)
    request = KeywordMatcher(rows, Phase.REQUEST)
    return Ruleset(digest, rows, request, request if _shared(rows) else KeywordMatcher(rows, Phase.RESPONSE))


def dump_ruleset(ruleset: Ruleset) -> bytes:
    """Return a ruleset as bytes, for another process of the same release.

    Args:
        ruleset: what to hand over.
    """
    pieces = (pickle.dumps(part, pickle.HIGHEST_PROTOCOL) for part in _parts(ruleset))
    return b"".join(_LENGTH.pack(len(piece)) + piece for piece in pieces)


def load_ruleset(dump: bytes, pause: Callable[[], None]) -> Ruleset:
    """Return the ruleset that `dump_ruleset` made bytes of.

    Args:
        dump: bytes of `dump_ruleset`, from a process that is trusted like this one.
        pause: called between slices of the work, to let other threads have the interpreter.
    """
    parts = _read(dump, pause)
    digest, count, shared = next(parts)
    rows: list[Term] = []
    for _ in range(count):
        rows += next(parts)
    terms = tuple(rows)
    request = KeywordMatcher.restore(terms, Phase.REQUEST, parts)
    return Ruleset(
        digest, terms, request, request if shared else KeywordMatcher.restore(terms, Phase.RESPONSE, parts)
    )


def _shared(terms: tuple[Term, ...]) -> bool:
    """Tell whether one matcher serves both halves, as with nearly all lists."""
    return all(len(term.phases) == len(Phase) for term in terms)


def _parts(ruleset: Ruleset) -> Iterator[Any]:
    """Yield the ruleset in pieces, none of which takes long to read."""
    terms, shared = ruleset.terms, ruleset.request is ruleset.response
    pieces = [terms[start : start + _PIECE_TERMS] for start in range(0, len(terms), _PIECE_TERMS)]
    yield ruleset.digest, len(pieces), shared
    yield from pieces
    yield from ruleset.request.parts()
    if not shared:
        yield from ruleset.response.parts()


def _read(dump: bytes, pause: Callable[[], None]) -> Iterator[Any]:
    view, at = memoryview(dump), 0
    # Whoever reads knows from the pieces how many there are, and asks for no more.
    while True:
        (size,) = _LENGTH.unpack_from(view, at)
        at += _LENGTH.size
        yield pickle.loads(view[at : at + size])  # noqa: S301 our own child wrote it; no file and no network is between
        at += size
        pause()
