"""Numbers of keywords."""

from filters.list_stats import Provenance, count_rows
from tests.filters.list_rows import ALLOW, list_row


def test_keywords_are_counted_by_risk_and_language() -> None:
    """A keyword of two languages counts for both, one of none as undetermined."""
    rows = [
        list_row("a1", "A.1.b", languages=frozenset({"zh", "en"})),
        list_row("a2", "A.1.a", languages=frozenset({"zh"})),
        list_row("a3", "A.1.b"),
    ]
    counted = count_rows(rows)
    assert counted.total == 3
    assert list(counted.by_risk.items()) == [("A.1.a", 1), ("A.1.b", 2)]
    assert counted.by_language == {"en": 1, "und": 1, "zh": 2}


def test_phrases_that_allow_are_no_keywords() -> None:
    """They make no list longer; their source counts all the same."""
    counted = count_rows([list_row(), ALLOW])
    assert (counted.total, counted.by_risk) == (1, {"A.1.h": 1})
    assert counted.by_kind == {"allow": 1, "literal": 1}
    assert counted.by_provenance == {Provenance("own", "own"): 2}


def test_sources_are_told_with_their_licences() -> None:
    """The same source under two licences is two lines of the table."""
    rows = [list_row("a1", source="x", licence="MIT"), list_row("a2", source="x", licence="Apache-2.0")]
    assert list(count_rows(rows).by_provenance) == [Provenance("x", "Apache-2.0"), Provenance("x", "MIT")]
