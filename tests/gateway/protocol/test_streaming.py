"""A streamed reply on its way through."""

from dataclasses import replace

import orjson
import pytest

from filters.findings import Action, Finding, Known, Phase, Stage
from gateway.errors import ErrorCode
from gateway.protocol.context import ExchangeContext
from gateway.protocol.dialects.base import Identity
from gateway.protocol.judge import Judge
from gateway.protocol.labels import Position
from gateway.protocol.placeholders import Vault
from gateway.protocol.policy import FailMode, PhasePolicy, Policy
from gateway.protocol.streaming import StreamedReply
from tests.gateway.protocol import playbook_messages as messages
from tests.gateway.protocol import playbook_responses as responses
from tests.gateway.protocol.playbook import (
    DONE,
    LABEL,
    arguments,
    chunk,
    delta,
    finish,
    frame,
    given,
    joined,
    read,
    stream,
    term,
)


def streamed(context: ExchangeContext) -> StreamedReply:
    """Build a streamed reply by itself."""
    judge = Judge(context.standing.policy, observe=context.standing.observe)
    return StreamedReply(context, judge, Identity("req-1", "m", 1), Vault("req-1"), structured=False)


def test_the_frame_that_may_be_last_waits_for_its_successor() -> None:
    """The last frame carries the members; one that was not the last leaves as it came."""
    reply = streamed(given(position=Position.INTERFACE))
    assert reply.feed(finish(0)) == b""
    assert reply.feed(chunk("x", 1)) == finish(0) + chunk("x", 1)
    usage = frame([], usage={"total_tokens": 3})
    assert reply.feed(finish(1) + usage) == finish(1)
    assert reply.feed(b": ping\n\n") == usage + b": ping\n\n"
    assert reply.feed(usage + DONE + b": late\n\n") == b""
    assert reply.done
    last = read(reply.finish() + reply.closing({"aigc": 1})).last
    assert (last["usage"], last["aigc"]) == ({"total_tokens": 3}, 1)


def test_lines_beside_the_data_stay_with_a_changed_frame() -> None:
    """Event names and ids survive a mask, a stop, and the members of the last frame."""
    context = given(["forbidden"], ["mild"], position=Position.INTERFACE)
    outcome = stream(context, [b"event: a\n" + chunk("mild"), b"id: 5\n" + finish(), DONE])
    assert b'event: a\ndata: {"id"' in outcome.body
    assert b'id: 5\ndata: {"id"' in outcome.body
    assert b"event: b\ndata: " in stream(context, [b"event: b\n" + chunk("ok forbidden")]).body


def test_a_finish_frame_may_carry_text() -> None:
    """Its own text, what is held and the label leave in it; untouched where nothing is owed."""
    last = chunk("for", finish="stop")
    outcome = stream(given(["forbidden"]), [chunk("so "), last, DONE])
    assert read(outcome.body).content() == f"so for\n\n{LABEL['en']}"
    assert [each["choices"][0]["finish_reason"] for each in read(outcome.body).frames] == [None, "stop"]
    plain = streamed(given(["forbidden"], position=Position.INTERFACE))
    assert plain.feed(chunk("so ") + last) + plain.feed(chunk("x", 1)) == chunk("so ") + last + chunk("x", 1)


def test_a_whole_tool_call_in_its_finish_frame_stays_whole() -> None:
    """Its id and name are not torn from it."""
    call = {"tool_calls": [{"index": 0, "id": "call_for", "function": {"name": "for", "arguments": '{"for'}}]}
    raw = delta(call, finish="tool_calls")
    reply = streamed(given(["forbidden"]))
    assert reply.feed(raw + b": ping\n\n") == raw + b": ping\n\n"


def test_what_is_held_leaves_before_the_finish_frame() -> None:
    """With the metadata of the frames around it."""
    outcome = stream(given(["forbidden"]), [delta(arguments("for", 2)), delta({}, finish="tool_calls"), DONE])
    assert read(outcome.body).texts == {(0, "tool_calls", 2, "function", "arguments"): "for"}
    assert {each["id"] for each in read(outcome.body).frames} == {"c-1"}


