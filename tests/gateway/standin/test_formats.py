"""Tests of `gateway.standin.formats`."""

import orjson
import pytest

from gateway.standin.formats import CHAT, MESSAGES, RESPONSES, Format
from gateway.standin.order import read_order
from gateway.standin.replies import write_choices


@pytest.mark.parametrize("spoken", [CHAT, MESSAGES, RESPONSES], ids=["chat", "messages", "responses"])
def test_every_format_writes_the_same_answer(spoken: Format) -> None:
    """The same cues give the same text, whole and in frames, one step for each token."""
    body = orjson.dumps({spoken.conversation: [{"role": "user", "content": "[[reasoning]] 你好"}], "stream": True})
    order = read_order(body, spoken.conversation)
    choices = write_choices(order)
    frames = spoken.frames("id-1", choices, order)
    assert len(frames.tokens) == choices[0].tokens
    whole = spoken.body("id-1", choices, order.prompt_tokens).decode()
    assert "".join(choices[0].content) in whole
    assert "".join(choices[0].reasoning) in whole


@pytest.mark.parametrize(("asked", "count"), [(True, 1), (False, 0)])
def test_usage_comes_only_when_asked_for_in_chat(asked: bool, count: int) -> None:  # noqa: FBT001 a parameter
    """The other formats always say it."""
    body = {"messages": [{"role": "user", "content": "hi"}], "stream_options": {"include_usage": asked}}
    order = read_order(orjson.dumps(body))
    chat = b"".join(CHAT.frames("x", write_choices(order), order).closing)
    assert chat.count(b'"total_tokens"') == count
    assert b'"input_tokens":1' in b"".join(MESSAGES.frames("x", write_choices(order), order).opening)
