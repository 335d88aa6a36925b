"""Embeddings: inputs of every form, and vectors where the format has them."""

from typing import Any

import orjson
import pytest

from gateway.errors import RequestError
from gateway.protocol.dialects.openai_embeddings import OpenAIEmbeddings, vectors_of

PACKED = "AACAPw" * 64  # 384 characters of base64: 288 bytes, 72 numbers


def parse(**members: Any) -> Any:  # noqa: ANN401 any JSON
    """Read a request."""
    return OpenAIEmbeddings().parse_request(orjson.dumps({"model": "m", **members}))


@pytest.mark.parametrize(
    ("value", "hint", "unread"), [("水", "水", False), (["a", "水"], "水", False), ([1], "", True), ([[1]], "", True)]
)
def test_inputs(value: Any, hint: str, unread: bool) -> None:  # noqa: ANN401, FBT001 a row of the table
    """Texts are read; tokens are told."""
    request = parse(input=value)
    assert (request.language_hint, request.unread is not None, request.streamed) == (hint, unread, False)


@pytest.mark.parametrize("members", [{}, {"input": []}, {"input": {"text": "x"}}, {"input": "x", "stream": 1}])
def test_a_request_without_input_is_refused(members: dict[str, Any]) -> None:
    """The message names the member."""
    with pytest.raises(RequestError, match=r"'input'|'stream'"):
        parse(**members)


@pytest.mark.parametrize(
    ("rows", "count"),
    [
        ([{"embedding": [1, 0.5]}, {"embedding": PACKED}], 2),
        ([{"embedding": "forbidden"}, {"embedding": [["x"]]}, {"embedding": None}, {}, "x", {"vector": [1]}], 0),
        ([{"embedding": PACKED + "AACA"}], 0),
        ({"embedding": [1]}, 0),
        (None, 0),
    ],
)
def test_vectors_are_known_by_place_and_form(rows: Any, count: int) -> None:  # noqa: ANN401 any JSON
    """Numbers, or base64 of whole numbers of 32 bits; anything else is scanned."""
    asides = vectors_of({"data": rows})
    assert len(asides) == count
    assert all(aside.container[aside.key] is aside.value and not aside.spelling for aside in asides)
