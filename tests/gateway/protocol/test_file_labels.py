"""Labels of files: what is wished for, and what becomes of a file that lacks some of it."""

from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from gateway.errors import ErrorCode
from gateway.protocol.commands import LabelFiles
from gateway.protocol.dialects.openai_images import OpenAIImages
from gateway.protocol.dialects.openai_speech import OpenAISpeech
from gateway.protocol.events import (
    ClientDisconnected,
    Event,
    FilesLabelled,
    LabellingFailed,
    RequestReceived,
    UpstreamData,
    UpstreamFailed,
    UpstreamFinished,
    UpstreamStarted,
)
from gateway.protocol.labels import LabelledFile, Labelling, Lack, Position
from gateway.protocol.policy import FailMode, Policy
from gateway.protocol.states import State
from tests.gateway.protocol.playbook import LABEL, Outcome, Play, bounds, given, marked, run

PICTURES = [bytes([number]) * 120 for number in range(3)]
OPEN = Policy(file_labels=FailMode.OPEN)
Labeller = Callable[[LabelFiles], Event]


def document(rows: list[dict[str, str]]) -> list[Event]:
    """Build the events of a reply about pictures."""
    return [UpstreamStarted(200, "application/json"), UpstreamData(orjson.dumps({"data": rows})), UpstreamFinished()]


def drawn(count: int = 1, answer: Labeller = marked, prompt: str = "fine", **members: Any) -> Outcome:  # noqa: ANN401 any field of the context
    """Run an exchange about pictures."""
    rows = [{"b64_json": b64encode(each).decode()} for each in PICTURES[:count]]
    reply = document(rows)
    context = given(**members, dialect=OpenAIImages())
    return run(context, [RequestReceived(orjson.dumps({"model": "m", "prompt": prompt})), *reply], answer)


def spoken(*pieces: bytes, answer: Labeller = marked, **members: Any) -> Outcome:  # noqa: ANN401 the same
    """Run an exchange about sound."""
    reply: list[Event] = [UpstreamStarted(200, "audio/mpeg"), *map(UpstreamData, pieces), UpstreamFinished()]
    asked = {"model": "m", "input": "fine"} | ({"response_format": members.pop("chosen", "mp3")})
    return run(given(**members, dialect=OpenAISpeech()), [RequestReceived(orjson.dumps(asked)), *reply], answer)


def lacking(*lacks: Lack | None) -> Labeller:
    """Return a labeller after whom files lack this."""
    return lambda command: FilesLabelled(
        tuple(LabelledFile(b"got " + data, lack) for data, lack in zip(command.files, lacks, strict=True))
    )


def files_in(outcome: Outcome) -> list[bytes]:
    """Return the pictures of a reply."""
    return [b64decode(row["b64_json"]) for row in outcome.document["data"]]


def test_each_picture_has_a_number_of_its_own() -> None:
    """All begin with the record's; one alone has just that."""
    outcome = drawn(3)
    told = [each.split(b"|")[1] for each in files_in(outcome)]
    assert told == [b"req-1-1", b"req-1-2", b"req-1-3"]
    assert [each.split(b"|", 2)[2] for each in files_in(outcome)] == PICTURES
    assert files_in(drawn())[0].split(b"|")[1] == b"req-1"
    assert outcome.record.produce_id == "req-1"


def test_the_wording_is_in_the_language_of_the_prompt() -> None:
    """Nobody asked in another."""
    assert files_in(drawn(prompt="闸门"))[0].startswith(LABEL["zh"].encode())
    assert files_in(drawn())[0].startswith(LABEL["en"].encode())


@pytest.mark.parametrize("policy", [OPEN, Policy(file_labels=FailMode.CLOSED)])
def test_a_manifest_that_gave_way_is_recorded_and_refuses_nothing(policy: Policy) -> None:
    """The label is complete, so the answer counts as labelled."""
    outcome = drawn(2, lacking(None, Lack.MANIFEST), policy=policy)
    assert files_in(outcome) == [b"got " + each for each in PICTURES[:2]]
    assert (outcome.record.label, outcome.record.lack, outcome.record.error) == ("corner", "manifest", "")


