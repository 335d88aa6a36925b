"""The parts of a worker."""

import pytest

from gateway.accounts.account import AccountKind
from gateway.errors import ErrorCode
from gateway.protocol.policy import Policy
from tests.gateways import FOREVER_US, LOOPBACK, Gateway, chat, expect_error


@pytest.mark.parametrize(("name", "expected"), [("strict", "strict"), (None, "default")])
def test_an_account_without_a_policy_of_its_own_has_the_default(
    shared: Gateway, monkeypatch: pytest.MonkeyPatch, name: str | None, expected: str
) -> None:
    """An account that names one is judged by that one."""
    monkeypatch.setitem(shared.services.policies, "strict", Policy("strict"))
    assert shared.services.policy(name).name == expected


def test_an_account_whose_policy_is_gone_is_turned_away(shared: Gateway) -> None:
    """Any other policy would judge by rules nobody chose for it."""
    _, key = shared.store.create(
        "gone", AccountKind.USER, policy="gone", expires_at_us=FOREVER_US, allow_from=LOOPBACK, at_us=1
    )
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    expect_error(shared, ErrorCode.POLICY_UNKNOWN, lambda: shared.post(chat("hello"), headers=headers))
