"""The exchange: which event is legal when, and what comes of it."""

from dataclasses import replace
from typing import Any

import orjson
import pytest

from filters.classifier.scores import Score
from filters.findings import Action, Phase
from gateway.errors import ErrorCode
from gateway.protocol.commands import Admit, CloseUpstream, OpenUpstream, ScanText, SendData, SendEnd, SendStart
from gateway.protocol.dialects.base import Dialect
from gateway.protocol.dialects.openai_chat import OpenAIChat
from gateway.protocol.dialects.openai_speech import OpenAISpeech
from gateway.protocol.events import (
    Admitted,
    AuditAppended,
    AuditFailed,
    ClientDisconnected,
    ClientWaited,
    Event,
    FilesLabelled,
    LabellingFailed,
    RequestReceived,
    RequestRefused,
    ScanCompleted,
    ScanFailed,
    ScoringFailed,
    StrikeNoted,
    TextsScored,
    UpstreamData,
    UpstreamFailed,
    UpstreamFinished,
    UpstreamStarted,
)
from gateway.protocol.exchange import IllegalEventError
from gateway.protocol.labels import LabelledFile, Lack
from gateway.protocol.policy import FailMode
from gateway.protocol.states import State
from gateway.protocol.strikes import StrikeOutcome
from tests.gateway.protocol.playbook import (
    ANY_DATA,
    AT_US,
    DONE,
    LABEL,
    LAST,
    Like,
    Play,
    ask,
    bounds,
    chunk,
    delta,
    entry,
    finish,
    frame,
    given,
    head,
    read,
    reply,
    request,
    stream,
)
from tests.gateway.protocol.scoring import CLASSIFICATION, phase_policy

STREAM_HEAD = UpstreamStarted(200, "text/event-stream; charset=utf-8")
JSON_HEAD = UpstreamStarted(200, "application/json")
SOUND_HEAD = UpstreamStarted(200, "audio/mpeg")
SPOKEN = orjson.dumps({"model": "m", "input": "hi"})
BARE = orjson.dumps({"model": "m", "input": "hi", "response_format": "pcm"})
ASKED = ((b"content-type", b"application/json"), (b"accept", b"application/json, text/event-stream"))
LONG = bounds(inline_scan_characters=5)

# How each state is reached: the bounds it needs, and the events that lead there.
PATHS: dict[State, list[Event]] = {
    State.IDLE: [],
    State.ADMITTING: [RequestReceived(request())],
    State.SCANNING_REQUEST: [RequestReceived(request("a long prompt"))],
    State.NOTING: [RequestReceived(request("forbidden"))],
    State.AWAITING_UPSTREAM: [RequestReceived(request())],
    State.BUFFERING: [RequestReceived(request()), JSON_HEAD],
    State.SCANNING_REPLY: [
        RequestReceived(request()),
        JSON_HEAD,
        UpstreamData(reply("a long one")),
        UpstreamFinished(),
    ],
    State.CLASSIFYING: [RequestReceived(request())],
    State.STREAMING: [
        RequestReceived(request()),
        STREAM_HEAD,
        UpstreamData(chunk("ab" * 20)),
    ],
    State.SETTLING: [RequestReceived(request()), STREAM_HEAD, UpstreamData(chunk("a text")), UpstreamFinished()],
    State.LABELLING: [RequestReceived(SPOKEN), SOUND_HEAD, UpstreamData(b"sound"), UpstreamFinished()],
    State.PASSING: [RequestReceived(BARE), SOUND_HEAD],
    State.RECORDING: [RequestRefused(ErrorCode.KEY_MISSING)],
    State.CLOSING: [RequestReceived(request()), STREAM_HEAD, UpstreamData(DONE), AuditAppended()],
    State.DONE: [RequestRefused(ErrorCode.KEY_MISSING), AuditAppended()],
}
LEGAL: dict[State, set[type]] = {
    State.IDLE: {RequestReceived, RequestRefused},
    State.ADMITTING: {Admitted, RequestRefused},
    State.SCANNING_REQUEST: {ScanCompleted, ScanFailed},
    State.NOTING: {StrikeNoted, RequestRefused},
    State.AWAITING_UPSTREAM: {UpstreamStarted, UpstreamFailed},
    State.BUFFERING: {UpstreamData, UpstreamFinished, UpstreamFailed},
    State.SCANNING_REPLY: {ScanCompleted, ScanFailed},
    State.CLASSIFYING: {TextsScored, ScoringFailed},
    State.LABELLING: {FilesLabelled, LabellingFailed},
    State.STREAMING: {UpstreamData, UpstreamFinished, UpstreamFailed, ClientWaited, TextsScored, ScoringFailed},
    State.SETTLING: {ClientWaited, TextsScored, ScoringFailed},
    State.PASSING: {UpstreamData, UpstreamFinished, UpstreamFailed},
    State.RECORDING: {AuditAppended, AuditFailed},
    State.CLOSING: {UpstreamData, UpstreamFinished, UpstreamFailed},
    State.DONE: set(),
}
UPSTREAM_AT_WORK = {State.AWAITING_UPSTREAM, State.BUFFERING, State.STREAMING, State.PASSING, State.CLOSING}
# Chat has no reply that passes unread, nor one of files.
DIALECTS: dict[State, Dialect] = {State.PASSING: OpenAISpeech(), State.LABELLING: OpenAISpeech()}

