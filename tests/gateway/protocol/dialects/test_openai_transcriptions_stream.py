"""Streams of transcripts: pieces, segments, and all of it once more at the end."""

from typing import Any

import pytest
from hypothesis import given as generate
from hypothesis import settings
from hypothesis import strategies as st

from gateway.errors import ErrorCode
from gateway.protocol.dialects.openai_transcriptions import OpenAITranscriptions
from gateway.protocol.events import Event, UpstreamData, UpstreamFailed, UpstreamFinished, UpstreamStarted
from tests.gateway.protocol.playbook import DONE, Outcome, given, run
from tests.gateway.protocol.streams import CUTS, Events, cut, events_of, frame
from tests.gateway.protocol.test_whole import upload


def delta(text: str, **members: Any) -> bytes:  # noqa: ANN401 any JSON
    """Build a piece of the text."""
    return frame({"type": "transcript.text.delta", "delta": text} | members, named=True)


def segment(text: str, speaker: str = "A") -> bytes:
    """Build a segment with its speaker."""
    own = {"id": "seg_1", "start": 1.0, "end": 2.0, "speaker": speaker, "text": text}
    return frame({"type": "transcript.text.segment"} | own, named=True)


def done(text: str, **members: Any) -> bytes:  # noqa: ANN401 the same
    """Build the end, with the whole text."""
    return frame({"type": "transcript.text.done", "text": text} | members, named=True)


def stream(*pieces: bytes, end: Event | None = None, **context: Any) -> Outcome:  # noqa: ANN401 any field of the context
    """Run an exchange whose transcript is streamed in these pieces."""
    own = {"keywords": ["forbidden"], "masks": ["insult"]} | context
    started = UpstreamStarted(200, "text/event-stream")
    events = [upload(stream="true"), started, *map(UpstreamData, pieces), end or UpstreamFinished()]
    return run(given(**own, dialect=OpenAITranscriptions()), events)


def said(outcome: Outcome, kind: str = "delta") -> str:
    """Return what the pieces of a kind say, put together."""
    member = "delta" if kind == "delta" else "text"
    events = [event for event in events_of(outcome.body) if event["type"] == f"transcript.text.{kind}"]
    return "".join(event[member] for event in events)


def test_a_clean_transcript_leaves_as_it_came() -> None:
    """But for the outcome in its last event; what people said is no generated content, and has no label."""
    outcome = stream(delta("go"), delta("od"), done("good", usage={"type": "tokens", "total_tokens": 1}))
    assert outcome.body.startswith(delta("go") + delta("od") + b"event: transcript.text.done\n")
    last = events_of(outcome.body)[-1]
    assert (last["text"], last["sluice"]["decision"], last["usage"]["total_tokens"]) == ("good", "allow", 1)
    assert b"aigc" not in outcome.visible
    assert (outcome.record.produce_id, outcome.record.label) == ("", "none")


def test_the_whole_text_says_what_the_pieces_said() -> None:
    """Masked in the pieces, it is masked at the end."""
    outcome = stream(delta("an ins"), delta("ult!"), done("an insult!"))
    assert said(outcome) == said(outcome, "done") == "an ******!"
    assert outcome.decision == "mask"


def test_what_is_held_leaves_before_the_end() -> None:
    """A beginning that grew into nothing is text like any other."""
    outcome = stream(delta("so for"), done("so for"))
    assert said(outcome) == said(outcome, "done") == "so for"


def test_a_block_ends_in_the_events_of_the_format() -> None:
    """None of the term leaves; the last event has what was shown, and the notice."""
    outcome = stream(delta("so for"), delta("bidden"), done("so forbidden"))
    last = events_of(outcome.body)[-1]
    assert last["type"] == "transcript.text.done"
    assert last["text"] == said(outcome) != ""
    assert last["text"].startswith("so ")
    assert "bidden" not in outcome.body.decode()
    assert (last["sluice"]["decision"], last["sluice"]["retract"]) == ("block", True)
    assert outcome.body.count(b"event: ") == len(events_of(outcome.body))


