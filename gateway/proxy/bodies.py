"""Request bodies: bounded before they are gathered, bounded again when they are unpacked.

Rules: what is said about a body (its length, type, charset and coding) is believed only where it turns the body away;
what passes is read as JSON in UTF-8 and written anew, so no second reading of the same bytes reaches a model server.
"""

import asyncio
from functools import partial
from typing import Any, Final, NamedTuple

from gateway.errors import ErrorCode, GatewayError
from gateway.proxy.driver import Receive
from gateway.proxy.encodings import TooLargeError, codings_of, decode_whole, decoder_for
from gateway.proxy.services import Services
from gateway.proxy.upstream.request import Headers

_UTF8: Final = frozenset({b"utf-8", b"utf8", b"us-ascii"})


class ClientLeftError(Exception):
    """The client went away before its request was complete: nothing was asked, so nothing is recorded."""


class _Described(NamedTuple):
    """What the headers say about a body.

    Attributes:
        length_bytes: 0 when they do not say.
        media_type: in small letters with its parameters; empty when they do not say.
        codings: content codings, in order.
    """

    length_bytes: int
    media_type: bytes
    codings: list[bytes]


async def read_body(headers: Headers, receive: Receive, services: Services) -> bytes:
    """Read a request's body.

    Args:
        headers: of the request.
        receive: ASGI.
        services: know the bounds, and have the thread that unpacks.

    Raises:
        GatewayError: it is too large, too late, or in no form that is read here.
        ClientLeftError: the client left.
    """
    described = _describe(headers)
    # Refused by its head, a body is never gathered, and a client that asked first need not send it.
    if described.length_bytes > services.body_limit_bytes:
        raise GatewayError("", ErrorCode.BODY_TOO_LARGE)
    if not _is_json(described.media_type):
        raise GatewayError("", ErrorCode.UNSUPPORTED_MEDIA_TYPE)
    if not described.codings:
        return await _arrived(receive, services)
    decoder = decoder_for(described.codings, services.body_limit_bytes)
    if decoder is None:
        raise GatewayError("", ErrorCode.UNSUPPORTED_ENCODING)
    packed = await _arrived(receive, services)
    try:
        # In the thread whatever its size: a few bytes may stand for as many as the bound lets through.
        return await services.document_thread.run(partial(decode_whole, decoder, packed))
    except TooLargeError as exc:
        raise GatewayError("", ErrorCode.BODY_TOO_LARGE) from exc
    except ValueError as exc:
        raise GatewayError("", ErrorCode.BODY_UNREADABLE) from exc


def _describe(headers: Headers) -> _Described:
    length_bytes, media_type, codings = 0, b"", []
    for name, value in headers:
        if name == b"content-length":
            length_bytes = int(value)  # the parser has checked that these are digits
        elif name == b"content-type":
            media_type = value.lower()
        elif name == b"content-encoding":
            codings.append(value)
    return _Described(length_bytes, media_type, codings_of(codings) if codings else codings)


def _is_json(media_type: bytes) -> bool:
    """Tell whether a body may be JSON in UTF-8; one that says nothing of itself may be.

    Not lenient with other types: a body that says it is a form or text in another charset was meant to be read in
    another way, and its sender should hear of it rather than get an answer to something else.
    """
    if media_type in (b"application/json", b""):
        return True
    kind, _, parameters = media_type.partition(b";")
    kind = kind.strip()
    if kind != b"application/json" and not (kind.startswith(b"application/") and kind.endswith(b"+json")):
        return False
    pairs = (parameter.partition(b"=") for parameter in parameters.split(b";"))
    charsets = [value.strip(b' \t"') for name, _, value in pairs if name.strip() == b"charset"]
    return all(charset in _UTF8 for charset in charsets)


async def _arrived(receive: Receive, services: Services) -> bytes:
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
    message: Any = await receive()
    body: bytes = message.get("body", b"")
    pieces, size = [body], len(body)
    # A chunked body names no length, so what comes is counted too.
    while message.get("more_body") and size <= limit_bytes:
        message = await receive()
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
    if message["type"] == "http.disconnect":
        raise ClientLeftError
    if size > limit_bytes:
        raise GatewayError("", ErrorCode.BODY_TOO_LARGE)
    return b"".join(pieces) if len(pieces) > 1 else body
