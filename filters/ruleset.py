"""The ruleset: everything detection works with, immutable and named by a digest.

A reload builds a new one and swaps the reference; an exchange ends with the ruleset it began with, and its digest is
in the exchange's record.
"""

import pickle
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from filters.findings import Phase, Term
from filters.keywords import KeywordMatcher


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
    """
    rows = tuple(terms)
    return Ruleset(digest, rows, KeywordMatcher(rows, Phase.REQUEST), KeywordMatcher(rows, Phase.RESPONSE))


def dump_ruleset(ruleset: Ruleset) -> bytes:
    """Return a ruleset as bytes, for another process of the same release.

    Args:
        ruleset: what to hand over.
    """
    return pickle.dumps((ruleset.digest, ruleset.terms), pickle.HIGHEST_PROTOCOL)


def load_ruleset(dump: bytes, pause: Callable[[], None]) -> Ruleset:
    """Return the ruleset that `dump_ruleset` made bytes of.

    Args:
        dump: bytes of `dump_ruleset`, from a process that is trusted like this one.
        pause: called between slices of the work, to let other threads have the interpreter.
    """
    digest, terms = pickle.loads(dump)  # noqa: S301 our own child wrote it; no file and no network is in between
    pause()
    return build_ruleset(terms, digest)
