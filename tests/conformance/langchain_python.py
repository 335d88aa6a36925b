"""LangChain's package for OpenAI's wire formats."""

from typing import Any

import openai
import pytest

from gateway.standin.replies import HARM_TERM, LABEL_TEXT
from tests.conformance.registry import (
    CALLS,
    HARMFUL,
    HELLO,
    PICTURE,
    REFUSED,
    TOOLS,
    Client,
    Feature,
    case,
)
from tests.gateways import BLOCKED, MODEL, Gateway, messages_of

_SELF = Client.LANGCHAIN


def _chat(served: Gateway, library: Any, **members: Any) -> Any:  # noqa: ANN401 a module that is loaded late, and what it makes
    own = {"api_key": served.headers()["authorization"].removeprefix("Bearer "), "max_retries": 0}
    return library.ChatOpenAI(model=MODEL, base_url=f"{served.url}/v1", **own | members)


@case(_SELF, Feature.WHOLE)
def whole(served: Gateway, library: Any) -> None:  # noqa: ANN401 a module
    """An answer with its label."""
    assert _chat(served, library).invoke(HELLO).content.endswith(LABEL_TEXT)


@case(_SELF, Feature.STREAM)
def stream(served: Gateway, library: Any) -> None:  # noqa: ANN401 the same
    """The pieces add up to the answer."""
    chat = _chat(served, library)
    assert "".join(piece.content for piece in chat.stream(HELLO)) == chat.invoke(HELLO).content


def _called(message: Any) -> list[tuple[str, Any]]:  # noqa: ANN401 the same
    return [(call["name"], call["args"]) for call in message.tool_calls]


def _tool(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "description": "查", "parameters": {"type": "object"}}}


@case(_SELF, Feature.TOOLS)
def tools(served: Gateway, library: Any) -> None:  # noqa: ANN401 the same
    """Two calls, parsed by the library."""
    assert _called(_chat(served, library).bind_tools([_tool("look_up"), _tool("keep_note")]).invoke(TOOLS)) == CALLS


@case(_SELF, Feature.TOOLS_STREAM)
def tools_stream(served: Gateway, library: Any) -> None:  # noqa: ANN401 the same
    """Added up from pieces."""
    first, *rest = _chat(served, library).bind_tools([_tool("look_up")]).stream(TOOLS)
    assert _called(sum(rest, first)) == CALLS


@case(_SELF, Feature.JSON)
def as_json(served: Gateway, library: Any) -> None:  # noqa: ANN401 the same
    """Parsed by the library."""
    chat = _chat(served, library).with_structured_output(None, method="json_mode")
    assert chat.invoke(HELLO)["stand_in"] is True


@case(_SELF, Feature.PICTURES)
def pictures(served: Gateway, library: Any) -> None:  # noqa: ANN401 the same
    """A picture beside the text is no text."""
    parts = [{"type": "text", "text": HELLO}, {"type": "image_url", "image_url": {"url": PICTURE}}]
    answer = _chat(served, library).invoke([{"role": "user", "content": parts}])
    assert answer.content.endswith(LABEL_TEXT)


@case(_SELF, Feature.RESPONSES)
def responses(served: Gateway, library: Any) -> None:  # noqa: ANN401 the same
    """Text, and calls of tools."""
    chat = _chat(served, library, use_responses_api=True)
    assert chat.invoke(HELLO).text.endswith(LABEL_TEXT)
    assert _called(chat.invoke(TOOLS)) == CALLS


@case(_SELF, Feature.RESPONSES_STREAM)
def responses_stream(served: Gateway, library: Any) -> None:  # noqa: ANN401 the same
    """The pieces add up to the answer."""
    chat = _chat(served, library, use_responses_api=True)
    assert "".join(piece.text for piece in chat.stream(HELLO)) == chat.invoke(HELLO).text


@case(_SELF, Feature.EMBEDDINGS)
def embeddings(served: Gateway, library: Any) -> None:  # noqa: ANN401 the same
    """Texts as they are: token numbers can be read by nobody."""
    key = served.headers()["authorization"].removeprefix("Bearer ")
    made = library.OpenAIEmbeddings(
        model=MODEL, base_url=f"{served.url}/v1", api_key=key, check_embedding_ctx_length=False, max_retries=0
    )
    assert len(made.embed_documents([HELLO, "再见"])) == 2


@case(_SELF, Feature.ERRORS)
def errors(served: Gateway, library: Any) -> None:  # noqa: ANN401 the same
    """The library below raises its own."""
    with pytest.raises(openai.AuthenticationError):
        _chat(served, library, api_key="sk-none").invoke(HELLO)
    with pytest.raises(openai.InternalServerError):
        _chat(served, library).invoke(messages_of("[[error:503]]"))


@case(_SELF, Feature.REFUSED)
def refused(served: Gateway, library: Any) -> None:  # noqa: ANN401 the same
    """Shown like an answer."""
    answer = _chat(served, library).invoke(BLOCKED)
    assert (answer.content[:3], answer.response_metadata["finish_reason"]) == (REFUSED, "content_filter")


@case(_SELF, Feature.CUT)
def cut(served: Gateway, library: Any) -> None:  # noqa: ANN401 the same
    """The end is one the library understands."""
    first, *rest = _chat(served, library).stream(HARMFUL)
    answer = sum(rest, first)
    assert answer.response_metadata["finish_reason"] == "content_filter"
    assert HARM_TERM not in answer.content
