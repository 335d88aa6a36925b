"""Long texts as numbers: what is told of a part without making strings of it.

That the layers are those of a text read character by character is tested in `tests.filters.test_reading`.
"""

import pytest

from filters.long_text import LongText


@pytest.mark.parametrize(
    ("text", "part", "repeats"),
    [("abcd", (0, 4), False), ("abbcd", (0, 4), True), ("abbcd", (2, 4), False), ("abcdd", (2, 4), True)],
)
def test_repeats_are_told_of_a_part(text: str, part: tuple[int, int], *, repeats: bool) -> None:
    """Those at its ends count, those beside it do not."""
    assert LongText(text).has_repeats(*part) is repeats


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("xabcx", True),
        ("-abcx", True),
        ("xabc-", True),
        ("甲abc乙", False),
        ("-abc-", False),
        ("abc", False),
        ("x\u200babc", False),  # looked at in earnest
        ("xaabc", False),
        ("ddd abcx", True),
    ],
)
def test_the_middle_of_a_word_is_told_at_once(text: str, *, inside: bool) -> None:
    """Where letters go on right beside a part; where it is not as plain, somebody else has to look."""
    whole = LongText(text)
    first = whole.skeleton.index("abc")
    assert whole.is_within_word(first, first + 3) is inside