@pytest.mark.parametrize("frames", [[], [DONE], [b": ping\n\n"], [frame([])], [frame(None), DONE], [finish()]])
def test_a_stream_without_text_is_still_a_valid_stream(frames: list[bytes]) -> None:
    """A guard never empties a stream: it ends with the members and the terminator, and without a label in it."""
    reading = read(stream(given(), frames).body)
    assert reading.last["aigc"]["Label"] == "1"
    assert reading.texts == {}


@pytest.mark.parametrize(
    "ending", [[], [DONE], [finish()], [finish(), DONE], [b"data:[DONE]\r\n\r\n"], [b"data: [DONE]"]]
)
def test_a_stream_may_end_in_any_way(ending: list[bytes]) -> None:
    """Without terminator or finish frame as well: held text and label leave, once."""
    outcome = stream(given(["forbidden"]), [chunk("well for"), *ending])
    assert read(outcome.body).content() == f"well for\n\n{LABEL['en']}"
    assert outcome.record.label == "end"
    assert outcome.decision == "allow"


def test_an_empty_finish_reason_ends_nothing() -> None:
    """Servers that send one with every frame neither get held text released nor a label in mid-text."""
    frames = [delta({"content": each}, finish="") for each in ("for", "bidden")]
    outcome = stream(given(["forbidden"]), [*frames, finish(), DONE])
    assert outcome.decision == "block"
    assert "for" not in read(outcome.body).content().split("[")[0]


def test_text_behind_the_end_of_its_choice_ends_the_stream() -> None:
    """What was held has left with the end, so a term could be completed behind it."""
    outcome = stream(given(["forbidden"]), [chunk("for"), finish(), chunk("bidden"), DONE])
    assert outcome.record.error == "upstream_malformed"
    assert b"bidden" not in outcome.body


def test_metadata_with_a_term_is_not_echoed_by_the_notice() -> None:
    """The frame that blocks does not lend its id to the frames that end the stream."""
    outcome = stream(given(["forbidden"]), [chunk("x"), frame([], id="forbidden")])
    assert b"forbidden" not in outcome.body
    assert read(outcome.body).last["id"] == "c-1"


def test_what_was_scanned_is_remembered_within_bounds() -> None:
    """Law 6: neither many nor long texts make a stream grow."""
    reply = streamed(given())
    for number in range(500):
        reply.feed(frame([], id=f"c-{number}", system_fingerprint="x" * 1000))
    assert len(reply._scanned) == 128
    assert max(map(len, reply._scanned)) < 128


def test_every_open_choice_is_ended_by_a_cut() -> None:
    """Each with the notice, and with its label where it was shown."""
    outcome = stream(
        given(["forbidden"]), [chunk("a", 0), chunk("b", 1), chunk("c", 2), finish(2), chunk("forbidden", 1)]
    )
    last = read(outcome.body).last
    assert [(each["index"], each["finish_reason"]) for each in last["choices"]] == [
        (0, "content_filter"),
        (1, "content_filter"),
    ]
    assert all(LABEL["en"] in each["delta"]["content"] for each in last["choices"])
    assert read(outcome.body).content(2) == f"c\n\n{LABEL['en']}"


def test_a_broken_stream_says_so_and_labels_what_was_shown() -> None:
    """Shown text is generated content also when the model server fails behind it."""
    reply = streamed(given(["forbidden"]))
    sent = reply.feed(chunk("well for") + finish(1) + chunk("", 2))
    sent += reply.broken(ErrorCode.UPSTREAM_RESET, {"sluice": 1})
    assert joined(sent)[0, "content"] == f"well \n\n{LABEL['en']}"
    assert (read(sent).last["error"]["code"], read(sent).last["sluice"]) == ("upstream_reset", 1)


