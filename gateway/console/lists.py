"""The lists in force, and reading them again, over HTTP."""

from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.proxy.services import Services
from gateway.rulesets.reloader import Outcome, ReloadState

KEPT_OLD = {Outcome.REFUSED: 422, Outcome.FAILED: 500}
"""Outcomes that left the lists as they were, each with its status: a list is wrong, or the build is."""

_SHOWN_PROBLEMS = 50


def routes(services: Services) -> list[Route]:
    """Return the routes of the keyword lists.

    Args:
        services: the parts that serve.
    """

    async def show(_request: Request) -> Response:
        return JSONResponse(_describe(services.reloader.state))

    async def reload(request: Request) -> Response:
        state = await services.reloader.reload(by=request.state.actor)
        return JSONResponse(_describe(state), status_code=KEPT_OLD.get(state.outcome, 200))

    return [
        Route("/api/v1/lists", show),
        Route("/api/v1/lists/reload", reload, methods=["POST"]),
    ]


def _describe(state: ReloadState) -> dict[str, object]:
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
