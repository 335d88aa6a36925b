"""Anything at all, in any of the wire formats: nothing raises, and a term never leaves.

The documents are made of the members each format knows and of others, nested and mixed at will; the term is put
anywhere in them, whole or in pieces, plain or escaped. What is forwarded is read in every way a client might.
"""

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given as generate
from hypothesis import settings
from hypothesis import strategies as st

from gateway.protocol.dialects.anthropic_messages import AnthropicMessages
from gateway.protocol.dialects.base import Dialect
from gateway.protocol.dialects.openai_chat import OpenAIChat
from gateway.protocol.dialects.openai_completions import OpenAICompletions
from gateway.protocol.dialects.openai_responses import OpenAIResponses
from gateway.protocol.sse import SseDecoder, SseFrame
from tests.bypass.bench import TERM, WIDE_TERM, documents_of, spelled
from tests.gateway.protocol.playbook import ask, given, stream

EXAMPLES, CASES_IN_EACH = 300, 10  # drawing an example costs as much as ten cases
STREAM_EXAMPLES = 500  # frames alone cost little
ASKED = {"model": "m", "max_tokens": 9, "prompt": "x", "input": "x", "messages": [{"role": "user", "content": "x"}]}
DIALECTS: dict[str, Callable[[], Dialect]] = {
    "chat": OpenAIChat,
    "completions": OpenAICompletions,
    "messages": AnthropicMessages,
    "responses": OpenAIResponses,
}
KINDS = {
    "messages": (
        *("message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta"),
        *("message_stop", "ping", "error"),
    ),
    "responses": (
        *("response.created", "response.output_item.added", "response.content_part.added", "response.failed"),
        *("response.output_text.delta", "response.output_text.done", "response.content_part.done", "error"),
        *("response.output_item.done", "response.function_call_arguments.delta", "response.completed"),
    ),
}
OBJECTS = ("delta", "message", "content_block", "response", "item", "part", "function", "logprobs")
LISTS = ("choices", "tool_calls", "content", "output", "annotations", "summary")
NUMBERS = ("index", "output_index", "content_index")
TEXTS = (
    "text",
    "arguments",
    "partial_json",
    "thinking",
    "signature",
    "refusal",
    "reasoning_content",
    "input",
    "data",
)
NAMES = (*OBJECTS, *LISTS, *NUMBERS, *TEXTS, "type", "role", "name", "id", "item_id", "usage", "error", "brand_new")
WORDS = (
    "text",
    "text_delta",
    "input_json_delta",
    "thinking_delta",
    "tool_use",
    "output_text",
    "message",
    "stop",
    "ok",
)
PIECES = (TERM, WIDE_TERM, "for", "bidden", "f", "orbidden", "\\u7981", "\\u8bcd", "\\u79", "81", "\\\\u7981", "词")


class Maker:
    """Makes documents from chance; drawn member by member they would take most of the time."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311 no secret is made of it

    def text(self) -> str:
        """Return a text with or without a term, or a piece of one."""
        words = self.chance.choices([*PIECES, *WORDS, "", " "], k=self.chance.randint(0, 3))
        return "".join(words) if self.chance.random() < 0.7 else self.dumps(words)

    def dumps(self, value: object) -> str:
        """Write JSON, with escapes or without."""
        return json.dumps(value, ensure_ascii=self.chance.random() < 0.5)

    def value(self, depth: int = 0) -> Any:  # noqa: ANN401 any JSON
        """Return any JSON value."""
        kind = self.chance.random()
        if depth > 4 or kind < 0.45:
            return self.text()
        if kind < 0.6:
            return self.chance.choice([None, True, 0, 1, -1, 1.5, 2**70, "0", [], {}])
        if kind < 0.75:
            return [self.value(depth + 1) for _ in range(self.chance.randint(0, 3))]
        return self.object(depth + 1)

    def object(self, depth: int = 0) -> dict[str, Any]:
        """Return any object, mostly of members that formats know."""
        names = self.chance.choices([*NAMES, self.text()], k=self.chance.randint(0, 4))
        return {name: self.member(name, depth) for name in names}

    def member(self, name: str, depth: int) -> Any:  # noqa: ANN401 the same
        """Return a value that mostly fits its name: what fits nowhere is refused before it is read far."""
        if self.chance.random() < 0.15:
            return self.value(depth)
        if name in NUMBERS:
            return self.chance.randint(0, 1)
        if name in LISTS and depth < 5:
            return [self.object(depth + 1) for _ in range(self.chance.randint(0, 2))]
        if name in OBJECTS and depth < 5:
            return self.object(depth + 1)
        return self.chance.choice(WORDS) if name in {"type", "role"} else self.text()

    def frame(self, dialect: str) -> bytes:
        """Return a frame, mostly one of the format."""
        if self.chance.random() < 0.05:
            return self.text().encode() + b"\n\n"
        document = self.object()
        if dialect in {"chat", "completions"}:
            delta = {self.chance.choice(["content", "text", "refusal", *NAMES]): self.text()}
            document["choices"] = [{"index": self.chance.randint(0, 1), "delta": delta, "text": self.text()}]
        else:
            document |= {"type": self.chance.choice(KINDS[dialect]), "index": self.chance.randint(0, 1)}
        data = self.dumps(document).encode()
        event = f"event: {document['type']}\n".encode() if self.chance.random() < 0.5 and "type" in document else b""
        end = self.chance.choice([b"\n", b"\r\n", b"\r"])
        return event.replace(b"\n", end) + b"data: " + data + end + end


def choices_of(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what of a frame are choices."""
    choices = document.get("choices")
    return [each for each in choices if isinstance(each, dict)] if isinstance(choices, list) else []


