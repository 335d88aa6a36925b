"""Streams of Anthropic Messages."""

from typing import Any

import pytest

from gateway.errors import ErrorCode
from gateway.protocol.dialects.anthropic_stream import AnthropicStream
from gateway.protocol.dialects.base import Carrier, ChannelKey, Identity, Wait
from gateway.protocol.labels import Position
from tests.gateway.protocol.playbook import LABEL, stream
from tests.gateway.protocol.playbook_messages import (
    STOP,
    begin,
    context,
    delta,
    end,
    event,
    message,
    read,
    request,
    said,
    start,
    stop,
    text,
)

NOTICE = "[The answer was stopped: what followed cannot be shown.]"
TOOL = {"type": "tool_use", "id": "toolu_1", "name": "look_up", "input": {}}
SEARCH = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}


def dialect(*sent: dict[str, Any]) -> AnthropicStream:
    """Return a stream of which some frames have left."""
    made = AnthropicStream(Identity("req-1", "m", 1))
    for document in sent:
        made.sent(document)
    return made


def begun(index: int, kind: str) -> dict[str, Any]:
    """Return the document that begins a block."""
    return {"type": "content_block_start", "index": index, "content_block": {"type": kind}}


@pytest.mark.parametrize(
    ("document", "channel", "carrier"),
    [
        ({"delta": {"type": "text_delta", "text": "x"}}, (0, 3, "text_delta", "text"), Carrier.VISIBLE),
        (
            {"delta": {"type": "thinking_delta", "thinking": "x"}},
            (0, 3, "thinking_delta", "thinking"),
            Carrier.HIDDEN,
        ),
        (
            {"delta": {"type": "input_json_delta", "partial_json": "x"}},
            (0, 3, "input_json_delta", "partial_json"),
            Carrier.HIDDEN,
        ),
        ({"delta": {"type": "new_delta", "new": "x"}}, (0, 3, "new_delta", "new"), Carrier.HIDDEN),
        (
            {"type": "content_block_start", "content_block": {"type": "text", "text": "x"}},
            (0, 3, "text_delta", "text"),
            Carrier.VISIBLE,
        ),
        (
            {"type": "content_block_start", "content_block": {"type": "thinking", "thinking": "x"}},
            (0, 3, "thinking_delta", "thinking"),
            Carrier.HIDDEN,
        ),
        (
            {"type": "content_block_start", "content_block": {"type": "tool_use", "name": "x"}},
            (0, 3, "tool_use", "name"),
            Carrier.STRUCTURED,
        ),
    ],
)
def test_running_texts_are_found_by_block_and_delta(
    document: dict[str, Any], channel: ChannelKey, carrier: Carrier
) -> None:
    """Known and unknown deltas alike; a block's first text continues in its deltas."""
    view = dialect().view({"type": "content_block_delta", "index": 3} | document)
    (segment,) = view.segments
    assert (segment.channel, segment.carrier, segment.container[segment.key]) == (channel, carrier, "x")


@pytest.mark.parametrize(
    "document",
    [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "x"}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "redacted_thinking", "data": "x"}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": None, "note": "x"}},
        {"type": "message_start", "message": {"id": "x"}},
        {"type": "new", "deep": [["x"]]},
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "citations_delta", "citation": {"cited_text": "x"}},
        },
    ],
)
def test_every_other_string_is_a_text_of_its_own(document: dict[str, Any]) -> None:
    """Citations, signatures, metadata, and events nobody has heard of."""
    view = dialect().view(document)
    assert view.segments == []
    assert "x" in [*view.texts, *(passage.text for passage in view.passages)]


@pytest.mark.parametrize(
    "document",
    [
        1,
        {},
        {"type": "content_block_delta", "index": 0},
        {"type": "content_block_delta", "index": True, "delta": {"type": "text_delta", "text": "x"}},
        {"type": "content_block_delta", "index": 512, "delta": {"type": "text_delta", "text": "x"}},
        {"type": "content_block_delta", "index": 0, "delta": {"text": "x"}},
        {"type": "content_block_start", "index": 0},
        {"type": "content_block_stop"},
        {"type": "message_delta"},
    ],
)
def test_what_is_no_frame_is_refused(document: Any) -> None:  # noqa: ANN401 any JSON value
    """One kind of error for all that is malformed."""
    with pytest.raises(ValueError, match="must be"):
        dialect().view(document)


