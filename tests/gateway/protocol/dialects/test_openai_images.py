"""Pictures: the prompt, what was made of it, and the data of a picture."""

from typing import Any

import orjson
import pytest

from gateway.errors import RequestError
from gateway.protocol.dialects.openai_images import OpenAIImages, pictures_of
from gateway.protocol.events import Event, RequestReceived, UpstreamData, UpstreamFinished, UpstreamStarted
from tests.gateway.protocol.playbook import Outcome, given, run

PICTURE = "iVBORw0KGgo" * 16


def generated(*rows: Any, prompt: str = "fine") -> Outcome:  # noqa: ANN401 any JSON
    """Run an exchange about pictures."""
    context = given(keywords=["forbidden"], masks=["insult"], dialect=OpenAIImages())
    body = orjson.dumps({"model": "m", "prompt": prompt})
    reply: list[Event] = [
        UpstreamStarted(200, "application/json"),
        UpstreamData(orjson.dumps({"created": 1, "data": rows})),
    ]
    return run(context, [RequestReceived(body), *reply, UpstreamFinished()])


def test_a_picture_passes_with_its_label() -> None:
    """In the head and as a member: a picture is generated content."""
    outcome = generated({"b64_json": PICTURE, "revised_prompt": "an insult"})
    assert outcome.document["data"] == [{"b64_json": PICTURE, "revised_prompt": "an ******"}]
    assert outcome.document["aigc"]["Label"] == "1"
    assert b"x-aigc-label" in dict(outcome.start.headers)
    assert (outcome.record.produce_id, outcome.record.label) == ("req-1", "none")


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
    """They are scanned as they are."""
    assert pictures_of({"data": data}) == []
