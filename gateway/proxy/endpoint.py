"""The data plane's door: a plain ASGI callable that reads a request and starts its exchange.

Rules: who asks is known before the body is read; a body is bounded before it is parsed; whatever is turned away here
is an exchange too, with an answer in the wire format's shape, a record and a count.
"""

import asyncio
import os
import time
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from typing import Any

from gateway.accounts.account import Account, AccountKind
from gateway.errors import ErrorCode, GatewayError
from gateway.protocol import events as fact
from gateway.protocol.carriage import RequestHead
from gateway.protocol.context import ExchangeContext
from gateway.protocol.dialects.anthropic_messages import AnthropicMessages, AnthropicTokenCount
from gateway.protocol.dialects.base import Dialect
from gateway.protocol.dialects.openai_chat import OpenAIChat
from gateway.protocol.dialects.openai_completions import OpenAICompletions
from gateway.protocol.dialects.openai_embeddings import OpenAIEmbeddings
from gateway.protocol.dialects.openai_images import OpenAIImages
from gateway.protocol.dialects.openai_models import OpenAIModels
from gateway.protocol.dialects.openai_moderations import OpenAIModerations
from gateway.protocol.dialects.openai_responses import OpenAIResponses
from gateway.protocol.dialects.openai_speech import OpenAISpeech
from gateway.protocol.dialects.openai_transcriptions import OpenAITranscriptions
from gateway.protocol.exchange import Exchange
from gateway.proxy.driver import Driver, Receive, Send
from gateway.proxy.services import Services

Scope = dict[str, Any]

OPENAI_CHAT: Dialect = OpenAIChat()
OPENAI_MODELS: Dialect = OpenAIModels()
ROUTES: dict[str, Dialect] = {
    "/v1/chat/completions": OPENAI_CHAT,
    "/v1/responses": OpenAIResponses(),
    "/v1/completions": OpenAICompletions(),
    "/v1/embeddings": OpenAIEmbeddings(),
    "/v1/images/generations": OpenAIImages(),
    "/v1/audio/speech": OpenAISpeech(),
    "/v1/audio/transcriptions": OpenAITranscriptions(),
    "/v1/models": OPENAI_MODELS,
    "/v1/messages": AnthropicMessages(),
    "/v1/messages/count_tokens": AnthropicTokenCount(),
    "/v1/moderations": OpenAIModerations(),
}
# Routes with a name behind them; nothing may be asked for below any other path.
ROUTES_BELOW: dict[str, Dialect] = {"/v1/models/": OPENAI_MODELS}


class Endpoint:
    """Serves every exchange of one worker.

    Args:
        services: gives the parts that serve; asked anew for each exchange.
    """

    def __init__(self, services: Callable[[], Services]) -> None:
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        services, at_us = self._services(), time.time_ns() // 1000
        request_id = new_request_id(at_us)
        account: Account | None = None
        event: fact.RequestReceived | fact.RequestRefused
        # Who is not known yet is recorded under the default.
        policy = services.policy(None)
        try:
            dialect, rest = _route(scope)
            account = await _authenticate(services, scope, at_us)
            policy = services.policy(account.policy)
            head = RequestHead(_content_type(scope), rest)
            event = fact.RequestReceived(await _read_body(scope, receive, services), head)
        except _ClientLeftError:
            return
        except GatewayError as exc:
            # Answered in the shape of the path asked for: a client library can read no other.
            dialect = (find_route(scope["path"]) or (OPENAI_CHAT, ""))[0]
            event = fact.RequestRefused(exc.code)
        ruleset = services.ruleset
        context = ExchangeContext(
            request_id=request_id,
            dialect=dialect,
            policy=policy,
            ruleset=ruleset,
            labelling=services.labelling,
            account=account.id if account else "",
            account_kind=account.kind.value if account else "",
            observe=account is not None and account.kind is AccountKind.UNFILTERED,
            memory=services.memory,
        )
        await Driver(Exchange(context), services, ruleset, request_id, receive, send).run(event)


class _ClientLeftError(Exception):
    """The client went away before its request was complete: nothing was asked, so nothing is recorded."""


def new_request_id(at_us: int) -> str:
    """Return an id that sorts by time and cannot be guessed: 48 bits of milliseconds, 80 of chance, in hex.

    Args:
        at_us: microseconds of Unix time.
    """
    return f"{at_us // 1000:012x}{os.urandom(10).hex()}"


