"""The door of the API: who may come in, what they may send, and how they are told what went wrong.

Rules for everything below ``/api/v1/``: with a token in the settings nobody comes in without it; with none, this
machine alone, and no web page on it. Bodies are JSON, bounded before they are parsed. Each change is an event in the
audit trail, with who made it, before it takes effect. Answers are kept by no cache: some hold a key.
"""

import asyncio
import hmac
from collections.abc import Mapping, Sequence
from hashlib import sha256
from ipaddress import ip_address
from typing import NamedTuple, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.accounts.store import AccountChange
from gateway.audit.event_forms import EventName
from gateway.audit.events import REASON_CHARACTERS, Details, Event, check_text, encode_event, now_us
from gateway.errors import ANSWERS, ErrorCode, GatewayError, RequestError, ResourceError
from gateway.proxy.services import Services

PREFIX = "/api/v1/"
BODY_BYTES = 64 * 1024
"""Largest body: a thousand bindings of end users."""
BODY_SECONDS = 10.0

BY_TOKEN = "api:token"  # noqa: S105 a name
FROM_THIS_MACHINE = "api:local"

_RECORD_SECONDS = 10.0
# What a proxy on this machine adds: whoever it speaks for is somewhere else.
_PROXY_HEADERS = frozenset({"forwarded", "x-forwarded-for", "x-real-ip"})
_NO_STORE = (b"cache-control", b"no-store")
_SAFE_METHODS = frozenset({"GET", "HEAD"})

_Form = TypeVar("_Form", bound=BaseModel)


class ApiError(Exception):
    """What was asked cannot be done.

    Args:
        status: HTTP status.
        code: stable word for programs.
        message: what was wrong and what to do.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Form(BaseModel):
    """What a request's body may hold; an unknown member is an error.

    Attributes:
        reason: why, for the audit trail.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    reason: str = Field("", max_length=REASON_CHARACTERS)


class Trail(NamedTuple):
    """The audit trail as a request writes to it, from the thread that does its work.

    Attributes:
        services: hold the trail.
        loop: where it lives.
        actor: who asks.
        reason: why, in their words.
    """

    services: Services
    loop: asyncio.AbstractEventLoop
    actor: str
    reason: str

    def record(self, name: EventName, subject: str = "", details: Details | None = None) -> None:
        """Write one event durably.

        Raises:
            ResourceError: the trail cannot take it; nothing may be changed then.
        """
        self._write([Event(name, self.actor, now_us(), subject, details or {}, self.reason)])

    def record_accounts(self, changes: Sequence[AccountChange]) -> None:
        """Write changes of accounts durably, all together.

        Raises:
            ResourceError: the trail cannot take them; nothing may be changed then.
        """
        at_us = now_us()
        self._write([Event(each.name, self.actor, at_us, *each[1:], self.reason) for each in changes])

    def _write(self, events: Sequence[Event]) -> None:
        entries = [encode_event(event) for event in events]

        async def put() -> list[int | None]:
            # All at once: together they cost one sync of the disk.
            return await asyncio.gather(*(self.services.appender.append(entry) for entry in entries))

        try:
            written = asyncio.run_coroutine_threadsafe(put(), self.loop).result(_RECORD_SECONDS)
        except TimeoutError as exc:
            raise ResourceError("", ErrorCode.AUDIT_UNAVAILABLE) from exc
        # Whoever serves without a disk may; no rule is changed that no durable entry tells of.
        if None in written:
            raise ResourceError("", ErrorCode.AUDIT_UNAVAILABLE)


def trail_of(services: Services, request: Request, reason: str) -> Trail:
    """Return the audit trail for a request; call it on the loop.

    Args:
        services: hold the trail.
        request: passed the door, which knows who asks.
        reason: why, as the body says.

    Raises:
        ApiError: the reason cannot stand in an entry.
    """
    try:
        check_text("reason", reason, REASON_CHARACTERS)
    except ValueError as exc:
        raise ApiError(400, "invalid_request", f"{exc}.") from exc
    return Trail(services, asyncio.get_running_loop(), request.state.actor, reason)


async def read_form(request: Request, form: type[_Form]) -> _Form:
    """Return a request's body.

    Args:
        request: the request; one without a body gives a form of defaults, where it has them.
        form: what may be in it.

    Raises:
        ApiError: it is too large, no JSON, or of another shape; the message names members and quotes no value.
    """
    body = await _read_body(request)
    try:
        return form.model_validate_json(body or b"{}")
    except ValidationError as exc:
        found = exc.errors(include_url=False, include_context=False, include_input=False)
        said = "; ".join(f"{'.'.join(map(str, each['loc'])) or 'body'}: {each['msg']}" for each in found[:10])
        raise ApiError(400, "invalid_request", f"The body does not have the shape this route takes: {said}.") from exc


