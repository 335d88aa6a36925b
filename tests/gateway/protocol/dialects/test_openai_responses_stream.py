"""Streams of OpenAI Responses."""

from typing import Any

import orjson
import pytest

from gateway.errors import ErrorCode
from gateway.protocol.dialects.base import ChannelKey, Ending, Identity
from gateway.protocol.dialects.openai_responses_stream import OpenAIResponsesStream
from gateway.protocol.labels import Position
from tests.gateway.protocol.playbook import LABEL, Outcome, bounds, stream
from tests.gateway.protocol.playbook_responses import (
    Item,
    begin,
    context,
    event,
    numbered,
    read,
    request,
    response,
    said,
    stream_of,
)

NOTICE = "[The answer was stopped: what followed cannot be shown.]"


def play(events: list[dict[str, Any]], *rules: list[str], **members: Any) -> Outcome:  # noqa: ANN401 as `given`
    """Run a stream of these events."""
    return stream(context(*rules, **members), numbered(events), request())


def item(*pieces: str, kind: str = "text", number: int = 0) -> Item:
    """Return an item to be written."""
    return Item(number, kind, list(pieces))


def completed(*items: dict[str, Any], **members: Any) -> dict[str, Any]:  # noqa: ANN401 any JSON value
    """Build the event that ends a response."""
    return event("completed", response=response(*items, **members))


