"""The two planes as ASGI applications: exchanges and health in front, metrics and health for operators.

The hot path is a plain callable; Starlette routes everything else. The planes share nothing but the services, and the
management plane has a listener of its own.
"""

from collections.abc import Awaitable, Callable

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from gateway import metrics
from gateway.console import accounts, agreements, lists, policies, strikes
from gateway.console.api import Door, has_token, http_error, is_local
from gateway.console.lists import KEPT_OLD
from gateway.proxy.driver import Receive, Send
from gateway.proxy.endpoint import Endpoint, Scope
from gateway.proxy.label_reading import PATH as LABELS_READ
from gateway.proxy.label_reading import label_routes
from gateway.proxy.services import Services

ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]
# What clients may ask for that is no exchange.
_OTHER_PATHS = frozenset({"/healthz", "/readyz", LABELS_READ})


def data_plane(services: Services) -> ASGIApp:
    """Return the application clients talk to.

    Args:
        services: the parts that serve.
    """
    endpoint = Endpoint(lambda: services)
    others = Starlette(routes=[*_health_routes(services), *label_routes(services)])

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in _OTHER_PATHS:
            await endpoint(scope, receive, send)
        elif scope["type"] == "http":
            await others(scope, receive, send)

    return app


def management_plane(services: Services) -> Starlette:
    """Return the application operators talk to.

    Args:
        services: the parts that serve.
    """
    metrics.AUDIT_SPOOL.set_function(lambda: services.appender.backlog_entries)

    async def page(request: Request) -> Response:
        # An operator may bind this plane to any address.
        if not is_local(request) and not has_token(request, services.admin_token_digest):
            said = "This is served to this machine, and to whoever sends the token of the management plane.\n"
            return PlainTextResponse(said, status_code=403)
        # Here and not with each frame; on the loop, since streams change there, and the page is written in a thread.
        metrics.HELD_CHARACTERS.set(sum(exchange.held_characters for exchange in services.streams))
        return await run_in_threadpool(_metrics, request)

    return Starlette(
        routes=[
            Route("/metrics", page),
            *lists.routes(services),
            *accounts.routes(services),
            *agreements.routes(services),
            *strikes.routes(services),
            *policies.routes(services),
            *_health_routes(services),
        ],
        # Around the router, so that no route below its prefix can be forgotten.
        middleware=[Middleware(Door, services=services)],
        exception_handlers={HTTPException: http_error},
    )


def _health_routes(services: Services) -> list[Route]:
    async def alive(_request: Request) -> Response:
        # Says nothing of disk or store: a restart, which is what follows a failure here, mends neither.
        return PlainTextResponse("ok\n")

    async def ready(_request: Request) -> Response:
        reasons = readiness_problems(services)
        outcome = services.reloader.state.outcome
        # No reason to send traffic elsewhere: the old ruleset is in force, and all workers read the same lists.
        warnings = [f"lists_{outcome}"] if outcome in KEPT_OLD else []
        if services.appender.spooling:
            warnings.append("audit_spooling")
        answer = {"ready": not reasons, "reasons": reasons, "warnings": warnings}
        return JSONResponse(answer, status_code=503 if reasons else 200)

    return [Route("/healthz", alive), Route("/readyz", ready)]


def readiness_problems(services: Services) -> list[str]:
    """Return why the gateway should get no traffic now; empty when it should."""
    # Not the model server: when it fails, every gateway would leave the balancer at once.
    problems = []
    if services.draining:
        problems.append("draining")
    if not services.appender.available:
        problems.append("audit_unavailable")
    return problems


def _metrics(_request: Request) -> Response:
    return Response(generate_latest(metrics.REGISTRY), media_type=CONTENT_TYPE_LATEST)
