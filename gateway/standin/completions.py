"""Text completions of the stand-in: `POST /v1/completions`.

The prompts are read like one chat message, cues included; each prompt of an array gets answers of its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import cast

import orjson

from gateway.standin.order import MOST_CHOICES, Cue, Order, read_order
from gateway.standin.replies import Choice, write_choices
from gateway.standin.script import Form, Script, json_script, stream_script
from gateway.standin.wire import CREATED_AT_SECONDS, DONE, GARBAGE_BODY, MODEL, Frames


@dataclass(frozen=True, slots=True)
class CompletionOrder(Order):
    """A request for completions.

    Attributes:
        echoed: prompt that comes back in front of each answer; empty when none was asked for.
        wants_logprobs: whether each token comes with its probability.
    """

    echoed: str = ""
    wants_logprobs: bool = False


def read_completion(body: bytes) -> CompletionOrder:
    """Read a request body.

    Raises:
        ValueError: not a JSON object of the shape of a completion request.
    """
    request = orjson.loads(body)
    prompt = request.get("prompt") if isinstance(request, dict) else None
    prompts = [prompt] if isinstance(prompt, str) else prompt
    if not isinstance(prompts, list) or not prompts or not all(isinstance(each, str) for each in prompts):
        raise ValueError("'prompt' is a string or a list of strings.")
    asked = {name: request.get(name) for name in ("n", "stream", "stream_options")}
    order = read_order(orjson.dumps(asked | {"messages": [{"role": "user", "content": "\n".join(prompts)}]}))
    return CompletionOrder(
        prompt=order.prompt,
        prompt_tokens=order.prompt_tokens,
        cues=order.cues,
        streamed=order.streamed,
        choices=min(order.choices * len(prompts), MOST_CHOICES),
        include_usage=order.include_usage,
        echoed="\n".join(prompts) if request.get("echo") is True else "",
        # 0 asks for the chosen tokens alone, and so for some.
        wants_logprobs=type(request.get("logprobs")) is int,
    )


def _reply(order: Order, reply_id: str) -> Script:
    order = cast("CompletionOrder", order)  # the form reads no other
    choices = tuple(_with_echo(choice, order.echoed) for choice in write_choices(order))
    tokens = sum(choice.tokens for choice in choices)
    if order.streamed:
        return stream_script(order, _frames(reply_id, order, choices))
    body = GARBAGE_BODY if Cue.GARBAGE in order.cues else _whole(reply_id, order, choices)
    return json_script(200, body, after_tokens=tokens)


COMPLETIONS = Form("cmpl-", read_completion, _reply)


def _with_echo(choice: Choice, echoed: str) -> Choice:
    return Choice((echoed, *choice.content)) if echoed else choice


def _frames(reply_id: str, order: CompletionOrder, choices: tuple[Choice, ...]) -> Frames:
    def frame(choice: dict[str, object]) -> bytes:
        return b"data: " + orjson.dumps(_head(reply_id) | {"choices": [choice]}) + b"\n\n"

    # In turns, because servers with several choices mix them, and a scan must keep them apart.
    turns = zip_longest(*(choice.content for choice in choices))
    tokens = [frame(_piece(index, text, order)) for turn in turns for index, text in enumerate(turn) if text]
    ends = [frame(_piece(index, "", order, "stop")) for index in range(len(choices))]
    if order.include_usage:
        last = _head(reply_id) | {"choices": [], "usage": _usage(order, choices)}
        ends.append(b"data: " + orjson.dumps(last) + b"\n\n")
    return Frames((), tuple(tokens), (*ends, DONE))


def _whole(reply_id: str, order: CompletionOrder, choices: tuple[Choice, ...]) -> bytes:
    said = [
        {
            "index": index,
            "text": "".join(choice.content),
            "logprobs": _logprobs(choice.content) if order.wants_logprobs else None,
            "finish_reason": "stop",
        }
        for index, choice in enumerate(choices)
    ]
    return orjson.dumps(_head(reply_id) | {"choices": said, "usage": _usage(order, choices)})


def _head(reply_id: str) -> dict[str, object]:
    return {"id": reply_id, "object": "text_completion", "created": CREATED_AT_SECONDS, "model": MODEL}


def _piece(index: int, text: str, order: CompletionOrder, finish: str | None = None) -> dict[str, object]:
    logprobs = _logprobs((text,)) if order.wants_logprobs and text else None
    return {"index": index, "text": text, "logprobs": logprobs, "finish_reason": finish}


def _logprobs(pieces: tuple[str, ...]) -> dict[str, object]:
    return {
        "tokens": list(pieces),
        "token_logprobs": [-0.1] * len(pieces),
        "top_logprobs": [{piece: -0.1} for piece in pieces],
        "text_offset": list(_offsets(pieces)),
    }


def _offsets(pieces: tuple[str, ...]) -> Iterator[int]:
    offset = 0
    for piece in pieces:
        yield offset
        offset += len(piece)


def _usage(order: Order, choices: tuple[Choice, ...]) -> dict[str, object]:
    completion = sum(choice.tokens for choice in choices)
    prompt = order.prompt_tokens
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