# Where the classifier is asked; of prompts only where that is what it is about.
CLASSIFICATIONS = dict.fromkeys((State.CLASSIFYING, State.STREAMING, State.SETTLING), CLASSIFICATION)
NO_PROMPTS = replace(phase_policy(Phase.RESPONSE, Action.BLOCK), file_labels=FailMode.OPEN)


def play_to(state: State) -> Play:
    """Bring an exchange into a state."""
    dialect = DIALECTS.get(state, OpenAIChat())
    limits, scores = bounds(inline_scan_characters=10), CLASSIFICATIONS.get(state)
    play = Play(
        given(["forbidden"], bounds=limits, dialect=dialect, policy=NO_PROMPTS, classification=scores),
        admitting=state is not State.ADMITTING,
        noting=state is not State.NOTING,
    )
    if state is State.CLASSIFYING:
        play = Play(given(classification=scores))
    for event in PATHS[state]:
        play >> event
    assert play.exchange.state is state
    play.commands.clear()
    return play


def example(kind: type, state: State) -> Event:
    """Build an event that fits the state where it is legal."""
    phase = Phase.REQUEST if state is State.SCANNING_REQUEST else Phase.RESPONSE
    count = {State.SCANNING_REQUEST: 2, State.SCANNING_REPLY: 4}.get(state, 0)
    examples: dict[type, Event] = {
        RequestReceived: RequestReceived(request()),
        Admitted: Admitted(given().standing),
        RequestRefused: RequestRefused(ErrorCode.KEY_MISSING),
        ScanCompleted: ScanCompleted(phase, ((),) * count),
        ScanFailed: ScanFailed(phase, "scan_timeout"),
        TextsScored: TextsScored(0 if state is State.CLASSIFYING else 1, (Score(0.1),)),
        ScoringFailed: ScoringFailed(0 if state is State.CLASSIFYING else 1, "classifier_timeout"),
        StrikeNoted: StrikeNoted(StrikeOutcome()),
        UpstreamStarted: JSON_HEAD,
        UpstreamData: UpstreamData(chunk("x")),
        UpstreamFinished: UpstreamFinished(),
        UpstreamFailed: UpstreamFailed(ErrorCode.UPSTREAM_RESET),
        AuditAppended: AuditAppended(),
        AuditFailed: AuditFailed(),
        FilesLabelled: FilesLabelled((LabelledFile(b"labelled"),)),
        LabellingFailed: LabellingFailed(Lack.TIME),
        ClientWaited: ClientWaited(),
        ClientDisconnected: ClientDisconnected(),
    }
    return examples[kind]


def snapshot(play: Play) -> dict[str, Any]:
    """Everything an exchange knows, in a comparable form."""
    exchange = play.exchange
    judge = exchange._judge
    return vars(exchange) | {"judge": (judge.decision, judge.recorded, judge.not_scanned, judge.blocked_in)}