@pytest.mark.parametrize(
    ("document", "finished", "wait", "ends"),
    [
        ({"type": "content_block_stop", "index": 0}, [(0, 0)], Wait.PART, False),
        ({"type": "content_block_stop", "index": 1}, [(0, 1)], Wait.NOT, False),
        ({"type": "message_delta", "delta": {"stop_reason": "end_turn"}}, [(0,)], Wait.LAST, False),
        ({"type": "message_delta", "delta": {"stop_reason": None}}, [], Wait.LAST, False),
        ({"type": "message_stop"}, [], Wait.NOT, True),
        ({"type": "error", "error": {}}, [(0,)], Wait.LAST, True),
        ({"type": "ping"}, [], Wait.NOT, False),
    ],
)
def test_ends_are_seen(document: dict[str, Any], finished: list[ChannelKey], wait: Wait, *, ends: bool) -> None:
    """The end of a text block waits for what follows, that of another does not."""
    view = dialect(begun(0, "text"), begun(1, "tool_use")).view(document)
    assert (view.finished, view.wait, view.end) == (finished, wait, ends)


def test_the_label_stands_in_the_last_text_block() -> None:
    """Before its end, which waits for the end of the message; all else is as it came."""
    frames = said("hello ", "world")
    outcome = stream(context(), frames, request())
    label = text(f"\n\n{LABEL['en']}")
    assert outcome.body.startswith(b"".join([*frames[:4], label, frames[4]]))
    assert outcome.body.endswith(STOP)
    last = read(outcome.body).last
    assert (last["type"], last["delta"]["stop_reason"]) == ("message_delta", "end_turn")
    assert (last["aigc"]["Label"], last["sluice"]["decision"]) == ("1", "allow")


def test_a_text_block_that_another_block_follows_is_not_the_last() -> None:
    """Its end leaves with the next frame, and the label stands in a block of its own at the end."""
    frames = [begin(), start(), text("hi"), stop(), start(1, **SEARCH), stop(1), end(), STOP]
    outcome = stream(context(), frames, request())
    assert outcome.body.startswith(b"".join(frames[:6]))
    assert read(outcome.body).blocks[2] == {"type": "text", "text": f"\n\n{LABEL['en']}"}


def test_an_answer_that_calls_a_tool_is_not_labelled() -> None:
    """A program reads it; the members label it."""
    frames = [begin(), start(), text("let me see"), stop(), start(1, **TOOL)]
    frames += [delta(1, "input_json_delta", partial_json="{}"), stop(1), end("tool_use"), STOP]
    outcome = stream(context(), frames, request())
    assert outcome.body.startswith(b"".join(frames[:-2]))
    assert (outcome.record.label, read(outcome.body).last["aigc"]["Label"]) == ("members", "1")


def test_what_is_held_of_a_block_leaves_before_its_end() -> None:
    """What may be the beginning of a term is shown with its block; one that goes on in the next is stopped there."""
    for rest, shown in (("mal", "mal"), ("bidden", f"\n\n{NOTICE}")):
        frames = [begin(), start(), text("so for"), stop(), start(1), text(rest, 1), stop(1), end(), STOP]
        outcome = stream(context(["forbidden"], position=Position.INTERFACE), frames, request())
        assert [each["text"] for each in read(outcome.body).blocks.values()] == ["so for", shown]


def test_text_behind_the_end_of_its_block_ends_the_stream() -> None:
    """What was held has left with the end, so a term could be completed behind it."""
    outcome = stream(context(["forbidden"]), [begin(), start(), text("for"), stop(), text("bidden")], request())
    assert outcome.record.error == "upstream_malformed"
    assert b"bidden" not in outcome.body


def test_a_block_stops_in_the_open_text_block() -> None:
    """What was cleared, then the notice and the label, in the block that was being written."""
    outcome = stream(
        context(["forbidden"]), [begin(), start(), text("fine for"), text("bidden x"), stop()], request()
    )
    reading = read(outcome.body)
    assert reading.blocks == {0: {"type": "text", "text": f"fine \n\n{NOTICE}\n\n{LABEL['en']}"}}
    assert reading.last["delta"]["stop_reason"] == "refusal"
    assert (reading.last["sluice"]["retract"], reading.last["sluice"]["released_characters"]) == (True, 5)


