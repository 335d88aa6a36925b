"""Accounts over HTTP, by an operator's program and by those who should not."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.accounts.keys import key_digest, parse_key
from gateway.audit.event_forms import EventName
from gateway.audit.events import Event
from tests.gateways import HTTP, Gateway, chat, eventually, gateway

PATH = "/api/v1/accounts"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway for the tests of this module."""
    with gateway(tmp_path_factory.mktemp("console"), "http://127.0.0.1:1") as started:
        yield started


class Api:
    """Asks the API of a gateway."""

    def __init__(self, running: Gateway) -> None:
        self._base = running.admin_url

    def __call__(self, method: str, path: str = "", body: Any = None, **headers: str) -> httpx.Response:  # noqa: ANN401
        """Ask; a body is sent as JSON."""
        return HTTP.request(method, f"{self._base}{PATH}{path}", json=body, headers=headers)

    def make(self, name: str, **members: Any) -> Any:  # noqa: ANN401 any JSON
        """Make one account; return what is said of it."""
        made = self("POST", body={"name": name, "kind": "user", **members})
        assert made.status_code == 201, made.text
        return made.json()["accounts"][0]


@pytest.fixture
def api(running: Gateway) -> Api:
    """The API of this module's gateway."""
    return Api(running)


def events_of(running: Gateway, account_id: str) -> list[Event]:
    """Return what the trail says of an account."""
    return [each for each in running.events() if each.subject == account_id]


def test_accounts_are_made_with_a_key_that_is_shown_once(running: Gateway, api: Api) -> None:
    """The key works, no cache may keep the answer, and nothing that is asked later holds it."""
    made = api("POST", body={"name": "made", "kind": "audit", "count": 2, "tenant": "east", "models": ["m1"]})
    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
    names = [each["name"] for each in made.json()["accounts"]]
    assert names == ["made-01", "made-02"]
    for each in made.json()["accounts"]:
        found = running.store.find_by_digest(key_digest(each["key"]))
        assert found is not None
        assert (found.account.id, found.account.tenant, found.account.models) == (each["id"], "east", ("m1",))
        assert each["key"] not in api("GET").text + api("GET", f"/{each['name']}").text
        (event,) = events_of(running, each["id"])
        assert (event.name, event.actor, event.details["tenant"]) == (EventName.ACCOUNTS_CREATED, "api:local", "east")


def test_an_account_is_taken_out_of_service_and_back(running: Gateway, api: Api) -> None:
    """With the reason that was given, and who gave it."""
    made = api.make("switched")
    off = api("POST", "/switched/disable", {"reason": "abuse"})
    assert (off.status_code, off.json()["state"]) == (200, "disabled")
    assert api("POST", f"/{made['id']}/enable").json()["state"] == "active"
    said = [(each.name, each.reason) for each in events_of(running, made["id"])]
    assert said[1:] == [(EventName.ACCOUNTS_DISABLED, "abuse"), (EventName.ACCOUNTS_ENABLED, "")]


def test_a_key_is_changed(running: Gateway, api: Api) -> None:
    """The old one ends at once where that is asked, and the client is refused within seconds."""
    made = api.make("turned")
    headers = {"authorization": f"Bearer {made['key']}"}
    assert running.post(chat("你好"), headers=headers).status_code == 502
    turned = api("POST", "/turned/rotate", {"overlap_seconds": 0}).json()
    assert parse_key(turned["key"])
    eventually(lambda: running.post(chat("你好"), headers=headers).status_code == 403)
    lives = api("GET", "/turned").json()["keys"]
    assert sorted(each["state"] for each in lives) == ["active", "ended"]
    assert api("POST", "/prune", {"older_than_days": 0}).json() == {"keys": 1, "bindings": 0}
    assert len(api("GET", "/turned").json()["keys"]) == 1


def test_what_an_account_may_do_is_changed(running: Gateway, api: Api) -> None:
    """What is not named stays; null takes away; the trail tells what differs."""
    made = api.make("amended", allow_from=["10.0.0.0/8"], policy="default")
    after = api("PATCH", "/amended", {"models": ["m2"], "policy": None, "trusts_end_user": True}).json()
    assert (after["models"], after["policy"], after["trusts_end_user"]) == (["m2"], None, True)
    assert after["allow_from"] == ["10.0.0.0/8"]
    event = events_of(running, made["id"])[-1]
    assert event.name is EventName.ACCOUNTS_CHANGED
    told = {key: value for key, value in event.details.items() if key != "revision"}
    assert told == {"models": "m2", "trusts_end_user": "yes", "removed": "policy"}


