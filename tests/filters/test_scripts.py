"""Scripts: what kind of letter a character is."""

import pytest

from filters.scripts import is_common, is_ideograph, may_look_alike, script_of


@pytest.mark.parametrize(
    ("char", "ideograph", "script"),
    [
        ("毒", True, "CJK"),
        ("㐀", True, "CJK"),
        ("\U00020000", True, "CJK"),
        ("a", False, "LATIN"),
        ("а", False, "CYRILLIC"),
        ("ア", False, "KATAKANA"),
        ("7", False, "DIGIT"),
        ("\ue000", False, ""),
    ],
)
def test_a_character_has_a_script(char: str, script: str, *, ideograph: bool) -> None:
    """As its Unicode name says; characters without a name have none."""
    assert (is_ideograph(char), script_of(char)) == (ideograph, script)


def test_common_characters_are_those_of_every_text() -> None:
    """The particle is one, a poison is not."""
    assert is_common("的")
    assert not is_common("毒")


@pytest.mark.parametrize(
    ("chars", "letters", "marks", "alike"),
    [
        ("соса", "coca", True, False),  # a word of Cyrillic letters alone is Russian
        ("cоca", "coca", True, True),  # one of them among Latin ones is none
        ("cоca", "coca", False, True),
        ("año", "ano", False, False),  # a letter of its own in Spanish
        ("año", "ano", True, True),
        ("año", "año", False, True),  # listed so
        ("ⓐⓑ", "ab", False, True),
    ],
)
def test_letters_are_chosen_for_their_looks(chars: str, letters: str, *, marks: bool, alike: bool) -> None:
    """Mixed scripts are; a word of one script is a word of its language."""
    assert may_look_alike(chars, letters, marks=marks) is alike
