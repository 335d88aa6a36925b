"""OpenAI's own library for Python."""

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

_SELF = Client.OPENAI_PYTHON


def _create(served: Gateway, prompt: str, **members: Any) -> Any:  # noqa: ANN401 a union of many of the library's types
    return served.openai().chat.completions.create(model=MODEL, messages=messages_of(prompt), **members)


def _streamed(served: Gateway, prompt: str, **members: Any) -> list[Any]:  # noqa: ANN401 the same
    with _create(served, prompt, stream=True, **members) as stream:
        return [chunk.choices[0] for chunk in stream if chunk.choices]


@case(_SELF, Feature.WHOLE)
def whole(served: Gateway, _library: Any) -> None:  # noqa: ANN401 a module
    """An answer with its label."""
    (choice,) = _create(served, HELLO).choices
    assert choice.message.content.endswith(LABEL_TEXT)
    assert choice.finish_reason == "stop"


@case(_SELF, Feature.STREAM)
def stream(served: Gateway, _library: Any) -> None:  # noqa: ANN401 the same
    """The same in pieces, with usage behind them."""
    with _create(served, HELLO, stream=True, stream_options={"include_usage": True}) as chunks:
        seen = list(chunks)
    said = "".join(chunk.choices[0].delta.content or "" for chunk in seen if chunk.choices)
    assert said == _create(served, HELLO).choices[0].message.content
    assert seen[-1].usage.completion_tokens > 0


@case(_SELF, Feature.TOOLS)
def tools(served: Gateway, _library: Any) -> None:  # noqa: ANN401 the same
    """Two calls, and an answer to them."""
    message = _create(served, TOOLS).choices[0].message
    assert [(call.function.name, json.loads(call.function.arguments)) for call in message.tool_calls] == CALLS
    results = [{"role": "tool", "tool_call_id": call.id, "content": '{"level": 3}'} for call in message.tool_calls]
    history: list[Any] = [*messages_of(TOOLS), message, *results, *messages_of(HELLO)]
    answer = served.openai().chat.completions.create(model=MODEL, messages=history)
    assert (answer.choices[0].message.content or "").endswith(LABEL_TEXT)


@case(_SELF, Feature.TOOLS_STREAM)
def tools_stream(served: Gateway, _library: Any) -> None:  # noqa: ANN401 the same
    """The library's own helper puts the calls together."""
    with served.openai().chat.completions.stream(model=MODEL, messages=messages_of(TOOLS)) as events:
        message = events.get_final_completion().choices[0].message
    calls = message.tool_calls or []
    assert [(call.function.name, json.loads(call.function.arguments)) for call in calls] == CALLS


@case(_SELF, Feature.JSON)
def as_json(served: Gateway, _library: Any) -> None:  # noqa: ANN401 the same
    """Whole and streamed, the answer parses."""
    wanted = {"type": "json_object"}
    content = _create(served, HELLO, response_format=wanted).choices[0].message.content
    assert json.loads(content)["stand_in"] is True
    pieces = _streamed(served, HELLO, response_format=wanted)
    assert json.loads("".join(each.delta.content or "" for each in pieces)) == json.loads(content)


@case(_SELF, Feature.REASONING)
def reasoning(served: Gateway, _library: Any) -> None:  # noqa: ANN401 the same
    """A member the library has no name for comes through it."""
    message = _create(served, REASONING).choices[0].message
    assert message.reasoning_content.startswith("先想一想")
    pieces = _streamed(served, REASONING)
    said = "".join(getattr(each.delta, "reasoning_content", None) or "" for each in pieces)
    assert said == message.reasoning_content


@case(_SELF, Feature.PICTURES)
def pictures(served: Gateway, _library: Any) -> None:  # noqa: ANN401 the same
    """A picture beside the text is no text."""
    parts: Any = [{"type": "text", "text": HELLO}, {"type": "image_url", "image_url": {"url": PICTURE}}]
    answer = served.openai().chat.completions.create(model=MODEL, messages=[{"role": "user", "content": parts}])
    assert (answer.choices[0].message.content or "").endswith(LABEL_TEXT)


@case(_SELF, Feature.RESPONSES)
def responses(served: Gateway, _library: Any) -> None:  # noqa: ANN401 the same
    """Text, and calls of tools."""
    assert served.openai().responses.create(model=MODEL, input=HELLO).output_text.endswith(LABEL_TEXT)
    output = served.openai().responses.create(model=MODEL, input=TOOLS).output
    calls = [(item.name, json.loads(item.arguments)) for item in output if item.type == "function_call"]
    assert calls == CALLS


@case(_SELF, Feature.RESPONSES_STREAM)
def responses_stream(served: Gateway, _library: Any) -> None:  # noqa: ANN401 the same
    """The pieces joined are the text the last event says."""
    with served.openai().responses.stream(model=MODEL, input=HELLO) as events:
        said = "".join(event.delta for event in events if event.type == "response.output_text.delta")
        final = events.get_final_response()
    assert said == final.output_text
    assert said.endswith(LABEL_TEXT)


@case(_SELF, Feature.EMBEDDINGS)
def embeddings(served: Gateway, _library: Any) -> None:  # noqa: ANN401 the same
    """The library asks for base64 and decodes it."""
    answer = served.openai().embeddings.create(model=MODEL, input=[HELLO, "再见"])
    assert len(answer.data) == 2
    assert all(isinstance(number, float) for each in answer.data for number in each.embedding)


@case(_SELF, Feature.ERRORS)
def errors(served: Gateway, library: Any) -> None:  # noqa: ANN401 the same
    """Each status raises the library's own error, with the code in it."""
    with pytest.raises(library.AuthenticationError) as caught:
        served.openai().with_options(api_key="sk-none").chat.completions.create(
            model=MODEL, messages=messages_of(HELLO)
        )
    assert caught.value.code == "key_unknown"
    with pytest.raises(library.InternalServerError):
        _create(served, "[[error:503]]")
    with pytest.raises(library.BadRequestError):
        served.openai().chat.completions.create(model=MODEL, messages=[])


@case(_SELF, Feature.REFUSED)
def refused(served: Gateway, _library: Any) -> None:  # noqa: ANN401 the same
    """Shown like an answer, whole and streamed, in both of the library's formats."""
    (choice,) = _create(served, BLOCKED).choices
    assert (choice.message.content[:3], choice.finish_reason) == (REFUSED, "content_filter")
    assert _streamed(served, BLOCKED)[-1].finish_reason == "content_filter"
    response = served.openai().responses.create(model=MODEL, input=BLOCKED)
    assert (response.output_text[:3], response.status) == (REFUSED, "incomplete")


@case(_SELF, Feature.CUT)
def cut(served: Gateway, _library: Any) -> None:  # noqa: ANN401 the same
    """The end is one the library understands."""
    pieces = _streamed(served, HARMFUL)
    assert pieces[-1].finish_reason == "content_filter"
    assert HARM_TERM not in "".join(each.delta.content or "" for each in pieces)
    with served.openai().responses.create(model=MODEL, input=HARMFUL, stream=True) as events:
        last = list(events)[-1]
    assert last.type == "response.incomplete"
    assert HARM_TERM not in last.response.output_text
