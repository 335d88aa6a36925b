"""Harmless sentences that look or sound like what lists forbid, and terms to hold against them.

The sentences and terms are in `tests/data`; the figures are those of `benchmarks/lookalikes.py`.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from filters.findings import Kind, Phase, Term
from filters.keywords import KeywordMatcher
from filters.lists import load_lists, shipped_lists
from tests.documents import ROOT

LOOKALIKES = "lookalikes.txt"
"""Sentences in which no term stands."""
SAME_WORDS = "same_words.txt"
"""Sentences with a term in another sense."""
_RISK = "A.1.a"
_WORD_IDEOGRAPHS = 3


class Hit(NamedTuple):
    """A sentence in which something is found.

    Attributes:
        sentence: the sentence.
        found: what is found, each as the term and the steps it took.
    """

    sentence: str
    found: tuple[str, ...]


def lines(name: str) -> list[str]:
    """Return the lines of a file of `tests/data`, but for comments."""
    text = (ROOT / "tests" / "data" / name).read_text(encoding="utf-8")
    return [line for line in text.split("\n") if line and not line.startswith("#")]


def conduct_terms() -> list[Term]:
    """Return made terms of forbidden conduct, all folds on; short and Latin ones are words."""
    return [Term(text, _RISK, kind=_kind(text)) for text in lines("conduct_terms.txt")]


def all_terms() -> list[Term]:
    """Return the terms of the shipped lists and the made ones."""
    return [*load_lists(shipped_lists(), datetime.now(UTC).date()), *conduct_terms()]


def hits(terms: Sequence[Term], sentences: Sequence[str]) -> list[Hit]:
    """Return the sentences in which one of the terms is found."""
    matcher = KeywordMatcher(terms, Phase.REQUEST)
    found = ((sentence, matcher.scan(sentence)) for sentence in sentences)
    return [
        Hit(sentence, tuple(f"{one.term and one.term.text} ({' '.join(one.via) or 'as listed'})" for one in findings))
        for sentence, findings in found
        if findings
    ]


def _kind(text: str) -> Kind:
    return Kind.WORD if text.isascii() or len(text) <= _WORD_IDEOGRAPHS else Kind.LITERAL
