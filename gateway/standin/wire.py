"""Answers as bytes of the OpenAI chat completions format.

Frames are put together from byte templates; only the piece of text itself passes through the JSON encoder, so that a
reply of hundreds of frames costs microseconds each in a benchmark.
"""

from collections.abc import Iterator
from itertools import chain, zip_longest
from typing import NamedTuple

import orjson

from gateway.standin.replies import Choice, ToolCall

MODEL = "sluice-standin"
# Fixed, so that the same request gives the same bytes: 2025-01-01 00:00 UTC.
CREATED_AT_SECONDS = 1_735_689_600
DONE = b"data: [DONE]\n\n"
# Each frame is wrong in another way: comment, broken JSON, wrong type, bytes that are no UTF-8, wrong member.
GARBAGE = (
    b": a comment\n\n",
    b"data: {not json\n\n",
    b"event: nonsense\nid\nretry: soon\ndata: [1, 2]\n\n",
    b"data: \xff\xfe\xfa\n\n",
    b'data: {"choices": "none"}\n\n',
)
GARBAGE_BODY = b'{"choices": [\xff'

_HEAD = b'"created":%d,"model":"%s","system_fingerprint":"%s"' % (CREATED_AT_SECONDS, MODEL.encode(), MODEL.encode())
_CHUNK = b'data: {"id":"%s","object":"chat.completion.chunk",' + _HEAD + b',"choices":[%s]%s}\n\n'
_CHOICE = b'{"index":%d,"delta":%s,"logprobs":null,"finish_reason":%s}'
_MODEL = {"id": MODEL, "object": "model", "created": CREATED_AT_SECONDS, "owned_by": MODEL}
_ERROR_TYPES = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}
_SERVER_ERROR = 500


class Frames(NamedTuple):
    """A streamed reply.

    Attributes:
        opening: frames sent before the first token: one role per choice.
        tokens: one frame per token.
        closing: frames sent behind the last token; the very last one is ``[DONE]``.
    """

    opening: tuple[bytes, ...]
    tokens: tuple[bytes, ...]
    closing: tuple[bytes, ...]


def stream_frames(reply_id: str, choices: tuple[Choice, ...], prompt_tokens: int | None) -> Frames:
    """Put a reply into frames.

    Args:
        reply_id: the completion's id.
        choices: the answers, sent in turns.
        prompt_tokens: tokens of the prompt for a usage frame; None sends none.
    """
    identity = reply_id.encode()
    # OpenAI sends a null usage in every frame once usage was asked for.
    usage = b"" if prompt_tokens is None else b',"usage":null'

    def frame(index: int, delta: bytes, finish: bytes = b"null") -> bytes:
        return _CHUNK % (identity, _CHOICE % (index, delta, finish), usage)

    # In turns, because servers with several choices mix them, and a scan must keep them apart.
    turns = zip_longest(*(_deltas(choice) for choice in choices))
    opening = tuple(frame(index, b'{"role":"assistant","content":""}') for index in range(len(choices)))
    tokens = tuple(frame(index, delta) for turn in turns for index, delta in enumerate(turn) if delta)
    ends = [frame(index, b"{}", b'"%s"' % _finish_reason(choice).encode()) for index, choice in enumerate(choices)]
    # Its list of choices is empty, as with OpenAI: readers that take the first one fail here.
    if prompt_tokens is not None:
        ends.append(_CHUNK % (identity, b"", b',"usage":' + orjson.dumps(_usage(choices, prompt_tokens))))
    return Frames(opening, tokens, (*ends, DONE))


def whole_body(reply_id: str, choices: tuple[Choice, ...], prompt_tokens: int) -> bytes:
    """Put a reply into one body."""
    return orjson.dumps(
        {
            "id": reply_id,
            "object": "chat.completion",
            "created": CREATED_AT_SECONDS,
            "model": MODEL,
            "system_fingerprint": MODEL,
            "choices": [_whole_choice(index, choice) for index, choice in enumerate(choices)],
            "usage": _usage(choices, prompt_tokens),
        }
    )


def event(document: dict[str, object]) -> bytes:
    """Put a document into a frame that names its type, as the formats with typed frames have it."""
    return b"event: " + str(document["type"]).encode() + b"\ndata: " + orjson.dumps(document) + b"\n\n"


def error_body(status: int, message: str) -> bytes:
    """Put an error into OpenAI's shape."""
    kind = _ERROR_TYPES.get(status, "invalid_request_error" if status < _SERVER_ERROR else "server_error")
    return orjson.dumps({"error": {"message": message, "type": kind, "param": None, "code": None}})


def models_body() -> bytes:
    """List the one model there is."""
    return orjson.dumps({"object": "list", "data": [_MODEL]})


def model_body() -> bytes:
    """Describe the one model there is."""
    return orjson.dumps(_MODEL)


def _deltas(choice: Choice) -> Iterator[bytes]:
    """Yield the deltas of one choice: reasoning, content, then tool calls in turns."""
    for piece in choice.reasoning:
        yield b'{"reasoning_content":%s}' % orjson.dumps(piece)
    for piece in choice.content:
        yield b'{"content":%s}' % orjson.dumps(piece)
    calls = (_call_deltas(index, call) for index, call in enumerate(choice.calls))
    yield from (delta for delta in chain.from_iterable(zip_longest(*calls)) if delta)


def _call_deltas(index: int, call: ToolCall) -> Iterator[bytes]:
    """Yield the deltas of one tool call: its name with no arguments yet, then fragment by fragment."""
    # The name comes once, in the first delta only; readers have to keep it.
    function = {"name": call.name, "arguments": ""}
    yield orjson.dumps(
        {"tool_calls": [{"index": index, "id": call.call_id, "type": "function", "function": function}]}
    )
    for fragment in call.fragments:
        yield b'{"tool_calls":[{"index":%d,"function":{"arguments":%s}}]}' % (index, orjson.dumps(fragment))


def _whole_choice(index: int, choice: Choice) -> dict[str, object]:
    # Null and not empty where there are only calls, as OpenAI has it.
    message: dict[str, object] = {"role": "assistant", "content": "".join(choice.content) or None, "refusal": None}
    if choice.reasoning:
        message["reasoning_content"] = "".join(choice.reasoning)
    if choice.calls:
        message["tool_calls"] = [_whole_call(call) for call in choice.calls]
    return {"index": index, "message": message, "logprobs": None, "finish_reason": _finish_reason(choice)}


def _whole_call(call: ToolCall) -> dict[str, object]:
    function = {"name": call.name, "arguments": "".join(call.fragments)}
    return {"id": call.call_id, "type": "function", "function": function}


def _finish_reason(choice: Choice) -> str:
    return "tool_calls" if choice.calls else "stop"


def _usage(choices: tuple[Choice, ...], prompt_tokens: int) -> dict[str, object]:
    completion = sum(choice.tokens for choice in choices)
    reasoning = sum(len(choice.reasoning) for choice in choices)
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion,
        "total_tokens": prompt_tokens + completion,
        "completion_tokens_details": {"reasoning_tokens": reasoning},
    }
