"""Streams of text completions: choices apart, probabilities behind the text, ends of the format's own."""

from typing import Any

import pytest
from hypothesis import given as generate
from hypothesis import settings
from hypothesis import strategies as st

from gateway.errors import ErrorCode
from gateway.protocol.dialects.base import Identity
from gateway.protocol.dialects.openai_completions import OpenAICompletions
from gateway.protocol.dialects.openai_completions_stream import OpenAICompletionsStream
from gateway.protocol.events import (
    Event,
    RequestReceived,
    UpstreamData,
    UpstreamFailed,
    UpstreamFinished,
    UpstreamStarted,
)
from gateway.protocol.labels import Position
from tests.gateway.protocol.dialects.test_openai_completions import request
from tests.gateway.protocol.playbook import DONE, LABEL, Outcome, given, run
from tests.gateway.protocol.streams import CUTS, Events, cut, events_of, frame

HEAD = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m"}


def piece(text: str, index: int = 0, finish: str | None = None, **members: Any) -> bytes:  # noqa: ANN401 any JSON
    """Build a frame with a piece of a choice."""
    return frame(
        HEAD | {"choices": [{"index": index, "text": text, "logprobs": None, "finish_reason": finish} | members]}
    )


def stream(*pieces: bytes, end: Event | None = None, body: bytes = b"", **context: Any) -> Outcome:  # noqa: ANN401 any field
    """Run an exchange whose reply is streamed in these pieces."""
    own = {"keywords": ["forbidden"], "masks": ["insult"], "position": Position.INTERFACE} | context
    asked = RequestReceived(body or request(stream=True))
    started = UpstreamStarted(200, "text/event-stream")
    events = [asked, started, *map(UpstreamData, pieces), end or UpstreamFinished()]
    return run(given(**own, dialect=OpenAICompletions()), events)


def said(outcome: Outcome, index: int = 0, name: str = "text") -> str:
    """Return what a choice says, put together."""
    choices = [choice for event in events_of(outcome.body) for choice in event.get("choices", ())]
    return "".join(choice.get(name) or "" for choice in choices if choice["index"] == index)


def last(outcome: Outcome) -> Any:  # noqa: ANN401 any JSON
    """Return the last frame before the terminator."""
    assert outcome.body.endswith(DONE)
    return events_of(outcome.body)[-1]


def test_clean_frames_leave_as_they_came() -> None:
    """But for the label at the end and the members of the last frame."""
    frames = [piece("go"), piece("od")]
    outcome = stream(*frames, piece("", finish="stop"), DONE, position=Position.END)
    assert outcome.body.startswith(b"".join(frames))
    assert said(outcome) == f"good\n\n{LABEL['en']}"
    assert (last(outcome)["sluice"]["decision"], last(outcome)["aigc"]["Label"]) == ("allow", "1")


def test_choices_are_kept_apart() -> None:
    """What is held of one does not delay another, and halves of a term in two choices are no term."""
    outcome = stream(piece("for"), piece("bidden", 1), piece("", 0, "stop"), piece("", 1, "stop"), DONE)
    assert (said(outcome, 0), said(outcome, 1), outcome.decision) == ("for", "bidden", "allow")


def test_a_block_ends_every_open_choice() -> None:
    """None of the term leaves, and the end is the format's own."""
    outcome = stream(piece("so for"), piece("ok", 1), piece("bidden"))
    assert said(outcome).startswith("so \n\n[The answer was stopped")
    assert {choice["finish_reason"] for choice in last(outcome)["choices"]} == {"content_filter"}
    assert {choice["index"] for choice in last(outcome)["choices"]} == {0, 1}
    assert last(outcome)["id"] == "cmpl-1"
    assert (last(outcome)["sluice"]["retract"], outcome.closed) == (True, 1)


def test_a_blocked_prompt_is_refused_in_frames() -> None:
    """Whoever asked for a stream reads frames."""
    outcome = stream(body=request("forbidden", stream=True))
    assert said(outcome).startswith("Sorry")
    assert last(outcome)["choices"][0]["finish_reason"] == "content_filter"
    assert (last(outcome)["object"], last(outcome)["id"]) == ("text_completion", "cmpl-req-1")


def test_what_is_held_leaves_before_the_end() -> None:
    """A beginning that grew into nothing is text like any other."""
    outcome = stream(piece("so for"), piece("", finish="stop"), DONE)
    assert said(outcome) == "so for"


def test_a_mask_over_two_frames() -> None:
    """Lengths stay, so nothing moves."""
    assert said(stream(piece("an ins"), piece("ult."), piece("", finish="stop"), DONE)) == "an ******."