@pytest.mark.parametrize("kind", Event.__args__)
@pytest.mark.parametrize("state", State)
def test_the_table_is_the_whole_truth(state: State, kind: type) -> None:
    """Each pair of state and event is legal by the table, or raises and changes nothing."""
    play = play_to(state)
    event = example(kind, state)
    if kind is ClientDisconnected or kind in LEGAL[state]:
        play >> event
        return
    before = snapshot(play)
    with pytest.raises(IllegalEventError, match=state.name):
        play >> event
    assert snapshot(play) == before


@pytest.mark.parametrize("state", State)
def test_a_disconnect_is_legal_everywhere(state: State) -> None:
    """The upstream is closed at once where it is at work; the record is still made; nothing is sent any more."""
    play = play_to(state) >> ClientDisconnected()
    closing = [each for each in play.commands if isinstance(each, CloseUpstream)]
    assert len(closing) == (state in UPSTREAM_AT_WORK)
    if state in {State.RECORDING, State.CLOSING, State.DONE}:
        assert play.commands == closing
    else:
        decision = "block" if state is State.NOTING else "error"
        assert play.commands[-1:] == [entry(decision=decision, error="client_disconnected", started_at_us=AT_US)]
    play.commands.clear()
    if play.exchange.state is State.RECORDING:
        play >> AuditAppended()
    play << []
    assert play.exchange.state is State.DONE
    play >> ClientDisconnected() << []


def test_a_disconnect_while_the_record_is_made_closes_an_open_upstream() -> None:
    """The model's own end has not come yet, and nobody waits for it."""
    play = Play(given()).streaming()
    play >> UpstreamData(DONE) << [entry(decision="allow")]
    play >> ClientDisconnected() << [CloseUpstream()]
    play >> AuditAppended() << []
    assert play.exchange.state is State.DONE


def test_a_failed_audit_after_a_disconnect_sends_nothing() -> None:
    """There is no reader."""
    play = play_to(State.STREAMING) >> ClientDisconnected()
    play.commands.clear()
    play >> AuditFailed() << []


@pytest.mark.parametrize("state", [State.SCANNING_REQUEST, State.SCANNING_REPLY])
@pytest.mark.parametrize("kind", [ScanCompleted, ScanFailed])
def test_a_scan_of_the_other_phase_is_illegal(state: State, kind: type) -> None:
    """A late answer about the prompt cannot let a reply through."""
    play = play_to(state)
    other = State.SCANNING_REPLY if state is State.SCANNING_REQUEST else State.SCANNING_REQUEST
    before = snapshot(play)
    with pytest.raises(IllegalEventError, match="scan of the"):
        play >> example(kind, other)
    with pytest.raises(IllegalEventError, match="each text"):
        play >> ScanCompleted(example(kind, state).phase, ((),))  # type: ignore[union-attr]  # it is a scan's answer
    assert snapshot(play) == before


def test_a_clean_exchange_end_to_end() -> None:
    """Request on, reply back, labelled in body and head, recorded before it leaves."""
    play = Play(given())
    body = request(stream=False, temperature=0.5)
    play >> RequestReceived(body) << [OpenUpstream("/chat/completions", body, "m", "POST", ASKED)]
    play >> JSON_HEAD >> UpstreamData(reply("fine")[:9]) >> UpstreamData(reply("fine")[9:]) << []
    play >> UpstreamFinished() << [entry(decision="allow", label="end", produce_id="req-1", status=200)]
    play >> AuditAppended() << [head(200, x_sluice_decision="allow"), LAST]
    document = orjson.loads(play.log[-1].data)  # type: ignore[union-attr]
    assert document["choices"][0]["message"]["content"] == f"fine\n\n{LABEL['en']}"
    assert document["aigc"]["ContentProducer"] == "producer"
    assert "sluice" not in document
    record = play.record
    assert (record.prompt_characters, record.reply_characters) == (3, len("c-1chat.completionmfine"))
    assert (record.account, record.account_kind, record.policy, record.dialect) == (
        "acc-1",
        "user",
        "default",
        "openai.chat",
    )


