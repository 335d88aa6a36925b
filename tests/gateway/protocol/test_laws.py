"""The laws of the core (architecture.md): each fails here when the rule behind it is taken away."""

import json
import random
from typing import Any

import orjson
import pytest
from hypothesis import given as generate
from hypothesis import settings
from hypothesis import strategies as st

from filters.findings import Action, Phase, Stage, Term
from gateway.protocol.commands import AppendAudit, CloseUpstream, OpenUpstream, SendData, SendEnd, SendStart
from gateway.protocol.context import ExchangeContext
from gateway.protocol.events import (
    AuditAppended,
    AuditFailed,
    RequestReceived,
    ScanCompleted,
    ScanFailed,
    UpstreamData,
    UpstreamFinished,
    UpstreamStarted,
)
from gateway.protocol.labels import Position
from gateway.protocol.policy import FailMode, PhasePolicy, Policy, RefusalStyle
from tests.filters.occurrences import exactly, live_from, occurrences
from tests.gateway.protocol.playbook import (
    ANY_DATA,
    DIGEST,
    DONE,
    LABEL,
    LAST,
    Play,
    Reading,
    arguments,
    ask,
    bounds,
    chunk,
    delta,
    entry,
    finish,
    frame,
    given,
    joined,
    read,
    request,
    stream,
    term,
)

# Few characters make collisions likely; case and width make the folded text another one than the received.
LETTERS = "qQｑ甲乙"
TEXTS = st.text(LETTERS, max_size=6)
TERMS = st.lists(st.text(LETTERS, min_size=1, max_size=4), max_size=3)
CHANNELS: dict[tuple[int | str, ...], Any] = {
    (0, "content"): lambda text: delta({"content": text}),
    (1, "content"): lambda text: delta({"content": text}, 1),
    (0, "reasoning_content"): lambda text: delta({"reasoning_content": text}),
    (0, "tool_calls", 0, "function", "arguments"): lambda text: delta(arguments(text)),
    (0, "tool_calls", 1, "function", "arguments"): lambda text: delta(arguments(text, 1)),
}
DELTAS = st.lists(st.tuples(st.sampled_from(sorted(CHANNELS, key=str)), TEXTS), max_size=8)
Deltas = list[tuple[tuple[int | str, ...], str]]


def received(deltas: Deltas) -> dict[tuple[int | str, ...], str]:
    """Join what the model said, by channel."""
    texts: dict[tuple[int | str, ...], str] = {}
    for channel, text in deltas:
        texts[channel] = texts.get(channel, "") + text
    return texts


def rows(keywords: list[str], masks: list[str]) -> list[Term]:
    """Build terms that stand only where a slow search finds them."""
    return [exactly(term(each)) for each in keywords] + [exactly(term(each, Action.MASK)) for each in masks]


def masked(text: str, spans: list[tuple[int, int]]) -> str:
    """Mask character by character."""
    return "".join("*" if any(a <= at < b for a, b in spans) else char for at, char in enumerate(text))


def unlabelled(**members: Any) -> ExchangeContext:  # noqa: ANN401 as `given` takes them
    """Build a context in which every character of a channel is the model's."""
    return given(position=Position.INTERFACE, **members)


def frames_of(deltas: Deltas) -> list[bytes]:
    """Build a model's stream that brings these pieces."""
    return [*(CHANNELS[channel](text) for channel, text in deltas), finish(0), finish(1), DONE]


@generate(DELTAS, TERMS, TERMS)
@settings(max_examples=2000, deadline=None)
def test_no_character_of_a_blocked_term_ever_leaves(deltas: Deltas, keywords: list[str], masks: list[str]) -> None:
    """Law 3: whatever the cutting into deltas and channels, what is shown ends before the first blocked term."""
    outcome = stream(unlabelled(keywords=rows(keywords, masks)), frames_of(deltas))
    reading = read(outcome.body)
    if outcome.decision == "block":
        reading.texts = joined(
            b"".join(b"data: " + orjson.dumps(each) + b"\n\n" for each in reading.frames[:-1]) or DONE
        )
    blocked = False
    for channel, text in received(deltas).items():
        spans = occurrences(text, masks)
        shown, starts = reading.texts.get(channel, ""), [start for start, _ in occurrences(text, keywords)]
        assert masked(text, spans).startswith(shown)
        assert len(shown) <= min(starts, default=len(text))
        blocked = blocked or bool(starts)
        assert outcome.decision == "block" or shown == masked(text, spans)
    assert (outcome.decision == "block") == blocked


COMMENTS = (b": ping", b"event: message", b"id: 7", b"data-like")
ODD_FRAMES = (b": alone", b"data:", b"", b"data: {not json")
TAILS = (b"", b"", chunk("甲甲"), b"data: rest")


