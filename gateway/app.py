"""The two planes as ASGI applications: exchanges and health in front, metrics and health for operators.

The hot path is a plain callable; Starlette routes everything else. The planes share nothing but the services, and the
management plane has a listener of its own.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from ipaddress import ip_address

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from gateway import metrics
from gateway.console.strikes import routes as strike_routes
from gateway.proxy.driver import Receive, Send
from gateway.proxy.endpoint import Endpoint, Scope
from gateway.proxy.services import Services
from gateway.rulesets.reloader import Outcome, ReloadState

ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]
Answer = Callable[[Request], Awaitable[Response]]
_HEALTH_PATHS = frozenset({"/healthz", "/readyz"})
# By outcome: a list is wrong, or the build is.
_KEPT_OLD = {Outcome.REFUSED: 422, Outcome.FAILED: 500}
_SHOWN_PROBLEMS = 50
# Who asks here is not known: the plane has no sign-in, and answers its own machine only.
_FROM_THIS_MACHINE = "api:local"


def data_plane(services: Services) -> ASGIApp:
    """Return the application clients talk to.

    Args:
        services: the parts that serve.
    """
    endpoint, health = Endpoint(lambda: services), Starlette(routes=_health_routes(services))

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in _HEALTH_PATHS:
            await endpoint(scope, receive, send)
        elif scope["type"] == "http":
            await health(scope, receive, send)

    return app


def management_plane(services: Services) -> Starlette:
    """Return the application operators talk to.

    Args:
        services: the parts that serve.
    """
    metrics.AUDIT_SPOOL.set_function(lambda: services.appender.backlog_entries)

    async def page(request: Request) -> Response:
        # Here and not with each frame; on the loop, since streams change there, and the page is written in a thread.
        metrics.HELD_CHARACTERS.set(sum(exchange.held_characters for exchange in services.streams))
        return await run_in_threadpool(_metrics, request)

    return Starlette(
        routes=[
            Route("/metrics", _for_this_machine(page)),
            *_list_routes(services),
            *strike_routes(services),
            *_health_routes(services),
        ]
    )


def _list_routes(services: Services) -> list[Route]:
    async def show(_request: Request) -> Response:
        return JSONResponse(_describe_lists(services.reloader.state))

    async def reload(_request: Request) -> Response:
        state = await services.reloader.reload(by=_FROM_THIS_MACHINE)
        return JSONResponse(_describe_lists(state), status_code=_KEPT_OLD.get(state.outcome, 200))

    return [
        Route("/api/v1/lists", _for_this_machine(show)),
        Route("/api/v1/lists/reload", _for_this_machine(reload), methods=["POST"]),
    ]


def _describe_lists(state: ReloadState) -> dict[str, object]:
    ruleset = state.in_force.ruleset
    return {
        "digest": ruleset.digest,
        "keywords": ruleset.term_count,
        "version": state.in_force.version or None,
        "loaded_at": datetime.fromtimestamp(state.in_force.loaded_at, UTC).isoformat(timespec="seconds"),
        "outcome": state.outcome,
        # Cut: a list with its columns swapped is wrong in every row.
        "problems": [problem._asdict() for problem in state.problems[:_SHOWN_PROBLEMS]],
        "failure": state.failure or None,
    }


def _health_routes(services: Services) -> list[Route]:
    async def alive(_request: Request) -> Response:
        # Says nothing of disk or store: a restart, which is what follows a failure here, mends neither.
        return PlainTextResponse("ok\n")

    async def ready(_request: Request) -> Response:
        reasons = readiness_problems(services)
        outcome = services.reloader.state.outcome
        # No reason to send traffic elsewhere: the old ruleset is in force, and all workers read the same lists.
        warnings = [f"lists_{outcome}"] if outcome in _KEPT_OLD else []
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


def _for_this_machine(answer: Answer) -> Answer:
    """Wrap a route that has no key of its own: an operator may bind this plane to any address."""

    async def guarded(request: Request) -> Response:
        if request.client is None or not ip_address(request.client.host).is_loopback:
            return PlainTextResponse("This is served to this machine only.\n", status_code=403)
        return await answer(request)

    return guarded


def _metrics(_request: Request) -> Response:
    return Response(generate_latest(metrics.REGISTRY), media_type=CONTENT_TYPE_LATEST)