@pytest.mark.parametrize(
    ("block", "kind", "member"),
    [
        (TOOL, "input_json_delta", "partial_json"),
        ({"type": "thinking", "thinking": ""}, "thinking_delta", "thinking"),
    ],
)
def test_a_block_of_another_kind_ends_before_the_notice(block: dict[str, Any], kind: str, member: str) -> None:
    """The notice is text, and stands in a block of text."""
    frames = [begin(), start(**block), delta(0, kind, **{member: "a forbidden"})]
    reading = read(stream(context(["forbidden"]), frames, request()).body)
    assert reading.blocks[0][member] == "a "
    assert reading.blocks[1] == {"type": "text", "text": NOTICE}


@pytest.mark.parametrize(
    "frames",
    [[], [begin()], [begin(), start()], [begin(), start(), stop()], [begin(), event("ping")], [begin(), end()]],
)
def test_a_stream_without_text_is_still_a_valid_stream(frames: list[bytes]) -> None:
    """A guard never empties a stream: it begins, and ends with the members and the terminator."""
    reading = read(stream(context(), frames, request()).body)
    assert reading.last["aigc"]["Label"] == "1"
    assert reading.content() == ""


def test_an_error_of_the_model_server_ends_the_stream() -> None:
    """What is owed leaves before it, and nothing behind it."""
    error = event("error", error={"type": "overloaded_error", "message": "later"})
    outcome = stream(context(["forbidden"]), [begin(), start(), text("so for"), error, STOP], request())
    reading = read(outcome.body)
    assert reading.content() == f"so for\n\n{LABEL['en']}"
    assert reading.last["error"]["message"] == "later"
    assert "sluice" in reading.last


def test_a_stream_that_breaks_off_ends_with_an_error_of_ours() -> None:
    """In the shape of the format, with the code that is the same in all formats."""
    outcome = stream(context(), [begin(), start(), text("hi"), b"data: {broken\n\n"], request())
    reading = read(outcome.body)
    assert reading.content() == f"hi\n\n{LABEL['en']}"
    assert reading.last["error"]["code"] == "upstream_malformed"


def test_citations_are_masked_in_place() -> None:
    """They are complete in their frame, and no id."""
    cited = delta(0, "citations_delta", citation={"type": "char_location", "cited_text": "so mild"})
    frames = [begin(), start(), text("hi"), cited, stop(), end(), STOP]
    outcome = stream(context(masks=["mild"]), frames, request())
    assert b'"cited_text":"so ****"' in outcome.body
    assert outcome.decision == "mask"


def test_a_citation_that_blocks_is_not_sent() -> None:
    """Nor any of its frame."""
    cited = delta(0, "citations_delta", citation={"type": "char_location", "cited_text": "so forbidden"})
    outcome = stream(context(["forbidden"]), [begin(), start(), text("hi"), cited, stop()], request())
    assert b"citations_delta" not in outcome.body
    assert read(outcome.body).last["delta"]["stop_reason"] == "refusal"


def test_the_terminator_of_the_model_server_is_kept() -> None:
    """Some say more in it than that it is one."""
    last = event("message_stop", metrics={"latency": 3})
    outcome = stream(context(), [*said("hi")[:-1], last], request())
    assert outcome.body.endswith(last)


def test_a_failure_is_an_error_event() -> None:
    """Nothing need have begun for it."""
    (frame,) = dialect().failure(ErrorCode.UPSTREAM_TIMEOUT, "m")
    assert frame["type"] == "error"
    assert frame["error"]["type"] == "timeout_error"


def test_a_frame_that_ends_something_is_not_worth_sending_at_a_stop() -> None:
    """Others may bring what was cleared."""
    assert not dialect().unfinish({"type": "content_block_stop", "index": 0})
    assert dialect().unfinish({"type": "content_block_delta"})


def test_a_message_that_was_prefilled_is_scanned() -> None:
    """Its content is no running text, and complete in its frame."""
    begun = event("message_start", message=message({"type": "text", "text": "forbidden"}))
    assert stream(context(["forbidden"]), [begun], request()).decision == "block"


@pytest.mark.parametrize("odd", [start(511), stop(3), event("message_start"), text("x", 7), event("error")])
def test_odd_frames_are_no_faults_of_ours(odd: bytes) -> None:
    """Whatever a server leaves out, the stream ends as one."""
    for ending in ([], [b"data: {broken\n\n"]):
        outcome = stream(context(), [begin(), start(), text("hi"), odd, stop(), *ending], request())
        assert outcome.decision in {"allow", "error"}
        assert outcome.body.count(b'"sluice":') == 1
