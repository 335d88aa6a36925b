"""Agreements over HTTP: a platform notes at once that one of its users accepted, or took it back."""

from collections.abc import Callable
from typing import Annotated, TypeVar

from pydantic import AwareDatetime, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.accounts.agreements import AgreementStore, describe_agreement
from gateway.accounts.drafts import AccountError, NoAccountError
from gateway.accounts.identity import END_USER_CHARACTERS
from gateway.accounts.store import AccountStore
from gateway.audit.events import now_us
from gateway.console.api import ApiError, Form, read_form, trail_of
from gateway.proxy.services import Services

PATH = "/api/v1/accounts/{account}/agreements"

_T = TypeVar("_T")
_EndUser = Annotated[str, Field(max_length=END_USER_CHARACTERS)]


class EndForm(Form):
    """Whose agreement ends: an end user, by name or by pseudonym; without either, the account itself."""

    end_user: _EndUser = ""
    pseudonym: Annotated[str, Field(max_length=64)] = ""


class AcceptForm(EndForm):
    """An agreement: which wording was accepted, and when; now where it is not said."""

    version: str
    accepted_at: AwareDatetime | None = None


def routes(services: Services) -> list[Route]:
    """Return the routes of agreements.

    Args:
        services: the parts that serve.
    """

    async def show(request: Request) -> Response:
        account = request.path_params["account"]
        found = await _in_thread(lambda: AgreementStore(services.engine).list_all(account))
        return JSONResponse({"agreements": [describe_agreement(each) for each in found]})

    async def accept(request: Request) -> Response:
        form, at_us = await read_form(request, AcceptForm), now_us()
        account, person = await _in_thread(lambda: _person(services, request, form))
        accepted_at_us = int(form.accepted_at.timestamp() * 1_000_000) if form.accepted_at else at_us
        store = AgreementStore(services.engine, trail_of(services, request, form.reason).record)
        made = await _in_thread(lambda: store.accept(account, person, form.version, accepted_at_us, at_us))
        return JSONResponse(describe_agreement(made), status_code=201)

    async def end(request: Request) -> Response:
        form = await read_form(request, EndForm)
        account, person = await _in_thread(lambda: _person(services, request, form))
        store = AgreementStore(services.engine, trail_of(services, request, form.reason).record)
        await _in_thread(lambda: store.end(account, person, now_us()))
        return await show(request)

    return [
        Route(PATH, show),
        Route(PATH, accept, methods=["POST"]),
        Route(PATH + "/end", end, methods=["POST"]),
    ]


def _person(services: Services, request: Request, form: EndForm) -> tuple[str, str]:
    """Return the account's id, and the pseudonym of its end user: the name goes nowhere from here."""
    account, _ = AccountStore(services.engine).get(request.path_params["account"])
    return account.id, services.sealer.pseudonym(account.id, form.end_user) if form.end_user else form.pseudonym


async def _in_thread(work: Callable[[], _T]) -> _T:
    """Do what waits for the store beside the loop, and say what it refuses as the API does."""
    try:
        return await run_in_threadpool(work)
    except NoAccountError as exc:
        raise ApiError(404, "not_found", str(exc)) from exc
    except AccountError as exc:
        raise ApiError(400, "invalid_request", str(exc)) from exc
