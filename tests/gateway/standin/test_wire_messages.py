"""Tests of `gateway.standin.wire_messages`."""

from typing import Any

import orjson
import pytest

from gateway.standin.replies import Choice, ToolCall
from gateway.standin.wire import MODEL
from gateway.standin.wire_messages import SIGNATURE, message_body, message_error, message_frames, token_count_body
from tests.gateway.protocol.playbook_messages import read

CALLS = (ToolCall("a", "look_up", ("{", "}")), ToolCall("b", "keep_note", ('{"n"', ":1}")))


def frames_of(choice: Choice) -> tuple[bytes, list[int]]:
    """Return a stream, and how many frames each token's step has."""
    frames = message_frames("msg_1", (choice,), 7)
    steps = (*frames.opening, *frames.tokens, *frames.closing)
    return b"".join(steps), [step.count(b"event: ") for step in frames.tokens]


def test_blocks_begin_grow_and_stop() -> None:
    """Thinking first, with its signature last; then the text; each frame of structure with the token behind it."""
    data, sizes = frames_of(Choice(("你\n", '"'), ("嗯",)))
    reading = read(data)
    assert reading.blocks == {
        0: {"type": "thinking", "thinking": "嗯", "signature": SIGNATURE},
        1: {"type": "text", "text": '你\n"'},
    }
    assert sizes == [2, 4, 1]
    assert reading.events[0]["message"]["usage"] == {"input_tokens": 7, "output_tokens": 0}
    assert (reading.last["delta"]["stop_reason"], reading.last["usage"]) == ("end_turn", {"output_tokens": 3})
    assert [each["type"] for each in reading.events[:2]] == ["message_start", "ping"]


def test_tool_calls_are_blocks() -> None:
    """One after the other; their pieces together are the JSON the model wrote."""
    reading = read(frames_of(Choice((), calls=CALLS))[0])
    assert [block["partial_json"] for block in reading.blocks.values()] == ["{}", '{"n":1}']
    assert [block["name"] for block in reading.blocks.values()] == ["look_up", "keep_note"]
    assert reading.last["delta"]["stop_reason"] == "tool_use"


def test_an_answer_without_a_token_has_an_empty_block() -> None:
    """As a real one."""
    assert read(frames_of(Choice(()))[0]).blocks == {0: {"type": "text", "text": ""}}


def test_whole_body_says_what_the_stream_says() -> None:
    """Text, signed thinking, and calls with their input as JSON."""
    body: dict[str, Any] = orjson.loads(message_body("msg_1", (Choice(("a", "b"), ("c",), CALLS),), 7))
    assert body["content"][:2] == [
        {"type": "thinking", "thinking": "c", "signature": SIGNATURE},
        {"type": "text", "text": "ab"},
    ]
    assert [block["input"] for block in body["content"][2:]] == [{}, {"n": 1}]
    assert (body["model"], body["stop_reason"], body["usage"]["output_tokens"]) == (MODEL, "tool_use", 7)


@pytest.mark.parametrize(
    ("status", "kind"), [(400, "invalid_request_error"), (503, "overloaded_error"), (500, "api_error")]
)
def test_errors_have_the_shape_of_anthropic(status: int, kind: str) -> None:
    """An error says what was wrong and has the type that goes with its status."""
    assert orjson.loads(message_error(status, "no")) == {"type": "error", "error": {"type": kind, "message": "no"}}


def test_tokens_are_counted() -> None:
    """A number and no more."""
    assert token_count_body(12) == b'{"input_tokens":12}'
