"""Combinations: what the text of a term of kind ``all`` says, and what it may not say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.combinations import MOST_PARTS, Combination, parse_combination


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("转账 & 验证码", Combination(("转账", "验证码"))),
        ("转账 & 验证码 ~20", Combination(("转账", "验证码"), within=20)),
        ("冰 & 货 & 到 ~8 - 冰箱 - 冰淇淋", Combination(("冰", "货", "到"), ("冰箱", "冰淇淋"), 8)),
        ("开盒 - 盲盒", Combination(("开盒",), ("盲盒",))),
        ("AT&T & e-mail", Combination(("AT&T", "e-mail"))),
        ("a~5 & b", Combination(("a~5", "b"))),
        ("a b & c d ~200", Combination(("a b", "c d"), within=200)),
    ],
)
def test_parts_distance_and_what_must_be_absent(text: str, expected: Combination) -> None:
    """The signs stand between spaces; inside a part they are characters like any other."""
    assert parse_combination(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("冰毒", "has one part only; add another with & or -"),
        ("a & ", "has an empty part or a space too many"),
        ("a  & b", "has an empty part or a space too many"),
        (" - b", "has an empty part or a space too many"),
        ("a &b", "has one part only"),
        ("a & b ~", "has a sign out of place"),
        ("a & b ~x", "has a sign out of place"),
        ("a ~5 & b", "has a sign out of place"),
        ("a & b - c ~5", "has a sign out of place"),
        ("a - b & c", "has a sign out of place"),
        ("a & b & -c", "has a sign out of place"),
        (f"a & {'b' * 65}", "has a part of 65 characters; shorten it to at most 64"),
        (" & ".join("abcdefghi"), "has 9 parts; keep to 8"),
        ("a & A", "names a part twice"),
        ("Ａ & b - a", "names a part twice"),
        ("a ~5 - b", "gives a distance to a single part"),
        ("a & b ~0", "gives the distance ~0; write 1 to 200"),
        ("a & bcd ~2", "gives the distance ~2; write 3 to 200"),
        ("a & b ~201", "gives the distance ~201; write 1 to 200"),
        ("a & b ~9999999999", "has a sign out of place"),
    ],
)
def test_refusal_says_what_to_do(text: str, expected: str) -> None:
    """What can match nothing, or something else than it looks like, is no combination."""
    with pytest.raises(ValueError, match="^" + expected.replace("(", r"\(")):
        parse_combination(text)


_part = st.text("abc中文", min_size=1, max_size=6)


@given(
    st.lists(_part, min_size=2, max_size=MOST_PARTS, unique=True),
    st.integers(min_value=1, max_value=MOST_PARTS),
    st.none() | st.integers(min_value=6, max_value=200),
)
def test_what_was_written_is_read(parts: list[str], wanted: int, within: int | None) -> None:
    """Any combination within the bounds is read as it was meant."""
    combination = Combination(tuple(parts[:wanted]), tuple(parts[wanted:]), within if wanted > 1 else None)
    text = " & ".join(combination.parts)
    if combination.within is not None and len(combination.parts) > 1:
        text += f" ~{combination.within}"
    text += "".join(f" - {part}" for part in combination.absent)
    if len(parts[:wanted]) + len(parts[wanted:]) >= 2:
        assert parse_combination(text) == combination


@given(st.text(" &~-ab1", max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text, however odd, fails in another way, and what is read keeps its promises."""
    try:
        combination = parse_combination(text)
    except ValueError:
        return
    assert combination.parts
    assert 2 <= len(combination.parts) + len(combination.absent) <= MOST_PARTS
    assert all(part == part.strip() for part in (*combination.parts, *combination.absent))
