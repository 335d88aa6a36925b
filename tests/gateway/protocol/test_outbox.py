"""Frames on their way out of a stream."""

from typing import Any

import orjson

from gateway.protocol.channels import Channels
from gateway.protocol.context import ExchangeContext
from gateway.protocol.dialects.base import Document, Identity, Wait
from gateway.protocol.outbox import Leaving, Outbox
from tests.gateway.protocol import playbook_messages as messages
from tests.gateway.protocol import playbook_responses as responses
from tests.gateway.protocol.playbook import DONE, given


def outbox(context: ExchangeContext) -> tuple[Outbox, Channels]:
    """Build the way out of a stream."""
    stream = context.dialect.stream(Identity("req-1", "m", 1))
    channels = Channels(
        context.standing.ruleset, context.standing.labelling, structured=False, limit=9, most_shown=99
    )
    return Outbox(context.dialect, stream, channels), channels


def leaving(name: str, wait: Wait = Wait.NOT, *, changed: bool = False, **members: Any) -> Leaving:  # noqa: ANN401 any JSON value
    """Build a frame that was cleared; its bytes are its name."""
    document: Document = {"type": name, **members}
    return Leaving(name.encode(), (), document, wait, (), changed=changed)


def test_a_frame_nothing_was_changed_in_leaves_as_the_bytes_that_came() -> None:
    """Any other is encoded, with its lines beside the data."""
    out, _ = outbox(given())
    out.send(leaving("as it came"))
    out.send(leaving("x", changed=True)._replace(others=(b"id: 5",)))
    assert out.take() == b'as it cameid: 5\ndata: {"type":"x"}\n\n'
    assert out.take() == b""


def test_what_may_be_the_last_waits_alone() -> None:
    """Its successor lets it go; keep-alives do too."""
    out, _ = outbox(given())
    out.send(leaving("a", Wait.LAST))
    assert (out.take(), out.last_waits) == (b"", True)
    out.send(leaving("b", Wait.LAST))
    assert out.take() == b"a"
    out.send_bytes(b"ping")
    assert (out.take(), out.last_waits) == (b"bping", False)
    out.send_bytes(b"ping")
    assert out.take() == b"ping"


def test_ends_of_parts_wait_together_and_what_is_owed_leaves_before_them() -> None:
    """The label of an answer belongs in front of the ends of the part it stands in."""
    out, _ = outbox(messages.context())
    start: Document = {"type": "content_block_start", "index": 0, "content_block": {"type": "text"}}
    out.send(leaving("start")._replace(document=start))
    out.send(leaving("one", Wait.PART))
    out.send(leaving("two", Wait.PART))
    out.owe([((0, 0, "text_delta", "text"), "label")])
    assert out.take() == b"start" + messages.text("label")
    out.send(leaving("next"))
    assert out.take() == b"onetwonext"


def test_what_is_owed_follows_a_frame_that_waits_to_be_the_last() -> None:
    """It is the end of another answer."""
    out, _ = outbox(given())
    out.send(leaving("end", Wait.LAST))
    out.owe([])
    assert out.take() == b""
    out.owe([((1, "content"), "held")])
    assert out.take().startswith(b"enddata: ")


def test_an_endless_row_of_ends_does_not_wait() -> None:
    """Law 6: no more wait than the longest form has."""
    out, _ = outbox(given())
    for number in range(20):
        out.send(leaving(str(number % 10), Wait.PART))
    assert out.take() == b"0123456789012345"


def test_the_last_frame_carries_the_members_and_the_terminator_follows() -> None:
    """Also where it is one made here that could not end a stream of the model's."""
    out, _ = outbox(given())
    out.end([{"choices": []}, {"choices": [{"index": 0}]}])
    out.close({"aigc": 1})
    first, last, rest = out.take().split(b"\n\n", 2)
    assert (first, orjson.loads(last[6:])) == (b'data: {"choices":[]}', {"choices": [{"index": 0}], "aigc": 1})
    assert rest == DONE


def test_a_terminator_of_the_models_own_leaves_behind_the_members() -> None:
    """It does not let go of the frame that waits to be the last."""
    out, _ = outbox(messages.context())
    out.send(leaving("message_delta", Wait.LAST))
    out.send(leaving("message_stop")._replace(raw=b"its own stop", end=True))
    assert out.take() == b""
    out.close({"aigc": 1})
    assert out.take() == b'data: {"type":"message_delta","aigc":1}\n\nits own stop'


def test_a_text_is_said_once_more_as_it_was_shown() -> None:
    """However much later: what waits is written when it leaves, and its token probabilities are dropped."""
    out, channels = outbox(responses.context())
    key = (0, 0, "content", 0, "output_text")
    whole: Document = {"type": "response.output_text.done", "text": "mild", "logprobs": [{"token": "mild"}]}
    place = responses.event("output_text.done", output_index=0, content_index=0, text="mild")
    (segment,) = responses.context().dialect.stream(Identity("r", "m", 1)).view(place).repeats
    channels.note(key, "****")
    out.send(leaving("x", Wait.PART)._replace(document=whole, repeats=[segment._replace(container=whole)]))
    channels.note(key, " label")
    out.flush()
    assert orjson.loads(out.take().removeprefix(b"data: "))["text"] == "**** label"
    assert whole["logprobs"] == []


def test_numbers_are_moved_on_only_where_something_was_sent_between() -> None:
    """A frame whose number is free leaves as it came."""
    out, _ = outbox(responses.context())
    for number in (0, 1, 1, 2, 9):
        out.send(leaving(f"[{number}]", sequence_number=number))
    assert out.take() == (
        b'[0][1]data: {"type":"[1]","sequence_number":2}\n\ndata: {"type":"[2]","sequence_number":3}\n\n[9]'
    )
    out.send(leaving("none"))
    assert out.take() == b"none"