def test_the_choices_in_a_stopping_frame_do_not_end_themselves() -> None:
    """What came in the same frame behind the term is dropped, usage and finish reason with it."""
    choices = [
        {"index": 0, "delta": {"content": "fine forbidden"}, "finish_reason": "stop", "logprobs": {"content": []}},
        {"index": 1, "delta": {"content": "more"}, "finish_reason": "stop"},
    ]
    outcome = stream(given(["forbidden"]), [frame(choices, usage={"total_tokens": 9})])
    first = read(outcome.body).frames[0]
    assert [each["delta"]["content"] for each in first["choices"]] == ["fine ", ""]
    assert [each["finish_reason"] for each in first["choices"]] == [None, None]
    assert "usage" not in first


@pytest.mark.parametrize(
    ("content", "token", "kept"),
    [
        ("fine", "fine", True),
        ("mild", "mild", False),
        ("for", "for", False),
        ("", "for", False),
        ("fine", "mild", False),
    ],
)
def test_token_probabilities_leave_beside_untouched_text_alone(content: str, token: str, kept: bool) -> None:  # noqa: FBT001 a parameter
    """They spell the text once more: dropped where it was changed, or where they say what would be held."""
    logprobs = {"content": [{"token": token, "logprob": -0.1, "bytes": [1], "top_logprobs": [{"token": "x"}]}]}
    raw = delta({"content": content}, logprobs=logprobs)
    outcome = stream(given(["forbidden"], ["mild"], position=Position.INTERFACE), [raw, chunk("mal"), finish(), DONE])
    assert outcome.decision in {"allow", "mask"}
    assert (raw in outcome.body) == kept
    assert (read(outcome.body).frames[0]["choices"][0]["logprobs"] is not None) == kept


def test_a_frame_that_names_a_member_twice_leaves_as_it_was_read() -> None:
    """Readers that take the first of two would see what was not scanned."""
    said = [b'"choices":[{"index":0,"delta":{"content":"%s"}}]' % each for each in (b"forbidden", b"ok")]
    twice = b"data: {" + b",".join(said) + b"}\n\n"
    outcome = stream(given(["forbidden"]), [twice])
    assert b"forbidden" not in outcome.body
    assert joined(outcome.body)[0, "content"].startswith("ok")


def test_an_open_fail_mode_still_reads_a_malformed_frame() -> None:
    """What is plainly a term in it blocks; under observation it passes."""
    opened = Policy(response=PhasePolicy(fail_modes={Stage.KEYWORDS: FailMode.OPEN}))
    blocked = stream(given(["forbidden"], policy=opened), [b"data: {forbidden\n\n", DONE])
    assert (blocked.decision, b"forbidden" in blocked.body) == ("block", False)
    observed = stream(given(["forbidden"], observe=True), [b"data: {forbidden\n\n", DONE])
    assert observed.decision == "unfiltered"
    assert b"{forbidden" in observed.body


def test_metadata_that_would_be_masked_is_blocked() -> None:
    """There is no place to write a mask to."""
    outcome = stream(given(masks=["mild"]), [frame([], mild="x")])
    assert [each.action for each in outcome.record.findings] == [Action.BLOCK]
    assert outcome.record.phase is Phase.RESPONSE


def test_a_held_frame_leaves_before_a_cut() -> None:
    """The end of one choice is not lost when another one is blocked."""
    outcome = stream(given(["forbidden"], position=Position.INTERFACE), [finish(0), chunk("forbidden", 1)])
    assert outcome.body.startswith(finish(0))
    assert orjson.loads(outcome.body.split(b"data: ")[3])["choices"][0]["index"] == 1


