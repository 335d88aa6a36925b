"""Streams of Anthropic Messages: one message, in blocks that begin, grow and stop.

A running text is one kind of delta of one block: its path is ``(0, block, type of the delta, its member)``. So a
frame that brings a piece can be built from the path alone, and a delta that comes up tomorrow is scanned from frame
to frame as well.
"""

from collections.abc import Iterator, Mapping

from gateway.errors import ANSWERS, ErrorCode
from gateway.protocol.dialects.base import (
    Carrier,
    ChannelKey,
    Document,
    Ending,
    FrameView,
    Identity,
    Segment,
    Wait,
)
from gateway.protocol.dialects.frames import MOST_PARTS, index_in, object_in, other_texts, type_of

# The deltas by which a block that has begun goes on.
_STARTS = {"text": "text_delta", "thinking": "thinking_delta"}
# At these frames a part, the message or the stream is over; stopped there, the notice has to come before.
_ENDS = frozenset({"content_block_stop", "message_delta", "message_stop", "error"})
STOP_REASONS = {Ending.FILTERED: "refusal", Ending.ANSWERED: "end_turn", Ending.UNSAID: None}
"""The format's words for why an answer ended."""
_ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}


class AnthropicStream:
    """One streamed reply of ``POST /v1/messages``.

    Args:
        identity: names the message where the model server did not begin one.
    """

    terminator = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
    typed = True
    repeats = False
    sequence = ""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._begun = False
        self._open: dict[int, str] = {}  # blocks that have not stopped, and their types
        self._next = 0

    def view(self, document: Document) -> FrameView:
        """Read a frame.

        Raises:
            ValueError: it has no type, or a block's frame does not say which block.
        """
        kind = type_of(document)
        segments: list[Segment] = []
        finished: list[ChannelKey] = []
        wait = Wait.NOT
        if kind == "content_block_start":
            segments = list(_start(index_in(document, "index"), object_in(document, "content_block")))
        elif kind == "content_block_delta":
            segments = list(_delta(index_in(document, "index"), object_in(document, "delta")))
        elif kind == "content_block_stop":
            index = index_in(document, "index")
            finished = [(0, index)]
            wait = Wait.PART if self._open.get(index) == "text" else Wait.NOT
        elif kind in ("message_delta", "error"):
            wait = Wait.LAST
            # Others only count tokens, and the message goes on.
            if kind == "error" or object_in(document, "delta").get("stop_reason"):
                finished = [(0,)]
        texts, passages = other_texts(document, segments)
        end = kind in ("message_stop", "error")
        return FrameView(segments, texts, [], finished, wait, passages=passages, end=end)

    def sent(self, document: Document) -> None:
        """Take note of what has begun and what is open."""
        kind = document["type"]
        self._begun = self._begun or kind == "message_start"
        if kind == "content_block_start":
            index = document["index"]
            self._open[index] = str(document["content_block"].get("type"))
            # No frame has a higher number: a message of so many blocks gets its last one twice.
            self._next = min(max(self._next, index + 1), MOST_PARTS - 1)
        elif kind == "content_block_stop":
            self._open.pop(document["index"], None)

    def unfinish(self, document: Document) -> bool:
        """Tell whether a frame is worth sending at a stop: one that ends something is nothing but its end."""
        return document["type"] not in _ENDS

    def pieces(self, channel: ChannelKey, text: str) -> list[Document]:
        """Build a delta, in a block of its own where the text's block has stopped."""
        _, index, kind, member = channel
        if index in self._open:
            return [_delta_frame(int(index), {"type": kind, str(member): text})]
        return [*self._text(text), _stop_frame(self._next)]

    def ending(self, texts: Mapping[int, str], why: Ending) -> list[Document]:
        """Build the frames that say the text in the open text block, or in a new one, and end the message."""
        frames: list[Document] = []
        if not self._begun:
            frames.append({"type": "message_start", "message": own_message(self._identity)})
        text = "".join(texts.values())
        stops = sorted(self._open)
        if text and stops and self._open[stops[-1]] == "text":
            frames.append(_delta_frame(stops[-1], {"type": "text_delta", "text": text}))
            text = ""
        frames += [_stop_frame(index) for index in stops]
        if text:
            frames += [*self._text(text), _stop_frame(self._next)]
        delta = {"stop_reason": STOP_REASONS[why], "stop_sequence": None}
        # Client libraries read the count unasked; what was generated before a stop is not known here.
        return [*frames, {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 0}}]

    def failure(self, code: ErrorCode, message: str) -> list[Document]:
        """Build the error event."""
        return [error_shape(code, message)]

    def mark(self, document: Document, members: Document) -> None:
        """Write members at the top of the frame."""
        document.update(members)

    def _text(self, text: str) -> list[Document]:
        """Begin a text block."""
        block = {"type": "text", "text": ""}
        return [
            {"type": "content_block_start", "index": self._next, "content_block": block},
            _delta_frame(self._next, {"type": "text_delta", "text": text}),
        ]


def own_message(identity: Identity) -> Document:
    """Return a message made here, without content."""
    return {
        # The id a user reports from the answer is the one the audit entry has.
        "id": f"msg_{identity.request_id}",
        "type": "message",
        "role": "assistant",
        "model": identity.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        # Present though nothing was counted: client libraries read the numbers unasked.
        "usage": {"input_tokens": 0, "output_tokens": 0},
    }


def error_shape(code: ErrorCode, message: str) -> Document:
    """Return Anthropic's error shape, with the stable code beside the type."""
    # The types are a closed set, which clients tell errors apart by; the code tells that the gateway answered.
    kind = _ERROR_TYPES.get(ANSWERS[code].status, "api_error")
    return {"type": "error", "error": {"type": kind, "message": message, "code": code}}


def _start(index: int, block: Document) -> Iterator[Segment]:
    """Yield the running texts a block begins with."""
    kind = block.get("type")
    for name in ("text", "thinking"):
        if name == kind and isinstance(block.get(name), str):
            yield _segment(index, _STARTS[name], block, name)
    # A call of the client's own tool: the answer is a program's from here on. Other tools the server runs by itself.
    if kind == "tool_use" and isinstance(block.get("name"), str):
        yield Segment((0, index, kind, "name"), Carrier.STRUCTURED, block, "name", block["name"], whole=True)


def _delta(index: int, delta: Document) -> Iterator[Segment]:
    """Yield the running texts a delta continues: each of its strings, whatever the name."""
    kind = type_of(delta)
    for name, value in delta.items():
        # A signature comes in one frame, and would be worth nothing with a mask in it.
        if name not in ("type", "signature") and isinstance(value, str):
            yield _segment(index, kind, delta, name)


def _segment(index: int, kind: str, container: Document, name: str) -> Segment:
    carrier = Carrier.VISIBLE if (kind, name) == ("text_delta", "text") else Carrier.HIDDEN
    return Segment((0, index, kind, name), carrier, container, name, container[name])


def _delta_frame(index: int, delta: Document) -> Document:
    return {"type": "content_block_delta", "index": index, "delta": delta}


def _stop_frame(index: int) -> Document:
    return {"type": "content_block_stop", "index": index}
