"""Beginnings of matches, compared with what some further text makes a match."""

import itertools

import pytest
import re2

from filters.prefixes import LONGEST_EXPRESSION, shape_of

EXPRESSIONS = [
    "abc",
    "a|bc",
    "a?b?c",
    "(a|b)*c",
    "a{2}b{0,2}c",
    "a{2,}",
    "a{0}b",
    "(ab){1,2}",
    "(?:a?b?){2}c",
    "(?i:A)b",
    "(?i)A(?-i)b|c",
    "(?P<name>a)(?<other>b)c",
    "a+?b",
    "[ab]{2}",
    "[^a]b",
    "[]a]b",
    "[[:alpha:]]{2}",
    r"[\]a]b",
    r"\x61b",
    r"\x{61}b",
    r"\141b",
    r"\pLb",
    r"\p{Latin}b",
    "a.b",
    "a{,b",
    "()ab",
    "(a|)b",
]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_beginnings_are_what_further_text_makes_a_match(expression: str) -> None:
    """Exactly the proper, non-empty prefixes of all matches, as far as short texts can show."""
    whole, shape = re2.compile(expression), shape_of(expression)
    begun = re2.compile(shape.begun) if shape.begun is not None else None
    letters = "ab{," if "{," in expression else "abcA"
    texts = ["".join(each) for size in range(1, 6) for each in itertools.product(letters, repeat=size)]
    matches = [text for text in texts if whole.fullmatch(text)]
    expected = {text[:size] for text in matches for size in range(1, len(text))}
    found = {text for text in texts if len(text) < 3 and begun is not None and begun.fullmatch(text)}
    assert found == {text for text in expected if len(text) < 3}
    assert shape.shortest == min(map(len, matches))


@pytest.mark.parametrize(
    ("expression", "begun", "not_begun"),
    [
        (r"ab\b", ["a", "ab"], ["b", "aba"]),
        (r"a\Bb", ["a"], ["b", "aa"]),
        (r"ab$", ["a", "ab"], ["abc"]),
        (r"^ab", ["a"], ["ab"]),
        (r"a\z", ["a"], ["b"]),
        (r"\Aab", ["a"], ["b"]),
        ("a", [], ["a", "b"]),
        ("", [], ["a"]),
        (r"\b", [], ["a"]),
    ],
)
def test_a_look_at_what_follows_has_to_be_waited_for(expression: str, begun: list[str], not_begun: list[str]) -> None:
    """A match that asks for the next character is still a beginning; one that asks for the last one is not."""
    shape = shape_of(expression)
    engine = re2.compile(shape.begun) if shape.begun is not None else None
    assert [text for text in (*begun, *not_begun) if engine and engine.fullmatch(text)] == begun


@pytest.mark.parametrize(
    ("expression", "anchored"),
    [
        ("^a", True),
        ("a$", True),
        (r"\Aa", True),
        (r"a\z", True),
        ("(?m)^a$", False),
        (r"\ba", False),
        ("b|(a$)?c", True),
    ],
)
def test_expressions_that_ask_for_the_text_itself_are_known(expression: str, anchored: bool) -> None:  # noqa: FBT001 a parameter of the table
    """Of these, a match in a text need not be one in a longer text around it."""
    assert shape_of(expression).anchored is anchored


@pytest.mark.parametrize(
    "expression", ["a" * (LONGEST_EXPRESSION + 1), "(" * 21 + "a" + ")" * 21, r"a\Cb", r"\Qa.b\E"]
)
def test_what_cannot_be_cut_is_refused_with_a_remedy(expression: str) -> None:
    """Bounds, and the few constructs that are of no use in a list."""
    with pytest.raises(ValueError, match=r": (make two|write)"):
        shape_of(expression)
