"""Every format has a word for an answer that the filter stopped, and one for an answer that is complete."""

from typing import Any

import pytest

from gateway.protocol.dialects.anthropic_messages import AnthropicMessages
from gateway.protocol.dialects.base import Dialect, Ending, Identity
from gateway.protocol.dialects.openai_chat import OpenAIChat
from gateway.protocol.dialects.openai_completions import OpenAICompletions
from gateway.protocol.dialects.openai_responses import OpenAIResponses

IDENTITY = Identity("req-1", "m", 1)


def _word(document: dict[str, Any]) -> Any:  # noqa: ANN401 any JSON
    """Return why a reply, or the last frame of one, says it ended."""
    document = document.get("response", document)
    if "choices" in document:
        return document["choices"][0]["finish_reason"]
    return document.get("status") or document.get("delta", document).get("stop_reason")


@pytest.mark.parametrize(
    ("dialect", "filtered", "answered"),
    [
        (OpenAIChat(), "content_filter", "stop"),
        (OpenAICompletions(), "content_filter", "stop"),
        (OpenAIResponses(), "incomplete", "completed"),
        (AnthropicMessages(), "refusal", "end_turn"),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_the_formats_words(dialect: Dialect, filtered: str, answered: str) -> None:
    """In a whole reply and at the end of a stream alike."""
    for why, word in ((Ending.FILTERED, filtered), (Ending.ANSWERED, answered)):
        assert _word(dialect.refusal(IDENTITY, "text", why)) == word
        assert _word(dialect.stream(IDENTITY).ending({0: "text"}, why)[-1]) == word
