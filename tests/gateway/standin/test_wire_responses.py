"""Tests of `gateway.standin.wire_responses`."""

import orjson

from gateway.standin.replies import Choice, ToolCall
from gateway.standin.wire import MODEL
from gateway.standin.wire_responses import response_body, response_frames
from tests.gateway.protocol.playbook_responses import read

CALLS = (ToolCall("a", "look_up", ("{", "}")), ToolCall("b", "keep_note", ('{"n"', ":1}")))


def stream_of(choice: Choice) -> bytes:
    """Return a stream."""
    frames = response_frames("resp_1", (choice,), 7)
    assert len(frames.tokens) == choice.tokens
    return b"".join((*frames.opening, *frames.tokens, *frames.closing))


def test_items_begin_grow_and_are_said_once_more() -> None:
    """Reasoning, then the message; the strict reader compares every repetition."""
    reading = read(stream_of(Choice(("你\n", '"'), ("嗯",))))
    assert (reading.part(0, "reasoning"), reading.part(1, "text")) == ("嗯", '你\n"')
    assert [item["type"] for item in reading.last["response"]["output"]] == ["reasoning", "message"]
    usage = reading.last["response"]["usage"]
    assert (usage["input_tokens"], usage["output_tokens"], usage["total_tokens"]) == (7, 3, 10)
    assert usage["output_tokens_details"] == {"reasoning_tokens": 1}


def test_tool_calls_are_items() -> None:
    """Their pieces together are the JSON the model wrote."""
    reading = read(stream_of(Choice((), calls=CALLS)))
    assert [reading.part(number, "call") for number in (0, 1)] == ["{}", '{"n":1}']
    assert [item["call_id"] for item in reading.last["response"]["output"]] == ["a", "b"]


def test_an_answer_without_a_token_has_an_empty_message() -> None:
    """As a real one."""
    reading = read(stream_of(Choice(())))
    assert reading.content() == ""
    assert [item["type"] for item in reading.last["response"]["output"]] == ["message"]


def test_whole_body_says_what_the_stream_says() -> None:
    """The same items."""
    choices = (Choice(("a", "b"), ("c",), CALLS),)
    body = orjson.loads(response_body("resp_1", choices, 7))
    assert body["output"] == read(stream_of(choices[0])).last["response"]["output"]
    assert (body["model"], body["status"]) == (MODEL, "completed")
