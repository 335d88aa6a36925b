"""Strikes over HTTP: who is suspended, what led to it, and how to lift it."""

import asyncio
from typing import Annotated

from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.accounts.drafts import NoAccountError
from gateway.accounts.store import AccountStore
from gateway.console.api import ApiError, Form, read_form, trail_of
from gateway.proxy.services import Services
from gateway.strikes.person import Person
from gateway.strikes.service import Strikes
from gateway.strikes.store import MOST_LISTED
from gateway.strikes.views import held_row, past_row

PATH = "/api/v1/strikes"
_Id = Annotated[str, Field(max_length=128)]


class LiftForm(Form):
    """Whose strikes are settled: an account by name or id, and its end user by pseudonym where it is one of them."""

    account: _Id
    end_user: _Id = ""


def routes(services: Services) -> list[Route]:
    """Return the routes of strikes.

    Args:
        services: the parts that serve.
    """

    async def suspended(request: Request) -> Response:
        strikes = _strikes(services)
        rows = await run_in_threadpool(strikes.store.suspended, _limit(request))
        return JSONResponse({"suspended": [held_row(held, {}) for held in rows]})

    async def history(request: Request) -> Response:
        strikes, asked = _strikes(services), request.query_params
        limit, named = _limit(request), asked.get("account")
        account = "" if named is None else await run_in_threadpool(_id_of, services, named)
        rows = await run_in_threadpool(lambda: strikes.store.history(account, asked.get("end_user"), limit=limit))
        return JSONResponse({"history": [past_row(past, {}) for past in rows]})

    async def lift(request: Request) -> Response:
        strikes, form = _strikes(services), await read_form(request, LiftForm)
        account = await run_in_threadpool(_id_of, services, form.account)
        person, actor = Person(account, form.end_user), trail_of(services, request, form.reason).actor
        # In a thread and not on the loop, which writes the event that the thread waits for.
        if not await asyncio.to_thread(strikes.store.lift, person, actor, form.reason):
            raise ApiError(404, "not_found", f"Nothing is held against them. GET {PATH} lists the suspended.")
        return JSONResponse({"lifted": person._asdict()})

    return [
        Route(PATH, suspended),
        Route(f"{PATH}/history", history),
        Route(f"{PATH}/lift", lift, methods=["POST"]),
    ]


def _strikes(services: Services) -> Strikes:
    strikes = services.admission.strikes
    if strikes is None:
        raise ApiError(400, "invalid_request", "Strikes are not counted here. Set [strikes] enabled = true.")
    return strikes


def _id_of(services: Services, account: str) -> str:
    """Return the id of an account, given by name or id; that of nobody is no reason to say that nothing is held."""
    try:
        return AccountStore(services.engine).get(account)[0].id
    except NoAccountError as exc:
        raise ApiError(404, "not_found", str(exc)) from exc


def _limit(request: Request) -> int:
    text = request.query_params.get("limit", str(MOST_LISTED))
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= MOST_LISTED:
        raise ApiError(400, "invalid_request", f"'limit' is a number from 1 to {MOST_LISTED}.")
    return int(text)
