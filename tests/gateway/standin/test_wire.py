"""Tests of `gateway.standin.wire`."""

from typing import Any

import orjson
import pytest

from gateway.standin.replies import Choice, ToolCall
from gateway.standin.wire import DONE, MODEL, error_body, models_body, stream_frames, whole_body

CALLS = (ToolCall("a", "look_up", ("{", "}")), ToolCall("b", "keep_note", ("[", "1", "]")))


def parse(frames: tuple[bytes, ...]) -> list[dict[str, Any]]:
    """Read frames of a stream; each is one ``data:`` line and an empty one."""
    assert all(
        frame.startswith(b"data: {") and frame.endswith(b"}\n\n") and frame.count(b"\n") == 2 for frame in frames
    )
    return [orjson.loads(frame.removeprefix(b"data: ")) for frame in frames]


def deltas(frames: tuple[bytes, ...]) -> list[tuple[int, dict[str, Any]]]:
    """Return choice and delta of each frame."""
    return [(chunk["choices"][0]["index"], chunk["choices"][0]["delta"]) for chunk in parse(frames)]


def test_frames_say_where_they_come_from() -> None:
    """Every chunk carries the reply's id, the model's name and its fingerprint."""
    frames = stream_frames("chatcmpl-1", (Choice(("a", "b")),), None)
    for chunk in parse((*frames.opening, *frames.tokens, *frames.closing[:-1])):
        assert (chunk["id"], chunk["model"], chunk["system_fingerprint"]) == ("chatcmpl-1", MODEL, MODEL)
        assert chunk["object"] == "chat.completion.chunk"
        assert "usage" not in chunk


def test_stream_of_one_choice() -> None:
    """A role, a frame per token with reasoning first, the reason for the end, and the terminator."""
    frames = stream_frames("x", (Choice(("你\n", '"'), ("嗯",)),), None)
    assert deltas(frames.opening) == [(0, {"role": "assistant", "content": ""})]
    assert deltas(frames.tokens) == [
        (0, {"reasoning_content": "嗯"}),
        (0, {"content": "你\n"}),
        (0, {"content": '"'}),
    ]
    (end,) = parse(frames.closing[:-1])
    assert end["choices"] == [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}]
    assert frames.closing[-1] == DONE


def test_choices_take_turns() -> None:
    """Choices are interleaved until the longer one is alone."""
    frames = stream_frames("x", (Choice(("a",)), Choice(("1", "2", "3"))), None)
    assert [(index, delta["content"]) for index, delta in deltas(frames.tokens)] == [
        (0, "a"),
        (1, "1"),
        (1, "2"),
        (1, "3"),
    ]
    assert [index for index, _ in deltas(frames.opening)] == [0, 1]
    assert [chunk["choices"][0]["index"] for chunk in parse(frames.closing[:-1])] == [0, 1]


def test_tool_calls_take_turns() -> None:
    """Argument fragments of parallel calls are interleaved, after a delta with each call's id and name."""
    frames = stream_frames("x", (Choice((), calls=CALLS),), None)
    parts = [delta["tool_calls"][0] for _, delta in deltas(frames.tokens)]
    assert [part["index"] for part in parts] == [0, 1, 0, 1, 0, 1, 1]
    assert [part["id"] for part in parts[:2]] == ["a", "b"]
    assert "".join(part["function"]["arguments"] for part in parts if part["index"] == 1) == "[1]"
    assert parse(frames.closing[:1])[0]["choices"][0]["finish_reason"] == "tool_calls"


def test_usage_frame() -> None:
    """Asked for, usage is null in every chunk but the last one, which has no choice and counts every choice."""
    frames = stream_frames("x", (Choice(("a",), ("b",)), Choice((), calls=CALLS)), 7)
    *others, last = parse((*frames.opening, *frames.tokens, *frames.closing[:-1]))
    assert {chunk["usage"] for chunk in others} == {None}
    assert last["choices"] == []
    assert last["usage"]["total_tokens"] == 7 + 2 + 5
    assert last["usage"]["completion_tokens_details"] == {"reasoning_tokens": 1}


def test_whole_body_says_what_the_stream_says() -> None:
    """The unstreamed answer has the same texts, calls and counts."""
    body = orjson.loads(whole_body("x", (Choice(("a", "b"), ("c",)), Choice((), calls=CALLS)), 7))
    first, second = body["choices"]
    assert first["message"] == {"role": "assistant", "content": "ab", "refusal": None, "reasoning_content": "c"}
    assert (first["index"], first["finish_reason"]) == (0, "stop")
    assert second["message"]["content"] is None
    assert [call["function"]["arguments"] for call in second["message"]["tool_calls"]] == ["{}", "[1]"]
    assert (second["index"], second["finish_reason"]) == (1, "tool_calls")
    assert body["usage"]["completion_tokens"] == 3 + 5
    assert (body["model"], body["system_fingerprint"]) == (MODEL, MODEL)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, "invalid_request_error"), (429, "rate_limit_error"), (404, "not_found_error"), (503, "server_error")],
)
def test_errors_have_the_shape_of_openai(status: int, kind: str) -> None:
    """An error says what was wrong and has the type that goes with its status."""
    expected = {"message": "no", "type": kind, "param": None, "code": None}
    assert orjson.loads(error_body(status, "no")) == {"error": expected}


def test_models_name_the_stand_in() -> None:
    """The one model is owned by the stand-in."""
    (model,) = orjson.loads(models_body())["data"]
    assert (model["id"], model["owned_by"], model["object"]) == (MODEL, MODEL, "model")
