"""Short terms: which spellings may be meant by one or two characters."""

import pytest

from filters.reading import class_text
from filters.short_terms import ShortTerms


@pytest.mark.parametrize(
    ("written", "owners"),
    [
        ("冰毒", [("冰毒", 0), ("冰毒", 3)]),
        ("饼毒", [("冰毒", 0), ("饼毒", 1), ("冰毒", 3)]),
        ("病毒", []),
        ("毒", [("毒", 2)]),
        ("读", []),
    ],
)
def test_spellings_are_found_by_their_very_characters_and_by_what_is_typed(
    written: str, owners: list[tuple[str, int]]
) -> None:
    """In order of the terms; a single character by itself alone."""
    short = ShortTerms({"冰毒": 0, "饼毒": 1, "毒": 2}, {"冰毒": (3,)})
    assert list(short.owners(written, class_text(written))) == owners
    assert (short.longest, len(short.spellings)) == (2, 3)


def test_the_first_character_of_a_pair_is_what_may_be_typed_for_it() -> None:
    """No single one, and nothing that makes a word of the pair."""
    assert {"冰", "饼"} <= ShortTerms({"冰毒": 0, "毒": 1}, {}).firsts
    assert not {"病", "毒"} & ShortTerms({"冰毒": 0, "毒": 1}, {}).firsts
