"""Whatever text a streamed reply carries is scored, in each format: what goes on, and what is complete in a frame."""

import base64
import random
from dataclasses import replace
from typing import Any

import orjson
import pytest

from filters.classifier.windows import PASSAGE_CHARACTERS
from filters.findings import Action, Phase, Stage
from gateway.protocol.commands import ScoreTexts
from gateway.protocol.context import ExchangeContext
from gateway.protocol.dialects.openai_completions import OpenAICompletions
from gateway.protocol.dialects.openai_transcriptions import OpenAITranscriptions
from gateway.protocol.events import (
    Event,
    RequestReceived,
    UpstreamData,
    UpstreamFinished,
    UpstreamStarted,
)
from gateway.protocol.labels import Position
from gateway.protocol.policy import FailMode, StreamMode
from gateway.protocol.states import State
from gateway.protocol.stream_scoring import MOST_ASKED
from gateway.protocol.verdicts import VerdictMemory
from tests.gateway.protocol import playbook_messages as messages
from tests.gateway.protocol import playbook_responses as responses
from tests.gateway.protocol.playbook import DONE, Outcome, Play, chunk, delta, finish, frame, read, request
from tests.gateway.protocol.scoring import RISK, answer, phase_policy, run_scored, score, scored_context
from tests.gateway.protocol.streams import frame as typed
from tests.gateway.protocol.test_whole import upload

EVIL = "an evil plan, at some length"
UNLABELLED: dict[str, Any] = {"position": Position.INTERFACE}
MODES = list(StreamMode)


def _chat(**members: Any) -> list[bytes]:  # noqa: ANN401 any JSON
    return [chunk("Hello you."), frame([{"index": 0, "delta": {}}], **members), finish(), DONE]


def _call(**call: Any) -> list[bytes]:  # noqa: ANN401 the same
    return [delta({"tool_calls": [{"index": 0, "id": "c", "type": "function"} | call]}), finish(), DONE]


def _item(**item: Any) -> list[bytes]:  # noqa: ANN401 the same
    done = responses.event("output_item.done", output_index=0, item={"id": "i", "status": "completed"} | item)
    end = responses.event("completed", response=responses.response())
    return responses.numbered([done, end])


def _block(**block: Any) -> list[bytes]:  # noqa: ANN401 the same
    return [messages.begin(), messages.start(0, **block), messages.stop(), messages.end(), messages.STOP]


def _completion(**choice: Any) -> list[bytes]:  # noqa: ANN401 the same
    document = {"id": "c", "object": "text_completion", "choices": [{"index": 0, "text": ""} | choice]}
    end = {"id": "c", "object": "text_completion", "choices": [{"index": 0, "text": "", "finish_reason": "stop"}]}
    return [typed(document), typed(end), DONE]


def _transcript(*events: dict[str, Any]) -> list[bytes]:
    return [typed(each) for each in events]


COMPLETION = orjson.dumps({"model": "m", "stream": True, "prompt": "hello there"})
_CHAT = (None, request("hello there"))
_MESSAGES = (messages.context().dialect, messages.request("hello there"))
_RESPONSES = (responses.context().dialect, responses.request("hello there"))
_COMPLETIONS = (OpenAICompletions(), COMPLETION)
_TRANSCRIPTIONS = (OpenAITranscriptions(), None)

