"""The policy an account is judged by, over HTTP: what ``sluice config show --account`` says."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.accounts.drafts import NoAccountError
from gateway.accounts.policy import EffectivePolicy, policy_of
from gateway.accounts.store import AccountStore
from gateway.console.api import ApiError
from gateway.proxy.services import Services


def routes(services: Services) -> list[Route]:
    """Return the routes of policies.

    Args:
        services: the parts that serve.
    """

    async def show(request: Request) -> Response:
        def find() -> EffectivePolicy:
            account, _ = AccountStore(services.engine).get(request.path_params["name"])
            asked = request.query_params
            # By the settings in force, which the file may not have any more.
            return policy_of(services.loaded, account, model=asked.get("model", ""), profile=asked.get("profile", ""))

        try:
            return JSONResponse((await run_in_threadpool(find)).as_json())
        except NoAccountError as exc:
            raise ApiError(404, "not_found", str(exc)) from exc

    return [Route("/api/v1/accounts/{name}/policy", show)]