def test_a_text_that_comes_only_at_the_end_is_read() -> None:
    """Some servers send no pieces."""
    assert said(stream(done("an insult")), "done") == "an ******"
    blocked = stream(done("so forbidden"))
    assert blocked.decision == "block"
    assert b"forbidden" not in blocked.visible


def test_segments_are_one_text() -> None:
    """A term over the end of a segment is found; what was held comes back under its speaker."""
    assert stream(segment("for"), segment("bidden", "B")).decision == "block"
    outcome = stream(segment("an ins", "A"), segment("ult for", "B"), done("an insult for"))
    assert said(outcome, "segment") == "an ****** for"
    tail = [event for event in events_of(outcome.body) if event["type"] == "transcript.text.segment"][-1]
    assert (tail["speaker"], tail["start"]) == ("B", 1.0)


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ([delta("fine", logprobs=[{"token": "fine"}]), done("fine", logprobs=[{"token": "fine"}])], 2),
        ([delta("an insult", logprobs=[{"token": "insult"}]), done("an insult")], 0),
        ([delta("fine", logprobs=[{"token": "for"}]), delta("x", logprobs=[{"token": "bidden"}]), done("finex")], 0),
        ([delta("fine"), done("fine", logprobs=[{"token": "for"}, {"token": "bidden"}])], 0),
        ([delta("fine", logprobs=[]), done("fine", logprobs=None)], 0),
    ],
)
def test_probabilities_follow_the_text(raw: list[bytes], kept: int) -> None:
    """They spell the text once more, over events as well, and at the end all of it."""
    outcome = stream(*raw)
    assert sum(bool(event.get("logprobs")) for event in events_of(outcome.body)) == kept
    assert b"bidden" not in outcome.body


@pytest.mark.parametrize(
    "raw",
    [
        delta("x", segment_id="forbidden"),
        delta("x", forbidden=1),
        delta("x", note={"deep": ["forbidden"]}),
        segment("x", "forbidden"),
        done("x", languages=[{"code": "forbidden"}]),
        frame({"type": "error", "error": {"message": "forbidden"}}),
        b"event: forbidden\n" + delta("x"),
        delta("x").replace(b'"delta":"x"', b'"delta":"forbidden","delta":"x"'),
    ],
)
def test_every_byte_forwarded_is_a_byte_scanned(raw: bytes) -> None:
    """There is no place in an event where a term goes through."""
    assert b"forbidden" not in stream(delta("ok "), raw).visible


@pytest.mark.parametrize(
    "raw",
    [
        b"data: 1\n\n",
        frame({"type": "transcript.text.new", "text": "x"}),
        frame({"type": "transcript.text.delta"}),
        frame({"type": "transcript.text.delta", "delta": ["x"]}),
        frame({"choices": [{"delta": {"content": "x"}}]}),
        frame({"type": "transcript.text.delta", "delta": "x", "choices": []}),
    ],
)
def test_an_event_of_another_kind_ends_the_stream(raw: bytes) -> None:
    """It could bring a text in pieces that nobody follows."""
    outcome = stream(delta("ok"), raw)
    assert outcome.record.error == "upstream_malformed"
    assert events_of(outcome.body)[-1]["error"]["code"] == "upstream_malformed"


def test_failures_end_in_an_error() -> None:
    """Of the connection, and those that the model server tells itself."""
    outcome = stream(delta("ok"), end=UpstreamFailed(ErrorCode.UPSTREAM_RESET))
    assert events_of(outcome.body)[-1]["error"]["code"] == "upstream_reset"
    outcome = stream(delta("ok"), frame({"type": "error", "error": {"message": "busy"}}))
    assert events_of(outcome.body)[-1]["error"]["message"] == "busy"


