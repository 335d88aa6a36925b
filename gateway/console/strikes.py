"""The API of strikes: who is suspended, what led to it, and how to lift it.

The guard in front of `/api/v1/` says who asks, as ``request.state.actor``; where it said nothing, only this machine
is served and named.
"""

import asyncio
from ipaddress import ip_address
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.audit.events import REASON_CHARACTERS, check_text
from gateway.errors import ANSWERS, ErrorCode, ResourceError
from gateway.proxy.services import Services
from gateway.strikes.person import Person
from gateway.strikes.service import Strikes
from gateway.strikes.store import MOST_LISTED
from gateway.strikes.views import held_row, past_row

BODY_LIMIT_BYTES = 16 * 1024
_LONGEST_ID = 128


class _WrongUseError(Exception):
    """What was asked cannot be done; the message says what to do."""


def routes(services: Services) -> list[Route]:
    """Return the routes, with their paths in full.

    Args:
        services: the parts that serve.
    """

    async def suspended(request: Request) -> Response:
        strikes = _strikes(services)
        rows = await run_in_threadpool(strikes.store.suspended, _limit(request))
        return JSONResponse({"suspended": [held_row(held, {}) for held in rows]})

    async def history(request: Request) -> Response:
        strikes, asked = _strikes(services), request.query_params
        account = _text("account", asked.get("account", ""), _LONGEST_ID)
        rows = await run_in_threadpool(
            lambda: strikes.store.history(account, asked.get("end_user"), limit=_limit(request))
        )
        return JSONResponse({"history": [past_row(past, {}) for past in rows]})

    async def lift(request: Request) -> Response:
        strikes, body = _strikes(services), await _body(request)
        account = _text("account", body.get("account"), _LONGEST_ID)
        person = Person(account, _text("end_user", body.get("end_user", ""), _LONGEST_ID))
        reason, actor = _text("reason", body.get("reason", ""), REASON_CHARACTERS), _actor(request)
        # In a thread and not on the loop, which writes the event that the thread waits for.
        lifted = await asyncio.to_thread(strikes.store.lift, person, actor, reason)
        if not lifted:
            return _error(404, "not_held", "Nothing is held against them. GET /api/v1/strikes lists the suspended.")
        return JSONResponse({"lifted": person._asdict()})

    return [
        Route("/api/v1/strikes", _answering(suspended)),
        Route("/api/v1/strikes/history", _answering(history)),
        Route("/api/v1/strikes/lift", _answering(lift), methods=["POST"]),
    ]


def _answering(answer: Any) -> Any:  # noqa: ANN401 a coroutine function in, the same out
    async def guarded(request: Request) -> Response:
        if not _actor(request):
            return _error(403, "forbidden", "This is served to this machine only.")
        try:
            return await answer(request)  # type: ignore[no-any-return]
        except _WrongUseError as exc:
            return _error(400, "invalid_request", str(exc))
        except ResourceError as exc:
            told = ANSWERS[exc.code]
            return _error(told.status, exc.code, told.message)

    return guarded


def _actor(request: Request) -> str:
    named = getattr(request.state, "actor", "")
    if named:
        return str(named)
    client = request.client
    return "api:local" if client is not None and ip_address(client.host).is_loopback else ""


def _strikes(services: Services) -> Strikes:
    strikes = services.admission.strikes
    if strikes is None:
        raise _WrongUseError("Strikes are not counted here. Set [strikes] enabled = true.")
    return strikes


def _limit(request: Request) -> int:
    text = request.query_params.get("limit", "1000")
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= MOST_LISTED:
        raise _WrongUseError(f"'limit' is a number from 1 to {MOST_LISTED}.")
    return int(text)


async def _body(request: Request) -> dict[str, Any]:
    data = b""
    async for piece in request.stream():
        data += piece
        if len(data) > BODY_LIMIT_BYTES:
            raise _WrongUseError(f"The body is larger than {BODY_LIMIT_BYTES} bytes.")
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        raise _WrongUseError("Send a JSON object with 'account', and 'end_user' for one of its end users.")
    return body


def _text(name: str, value: object, limit_characters: int) -> str:
    if not isinstance(value, str):
        raise _WrongUseError(f"'{name}' is a text.")
    try:
        check_text(name, value, limit_characters)
    except ValueError as exc:
        raise _WrongUseError(str(exc)) from exc
    return value


def _error(status: int, code: str | ErrorCode, message: str) -> Response:
    return JSONResponse({"error": {"code": str(code), "message": message}}, status_code=status)
