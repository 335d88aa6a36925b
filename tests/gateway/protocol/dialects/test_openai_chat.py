"""OpenAI chat completions."""

from typing import Any

import pytest

from gateway.errors import ErrorCode, RequestError
from gateway.protocol.dialects.base import Identity
from gateway.protocol.dialects.openai_chat import OpenAIChat
from tests.gateway.protocol.playbook import request

DIALECT = OpenAIChat()
IDENTITY = Identity("req-1", "m", 1)


@pytest.mark.parametrize(
    ("body", "code", "named"),
    [
        (b"", ErrorCode.NOT_JSON, ""),
        (b"{", ErrorCode.NOT_JSON, ""),
        (b'{"model": NaN}', ErrorCode.NOT_JSON, ""),
        (b'{"model": "\xff"}', ErrorCode.NOT_JSON, ""),
        (b'{"model": "\\ud83d"}', ErrorCode.NOT_JSON, ""),
        (b'{"a":' * 300 + b"1" + b"}" * 300, ErrorCode.NOT_JSON, ""),
        (b"[]", ErrorCode.INVALID_REQUEST, "object"),
        (b"{}", ErrorCode.INVALID_REQUEST, "'model'"),
        (b'{"model": ""}', ErrorCode.INVALID_REQUEST, "'model'"),
        (request(stream="yes"), ErrorCode.INVALID_REQUEST, "'stream'"),
        (request(messages=[]), ErrorCode.INVALID_REQUEST, "'messages'"),
        (request(messages="x"), ErrorCode.INVALID_REQUEST, "'messages'"),
        (request(messages=["x"]), ErrorCode.INVALID_REQUEST, "'messages[0]'"),
        (request(messages=[{"content": "secret"}]), ErrorCode.INVALID_REQUEST, "'messages[0]'"),
        (request({"secret": 1}), ErrorCode.INVALID_REQUEST, "'messages[0].content'"),
        (request(5), ErrorCode.INVALID_REQUEST, "'messages[0].content'"),
    ],
)
def test_a_malformed_request_is_named_and_not_quoted(body: bytes, code: ErrorCode, named: str) -> None:
    """The error says which member is wrong, and nothing of what it held."""
    with pytest.raises(RequestError) as caught:
        DIALECT.parse_request(body)
    assert caught.value.code is code
    assert named in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("body", "streamed", "structured", "hint"),
    [
        (request("你好"), True, False, "你好"),
        (request(None, stream=False), False, False, ""),
        (request("x", stream=None), False, False, "x"),
        (request([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]), True, False, "ab"),
        (request("x", response_format={"type": "json_object"}), True, True, "x"),
        (request("x", response_format={"type": "json_schema", "json_schema": {}}), True, True, "x"),
        (request("x", response_format={"type": "text"}), True, False, "x"),
        (request("x", response_format="json_object"), True, False, "x"),
    ],
)
def test_a_request_is_read(body: bytes, streamed: bool, structured: bool, hint: str) -> None:  # noqa: FBT001 parameters
    """What the core has to know of it."""
    parsed = DIALECT.parse_request(body)
    assert (parsed.model, parsed.streamed, parsed.structured, parsed.language_hint) == (
        "m",
        streamed,
        structured,
        hint,
    )


def test_visible_answers_are_the_string_contents() -> None:
    """Each choice's; one with calls is structured."""
    messages = [
        {"content": "a"},
        {"content": "b", "tool_calls": [1]},
        {"content": "c", "function_call": {}},
        {"content": None},
    ]
    document = {"choices": [*({"message": each} for each in messages), {"message": None}, {}]}
    assert [
        ([container[key] for container, key in each.places], each.structured) for each in DIALECT.answers(document)
    ] == [
        (["a"], False),
        (["b"], True),
        (["c"], False),
    ]


def test_what_is_made_here_is_named_after_the_exchange() -> None:
    """Refusals, and errors in the shape of the format."""
    whole = DIALECT.refusal(IDENTITY, "no")
    assert (whole["id"], whole["object"]) == ("chatcmpl-req-1", "chat.completion")
    assert whole["choices"][0]["message"] == {"role": "assistant", "content": "no"}
    assert whole["choices"][0]["finish_reason"] == "content_filter"
    assert DIALECT.error(ErrorCode.INTERNAL, "m") == {
        "error": {"message": "m", "type": "sluice_error", "param": None, "code": "internal_error"}
    }


def test_token_probabilities_are_withheld() -> None:
    """They would spell the text as it was."""
    document: dict[str, Any] = {"choices": [{"logprobs": {}}, {"logprobs": None}, {}]}
    DIALECT.withhold(document)
    assert document == {"choices": [{"logprobs": None}, {"logprobs": None}, {}]}
