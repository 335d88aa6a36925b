"""Replies that are read whole, of every kind; and those that are not read at all."""

from typing import Any

import orjson
import pytest

from filters.findings import Stage
from gateway.errors import ErrorCode
from gateway.protocol.carriage import ReplyKind, RequestHead
from gateway.protocol.commands import OpenUpstream, SendData, SendEnd
from gateway.protocol.dialects.openai_chat import OpenAIChat
from gateway.protocol.dialects.openai_embeddings import OpenAIEmbeddings
from gateway.protocol.dialects.openai_speech import OpenAISpeech
from gateway.protocol.dialects.openai_transcriptions import OpenAITranscriptions
from gateway.protocol.events import (
    AuditAppended,
    AuditFailed,
    Event,
    RequestReceived,
    UpstreamData,
    UpstreamFailed,
    UpstreamFinished,
    UpstreamStarted,
)
from gateway.protocol.multipart import write_upload
from gateway.protocol.policy import FailMode, PhasePolicy, Policy
from gateway.protocol.whole import WholeReply
from tests.gateway.protocol.playbook import Like, Outcome, Play, bounds, entry, given, head, run

SPOKEN = orjson.dumps({"model": "m", "input": "fine"})
# Takes no label, so only an open policy lets it pass.
BARE = orjson.dumps({"model": "m", "input": "fine", "response_format": "pcm"})
PASSING = Policy(file_labels=FailMode.OPEN)
BOUNDARY = "edge"


def upload(**fields: str) -> RequestReceived:
    """Build the event of an upload."""
    parts: list[dict[str, Any]] = [{"name": "file", "content": b"\x00\xff", "file": "a.mp3", "type": "audio/mpeg"}]
    parts += [{"name": name, "content": text} for name, text in ({"model": "m"} | fields).items()]
    content_type, body = write_upload(parts, BOUNDARY)
    return RequestReceived(body, RequestHead(content_type.decode()))


def transcript(reply: bytes, content_type: str = "application/json", **members: Any) -> Outcome:  # noqa: ANN401 any field of the context
    """Run an exchange about a transcript."""
    context = given(**{"keywords": ["forbidden"], "masks": ["insult"]} | members, dialect=OpenAITranscriptions())
    started = UpstreamStarted(200, content_type)
    return run(context, [upload(), started, UpstreamData(reply), UpstreamFinished()])


def test_an_upload_is_written_from_what_was_read() -> None:
    """Masked where it has to be, under a boundary of our own, with the file's bytes as they came."""
    outcome = run(given(masks=["insult"], dialect=OpenAITranscriptions()), [upload(prompt="an insult")])
    (asked,) = [each for each in outcome.commands if isinstance(each, OpenUpstream)]
    assert dict(asked.headers)[b"content-type"] == b"multipart/form-data; boundary=sluice-req-1"
    assert b"an ******" in asked.body
    assert b"\r\n\r\n\x00\xff\r\n--sluice-req-1" in asked.body


def test_a_term_in_a_field_blocks_with_an_error() -> None:
    """A transcript has no place for a refusal."""
    context = given(keywords=["forbidden"], dialect=OpenAITranscriptions())
    play = Play(context) >> upload(prompt="forbidden")
    play << [entry(durable=True, decision="block", status=400)]
    play >> AuditAppended() << [head(400), Like(SendEnd)]
    assert orjson.loads(play.log[-1].data)["error"]["code"] == "content_filter"  # type: ignore[union-attr]  # it ends the answer


@pytest.mark.parametrize(
    ("content_type", "told"),
    [("text/plain", "text/plain; charset=utf-8"), ("text/vtt; x=forbidden", "text/vtt; charset=utf-8")],
)
def test_text_that_is_no_json_is_masked_in_place(content_type: str, told: str) -> None:
    """Its head says what was decided, since its body has no members."""
    outcome = transcript(
        "1\n00:00.000 --> 00:01.000\nan ins\n\nult 水\n".encode(), content_type, masks=["ins\n\nult"]
    )
    assert dict(outcome.start.headers)[b"content-type"].decode() == told
    outcome = transcript("WEBVTT\n\n水inｓult\n".encode(), content_type)
    assert outcome.body.decode() == "WEBVTT\n\n水******\n"
    assert (outcome.decision, dict(outcome.start.headers)[b"x-sluice-decision"]) == ("mask", b"mask")
    assert b"x-aigc-label" not in outcome.visible
    assert outcome.record.produce_id == ""


