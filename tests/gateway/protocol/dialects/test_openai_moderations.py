"""What may be asked about, and what is said about anything else."""

from typing import Any

import orjson
import pytest

from gateway.errors import ErrorCode, RequestError
from gateway.protocol.dialects.base import Input
from gateway.protocol.dialects.openai_moderations import MOST_INPUTS, OpenAIModerations

IMAGE = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}


def _text(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


def _parse(**body: Any) -> tuple[Input, ...] | None:  # noqa: ANN401 any JSON value
    return OpenAIModerations().parse_request(orjson.dumps(body)).inputs


@pytest.mark.parametrize(
    ("given", "inputs"),
    [
        ("a", (Input("a"),)),
        ("", (Input(""),)),
        (["a", "b", ""], (Input("a"), Input("b"), Input(""))),
        ([_text("for"), _text("bidden")], (Input("forbidden"),)),
        ([_text("a"), IMAGE, _text("b")], (Input("ab", ("image_url",)),)),
        ([IMAGE, IMAGE], (Input("", ("image_url",)),)),
        (["x"] * MOST_INPUTS, (Input("x"),) * MOST_INPUTS),
    ],
    ids=["string", "empty string", "strings", "parts", "parts with an image", "images", "the most"],
)
def test_every_shape_of_input(given: object, inputs: tuple[Input, ...]) -> None:
    """Strings are inputs of their own; parts are one, as in a message of a chat."""
    assert _parse(input=given) == inputs


@pytest.mark.parametrize(("body", "model"), [({}, ""), ({"model": None}, ""), ({"model": "omni"}, "omni")])
def test_the_model_is_optional(body: dict[str, object], model: str) -> None:
    """It is recorded as asked for, and chooses nothing."""
    parsed = OpenAIModerations().parse_request(orjson.dumps({"input": "a"} | body))
    assert (parsed.model, parsed.streamed) == (model, False)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ([], "object"),
        ({}, "'input'"),
        ({"input": None}, "'input'"),
        ({"input": []}, "'input'"),
        ({"input": {"text": "a"}}, "'input'"),
        ({"input": ["a", 7]}, "'input[1]'"),
        ({"input": [1, 2]}, "'input[0]'"),
        ({"input": [_text("a"), "b"]}, "'input[1]'"),
        ({"input": ["a", _text("b")]}, "'input[1]'"),
        ({"input": [_text("a"), {"type": "audio"}]}, "'input[1]'"),
        ({"input": [{"type": "text"}]}, "'input[0].text'"),
        ({"input": ["a"] * (MOST_INPUTS + 1)}, str(MOST_INPUTS)),
        ({"input": "a", "model": 7}, "'model'"),
    ],
)
def test_what_cannot_be_judged_is_refused_by_its_place(body: object, said: str) -> None:
    """Nothing is passed over in silence, and no value is quoted."""
    with pytest.raises(RequestError, match="must") as refused:
        OpenAIModerations().parse_request(orjson.dumps(body))
    assert said in str(refused.value)
    assert refused.value.code is ErrorCode.INVALID_REQUEST


def test_a_body_that_is_no_json() -> None:
    """The same code as on every other route."""
    with pytest.raises(RequestError) as refused:
        OpenAIModerations().parse_request(b"no")
    assert refused.value.code is ErrorCode.NOT_JSON