@pytest.mark.parametrize(
    ("frames", "kept"),
    [
        ([("fine", ["fi", "ne"])], True),
        ([("an ins", ["an", " ins"]), ("ult", ["ult"])], False),
        ([("fine", ["for"]), ("fine", ["bidden"])], False),
        ([("fine", ["fine", 1, None])], True),
    ],
)
def test_probabilities_follow_the_text(frames: list[tuple[str, list[Any]]], *, kept: bool) -> None:
    """They spell the text once more, over frames as well."""
    raw = [piece(text, logprobs={"tokens": tokens, "top_logprobs": None}) for text, tokens in frames]
    outcome = stream(*raw, piece("", finish="stop"), DONE)
    choices = [choice for event in events_of(outcome.body) for choice in event["choices"]]
    assert any(choice.get("logprobs") for choice in choices) is kept
    assert b"bidden" not in outcome.body


@pytest.mark.parametrize(
    "raw",
    [
        piece("forbidden", 3),
        piece("x", note="forbidden"),
        piece("x", note={"deep": ["forbidden"]}),
        piece("x", forbidden=1),
        piece("x", stop_reason="forbidden"),
        piece("x", finish="forbidden"),
        piece("x", logprobs={"top_logprobs": [{"forbidden": -1}]}),
        frame(HEAD | {"choices": [], "usage": {"note": "forbidden"}}),
        frame(HEAD | {"choices": None, "forbidden": 1}),
        frame(HEAD | {"model": "forbidden", "choices": []}),
    ],
)
def test_every_byte_forwarded_is_a_byte_scanned(raw: bytes) -> None:
    """There is no place in a frame where a term goes through."""
    assert b"forbidden" not in stream(piece("ok "), raw, DONE).visible


def test_a_text_under_an_unknown_name_is_followed() -> None:
    """A member that a server adds tomorrow: cut over two frames its term is found, and what was held comes back."""
    outcome = stream(piece("", thoughts="for"), piece("", thoughts="bidden"))
    assert outcome.decision == "block"
    outcome = stream(piece("", thoughts="so for"), piece("x", finish="stop"), DONE)
    assert (said(outcome, name="thoughts"), said(outcome)) == ("so for", "x")


@pytest.mark.parametrize(
    "raw", [b"data: 1\n\n", frame({"choices": 5}), frame({"choices": [{"index": -1, "text": "x"}]})]
)
def test_a_frame_that_cannot_be_understood_ends_the_stream(raw: bytes) -> None:
    """Closed unless the operator said otherwise."""
    outcome = stream(piece("ok"), raw)
    assert outcome.record.error == "upstream_malformed"
    assert last(outcome)["error"]["code"] == "upstream_malformed"


def test_a_failure_ends_in_an_error_of_the_format() -> None:
    """Clients look for it in every frame."""
    outcome = stream(piece("ok"), end=UpstreamFailed(ErrorCode.UPSTREAM_RESET))
    assert last(outcome)["error"]["code"] == "upstream_reset"


def test_a_usage_frame_is_the_last_one() -> None:
    """The members stand in it; where the stream is stopped, what was counted is not told."""
    usage = frame(HEAD | {"choices": [], "usage": {"total_tokens": 3}})
    outcome = stream(piece("ok", finish="stop"), usage, DONE)
    assert (last(outcome)["choices"], last(outcome)["usage"]["total_tokens"]) == ([], 3)
    assert "sluice" in last(outcome)
    document = {"choices": [{"index": 0, "text": "x", "finish_reason": "stop"}], "usage": {}}
    assert OpenAICompletionsStream(Identity("r", "m", 1)).unfinish(document)
    assert document == {"choices": [{"index": 0, "text": "x", "finish_reason": None}]}


LETTERS = "qQｑ甲乙"
PIECES = st.lists(st.tuples(st.integers(0, 1), st.text(LETTERS, max_size=5), st.booleans()), max_size=7)
TERMS = st.lists(st.text(LETTERS, min_size=1, max_size=4), max_size=3)


@generate(PIECES, TERMS, TERMS, CUTS)
@settings(max_examples=150, deadline=None)
def test_output_and_record_do_not_depend_on_the_cutting(
    pieces: list[tuple[int, str, bool]], keywords: list[str], masks: list[str], cuts: list[int]
) -> None:
    """Same bytes, any chunks: same output, same entry; and no character of a blocked term leaves."""
    raw = b"".join(
        piece(text, index, logprobs={"tokens": list(text)} if spelled else None) for index, text, spelled in pieces
    )
    raw += piece("", 0, "stop") + piece("", 1, "stop") + DONE
    whole = stream(raw, keywords=keywords, masks=masks)
    parts = stream(*cut(raw, cuts), keywords=keywords, masks=masks)
    assert (parts.body, parts.record) == (whole.body, whole.record)
    events: Events = events_of(whole.body)
    assert events
    for index in (0, 1):
        model = "".join(text for place, text, _ in pieces if place == index)
        if whole.decision == "allow":
            assert said(whole, index) == model
