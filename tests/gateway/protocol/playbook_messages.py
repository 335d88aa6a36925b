"""Anthropic Messages: what a client asks, what a model says, and a strict reader of its streams."""

from itertools import zip_longest
from typing import Any

import orjson

from gateway.protocol.context import ExchangeContext
from gateway.protocol.dialects.anthropic_messages import AnthropicMessages
from tests.gateway.protocol.playbook import given

STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'


def context(*args: Any, **members: Any) -> ExchangeContext:  # noqa: ANN401 as `given`
    """Build a context of this format."""
    return given(*args, **{"dialect": AnthropicMessages()} | members)


def request(content: Any = "hi", *, stream: object = True, **members: Any) -> bytes:  # noqa: ANN401 any JSON value
    """Build a request body with one user message."""
    body = {"model": "m", "max_tokens": 9, "stream": stream, "messages": [{"role": "user", "content": content}]}
    return orjson.dumps(body | members)


def event(kind: str, **members: Any) -> bytes:  # noqa: ANN401 the same
    """Build a frame."""
    return b"event: " + kind.encode() + b"\ndata: " + orjson.dumps({"type": kind, **members}) + b"\n\n"


def message(*blocks: Any, **members: Any) -> dict[str, Any]:  # noqa: ANN401 the same
    """Build a message."""
    usage = {"input_tokens": 1, "output_tokens": 1}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": list(blocks)}
    return message | {"stop_reason": None, "stop_sequence": None, "usage": usage} | members


def begin() -> bytes:
    """Build the first frame."""
    return event("message_start", message=message())


def start(index: int = 0, **block: Any) -> bytes:  # noqa: ANN401 the same
    """Build the frame that begins a block, a text unless said otherwise."""
    return event("content_block_start", index=index, content_block=block or {"type": "text", "text": ""})


def delta(index: int, kind: str, **members: Any) -> bytes:  # noqa: ANN401 the same
    """Build a frame with a delta."""
    return event("content_block_delta", index=index, delta={"type": kind, **members})


def text(piece: str, index: int = 0) -> bytes:
    """Build a frame with a piece of text."""
    return delta(index, "text_delta", text=piece)


def stop(index: int = 0) -> bytes:
    """Build the frame that ends a block."""
    return event("content_block_stop", index=index)


def end(reason: str | None = "end_turn") -> bytes:
    """Build the frame that ends the message."""
    return event("message_delta", delta={"stop_reason": reason, "stop_sequence": None}, usage={"output_tokens": 5})


def said(*pieces: str) -> list[bytes]:
    """Build a whole stream of one text block."""
    return [begin(), start(), *map(text, pieces), stop(), end(), STOP]


_BEGUN: dict[str, dict[str, Any]] = {
    "text": {"type": "text", "text": ""},
    "reasoning": {"type": "thinking", "thinking": "", "signature": ""},
    "call": {"type": "tool_use", "id": "toolu_1", "name": "look_up", "input": {}},
    "server_call": {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}},
}
_DELTAS = {
    "text": ("text_delta", "text"),
    "reasoning": ("thinking_delta", "thinking"),
    "call": ("input_json_delta", "partial_json"),
    "server_call": ("input_json_delta", "partial_json"),
}
TERMINATOR = [STOP]


def stream_of(parts: list[tuple[str, list[str]]], *, mixed: bool) -> list[bytes]:
    """Build a whole stream of blocks, each with its pieces; mixed, they grow in turns."""
    starts = [start(number, **_BEGUN[kind]) for number, (kind, _) in enumerate(parts)]
    stops = [stop(number) for number in range(len(parts))]
    deltas = [
        [delta(number, _DELTAS[kind][0], **{_DELTAS[kind][1]: piece}) for piece in pieces]
        for number, (kind, pieces) in enumerate(parts)
    ]
    if mixed:
        turns = [frame for turn in zip_longest(*deltas) for frame in turn if frame]
        return [begin(), *starts, *turns, *stops, end(), STOP]
    blocks = [frame for number, pieces in enumerate(deltas) for frame in (starts[number], *pieces, stops[number])]
    return [begin(), *blocks, end(), STOP]


class Reading:
    """A stream as a strict client reads it: events in their order, blocks that begin, grow and stop."""

    def __init__(self, data: bytes) -> None:
        self.events: list[dict[str, Any]] = []
        self.blocks: dict[int, dict[str, Any]] = {}
        self.stopped: set[int] = set()
        for frame in data.split(b"\n\n")[:-1]:
            lines = [line for line in frame.split(b"\n") if not line.startswith(b":")]
            if lines:
                self._take(lines)
        assert data.endswith(b"\n\n"), "the last frame has no end"

    def _take(self, lines: list[bytes]) -> None:
        name, payload = lines
        document = orjson.loads(payload.removeprefix(b"data: "))
        assert name == b"event: " + document["type"].encode()
        assert not self.events or self.events[-1]["type"] not in {"message_stop", "error"}, "a frame behind the end"
        assert bool(self.events) != (document["type"] == "message_start") or document["type"] == "error"
        self.events.append(document)
        index = document.get("index")
        if document["type"] == "content_block_start":
            assert index == len(self.blocks), "blocks come in order"
            self.blocks[index] = document["content_block"]
        elif document["type"] == "content_block_delta":
            assert index not in self.stopped
            for member, value in document["delta"].items():
                if member != "type" and isinstance(value, str):
                    self.blocks[index][member] = self.blocks[index].get(member, "") + value
        elif document["type"] == "content_block_stop":
            assert index in self.blocks
            assert index not in self.stopped
            self.stopped.add(index)

    def content(self, member: str = "text") -> str:
        """Return what the blocks say together."""
        return "".join(block.get(member, "") for block in self.blocks.values())

    def part(self, number: int, kind: str) -> str:
        """Return the text of one block."""
        return str(self.blocks.get(number, {}).get(_DELTAS[kind][1], ""))

    @property
    def visible(self) -> str:
        """What the text blocks say together."""
        return self.content()

    @property
    def last(self) -> dict[str, Any]:
        """The frame before the terminator, or the error that ends the stream."""
        return self.events[-1] if self.events[-1]["type"] == "error" else self.events[-2]


def read(data: bytes) -> Reading:
    """Read a whole stream, which must stop every block and end."""
    reading = Reading(data)
    if reading.events[-1]["type"] != "error":
        assert reading.events[-1]["type"] == "message_stop"
        assert reading.stopped == set(reading.blocks)
    return reading
