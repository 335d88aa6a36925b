"""The two planes: exchanges and health in front, metrics and health for operators."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.app import data_plane, management_plane
from gateway.metrics import REGISTRY
from tests.gateways import HTTP, Gateway, chat, gateway
from tests.lists import write_list


@pytest.mark.parametrize("plane", ["url", "admin_url"])
def test_both_planes_tell_their_health(shared: Gateway, plane: str) -> None:
    """Alive, and ready to take traffic."""
    base = getattr(shared, plane)
    assert HTTP.get(f"{base}/healthz").text == "ok\n"
    assert HTTP.get(f"{base}/readyz").json() == {"ready": True, "reasons": [], "warnings": []}


def test_a_draining_gateway_is_alive_but_not_ready(tmp_path: Path) -> None:
    """A load balancer stops sending; a supervisor does not restart."""
    with gateway(tmp_path, "http://127.0.0.1:1") as running:
        running.services.draining = True
        ready = HTTP.get(f"{running.admin_url}/readyz")
        assert (ready.status_code, ready.json()) == (503, {"ready": False, "reasons": ["draining"], "warnings": []})
        assert HTTP.get(f"{running.admin_url}/healthz").status_code == 200


def test_health_is_no_exchange(shared: Gateway) -> None:
    """Probes leave no entries."""
    before = len(shared.on_disk())
    HTTP.get(f"{shared.url}/readyz")
    shared.record(shared.post(chat("你好")).headers["x-request-id"])
    assert len(shared.on_disk()) == before + 1


def test_metrics_are_on_the_management_plane_alone(shared: Gateway) -> None:
    """Clients get the error shape for that path; operators get every metric."""
    assert HTTP.get(f"{shared.url}/metrics").json()["error"]["code"] == "unknown_path"
    page = HTTP.get(f"{shared.admin_url}/metrics")
    names = {family.name for family in text_string_to_metric_families(page.text)}
    assert {family.name for family in REGISTRY.collect()} <= names


def test_metrics_tell_the_ruleset(tmp_path: Path) -> None:
    """Digest and size of what is in force, and how long it has been."""
    # A gateway of its own: all in this process share their metrics, and the newest ruleset is the one they tell.
    with gateway(tmp_path, "http://127.0.0.1:1") as running:
        ruleset = running.services.ruleset
        labels = {"digest": ruleset.digest, "keywords": str(ruleset.term_count), "model": "none"}
        assert running.metric("sluice_ruleset_info", **labels) == 1
        assert running.metric("sluice_ruleset_age_seconds") >= 0


def test_lists_are_reloaded_on_request(tmp_path: Path) -> None:
    """The answer says what is in force; wrong lists leave it, and say where they are wrong."""
    own = tmp_path / "own"
    write_list(own, "出售某物")
    settings = {"lists": {"directories": [str(own)], "versions": str(tmp_path / "versions"), "shipped": False}}
    with gateway(tmp_path, "http://127.0.0.1:1", settings) as running:
        before = HTTP.get(f"{running.admin_url}/api/v1/lists").json()
        assert (before["keywords"], before["version"], before["outcome"]) == (1, None, "loaded")
        write_list(own, "出售某物", "别的词语")
        loaded = HTTP.post(f"{running.admin_url}/api/v1/lists/reload")
        # Loaded by this request, or by the watch a moment before it.
        assert (loaded.status_code, loaded.json()["keywords"]) == (200, 2)
        assert loaded.json()["digest"] == running.services.ruleset.digest != before["digest"]
        write_list(own, "毒")
        refused = HTTP.post(f"{running.admin_url}/api/v1/lists/reload")
        assert (refused.status_code, refused.json()["outcome"]) == (422, "refused")
        (problem,) = refused.json()["problems"]
        assert (problem["file"], problem["line"]) == ("A.1.h.csv", 2)
        assert refused.json()["digest"] == loaded.json()["digest"]
        ready = HTTP.get(f"{running.url}/readyz")
        assert (ready.status_code, ready.json()["warnings"]) == (200, ["lists_refused"])


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/metrics"), ("GET", "/api/v1/lists"), ("POST", "/api/v1/lists/reload")]
)
@pytest.mark.parametrize(("address", "status"), [("127.0.0.1", 200), ("::1", 200), ("203.0.113.1", 403), (None, 403)])
def test_what_has_no_key_is_for_this_machine(
    shared: Gateway, method: str, path: str, address: str | None, status: int
) -> None:
    """Another machine gets none of it."""
    statuses = []

    async def send(message: Any) -> None:  # noqa: ANN401 as ASGI has it
        statuses.append(message.get("status"))

    async def receive() -> Any:  # noqa: ANN401 the same
        return {"type": "http.request"}

    client = (address, 1) if address else None
    scope: dict[str, Any] = {
        "type": "http",
        "method": method,
        "path": path,
        "headers": [],
        "query_string": b"",
        "client": client,
    }
    # On the gateway's own loop, where its parts live.
    asyncio.run_coroutine_threadsafe(management_plane(shared.services)(scope, receive, send), shared.loop).result()
    assert statuses[0] == status


def test_other_kinds_of_scope_are_left_alone(shared: Gateway) -> None:
    """A server that offers a lifespan gets no answer, which is how ASGI declines it."""

    async def never(*_: object) -> Any:  # noqa: ANN401 as ASGI has it
        pytest.fail("nothing is to be read or sent")

    async def main() -> None:
        await data_plane(shared.services)({"type": "lifespan"}, never, never)

    asyncio.run(main())
