"""Homophones of pairs: what people type for them, and no words."""

import pytest
import rjieba

from filters.characters import SYLLABLES
from filters.homophones import same_sounds


@pytest.mark.parametrize(
    ("pair", "other", "listed"),
    [
        ("冰毒", "饼毒", True),
        ("冰毒", "冰读", True),
        ("冰毒", "病毒", False),  # a word
        ("冰毒", "冰毒", False),  # the pair itself
        ("冰毒", "饼读", False),  # both places at once
        ("冰毒", "邴毒", False),  # a character nobody types
        ("大麻", "大吗", False),  # stands behind anything
        ("ab", "ab", False),
        ("a毒", "a读", True),
    ],
)
def test_a_pair_is_listed_with_what_sounds_like_it(pair: str, other: str, *, listed: bool) -> None:
    """One place differs, by a character that is typed, and the whole is no word of the dictionary."""
    assert (other in set(same_sounds(pair))) is listed


def test_all_that_is_listed_sounds_the_same() -> None:
    """By the first reading of each character; nothing is listed twice."""
    found = list(same_sounds("冰毒"))
    assert len(set(found)) == len(found) > 10
    for other in found:
        assert [SYLLABLES[char][0] for char in other] == ["bing", "du"]
        assert sum(a != b for a, b in zip(other, "冰毒", strict=True)) == 1
        assert not rjieba.has_word(other)
