"""Agreements in the store."""

from typing import Any

import pytest
from sqlalchemy import Engine

from gateway.accounts.account import AccountKind
from gateway.accounts.agreements import AgreementStore, describe_agreement
from gateway.accounts.drafts import AccountError, NoAccountError
from gateway.accounts.store import AccountStore
from gateway.audit.event_forms import EVENTS, EventName
from gateway.errors import ResourceError

AT_US = 1_700_000_000_000_000


@pytest.fixture
def account(store_engine: Engine) -> str:
    """The id of an account named shop."""
    return AccountStore(store_engine).create("shop", AccountKind.USER, at_us=1)[0].id


def test_an_agreement_holds_until_it_is_ended_or_another_takes_its_place(store_engine: Engine, account: str) -> None:
    """None is changed or deleted: which wording held when is what has to be shown later."""
    store = AgreementStore(store_engine)
    before = store.revision()
    first = store.accept("shop", "p1", "2026-1", AT_US - 5, AT_US)
    assert store.holding() == (before + 1, {(account, "p1"): first.id})
    second = store.accept(account, "p1", "2026-2", AT_US + 1, AT_US + 1)
    own = store.accept("shop", "", "2026-2", AT_US, AT_US + 2)
    assert store.holding()[1] == {(account, "p1"): second.id, (account, ""): own.id}
    store.end("shop", "p1", AT_US + 9)
    assert store.holding() == (before + 4, {(account, ""): own.id})
    assert [(each.id, each.ended_at_us) for each in store.list_all("shop")] == [
        (second.id, AT_US + 9),
        (own.id, None),
        (first.id, AT_US + 1),
    ]
    assert store.list_all() == store.list_all(account)


def test_each_step_is_recorded_before_it_takes_effect(store_engine: Engine, account: str) -> None:
    """With what its form says, and nothing else; what cannot be recorded does not happen."""
    told: list[Any] = []
    store = AgreementStore(store_engine, lambda *event: told.append(event))
    made = store.accept("shop", "p1", "2026-1", AT_US, AT_US)
    store.end("shop", "p1", AT_US)
    assert [(name, subject) for name, subject, _ in told] == [
        (EventName.LABELS_WAIVED, made.id),
        (EventName.LABELS_RESTORED, made.id),
    ]
    assert all(set(details) <= set(EVENTS[name].details) for name, _, details in told)
    assert told[0][2]["user"] == "p1"

    def refuse(*_event: object) -> None:
        raise ResourceError

    with pytest.raises(ResourceError):
        AgreementStore(store_engine, refuse).accept("shop", "p1", "2026-1", AT_US, AT_US)
    assert store.holding()[1] == {}


@pytest.mark.parametrize("version", ["", " x", "x" * 65, "a\nb"])
def test_a_version_is_a_name(store_engine: Engine, account: str, version: str) -> None:
    """It is shown in lists, and stands in entries."""
    assert account
    with pytest.raises(AccountError, match="version"):
        AgreementStore(store_engine).accept("shop", "p1", version, AT_US, AT_US)


def test_what_cannot_be_is_refused(store_engine: Engine, account: str) -> None:
    """An unknown account, an acceptance to come, an end of what does not hold."""
    assert account
    store = AgreementStore(store_engine)
    with pytest.raises(NoAccountError, match="'nobody'"):
        store.accept("nobody", "p1", "1", AT_US, AT_US)
    with pytest.raises(AccountError, match="future"):
        store.accept("shop", "p1", "1", AT_US + 1, AT_US)
    with pytest.raises(AccountError, match="No agreement holds"):
        store.end("shop", "p1", AT_US)


def test_an_agreement_is_described_in_moments(store_engine: Engine, account: str) -> None:
    """As people and programs read it."""
    made = AgreementStore(store_engine).accept("shop", "", "1", AT_US, AT_US)
    assert describe_agreement(made) == {
        "id": made.id,
        "account": account,
        "end_user": None,
        "version": "1",
        "accepted_at": "2023-11-14T22:13:20Z",
        "ended_at": None,
    }
