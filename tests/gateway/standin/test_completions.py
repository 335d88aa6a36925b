"""Tests of `gateway.standin.completions`: prompts in, completions out."""

from typing import Any

import orjson
import pytest

from gateway.standin.completions import COMPLETIONS, read_completion
from gateway.standin.script import Script, compose_form

DONE = b"data: [DONE]\n\n"


def request(prompt: Any = "你好", **members: object) -> bytes:  # noqa: ANN401 any JSON value
    """Return the body of a request."""
    return orjson.dumps({"model": "m", "prompt": prompt, **members})


def plan(body: bytes) -> Script:
    """Plan a reply that is sent at once."""
    return compose_form(body, 0, COMPLETIONS)


def whole(body: bytes) -> Any:  # noqa: ANN401 the same
    """Return a whole reply."""
    return orjson.loads(b"".join(step.data for step in plan(body).steps))


def frames(body: bytes) -> list[Any]:
    """Return the documents of a streamed reply, which must end with its terminator."""
    raw = [step.data for step in plan(body).steps]
    assert raw[-1] == DONE
    return [orjson.loads(frame.removeprefix(b"data: ")) for frame in raw[:-1]]


def test_stream_says_what_the_whole_reply_says() -> None:
    """Joined, the pieces are the text."""
    said = "".join(choice["text"] for frame in frames(request(stream=True)) for choice in frame["choices"])
    assert said == whole(request())["choices"][0]["text"]
    assert "替身模型" in said


def test_each_prompt_gets_its_answers() -> None:
    """Two prompts with two answers each are four choices, numbered through."""
    reply = whole(request(["你好", "天气"], n=2))
    assert [choice["index"] for choice in reply["choices"]] == [0, 1, 2, 3]
    indices = {
        choice["index"]
        for frame in frames(request(["你好", "天气"], n=2, stream=True))
        for choice in frame["choices"]
    }
    assert indices == {0, 1, 2, 3}


def test_echo_brings_the_prompt_back() -> None:
    """It stands before the answer, as part of the text."""
    assert whole(request("水闸是什么", echo=True))["choices"][0]["text"].startswith("水闸是什么")
    assert frames(request("水闸是什么", echo=True, stream=True))[0]["choices"][0]["text"] == "水闸是什么"


def test_probabilities_spell_the_text() -> None:
    """The chosen tokens joined are the text, and their offsets are places in it."""
    choice = whole(request("[[echo:abcd]]", logprobs=0))["choices"][0]
    tokens, offsets = choice["logprobs"]["tokens"], choice["logprobs"]["text_offset"]
    assert "".join(tokens) == choice["text"] == "abcd"
    assert all(choice["text"][offset:].startswith(token) for token, offset in zip(tokens, offsets, strict=True))
    first = frames(request("[[echo:abcd]]", logprobs=0, stream=True))[0]["choices"][0]
    assert first["logprobs"]["tokens"] == [first["text"]]


def test_usage_comes_last_where_it_was_asked_for() -> None:
    """In a frame without choices."""
    last = frames(request(stream=True, stream_options={"include_usage": True}))[-1]
    assert last["choices"] == []
    assert last["usage"]["total_tokens"] == last["usage"]["prompt_tokens"] + last["usage"]["completion_tokens"]


def test_cues_of_failures_work_here_too() -> None:
    """Errors and garbage are the same for all routes."""
    assert plan(request("[[error:503]]")).status == 503
    assert plan(request("[[garbage]]")).steps[0].data.endswith(b"\xff")


@pytest.mark.parametrize("body", [b"[]", request(None), request([]), request([1]), request(n=99), b"{"])
def test_what_is_no_request_is_told(body: bytes) -> None:
    """Status 400 in OpenAI's shape."""
    script = plan(body)
    assert script.status == 400
    assert b"The stand-in cannot read this request" in script.steps[0].data


def test_number_of_answers_is_bounded() -> None:
    """Many prompts with many answers each are not all answered."""
    assert read_completion(request(["a"] * 16, n=16)).choices == 16
