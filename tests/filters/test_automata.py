"""Automata: the engines find the same, which is what a naive search finds."""

from hypothesis import given, settings
from hypothesis import strategies as st

from filters.automata import Match, ReferenceAutomaton, build_finder

LETTERS = "ab甲乙\U00020000\ue000\ufffe"
PATTERNS = st.sampled_from([(LETTERS, 4), ("ab", 4)]).flatmap(
    lambda made_of: st.lists(st.text(made_of[0], min_size=1, max_size=made_of[1]), max_size=8, unique=True)
)


@given(st.text(LETTERS, max_size=40), PATTERNS)
@settings(max_examples=500, deadline=None)
def test_every_engine_finds_what_a_naive_search_finds(text: str, patterns: list[str]) -> None:
    """All occurrences, overlapping ones too, with offsets in characters, in order of their end."""
    expected = [
        Match(start, start + len(pattern), number)
        for number, pattern in enumerate(patterns)
        for start in range(len(text))
        if text.startswith(pattern, start)
    ]
    found = [Match(*each) for each in build_finder(patterns)(text)]
    assert sorted(found) == sorted(expected)
    assert [each.end for each in found] == sorted(each.end for each in expected)
    if patterns:
        reference = [Match(*each) for each in ReferenceAutomaton(patterns).find(text)]
        assert sorted(reference) == sorted(expected)
        assert [each.end for each in reference] == [each.end for each in found]


def test_an_engine_keeps_nothing_between_calls() -> None:
    """The end of one text and the beginning of the next make no match."""
    find = build_finder(["甲乙"])
    assert (find("甲"), find("乙"), [tuple(each) for each in find("甲乙")]) == ([], [], [(0, 2, 0)])
