"""Tests of `gateway.standin.script`."""

from typing import Any

import orjson
import pytest

from gateway.standin.formats import MESSAGES, RESPONSES
from gateway.standin.replies import HARM_TERM
from gateway.standin.script import Ending, Script, compose, compose_count
from gateway.standin.wire import DONE, GARBAGE, GARBAGE_BODY


def body(text: str, *, stream: bool = True, **members: object) -> bytes:
    """Return the body of a request with one user message."""
    return orjson.dumps({"messages": [{"role": "user", "content": text}], "stream": stream, **members})


def payload(script: Script) -> bytes:
    """Return everything a script sends."""
    return b"".join(step.data for step in script.steps)


def content(script: Script, choice: int = 0) -> str:
    """Join the content deltas of one choice."""
    chunks: list[dict[str, Any]] = [
        orjson.loads(step.data.removeprefix(b"data: "))
        for step in script.steps
        if step.data.startswith(b'data: {"id"')
    ]
    parts = [part for chunk in chunks for part in chunk["choices"] if part["index"] == choice]
    return "".join(part["delta"].get("content", "") for part in parts)


def test_same_request_same_script() -> None:
    """A script depends on the request and the pace alone, and another request gives another reply id."""
    assert compose(body("你好")) == compose(body("你好"))
    assert compose(body("你好")).steps[0] != compose(body("您好")).steps[0]


def test_stream_is_timed_by_tokens() -> None:
    """The role is due at once, each token after the one before, the end together with the last token."""
    script = compose(body("[[echo:abc]]"), 20)
    assert [step.after_tokens for step in script.steps] == [0, 1, 2, 2, 2]
    assert script.token_seconds == pytest.approx(0.05)
    assert script.steps[-1].data == DONE
    assert script.content_type.startswith(b"text/event-stream")
    assert script.content_length is None


def test_whole_reply_takes_as_long_as_its_stream() -> None:
    """Unstreamed, the body is due when its last token would be, and its length is announced."""
    script = compose(body("[[length:40]]", stream=False))
    (step,) = script.steps
    assert step.after_tokens == 40
    assert script.content_length == len(step.data) == script.size_bytes
    assert len(orjson.loads(step.data)["choices"][0]["message"]["content"]) == 40


def test_stream_and_whole_reply_count_alike() -> None:
    """Usage is the same in both forms, and counts the tokens that are sent."""
    streamed = compose(body("[[reasoning]] 你好", n=2, stream_options={"include_usage": True}))
    usage = orjson.loads(streamed.steps[-2].data.removeprefix(b"data: "))["usage"]
    assert orjson.loads(payload(compose(body("[[reasoning]] 你好", stream=False, n=2))))["usage"] == usage
    assert usage["completion_tokens"] == streamed.steps[-1].after_tokens
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


@pytest.mark.parametrize(("text", "seconds"), [("[[pace:4]]", 0.25), ("[[pace:0]]", 0.0), ("hi", 0.1)])
def test_pace_is_the_prompts_or_the_servers(text: str, seconds: float) -> None:
    """A prompt may set the pace; zero sends at once."""
    assert compose(body(text), 10).token_seconds == pytest.approx(seconds)


def test_harm_appears_in_each_choice() -> None:
    """Every choice turns harmful, though the streams of the choices are interleaved."""
    script = compose(body("[[harm]]", n=2))
    assert HARM_TERM in content(script)
    assert HARM_TERM in content(script, choice=1)
    assert content(script) != content(script, choice=1)
    assert HARM_TERM.encode() not in payload(script)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("cue", "ending"), [("[[stall]]", Ending.STALL), ("[[reset]]", Ending.RESET)], ids=["stall", "reset"]
)
def test_replies_break_off(cue: str, ending: Ending, stream: bool) -> None:  # noqa: FBT001 - a parameter of the table
    """A stalled or reset reply sends a part that holds text, and ends as asked for."""
    whole = compose(body("[[echo:0123456789]]", stream=stream))
    script = compose(body(f"[[echo:0123456789]]{cue}", stream=stream))
    assert script.ending is ending
    assert b"0" in payload(script)
    assert b"9" not in payload(script)[-40:]
    assert script.size_bytes < whole.size_bytes
    assert script.content_length == whole.content_length


def test_silence_sends_nothing() -> None:
    """Stalled from the head on, not even the head is sent."""
    script = compose(body("[[stall:head]]"))
    assert (script.ending, script.steps) == (Ending.SILENCE, ())


def test_stream_without_terminator() -> None:
    """Without its terminator a stream is otherwise complete."""
    script = compose(body("[[no-done]]hi"))
    assert DONE not in payload(script)
    assert b'"finish_reason":"stop"' in script.steps[-1].data
    assert script.ending is Ending.COMPLETE


def test_garbage_is_in_the_middle() -> None:
    """Garbage frames come between good ones, and an unstreamed garbage body is no JSON."""
    script = compose(body("[[garbage]][[echo:abcdef]]"))
    frames = [step.data for step in script.steps]
    start = frames.index(GARBAGE[0])
    assert tuple(frames[start : start + len(GARBAGE)]) == GARBAGE
    assert content(script) == "abcdef"
    assert [step.after_tokens for step in script.steps] == sorted(step.after_tokens for step in script.steps)
    assert payload(compose(body("[[garbage]]", stream=False))) == GARBAGE_BODY


@pytest.mark.parametrize("status", [400, 429, 503, 599])
def test_errors_are_answered_as_asked_for(status: int) -> None:
    """An HTTP error has the status asked for, in the shape of OpenAI, also when a stream was asked for."""
    script = compose(body(f"[[error:{status}]]"))
    assert script.status == status
    assert str(status) in orjson.loads(payload(script))["error"]["message"]


@pytest.mark.parametrize(
    "wrong", [b"{", b"[]", body("[[error:200]]"), body("[[error:600]]"), body("[[length:many]]"), body("[[pace:-1]]")]
)
def test_what_cannot_be_read_is_a_bad_request(wrong: bytes) -> None:
    """A wrong body or argument is answered with 400 and what to do."""
    script = compose(wrong)
    assert script.status == 400
    assert orjson.loads(payload(script))["error"]["message"].startswith("The stand-in cannot read this request. ")


def test_every_format_breaks_off_as_asked_for() -> None:
    """Garbage, errors and a missing end are cues of all formats."""
    ask = b'{"messages": [{"role": "user", "content": "%s"}], "stream": true}'
    assert compose(ask % b"[[no-done]] hi", 0, MESSAGES).steps[-1].data.count(b"message_stop") == 0
    assert all(frame in _data(compose(ask % b"[[garbage]] hi", 0, MESSAGES)) for frame in GARBAGE)
    failed = compose(ask % b"[[error:503]]", 0, MESSAGES)
    assert (failed.status, b"overloaded_error" in _data(failed)) == (503, True)
    unreadable = compose(b"{}", 0, RESPONSES)
    assert (unreadable.status, b"'input'" in _data(unreadable)) == (400, True)


def test_tokens_are_counted_without_an_answer() -> None:
    """A prompt that cannot be read is an error in the format's shape."""
    counted = compose_count(b'{"messages": [{"role": "user", "content": "a b"}]}')
    assert _data(counted) == b'{"input_tokens":2}'
    assert (compose_count(b"{}").status, b'"type":"error"' in _data(compose_count(b"{}"))) == (400, True)


def _data(script: Script) -> bytes:
    return b"".join(step.data for step in script.steps)