def test_a_clean_stream_end_to_end() -> None:
    """Frames leave as they come; the record is made before the last frame; the model's own end ends the answer."""
    play = Play(given()).streaming()
    play >> UpstreamData(chunk("fine")) << [SendData(chunk("fine"))]
    play >> UpstreamData(finish() + DONE) << [ANY_DATA, entry(decision="allow", streamed=True, reply_characters=4)]
    play >> AuditAppended() << [ANY_DATA]
    play >> UpstreamData(b"data: unread\n\n") << []
    play >> UpstreamFinished() << [SendEnd()]
    sent = b"".join(each.data for each in play.log if isinstance(each, SendData | SendEnd))
    assert read(sent).last["sluice"]["decision"] == "allow"


def test_a_stream_that_ends_by_itself_ends_the_answer() -> None:
    """Without terminator, the end of the body is the end."""
    play = Play(given()).streaming()
    play >> UpstreamFinished() << [entry(decision="allow")]
    play >> AuditAppended() << [LAST]


def test_a_block_in_the_unterminated_tail_is_a_block() -> None:
    """The last bytes of a stream are scanned as all others."""
    outcome = stream(given(["forbidden"]), [chunk("forbidden")[:-1]])
    assert (outcome.decision, outcome.record.released_characters) == ("block", 0)
    assert outcome.closed == 0


@pytest.mark.parametrize(
    ("status", "code", "shown"),
    [
        (401, "upstream_refused", 502),
        (403, "upstream_refused", 502),
        (407, "upstream_refused", 502),
        (302, "upstream_malformed", 502),
        (204, "upstream_malformed", 502),
    ],
)
def test_statuses_that_are_not_for_the_client(status: int, code: str, shown: int) -> None:
    """The gateway's own credentials and redirects are the operator's business: 502, upstream closed unread."""
    play = Play(given()) >> RequestReceived(request()) >> UpstreamStarted(status, "application/json")
    play << [Like(OpenUpstream), CloseUpstream(), entry(error=code, status=shown, decision="error")]
    play >> AuditAppended() << [head(shown), LAST]


@pytest.mark.parametrize("status", [400, 404, 429, 500])
def test_an_error_of_the_model_server_passes_scanned(status: int) -> None:
    """It is no generated content: not labelled; a term in it is blocked, a mask is written."""
    body = orjson.dumps({"error": {"message": "mild trouble", "code": "x"}, "choices": None})
    outcome = ask(given(["forbidden"], ["mild"]), request(stream=False), body, status)
    assert (outcome.start.status, outcome.record.status) == (status, status)
    assert outcome.document["error"]["message"] == "**** trouble"
    assert "aigc" not in outcome.document
    assert (outcome.record.error, outcome.record.produce_id) == ("upstream_error", "")
    blocked = ask(given(["trouble"]), request(stream=False), body, status)
    assert b"trouble" not in blocked.visible
    assert blocked.decision == "block"


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (500, b"<html>forbidden", "upstream_error"),
        (500, b"", "upstream_error"),
        (200, b"<html>", "upstream_malformed"),
        (200, b"[]", "upstream_malformed"),
        (200, b'{"choices": 5}', "upstream_malformed"),
        (200, b'{"choices": [1]}', "upstream_malformed"),
        (500, b'{"choices": [1]}', "upstream_error"),
        (200, b'{"a":' * 400 + b"1" + b"}" * 400, "upstream_malformed"),
        (200, chunk("x") + DONE, "upstream_malformed"),
    ],
)
def test_a_reply_that_is_not_understood_is_an_error(status: int, body: bytes, code: str) -> None:
    """Nothing of it is forwarded."""
    outcome = ask(given(), request(stream=False), body, status)
    assert (outcome.start.status, outcome.document["error"]["code"]) == (502, code)
    assert b"forbidden" not in outcome.visible


def test_a_reply_over_its_bound_is_an_error() -> None:
    """Law 6: the upstream is closed at the byte too many."""
    play = Play(given(bounds=bounds(reply_bytes=10))) >> RequestReceived(request(stream=False)) >> JSON_HEAD
    play << [Like(OpenUpstream)]
    play >> UpstreamData(b"x" * 10) << []
    play >> UpstreamData(b"x") << [CloseUpstream(), entry(error="upstream_malformed", status=502)]


