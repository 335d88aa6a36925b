"""LiteLLM as a client, of both of the wire formats it speaks."""

import json
from typing import Any

import pytest

from gateway.standin.replies import HARM_TERM, LABEL_TEXT
from tests.conformance.registry import (
    CALLS,
    HARMFUL,
    HELLO,
    PICTURE,
    REASONING,
    REFUSED,
    TOOLS,
    Client,
    Feature,
    case,
)
from tests.gateways import BLOCKED, MODEL, Gateway, messages_of

_SELF = Client.LITELLM


def _ask(served: Gateway, library: Any, prompt: Any, provider: str = "openai", **members: Any) -> Any:  # noqa: ANN401 a module that is loaded late, and what it returns
    own = {
        "model": f"{provider}/{MODEL}",
        "api_base": f"{served.url}/v1" if provider == "openai" else served.url,
        "api_key": served.headers()["authorization"].removeprefix("Bearer "),
        "messages": messages_of(prompt),
        "max_retries": 0,
    }
    return library.completion(**own | members)


def _said(chunks: Any, member: str = "content") -> str:  # noqa: ANN401 the same
    return "".join(getattr(chunk.choices[0].delta, member, None) or "" for chunk in chunks)


def _called(message: Any) -> list[tuple[str, Any]]:  # noqa: ANN401 the same
    return [(call.function.name, json.loads(call.function.arguments)) for call in message.tool_calls]


@case(_SELF, Feature.WHOLE)
def whole(served: Gateway, library: Any) -> None:  # noqa: ANN401 a module
    """An answer with its label."""
    assert _ask(served, library, HELLO).choices[0].message.content.endswith(LABEL_TEXT)


@case(_SELF, Feature.STREAM)
def stream(served: Gateway, library: Any) -> None:  # noqa: ANN401 the same
    """The pieces add up to the answer."""
    whole_text = _ask(served, library, HELLO).choices[0].message.content
    assert _said(_ask(served, library, HELLO, stream=True)) == whole_text


@case(_SELF, Feature.TOOLS)
def tools(served: Gateway, library: Any) -> None:  # noqa: ANN401 the same
    """Two calls."""
    assert _called(_ask(served, library, TOOLS).choices[0].message) == CALLS


@case(_SELF, Feature.TOOLS_STREAM)
def tools_stream(served: Gateway, library: Any) -> None:  # noqa: ANN401 the same
    """Put together by the library's own helper."""
    built = library.stream_chunk_builder(list(_ask(served, library, TOOLS, stream=True)))
    assert _called(built.choices[0].message) == CALLS


@case(_SELF, Feature.JSON)
def as_json(served: Gateway, library: Any) -> None:  # noqa: ANN401 the same
    """The answer parses."""
    answer = _ask(served, library, HELLO, response_format={"type": "json_object"})
    assert json.loads(answer.choices[0].message.content)["stand_in"] is True


@case(_SELF, Feature.REASONING)
def reasoning(served: Gateway, library: Any) -> None:  # noqa: ANN401 the same
    """Whole and streamed."""
    said = _ask(served, library, REASONING).choices[0].message.reasoning_content
    assert said.startswith("先想一想")
    assert _said(_ask(served, library, REASONING, stream=True), "reasoning_content") == said


@case(_SELF, Feature.PICTURES)
def pictures(served: Gateway, library: Any) -> None:  # noqa: ANN401 the same
    """A picture beside the text is no text."""
    parts = [{"type": "text", "text": HELLO}, {"type": "image_url", "image_url": {"url": PICTURE}}]
    assert _ask(served, library, parts).choices[0].message.content.endswith(LABEL_TEXT)


@case(_SELF, Feature.MESSAGES)
def messages(served: Gateway, library: Any) -> None:  # noqa: ANN401 the same
    """As a client of Anthropic's format."""
    answer = _ask(served, library, HELLO, "anthropic", max_tokens=500)
    assert answer.choices[0].message.content.endswith(LABEL_TEXT)


@case(_SELF, Feature.MESSAGES_STREAM)
def messages_stream(served: Gateway, library: Any) -> None:  # noqa: ANN401 the same
    """The same, streamed."""
    said = _said(_ask(served, library, HELLO, "anthropic", max_tokens=500, stream=True))
    assert said.endswith(LABEL_TEXT)


@case(_SELF, Feature.EMBEDDINGS)
def embeddings(served: Gateway, library: Any) -> None:  # noqa: ANN401 the same
    """Two texts, two vectors."""
    key = served.headers()["authorization"].removeprefix("Bearer ")
    answer = library.embedding(
        model=f"openai/{MODEL}", input=[HELLO, "再见"], api_base=f"{served.url}/v1", api_key=key, max_retries=0
    )
    assert len(answer.data) == 2


@case(_SELF, Feature.ERRORS)
def errors(served: Gateway, library: Any) -> None:  # noqa: ANN401 the same
    """Each status raises the library's own error."""
    with pytest.raises(library.AuthenticationError):
        _ask(served, library, HELLO, api_key="sk-none")
    with pytest.raises(library.ServiceUnavailableError):
        _ask(served, library, "[[error:503]]")


@case(_SELF, Feature.REFUSED)
def refused(served: Gateway, library: Any) -> None:  # noqa: ANN401 the same
    """Shown like an answer."""
    (choice,) = _ask(served, library, BLOCKED).choices
    assert (choice.message.content[:3], choice.finish_reason) == (REFUSED, "content_filter")


@case(_SELF, Feature.CUT)
def cut(served: Gateway, library: Any) -> None:  # noqa: ANN401 the same
    """The end is one the library understands."""
    chunks = list(_ask(served, library, HARMFUL, stream=True))
    assert [each.choices[0].finish_reason for each in chunks if each.choices[0].finish_reason] == ["content_filter"]
    assert HARM_TERM not in _said(chunks)
