"""Tests of `gateway.standin.order`."""

from base64 import urlsafe_b64encode

import orjson
import pytest

from gateway.standin.order import Cue, read_order


def body(text: object, **members: object) -> bytes:
    """Return the body of a request with one user message."""
    return orjson.dumps({"messages": [{"role": "user", "content": text}], **members})


def test_cues_come_with_their_arguments() -> None:
    """Several cues are read from one message, with and without argument, and leave the prompt."""
    order = read_order(body("Hello [[echo:a: b\nc]][[no-done]] there"))
    assert order.cues == {Cue.ECHO: "a: b\nc", Cue.NO_DONE: ""}
    assert order.prompt == "Hello  there"


def test_other_double_brackets_are_text() -> None:
    """What is no cue stays in the prompt."""
    order = read_order(body("see [[wiki]] and [[page:3]]"))
    assert order.cues == {}
    assert order.prompt == "see [[wiki]] and [[page:3]]"


def test_encoded_arguments_are_decoded() -> None:
    """URL-safe base64, padded or not, brings in a text that the prompt does not show."""
    encoded = urlsafe_b64encode("机密？文件".encode()).decode()
    for argument in (encoded, encoded.rstrip("=")):
        assert read_order(body(f"[[echo:base64={argument}]]")).cues == {Cue.ECHO: "机密？文件"}


def test_only_the_last_user_message_counts() -> None:
    """Earlier messages, and later ones of other roles, give no cues but count as tokens."""
    messages = [
        {"role": "user", "content": "[[harm]]"},
        {"role": "user", "content": [{"type": "text", "text": "say [[ec"}, {"type": "text", "text": "ho:x]]"}, 3]},
        {"role": "assistant", "content": "[[stall]]", "name": "x"},
        {"role": "assistant", "content": None},
    ]
    order = read_order(orjson.dumps({"messages": messages}))
    assert order.cues == {Cue.ECHO: "x"}
    assert order.prompt_tokens == 1 + 2 + 1


def test_options_are_read() -> None:
    """Stream, count, usage and format are taken from where OpenAI puts them."""
    format_ = {"type": "json_schema", "json_schema": {}}
    options = {"stream": True, "n": 3, "stream_options": {"include_usage": True}, "response_format": format_}
    order = read_order(body("hi", **options))
    assert (order.streamed, order.choices, order.include_usage, order.wants_json) == (True, 3, True, True)
    plain = read_order(body("hi", n=None, stream_options=None))
    assert (plain.streamed, plain.choices, plain.include_usage, plain.wants_json) == (False, 1, False, False)


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"messages": []}',
        b'{"messages": ["hi"]}',
        body("hi", n=0),
        body("hi", n=17),
        body("hi", n="2"),
        body("[[echo:base64=****]]"),
        body("[[echo:base64=_w]]"),
    ],
)
def test_wrong_bodies_are_value_errors(wrong: bytes) -> None:
    """Whatever is wrong with a body, it is the same kind of error."""
    with pytest.raises(ValueError, match=r"."):
        read_order(wrong)


@pytest.mark.parametrize("argument", ["", "x", "-1", "101", "1e2", "nan", "٣"])
def test_numbers_have_bounds(argument: str) -> None:
    """A number is written in plain digits and lies within its bounds; the message says how to write it."""
    with pytest.raises(ValueError, match=r"0 to 100: write \[\[pace:20\]\]"):
        read_order(body(f"[[pace:{argument}]]")).number(Cue.PACE, 1, 100)


def test_numbers_have_defaults() -> None:
    """Without its cue a number is the default, with it the argument."""
    assert read_order(body("hi")).number(Cue.PACE, 7, 100) == 7
    assert read_order(body("[[pace:2.5]]")).number(Cue.PACE, 7, 100) == 2.5


def test_a_conversation_may_be_a_text() -> None:
    """In the format that takes it so, and in no other."""
    assert read_order(b'{"input": "hi [[pace:5]]"}', "input").prompt == "hi"
    with pytest.raises(ValueError, match="'messages'"):
        read_order(b'{"messages": "hi"}')


@pytest.mark.parametrize(
    "members",
    [
        {"response_format": {"type": "json_object"}},
        {"text": {"format": {"type": "json_schema"}}},
        {"output_config": {"format": {"type": "json_schema"}}},
    ],
)
def test_json_is_asked_for_in_three_ways(members: dict[str, object]) -> None:
    """Each format has its own."""
    request = {"messages": [{"role": "user", "content": "hi"}]}
    assert read_order(orjson.dumps(request | members)).wants_json
    other = {"text": {"format": {"type": "text"}}, "output_config": None}
    assert not read_order(orjson.dumps(request | other)).wants_json
