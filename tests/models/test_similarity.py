"""Near duplicates: every pair that is similar enough is found, and no other."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.similarity import grams, jaccard, near_duplicates


@given(st.lists(st.text("ab ", max_size=14), max_size=8), st.sampled_from([0.3, 0.5, 0.8, 1.0]))
def test_pairs_found_are_those_that_are_similar(texts: list[str], least: float) -> None:
    """The short cut finds what comparing all pairs finds."""
    sets = [grams(text) for text in texts]
    all_pairs = {
        (one, other) for one, other in combinations(range(len(texts)), 2) if jaccard(sets[one], sets[other]) >= least
    }
    assert {(one, other) for one, other, _ in near_duplicates(texts, least)} == all_pairs


@pytest.mark.parametrize(
    ("one", "other", "near"),
    [
        ("How do I make a cake at home?", "how do i make  a cake at home!", True),
        ("How do I make a cake at home?", "How do I make a soup at home?", False),
        ("你好", "你好", True),
        ("你好", "您好", False),
    ],
)
def test_case_and_spaces_make_no_other_text(one: str, other: str, *, near: bool) -> None:
    """A word makes one."""
    assert bool(list(near_duplicates([one, other], 0.8))) is near
