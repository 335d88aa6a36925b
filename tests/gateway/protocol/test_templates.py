"""Frames that differ in one text are read by that text, and by nothing that only looks like it."""

import orjson
import pytest
from hypothesis import given as generate
from hypothesis import settings
from hypothesis import strategies as st

from gateway.protocol.dialects.base import Identity
from gateway.protocol.dialects.openai_chat import OpenAIChat
from gateway.protocol.sse import SseDecoder, SseFrame
from gateway.protocol.templates import FrameTemplate, fill, make_template, text_between

DIALECT = OpenAIChat()


def _frame(text: str, **members: object) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    return b"data: " + orjson.dumps({"id": "x", "choices": [choice], **members}) + b"\n\n"


def _template(raw: bytes) -> FrameTemplate | None:
    (frame,) = SseDecoder(10_000).feed(raw)
    assert frame.data is not None
    document = orjson.loads(frame.data)
    return make_template(frame, document, DIALECT.stream(Identity("req-1", "m", 1)).view(document))


@settings(max_examples=300)
@generate(st.text(max_size=12), st.text(max_size=12))
def test_a_frame_like_an_earlier_one_gives_its_text(first: str, second: str) -> None:
    """Whatever the texts are, what is read between the same bytes is what parsing the whole frame says."""
    template = _template(_frame(first))
    if template is not None:
        assert text_between(template, _frame(second)) == second
        assert fill(template, second) == _frame(second)


@pytest.mark.parametrize(
    "raw",
    [
        _frame("word", id="y"),
        _frame("word", usage={"total_tokens": 1}),
        _frame("word").replace(b'"word"', b'"word","role":"assistant"'),
        _frame("word").replace(b'"word"', b'"wo","content":"rd"'),
        _frame("word").replace(b'"word"', b"1"),
        _frame("word").replace(b'"word"', b'["word"]'),
        _frame("word").replace(b'"word"', b'"word'),
        _frame("word").replace(b'"word"', b""),
        _frame("word").replace(b'"word"', b'"wo\nrd"'),
        b": comment\n" + _frame("word"),
    ],
)
def test_a_frame_that_says_more_is_read_whole(raw: bytes) -> None:
    """Another member, another kind of value, a second member of the same name: none of it passes as a text."""
    template = _template(_frame("once"))
    assert template is not None
    assert text_between(template, raw) is None


def test_a_text_that_stands_elsewhere_first_makes_no_template() -> None:
    """The bytes must be cut at the text itself: the probe tells a value or a gap that looks like it."""
    assert _template(_frame("x")) is None
    gap = b'data: {"choices":[{"index":0,"delta":{"a":"b","content":"\\u002c"},"finish_reason":null}]}\n\n'
    assert _template(gap) is None
    name = b'data: {"choices":[{"delta":{"role":"assistant","content":"delta"},"index":0}]}\n\n'
    assert _template(name) is None


@pytest.mark.parametrize(
    "raw",
    [
        _frame("once", choices=[]),
        _frame("once").replace(b'"finish_reason":null', b'"finish_reason":"stop"'),
        _frame("once").replace(b'"content"', b'"reasoning_content"'),
        _frame("once").replace(b'{"content":"once"}', b'{"content":"once","reasoning":"hm"}'),
        _frame("once").replace(b'{"content":"once"}', b'{"tool_calls":[{"index":0,"id":"once"}]}'),
        _frame("once").replace(b'"index":0', b'"index":0,"logprobs":{"content":[{"token":"once"}]}'),
        _frame("once").replace(b"data: ", b"data:"),
        _frame("once").replace(b'"once"', b'"\\u006fnce"'),
        _frame("once")[:-1] + b"event: message\n\n",
    ],
)
def test_only_a_plain_piece_of_the_answer_makes_a_template(raw: bytes) -> None:
    """Ends, reasoning, tool calls, token probabilities, other lines and odd spellings are read whole every time."""
    assert _template(raw) is None


def test_lines_before_the_data_belong_to_the_template() -> None:
    """Frames that name their type in an event line are alike in that line too."""
    template = _template(b"event: message\n" + _frame("once"))
    assert template is not None
    assert text_between(template, b"event: message\n" + _frame("word")) == "word"
    assert text_between(template, b"event: other\n" + _frame("word")) is None
    assert text_between(template, _frame("word")) is None


def test_a_broken_probe_makes_no_template() -> None:
    """Bytes that do not parse around the probe are no template, whatever the frame said."""
    raw = _frame("once")
    document = orjson.loads(raw[6:])
    view = DIALECT.stream(Identity("req-1", "m", 1)).view(document)
    assert make_template(SseFrame(raw.replace(b"}]}", b"}"), raw[6:-2]), document, view) is None
