"""Folding levels case and width, one character for one."""

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.folding import fold

# Characters whose folding is special, or depends on neighbours elsewhere.
ODD = "aAＡａİIıΣσςß㎏ｶﾞガ　，\ud83d\ude00😀强"


def test_every_code_point_folds_to_one() -> None:
    """Offsets survive: no code point grows or vanishes, not even a lone surrogate."""
    assert all(len(fold(chr(code))) == 1 for code in range(sys.maxunicode + 1))


@given(st.text(st.one_of(st.sampled_from(ODD), st.characters())), st.text(st.sampled_from(ODD)))
@settings(max_examples=1000, deadline=None)
def test_folding_in_pieces_gives_the_pieces(left: str, right: str) -> None:
    """Folding is a homomorphism: the fold of a character depends on nothing beside it."""
    assert fold(left + right) == fold(left) + fold(right)
    assert fold(left) == "".join(map(fold, left))


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("FoRbidden", "forbidden"),
        ("ＦｏＲ　１，", "for 1,"),
        ("ΟΔΟΣ οδος", "οδοσ οδοσ"),
        ("İI", "ii"),
        ("ｱ", "ア"),
        ("强制", "强制"),
        ("a\ud83d", "a\ufffd"),
    ],
)
def test_case_and_width_are_levelled(text: str, folded: str) -> None:
    """Spellings that differ in case or width fold to the same; everything else stays."""
    assert fold(text) == folded
