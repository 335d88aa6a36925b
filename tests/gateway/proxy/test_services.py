"""The parts of a worker."""

import pytest

from gateway.accounts.account import AccountKind
from gateway.errors import ErrorCode
from gateway.protocol.policy import Policy
from gateway.protocol.verdicts import VerdictMemory
from gateway.proxy.services import new_memory
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


def test_each_worker_knows_texts_by_digests_of_its_own() -> None:
    """The key is drawn, so nobody outside can tell what a text is known by."""
    text = "闸门按计划打开，水位正常。" * 9
    digests = {memory.unread("a", [text]).digests for memory in (new_memory(), new_memory(), VerdictMemory())}
    assert len(digests) == 3
