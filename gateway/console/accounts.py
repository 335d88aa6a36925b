"""Accounts over HTTP: everything ``sluice accounts`` does, for programs of operators.

Rules: an account is named in a path by its name or its id; a key is in the one answer that made it; the name of an
end user is in the body of a request alone, and only its pseudonym goes on from there.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, TypeVar

from pydantic import AwareDatetime, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.accounts.account import DEFAULT_TENANT, AccountKind, Network, parse_network
from gateway.accounts.describing import describe_account, describe_binding, describe_fully, numbered_names
from gateway.accounts.drafts import (
    MOST_BINDINGS,
    AccountDraft,
    AccountError,
    BindingDraft,
    NameTakenError,
    NoAccountError,
)
from gateway.accounts.identity import END_USER_CHARACTERS
from gateway.accounts.store import AccountStore
from gateway.audit.events import now_us
from gateway.console.api import ApiError, Form, read_form, trail_of
from gateway.proxy.services import Services

PATH = "/api/v1/accounts"
MOST_AT_ONCE = 1_000
"""Accounts that one request makes or lists."""
_PAGE = 100
_DAY_SECONDS = 86_400
_LONGEST_DAYS = 36_500

_T = TypeVar("_T")
Work = Callable[[AccountStore], _T]
_EndUser = Annotated[str, Field(min_length=1, max_length=END_USER_CHARACTERS)]
_Texts = Annotated[tuple[str, ...], Field(max_length=1_000)]


class CreateForm(Form):
    """Accounts to be made; see `AccountDraft`."""

    name: str
    kind: AccountKind
    count: int | None = Field(None, ge=1, le=MOST_AT_ONCE)
    policy: str | None = None
    expires_at: AwareDatetime | None = None
    allow_from: _Texts = ()
    tenant: str = DEFAULT_TENANT
    models: _Texts = ()
    trusts_end_user: bool = False


class ChangeForm(Form):
    """What is to change of an account; what is not in the body stays, and null takes a policy or an end away."""

    policy: str | None = None
    expires_at: AwareDatetime | None = None
    allow_from: _Texts = ()
    tenant: str = DEFAULT_TENANT
    models: _Texts = ()
    trusts_end_user: bool = False


class RotateForm(Form):
    """How long the other keys still work: a day, unless said otherwise."""

    overlap_seconds: int = Field(_DAY_SECONDS, ge=0, le=_LONGEST_DAYS * _DAY_SECONDS)


class BindForm(Form):
    """End users to be bound, by name or by pseudonym; see `BindingDraft`."""

    end_users: Annotated[tuple[_EndUser, ...], Field(max_length=MOST_BINDINGS)] = ()
    pseudonyms: _Texts = ()
    kind: AccountKind
    expires_at: AwareDatetime | None = None
    allow_from: _Texts = ()
    note: str = ""


class PruneForm(Form):
    """How long ago keys and bindings have ended that are cleared away."""

    older_than_days: int = Field(30, ge=0, le=_LONGEST_DAYS)


class _Routes:
    """The routes, around the services."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def list(self, request: Request) -> Response:
        limit = _limit(request.query_params.get("limit", str(_PAGE)))
        after = request.query_params.get("after", "")
        # One more than asked for tells whether there are more.
        found = await self._read(lambda store: store.list_page(limit + 1, after))
        page, at_us = found[:limit], now_us()
        rest = page[-1].name if len(found) > limit else None
        return JSONResponse({"accounts": [describe_account(each, at_us) for each in page], "next": rest})

    async def create(self, request: Request) -> Response:
        form = await read_form(request, CreateForm)
        at_us = now_us()
        self._check_policy(form.policy)
        expires_at_us, networks = _moment(form.expires_at, at_us), _networks(form.allow_from)
        drafts = _checked(
            lambda: [
                AccountDraft(
                    name,
                    form.kind,
                    form.policy,
                    expires_at_us,
                    networks,
                    form.tenant,
                    form.models,
                    form.trusts_end_user,
                )
                for name in numbered_names(form.name, form.count)
            ]
        )
        made = await self._change(request, form, lambda store: store.create_all(drafts, at_us))
        return JSONResponse(
            {"accounts": [{**describe_account(account, at_us), "key": key} for account, key in made]}, status_code=201
        )

    async def show(self, request: Request) -> Response:
        account, keys = await self._read(lambda store: store.get(_name(request)))
        return JSONResponse(describe_fully(account, keys, now_us()))

    async def change(self, request: Request) -> Response:
        form = await read_form(request, ChangeForm)
        given = form.model_fields_set - {"reason"}
        if "policy" in given:
            self._check_policy(form.policy)
        values: dict[str, Any] = {
            "policy": form.policy,
            "expires_at_us": _moment(form.expires_at, now_us()),
            "allow_from": _networks(form.allow_from),
            "tenant": form.tenant,
            "models": form.models,
            "trusts_end_user": form.trusts_end_user,
        }
        asked = {name: value for name, value in values.items() if name.removesuffix("_us") in given}
        account = await self._change(
            request, form, lambda store: store.amend(_name(request), lambda before: replace(before, **asked))
        )
        return JSONResponse(describe_account(account, now_us()))

    async def disable(self, request: Request) -> Response:
        form = await read_form(request, Form)
        await self._change(request, form, lambda store: store.disable(_name(request), now_us()))
        return await self.show(request)

    async def enable(self, request: Request) -> Response:
        form = await read_form(request, Form)
        await self._change(request, form, lambda store: store.enable(_name(request)))
        return await self.show(request)

    async def rotate(self, request: Request) -> Response:
        form = await read_form(request, RotateForm)
        name = _name(request)
        key = await self._change(request, form, lambda store: store.rotate(name, form.overlap_seconds, now_us()))
        return JSONResponse({"account": name, "key": key})

    async def prune(self, request: Request) -> Response:
        form = await read_form(request, PruneForm)
        before_us = now_us() - form.older_than_days * _DAY_SECONDS * 1_000_000
        pruned = await self._change(request, form, lambda store: store.prune(before_us))
        return JSONResponse(pruned._asdict())

    async def bindings(self, request: Request) -> Response:
        account, _ = await self._read(lambda store: store.get(_name(request)))
        return JSONResponse({"bindings": [describe_binding(each, now_us()) for each in account.bindings.values()]})

    async def bind(self, request: Request) -> Response:
        form = await read_form(request, BindForm)
        if not form.end_users and not form.pseudonyms:
            raise ApiError(400, "invalid_request", "Name whom to bind, in 'end_users' or 'pseudonyms'.")
        account, _ = await self._read(lambda store: store.get(_name(request)))
        named = [self._services.sealer.pseudonym(account.id, each) for each in form.end_users]
        at_us = now_us()
        expires_at_us, networks = _moment(form.expires_at, at_us), _networks(form.allow_from)
        drafts = _checked(
            lambda: [
                BindingDraft(each, form.kind, expires_at_us, networks, form.note)
                for each in dict.fromkeys((*named, *form.pseudonyms))
            ]
        )
        made = await self._change(request, form, lambda store: store.bind(account.id, drafts, at_us))
        return JSONResponse({"bindings": [describe_binding(each, at_us) for each in made]}, status_code=201)

    async def unbind(self, request: Request) -> Response:
        form = await read_form(request, Form)
        pseudonym = request.path_params["pseudonym"]
        await self._change(request, form, lambda store: store.unbind(_name(request), pseudonym))
        return await self.bindings(request)

    async def _read(self, work: Work[_T]) -> _T:
        return await _in_thread(lambda: work(AccountStore(self._services.engine)))

    async def _change(self, request: Request, form: Form, work: Work[_T]) -> _T:
        """Do a change in a thread, recorded as the doing of whoever asks."""
        trail = trail_of(self._services, request, form.reason)
        return await _in_thread(lambda: work(AccountStore(self._services.engine, trail.record_accounts)))

    def _check_policy(self, name: str | None) -> None:
        # An account whose policy does not exist is answered 503 until somebody notices.
        if name is not None and name not in self._services.policies:
            known = ", ".join(sorted(self._services.policies))
            raise ApiError(400, "invalid_request", f"No policy has this name; the settings have: {known}.")


