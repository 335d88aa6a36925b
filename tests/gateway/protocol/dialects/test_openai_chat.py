"""OpenAI chat completions."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ErrorCode, RequestError
from gateway.protocol.dialects.base import Carrier, ChannelKey, Identity
from gateway.protocol.dialects.openai_chat import OpenAIChat
from tests.gateway.protocol.playbook import arguments, joined, request

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


def view(delta: object, **choice: Any) -> Any:  # noqa: ANN401 JSON members
    """View a frame with one choice."""
    return DIALECT.view({"choices": [{"index": 0, "delta": delta, **choice}]})


@pytest.mark.parametrize(
    ("delta", "channel", "carrier", "whole"),
    [
        ({"content": "x"}, (0, "content"), Carrier.VISIBLE, False),
        ({"content": [{"type": "text", "text": "x"}]}, (0, "content", 0, "text"), Carrier.VISIBLE, False),
        ({"content": [{"index": 7, "text": "x"}]}, (0, "content", 0, "text"), Carrier.VISIBLE, False),
        ({"reasoning_content": "x"}, (0, "reasoning_content"), Carrier.HIDDEN, False),
        ({"refusal": "x"}, (0, "refusal"), Carrier.HIDDEN, False),
        (arguments("x", 3), (0, "tool_calls", 3, "function", "arguments"), Carrier.STRUCTURED, False),
        ({"tool_calls": [{"index": 1, "id": "x"}]}, (0, "tool_calls", 1, "id"), Carrier.STRUCTURED, True),
        ({"tool_calls": [{"id": "x"}]}, (0, "tool_calls", 0, "id"), Carrier.STRUCTURED, True),
        ({"tool_calls": [{"index": True, "id": "x"}]}, (0, "tool_calls", 0, "id"), Carrier.STRUCTURED, True),
        ({"function_call": {"name": "x"}}, (0, "function_call", "name"), Carrier.STRUCTURED, True),
        ({"role": "x"}, (0, "role"), Carrier.HIDDEN, True),
        ({"new": [["x"]]}, (0, "new", 0, 0), Carrier.HIDDEN, False),
    ],
)
def test_running_texts_are_found_by_their_path(
    delta: dict[str, Any],
    channel: ChannelKey,
    carrier: Carrier,
    whole: bool,  # noqa: FBT001 a parameter
) -> None:
    """Known and unknown fields alike; calls by their index; parts of the content are one text."""
    segments = view(delta).segments
    assert [(each.channel, each.carrier, each.whole) for each in segments] == [(channel, carrier, whole)]
    assert segments[0].container[segments[0].key] == "x"


def test_calls_without_an_index_are_told_apart_by_their_place() -> None:
    """Two calls in one frame are two texts."""
    segments = view({"tool_calls": [{"function": {"arguments": each}} for each in "ab"]}).segments
    assert [each.channel[2] for each in segments] == [0, 1]


def test_what_is_nested_too_deeply_is_scanned_by_itself() -> None:
    """Paths are bounded; what is below them is still a text."""
    delta: Any = "x"
    for _ in range(20):
        delta = {"content": delta}
    found = view(delta)
    assert (found.segments, found.texts) == ([], ["x"])


@pytest.mark.parametrize(
    ("document", "texts"),
    [
        ({"id": "a", "choices": []}, ["a"]),
        ({"unknown": 1, "choices": []}, ["unknown"]),
        ({"usage": {"unknown": "a"}}, ["unknown", "a"]),
        ({"error": {"message": "a"}}, ["error", "a"]),
        ({"choices": [{"index": 0, "finish_reason": "length"}]}, ["length"]),
        ({"choices": [{"index": 0, "delta": {"unknown": 1}}]}, ["unknown"]),
        ({"choices": [{"index": 0, "delta": ["a"], "unknown": None}]}, ["a", "unknown"]),
        ({"choices": [{"index": 0, "message": {"content": "a"}}]}, ["a"]),
        ({"choices": [{"index": 0, "logprobs": ["a"]}]}, ["a"]),
    ],
)
def test_every_other_string_is_a_text_of_its_own(document: dict[str, Any], texts: list[str]) -> None:
    """At the top, in usage, in errors, in a choice; unknown names as well."""
    assert sorted(DIALECT.view(document).texts) == sorted(texts)


@pytest.mark.parametrize(
    ("document", "finished", "terminal"),
    [
        ({"choices": [{"index": 2, "finish_reason": "stop"}, {"index": 1, "finish_reason": None}]}, [2], True),
        ({"choices": [{"index": 0, "finish_reason": ""}]}, [], False),
        ({"choices": [{"delta": {}}]}, [], False),
        ({"choices": []}, [], True),
        ({"choices": None}, [], True),
        ({}, [], True),
    ],
)
def test_ends_are_seen(document: dict[str, Any], finished: list[int], terminal: bool) -> None:  # noqa: FBT001 a parameter
    """A choice ends with a reason; the stream may end behind a finished choice, or a frame without choices."""
    frame = DIALECT.view(document)
    assert (frame.finished, frame.terminal) == (finished, terminal)


@pytest.mark.parametrize("document", [1, [], None, {"choices": 1}, {"choices": {"a": 1}}, {"choices": [1]}])
def test_what_is_no_frame_is_refused(document: Any) -> None:  # noqa: ANN401 any JSON value
    """One kind of error for all that is malformed."""
    with pytest.raises(ValueError, match="must be"):
        DIALECT.view(document)


def test_token_probabilities_are_spelled() -> None:
    """Chosen tokens joined, and every string beside them."""
    logprobs = {"content": [{"token": "a", "top_logprobs": [{"token": "b"}]}, {"token": "c"}, 5, {}], "refusal": None}
    (spelling,) = view({}, logprobs=logprobs).spellings
    assert (spelling.choice, spelling.text) == (0, "ac")
    assert {"a", "b", "c"} <= set(spelling.texts)
    assert view({}, logprobs=None).spellings == []


@given(
    st.sampled_from(
        [
            (0, "content"),
            (1, "content", 0, "text"),
            (0, "reasoning_content"),
            (2, "tool_calls", 4, "function", "arguments"),
            (0, "new", 0),
            (0, "new", 0, 0),
        ]
    ),
    st.text(),
)
def test_a_piece_is_read_back_from_its_channel(channel: ChannelKey, text: str) -> None:
    """What is built for a channel is that channel's, with the metadata of another frame and no other member."""
    piece = DIALECT.piece({"id": "c-1", "usage": 1, "choices": 5}, channel, text)
    assert [each.channel for each in DIALECT.view(piece).segments] == [channel]
    assert list(joined(b"data: " + orjson.dumps(piece) + b"\n\n").values()) == [text]
    assert {name: value for name, value in piece.items() if name != "choices"} == {"id": "c-1"}


