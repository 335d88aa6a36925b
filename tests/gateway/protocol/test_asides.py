"""Members that are set aside: encodings as a whole, spellings only while nothing was covered."""

import base64

import pytest
from hypothesis import given as generate
from hypothesis import settings
from hypothesis import strategies as st

from filters.findings import Action
from gateway.protocol.asides import Aside, is_base64, is_vector, may_show, put_back, set_aside, spelled
from gateway.protocol.judge import Judge
from gateway.protocol.policy import Policy
from tests.gateway.protocol.playbook import given, term


def test_encodings_come_back_and_spellings_only_where_they_may() -> None:
    """While the texts are scanned neither is in the document."""
    document = {"embedding": [1.0], "words": ["a"], "tokens": [7]}
    asides = [
        Aside(document, "embedding", [1.0]),
        Aside(document, "words", ["a"], None, spelling=True, texts=("a",)),
        Aside(document, "tokens", [7], [], spelling=True),
    ]
    set_aside(asides)
    assert document == {"embedding": None, "words": None, "tokens": []}
    assert spelled(asides) == ["a"]
    put_back(asides, spellings=False)
    assert document == {"embedding": [1.0], "words": None, "tokens": []}
    put_back(asides, spellings=True)
    assert document == {"embedding": [1.0], "words": ["a"], "tokens": [7]}


@pytest.mark.parametrize(("action", "shown"), [(Action.BLOCK, False), (Action.MASK, False), (Action.FLAG, True)])
def test_a_spelling_shows_nothing_that_would_be_acted_on(action: Action, *, shown: bool) -> None:
    """What is only flagged stays."""
    context = given([term("forbidden", action)])
    found = context.standing.ruleset.response.scan_all(["fine", "forbidden"])
    assert may_show(found, Judge(Policy(), observe=False)) is shown
    assert may_show(found, Judge(Policy(), observe=True))


@generate(st.binary(min_size=96, max_size=200))
@settings(max_examples=100, deadline=None)
def test_base64_is_known(data: bytes) -> None:
    """Whatever was encoded, with any padding."""
    assert is_base64(base64.b64encode(data).decode())
    assert is_base64(base64.b64encode(data).decode(), 4) is (len(data) % 4 == 0)


@pytest.mark.parametrize(
    "value",
    ["", "forbidden" * 4, "x" * 129, "x" * 131 + ".", "x" * 131 + "水", "x=" + "x" * 130, "x" * 125 + "===", None, 1],
)
def test_what_is_not_base64_is_text(value: object) -> None:
    """Short words of Latin letters are text too, though they could be decoded."""
    assert not is_base64(value)


@pytest.mark.parametrize(
    ("value", "known"),
    [([1, 0.5], True), ([], True), ([1, "forbidden"], False), ([[1]], False), ([True], False), ("1", False)],
)
def test_a_vector_holds_numbers_only(value: object, *, known: bool) -> None:
    """One text among the numbers, and it is scanned like any array."""
    assert is_vector(value) is known
