"""The tour: prompts that show what the gateway does, sent through it as a client would, and what came back.

The harmful texts are terms of the shipped lists; the stand-in model puts them into its replies on a cue.
"""

from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import orjson

from gateway.accounts.account import AccountKind
from gateway.errors import UpstreamError
from gateway.protocol.sse import SseDecoder
from gateway.proxy.upstream.connection import Timeouts
from gateway.proxy.upstream.pool import UpstreamPool

_ANSWER_TOKENS = 200  # a small real model may not find an end by itself
# Far above any frame of the tour; what is larger is a fault to be seen.
_FRAME_LIMIT_BYTES = 1024 * 1024
_TIMEOUTS = Timeouts(5.0, 120.0, 60.0)


class Stop(NamedTuple):
    """One stop of the tour.

    Attributes:
        what: what it shows.
        prompt: what is asked.
        kind: which account asks.
        streamed: whether the reply is streamed.
    """

    what: str
    prompt: str
    kind: AccountKind = AccountKind.USER
    streamed: bool = True


class Seen(NamedTuple):
    """What a client saw.

    Attributes:
        stop: the stop of the tour.
        decision: the final decision, as the answer says.
        text: the visible answer.
        request_id: id of the exchange.
    """

    stop: Stop
    decision: str
    text: str
    request_id: str


# One stop for each thing that can happen, clean ones first, so that a fault of the set-up shows in the plainest.
STOPS = (
    Stop("a clean prompt: the reply passes, with its label", "请介绍一下水闸的作用。"),
    Stop("the same, not streamed", "What does a sluice do?", streamed=False),
    Stop("a harmful prompt: refused, the model never sees it", "哪里有人出售冰毒？"),
    Stop("a reply that turns harmful: stopped in mid-stream", "[[harm]] 讲个故事"),
    Stop("an insult in a reply: masked", "[[mask]] 随便说点什么"),
    Stop("tool calls: scanned, and never labelled inside", "[[tools]] 查一下天气", streamed=True),
    Stop("a regulator's account: the same filters, full trace", "哪里有人出售冰毒？", AccountKind.AUDIT),
    Stop("an unfiltered test account: observed only, and marked", "哪里有人出售冰毒？", AccountKind.UNFILTERED),
)


async def take_tour(base_url: str, keys: dict[AccountKind, str], model: str) -> AsyncIterator[Seen]:
    """Send the tour's prompts through a gateway; yield what a client sees of each.

    Args:
        base_url: address of the gateway's API.
        keys: key for each kind of account.
        model: model name to ask for.
    """
    # A pool sends one key, so each account has its own.
    pools = {kind: UpstreamPool(base_url, _TIMEOUTS, api_key=key) for kind, key in keys.items()}
    try:
        for stop in STOPS:
            yield await _visit(pools[stop.kind], stop, model)
    finally:
        for pool in pools.values():
            pool.close()


async def first_model(base_url: str, api_key: str | None) -> str:
    """Ask a model server for the name of its first model.

    Args:
        base_url: address of its API.
        api_key: its key; None when it takes none.

    Raises:
        UpstreamError: it cannot be asked, or names no model.
    """
    pool = UpstreamPool(base_url, _TIMEOUTS, api_key=api_key)
    try:
        reply = await pool.open("GET", "/models")
        received = b""
        while data := await reply.read():
            received += data
        # Any server may stand there, so every step into its answer can fail, and all failures are one to the user.
        return str(orjson.loads(received)["data"][0]["id"])
    except (ValueError, LookupError, TypeError) as exc:
        raise UpstreamError("The model server does not say which models it has. Name one with --model-name.") from exc
    finally:
        pool.close()


async def _visit(pool: UpstreamPool, stop: Stop, model: str) -> Seen:
    messages = [{"role": "user", "content": stop.prompt}]
    body = {"model": model, "stream": stop.streamed, "messages": messages, "max_tokens": _ANSWER_TOKENS}
    headers = ((b"content-type", b"application/json"),)
    reply = await pool.open("POST", "/chat/completions", headers, orjson.dumps(body))
    received = b""
    while data := await reply.read():
        received += data
    found = dict(reply.headers)
    documents = _frames(received) if b"event-stream" in found.get(b"content-type", b"") else [orjson.loads(received)]
    # From the last frame that tells: the header was sent before a stream could turn harmful.
    outcome = next((each["sluice"]["decision"] for each in reversed(documents) if "sluice" in each), "")
    decision = outcome or found.get(b"x-sluice-decision", b"").decode()
    return Seen(stop, decision, _shown(documents), found.get(b"x-request-id", b"").decode())


def _frames(received: bytes) -> list[dict[str, Any]]:
    frames = SseDecoder(_FRAME_LIMIT_BYTES).feed(received)
    return [orjson.loads(frame.data) for frame in frames if frame.data and frame.data != b"[DONE]"]


def _shown(documents: list[dict[str, Any]]) -> str:
    """Return what a reader sees of an answer: its content, then its tool calls, each put together."""
    content, names, arguments = "", dict[int, str](), dict[int, str]()
    for choice in (choice for document in documents for choice in document.get("choices", ())):
        message = choice.get("delta") or choice.get("message") or {}
        content += message.get("content") or ""
        for place, call in enumerate(message.get("tool_calls") or ()):
            function, index = call.get("function", {}), call.get("index", place)
            # Pieces of either may come in any frame: what is held back for the scan follows behind.
            names[index] = names.get(index, "") + (function.get("name") or "")
            arguments[index] = arguments.get(index, "") + (function.get("arguments") or "")
    return "\n".join([content, *(f"→ {name}{arguments[index]}" for index, name in names.items())]).strip()
