"""Speech: what is to be spoken is read before it becomes sound."""

from typing import Any

import orjson
import pytest

from gateway.errors import RequestError
from gateway.protocol.dialects.openai_speech import SOUND_TYPES, OpenAISpeech
from gateway.protocol.events import RequestReceived
from gateway.protocol.policy import FailMode, Policy
from tests.gateway.protocol.playbook import given, run


@pytest.mark.parametrize("member", ["input", "instructions", "voice"])
def test_every_text_of_the_request_is_scanned(member: str) -> None:
    """How it is to be spoken as well."""
    body = orjson.dumps({"model": "m", "input": "fine"} | {member: "forbidden"})
    outcome = run(given(keywords=["forbidden"], dialect=OpenAISpeech()), [RequestReceived(body)])
    assert (outcome.decision, outcome.forwarded, outcome.start.status) == ("block", None, 400)


def test_a_masked_text_is_spoken_masked() -> None:
    """What the model server reads is what was judged."""
    body = orjson.dumps({"model": "m", "input": "an insult", "stream_format": "audio"})
    outcome = run(given(masks=["insult"], dialect=OpenAISpeech()), [RequestReceived(body)])
    assert outcome.forwarded["input"] == "an ******"


@pytest.mark.parametrize("members", [{}, {"input": ["x"]}, {"input": "x", "stream_format": "sse"}])
def test_what_is_not_served_is_told(members: dict[str, Any]) -> None:
    """The message names the member."""
    with pytest.raises(RequestError, match=r"'input'|'stream_format'"):
        OpenAISpeech().parse_request(orjson.dumps({"model": "m", **members}))


@pytest.mark.parametrize("chosen", ["pcm", "aac"])
def test_sound_without_a_head_is_refused_before_it_is_made(chosen: str) -> None:
    """It could not be labelled; a policy may let it pass."""
    body = orjson.dumps({"model": "m", "input": "fine", "response_format": chosen})
    outcome = run(given(dialect=OpenAISpeech()), [RequestReceived(body)])
    assert (outcome.forwarded, outcome.start.status, outcome.record.error) == (None, 400, "invalid_request")
    assert chosen in outcome.document["error"]["message"]
    policy = Policy(file_labels=FailMode.OPEN)
    assert run(given(dialect=OpenAISpeech(), policy=policy), [RequestReceived(body)]).forwarded is not None


def test_an_odd_format_is_the_model_servers_to_judge() -> None:
    """It is no name of a format that is known here."""
    body = orjson.dumps({"model": "m", "input": "fine", "response_format": ["pcm"]})
    assert run(given(dialect=OpenAISpeech()), [RequestReceived(body)]).forwarded is not None


def test_types_of_sound_are_words_of_their_own() -> None:
    """They are told to clients unread, so the set is closed."""
    assert {"audio/mpeg", "audio/pcm", "application/octet-stream"} <= SOUND_TYPES
    assert not any(kind.startswith(("text/", "application/json")) for kind in SOUND_TYPES)