@pytest.mark.parametrize("head_seen", [[], [JSON_HEAD]])
def test_a_failed_upstream_before_anything_was_sent(head_seen: list[Event]) -> None:
    """The code of the failure is the answer."""
    play = Play(given()) >> RequestReceived(request())
    for event in head_seen:
        play >> event
    play.commands.clear()
    (
        play
        >> UpstreamFailed(ErrorCode.UPSTREAM_TIMEOUT)
        << [CloseUpstream(), entry(error="upstream_timeout", status=504)]
    )
    play >> AuditAppended() << [head(504), LAST]


def test_a_failed_upstream_in_mid_stream() -> None:
    """An error frame and the terminator end the stream; held text does not leave."""
    play = Play(given(["forbidden"])).streaming() >> UpstreamData(chunk("so for"))
    play >> UpstreamFailed(ErrorCode.UPSTREAM_RESET)
    play << [ANY_DATA, CloseUpstream(), entry(error="upstream_reset", decision="error", retract=False)]
    play >> AuditAppended() << [LAST]
    sent = read(play.log[-1].data)  # type: ignore[union-attr]
    assert sent.last["error"]["code"] == "upstream_reset"
    assert sent.content() == f"\n\n{LABEL['en']}"


@pytest.mark.parametrize("code", [ErrorCode.KEY_MISSING, ErrorCode.BODY_TOO_LARGE, ErrorCode.DRAINING])
def test_a_refused_request_is_recorded_and_answered(code: ErrorCode) -> None:
    """Also what the shell could not take leaves a record."""
    play = Play(given()) >> RequestRefused(code) << [entry(error=code.value, decision="error", model="")]
    play >> AuditAppended() << [Like(SendStart), LAST]


def test_a_malformed_request_is_told_what_is_wrong() -> None:
    """With the member's name; the model server is never asked."""
    outcome = ask(given(), request(messages=[]))
    assert outcome.start.status == 400
    assert "'messages'" in outcome.document["error"]["message"]
    assert outcome.forwarded is None


def test_an_audit_that_fails_in_mid_stream_ends_it_with_an_error() -> None:
    """Neither the last frame nor the notice leaves; the upstream is closed once."""
    play = Play(given()).streaming() >> UpstreamData(chunk("x") + finish() + DONE)
    play.commands.clear()
    play >> AuditFailed() << [CloseUpstream(), LAST]
    assert read(play.log[-1].data).last["error"]["code"] == "audit_unavailable"  # type: ignore[union-attr]
    assert play.exchange.state is State.DONE
    blocked = Play(given(["forbidden"])).streaming() >> UpstreamData(chunk("forbidden"))
    blocked << [ANY_DATA, CloseUpstream(), entry(durable=True)]
    blocked >> AuditFailed() << [LAST]
    assert b"content_filter" not in blocked.log[-1].data  # type: ignore[union-attr]


def test_an_audit_that_fails_replaces_a_whole_answer() -> None:
    """503 with the time to wait; the reply stays here."""
    play = Play(given()) >> RequestReceived(request(stream=False)) >> JSON_HEAD
    play >> UpstreamData(reply("fine")) >> UpstreamFinished()
    play.commands.clear()
    play >> AuditFailed() << [head(503, retry_after="5"), LAST]
    assert b"fine" not in play.log[-1].data  # type: ignore[union-attr]


@pytest.mark.parametrize("text", ["a long forbidden text", "a long fine text"])
def test_long_texts_are_scanned_in_the_pool(text: str) -> None:
    """The same decision as inline; every text is handed over."""
    context = given(["forbidden"], bounds=LONG)
    play = Play(context) >> RequestReceived(request(text)) << [ScanText(Phase.REQUEST, ("m", text), personal=True)]
    assert play.exchange.state is State.SCANNING_REQUEST
    assert ask(context, request(text, stream=False)).decision == ask(given(["forbidden"]), request(text)).decision
    answered = ask(context, request(stream=False), reply(text))
    assert [each.phase for each in answered.commands if isinstance(each, ScanText)] == [Phase.RESPONSE]
    assert answered.decision == ("block" if "forbidden" in text else "allow")