def routes(services: Services) -> list[Route]:
    """Return the routes of accounts.

    Args:
        services: the parts that serve.
    """
    on, one = _Routes(services), PATH + "/{account}"
    table: tuple[tuple[str, str, Callable[[Request], Awaitable[Response]]], ...] = (
        ("GET", PATH, on.list),
        ("POST", PATH, on.create),
        # Before the accounts, or it would be one of them.
        ("POST", PATH + "/prune", on.prune),
        ("GET", one, on.show),
        ("PATCH", one, on.change),
        ("POST", one + "/disable", on.disable),
        ("POST", one + "/enable", on.enable),
        ("POST", one + "/rotate", on.rotate),
        ("GET", one + "/bindings", on.bindings),
        ("POST", one + "/bindings", on.bind),
        ("DELETE", one + "/bindings/{pseudonym}", on.unbind),
    )
    return [Route(path, answer, methods=[method]) for method, path, answer in table]


async def _in_thread(work: Callable[[], _T]) -> _T:
    """Do what waits for the store beside the loop, and say what it refuses as the API does."""
    return await run_in_threadpool(lambda: _checked(work))


def _checked(work: Callable[[], _T]) -> _T:
    try:
        return work()
    except NoAccountError as exc:
        raise ApiError(404, "not_found", str(exc)) from exc
    except NameTakenError as exc:
        raise ApiError(409, "name_taken", str(exc)) from exc
    except AccountError as exc:
        raise ApiError(400, "invalid_request", str(exc)) from exc


def _name(request: Request) -> str:
    return str(request.path_params["account"])


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= MOST_AT_ONCE):  # noqa: PLR2004
        raise ApiError(400, "invalid_request", f"Give a limit from 1 to {MOST_AT_ONCE}.")
    return int(text)


def _moment(moment: datetime | None, at_us: int) -> int | None:
    if moment is None:
        return None
    moment_us = int(moment.timestamp()) * 1_000_000
    if moment_us <= at_us:
        raise ApiError(400, "invalid_request", "Give an expires_at in the future.")
    return moment_us


def _networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    try:
        return tuple(map(parse_network, texts))
    except ValueError as exc:
        said = "Write networks such as 203.0.113.0/24 or 2001:db8::/32 in allow_from, no bits behind the prefix."
        raise ApiError(400, "invalid_request", said) from exc