# Where a model, or the server behind it, can put a text that is complete in its frame.
COMPLETE = {
    "chat, beside the choices": (_CHAT, _chat(citations=["https://example.com", EVIL])),
    "chat, an error of the server": (_CHAT, _chat(error={"message": EVIL})),
    "chat, a choice's own member": (
        _CHAT,
        [frame([{"index": 0, "delta": {"content": "Hi."}, "note": EVIL}]), finish(), DONE],
    ),
    "chat, name of a tool": (_CHAT, _call(function={"name": EVIL, "arguments": ""})),
    "chat, id of a call": (_CHAT, _call(id=EVIL, function={"name": "f", "arguments": ""})),
    "chat, a comment": (_CHAT, [b": " + EVIL.encode() + b"\n\n", *_chat()]),
    "chat, an event's name": (_CHAT, [b"event: " + EVIL.encode() + b"\n" + chunk("Hi."), finish(), DONE]),
    "chat, a field nobody knows": (_CHAT, [b"say evil: things\n" + chunk("Hi."), finish(), DONE]),
    "chat, a member's name": (_CHAT, [delta({EVIL: 1}), finish(), DONE]),
    "chat, a second choice": (_CHAT, [frame([{"index": 1, "delta": {}, "note": EVIL}]), finish(1), finish(), DONE]),
    "messages, a block begun with text": (_MESSAGES, _block(type="text", text=EVIL)),
    "messages, input of a tool": (_MESSAGES, _block(type="tool_use", id="t", name="f", input={"query": EVIL})),
    "messages, name of a tool": (_MESSAGES, _block(type="tool_use", id="t", name=EVIL, input={})),
    "messages, a result of a search": (
        _MESSAGES,
        _block(
            type="web_search_tool_result", tool_use_id="t", content=[{"type": "web_search_result", "title": EVIL}]
        ),
    ),
    "messages, a citation": (
        _MESSAGES,
        [
            messages.begin(),
            messages.start(),
            messages.delta(0, "citations_delta", citation={"type": "char_location", "cited_text": EVIL}),
            messages.stop(),
            messages.end(),
            messages.STOP,
        ],
    ),
    "responses, a message without pieces": (
        _RESPONSES,
        _item(type="message", role="assistant", content=[{"type": "output_text", "text": EVIL, "annotations": []}]),
    ),
    "responses, reasoning without pieces": (
        _RESPONSES,
        _item(type="reasoning", summary=[{"type": "summary_text", "text": EVIL}]),
    ),
    "responses, a refusal without pieces": (
        _RESPONSES,
        _item(type="message", role="assistant", content=[{"type": "refusal", "refusal": EVIL}]),
    ),
    "responses, arguments without pieces": (_RESPONSES, _item(type="function_call", name="f", arguments=EVIL)),
    "responses, name of a tool": (_RESPONSES, _item(type="function_call", name=EVIL, arguments="{}")),
    "responses, a result of a search": (
        _RESPONSES,
        _item(type="file_search_call", queries=[], results=[{"filename": "a.txt", "text": EVIL}]),
    ),
    "responses, an annotation": (
        _RESPONSES,
        _item(
            type="message",
            content=[
                {"type": "output_text", "text": "Hi.", "annotations": [{"type": "url_citation", "title": EVIL}]}
            ],
        ),
    ),
    "responses, only in the last event": (
        _RESPONSES,
        responses.numbered(
            [
                responses.event(
                    "completed",
                    response=responses.response(
                        {"type": "message", "id": "i", "content": [{"type": "output_text", "text": EVIL}]}
                    ),
                )
            ]
        ),
    ),
    "completions, a choice's own member": (_COMPLETIONS, _completion(extra={"note": EVIL})),
    "completions, why it ended": (_COMPLETIONS, _completion(stop_reason=EVIL)),
    "transcriptions, the end without pieces": (
        _TRANSCRIPTIONS,
        _transcript({"type": "transcript.text.done", "text": EVIL}),
    ),
    "transcriptions, a speaker": (
        _TRANSCRIPTIONS,
        _transcript(
            {"type": "transcript.text.segment", "id": "s", "speaker": EVIL, "start": 0.0, "end": 1.0, "text": "Hi."},
            {"type": "transcript.text.done", "text": "Hi."},
        ),
    ),
}
# Where it puts one that goes on from frame to frame.
RUNNING = {
    "chat, content": (_CHAT, [chunk(EVIL), finish(), DONE]),
    "chat, another choice": (_CHAT, [chunk("Hi."), chunk(EVIL, 2), finish(2), finish(), DONE]),
    "chat, reasoning": (_CHAT, [delta({"reasoning_content": EVIL}), finish(), DONE]),
    "chat, a refusal": (_CHAT, [delta({"refusal": EVIL}), finish(), DONE]),
    "chat, arguments": (_CHAT, _call(function={"name": "f", "arguments": EVIL})),
    "chat, arguments in escapes": (_CHAT, _call(function={"name": "f", "arguments": r'{"a": "an \u0065vil plan"}'})),
    "chat, under the name of a name": (_CHAT, [delta({"reasoning_details": [{"status": EVIL}]}), finish(), DONE]),
    "messages, thinking": (
        _MESSAGES,
        [
            messages.begin(),
            messages.start(0, type="thinking", thinking="", signature=""),
            messages.delta(0, "thinking_delta", thinking=EVIL),
            messages.stop(),
            messages.end(),
            messages.STOP,
        ],
    ),
    "messages, arguments": (
        _MESSAGES,
        [
            messages.begin(),
            messages.start(0, type="tool_use", id="t", name="f", input={}),
            messages.delta(0, "input_json_delta", partial_json=EVIL),
            messages.stop(),
            messages.end(),
            messages.STOP,
        ],
    ),
    "completions, text": (_COMPLETIONS, _completion(text=EVIL)),
    "transcriptions, text": (
        _TRANSCRIPTIONS,
        _transcript({"type": "transcript.text.delta", "delta": EVIL}, {"type": "transcript.text.done", "text": EVIL}),
    ),
    "transcriptions, segments": (
        _TRANSCRIPTIONS,
        _transcript(
            {"type": "transcript.text.segment", "id": "s", "speaker": "A", "start": 0.0, "end": 1.0, "text": EVIL},
            {"type": "transcript.text.done", "text": "Hi."},
        ),
    ),
}


