"""Answers as bytes of the Anthropic Messages format.

There is one answer, in blocks: thinking, text, then one block for each tool call. A frame of structure travels with
the token behind it, so that a token is still one step of a script.
"""

from collections.abc import Iterator
from typing import NamedTuple

import orjson

from gateway.standin.replies import Choice, ToolCall
from gateway.standin.wire import MODEL, Frames, event

# What a real one looks like: opaque letters.
SIGNATURE = "c3RhbmQtaW4gc2lnbmF0dXJl"
_DELTA = (
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":{"type":"%s","%s":%s}}\n\n'
)
_ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
}


class _Block(NamedTuple):
    """One block of a message.

    Attributes:
        begun: the block as it begins.
        kind: type of its deltas.
        member: member of a delta that brings the text.
        pieces: its text, one piece for each token.
    """

    begun: dict[str, object]
    kind: str
    member: str
    pieces: tuple[str, ...]


def message_frames(reply_id: str, choices: tuple[Choice, ...], prompt_tokens: int) -> Frames:
    """Put an answer into frames.

    Args:
        reply_id: the message's id.
        choices: the answers; this format has room for the first.
        prompt_tokens: tokens of the prompt.
    """
    begun = _message(reply_id, [], None, {"input_tokens": prompt_tokens, "output_tokens": 0})
    tokens: list[bytes] = []
    ends = b""
    for index, block in enumerate(_blocks(choices[0])):
        lead = ends + event({"type": "content_block_start", "index": index, "content_block": block.begun})
        for piece in block.pieces:
            tokens.append(lead + _DELTA % (index, block.kind.encode(), block.member.encode(), orjson.dumps(piece)))
            lead = b""
        # A block without a token begins with the next one's.
        ends = lead + _end_of(index, block)
    delta = {"stop_reason": _stop_reason(choices[0]), "stop_sequence": None}
    last = event({"type": "message_delta", "delta": delta, "usage": {"output_tokens": choices[0].tokens}})
    opening = (event({"type": "message_start", "message": begun}), event({"type": "ping"}))
    return Frames(opening, tuple(tokens), (ends + last, event({"type": "message_stop"})))


def message_body(reply_id: str, choices: tuple[Choice, ...], prompt_tokens: int) -> bytes:
    """Put an answer into one body."""
    content = [_whole(block) for block in _blocks(choices[0])]
    usage = {"input_tokens": prompt_tokens, "output_tokens": choices[0].tokens}
    return orjson.dumps(_message(reply_id, content, _stop_reason(choices[0]), usage))


def message_error(status: int, message: str) -> bytes:
    """Put an error into Anthropic's shape."""
    return orjson.dumps(
        {"type": "error", "error": {"type": _ERROR_TYPES.get(status, "api_error"), "message": message}}
    )


def token_count_body(prompt_tokens: int) -> bytes:
    """Say how many tokens a prompt has."""
    return orjson.dumps({"input_tokens": prompt_tokens})


def _blocks(choice: Choice) -> Iterator[_Block]:
    if choice.reasoning:
        begun: dict[str, object] = {"type": "thinking", "thinking": "", "signature": ""}
        yield _Block(begun, "thinking_delta", "thinking", choice.reasoning)
    if choice.content or not choice.calls:
        yield _Block({"type": "text", "text": ""}, "text_delta", "text", choice.content)
    for call in choice.calls:
        yield _Block(_call(call, {}), "input_json_delta", "partial_json", call.fragments)


def _call(call: ToolCall, given: object) -> dict[str, object]:
    return {"type": "tool_use", "id": f"toolu_{call.call_id}", "name": call.name, "input": given}


def _end_of(index: int, block: _Block) -> bytes:
    """Return the frames that end a block; thinking is signed last."""
    stop = event({"type": "content_block_stop", "index": index})
    if block.kind != "thinking_delta":
        return stop
    return _DELTA % (index, b"signature_delta", b"signature", orjson.dumps(SIGNATURE)) + stop


def _whole(block: _Block) -> dict[str, object]:
    text = "".join(block.pieces)
    if block.kind == "input_json_delta":
        return block.begun | {"input": orjson.loads(text)}
    signed = {"signature": SIGNATURE} if block.kind == "thinking_delta" else {}
    return block.begun | {block.member: text} | signed


def _message(
    reply_id: str, content: list[dict[str, object]], reason: str | None, usage: dict[str, int]
) -> dict[str, object]:
    return {
        "id": reply_id,
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": content,
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": usage,
    }


def _stop_reason(choice: Choice) -> str:
    return "tool_use" if choice.calls else "end_turn"
