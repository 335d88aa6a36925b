"""Homophones of pairs: what people type for them, and no words."""

import pytest

from filters.homophones import is_same_sound, is_word, typed_like


@pytest.mark.parametrize(
    ("pair", "other", "same"),
    [
        ("冰毒", "饼毒", True),
        ("冰毒", "冰读", True),
        ("冰毒", "病毒", False),  # a word
        ("大麻", "大码", False),  # a word of late
        ("冰毒", "冰毒", False),  # the pair itself
        ("冰毒", "饼读", False),  # both places at once
        ("冰毒", "邴毒", False),  # a character nobody types
        ("大麻", "大吗", False),  # stands behind anything
        ("ab", "ac", False),
        ("a毒", "a读", True),
    ],
)
def test_a_pair_may_be_written_with_what_sounds_like_it(pair: str, other: str, *, same: bool) -> None:
    """One place differs, by a character that is typed, and the whole is no word of the dictionary."""
    assert is_same_sound(pair, other) is same


@pytest.mark.parametrize(("text", "word"), [("病毒", True), ("网购", True), ("饼毒", False)])
def test_words_are_those_of_the_dictionary_and_younger_ones(text: str, *, word: bool) -> None:
    """What is a word is no misspelling of another."""
    assert is_word(text) is word


@pytest.mark.parametrize(("char", "other", "typed"), [("冰", "饼", True), ("冰", "邴", False), ("b", "b", False)])
def test_what_is_typed_for_a_character_sounds_like_it(char: str, other: str, *, typed: bool) -> None:
    """Rare characters of the same sound are not typed, and letters have none."""
    assert (other in typed_like(char)) is typed
