"""The ruleset: everything detection works with, immutable and named by a digest.

A reload builds a new one and swaps the reference; an exchange ends with the ruleset it began with, and its digest is
in the exchange's record.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from filters.findings import Phase, Term
from filters.keywords import KeywordMatcher


@dataclass(frozen=True, slots=True)
class Ruleset:
    """What prompts and replies are scanned with.

    Attributes:
        digest: digest of the lists it was built from, ``sha256:`` and 64 hex digits.
        term_count: number of terms in it.
        request: matcher for prompts.
        response: matcher for replies.
    """

    digest: str
    term_count: int
    request: KeywordMatcher
    response: KeywordMatcher

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
    return Ruleset(digest, len(rows), KeywordMatcher(rows, Phase.REQUEST), KeywordMatcher(rows, Phase.RESPONSE))
