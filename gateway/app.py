"""The two planes as ASGI applications: exchanges and health in front, metrics and health for operators.

The hot path is a plain callable; Starlette routes everything else. The planes share nothing but the services, and the
management plane has a listener of its own.
"""

import time
from collections.abc import Awaitable, Callable
from ipaddress import ip_address

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from gateway import metrics
from gateway.proxy.driver import Receive, Send
from gateway.proxy.endpoint import Endpoint, Scope
from gateway.proxy.services import Services

ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]
_HEALTH_PATHS = frozenset({"/healthz", "/readyz"})


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


def management_plane(services: Services, loaded_at: float) -> Starlette:
    """Return the application operators talk to.

    Args:
        services: the parts that serve.
        loaded_at: when the ruleset was loaded, in seconds of Unix time.
    """
    ruleset = services.ruleset
    metrics.RULESET_INFO.labels(ruleset.digest, str(ruleset.term_count), "none").set(1)
    metrics.RULESET_AGE.set_function(lambda: time.time() - loaded_at)
    metrics.AUDIT_SPOOL.set_function(lambda: services.appender.backlog_entries)

    async def page(request: Request) -> Response:
        # Here and not with each frame; on the loop, since streams change there, and the page is written in a thread.
        metrics.HELD_CHARACTERS.set(sum(exchange.held_characters for exchange in services.streams))
        return await run_in_threadpool(_metrics, request)

    return Starlette(routes=[Route("/metrics", page), *_health_routes(services)])


def _health_routes(services: Services) -> list[Route]:
    async def alive(_request: Request) -> Response:
        # Says nothing of disk or store: a restart, which is what follows a failure here, mends neither.
        return PlainTextResponse("ok\n")

    async def ready(_request: Request) -> Response:
        reasons = readiness_problems(services)
        return JSONResponse({"ready": not reasons, "reasons": reasons}, status_code=503 if reasons else 200)

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


def _metrics(request: Request) -> Response:
    # Metrics have no key of their own, and an operator may bind this plane to any address.
    if request.client is None or not ip_address(request.client.host).is_loopback:
        return PlainTextResponse("Metrics are served to this machine only.\n", status_code=403)
    return Response(generate_latest(metrics.REGISTRY), media_type=CONTENT_TYPE_LATEST)
