"""Frames of OpenAI Responses, read."""

from typing import Any

import orjson
import pytest

from gateway.protocol.dialects.base import Carrier, ChannelKey, FrameView, Wait
from gateway.protocol.dialects.openai_responses_view import item_places, view_event

PLACE = {"item_id": "i", "output_index": 3, "content_index": 1, "summary_index": 2}


def view(kind: str, **members: Any) -> FrameView:  # noqa: ANN401 any JSON value
    """View a frame; items of a response are those of the stream by their position."""
    return view_event({"type": kind, **PLACE, **members}, lambda _item, position: position)


@pytest.mark.parametrize(
    ("name", "path", "carrier"),
    [
        ("output_text", (0, 3, "content", 1, "output_text"), Carrier.VISIBLE),
        ("refusal", (0, 3, "content", 1, "refusal"), Carrier.HIDDEN),
        ("reasoning_text", (0, 3, "content", 1, "reasoning_text"), Carrier.HIDDEN),
        ("reasoning_summary_text", (0, 3, "summary", 2, "reasoning_summary_text"), Carrier.HIDDEN),
        ("function_call_arguments", (0, 3, "function_call_arguments"), Carrier.STRUCTURED),
        ("custom_tool_call_input", (0, 3, "custom_tool_call_input"), Carrier.STRUCTURED),
        ("mcp_call_arguments", (0, 3, "mcp_call_arguments"), Carrier.HIDDEN),
        ("code_interpreter_call_code", (0, 3, "code_interpreter_call_code"), Carrier.HIDDEN),
    ],
)
def test_a_running_text_is_named_by_its_place_in_the_response(name: str, path: ChannelKey, carrier: Carrier) -> None:
    """The same place in its deltas and in the event that ends it and says it once more."""
    (piece,) = view(f"response.{name}.delta", delta="x").segments
    assert (piece.channel, piece.carrier, piece.container[piece.key]) == (path, carrier, "x")
    texts = dict.fromkeys(("text", "refusal", "arguments", "input", "code"), "whole")
    done = view(f"response.{name}.done", **texts)
    assert [(each.channel, each.carrier, each.text) for each in done.repeats] == [(path, carrier, "whole")]
    assert done.finished == [path]
    assert (done.wait is Wait.PART) == (carrier is Carrier.VISIBLE)


@pytest.mark.parametrize(
    ("item", "places"),
    [
        (
            {"type": "message", "content": [{"type": "output_text", "text": "a"}]},
            [(0, 7, "content", 0, "output_text")],
        ),
        (
            {"type": "message", "content": [{}, {"type": "refusal", "refusal": "a"}]},
            [(0, 7, "content", 1, "refusal")],
        ),
        (
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "a"}]},
            [(0, 7, "summary", 0, "reasoning_summary_text")],
        ),
        (
            {"type": "reasoning", "content": [{"type": "reasoning_text", "text": "a"}, 5]},
            [(0, 7, "content", 0, "reasoning_text")],
        ),
        ({"type": "function_call", "arguments": "a"}, [(0, 7, "type"), (0, 7, "function_call_arguments")]),
        ({"type": "custom_tool_call", "input": "a"}, [(0, 7, "type"), (0, 7, "custom_tool_call_input")]),
        ({"type": "computer_call", "action": {}}, [(0, 7, "type")]),
        ({"type": "mcp_call", "arguments": "a"}, [(0, 7, "mcp_call_arguments")]),
        ({"type": "code_interpreter_call", "code": None}, []),
        ({"type": "web_search_call"}, []),
        ({"type": ["message"]}, []),
    ],
)
def test_the_texts_of_an_item_have_the_same_places(item: dict[str, Any], places: list[ChannelKey]) -> None:
    """Whatever event the item stands in."""
    assert [each.channel for each in item_places(7, item)] == places
    assert [each.channel for each in view("response.output_item.done", output_index=7, item=item).repeats] == places
    whole = view("response.completed", response={"output": [{}] * 7 + [item]})
    assert [each.channel for each in whole.repeats] == places