def test_end_users_are_bound_and_unbound(running: Gateway, api: Api) -> None:
    """By name; what is stored, shown and recorded is the pseudonym."""
    made = api.make("platform", trusts_end_user=True)
    bound = api("POST", "/platform/bindings", {"end_users": ["reviewer-01@example.org"], "kind": "audit"})
    assert bound.status_code == 201
    (binding,) = bound.json()["bindings"]
    assert binding["pseudonym"] == running.services.sealer.pseudonym(made["id"], "reviewer-01@example.org")
    assert api("GET", "/platform").json()["bindings"] == [binding]
    assert api("DELETE", f"/platform/bindings/{binding['pseudonym']}").json() == {"bindings": []}
    assert api("DELETE", f"/platform/bindings/{binding['pseudonym']}").status_code == 404
    told = [(each.name, each.details["user"]) for each in events_of(running, made["id"])[1:]]
    assert told == [(name, binding["pseudonym"]) for name in (EventName.ACCOUNTS_BOUND, EventName.ACCOUNTS_UNBOUND)]


def test_accounts_are_listed_in_pages(api: Api) -> None:
    """Each once, by name, until there are no more."""
    api.make("page", count=5)
    names, after = [], "page"
    while after:
        page = api("GET", f"?limit=2&after={after}").json()
        names += [each["name"] for each in page["accounts"]]
        after = page["next"] if page["next"] and page["next"].startswith("page") else ""
    assert names[:5] == [f"page-{number:02}" for number in range(1, 6)]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "said"),
    [
        ("POST", "", {"name": "raw", "kind": "unfiltered"}, 400, "expiry and a list of networks"),
        ("POST", "", {"name": "x", "kind": "user", "policy": "lax"}, 400, "the settings have: code, default"),
        ("POST", "", {"name": "x", "kind": "user", "key": "mine"}, 400, "key: Extra inputs"),
        ("POST", "", {"name": "x", "kind": "root"}, 400, "kind: Input should be"),
        ("POST", "", {"name": " x", "kind": "user"}, 400, "printable characters"),
        ("POST", "", {"name": "x", "kind": "user", "expires_at": "2020-01-01T00:00:00Z"}, 400, "future"),
        ("POST", "", {"name": "x", "kind": "user", "allow_from": ["10.0.0.1/8"]}, 400, "203.0.113.0/24"),
        ("POST", "", {"name": "x", "kind": "user", "reason": "a\nb"}, 400, "line end"),
        ("POST", "", [], 400, "body: "),
        ("POST", "", {"name": "user", "kind": "user"}, 409, "'user' already"),
        ("PATCH", "/unfiltered", {"expires_at": None}, 400, "expiry and a list of networks"),
        ("POST", "/nobody/disable", {}, 404, "no account 'nobody'"),
        ("POST", "/audit/bindings", {"end_users": ["a"], "kind": "audit"}, 400, "of kind audit as a whole"),
        ("POST", "/user/bindings", {"kind": "audit"}, 400, "Name whom to bind"),
        ("GET", "?limit=0", None, 400, "limit from 1"),
        ("PUT", "/user", {}, 405, "method"),
        ("GET", "/user/nothing", None, 404, "nothing at this path"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_shape(
    running: Gateway,
    api: Api,
    method: str,
    path: str,
    body: Any,  # noqa: ANN401 any JSON
    status: int,
    said: str,
) -> None:
    """And nothing changes."""
    before = running.store.revision()
    answer = api(method, path, body)
    assert answer.status_code == status
    assert said in answer.json()["error"]["message"]
    assert set(answer.json()["error"]) == {"code", "message"}
    assert running.store.revision() == before


def test_a_trail_that_takes_nothing_lets_nothing_change(tmp_path: Path) -> None:
    """503, and no account."""
    with gateway(tmp_path, "http://127.0.0.1:1") as alone:
        alone.do(lambda: setattr(alone.services.appender, "_deadline", 0.0))
        before = alone.store.list_all()
        answer = Api(alone)("POST", body={"name": "x", "kind": "user"})
        assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
        assert alone.store.list_all() == before
        alone.do(lambda: setattr(alone.services.appender, "_deadline", None))
