"""Agreements over HTTP, and the replies that are given under them."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from gateway.accounts.account import AccountKind
from gateway.accounts.store import AccountDraft
from gateway.audit.event_forms import EventName
from tests.gateways import HTTP, Gateway, chat, eventually, frames_of, gateway, said_in

LABEL_WORDS = "内容由AI生成"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, standin_url: str) -> Iterator[Gateway]:
    """A gateway for the tests of this module."""
    with gateway(tmp_path_factory.mktemp("agreements"), standin_url) as started:
        yield started


@pytest.fixture
def shop(running: Gateway, request: pytest.FixtureRequest) -> dict[str, str]:
    """An account that is believed about its end users, named after the test."""
    draft = AccountDraft(re.sub(r"\W", "-", request.node.name)[:60], AccountKind.USER, trusts_end_user=True)
    ((account, key),) = running.store.create_all([draft], 1)
    return {"name": account.name, "id": account.id, "key": key}


def ask(running: Gateway, shop: dict[str, str], user: str) -> httpx.Response:
    """Ask in the name of an end user."""
    return running.post(chat("你好", user=user), headers={"authorization": f"Bearer {shop['key']}"})


def post(running: Gateway, shop: dict[str, str], path: str, body: Any) -> httpx.Response:  # noqa: ANN401 any JSON
    """Post to the API of an account's agreements."""
    return HTTP.post(f"{running.admin_url}/api/v1/accounts/{shop['name']}/agreements{path}", json=body)


def test_who_agreed_gets_no_visible_label_and_each_reply_is_recorded(running: Gateway, shop: dict[str, str]) -> None:
    """Within seconds; the members for programs stay; others are labelled (Labelling Measures, article 9)."""
    assert LABEL_WORDS in ask(running, shop, "alice").text
    body = {"end_user": "alice", "version": "2026-1", "accepted_at": "2026-03-01T08:00:00+08:00"}
    made = post(running, shop, "", body)
    assert made.status_code == 201
    agreement = made.json()
    assert (agreement["version"], agreement["accepted_at"]) == ("2026-1", "2026-03-01T00:00:00Z")
    eventually(lambda: LABEL_WORDS not in ask(running, shop, "alice").text)
    answer = ask(running, shop, "alice")
    assert answer.json()["aigc"]["Label"] == "1"
    assert "x-aigc-label" in answer.headers
    record = running.record(answer.headers["x-request-id"])
    assert (record.label, record.agreement, record.user) == ("waived", agreement["id"], agreement["end_user"])
    other = ask(running, shop, "bob")
    assert LABEL_WORDS in other.text
    assert running.record(other.headers["x-request-id"]).agreement == ""


def test_an_agreement_ends(running: Gateway, shop: dict[str, str]) -> None:
    """For an account as such too, in a stream too; both steps are in the trail, and no name is."""
    assert post(running, shop, "", {"version": "1"}).status_code == 201
    headers = {"authorization": f"Bearer {shop['key']}"}
    eventually(lambda: LABEL_WORDS not in running.post(chat("你好"), headers=headers).text)
    frames = frames_of(running.post(chat("你好", stream=True), headers=headers).content)
    assert LABEL_WORDS not in said_in(frames)
    assert frames[-1]["aigc"]["Label"] == "1"
    ended = post(running, shop, "/end", {"reason": "taken back"})
    assert ended.json()["agreements"][0]["ended_at"] is not None
    eventually(lambda: LABEL_WORDS in running.post(chat("你好"), headers=headers).text)
    told = [each for each in running.events() if each.details.get("account") == shop["id"]]
    assert [(each.name, each.reason) for each in told if each.name.startswith("labels.")] == [
        (EventName.LABELS_WAIVED, ""),
        (EventName.LABELS_RESTORED, "taken back"),
    ]


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        ("", {"version": ""}, 400, "A version is"),
        ("", {"version": "1", "accepted_at": "2999-01-01T00:00:00Z"}, 400, "in the future"),
        ("", {"version": "1", "accepted_at": "yesterday"}, 400, "accepted_at"),
        ("", {"version": "1", "end_user": "x" * 513}, 400, "end_user"),
        ("/end", {}, 400, "No agreement holds"),
    ],
)
def test_what_cannot_be_is_refused(
    running: Gateway,
    shop: dict[str, str],
    path: str,
    body: Any,  # noqa: ANN401 any JSON
    status: int,
    said: str,
) -> None:
    """With what was wrong."""
    answer = post(running, shop, path, body)
    assert answer.status_code == status
    assert said in answer.json()["error"]["message"]


def test_an_unknown_account_is_not_found(running: Gateway) -> None:
    """Whichever route is asked."""
    nobody = {"name": "nobody"}
    answers = [post(running, nobody, path, {"version": "1"}) for path in ("", "/end")]
    answers.append(HTTP.get(f"{running.admin_url}/api/v1/accounts/nobody/agreements"))
    assert [answer.status_code for answer in answers] == [404, 400, 404]
