"""One block of code, told from text with code in it, piece by piece."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.protocol.fences import Fence


def is_code(*pieces: str) -> bool:
    """Feed a text in pieces."""
    fence = Fence()
    for piece in pieces:
        fence.feed(piece)
    return fence.opened


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("```\nx\n```", True),
        ("```py\nx\n```\n \n", True),
        ("~~~~ py `x`\nx\n~~~\n~~~~", True),
        ("\n\n  ```js\n```", True),
        ("```py", True),
        ("```\nx\n``` y\nz", True),
        ("```\nx\n~~~\ny", True),
        ("``` a`b\nx\n```", False),
        ("```\nx\n```\nand text", False),
        ("```\nx\n```\n```\ny\n```", False),
        ("    ```\nx\n```", False),
        ("``\n", False),
        ("``", False),
        ("text\n```\nx\n```", False),
        ("", False),
        (" \n", False),
        ("```\n" + "x" * 1000 + "\n```\n", True),
        ("```\n" + "`" * 1000 + "\nx", False),
    ],
)
def test_code_is_one_block_and_nothing_else(text: str, *, code: bool) -> None:
    """As CommonMark 4.5 reads it."""
    assert is_code(text) is code
    assert is_code(*text) is code


@given(st.text("`~ \nax", max_size=40), st.lists(st.integers(0, 40), max_size=5))
def test_pieces_do_not_matter(text: str, cuts: list[int]) -> None:
    """A stream is read as its whole is."""
    edges = [0, *sorted(cuts), len(text)]
    assert is_code(*(text[begin:end] for begin, end in pairwise(edges))) is is_code(text)
