"""Answers as bytes of the OpenAI Responses format.

There is one answer, in items: reasoning, a message, then one item for each tool call. Every text is said three or
four times more when it is complete, as the format has it. A frame of structure travels with the token behind it.
"""

from collections.abc import Iterator
from itertools import count
from typing import Any

import orjson

from gateway.standin.replies import Choice, ToolCall
from gateway.standin.wire import CREATED_AT_SECONDS, MODEL, Frames, event

Json = dict[str, Any]


class _Events:
    """Numbers the events of one response, and puts them into frames."""

    def __init__(self) -> None:
        self._numbers = count()
        self.tokens: list[bytes] = []
        self.waiting = b""  # structure, until the next token

    def structure(self, kind: str, **members: object) -> None:
        """Add an event that brings no token."""
        self.waiting += self._frame(kind, members)

    def token(self, kind: str, **members: object) -> None:
        """Add an event that brings a token."""
        self.tokens.append(self.waiting + self._frame(kind, members))
        self.waiting = b""

    def take(self) -> bytes:
        """Return the structure that waits."""
        frames, self.waiting = self.waiting, b""
        return frames

    def _frame(self, kind: str, members: Json) -> bytes:
        return event({"type": f"response.{kind}", "sequence_number": next(self._numbers), **members})


def response_frames(reply_id: str, choices: tuple[Choice, ...], prompt_tokens: int) -> Frames:
    """Put an answer into frames.

    Args:
        reply_id: the response's id.
        choices: the answers; this format has room for the first.
        prompt_tokens: tokens of the prompt.
    """
    choice, events = choices[0], _Events()
    events.structure("created", response=_response(reply_id, [], "in_progress", None))
    events.structure("in_progress", response=_response(reply_id, [], "in_progress", None))
    opening = events.take()
    items = list(_items(reply_id, choice))
    for number, (item, pieces) in enumerate(items):
        _write_item(events, number, item, pieces)
    whole = [item for item, _ in items]
    ends = events.take()
    usage = _usage(choice, prompt_tokens)
    events.structure("completed", response=_response(reply_id, whole, "completed", usage))
    # Its last event is the terminator, so the items' ends are a frame before it.
    return Frames((opening,), tuple(events.tokens), (ends, events.take()))


def response_body(reply_id: str, choices: tuple[Choice, ...], prompt_tokens: int) -> bytes:
    """Put an answer into one body."""
    items = [item for item, _ in _items(reply_id, choices[0])]
    return orjson.dumps(_response(reply_id, items, "completed", _usage(choices[0], prompt_tokens)))


def _items(reply_id: str, choice: Choice) -> Iterator[tuple[Json, tuple[str, ...]]]:
    """Yield the finished items, each with the pieces of its one text."""
    if choice.reasoning:
        summary = {"type": "summary_text", "text": "".join(choice.reasoning)}
        yield {"id": f"rs_{reply_id}", "type": "reasoning", "summary": [summary]}, choice.reasoning
    if choice.content or not choice.calls:
        part: Json = {"type": "output_text", "text": "".join(choice.content), "annotations": [], "logprobs": []}
        message: Json = {"id": f"msg_{reply_id}", "type": "message", "role": "assistant", "status": "completed"}
        yield message | {"content": [part]}, choice.content
    for call in choice.calls:
        yield _call(call), call.fragments


def _call(call: ToolCall) -> Json:
    return {
        "id": f"fc_{call.call_id}",
        "type": "function_call",
        "status": "completed",
        "call_id": call.call_id,
        "name": call.name,
        "arguments": "".join(call.fragments),
    }


def _write_item(events: _Events, number: int, item: Json, pieces: tuple[str, ...]) -> None:
    """Write an item from its beginning to its end."""
    about: Json = {"item_id": item["id"], "output_index": number}
    empty: Json = {"arguments": ""} if "arguments" in item else {"content" if "content" in item else "summary": []}
    # Reasoning has no status.
    status: Json = {"status": "in_progress"} if "status" in item else {}
    events.structure("output_item.added", output_index=number, item=item | empty | status)
    if "arguments" in item:
        _write_text(events, "function_call_arguments", about, pieces, "arguments", {})
    elif "content" in item:
        _write_part(events, "output_text", "content_part", about | {"content_index": 0}, item["content"][0], pieces)
    else:
        about = about | {"summary_index": 0}
        _write_part(events, "reasoning_summary_text", "reasoning_summary_part", about, item["summary"][0], pieces)
    events.structure("output_item.done", output_index=number, item=item)


def _write_part(events: _Events, text: str, name: str, about: Json, part: Json, pieces: tuple[str, ...]) -> None:
    extra: Json = {"logprobs": []} if text == "output_text" else {}
    events.structure(f"{name}.added", **about, part=part | {"text": ""})
    _write_text(events, text, about, pieces, "text", extra)
    events.structure(f"{name}.done", **about, part=part)


def _write_text(events: _Events, name: str, about: Json, pieces: tuple[str, ...], member: str, extra: Json) -> None:
    for piece in pieces:
        events.token(f"{name}.delta", **about, delta=piece, **extra)
    events.structure(f"{name}.done", **about, **{member: "".join(pieces)}, **extra)


def _response(reply_id: str, output: list[Json], status: str, usage: Json | None) -> Json:
    return {
        "id": reply_id,
        "object": "response",
        "created_at": CREATED_AT_SECONDS,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "model": MODEL,
        "output": output,
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": usage,
    }


def _usage(choice: Choice, prompt_tokens: int) -> Json:
    return {
        "input_tokens": prompt_tokens,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": choice.tokens,
        "output_tokens_details": {"reasoning_tokens": len(choice.reasoning)},
        "total_tokens": prompt_tokens + choice.tokens,
    }
