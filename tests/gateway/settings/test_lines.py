"""The line of a key is the line an editor shows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.settings.lines import key_lines

TEXT = '''# comment
top = 1

[a.b]  # a table
c = [
  "x", # ]
  "]",
]
"d.e".f = """
[no.table]
g = 1
"""
[[a.list]]
one = 1
[a.list.below]
two = { three = 3, four = { five = 5 } }
[[a.list]]

one = """]"""
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("top",), 2),
        (("a", "b"), 4),
        (("a", "b", "c"), 5),
        (("a", "b", "d.e", "f"), 9),
        (("a", "list", "0"), 13),
        (("a", "list", "0", "one"), 14),
        (("a", "list", "0", "below"), 15),
        (("a", "list", "0", "below", "two", "four", "five"), 16),
        (("a", "list", "1"), 17),
        (("a", "list", "1", "one"), 19),
    ],
)
def test_each_key_has_its_line(path: tuple[str, ...], line: int) -> None:
    """Also behind lists and texts of several lines, in lists of tables, and inside a table on one line."""
    assert key_lines(TEXT)[path] == line


def test_what_only_looks_like_a_key_has_none() -> None:
    """Text inside of a value is no table."""
    assert not [path for path in key_lines(TEXT) if "no" in path or "g" in path]


@given(st.lists(st.text("ab", min_size=1, max_size=4), unique=True), st.integers(0, 3))
def test_keys_one_a_line_have_the_number_of_their_line(names: list[str], blank: int) -> None:
    """However many lines stand between them."""
    text = ("\n" * (blank + 1)).join(f'{name} = [\n"]"]' for name in names)
    assert key_lines(text) == {(name,): 1 + place * (blank + 2) for place, name in enumerate(names)}
