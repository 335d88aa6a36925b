"""Streams of OpenAI chat completions."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ErrorCode
from gateway.protocol.dialects.base import Carrier, ChannelKey, Ending, Identity, Wait
from gateway.protocol.dialects.openai_chat_stream import OpenAIChatStream
from tests.gateway.protocol.playbook import arguments, joined

IDENTITY = Identity("req-1", "m", 1)


def begun(frame: dict[str, Any]) -> OpenAIChatStream:
    """Return a stream of which one frame has left."""
    dialect = OpenAIChatStream(IDENTITY)
    dialect.sent(frame)
    return dialect


def view(delta: object, **choice: Any) -> Any:  # noqa: ANN401 JSON members
    """View a frame with one choice."""
    return OpenAIChatStream(IDENTITY).view({"choices": [{"index": 0, "delta": delta, **choice}]})


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
        ({"error": {"message": "a"}}, ["a"]),
        ({"choices": [{"index": 0, "finish_reason": "length"}]}, ["length"]),
        ({"choices": [{"index": 0, "delta": {"unknown": 1}}]}, ["unknown"]),
        ({"choices": [{"index": 0, "delta": ["a"], "unknown": None}]}, ["a", "unknown"]),
        ({"choices": [{"index": 0, "message": {"content": "a"}}]}, ["a"]),
        ({"choices": [{"index": 0, "logprobs": ["a"]}]}, ["a"]),
    ],
)
def test_every_other_string_is_a_text_of_its_own(document: dict[str, Any], texts: list[str]) -> None:
    """At the top, in usage, in errors, in a choice; unknown names as well."""
    assert sorted(OpenAIChatStream(IDENTITY).view(document).texts) == sorted(texts)


@pytest.mark.parametrize(
    ("document", "finished", "wait"),
    [
        (
            {"choices": [{"index": 2, "finish_reason": "stop"}, {"index": 1, "finish_reason": None}]},
            [(2,)],
            Wait.LAST,
        ),
        ({"choices": [{"index": 0, "finish_reason": ""}]}, [], Wait.NOT),
        ({"choices": [{"delta": {}}]}, [], Wait.NOT),
        ({"choices": []}, [], Wait.LAST),
        ({"choices": None}, [], Wait.LAST),
        ({}, [], Wait.LAST),
    ],
)
def test_ends_are_seen(document: dict[str, Any], finished: list[ChannelKey], wait: Wait) -> None:
    """A choice ends with a reason; the stream may end behind a finished choice, or a frame without choices."""
    frame = OpenAIChatStream(IDENTITY).view(document)
    assert (frame.finished, frame.wait) == (finished, wait)


@pytest.mark.parametrize("document", [1, [], None, {"choices": 1}, {"choices": {"a": 1}}, {"choices": [1]}])
def test_what_is_no_frame_is_refused(document: Any) -> None:  # noqa: ANN401 any JSON value
    """One kind of error for all that is malformed."""
    with pytest.raises(ValueError, match="must be"):
        OpenAIChatStream(IDENTITY).view(document)


def test_token_probabilities_are_spelled() -> None:
    """Chosen tokens joined, and every string beside them."""
    logprobs = {"content": [{"token": "a", "top_logprobs": [{"token": "b"}]}, {"token": "c"}, 5, {}], "refusal": None}
    (spelling,) = view({}, logprobs=logprobs).spellings
    assert (spelling.channel, spelling.text) == ((0,), "ac")
    assert {"ac", "b"} <= set(spelling.texts)
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
    (piece,) = begun({"id": "c-1", "usage": 1, "choices": 5}).pieces(channel, text)
    assert [each.channel for each in OpenAIChatStream(IDENTITY).view(piece).segments] == [channel]
    assert list(joined(b"data: " + orjson.dumps(piece) + b"\n\n").values()) == [text]
    assert {name: value for name, value in piece.items() if name != "choices"} == {"id": "c-1"}


def test_an_ending_ends_each_choice_with_its_text() -> None:
    """One frame for all, where the client knows their role."""
    dialect = begun({"id": "c-1"})
    assert dialect.ending({0: "x", 2: ""}, Ending.FILTERED) == [
        {
            "id": "c-1",
            "choices": [
                {"index": 0, "delta": {"content": "x"}, "finish_reason": "content_filter"},
                {"index": 2, "delta": {}, "finish_reason": "content_filter"},
            ],
        }
    ]


def test_an_ending_before_any_frame_begins_with_the_role() -> None:
    """A refusal is such a stream; it is named after the exchange, and its first frame brings the text."""
    first, last = OpenAIChatStream(IDENTITY).ending({0: "no"}, Ending.FILTERED)
    assert (first["id"], first["object"]) == ("chatcmpl-req-1", "chat.completion.chunk")
    assert first["choices"] == [{"index": 0, "delta": {"role": "assistant", "content": "no"}, "finish_reason": None}]
    assert last["choices"] == [{"index": 0, "delta": {}, "finish_reason": "content_filter"}]
    (empty,) = OpenAIChatStream(IDENTITY).ending({0: ""}, Ending.UNSAID)
    assert empty["choices"] == [{"index": 0, "delta": {}, "finish_reason": None}]


def test_a_stopped_frame_keeps_no_end() -> None:
    """Its choices go on to the notice; its count would be of tokens nobody saw."""
    document: dict[str, Any] = {"usage": {}, "choices": [{"finish_reason": "stop"}, {}]}
    assert OpenAIChatStream(IDENTITY).unfinish(document)
    assert document == {"choices": [{"finish_reason": None}, {"finish_reason": None}]}


def test_a_failure_is_an_error_frame_with_the_members() -> None:
    """Client libraries look for the member `error` in every frame."""
    dialect = OpenAIChatStream(IDENTITY)
    (frame,) = dialect.failure(ErrorCode.UPSTREAM_RESET, "m")
    dialect.mark(frame, {"sluice": 1})
    assert frame == {
        "error": {"message": "m", "type": "sluice_error", "param": None, "code": "upstream_reset"},
        "sluice": 1,
    }
