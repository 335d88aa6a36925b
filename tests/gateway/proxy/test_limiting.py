"""How much may be asked for."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.accounts.account import Account, AccountKind, Binding
from gateway.accounts.rates import MINUTE_US
from gateway.errors import ErrorCode
from gateway.protocol.record import ExchangeRecord
from gateway.proxy.limiting import Limiter
from gateway.settings.limits import Limits

NOW = 1_700_000_000_000_000


def account(name: str = "shop", kind: AccountKind = AccountKind.USER) -> Account:
    """Build an account."""
    return Account(f"acc-{name}", name, kind, None, 0, None, None, ())


def limiter(**settings: Any) -> Limiter:  # noqa: ANN401 any setting
    """Build what limits by these settings."""
    return Limiter(Limits.model_validate(settings))


def record(characters: int) -> ExchangeRecord:
    """Build the record of an exchange that was so long."""
    return ExchangeRecord("r", NOW, NOW, prompt_characters=characters, reply_characters=characters)


def test_who_is_not_limited_is_not_counted() -> None:
    """Nor told of limits there are not."""
    free = limiter()
    assert free.enter(account(), NOW) is None
    assert free.admit(account(), "p", NOW, streamed=True) == (None, (), None)


def test_an_account_is_refused_before_its_body_is_read() -> None:
    """With what is limited and how long to wait; another account is not touched by it."""
    limited = limiter(requests_per_minute=2)
    assert [limited.enter(account(), NOW) for _ in range(2)] == [None, None]
    refused = limited.enter(account(), NOW)
    assert refused is not None
    assert refused.refusal == (ErrorCode.RATE_LIMITED, "The limit is on requests of this account.", 30, None)
    assert dict(refused.headers)[b"x-ratelimit-remaining-requests"] == b"0"
    assert limited.enter(account("other"), NOW) is None
    assert limited.enter(account(), NOW + MINUTE_US // 2) is None


@pytest.mark.parametrize("kind", [AccountKind.AUDIT, AccountKind.UNFILTERED])
def test_reviewers_are_not_limited(kind: AccountKind) -> None:
    """Their accounts have to work at any time."""
    limited = limiter(requests_per_minute=1)
    assert [limited.enter(account(kind=kind), NOW) for _ in range(3)] == [None] * 3


def test_an_account_that_binds_reviewers_is_counted_behind_its_body() -> None:
    """Before it nobody knows whether one of them is asking, whom the others' requests must not shut out."""
    limited = limiter(requests_per_minute=1)
    bound = {"p": Binding("p", AccountKind.AUDIT, 0, None, (), "")}
    platform = replace(account(), bindings=bound)
    assert [limited.enter(platform, NOW) for _ in range(3)] == [None] * 3
    first, second = (limited.admit(platform, "eve", NOW, streamed=False) for _ in range(2))
    assert first.refusal is None
    assert second.refusal == (ErrorCode.RATE_LIMITED, "The limit is on requests of this account.", 60, None)


def test_an_account_may_have_limits_of_its_own() -> None:
    """In place of the common ones, not beside them."""
    limited = limiter(requests_per_minute=1, accounts={"shop": {"requests_per_minute": 3}})
    assert [limited.enter(account(), NOW) is None for _ in range(4)] == [True, True, True, False]


def test_each_end_user_of_an_account_is_limited() -> None:
    """One who floods takes nothing from the others."""
    limited = limiter(end_user={"requests_per_minute": 1})
    assert limited.admit(account(), "a", NOW, streamed=False).refusal is None
    refused = limited.admit(account(), "a", NOW, streamed=False).refusal
    assert refused == (ErrorCode.RATE_LIMITED, "The limit is on requests of this end user.", 60, None)
    assert limited.admit(account(), "b", NOW, streamed=False).refusal is None
    assert limited.admit(account("other"), "a", NOW, streamed=False).refusal is None


def test_what_is_left_is_told_in_the_names_clients_know() -> None:
    """Of each kind, whatever leaves least: an end user reads their own limit where it is the nearer one."""
    limited = limiter(requests_per_minute=100, tokens_per_minute=600, end_user={"requests_per_minute": 4})
    limited.enter(account(), NOW)
    assert dict(limited.admit(account(), "a", NOW, streamed=False).headers) == {
        b"x-ratelimit-limit-requests": b"4",
        b"x-ratelimit-remaining-requests": b"3",
        b"x-ratelimit-reset-requests": b"15000ms",
        b"x-ratelimit-limit-tokens": b"600",
        b"x-ratelimit-remaining-tokens": b"600",
        b"x-ratelimit-reset-tokens": b"0ms",
    }
    assert dict(limited.admit(account(), "", NOW, streamed=False).headers)[b"x-ratelimit-remaining-requests"] == b"99"


def test_tokens_are_charged_when_they_are_known() -> None:
    """Whoever has none left is refused from then on, until some came back."""
    limited = limiter(tokens_per_minute=100, characters_per_token=2)
    assert limited.admit(account(), "a", NOW, streamed=False).refusal is None
    limited.conclude(account(), "a", record(150))
    refused = limited.admit(account(), "a", NOW, streamed=False).refusal
    assert refused is not None
    assert refused.detail == "The limit is on tokens of this account."
    assert refused.retry_after_seconds == 31
    assert limited.admit(account(), "a", NOW + 31_000_000, streamed=False).refusal is None


def test_so_many_streams_may_be_open() -> None:
    """Of the account and of the end user; a place that was not taken for good is given back."""
    limited = limiter(concurrent_streams=2, end_user={"concurrent_streams": 1})
    first = limited.admit(account(), "a", NOW, streamed=True)
    assert first.refusal is None
    again = limited.admit(account(), "a", NOW, streamed=True)
    assert again.refusal == (ErrorCode.RATE_LIMITED, "The limit is on streams of this end user.", 1, None)
    assert limited.admit(account(), "a", NOW, streamed=False).refusal is None
    second = limited.admit(account(), "b", NOW, streamed=True)
    third = limited.admit(account(), "c", NOW, streamed=True)
    assert third.refusal == (ErrorCode.RATE_LIMITED, "The limit is on streams of this account.", 1, None)
    assert first.release is not None
    first.release()
    assert second.refusal is None
    assert limited.admit(account(), "c", NOW, streamed=True).refusal is None