def test_what_is_said_once_more_is_what_was_shown() -> None:
    """The label and the masks stand in the text's end, its part, its item and the response; nothing else changes."""
    frames = said("so mi", "ld")
    outcome = stream(context(masks=["mild"]), frames, request())
    shown = f"so ****\n\n{LABEL['en']}"
    reading = read(outcome.body)
    assert [each["type"] for each in reading.events[-4:]] == [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert reading.events[-4]["text"] == reading.content() == shown
    assert reading.last["response"]["output"][0]["content"][0]["text"] == shown
    assert outcome.body.startswith(b"".join(frames[:4]))
    assert b"mild" not in outcome.visible


def test_the_members_are_where_clients_look() -> None:
    """At the top of the last event, as in every format, and in its response, which is what clients keep."""
    last = read(stream(context(), said("hi"), request()).body).last
    assert last["aigc"] == last["response"]["aigc"]
    assert last["sluice"]["decision"] == last["response"]["sluice"]["decision"] == "allow"


def test_a_message_that_something_follows_is_not_the_last() -> None:
    """Its ends leave with the next event, and the label stands in a message of its own that the response lists."""
    first = item("hi")
    other = event("output_item.done", output_index=1, item={"id": "ws_1", "type": "web_search_call"})
    whole = completed(first.item("hi"), other["item"])
    outcome = play([*begin(), *first.begin, *first.say, *first.end, other, whole])
    reading = read(outcome.body)
    assert outcome.body.startswith(b"".join(numbered([*begin(), *first.begin, *first.say, *first.end, other])))
    assert reading.texts[2, 0, "output_text"] == f"\n\n{LABEL['en']}"
    assert [each["id"] for each in reading.last["response"]["output"]] == ["text_0", "ws_1", "msg_req-1_2"]


def test_a_block_ends_what_is_open() -> None:
    """Notice and label in the open part; part, item and response end with what was shown of them."""
    outcome = stream(context(["forbidden"]), said("fine for", "bidden more"), request())
    reading = read(outcome.body)
    assert reading.texts == {(0, 0, "output_text"): f"fine \n\n{NOTICE}\n\n{LABEL['en']}"}
    final = reading.last["response"]
    assert (final["id"], final["status"]) == ("resp_1", "incomplete")
    assert final["incomplete_details"] == {"reason": "content_filter"}
    assert final["output"][0]["status"] == "incomplete"
    assert (final["sluice"]["retract"], final["sluice"]["released_characters"]) == (True, 5)


@pytest.mark.parametrize("kind", ["call", "server_call", "reasoning"])
def test_an_item_of_another_kind_ends_before_the_notice(kind: str) -> None:
    """The notice is text, and stands in a message of its own."""
    open_item = item("a for", "bidden", kind=kind)
    reading = read(play([*begin(), *open_item.begin, *open_item.say, *open_item.end], ["forbidden"]).body)
    assert reading.part(0, kind) == "a "
    assert reading.texts[1, 0, "output_text"] == NOTICE
    assert [each["status"] for each in reading.last["response"]["output"]] == ["incomplete", "incomplete"]


@pytest.mark.parametrize("length", range(12))
def test_a_stream_that_ends_anywhere_is_ended(length: int) -> None:
    """Parts, items and the response, with all that was shown and its label."""
    frames = stream_of([("reasoning", ["hm"]), ("text", ["well for"])])[:length]
    reading = read(stream(context(["forbidden"]), frames, request()).body)
    assert reading.last["type"] == "response.completed"
    assert reading.last["response"]["status"] == "completed"
    if length == 12:
        assert reading.content() == f"well for\n\n{LABEL['en']}"


def test_servers_that_send_no_pieces_are_read_where_they_say_it_whole() -> None:
    """In the first event that has the text; what follows repeats it."""
    whole = item("so mild", "")
    for events in ([*whole.begin, *whole.end], whole.end[1:], whole.end[2:], []):
        outcome = play([*begin(), *events, completed(whole.item("so mild"))], [], ["mild"])
        final = orjson.loads(outcome.body.rstrip(b"\n").split(b"data: ")[-1])["response"]
        assert final["output"][0]["content"][0]["text"] == f"so ****\n\n{LABEL['en']}"
        assert b"mild" not in outcome.visible


def test_a_whole_text_that_is_blocked_leaves_up_to_the_term() -> None:
    """In pieces of its own, since the event that says it whole does not leave."""
    whole = item("fine forbidden")
    reading = read(play([*begin(), *whole.begin, *whole.end], ["forbidden"]).body)
    assert reading.content() == f"fine \n\n{NOTICE}\n\n{LABEL['en']}"
    alone = read(play([*begin(), completed(whole.item(whole.text))], ["forbidden"]).body)
    assert alone.content() == f"fine \n\n{NOTICE}\n\n{LABEL['en']}"
    assert alone.last["sluice"]["released_characters"] == 5


def test_text_behind_its_end_ends_the_stream() -> None:
    """What was held has left with the end, so a term could be completed behind it."""
    first = item("for", "bidden")
    outcome = play([*begin(), *first.begin, first.say[0], *first.end[:1], first.say[1]], ["forbidden"])
    assert outcome.record.error == "upstream_malformed"
    assert b"bidden" not in outcome.body


def test_what_was_shown_is_kept_within_a_bound() -> None:
    """Law 6: it is said once more in one frame, which has a bound of its own."""
    outcome = stream(context(bounds=bounds(frame_bytes=600)), said(*["x" * 100] * 8), request())
    assert outcome.record.error == "upstream_malformed"
    assert read(outcome.body).content().count("x") <= 600


def test_items_are_kept_within_a_bound() -> None:
    """Law 6: a response that is cut lists no more than fits in a frame."""
    dialect = OpenAIResponsesStream(Identity("req-1", "m", 1))
    for number in range(5):
        large = {"id": f"ws_{number}", "type": "web_search_call", "status": "completed", "note": "x" * 300_000}
        dialect.sent(event("output_item.done", output_index=number, item=large))
    (last,) = dialect.ending({0: ""}, Ending.FILTERED)[-1:]
    assert [each["id"] for each in last["response"]["output"]] == ["ws_0", "ws_1", "ws_2"]


@pytest.mark.parametrize("kind", ["call", "text"])
def test_an_item_that_is_left_out_at_the_end_is_not_mistaken(kind: str) -> None:
    """Items are known by their id, so the text of one is never written into another."""
    first, second = item("hm", kind="reasoning"), item("hi", kind=kind, number=1)
    events = [*begin(), *first.begin, *first.say, *first.end, *second.begin, *second.say, *second.end]
    by_id = play([*events, completed(second.item("hi"))], position=Position.INTERFACE)
    assert b'"hm"' not in by_id.body.rpartition(b"data: ")[2]
    nameless = second.item("hi") | {"id": "another"}
    unknown = play([*events, completed(nameless)], position=Position.INTERFACE)
    assert orjson.loads(unknown.body.rstrip(b"\n").rpartition(b"data: ")[2])["response"]["output"] == [nameless]


def test_numbers_go_on_behind_frames_made_here() -> None:
    """Each above the one before; a server that numbers nothing gets no numbers."""
    events = [*begin(), *item("for").begin, *item("for").say, *item("for").end, completed(item().item("for"))]
    plain = [{name: value for name, value in each.items() if name != "sequence_number"} for each in events]
    frames = [b"event: " + each["type"].encode() + b"\ndata: " + orjson.dumps(each) + b"\n\n" for each in plain]
    outcome = stream(context(["forbidden"]), frames, request())
    assert outcome.body.startswith(b"".join(frames[:4]))
    assert b'"sequence_number"' not in outcome.body.rpartition(b"data: ")[2]
    read(play(events, ["forbidden"]).body)


@pytest.mark.parametrize(
    ("delta", "token", "kept"), [("fine", "fine", True), ("mild", "mild", False), ("for", "for", False)]
)
def test_token_probabilities_leave_beside_untouched_text_alone(delta: str, token: str, kept: bool) -> None:  # noqa: FBT001 a parameter
    """They spell the text once more; padding leaves with them, and by itself where it looks like a term."""
    tokens = [{"token": token, "logprob": -0.1, "bytes": [1], "top_logprobs": []}]
    piece = event("output_text.delta", **item().about, delta=delta, logprobs=tokens, obfuscation="aB3")
    events = [*begin(), *item().begin, piece]
    outcome = play(events, ["forbidden"], ["mild"], position=Position.INTERFACE)
    sent = read(outcome.body).events[4]
    assert (sent["logprobs"], "obfuscation" in sent) == (tokens if kept else [], kept)
    padded = event("output_text.delta", **item().about, delta="x", logprobs=[], obfuscation="forbidden")
    outcome = play([*begin(), *item().begin, padded], ["forbidden"])
    assert (outcome.decision, b"forbidden" in outcome.visible) == ("allow", False)


def test_deltas_nobody_knows_are_followed_and_flushed() -> None:
    """Held text leaves in the same kind of event, at its end or at the end of the response."""
    place = {"output_index": 0, "command_index": 2}
    events = [event("shell.delta", **place, delta="so for"), event("shell.done", **place, command="so for")]
    reading = read(play([*begin(), *events, completed()], ["forbidden"]).body)
    assert [each["delta"] for each in reading.events if each["type"] == "response.shell.delta"] == ["so ", "for"]
    assert reading.events[3]["command_index"] == 2
    several = event("shell_output.delta", **place, delta={"stdout": "for", "stderr": "x"})
    reading = read(play([*begin(), several, completed()], ["forbidden"]).body)
    assert reading.events[3]["delta"] == {"stdout": "for"}
    split = [event("shell.delta", **place, delta=each) for each in ("for", "bidden")]
    assert play([*begin(), *split], ["forbidden"]).decision == "block"


def test_passages_of_an_event_are_masked_in_place() -> None:
    """Results of the server's tools, annotations, what the response repeats of the request."""
    result = {"type": "file_search_call", "id": "fs_1", "results": [{"filename": "f", "text": "so mild"}]}
    events = [
        *begin(instructions="be mild"),
        event("output_item.done", output_index=0, item=result),
        completed(result),
    ]
    outcome = play(events, [], ["mild"])
    assert b"mild" not in outcome.body
    assert outcome.body.count(b"so ****") == 2
    assert b'"instructions":"be ****"' in outcome.body


@pytest.mark.parametrize(
    ("channel", "kinds"),
    [
        ((0, 0, "content", 0, "output_text"), ["output_text.delta"]),
        ((0, 0, "content", 1, "refusal"), ["refusal.delta"]),
        ((0, 0, "function_call_arguments"), ["function_call_arguments.delta"]),
        (
            (0, 5, "content", 0, "output_text"),
            [
                "output_item.added",
                "content_part.added",
                "output_text.delta",
                "output_text.done",
                "content_part.done",
                "output_item.done",
            ],
        ),
    ],
)
def test_a_piece_is_read_back_from_its_channel(channel: ChannelKey, kinds: list[str]) -> None:
    """What is built for a channel is that channel's, in an item of its own where that has ended."""
    dialect = OpenAIResponsesStream(Identity("req-1", "m", 1))
    for each in item().begin:
        dialect.sent(each)
    frames = dialect.pieces(channel, "x")
    assert [frame["type"].removeprefix("response.") for frame in frames] == kinds
    (segment,) = [segment for frame in frames for segment in dialect.view(frame).segments]
    assert segment.text == "x"
    assert segment.channel == (channel if len(kinds) == 1 else (0, 1, "content", 0, "output_text"))


def test_a_part_may_begin_with_its_text() -> None:
    """Not all servers announce it."""
    events = [*begin(), item().begin[0], *item("hi").say]
    assert read(play(events).body).content() == f"hi\n\n{LABEL['en']}"


def test_parts_of_odd_kinds_end_too() -> None:
    """A refusal that is open when the stream stops, and a part without a kind."""
    number = {"item_id": "text_0", "output_index": 0}
    refusal = event("content_part.added", **number, content_index=0, part={"type": "refusal", "refusal": ""})
    odd = event("content_part.added", **number, content_index=1, part={"type": "odd"})
    said_no = event("refusal.delta", **number, content_index=0, delta="no for")
    outcome = play([*begin(), item().begin[0], refusal, odd, said_no], ["forbidden"])
    kinds = [each["type"] for each in orjson_events(outcome.body)]
    assert kinds[-6:] == [
        "response.refusal.delta",
        "response.refusal.done",
        "response.content_part.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert orjson_events(outcome.body)[-1]["response"]["output"][0]["content"][0]["refusal"] == "no for"


def orjson_events(body: bytes) -> list[dict[str, Any]]:
    """Read the events of a stream with parts that the strict reader does not know."""
    return [orjson.loads(frame.partition(b"data: ")[2]) for frame in body.split(b"\n\n")[:-1]]


def test_an_item_may_be_unknown_to_its_part() -> None:
    """A server may skip an item's beginning; its end is then made without it."""
    dialect = OpenAIResponsesStream(Identity("req-1", "m", 1))
    dialect.sent(event("content_part.added", **item().about, part={"type": "output_text", "text": ""}))
    assert [each["type"] for each in dialect.ending({0: ""}, Ending.UNSAID)] == [
        "response.created",
        "response.completed",
    ]


def test_a_failure_is_a_response_that_failed() -> None:
    """With the items that were sent, and the code that is the same in all formats."""
    outcome = stream(context(), [*said("hi")[:5], b"data: {broken\n\n"], request())
    final = read(outcome.body).last
    assert final["type"] == "response.failed"
    assert final["response"]["error"]["code"] == "upstream_malformed"
    assert final["response"]["output"][0]["content"][0]["text"] == f"hi\n\n{LABEL['en']}"
    dialect = OpenAIResponsesStream(Identity("req-1", "m", 1))
    (alone,) = dialect.failure(ErrorCode.UPSTREAM_RESET, "m")
    assert alone["response"]["id"] == "resp_req-1"


def test_an_error_event_of_the_model_server_ends_the_stream() -> None:
    """It has no response that members could stand in; they stand at its top."""
    error = {"type": "error", "sequence_number": 0, "code": "server_error", "message": "later", "param": None}
    outcome = play([*begin(), *item().begin, *item("hi").say, error])
    reading = read(outcome.body)
    assert reading.content() == f"hi\n\n{LABEL['en']}"
    assert (reading.last["message"], reading.last["sluice"]["decision"]) == ("later", "allow")


def test_a_response_without_output_gets_what_was_made_here() -> None:
    """Some servers leave it out of the last event."""
    dialect = OpenAIResponsesStream(Identity("req-1", "m", 1))
    for frame in dialect.pieces((0, 0, "content", 0, "output_text"), "x"):
        dialect.sent(frame)
    last: dict[str, Any] = {"type": "response.completed", "response": {}}
    dialect.mark(last, {"aigc": 1})
    dialect.mark(last, {"aigc": 1})
    assert [each["id"] for each in last["response"]["output"]] == ["msg_req-1_0"]


def test_items_without_ids_and_parts_out_of_order_are_survived() -> None:
    """Servers leave members out; what is made here then names what it can."""
    dialect = OpenAIResponsesStream(Identity("req-1", "m", 1))
    dialect.sent(event("output_item.added", output_index=0, item={"type": "message", "content": []}))
    far = item().about | {"content_index": 3}
    dialect.sent(event("content_part.added", **far, part={"type": "output_text", "text": ""}))
    frames = dialect.ending({0: "no"}, Ending.FILTERED)
    assert [frame["type"].removeprefix("response.") for frame in frames] == [
        "created",
        "content_part.done",
        "output_item.done",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "incomplete",
    ]


@pytest.mark.parametrize(
    "odd",
    [
        event("output_text.delta", delta={"a": "x"}),
        event("output_text.delta"),
        event("created", response=None),
        event("output_item.added", output_index=0, item={"type": "message", "content": "x"}),
        event("output_item.added", output_index=0, item={"type": "message", "content": [1]}),
        event("output_item.done", output_index=511, item={"type": "message", "id": ["x"], "content": None}),
        event("content_part.added", **item().about, part={"type": ["x"]}),
        event("output_text.done", **item().about),
        event("completed", response={"output": None}),
        event("completed", response=None),
        event("completed", response={"output": ["x", {"type": ["x"], "content": {"a": "x"}}]}),
    ],
)
def test_odd_events_are_no_faults_of_ours(odd: dict[str, Any]) -> None:
    """Whatever a server leaves out or writes in another type, the stream ends as one."""
    for ending in ([], [b"data: {broken\n\n"]):
        frames = numbered([*begin(), item().begin[0], *item("hi").say, odd])
        outcome = stream(context(), [*frames, *ending], request())
        assert outcome.decision in {"allow", "error"}
        assert outcome.body.count(b'"sluice":') >= 1