def test_a_terminator_of_other_formats_does_no_harm() -> None:
    """Some servers send it behind the end."""
    outcome = stream(delta("ok"), done("ok"), b"data: [DONE]\n\n")
    assert events_of(outcome.body)[-1]["type"] == "transcript.text.done"
    assert b"[DONE]" not in outcome.body


def chunk(text: str, finish: str | None = None, **members: Any) -> bytes:  # noqa: ANN401 any JSON
    """Build a piece of the text as servers send it that stream transcripts like a chat."""
    choice = {"delta": {"content": text}, "finish_reason": finish} | members
    return frame({"id": "t-1", "object": "transcription.chunk", "created": 1, "model": "m", "choices": [choice]})


def chunked(outcome: Outcome) -> tuple[str, dict[str, Any]]:
    """Return what the chunks say, and the last of them."""
    assert outcome.body.endswith(DONE)
    events = events_of(outcome.body)
    choices = [choice for event in events for choice in event.get("choices", ())]
    return "".join(choice["delta"].get("content", "") for choice in choices), events[-1]


def test_a_transcript_in_chunks_is_followed_like_a_chat() -> None:
    """Clean as it came, masked over two of them; without a label, since people said it."""
    said, last = chunked(stream(chunk("go"), chunk("od"), chunk("", "stop"), DONE))
    assert (said, last["sluice"]["decision"], "aigc" in last) == ("good", "allow", False)
    assert chunked(stream(chunk("an ins"), chunk("ult for"), chunk("", "stop"), DONE))[0] == "an ****** for"


def test_a_block_in_chunks_ends_in_a_chunk() -> None:
    """In the form the stream began in."""
    outcome = stream(chunk("so for"), chunk("bidden", "stop"))
    said, last = chunked(outcome)
    assert said.startswith(("so \n\n[The answer", "so [The answer"))
    assert last["choices"][0]["finish_reason"] == "content_filter"
    assert b"event:" not in outcome.body


def test_probabilities_of_chunks_follow_the_text() -> None:
    """They stand in the choices here."""
    outcome = stream(chunk("an insult", logprobs={"content": [{"token": "insult"}]}), chunk("", "stop"), DONE)
    assert b"insult" not in outcome.body


def test_failures_of_chunks_end_in_an_error_without_a_type() -> None:
    """Of the connection, of the model server, and of its form."""
    for outcome, code in (
        (stream(chunk("ok"), end=UpstreamFailed(ErrorCode.UPSTREAM_RESET)), "upstream_reset"),
        (stream(chunk("ok"), frame({"error": {"code": "busy"}}), DONE), "busy"),
        (stream(chunk("ok"), delta("x")), "upstream_malformed"),
    ):
        _, last = chunked(outcome)
        assert last["error"]["code"] == code
        assert "type" not in last


LETTERS = "qQｑ甲乙"
PIECES = st.lists(st.tuples(st.sampled_from(["delta", "segment"]), st.text(LETTERS, max_size=5)), max_size=7)
TERMS = st.lists(st.text(LETTERS, min_size=1, max_size=4), max_size=3)


@generate(PIECES, TERMS, TERMS, CUTS)
@settings(max_examples=150, deadline=None)
def test_output_and_record_do_not_depend_on_the_cutting(
    pieces: list[tuple[str, str]], keywords: list[str], masks: list[str], cuts: list[int]
) -> None:
    """Same bytes, any chunks: same output, same entry; the end says what the pieces said."""
    text = "".join(text for kind, text in pieces if kind == "delta")
    raw = b"".join((delta if kind == "delta" else segment)(text) for kind, text in pieces) + done(text)
    whole = stream(raw, keywords=keywords, masks=masks)
    parts = stream(*cut(raw, cuts), keywords=keywords, masks=masks)
    assert (parts.body, parts.record) == (whole.body, whole.record)
    events: Events = events_of(whole.body)
    assert events[-1]["text"] == said(whole)
    if whole.decision == "allow":
        assert said(whole) == text
