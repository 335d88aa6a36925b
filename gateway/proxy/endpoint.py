"""The data plane's door: a plain ASGI callable that reads a request and starts its exchange.

Rules: who asks is known before the body is read; a body is bounded before it is parsed; whatever is turned away here
is an exchange too, with an answer in the wire format's shape, a record and a count. Only the question what a route
takes (OPTIONS) is none: nothing is asked of a model, and browsers ask it without a key.
"""

import os
import re
import time
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from typing import Any

from filters.ruleset import Ruleset
from gateway.accounts.account import Account, AccountKind
from gateway.accounts.identity import named_in_header
from gateway.errors import ErrorCode, GatewayError, RequestError
from gateway.protocol import events as fact
from gateway.protocol.carriage import RequestHead, encode_json
from gateway.protocol.commands import Headers
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
from gateway.protocol.standing import Standing
from gateway.proxy.admission import NOBODY, Asker
from gateway.proxy.bodies import ClientLeftError, read_body
from gateway.proxy.driver import Driver, Receive, Send
from gateway.proxy.encodings import ACCEPTED
from gateway.proxy.services import Services

Scope = dict[str, Any]

# What a wire format's headers are made of: names and versions. Anything else stays here, since nobody scans it.
_FORWARDABLE = re.compile(rb"[A-Za-z0-9._,:;=/ -]{1,256}")

_PROFILE_HEADER = b"x-sluice-profile"
_PROFILE = re.compile(rb"[a-z0-9_-]{1,64}")

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
        if scope["method"] == "OPTIONS" and (asked := find_route(scope["path"])) is not None:
            await _say_what_is_taken(asked[0], scope, services, send)
            return
        request_id = new_request_id(at_us)
        account: Account | None = None
        address = client_address(scope, services)
        asker = NOBODY
        event: fact.RequestReceived | fact.RequestRefused
        # Who is not known yet is recorded under the default.
        policy = services.policy(None)
        extra: Headers = services.cors.headers(scope["headers"]) if services.cors.enabled else ()
        try:
            dialect, rest = _route(scope)
            account = await authenticate(services, scope, address, at_us)
            policy = services.policy(account.policy)
            asker = _asker(account, address, scope, services)
            # Before the body: what it costs to read is what the limit protects.
            entered = services.admission.enter(account, at_us)
            if entered is None or entered.refusal is None:
                head = RequestHead(_content_type(scope), rest)
                is_json = dialect.carriage.encode is encode_json
                body = await read_body(scope["headers"], receive, services, is_json=is_json)
                event = fact.RequestReceived(body, head)
            else:
                event = entered.refusal
                extra += (*entered.headers, *_refusal_headers(scope, dialect, event.code))
        except ClientLeftError:
            return
        except GatewayError as exc:
            # Answered in the shape of the path asked for: a client library can read no other.
            dialect = (find_route(scope["path"]) or (OPENAI_CHAT, ""))[0]
            # Only of the client's own faults: other messages may name what is ours.
            event = fact.RequestRefused(exc.code, str(exc) if isinstance(exc, RequestError) else "")
            extra += _refusal_headers(scope, dialect, exc.code)
        ruleset = services.ruleset
        standing = Standing(
            policy,
            ruleset,
            services.labelling,
            account.kind.value if account else "",
            account is not None and account.kind is AccountKind.UNFILTERED,
        )
        context = ExchangeContext(
            request_id=request_id,
            dialect=dialect,
            standing=standing,
            account=account.id if account else "",
            content=services.content,
            memory=services.memory,
            classification=services.classifier.classification if services.classifier else None,
        )
        forwarded = _forwarded(scope, dialect, ruleset)
        driver = Driver(Exchange(context), services, asker, receive, send, forwarded=forwarded, extra=extra)
        await driver.run(event)


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


async def _say_what_is_taken(dialect: Dialect, scope: Scope, services: Services, send: Send) -> None:
    methods = _methods(dialect)
    headers = ((b"allow", methods), *services.cors.preflight(scope["headers"], methods))
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _methods(dialect: Dialect) -> bytes:
    return f"{dialect.carriage.method}, OPTIONS".encode("ascii")


def _refusal_headers(scope: Scope, dialect: Dialect, code: ErrorCode) -> Headers:
    """Return what a refusal tells a program: what would be taken, and whether the connection goes on."""
    extra: Headers = ()
    if code is ErrorCode.METHOD_NOT_ALLOWED:
        extra = ((b"allow", _methods(dialect)),)  # RFC 9110 section 15.5.6
    elif code is ErrorCode.UNSUPPORTED_ENCODING:
        extra = ((b"accept-encoding", ACCEPTED),)  # section 15.5.16
    # Whether a client that waited for our consent now sends its body or the next request, nobody can tell.
    if any(name == b"expect" for name, _ in scope["headers"]):
        extra += ((b"connection", b"close"),)
    return extra


def _forwarded(scope: Scope, dialect: Dialect, ruleset: Ruleset) -> Headers:
    """Return the client's headers that its wire format wants passed on."""
    names = dialect.forwarded_headers
    if not names:
        return ()
    return tuple(
        (name, value)
        for name, value in scope["headers"]
        # A name made up to carry a term is no name of a version or a beta.
        if name in names and _FORWARDABLE.fullmatch(value) and not ruleset.request.scan(value.decode("latin-1"))
    )


async def authenticate(services: Services, scope: Scope, address: str | None, at_us: int) -> Account:
    """Return whose key a request brings.

    Args:
        services: know the keys.
        scope: ASGI.
        address: the client's.
        at_us: microseconds of Unix time.

    Raises:
        GatewayError: it brings none that may be used now and from there, or nothing is taken at the moment.
    """
    # Both before the key: they need no look-up, and are as true for strangers.
    if services.draining:
        raise GatewayError("", ErrorCode.DRAINING)
    if not services.appender.available:
        raise GatewayError("", ErrorCode.AUDIT_UNAVAILABLE)
    key = _key(scope)
    if not key:
        services.directory.refuse_keyless(address)
    # Not awaited when it is in memory: nearly every request takes this way.
    account = services.directory.cached(key, address, at_us)
    if account is None:
        account = await services.directory.authenticate(key, address, at_us)
    return account


def _asker(account: Account, address: str | None, scope: Scope, services: Services) -> Asker:
    """Return who asks, with the end user whom a trusted proxy names where there is a header for it."""
    name, peer, profile = services.end_user_header, scope.get("client"), _profile(account, scope)
    # Not even read from anybody else: what a stranger sends there must not be able to fail a request.
    if not name or peer is None or not _is_trusted(peer[0], services):
        return Asker(account, address, profile=profile)
    return Asker(account, address, named_in_header(scope["headers"], name), peer_trusted=True, profile=profile)


def _profile(account: Account, scope: Scope) -> str:
    """Return the profile of the end user, from an account that is believed about its end users."""
    # Nobody else: whoever may name a profile chooses the policy.
    if not account.trusts_end_user:
        return ""
    sent = [value for name, value in scope["headers"] if name == _PROFILE_HEADER]
    if len(sent) > 1:
        # One of them is the client's own, and nobody can tell which.
        raise RequestError("The header 'x-sluice-profile' was sent twice. Send it once.")
    return sent[0].decode() if sent and _PROFILE.fullmatch(sent[0]) else ""


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