def _context(dialect: Any, **members: Any) -> ExchangeContext:  # noqa: ANN401 a wire format
    context = scored_context(**members, **UNLABELLED)
    return replace(context, dialect=dialect) if dialect else context


def _run(kind: Any, pieces: list[bytes], how: Any = score, late: int = 0, **members: Any) -> Outcome:  # noqa: ANN401 as the helpers take them
    dialect, body = kind
    asked = RequestReceived(body) if body else upload(stream="true")
    events: list[Event] = [asked, UpstreamStarted(200, "text/event-stream"), *map(UpstreamData, pieces)]
    return run_scored(_context(dialect, **members), [*events, UpstreamFinished()], how, late=late)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("place", COMPLETE)
@pytest.mark.parametrize("late", [0, 100])
def test_a_text_that_is_complete_in_its_frame_is_scored_first(place: str, mode: StreamMode, late: int) -> None:
    """Nothing of it is shown, in whatever mode and however late the score is."""
    outcome = _run(*COMPLETE[place], stream=mode, late=late)
    assert (outcome.decision, outcome.record.phase) == ("block", Phase.RESPONSE)
    assert {each.stage for each in outcome.record.findings} == {Stage.CLASSIFIER}
    assert (b"evil" in outcome.body) <= ("begun with text" in place and mode is StreamMode.TRAIL)


@pytest.mark.parametrize("place", [*COMPLETE, *RUNNING])
def test_what_is_clean_leaves_as_ever(place: str) -> None:
    """The scores change no byte of it."""
    kind, pieces = (COMPLETE | RUNNING)[place]
    clean = [piece.replace(b"evil", b"good").replace(rb"\\u0065vil", b"good") for piece in pieces]
    scored, plain = _run(kind, clean), _run(kind, clean, action=Action.OFF)
    assert scored.body == plain.body
    assert scored.decision == "allow"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("place", RUNNING)
def test_a_text_that_goes_on_is_scored(place: str, mode: StreamMode) -> None:
    """Under whatever name."""
    outcome = _run(*RUNNING[place], stream=mode)
    assert (outcome.decision, outcome.record.phase) == ("block", Phase.RESPONSE)


@pytest.mark.parametrize("place", [*COMPLETE, *RUNNING])
def test_a_text_nobody_scored_is_a_decision(place: str) -> None:
    """Open counts it as unscanned, and never as allowed; closed ends the stream with an error."""
    kind, pieces = (COMPLETE | RUNNING)[place]
    closed = phase_policy(Phase.RESPONSE, Action.BLOCK)
    open_ = replace(closed, response=replace(closed.response, fail_modes={Stage.CLASSIFIER: FailMode.OPEN}))
    passed = _run(kind, pieces, "classifier_down", policy=open_)
    assert passed.decision == "unscanned"
    assert {(each.phase, each.stage) for each in passed.record.unscanned} == {(Phase.RESPONSE, Stage.CLASSIFIER)}
    stopped = _run(kind, pieces, "classifier_down", policy=closed)
    assert (stopped.record.error, stopped.decision) == ("scan_failed", "error")


@pytest.mark.parametrize("place", COMPLETE)
def test_where_it_is_only_flagged_nothing_waits(place: str) -> None:
    """The finding is in the record, and every byte leaves as it came."""
    kind, pieces = COMPLETE[place]
    outcome = _run(kind, pieces, late=100, action=Action.FLAG)
    assert outcome.decision == "flag"
    assert {each.stage for each in outcome.record.findings} == {Stage.CLASSIFIER}
    said = outcome.body.replace(b'"decision":"flag"', b'"decision":"allow"').replace(f'"{RISK}"'.encode(), b"")
    assert said == _run(kind, pieces, action=Action.OFF).body