def test_the_record_of_a_block_says_what_was_shown() -> None:
    """Released characters of every channel, and whether they should be taken back."""
    context = given(["forbidden"])
    shown = stream(context, [delta({"reasoning_content": "hm "}), chunk("so "), chunk("forbidden")])
    assert (shown.record.released_characters, shown.record.retract) == (6, True)
    sluice = read(shown.body).last["sluice"]
    assert (sluice["released_characters"], sluice["retract"], sluice["phase"]) == (6, True, "response")
    nothing = stream(context, [chunk("forbidden")])
    assert (nothing.record.released_characters, nothing.record.retract) == (0, False)
    assert read(nothing.body).last["sluice"]["retract"] is False


def test_the_model_name_in_a_record_is_bounded() -> None:
    """It is the client's text."""
    assert len(ask(given(), request(model="m" * 999, stream=False)).record.model) == 128


def test_a_stream_asked_for_and_not_given_is_checked_as_a_whole() -> None:
    """A server that answers a stream request with one document switches no check off."""
    outcome = ask(given(["forbidden"]), request(), reply("forbidden"))
    assert outcome.decision == "block"
    assert b"forbidden" not in outcome.visible


def test_a_stream_not_asked_for_is_not_understood() -> None:
    """Frames in place of a document are no document."""
    play = Play(given()) >> RequestReceived(request(stream=False)) >> STREAM_HEAD
    play >> UpstreamData(frame([])) >> UpstreamFinished()
    assert play.record.error == "upstream_malformed"


def test_an_exchange_given_up_is_recorded_and_answered() -> None:
    """Where the gateway itself failed, the client learns the id and no more; no record is made twice."""
    exchange = Play(given()).exchange
    *record, start, _ = exchange.give_up(AT_US)
    assert record == [entry(decision="error", error="internal_error", status=500)]
    assert isinstance(start, SendStart)
    assert (start.status, exchange.state) == (500, State.DONE)
    play = Play(given()) >> RequestRefused(ErrorCode.KEY_UNKNOWN)
    assert len(play.exchange.give_up(AT_US)) == 2


def test_a_request_is_judged_by_the_rules_it_was_admitted_with() -> None:
    """What the account has before the body is read is provisional: nothing is judged by it."""
    body = request("bad", user="alice")
    play = Play(given(["bad"]), admitting=False) >> RequestReceived(body)
    play << [Admit("alice", "m", len(body), streamed=True)]
    other = given(["worse"], account_kind="audit", end_user="alice").standing
    play >> Admitted(other) << [Like(OpenUpstream)]
    play >> UpstreamStarted(200, "application/json") >> UpstreamData(reply("worse")) >> UpstreamFinished()
    play << [entry(durable=True, decision="block", account_kind="audit")]


def test_a_request_is_judged_under_observation_where_it_was_admitted_so() -> None:
    """The kind of the end user, not of the account, decides whether anything acts."""
    play = Play(given(["bad"]), admitting=False) >> RequestReceived(request("bad"))
    play >> Admitted(given(["bad"], account_kind="unfiltered", observe=True).standing)
    assert play.commands[-1:] == [Like(OpenUpstream)]


def test_who_is_not_admitted_is_told_why_and_when_to_try_again() -> None:
    """With the moment the request was read, in the record, and nothing of it scanned."""
    play = Play(given(["bad"]), admitting=False) >> RequestReceived(request("bad"))
    play.commands.clear()
    play >> RequestRefused(ErrorCode.STORE_UNAVAILABLE, "Until noon.", 77)
    play << [entry(error="store_unavailable", decision="error", findings=(), started_at_us=AT_US)]
    play >> AuditAppended()
    assert b"Until noon." in play.commands[-1].data  # type: ignore[union-attr]  # it is the last piece
    play << [head(503, retry_after="77"), LAST]


def test_who_asks_is_in_no_representation() -> None:
    """Wishes and rules get into logs by accident; names of people must not."""
    asked = Admit("alice", "m", 10, streamed=True)
    assert "alice" not in f"{asked!r} {given(end_user='alice').standing!r}"