def error_response(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return an error as every route of the API writes it."""
    return JSONResponse({"error": {"code": code, "message": message}}, status_code=status, headers=headers)


class Door:
    """ASGI middleware around the management plane: guards what is below ``/api/v1/``, and shapes its errors.

    Args:
        app: the plane.
        services: hold the digest of the token.
    """

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self._app = app
        self._digest = services.admin_token_digest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or turn it away before anything of its body is read."""
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await self._app(scope, receive, send)
            return

        async def send_uncached(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), _NO_STORE]}
            await send(message)

        request = Request(scope, receive)
        try:
            request.state.actor = self._actor(request)
            _check_media_type(request)
            await self._app(scope, receive, send_uncached)
        except (ApiError, GatewayError) as exc:
            await _refusal(exc)(scope, receive, send_uncached)

    def _actor(self, request: Request) -> str:
        if not self._digest:
            if is_local(request) and not _may_be_a_page(request):
                return FROM_THIS_MACHINE
            raise ApiError(403, "forbidden", "This is served to this machine only, as no token is set up.")
        # Not counted by address: a token is too long to be guessed, and a stranger must not lock an operator out.
        if not has_token(request, self._digest):
            raise ApiError(
                401, "unauthorized", "Send the token of the management plane: 'Authorization: Bearer TOKEN'."
            )
        return BY_TOKEN


def has_token(request: Request, digest: bytes) -> bool:
    """Whether a request brings the token; compared as digests, in a time that tells nothing of either.

    Args:
        request: the request.
        digest: SHA-256 of the token.
    """
    sent = request.headers.getlist("authorization")
    # Two headers are none: what stands in front might have read the other one.
    scheme, _, token = sent[0].partition(" ") if len(sent) == 1 else ("", "", "")
    given = sha256(token.strip().encode("latin-1", "replace")).digest()
    return scheme.lower() == "bearer" and hmac.compare_digest(given, digest)


def is_local(request: Request) -> bool:
    """Whether a request comes from this machine, and not through a proxy on it."""
    try:
        local = request.client is not None and ip_address(request.client.host).is_loopback
    except ValueError:
        return False
    return local and not _PROXY_HEADERS & set(request.headers)


def _may_be_a_page(request: Request) -> bool:
    """Whether a web page may have sent this: one whose name was pointed at this machine, or that posts across."""
    # Browsers add it to whatever a page sends that could change something (Fetch standard, section 3.2).
    if "origin" in request.headers:
        return True
    try:
        host = urlsplit("//" + request.headers.get("host", "localhost")).hostname
        return host != "localhost" and not ip_address(host or "").is_loopback
    except ValueError:
        return True


def _check_media_type(request: Request) -> None:
    sent = request.headers.getlist("content-type")
    # A page can post a form to any address without being asked; JSON it cannot, since browsers ask first.
    if request.method not in _SAFE_METHODS and sent and [_media_type(each) for each in sent] != ["application/json"]:
        raise ApiError(415, "unsupported_media_type", "Send 'content-type: application/json'.")


def _media_type(text: str) -> str:
    return text.partition(";")[0].strip().lower()


async def _read_body(request: Request) -> bytes:
    """Read a body up to the bound."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for piece in request.stream():
                body += piece
                if len(body) > BODY_BYTES:
                    raise ApiError(413, "body_too_large", f"A body here has at most {BODY_BYTES} bytes. Send less.")
    except TimeoutError as exc:
        raise ApiError(408, "request_timeout", "The body did not arrive in time. Send it again.") from exc
    if body and "content-type" not in request.headers:
        raise ApiError(415, "unsupported_media_type", "Send 'content-type: application/json'.")
    return bytes(body)


def _refusal(error: ApiError | GatewayError) -> Response:
    if isinstance(error, ApiError):
        challenge = {"www-authenticate": "Bearer"} if error.status == 401 else None  # noqa: PLR2004 RFC 9110, 15.5.2
        return error_response(error.status, error.code, str(error), challenge)
    answer = ANSWERS[error.code]
    # Words about what was asked are for whoever asked; those about a disk or a store name its place.
    message = (isinstance(error, RequestError) and str(error)) or answer.message
    again = answer.retry_after_seconds
    return error_response(answer.status, error.code, message, {"retry-after": str(again)} if again else None)


async def http_error(request: Request, error: Exception) -> Response:
    """Answer what the router finds no route or method for; on the paths of the API in its shape."""
    assert isinstance(error, HTTPException)  # noqa: S101 what this is registered for
    if not request.url.path.startswith(PREFIX):
        return PlainTextResponse(f"{error.detail}\n", status_code=error.status_code, headers=error.headers)
    code = ErrorCode.METHOD_NOT_ALLOWED if error.status_code == 405 else ErrorCode.UNKNOWN_PATH  # noqa: PLR2004
    return error_response(error.status_code, code, ANSWERS[code].message, error.headers)
