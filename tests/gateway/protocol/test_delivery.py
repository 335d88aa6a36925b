"""Whole replies on their way out: what is generated is labelled and numbered, and nothing else is."""

import pytest

from gateway.protocol.dialects.openai_images import OpenAIImages
from gateway.protocol.dialects.openai_speech import OpenAISpeech
from gateway.protocol.events import Event, RequestReceived, UpstreamData, UpstreamFinished, UpstreamStarted
from tests.gateway.protocol.playbook import ask, given, reply, request, run


def test_a_text_is_labelled_and_numbered() -> None:
    """Once, in the text and as members."""
    outcome = ask(given(), request(stream=False), reply("fine"))
    assert outcome.document["choices"][0]["message"]["content"].count("AI") == 2  # one label names it twice
    assert (outcome.record.label, outcome.record.produce_id) == ("end", "req-1")


@pytest.mark.parametrize("dialect", [OpenAIImages(), OpenAISpeech()])
def test_an_error_of_the_model_server_is_no_generated_content(dialect: OpenAIImages | OpenAISpeech) -> None:
    """Neither label nor number, and nothing in it is taken for a file."""
    asked = b'{"model":"m","prompt":"x","input":"x"}'
    body = b'{"data":[{"url":"http://h/a.png"}],"error":{"message":"busy"}}'
    events: list[Event] = [UpstreamStarted(503, "application/json"), UpstreamData(body), UpstreamFinished()]
    outcome = run(given(dialect=dialect), [RequestReceived(asked), *events])
    assert (outcome.start.status, outcome.record.error) == (503, "upstream_error")
    assert (outcome.record.label, outcome.record.produce_id, outcome.record.lack) == ("none", "", "")
    assert b"aigc" not in outcome.visible


def test_an_unlabelled_reply_still_carries_the_members() -> None:
    """Structured output has no visible label; its members and its ``ProduceID`` are recorded all the same."""
    outcome = ask(given(), request(stream=False, response_format={"type": "json_object"}), reply("{}"))
    assert outcome.document["choices"][0]["message"]["content"] == "{}"
    assert (outcome.record.label, outcome.record.produce_id) == ("members", outcome.document["aigc"]["ProduceID"])