@pytest.mark.parametrize("lacks", [(Lack.MANIFEST, Lack.VISIBLE), (Lack.VISIBLE, Lack.MANIFEST)])
def test_a_missing_half_is_graver_than_a_manifest(lacks: tuple[Lack, ...]) -> None:
    """In either order."""
    outcome = drawn(2, lacking(*lacks), policy=OPEN)
    assert (outcome.record.label, outcome.record.lack) == ("metadata", "visible")


def test_sound_is_collected_and_labelled() -> None:
    """It leaves whole, with its length."""
    outcome = spoken(b"a", b"b")
    assert outcome.body == f"{LABEL['en']}|req-1|ab".encode()
    headers = dict(outcome.start.headers)
    assert (headers[b"content-type"], headers[b"content-length"]) == (b"audio/mpeg", str(len(outcome.body)).encode())
    assert (outcome.record.label, outcome.record.lack) == ("start", "")


@pytest.mark.parametrize(("agreement", "label"), [("", "interface"), ("a-1", "waived")])
def test_the_members_alone_where_the_interface_shows_the_rest(agreement: str, label: str) -> None:
    """Or where an agreement says so."""
    labelling = Labelling("producer", Position.INTERFACE, LABEL, agreement)
    for outcome in (drawn(labelling=labelling), spoken(b"a", labelling=labelling)):
        assert outcome.record.label == label
        assert outcome.record.agreement == agreement
    assert outcome.body == b"|req-1|a"


@pytest.mark.parametrize(
    ("lack", "status", "error"),
    [
        (Lack.FORMAT, 502, "label_impossible"),
        (Lack.VISIBLE, 502, "label_impossible"),
        (Lack.METADATA, 502, "label_impossible"),
        (Lack.QUEUE, 503, "label_unavailable"),
        (Lack.TIME, 503, "label_unavailable"),
        (Lack.FAULT, 503, "label_unavailable"),
    ],
)
@pytest.mark.parametrize("failed", [True, False])
def test_what_lacks_its_label_does_not_leave(lack: Lack, status: int, error: str, *, failed: bool) -> None:
    """Unless the policy says so; none of it is shown, and it has no number."""
    answer: Labeller = (lambda _: LabellingFailed(lack)) if failed else lacking(lack)
    for outcome in (drawn(answer=answer), spoken(b"sound", answer=answer)):
        assert (outcome.start.status, outcome.record.error, outcome.record.lack) == (status, error, lack)
        assert (outcome.record.label, outcome.record.produce_id, outcome.decision) == ("none", "", "error")
        assert b"sound" not in outcome.visible
        assert b"x-aigc-label" not in outcome.visible


@pytest.mark.parametrize(
    ("lacks", "lack", "label"),
    [
        ((Lack.VISIBLE, None), "visible", "metadata"),
        ((None, Lack.METADATA), "metadata", "shown"),
        ((Lack.VISIBLE, Lack.FORMAT), "format", "unlabelled"),
        ((Lack.FORMAT, Lack.VISIBLE), "format", "unlabelled"),
    ],
)
def test_an_open_policy_lets_it_leave_as_it_is(lacks: tuple[Lack | None, ...], lack: str, label: str) -> None:
    """The record says what the least labelled of them lacks."""
    outcome = drawn(2, lacking(*lacks), policy=OPEN)
    assert files_in(outcome) == [b"got " + each for each in PICTURES[:2]]
    assert (outcome.record.lack, outcome.record.label, outcome.record.produce_id) == (lack, label, "req-1")


def test_an_open_policy_passes_what_was_not_labelled_at_all() -> None:
    """As it came."""
    outcome = spoken(b"sound", answer=lambda _: LabellingFailed(Lack.TIME), policy=OPEN)
    assert (outcome.body, outcome.record.label, outcome.record.lack) == (b"sound", "unlabelled", "time")