@st.composite
def wire(draw: st.DrawFn) -> bytes:
    """Write a stream in one of the many ways the format allows: line ends, comments, events, data over lines."""
    # The ways of writing come from a seed: drawn one by one they would take most of the time.
    chance, out = random.Random(draw(st.integers(0, 2**32))), b""  # noqa: S311 no secret is made of it
    for raw in frames_of(draw(DELTAS)):
        end, payload = chance.choice([b"\n", b"\r\n", b"\r"]), raw[6:-2]
        if chance.random() < 0.5 and payload != b"[DONE]":
            payload = json.dumps(json.loads(payload), indent=0, ensure_ascii=chance.random() < 0.5).encode()
        lines = [chance.choice([b"data:", b"data: "]) + line for line in payload.split(b"\n")]
        if chance.random() < 0.3:
            lines.insert(0, chance.choice(COMMENTS))
        if chance.random() < 0.1:
            out += chance.choice(ODD_FRAMES) + end + end
        out += b"".join(line + end for line in lines) + end
    if chance.random() < 0.25:
        out = out[: chance.randint(0, len(out))]  # an end nobody announced
    return out + chance.choice(TAILS)


@generate(wire(), TERMS, TERMS, st.data())
@settings(max_examples=2000, deadline=None)
def test_output_and_record_do_not_depend_on_the_cutting(
    data: bytes, keywords: list[str], masks: list[str], draw: st.DataObject
) -> None:
    """Law 2: the same bytes, cut in any way, give the same bytes, the same head, the same record and digests."""
    context = given(keywords, masks, bounds=bounds(frame_bytes=draw.draw(st.sampled_from([150, 300, 1024]))))
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(data)), max_size=8)))
    if draw.draw(st.integers(0, 4)) == 0:
        cuts = list(range(len(data)))
    pieces = [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    whole, cut = stream(context, [data]), stream(context, pieces)
    assert cut.body == whole.body
    assert cut.start == whole.start
    assert cut.exchange.asked == whole.exchange.asked


@generate(DELTAS, TERMS)
@settings(max_examples=300, deadline=None)
def test_clean_text_is_never_delayed(deltas: Deltas, keywords: list[str]) -> None:
    """Law 3: held back is exactly the longest end of the text that may still become a term, and nothing else."""
    play = Play(unlabelled(keywords=rows(keywords, []))).streaming()
    texts: dict[tuple[int | str, ...], str] = {}
    sent = b""
    for channel, text in deltas:
        texts[channel] = whole = texts.get(channel, "") + text
        if occurrences(whole, keywords):
            return
        play >> UpstreamData(CHANNELS[channel](text))
        sent += b"".join(each.data for each in play.commands if isinstance(each, SendData | SendEnd))
        play.commands.clear()
        assert (joined(sent) if sent else {}).get(channel, "") == whole[: live_from(whole, keywords)]


@generate(DELTAS)
@settings(max_examples=300, deadline=None)
def test_a_clean_reply_is_the_models_text_and_the_label(deltas: Deltas) -> None:
    """Law 5: untouched frames leave as the bytes that came; the joined text is the model's plus one label."""
    frames = frames_of(deltas)
    outcome = stream(given(keywords=["丙丁"]), frames)
    reading, left = read(outcome.body), outcome.body
    for raw in frames[:-2]:
        assert raw in left, "changed, or out of order"
        left = left.split(raw, 1)[1]
    for channel, text in received(deltas).items():
        labelled = channel[1] == "content" and text and not (channel[0] == 0 and _has_calls(deltas))
        language = "zh" if any(char in "甲乙" for char in text) else "en"
        assert reading.texts.get(channel, "") == text + ("\n\n" + LABEL[language] if labelled else "")


def _has_calls(deltas: Deltas) -> bool:
    return any(channel[1] == "tool_calls" for channel, _ in deltas)


@pytest.mark.parametrize(
    "raw",
    [
        delta({"content": "x"}, logprobs={"content": [{"token": "forbidden"}]}),
        frame([{"index": 3, "delta": {"content": "forbidden"}}]),
        frame([{"index": 0, "delta": {}, "text": "forbidden"}]),
        frame([{"index": 0, "delta": ["forbidden"]}]),
        frame([{"index": 0, "forbidden": 1}]),
        frame([], note={"deep": [["forbidden"]]}),
        frame([], forbidden=1),
        frame(None, note="forbidden"),
        delta({"refusal": "forbidden"}),
        delta({"reasoning_content": "forbidden"}),
        delta({"reasoning_details": [{"text": "forbidden"}]}),
        delta({"role": "forbidden"}),
        delta({"new_field": {"nested": ["forbidden"]}}),
        delta({"forbidden": 1}),
        delta(arguments('{"q": "forbidden"}', 5)),
        delta({"tool_calls": [{"index": 0, "id": "forbidden", "function": {"name": "f"}}]}),
        delta({"tool_calls": [{"index": 0, "function": {"name": "forbidden"}}]}),
        delta({"function_call": {"arguments": "forbidden"}}),
        delta({"content": [{"type": "text", "text": "for"}, {"type": "text", "text": "bidden"}]}),
        b": forbidden\n\n",
        b"event: forbidden\n\n",
        b"forbidden\n\n",
        b"\xef\xbb\xbf: forbidden\n\n",
        b"event: forbidden\n" + chunk("x"),
        b'data: {"choices":\ndata: [{"index":0,"delta":{"content":"\\u0066orbidden"}}]}\n\n',
        b'data: {"choices":[{"index":0,"delta":{"content":"forbidden","content":"x"}}]}\n\n',
        b'data: {"choices":[{"index":0,"delta":{"content":"ok"}}],"id":"forbidden","id":"c"}\n\n',
        chunk("forbidden")[:-2],
        chunk("FORbiｄden"),
        delta({"content": "a forbidden word"}, finish="stop"),
    ],
)
def test_every_byte_forwarded_is_a_byte_scanned(raw: bytes) -> None:
    """Law 1: there is no place in a frame where a term goes through."""
    outcome = stream(given(keywords=["forbidden"]), [chunk("ok "), raw])
    assert b"forbidden" not in outcome.visible
    assert b"orbi" not in outcome.visible


@pytest.mark.parametrize(
    "raw", [b"data: {broken\n\n", b"data: 1\n\n", b'data: {"choices": 5}\n\n', b"data: \xff\n\n"]
)
def test_a_frame_that_cannot_be_understood_is_a_decision(raw: bytes) -> None:
    """Laws 1 and 8: closed, the stream ends with an error; open, it passes and is recorded as unscanned."""
    closed = stream(given(), [chunk("ok"), raw, chunk("more"), DONE])
    assert (closed.decision, closed.record.error) == ("error", "upstream_malformed")
    assert raw not in closed.body
    assert read(closed.body).last["error"]["code"] == "upstream_malformed"
    policy = Policy(response=PhasePolicy(fail_modes={Stage.KEYWORDS: FailMode.OPEN}))
    opened = stream(given(policy=policy), [chunk("ok"), raw, chunk("more"), DONE])
    assert raw in opened.body
    assert opened.decision == "unscanned"
    assert [each.reason for each in opened.record.unscanned] == ["malformed_frame"]


def test_offsets_survive_folding() -> None:
    """Law 4: a mask covers the characters received, of any width, and delivered text is never normalised."""
    outcome = stream(unlabelled(masks=["abc"]), [chunk("１，ＡｂＣ，İ"), finish(), DONE])
    assert read(outcome.body).content() == "１，***，İ"
    assert outcome.decision == "mask"


@pytest.mark.parametrize("pieces", [[b"x" * 2000], [b": " + b"x" * 900] * 3, [b"data: 1\ndata: 1" * 200]])
def test_a_frame_over_the_limit_ends_the_stream(pieces: list[bytes]) -> None:
    """Law 6: a frame that does not end is a decision, and does not grow in memory."""
    outcome = stream(given(bounds=bounds(frame_bytes=1024)), [chunk("ok"), *pieces])
    assert outcome.record.error == "upstream_malformed"
    assert outcome.body.startswith(chunk("ok"))
    assert outcome.closed == 1


def test_too_many_running_texts_end_the_stream() -> None:
    """Law 6: running texts are bounded."""
    frames = [delta({f"field{number}": "x"}) for number in range(5)]
    outcome = stream(given(bounds=bounds(channels=3)), frames)
    assert outcome.record.error == "upstream_malformed"
    assert b'"field2":"x"' in outcome.body
    assert b'"field3":"x"' not in outcome.body


@pytest.mark.parametrize("index", [-1, 1024, True, 2**70, "0", 1.0])
def test_a_choice_out_of_bounds_is_malformed(index: object) -> None:
    """Law 6: what is kept for each choice is bounded by the indices taken."""
    document = {"choices": [{"index": index, "delta": {"content": "x"}}]}
    raw = b"data: " + json.dumps(document).encode() + b"\n\n"
    assert stream(given(), [raw]).record.error == "upstream_malformed"


def test_the_ruleset_of_an_exchange_is_in_its_record() -> None:
    """Law 7: the digest an exchange began with is recorded, cut, and said in the head."""
    outcome = ask(given(), request(stream=False))
    assert outcome.record.ruleset == DIGEST[len("sha256:") :][:24]
    assert (b"x-sluice-ruleset", DIGEST.encode()) in outcome.start.headers


@pytest.mark.parametrize(("mode", "decision"), [(FailMode.OPEN, "unscanned"), (FailMode.CLOSED, "error")])
@pytest.mark.parametrize("phase", Phase)
def test_a_failed_scan_follows_its_fail_mode(phase: Phase, mode: FailMode, decision: str) -> None:
    """Law 8: per phase and stage, closed unless said otherwise; what passes is never recorded as "allow"."""
    rules = PhasePolicy(fail_modes={Stage.KEYWORDS: mode})
    other = PhasePolicy(fail_modes={Stage.KEYWORDS: FailMode(({*FailMode} - {mode}).pop())})
    policy = (
        Policy(request=rules, response=other) if phase is Phase.REQUEST else Policy(request=other, response=rules)
    )
    play = Play(given(policy=policy, bounds=bounds(inline_scan_characters=0)))
    play >> RequestReceived(request(stream=False))
    if phase is Phase.RESPONSE:
        _answer_prompt_scan(play)
    play.commands.clear()
    play >> ScanFailed(phase, "scan_timeout")
    if mode is FailMode.CLOSED:
        play << [entry(decision=decision, error="scan_failed")]
    elif phase is Phase.RESPONSE:
        play << [entry(decision=decision)]
    else:
        assert isinstance(play.commands[0], OpenUpstream)
    assert play.exchange.decision.value == ("unscanned" if mode is FailMode.OPEN else "allow")


def _answer_prompt_scan(play: Play) -> None:
    texts = play.commands[-1].texts  # type: ignore[union-attr]
    play >> ScanCompleted(Phase.REQUEST, tuple(() for _ in texts)) >> UpstreamStarted(200, "application/json")
    play >> UpstreamData(b'{"choices":[{"message":{"content":"a text"}}]}') >> UpstreamFinished()


def test_a_refusal_leaves_after_its_record_is_durable() -> None:
    """Law 9: first the durable entry, then the answer."""
    play = Play(given(keywords=["forbidden"]))
    play >> RequestReceived(request("forbidden", stream=False))
    play << [entry(durable=True, decision="block", phase=Phase.REQUEST)]
    play >> AuditAppended()
    assert [type(each) for each in play.commands] == [SendStart, SendEnd]


def test_a_notice_leaves_after_its_record_is_durable() -> None:
    """Law 9: the model server is closed at once, what was cleared leaves, the notice waits for the entry."""
    play = Play(given(keywords=["forbidden"])).streaming()
    play >> UpstreamData(chunk("fine forbidden more"))
    play << [ANY_DATA, CloseUpstream(), entry(durable=True, decision="block", phase=Phase.RESPONSE)]
    assert joined(play.log[2].data)[0, "content"] == "fine "  # type: ignore[union-attr]
    play >> AuditAppended() << [LAST]
    assert read(play.log[-1].data).last["choices"][0]["finish_reason"] == "content_filter"  # type: ignore[union-attr]


@generate(st.sampled_from(["request", "stream", "reply"]), st.sampled_from(["answer", "error"]))
def test_the_matched_term_is_for_operators(where: str, style: str) -> None:
    """Law 10: clients get the risk and the request id; the term is in the record alone."""
    context = given(keywords=["forbidden"], policy=Policy(refusal=RefusalStyle(style)))
    outcome = {
        "request": lambda: ask(context, request("so forbidden", stream=False)),
        "stream": lambda: stream(context, [chunk("so for"), chunk("bidden"), finish(), DONE]),
        "reply": lambda: ask(context, request(stream=False), reply_of("so forbidden")),
    }[where]()
    assert b"forbidden" not in outcome.visible
    assert b'"risks":["A.1.f"]' in outcome.body
    assert b'"request_id":"req-1"' in outcome.body
    assert [(each.term, each.action) for each in outcome.record.findings] == [("forbidden", Action.BLOCK)]


def reply_of(text: str) -> bytes:
    """Build a whole reply."""
    return orjson.dumps({"choices": [{"index": 0, "message": {"role": "assistant", "content": text}}]})


def test_a_reading_is_strict() -> None:
    """The reader of these tests joins parts and calls as a client does, and takes no unterminated frame."""
    assert joined(delta(arguments("a", 1)) + delta(arguments("b", 1))) == {
        (0, "tool_calls", 1, "function", "arguments"): "ab"
    }
    with pytest.raises(AssertionError):
        Reading(b"data: {}\n")


def test_audit_failure_is_not_shown_as_success() -> None:
    """Law 9: what cannot be recorded does not happen."""
    play = Play(given(keywords=["forbidden"])) >> RequestReceived(request("forbidden", stream=False))
    assert isinstance(play.commands[-1], AppendAudit)
    play.commands.clear()
    play >> AuditFailed()
    assert play.commands[0] == SendStart(503, play.commands[0].headers)  # type: ignore[union-attr]