class _LastWord:
    """A stage that finds ``bad`` where a text ends with it, and nowhere else."""

    def __init__(self) -> None:
        self.text = ""

    @property
    def frontier(self) -> int:
        """Where the word may have begun."""
        return self.clear_before(len(self.text))

    def feed(self, text: str) -> list[Known]:
        """Wait for the end."""
        self.text += text
        return []

    def finish(self) -> list[Known]:
        """Look at how it ended."""
        end = len(self.text)
        return [Known(end, Finding(Stage.KEYWORDS, "A.1.f", end - 3, end, term("bad")))] if self.bad else []

    @property
    def bad(self) -> bool:
        """Whether the text ends with the word."""
        return self.text.endswith("bad")

    def clear_before(self, at: int) -> int:
        """Where the word may have begun in the text up to there."""
        return next(start for start in range(max(0, at - 3), at + 1) if "bad".startswith(self.text[start:at]))


class _LastWordMatcher:
    """A matcher whose findings the end of a text makes certain."""

    def scan(self, _text: str) -> list[Finding]:
        """Nothing that is complete."""
        return []

    def scan_all(self, texts: list[str]) -> list[tuple[Finding, ...]]:
        """The same for several."""
        return [() for _ in texts]

    def stream(self) -> _LastWord:
        """Follow a text."""
        return _LastWord()


def ending(context: ExchangeContext) -> ExchangeContext:
    """Put that matcher into a context."""
    ruleset = replace(context.standing.ruleset, response=_LastWordMatcher())  # type: ignore[arg-type]  # what a stream asks of it
    return replace(context, standing=context.standing._replace(ruleset=ruleset))


NOTICE = "[The answer was stopped: what followed cannot be shown.]"


@pytest.mark.parametrize("last", [[finish(), DONE], [DONE], []])
def test_the_end_of_a_choice_may_stop_the_stream(last: list[bytes]) -> None:
    """What only the end makes certain stops the answer before the client is told that it is complete."""
    outcome = stream(ending(given()), [chunk("so ba"), chunk("d"), *last])
    assert read(outcome.body).content() == f"so \n\n{NOTICE}\n\n{LABEL['en']}"
    assert [each["choices"][0]["finish_reason"] for each in read(outcome.body).frames][-1] == "content_filter"
    assert b'"stop"' not in outcome.body
    passed = stream(ending(given()), [chunk("so bad"), chunk("ly"), *last])
    assert read(passed.body).content() == f"so badly\n\n{LABEL['en']}"


def test_the_end_of_a_content_block_may_stop_the_stream() -> None:
    """Its stop does not leave: the notice stands in the same block."""
    outcome = stream(ending(messages.context()), messages.said("so ba", "d"), messages.request())
    reading = messages.read(outcome.body)
    assert reading.blocks == {0: {"type": "text", "text": f"so \n\n{NOTICE}\n\n{LABEL['en']}"}}
    assert reading.last["delta"]["stop_reason"] == "refusal"


def test_the_end_of_a_part_may_stop_the_stream() -> None:
    """The event that says it once more does not leave."""
    outcome = stream(ending(responses.context()), responses.said("so ba", "d"), responses.request())
    assert responses.read(outcome.body).content() == f"so \n\n{NOTICE}\n\n{LABEL['en']}"
    assert b"bad" not in outcome.body


def test_a_frame_that_is_like_an_earlier_one_may_stop_the_stream() -> None:
    """Frames that name their type have templates as well."""
    frames = [messages.begin(), messages.start(), *map(messages.text, ("a", "b", "c", "d forbidden", "e"))]
    outcome = stream(messages.context(["forbidden"]), frames, messages.request())
    assert messages.read(outcome.body).content() == f"abcd \n\n{NOTICE}\n\n{LABEL['en']}"


def test_one_terminator_ends_every_format() -> None:
    """Servers that send the chat format's behind an end of their own are not said to be malformed."""
    frames = [*messages.said("hi"), DONE]
    outcome = stream(messages.context(), frames, messages.request())
    assert (outcome.decision, DONE in outcome.body) == ("allow", False)
    outcome = stream(messages.context(), [*messages.said("hi")[:-1], DONE], messages.request())
    assert messages.read(outcome.body).last["delta"]["stop_reason"] == "end_turn"
