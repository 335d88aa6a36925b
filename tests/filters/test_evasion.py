"""Evasion: every way of writing a term, and every two of them together, is caught before a character of it leaves."""

from functools import cache

import pytest

from filters.findings import Phase, Step, Term
from filters.keyword_stream import KeywordStream
from filters.keywords import KeywordMatcher
from tests.filters.evasions import EVASIONS, GLUED, POSITIONS, Case, cases, chains, evade
from tests.filters.streaming import halves, shown_before_a_stop

TERMS = ("枪支弹药", "代开发票", "赌博网站", "forbidden", "cocaine")


@cache
def matcher(term: str) -> KeywordMatcher:
    """Build a matcher for one term."""
    return KeywordMatcher([Term(term, "A.1.a")], Phase.RESPONSE)


def is_caught(case: Case) -> bool:
    """Tell whether the term is found where it stands."""
    first, last = len(case.before), len(case.before) + len(case.written)
    return any(first <= found.start < found.end <= last for found in matcher(case.term).scan(case.text))


def table(term: str) -> list[Case]:
    """Return all cases of a term; between other characters where that may not hide it."""
    return [*cases([term]), *(case for case in cases([term], [GLUED]) if not case.guessed)]


@pytest.mark.parametrize("name", EVASIONS)
def test_an_evasion_says_what_it_needs(name: str) -> None:
    """The step that undoes it is in the finding, and a term that forbids the step is not found so."""
    steps = EVASIONS[name][1]
    written = {term: evade(term, [name], "seed") for term in (*TERMS, "三合会", "四海帮")}
    assert any(written.values())
    for term, text in written.items():
        if text is None or (term in {"三合会", "四海帮"} and name != "formal digits"):
            continue
        found = [set(each.via) for each in matcher(term).scan(text)]
        assert any(steps <= via for via in found), text
        strict = KeywordMatcher([Term(term, "A.1.a", folds_off=steps)], Phase.REQUEST)
        assert strict.scan(text) == []


@pytest.mark.parametrize("term", TERMS)
def test_every_evasion_and_every_two_are_caught(term: str) -> None:
    """In every position, in the whole text."""
    assert [case for case in table(term) if not is_caught(case)] == []


@pytest.mark.parametrize("term", TERMS)
def test_nothing_of_an_evasion_is_shown(term: str) -> None:
    """However the text is cut in two, a stop comes, and what was shown before it ends where the term begins."""
    # Each way of writing in one position, the positions in turn: all of them take minutes.
    for case in table(term)[:: len(POSITIONS) + 6]:
        for pieces in halves(case.text):
            shown, stop = shown_before_a_stop(KeywordStream(matcher(term).lexicon), pieces)
            assert stop is not None
            assert shown <= stop.finding.start, case
            # Repeats of the first character may stand before the place.
            assert "repeated" in case.names or shown <= len(case.before), case


def test_the_table_has_every_pair_but_those_at_odds() -> None:
    """An evasion is not missing because its pairs were forgotten."""
    names = list(chains())
    assert len(set(names)) == len(names) > 400
    assert {name for chain in names for name in chain} == set(EVASIONS)
    assert {step for _, steps in EVASIONS.values() for step in steps} == set(Step)
