"""Anthropic's own library for Python."""

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

_SELF = Client.ANTHROPIC_PYTHON
_TOOL = {"name": "look_up", "description": "查", "input_schema": {"type": "object", "properties": {}}}


def _client(served: Gateway, library: Any) -> Any:  # noqa: ANN401 a module that is loaded late, and what it makes
    key = served.headers()["authorization"].removeprefix("Bearer ")
    return library.Anthropic(base_url=served.url, api_key=key, max_retries=0)


def _asked(prompt: Any, **members: Any) -> dict[str, Any]:  # noqa: ANN401 any content
    return {"model": MODEL, "max_tokens": 500, "messages": [{"role": "user", "content": prompt}]} | members


@case(_SELF, Feature.MESSAGES)
def messages(served: Gateway, library: Any) -> None:  # noqa: ANN401 a module
    """An answer with its label, to a prompt with a system text; and the number of its tokens."""
    with _client(served, library) as client:
        answer = client.messages.create(**_asked(HELLO, system="简短"))
        assert answer.content[0].text.endswith(LABEL_TEXT)
        assert answer.stop_reason == "end_turn"
        assert client.messages.count_tokens(model=MODEL, messages=messages_of(HELLO)).input_tokens > 0


@case(_SELF, Feature.MESSAGES_STREAM)
def messages_stream(served: Gateway, library: Any) -> None:  # noqa: ANN401 the same
    """The library's own helper puts the text together."""
    with _client(served, library) as client, client.messages.stream(**_asked(HELLO)) as stream:
        said = "".join(stream.text_stream)
        assert stream.get_final_message().content[0].text == said
    assert said.endswith(LABEL_TEXT)


@case(_SELF, Feature.TOOLS)
def tools(served: Gateway, library: Any) -> None:  # noqa: ANN401 the same
    """Two calls, and an answer to their results."""
    with _client(served, library) as client:
        answer = client.messages.create(**_asked(TOOLS, tools=[_TOOL]))
        calls = [block for block in answer.content if block.type == "tool_use"]
        assert [(call.name, call.input) for call in calls] == CALLS
        results = [{"type": "tool_result", "tool_use_id": call.id, "content": "3"} for call in calls]
        history = [*messages_of(TOOLS), {"role": "assistant", "content": answer.content}]
        history.append({"role": "user", "content": [*results, {"type": "text", "text": HELLO}]})
        last = client.messages.create(**_asked("") | {"messages": history})
    assert last.content[0].text.endswith(LABEL_TEXT)


@case(_SELF, Feature.TOOLS_STREAM)
def tools_stream(served: Gateway, library: Any) -> None:  # noqa: ANN401 the same
    """Their input comes as pieces of JSON."""
    with _client(served, library) as client, client.messages.stream(**_asked(TOOLS, tools=[_TOOL])) as stream:
        answer = stream.get_final_message()
    assert [(block.name, block.input) for block in answer.content if block.type == "tool_use"] == CALLS
    assert answer.stop_reason == "tool_use"


@case(_SELF, Feature.REASONING)
def reasoning(served: Gateway, library: Any) -> None:  # noqa: ANN401 the same
    """A thinking block with its signature, whole and streamed."""
    with _client(served, library) as client:
        whole = client.messages.create(**_asked(REASONING))
        with client.messages.stream(**_asked(REASONING)) as stream:
            streamed = stream.get_final_message()
    for answer in (whole, streamed):
        assert answer.content[0].thinking.startswith("先想一想")
        assert answer.content[0].signature == whole.content[0].signature


@case(_SELF, Feature.PICTURES)
def pictures(served: Gateway, library: Any) -> None:  # noqa: ANN401 the same
    """A picture beside the text is no text."""
    source = {"type": "base64", "media_type": "image/png", "data": PICTURE.partition(",")[2]}
    parts = [{"type": "image", "source": source}, {"type": "text", "text": HELLO}]
    with _client(served, library) as client:
        assert client.messages.create(**_asked(parts)).content[0].text.endswith(LABEL_TEXT)


@case(_SELF, Feature.ERRORS)
def errors(served: Gateway, library: Any) -> None:  # noqa: ANN401 the same
    """Each status raises the library's own error."""
    with _client(served, library) as client:
        with pytest.raises(library.AuthenticationError):
            client.with_options(api_key="sk-none").messages.create(**_asked(HELLO))
        with pytest.raises(library.APIStatusError) as caught:
            client.messages.create(**_asked("[[error:503]]"))
    assert caught.value.status_code == 503


@case(_SELF, Feature.REFUSED)
def refused(served: Gateway, library: Any) -> None:  # noqa: ANN401 the same
    """Shown like an answer, whole and streamed."""
    with _client(served, library) as client:
        whole = client.messages.create(**_asked(BLOCKED))
        with client.messages.stream(**_asked(BLOCKED)) as stream:
            streamed = stream.get_final_message()
    for answer in (whole, streamed):
        assert (answer.content[0].text[:3], answer.stop_reason) == (REFUSED, "refusal")


@case(_SELF, Feature.CUT)
def cut(served: Gateway, library: Any) -> None:  # noqa: ANN401 the same
    """The end is one the library understands."""
    with _client(served, library) as client, client.messages.stream(**_asked(HARMFUL)) as stream:
        answer = stream.get_final_message()
    assert answer.stop_reason == "refusal"
    assert HARM_TERM not in answer.content[0].text
