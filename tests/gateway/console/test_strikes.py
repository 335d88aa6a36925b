"""The API of strikes."""

from collections.abc import Iterator
from typing import Any

import pytest

from gateway.audit.event_forms import EventName
from gateway.strikes.store import StrikeStore
from tests.gateways import BLOCKED, HTTP, Gateway, chat, gateway

PATH = "/api/v1/strikes"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, standin_url: str) -> Iterator[Gateway]:
    """A gateway that counts strikes, with one end user suspended."""
    with gateway(tmp_path_factory.mktemp("api"), standin_url, {"strikes": {"enabled": True}}) as running:
        for _ in range(3):
            assert running.post(chat(BLOCKED, user="alice")).status_code == 200
        yield running


def get(served: Gateway, path: str = PATH) -> Any:  # noqa: ANN401 any JSON
    """Ask; return the document."""
    answer = HTTP.get(served.admin_url + path)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_suspended_and_their_history_are_shown(served: Gateway) -> None:
    """As the store has them."""
    (row,) = get(served)["suspended"]
    history = get(served, f"{PATH}/history?account={row['account_id']}&end_user={row['end_user']}")["history"]
    # Another test may have lifted an earlier one.
    assert [each["measure"] for each in history[:3]] == ["suspended", "warned", "counted"]
    assert get(served, f"{PATH}/history?limit=1")["history"] == history[:1]
    # By its name as well as its id.
    assert get(served, f"{PATH}/history?account=user&limit=1")["history"] == history[:1]
    unknown = HTTP.get(f"{served.admin_url}{PATH}/history?account=nobody")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "not_found")


def test_lifting_is_recorded_as_the_doing_of_who_asks(served: Gateway) -> None:
    """In the trail and in the history; a second time there is nothing to lift."""
    person = StrikeStore(served.store._engine).history(limit=1)[0].person
    body = {**person._asdict(), "reason": "an appeal"}
    assert HTTP.post(f"{served.admin_url}{PATH}/lift", json=body).json() == {"lifted": person._asdict()}
    event = served.events()[-1]
    assert (event.name, event.actor, event.reason) == (EventName.STRIKES_LIFTED, "api:local", "an appeal")
    again = HTTP.post(f"{served.admin_url}{PATH}/lift", json=body)
    assert (again.status_code, again.json()["error"]["code"]) == (404, "not_found")
    for _ in range(3):
        served.post(chat(BLOCKED, user="alice"))


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"{}", b'{"account": 1}', b'{"account": "a", "another": 1}'])
def test_a_wrong_body_is_said_to_be_wrong(served: Gateway, content: bytes) -> None:
    """Nothing is changed."""
    json = {"content-type": "application/json"}
    answer = HTTP.post(f"{served.admin_url}{PATH}/lift", content=content, headers=json)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request")


@pytest.mark.parametrize("limit", ["0", "-1", "x", "10001", "9" * 5000])
def test_a_limit_is_bounded(served: Gateway, limit: str) -> None:
    """An answer is held in memory whole."""
    assert HTTP.get(f"{served.admin_url}{PATH}?limit={limit}").status_code == 400


def test_where_strikes_are_off_it_says_so(standin_url: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Rather than that nobody is suspended."""
    with gateway(tmp_path_factory.mktemp("off"), standin_url) as running:
        answer = HTTP.get(running.admin_url + PATH)
        assert (answer.status_code, "enabled" in answer.json()["error"]["message"]) == (400, True)