def test_pictures_by_address_pass_an_open_policy() -> None:
    """What the reply holds beside them is labelled."""
    rows = [{"url": "http://127.0.0.1/a.png"}, {"b64_json": b64encode(PICTURES[0]).decode()}]
    reply = document(rows)
    asked = RequestReceived(orjson.dumps({"model": "m", "prompt": "x", "response_format": "url"}))
    outcome = run(given(policy=OPEN, dialect=OpenAIImages()), [asked, *reply])
    assert outcome.document["data"][0] == rows[0]
    assert b64decode(outcome.document["data"][1]["b64_json"]).endswith(b"|req-1|" + PICTURES[0])
    assert (outcome.record.label, outcome.record.lack) == ("unlabelled", "address")
    reply[1] = UpstreamData(orjson.dumps({"data": rows[:1]}))
    outcome = run(given(policy=OPEN, dialect=OpenAIImages()), [asked, *reply])
    assert (outcome.document["data"], outcome.record.label) == (rows[:1], "unlabelled")


def test_sound_beyond_the_bound_does_not_leave() -> None:
    """Nothing of it is kept, and the model server is let go."""
    outcome = spoken(b"12345", b"67890", b"more", bounds=bounds(encoded_reply_bytes=8))
    assert (outcome.start.status, outcome.record.lack, outcome.closed) == (502, "size", 1)
    assert b"12345" not in outcome.visible


def test_sound_beyond_the_bound_streams_on_under_an_open_policy() -> None:
    """Whole, in its order, and recorded as without a label."""
    outcome = spoken(b"12345", b"67890", b"more", bounds=bounds(encoded_reply_bytes=8), policy=OPEN)
    assert outcome.body == b"1234567890more"
    assert (outcome.record.label, outcome.record.lack, outcome.record.produce_id) == ("unlabelled", "size", "req-1")


def test_pictures_beyond_the_bound_are_malformed() -> None:
    """Half a document has no pictures in it."""
    assert drawn(bounds=bounds(encoded_reply_bytes=8), policy=OPEN).record.error == "upstream_malformed"


def test_headless_sound_passes_an_open_policy_as_it_comes() -> None:
    """Piece by piece: it would wait for nothing."""
    outcome = spoken(b"a", b"b", chosen="pcm", policy=OPEN)
    assert (outcome.body, outcome.record.label, outcome.record.lack) == (b"ab", "unlabelled", "format")


def test_sound_that_breaks_off_is_an_error_and_no_sound() -> None:
    """Nothing of it has left yet."""
    asked = RequestReceived(orjson.dumps({"model": "m", "input": "fine"}))
    started: list[Event] = [UpstreamStarted(200, "audio/mpeg"), UpstreamData(b"a")]
    outcome = run(given(dialect=OpenAISpeech()), [asked, *started, UpstreamFailed(ErrorCode.UPSTREAM_RESET)])
    assert (outcome.start.status, outcome.record.error) == (502, "upstream_reset")


def test_a_client_may_leave_while_files_are_labelled() -> None:
    """The record is made all the same."""
    play = Play(given(dialect=OpenAIImages())) >> RequestReceived(orjson.dumps({"model": "m", "prompt": "fine"}))
    body = orjson.dumps({"data": [{"b64_json": b64encode(PICTURES[0]).decode()}]})
    play >> UpstreamStarted(200, "application/json") >> UpstreamData(body) >> UpstreamFinished()
    assert play.exchange.state is State.LABELLING
    play >> ClientDisconnected()
    assert (play.record.error, play.record.produce_id) == ("client_disconnected", "")


def test_a_wish_shows_no_file() -> None:
    """It may get into a log."""
    assert repr(LabelFiles(OpenAIImages.carriage.medium, (b"secret",), ({},), "")) == "LabelFiles(image, [6], …)"