def test_an_item_or_part_that_begins_with_a_text_brings_it() -> None:
    """Clients put the deltas behind it; an empty one opens nothing."""
    item = {"type": "mcp_call", "arguments": "a"}
    (piece,) = view("response.output_item.added", item=item).segments
    assert (piece.channel, piece.text) == ((0, 3, "mcp_call_arguments"), "a")
    part = {"type": "output_text", "text": "b"}
    assert [each.text for each in view("response.content_part.added", part=part).segments] == ["b"]
    assert view("response.content_part.added", part=part | {"text": ""}).segments == []


@pytest.mark.parametrize(
    ("kind", "members", "finished", "wait"),
    [
        ("response.content_part.done", {"part": {"type": "output_text"}}, [(0, 3, "content", 1)], Wait.PART),
        ("response.content_part.done", {"part": {"type": "refusal"}}, [(0, 3, "content", 1)], Wait.NOT),
        ("response.reasoning_summary_part.done", {"part": {}}, [(0, 3, "summary", 2)], Wait.NOT),
        ("response.output_item.done", {"item": {"type": "message"}}, [(0, 3)], Wait.PART),
        ("response.output_item.done", {"item": {"type": "reasoning"}}, [(0, 3)], Wait.NOT),
        ("response.completed", {"response": {}}, [(0,)], Wait.LAST),
        ("response.incomplete", {"response": {"output": None}}, [(0,)], Wait.LAST),
        ("response.failed", {"response": {"output": [1]}}, [(0,)], Wait.LAST),
        ("error", {"message": "x"}, [(0,)], Wait.LAST),
        ("response.in_progress", {"response": {}}, [], Wait.NOT),
        ("response.web_search_call.completed", {}, [], Wait.NOT),
    ],
)
def test_ends_are_seen(kind: str, members: dict[str, Any], finished: list[ChannelKey], wait: Wait) -> None:
    """The ends of what is visible wait, and the end of the response is the end of the stream."""
    found = view(kind, **members)
    assert (found.finished, found.wait, found.end) == (finished, wait, wait is Wait.LAST)


def test_deltas_nobody_knows_run_from_frame_to_frame() -> None:
    """By their event and all its indices; several strings in one delta are several texts."""
    (piece,) = view("response.new.delta", delta="x").segments
    assert piece.channel == (0, "new", "", "content_index", 1, "output_index", 3, "summary_index", 2)
    assert piece.carrier is Carrier.HIDDEN
    two = view("response.shell_output.delta", delta={"stdout": "x", "stderr": "y", "code": 1}).segments
    assert [each.channel[2] for each in two] == ["stdout", "stderr"]
    assert view("response.new.done", text="x").finished == [piece.channel]
    assert view("response.new.delta").segments == []


@pytest.mark.parametrize(
    ("kind", "members"),
    [
        ("response.output_text.delta", {"delta": "x", "output_index": None}),
        ("response.output_text.delta", {"delta": "x", "content_index": 512}),
        ("response.output_item.added", {"item": []}),
        ("response.content_part.done", {}),
        ("response.new.delta", {"delta": "x", "new_index": "a"}),
    ],
)
def test_what_is_no_frame_is_refused(kind: str, members: dict[str, Any]) -> None:
    """One kind of error for all that is malformed."""
    with pytest.raises(ValueError, match="must be"):
        view(kind, **members)


def test_what_spells_a_text_is_told_from_texts() -> None:
    """Token probabilities and padding may be left out, and a frame is as it was when it was read."""
    tokens = [{"token": "for", "top_logprobs": [{"token": "fur"}]}, {"token": "bid"}, 5]
    part = {"type": "output_text", "text": "forbid", "logprobs": tokens}
    document = {"type": "response.output_text.delta", **PLACE, "delta": "forbid", "logprobs": tokens}
    document |= {"obfuscation": "aB3", "part": part}
    before = orjson.dumps(document)
    found = view_event(document, lambda _item, position: position)
    assert orjson.dumps(document) == before
    assert [each.text for each in found.spellings] == ["forbid", "forbid", ""]
    assert "fur" in found.spellings[0].texts
    assert found.spellings[2].texts == ["aB3"]
    assert not {"for", "fur", "bid", "aB3"} & {*found.texts, *(each.text for each in found.passages)}
    odd = view("response.output_text.delta", delta="x", logprobs="odd")
    assert (odd.spellings, "odd" in [each.text for each in odd.passages]) == ([], True)
