"""Tests of `gateway.standin.tokens`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.standin.tokens import is_english, split_across, split_tokens, split_unevenly


@given(st.text())
def test_cutting_loses_nothing(text: str) -> None:
    """Joined pieces are the text, whatever it holds."""
    assert "".join(split_tokens(text)) == text
    assert "".join(split_unevenly(text)) == text


@given(st.text(), st.text(), st.text())
def test_cutting_across_a_term_loses_nothing(before: str, term: str, after: str) -> None:
    """Joined pieces are the sentence around the term, even where a part of it is empty."""
    assert "".join(split_across(before, term, after)) == before + term + after


def test_tokens_are_chinese_characters_and_words() -> None:
    """A Chinese character is a token of its own, a word is one with the space before it."""
    assert split_tokens("水闸, two  words。\n") == ("水", "闸", ",", " two", "  words", "。", "\n")


def test_no_piece_of_a_cut_term_holds_two_of_its_characters() -> None:
    """The term's first and last character share pieces with the neighbours, the others stand alone."""
    assert split_across("这里可以", "出售冰毒", "，请来") == (
        "这",
        "里",
        "可",
        "以出",
        "售",
        "冰",
        "毒，",
        "请",
        "来",
    )


@pytest.mark.parametrize(
    ("text", "english"),
    [
        ("What is a sluice?", True),
        ("水闸是什么？", False),
        ("sluice 是什么？", False),
        ("", False),
        ("12 + 3", False),
    ],
)
def test_language_of_a_text(text: str, english: bool) -> None:  # noqa: FBT001 - a parameter of the table
    """English needs Latin letters and no Chinese character; everything else is answered in Chinese."""
    assert is_english(text) is english
