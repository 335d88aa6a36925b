"""The list of models: a path is a text as well."""

import pytest

from gateway.errors import RequestError
from gateway.protocol.carriage import RequestHead
from gateway.protocol.commands import OpenUpstream
from gateway.protocol.dialects.openai_models import OpenAIModels
from gateway.protocol.events import Event, RequestReceived, UpstreamData, UpstreamFinished, UpstreamStarted
from tests.gateway.protocol.playbook import Outcome, given, run

ACCEPT = ((b"accept", b"application/json"),)


def listed(rest: str = "", reply: bytes = b'{"data": []}') -> Outcome:
    """Run an exchange about models."""
    context = given(keywords=["forbidden"], masks=["insult"], dialect=OpenAIModels())
    answered: list[Event] = [UpstreamStarted(200, "application/json"), UpstreamData(reply), UpstreamFinished()]
    return run(context, [RequestReceived(b"ignored", RequestHead(rest=rest)), *answered])


@pytest.mark.parametrize(
    ("rest", "path"),
    [
        ("", "/models"),
        ("gpt-4o", "/models/gpt-4o"),
        ("org/name:tag", "/models/org%2Fname%3Atag"),
        ("../../admin", "/models/..%2F..%2Fadmin"),
        ("水 ?x#y%", "/models/%E6%B0%B4%20%3Fx%23y%25"),
        ("an insult", "/models/an%20%2A%2A%2A%2A%2A%2A"),
    ],
)
def test_a_model_is_one_segment_of_the_path(rest: str, path: str) -> None:
    """Nothing a client writes leads to another path, and what is masked is masked in it; a body does not go on."""
    outcome = listed(rest)
    assert outcome.commands[0] == OpenUpstream(path, b"", rest, "GET", ACCEPT)
    assert outcome.record.model == rest


def test_the_reply_is_scanned_and_is_no_generated_content() -> None:
    """A list says nothing that a model made."""
    outcome = listed(reply=b'{"data": [{"id": "insult"}]}')
    assert outcome.document["data"] == [{"id": "******"}]
    assert b"aigc" not in outcome.visible
    assert listed(reply=b'{"data": [{"id": "forbidden"}]}').start.status == 400
    assert listed("forbidden").decision == "block"


@pytest.mark.parametrize("rest", [".", ".."])
def test_dots_are_no_model(rest: str) -> None:
    """They name a place in a path, however they are written."""
    with pytest.raises(RequestError, match="id of a model"):
        OpenAIModels().parse_request(b"", RequestHead(rest=rest))