def test_a_term_over_two_lines_blocks() -> None:
    """People read on over the end of a line."""
    outcome = transcript("1\n出售冰\n\n2\n毒\n".encode(), "text/plain", keywords=["出售冰毒"])
    assert (outcome.decision, outcome.start.status) == ("block", 400)


def test_text_that_cannot_be_read_is_malformed() -> None:
    """It cannot be scanned."""
    assert transcript(b"\xff", "text/plain").record.error == "upstream_malformed"


def test_words_leave_where_nothing_was_covered() -> None:
    """A clean transcript is the model server's own, member for member."""
    document = {"text": "a b", "words": [{"word": "a"}, {"word": "b"}], "segments": [{"text": "a b", "tokens": [1]}]}
    outcome = transcript(orjson.dumps(document))
    assert outcome.document == document


@pytest.mark.parametrize(
    "document",
    [
        {"text": "an insult", "words": [{"word": "an"}, {"word": "ins"}, {"word": "ult"}]},
        {"text": "fine", "words": [{"word": "in"}, {"word": "sult"}]},
        {"text": "fine", "words": [{"word": "for"}, {"word": "bidden"}]},
        {"text": "fine", "logprobs": [{"token": "insult"}]},
    ],
)
def test_words_that_would_show_what_is_covered_are_left_out(document: dict[str, Any]) -> None:
    """Joined or one by one; token numbers go with them."""
    outcome = transcript(orjson.dumps(document | {"segments": [{"text": "x", "tokens": [1, 2]}]}))
    assert outcome.document["segments"][0]["tokens"] == []
    assert not outcome.document.get("words")
    assert not outcome.document.get("logprobs")
    assert b"ult" not in outcome.body


def test_words_are_read_in_the_scan_pool_too() -> None:
    """A long transcript leaves the loop with all its texts."""
    reply = orjson.dumps({"text": "fine", "words": [{"word": "for"}, {"word": "bidden"}]})
    outcome = transcript(reply, bounds=bounds(inline_scan_characters=0))
    assert outcome.document["words"] is None
    assert outcome.record.reply_characters > len("fine")


def test_vectors_pass_and_what_stands_beside_them_is_read() -> None:
    """Numbers are no text; a string among them is."""
    document = {"data": [{"embedding": [0.5, 1]}, {"embedding": [1, "forbidden"]}]}
    assert embedded(document).decision == "block"
    document["data"].pop()
    outcome = embedded(document)
    assert outcome.document == document
    assert (outcome.record.label, outcome.record.produce_id) == ("none", "")


def embedded(document: Any) -> Outcome:  # noqa: ANN401 any JSON value
    """Run an exchange about vectors."""
    context = given(keywords=["forbidden"], dialect=OpenAIEmbeddings())
    body = orjson.dumps({"model": "m", "input": "fine"})
    answered: list[Event] = [
        UpstreamStarted(200, "application/json"),
        UpstreamData(orjson.dumps(document)),
        UpstreamFinished(),
    ]
    return run(context, [RequestReceived(body), *answered])


def test_a_reply_of_vectors_may_be_larger() -> None:
    """Its bound is one of its own."""
    small = bounds(reply_bytes=10, encoded_reply_bytes=60)
    for dialect, error in ((OpenAIEmbeddings(), ""), (OpenAIChat(), "upstream_malformed")):
        body = orjson.dumps({"model": "m", "input": "x", "messages": [{"role": "user", "content": "x"}]})
        reply: list[Event] = [
            UpstreamStarted(200, "application/json"),
            UpstreamData(b'{"data": [], "x": 1}'),
            UpstreamFinished(),
        ]
        outcome = run(given(bounds=small, dialect=dialect), [RequestReceived(body), *reply])
        assert outcome.record.error == error


def test_tokens_are_refused_unless_the_operator_lets_them_pass() -> None:
    """Closed, the client is told what to send; open, they pass and are recorded as unscanned."""
    body = orjson.dumps({"model": "m", "input": [1, 2]})
    play = Play(given(dialect=OpenAIEmbeddings())) >> RequestReceived(body)
    play << [entry(decision="error", error="invalid_request", status=400)]
    play >> AuditAppended()
    assert b"cannot read" in play.commands[-1].data  # type: ignore[union-attr]  # it ends the answer
    policy = Policy(request=PhasePolicy(fail_modes={Stage.KEYWORDS: FailMode.OPEN}))
    outcome = run(given(dialect=OpenAIEmbeddings(), policy=policy), [RequestReceived(body)])
    assert outcome.forwarded == {"model": "m", "input": [1, 2]}
    assert outcome.exchange.decision == "unscanned"