def test_a_frame_nobody_understands_is_scored_where_it_passes() -> None:
    """Its keywords were read, and its meaning is too."""
    context = scored_context(**UNLABELLED)
    policy = context.standing.policy
    open_ = replace(policy.response, fail_modes={Stage.KEYWORDS: FailMode.OPEN})
    context = replace(context, standing=context.standing._replace(policy=replace(policy, response=open_)))
    pieces = [b"data: no JSON but an evil plan\n\n", finish(), DONE]
    events: list[Event] = [RequestReceived(request("hi")), UpstreamStarted(200, "text/event-stream")]
    outcome = run_scored(context, [*events, *map(UpstreamData, pieces), UpstreamFinished()])
    assert (outcome.decision, b"evil" in outcome.body) == ("block", False)


def test_nothing_behind_the_end_leaves() -> None:
    """No client reads it, and nobody scores it."""
    outcome = _run(_CHAT, [chunk("Hi."), finish(), DONE + chunk(EVIL)])
    assert (outcome.decision, b"evil" in outcome.body) == ("allow", False)


@pytest.mark.parametrize(
    ("tokens", "stays"),
    [
        ([{"token": "Hi"}, {"token": " there."}], True),
        ([{"token": "Hi there.", "top_logprobs": [{"token": "Hello"}, {"token": "Hey"}]}], True),
        ([{"token": EVIL}], False),
        ([{"token": "Hi there.", "top_logprobs": [{"token": EVIL * 10}]}], False),
    ],
)
def test_token_probabilities_say_what_the_text_says(tokens: list[Any], stays: bool) -> None:  # noqa: FBT001 a table
    """They are not scored, so what is more than the text and a few tokens is left out."""
    said = frame([{"index": 0, "delta": {"content": "Hi there."}, "logprobs": {"content": tokens}}])
    outcome = _run(_CHAT, [said, finish(), DONE])
    assert outcome.decision == "allow"
    assert (b'"logprobs":{' in outcome.body) is stays
    assert b"evil" not in outcome.body


def test_a_long_piece_asks_in_turns() -> None:
    """A whole book in one frame outruns neither the classifier's time nor its queue, and nothing more is read."""
    play = Play(_context(None)) >> RequestReceived(request("hi"))
    (asked,) = [each for each in play.commands if isinstance(each, ScoreTexts)]
    play >> answer(asked) >> UpstreamStarted(200, "text/event-stream")
    play.commands.clear()
    text = "A sentence that is quite all right. " * 100
    play >> UpstreamData(chunk(text))
    waiting = [each for each in play.commands if isinstance(each, ScoreTexts)]
    assert len(waiting) == MOST_ASKED
    assert play.exchange.state.name == State.SETTLING.name
    told = 0
    while waiting:
        play.commands.clear()
        play >> answer(waiting.pop(0))
        told += 1
        waiting += [each for each in play.commands if isinstance(each, ScoreTexts)]
        assert len(waiting) <= MOST_ASKED
    assert told > 100
    assert play.exchange.state.name == State.STREAMING.name
    assert play.exchange.held_characters == 0


def test_too_long_a_text_is_a_decision() -> None:
    """Of the fail mode, before any of it is scored."""
    pieces = _chat(note="some words " * 60_000)
    closed, passed = _run(_CHAT, pieces), _run(_CHAT, pieces, open_=True)
    assert (closed.record.error, b"some words" in closed.body) == ("scan_failed", False)
    assert passed.decision == "unscanned"
    assert {each.reason for each in passed.record.unscanned} == {"classifier_text_too_long"}


def test_what_every_frame_repeats_is_scored_once() -> None:
    """A model's name in two words, or a prompt that is said again in three events."""
    context = replace(_context(None), memory=VerdictMemory(b"key"))
    pieces = [frame([{"index": 0, "delta": {"content": f"{number}"}}], note="two words " * 20) for number in range(5)]
    events: list[Event] = [RequestReceived(request("hi")), UpstreamStarted(200, "text/event-stream")]
    outcome = run_scored(context, [*events, *map(UpstreamData, [*pieces, finish(), DONE]), UpstreamFinished()])
    texts = [window.text for each in outcome.commands if isinstance(each, ScoreTexts) for window in each.windows]
    assert texts.count("two words " * 20) == 1
    assert outcome.decision == "allow"


def test_sound_is_no_text() -> None:
    """Bytes written as letters are hardly asked about: chance alone has a piece look like words."""
    sound = "A" * 400 + base64.b64encode(random.Random(1).randbytes(6000)).decode()  # noqa: S311 the same every time
    outcome = _run(_CHAT, [delta({"audio": {"data": sound}}), finish(), DONE], stream=StreamMode.HOLD)
    asked = [each for each in outcome.commands if isinstance(each, ScoreTexts)]
    assert len(asked) < len(sound) / PASSAGE_CHARACTERS / 5
    assert outcome.decision == "allow"
    assert read(outcome.body).texts[0, "audio", "data"] == sound