def test_an_ending_ends_each_choice_with_its_text() -> None:
    """One frame for all."""
    assert DIALECT.ending({"id": "c-1"}, {0: "x", 2: ""}, "content_filter")["choices"] == [
        {"index": 0, "delta": {"content": "x"}, "finish_reason": "content_filter"},
        {"index": 2, "delta": {}, "finish_reason": "content_filter"},
    ]


def test_a_changed_document_keeps_no_probabilities_and_no_end() -> None:
    """They would spell the text as it was, or end a choice that goes on."""
    document: dict[str, Any] = {
        "usage": {},
        "choices": [{"logprobs": {}, "finish_reason": "stop"}, {"logprobs": None}, {}],
    }
    DIALECT.withhold(document)
    DIALECT.unfinish(document)
    finished = {"finish_reason": None}
    assert document == {"choices": [{"logprobs": None} | finished, {"logprobs": None} | finished, finished]}


def test_visible_answers_are_the_string_contents() -> None:
    """Each choice's; one with calls is structured."""
    messages = [
        {"content": "a"},
        {"content": "b", "tool_calls": [1]},
        {"content": "c", "function_call": {}},
        {"content": None},
    ]
    document = {"choices": [*({"message": each} for each in messages), {"message": None}, {}]}
    assert [(each.container[each.key], each.structured) for each in DIALECT.answers(document)] == [
        ("a", False),
        ("b", True),
        ("c", False),
    ]


def test_what_is_made_here_is_named_after_the_exchange() -> None:
    """Refusals, whole and streamed, and errors in the shape of the format."""
    whole, frames = DIALECT.refusal(IDENTITY, "no"), DIALECT.refusal_frames(IDENTITY, "no")
    assert whole["id"] == frames[0]["id"] == "chatcmpl-req-1"
    assert (whole["object"], frames[0]["object"]) == ("chat.completion", "chat.completion.chunk")
    assert whole["choices"][0]["message"] == {"role": "assistant", "content": "no"}
    assert [each["choices"][0]["finish_reason"] for each in frames] == [None, "content_filter"]
    assert DIALECT.error("c", "m") == {"error": {"message": "m", "type": "sluice_error", "param": None, "code": "c"}}