def find_route(path: str) -> tuple[Dialect, str] | None:
    """Return the wire format served at a path, and what the path has behind the route's own; None for no route."""
    dialect = ROUTES.get(path)
    if dialect is not None:
        return dialect, ""
    for prefix, below in ROUTES_BELOW.items():
        if path.startswith(prefix) and path != prefix:
            return below, path.removeprefix(prefix)
    return None


def _route(scope: Scope) -> tuple[Dialect, str]:
    found = find_route(scope["path"])
    if found is None:
        raise GatewayError("", ErrorCode.UNKNOWN_PATH)
    if scope["method"] != found[0].carriage.method:
        raise GatewayError("", ErrorCode.METHOD_NOT_ALLOWED)
    return found


def _content_type(scope: Scope) -> str:
    return next((str(value, "latin-1") for name, value in scope["headers"] if name == b"content-type"), "")


async def _authenticate(services: Services, scope: Scope, at_us: int) -> Account:
    # Both before the key: they need no look-up, and are as true for strangers.
    if services.draining:
        raise GatewayError("", ErrorCode.DRAINING)
    if not services.appender.available:
        raise GatewayError("", ErrorCode.AUDIT_UNAVAILABLE)
    key = _key(scope)
    if not key:
        raise GatewayError("", ErrorCode.KEY_MISSING)
    address = client_address(scope, services)
    # Not awaited when it is in memory: nearly every request takes this way.
    account = services.directory.cached(key, address, at_us)
    if account is None:
        account = await services.directory.authenticate(key, address, at_us)
    return account


def _key(scope: Scope) -> str:
    own = b""
    for name, value in scope["headers"]:
        # RFC 9110 section 11.1: the scheme's case does not matter.
        if name == b"authorization" and value[:7].lower() == b"bearer ":
            return str(value[7:].strip(), "latin-1")
        if name == b"x-api-key":
            own = value.strip()
    return str(own, "latin-1")


def client_address(scope: Scope, services: Services) -> str | None:
    """Return the client's address: the peer's, or what a trusted proxy says of the client behind it.

    Args:
        scope: ASGI.
        services: knows the trusted proxies.
    """
    peer = scope["client"][0] if scope.get("client") else None
    # Who is no trusted proxy may write anything into the header, and so pass an allow list.
    if not services.trusted_proxies or peer is None or not _is_trusted(peer, services):
        return peer
    # RFC 9110 section 5.3: several lines of one field are one list, in their order.
    forwarded = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
    hops = [hop.strip() for hop in b",".join(forwarded).decode("latin-1").split(",") if hop.strip()]
    # From the right: each proxy appends who spoke to it, and only what trusted ones wrote is worth anything.
    for hop in reversed(hops):
        if not _is_trusted(hop, services):
            return hop
    return hops[0] if hops else peer


def _is_trusted(address: str, services: Services) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address):
        parsed = parsed.ipv4_mapped or parsed  # how dual-stack sockets show IPv4 peers
    return any(parsed in network for network in services.trusted_proxies)


async def _read_body(scope: Scope, receive: Receive, services: Services) -> bytes:
    for name, value in scope["headers"]:
        # The parser has checked that these are digits. Refused by its length, a body is never gathered.
        if name == b"content-length" and int(value) > services.body_limit_bytes:
            raise GatewayError("", ErrorCode.BODY_TOO_LARGE)
    # By hand and not by asyncio.timeout, which costs three times as much for what hardly ever runs out.
    task, late = asyncio.current_task(), False

    def interrupt() -> None:
        nonlocal late
        late = True
        if task is not None:
            task.cancel()

    deadline = asyncio.get_running_loop().call_later(services.body_seconds, interrupt)
    try:
        return await _collect(receive, services.body_limit_bytes)
    except asyncio.CancelledError as exc:
        if not late or (task is not None and task.uncancel()):
            raise
        raise GatewayError("", ErrorCode.REQUEST_TIMEOUT) from exc
    finally:
        deadline.cancel()


async def _collect(receive: Receive, limit_bytes: int) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    pieces, size = [body], len(body)
    # A chunked body names no length, so what comes is counted too.
    while message.get("more_body") and size <= limit_bytes:
        message = await receive()
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
    if message["type"] == "http.disconnect":
        raise _ClientLeftError
    if size > limit_bytes:
        raise GatewayError("", ErrorCode.BODY_TOO_LARGE)
    return b"".join(pieces) if len(pieces) > 1 else body