def running_texts(data: bytes, dialect: str) -> list[str]:
    """Join what a client of a format joins: each running text, but no ids and names."""
    texts: dict[str, str] = {}

    def add(key: object, value: object) -> None:
        if isinstance(value, str):
            texts[repr(key)] = texts.get(repr(key), "") + value

    for document in [each for each in documents_of(data) if isinstance(each, dict)]:
        for choice in choices_of(document):
            # In chat, nobody reads a text beside the delta.
            add(choice.get("index"), choice.get("text") if dialect == "completions" else None)
            delta = choice.get("delta")
            if isinstance(delta, dict) and dialect == "chat":
                for name in ("content", *TEXTS):
                    add((choice.get("index"), name), delta.get(name))
        delta = document.get("delta")
        if document.get("type") == "content_block_delta" and isinstance(delta, dict):
            for name in TEXTS:
                add((document.get("index"), name), delta.get(name))
        place = tuple(str(document.get(name)) for name in ("type", "item_id", "output_index", "content_index"))
        add(place, delta)
    return list(texts.values())


def reads(data: bytes, dialect: str) -> list[str]:
    """Return the terms that a client reads."""
    return spelled([data.decode("utf-8", "replace"), *running_texts(data, dialect)])


@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_stream_of_any_frames_shows_a_term(dialect: str) -> None:
    """Frames of chance, cut anywhere: the client never reads a term, and nothing raises."""
    context = given([TERM, WIDE_TERM], dialect=DIALECTS[dialect]())
    asked = json.dumps(ASKED | {"stream": True}).encode()

    @generate(st.integers(0, 2**48))
    @settings(max_examples=EXAMPLES, deadline=None)
    def run(seed: int) -> None:
        maker = Maker(seed)
        for _ in range(CASES_IN_EACH):
            data = b"".join(maker.frame(dialect) for _ in range(maker.chance.randint(1, 4)))
            at = maker.chance.randint(0, len(data))
            assert reads(stream(context, [data[:at], data[at:]], asked).visible, dialect) == []

    run()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_document_of_any_shape_carries_a_term(dialect: str) -> None:
    """One of chance as a reply, and one as a request: neither side reads a term, and nothing raises."""
    context = given([TERM, WIDE_TERM], dialect=DIALECTS[dialect]())

    @generate(st.integers(0, 2**48))
    @settings(max_examples=EXAMPLES // 3, deadline=None)
    def run(seed: int) -> None:
        maker = Maker(seed)
        for _ in range(CASES_IN_EACH):
            reply = maker.dumps(maker.object()).encode()
            outcome = ask(context, json.dumps(ASKED).encode(), reply, maker.chance.choice([200, 400, 500]))
            assert spelled([outcome.visible.decode()]) == []
            outcome = ask(context, maker.dumps(ASKED | maker.object() | {"stream": False}).encode())
            assert spelled([json.dumps(outcome.forwarded), outcome.visible.decode()]) == []

    run()


def decoded(pieces: list[bytes], limit_bytes: int) -> tuple[list[SseFrame], bool]:
    """Return the frames of a stream that comes in these pieces."""
    decoder, frames = SseDecoder(limit_bytes), list[SseFrame]()
    for piece in pieces:
        frames += decoder.feed(piece)
    return frames + decoder.finish(), decoder.overflowed


LINES = (b"data: a", b"data:", b"data", b": c", b"event: x", b"id", b"\xef\xbb\xbfdata: b", b"\0\xff", b"")
ENDS = (b"\n", b"\r", b"\r\n", b"\n\n", b"\r\r", b"\r\n\r\n", b"")


@generate(st.integers(0, 2**48))
@settings(max_examples=STREAM_EXAMPLES, deadline=None)
def test_every_byte_of_a_stream_is_in_a_frame(seed: int) -> None:
    """Cut anywhere, frames are the same; joined they are the bytes; each byte is in the data or beside it."""
    chance = random.Random(seed)  # noqa: S311 no secret is made of it
    for _ in range(CASES_IN_EACH):
        lines = [chance.choice([*LINES, chance.randbytes(3)]) for _ in range(chance.randint(0, 8))]
        check_frames(b"".join(line + chance.choice(ENDS) for line in lines), chance)


def check_frames(data: bytes, chance: random.Random) -> None:
    """Cut bytes into frames, whole and in two pieces, and account for each byte."""
    limit_bytes, at = chance.randint(8, 40), chance.randint(0, len(data))
    frames, overflowed = decoded([data], limit_bytes)
    assert decoded([data[:at], data[at:]], limit_bytes) == (frames, overflowed)
    raw = b"".join(frame.raw for frame in frames)
    assert overflowed or (data + b"\n\n").startswith(raw)
    assert overflowed or not data[len(raw) :].strip()
    for frame in frames:
        kept = b"".join([frame.data or b"", *frame.others])
        assert set(frame.raw) - set(b"data: \r\n\xef\xbb\xbf") <= set(kept)
