"""Strikes over HTTP: what clients see, on one process and on two in front of one store."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.accounts.account import AccountKind
from gateway.audit.event_forms import EventName
from gateway.strikes.store import StrikeStore
from tests.gateway.strikes.gateways import CLEAN, make_platform, platform
from tests.gateway.strikes.scenarios import SCENARIOS, kill
from tests.gateways import BLOCKED, Gateway, chat, gateway

SETTINGS: dict[str, Any] = {"server": {"public_url": "https://ai.example/"}, "strikes": {"enabled": True}}
CLIENTS = 12


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, standin_url: str) -> Iterator[Gateway]:
    """A gateway that counts strikes; each test has end users of its own."""
    with gateway(tmp_path_factory.mktemp("strikes"), standin_url, SETTINGS) as running:
        believe_end_users(running)
        yield running


def believe_end_users(served: Gateway) -> None:
    """Have tests ask with the key of an account that is believed about its end users."""
    _, served.keys[AccountKind.USER] = make_platform(served.store, "platform")


def statuses(served: Gateway, end_user: str, *prompts: str) -> list[int]:
    """Send prompts one behind the other."""
    return [served.post(chat(prompt, user=end_user)).status_code for prompt in prompts]


def test_whoever_is_suspended_is_told_until_when_and_how_to_appeal(served: Gateway) -> None:
    """In the error shape of each format, on every route, and in the record."""
    blocked = [served.post(chat(BLOCKED, user="alice")) for _ in range(3)]
    assert [answer.headers.get("x-sluice-warning") for answer in blocked] == [None, "suspension", "suspended"]
    answer = served.post(chat(CLEAN, user="alice"))
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (403, "end_user_suspended")
    request_id = blocked[2].headers["x-request-id"]
    assert error["message"].endswith(f"https://ai.example/complaints?category=appeal&request={request_id}")
    assert 86_000 < int(answer.headers["retry-after"]) <= 86_401
    record = served.record(answer.headers["x-request-id"])
    assert (record.error, record.user) == ("end_user_suspended", served.record(request_id).user)
    assert record.user
    turn = [{"role": "user", "content": "hi"}]
    messages = {"model": "m", "max_tokens": 9, "metadata": {"user_id": "alice"}, "messages": turn}
    assert served.post(messages, path="/v1/messages").json()["error"]["type"] == "permission_error"
    assert served.post({"model": "m", "input": "hi", "user": "alice"}, path="/v1/moderations").status_code == 403


def test_an_account_as_such_is_another_person(served: Gateway) -> None:
    """Its end users are served on, and it is told so in a code of its own."""
    _, key = make_platform(served.store, "anonymous")
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    for _ in range(3):
        assert served.post(chat(BLOCKED), headers=headers).status_code == 200
    refused = served.post(chat(CLEAN), headers=headers)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "account_suspended")
    assert served.post(chat(CLEAN, user="bob"), headers=headers).status_code == 200


def test_whoever_is_not_believed_cannot_hide_behind_names(served: Gateway) -> None:
    """A new name with each prompt is the same account."""
    _, key = served.store.create("one person", AccountKind.USER, at_us=1)
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    for number in range(3):
        assert served.post(chat(BLOCKED, user=f"somebody {number}"), headers=headers).status_code == 200
    refused = served.post(chat(CLEAN, user="somebody else"), headers=headers)
    assert refused.json()["error"]["code"] == "account_suspended"


@pytest.mark.parametrize("kind", [AccountKind.AUDIT, AccountKind.UNFILTERED])
def test_a_regulators_account_is_never_suspended(served: Gateway, kind: AccountKind) -> None:
    """It sends such prompts on purpose."""
    for _ in range(6):
        assert served.post(chat(BLOCKED), headers=served.headers(kind)).status_code == 200


def test_a_verdict_and_a_count_of_tokens_are_no_turns(served: Gateway) -> None:
    """Neither do they count, nor do they end a row."""
    for _ in range(2):
        served.post(chat(BLOCKED, user="carol"))
        served.post({"model": "m", "input": BLOCKED, "user": "carol"}, path="/v1/moderations")
        served.post({"model": "m", "input": "hi", "user": "carol"}, path="/v1/embeddings")
    assert served.post(chat(BLOCKED, user="carol")).headers["x-sluice-warning"] == "suspended"


def test_a_conversation_that_comes_again_is_no_further_strike(served: Gateway) -> None:
    """A chat client sends its history with every turn; two harmless ones behind one bad must not suspend."""
    history = [{"role": "user", "content": BLOCKED}]
    for _ in range(6):
        answer = served.post({"model": "m", "messages": history, "user": "dave"})
        assert answer.status_code == 200
        history += [{"role": "assistant", "content": "很抱歉。"}, {"role": "user", "content": CLEAN}]
    assert statuses(served, "dave", CLEAN) == [200]


def test_lifting_works_at_once(served: Gateway) -> None:
    """Also where the command line does it, which knows the store alone."""
    assert statuses(served, "erin", BLOCKED, BLOCKED, BLOCKED, CLEAN) == [200, 200, 200, 403]
    store = StrikeStore(served.store._engine)
    (person,) = [past.person for past in store.history(limit=1)]
    assert store.lift(person, "cli:somebody")
    assert statuses(served, "erin", CLEAN, BLOCKED) == [200, 200]


def test_the_identity_of_an_end_user_is_nowhere(served: Gateway) -> None:
    """Neither in the store nor in an event: a pseudonym stands for it."""
    statuses(served, "frank-the-first", BLOCKED, BLOCKED)
    store = StrikeStore(served.store._engine)
    (warned,) = [each for each in served.events() if each.name is EventName.STRIKES_WARNED][-1:]
    assert warned.subject == store.history(limit=1)[0].person.end_user
    written = repr(store.history()) + repr(served.events())
    assert "frank" not in written


def test_what_is_counted_is_measured(served: Gateway) -> None:
    """By what it led to."""
    before = served.metric("sluice_strikes_total", measure="warned")
    statuses(served, "grace", BLOCKED, BLOCKED)
    assert served.metric("sluice_strikes_total", measure="warned") == before + 1


def test_a_store_that_fails_lets_nobody_by(tmp_path: Path, standin_url: str) -> None:
    """Neither the refusal of a strike that cannot be counted, nor a request of whom it might concern."""
    with gateway(tmp_path, standin_url, SETTINGS) as running:
        believe_end_users(running)
        assert statuses(running, "alice", BLOCKED) == [200]
        with running.store._engine.begin() as connection:
            connection.exec_driver_sql("DROP TABLE strike_counts")
        assert statuses(running, "alice", CLEAN, BLOCKED) == [503, 503]
        assert statuses(running, "bob", BLOCKED, CLEAN) == [503, 200]


def test_nobody_is_suspended_where_strikes_are_off(tmp_path: Path, standin_url: str) -> None:
    """The prompts are blocked all the same."""
    with gateway(tmp_path, standin_url) as running:
        assert statuses(running, "alice", *[BLOCKED] * 6, CLEAN) == [200] * 7


@pytest.mark.parametrize(
    ("store", "with_redis"),
    [
        ("sqlite_url", False),
        pytest.param("postgresql_url", True, marks=[pytest.mark.postgresql, pytest.mark.redis]),
    ],
)
def test_two_processes_keep_the_rule(
    store: str,
    with_redis: bool,  # noqa: FBT001 a case
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    """A sample of `benchmarks/strikes.py`, which plays it with fifty clients and four processes."""
    redis_url = request.getfixturevalue("redis_url") if with_redis else None
    with platform(tmp_path, request.getfixturevalue(store), 2, redis_url) as running:
        chance = random.Random(20261125)  # noqa: S311 repeatable
        for scenario in SCENARIOS:
            scenario(running, CLIENTS, chance)
        kill(running, CLIENTS, chance)