def test_sound_passes_piece_by_piece_under_its_label() -> None:
    """Each piece leaves before the next one is read; the record is made before the end leaves."""
    play = Play(given(dialect=OpenAISpeech(), policy=PASSING)) >> RequestReceived(BARE)
    play << [OpenUpstream("/audio/speech", BARE, "m", "POST", SPEECH_HEADERS)]
    play >> UpstreamStarted(200, "audio/pcm; rate=24000") << [head(200, content_type="audio/pcm; rate=24000")]
    assert b"x-aigc-label" in dict(play.log[-1].headers)  # type: ignore[union-attr]  # it is the head
    play >> UpstreamData(b"\x00\xff") << [SendData(b"\x00\xff")]
    play >> UpstreamFinished() << [entry(decision="allow", produce_id="req-1", reply_characters=0)]
    play >> AuditAppended() << [SendEnd()]


SPEECH_HEADERS = (
    (b"content-type", b"application/json"),
    (b"accept", b"audio/*, application/octet-stream, application/json"),
)


def test_sound_that_breaks_off_gets_no_end() -> None:
    """A client must not take what it has for all of it."""
    play = Play(given(dialect=OpenAISpeech(), policy=PASSING)) >> RequestReceived(BARE)
    play >> UpstreamStarted(200, "audio/mpeg")
    play.commands.clear()
    play >> UpstreamFailed(ErrorCode.UPSTREAM_RESET)
    assert play.commands[-1:] == [entry(decision="error", error="upstream_reset", status=200)]
    play.commands.clear()
    play >> AuditAppended() << []


def test_sound_that_cannot_be_recorded_gets_no_end() -> None:
    """What cannot be recorded does not happen, as far as that is still possible."""
    play = Play(given(dialect=OpenAISpeech(), policy=PASSING)) >> RequestReceived(BARE)
    play >> UpstreamStarted(200, "audio/mpeg")
    play >> UpstreamFinished()
    play.commands.clear()
    play >> AuditFailed() << []


@pytest.mark.parametrize("content_type", ["text/html", "application/json", "audio/forbidden", ""])
def test_only_sound_passes_as_sound(content_type: str) -> None:
    """Bytes under another name could be a text."""
    context = given(dialect=OpenAISpeech())
    outcome = run(context, [RequestReceived(SPOKEN), UpstreamStarted(200, content_type)])
    assert (outcome.record.error, outcome.start.status, outcome.closed) == ("upstream_malformed", 502, 1)


def test_an_error_of_a_speech_server_is_read() -> None:
    """Errors are JSON in every format, and scanned."""
    context = given(masks=["insult"], dialect=OpenAISpeech())
    error: list[Event] = [
        UpstreamStarted(422, "application/json"),
        UpstreamData(b'{"error": "insult"}'),
        UpstreamFinished(),
    ]
    outcome = run(context, [RequestReceived(SPOKEN), *error])
    assert outcome.start.status == 422
    assert outcome.document["error"] == "******"


def test_a_blocked_reply_keeps_its_members_out() -> None:
    """Behind a block nothing is put back."""
    whole = WholeReply(OpenAITranscriptions(), ReplyKind.DOCUMENT, 1000, good=True)
    assert whole.feed(b'{"text": "forbidden", "words": [{"word": "x"}]}')
    texts = whole.read()
    assert texts is not None
    context = given(keywords=["forbidden"])
    found = context.standing.ruleset.response.scan_all([group.text for group in texts.groups])
    exchange = Play(context).exchange
    whole.judge(found, exchange._judge, exchange._vault)
    assert whole.document["words"] is None


def test_nothing_of_an_error_is_set_aside() -> None:
    """A vector in an error is no vector."""
    whole = WholeReply(OpenAIEmbeddings(), ReplyKind.DOCUMENT, 1000, good=False)
    assert whole.feed(orjson.dumps({"data": [{"embedding": "A" * 128}]}))
    texts = whole.read()
    assert texts is not None
    assert "A" * 128 in [group.text for group in texts.groups]
