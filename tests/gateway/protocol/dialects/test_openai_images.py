"""Pictures: the prompt, what was made of it, and the data of a picture."""

from base64 import b64decode
from typing import Any

import orjson
import pytest

from gateway.errors import RequestError
from gateway.protocol.dialects.openai_images import OpenAIImages, files_of, pictures_of
from gateway.protocol.events import Event, RequestReceived, UpstreamData, UpstreamFinished, UpstreamStarted
from tests.gateway.protocol.playbook import LABEL, Outcome, given, run

PICTURE = "iVBORw0KGgo" * 16


def generated(*rows: Any, prompt: str = "fine", **members: Any) -> Outcome:  # noqa: ANN401 any JSON
    """Run an exchange about pictures."""
    context = given(keywords=["forbidden"], masks=["insult"], dialect=OpenAIImages())
    body = orjson.dumps({"model": "m", "prompt": prompt} | members)
    reply: list[Event] = [
        UpstreamStarted(200, "application/json"),
        UpstreamData(orjson.dumps({"created": 1, "data": rows})),
    ]
    return run(context, [RequestReceived(body), *reply, UpstreamFinished()])


def test_a_picture_passes_with_its_label() -> None:
    """In the head and as a member: a picture is generated content."""
    outcome = generated({"b64_json": PICTURE, "revised_prompt": "an insult"})
    (row,) = outcome.document["data"]
    assert row["revised_prompt"] == "an ******"
    assert b64decode(row["b64_json"]) == f"{LABEL['en']}|req-1|".encode() + b64decode(PICTURE)
    assert outcome.document["aigc"]["Label"] == "1"
    assert b"x-aigc-label" in dict(outcome.start.headers)
    assert (outcome.record.produce_id, outcome.record.label, outcome.record.lack) == ("req-1", "corner", "")


@pytest.mark.parametrize(
    "row",
    [
        {"url": "http://127.0.0.1/a.png"},
        {"url": "http://127.0.0.1/a.png", "b64_json": PICTURE},
        {"b64_json": PICTURE + "!"},
        {"b64_json": [PICTURE]},
        {},
        "x",
        None,
    ],
)
def test_a_picture_that_is_not_in_the_reply_does_not_leave(row: Any) -> None:  # noqa: ANN401 the same
    """Nor does another one beside it: the reply is one answer."""
    outcome = generated({"b64_json": PICTURE}, row)
    assert (outcome.start.status, outcome.record.error, outcome.record.lack) == (502, "label_impossible", "address")
    assert (outcome.record.produce_id, outcome.record.label) == ("", "none")
    assert PICTURE.encode() not in outcome.body


def test_a_picture_by_address_is_refused_before_it_is_drawn() -> None:
    """It could not be labelled."""
    outcome = generated(response_format="url")
    assert (outcome.forwarded, outcome.start.status, outcome.record.error) == (None, 400, "invalid_request")
    assert "b64_json" in outcome.document["error"]["message"]
    assert generated(response_format=["url"]).forwarded is not None


def test_no_pictures_have_no_label() -> None:
    """There is nothing to put one into."""
    assert (generated().start.status, generated().record.label) == (200, "none")


@pytest.mark.parametrize(
    "row",
    [{"b64_json": "forbidden"}, {"url": "http://h/forbidden"}, {"revised_prompt": "forbidden"}, {"forbidden": 1}],
)
def test_whatever_else_stands_there_is_scanned(row: dict[str, Any]) -> None:
    """Also in the place of a picture, where it is none; a block is an error."""
    outcome = generated(row)
    assert (outcome.decision, outcome.start.status) == ("block", 400)
    assert b"forbidden" not in outcome.visible


def test_the_prompt_is_scanned() -> None:
    """Nothing is drawn of a blocked prompt."""
    outcome = generated(prompt="forbidden")
    assert (outcome.forwarded, outcome.start.status) == (None, 400)


@pytest.mark.parametrize("members", [{}, {"prompt": ["x"]}, {"prompt": "x", "stream": True}])
def test_what_is_not_served_is_told(members: dict[str, Any]) -> None:
    """The message names the member."""
    with pytest.raises(RequestError, match=r"'prompt'|'stream'"):
        OpenAIImages().parse_request(orjson.dumps({"model": "m", **members}))


@pytest.mark.parametrize("data", [None, {}, ["x"], [{}], [{"b64_json": 1}]])
def test_odd_replies_have_no_pictures(data: Any) -> None:  # noqa: ANN401 the same
    """They are scanned as they are, and count as what cannot be labelled."""
    assert pictures_of({"data": data}) == []
    assert [each.data for each in files_of({"data": data})] == [None]
