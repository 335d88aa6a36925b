"""The parts of a worker."""

import pytest

from gateway.protocol.policy import Policy
from tests.gateways import Gateway


@pytest.mark.parametrize(("name", "expected"), [("strict", "strict"), (None, "default"), ("gone", "default")])
def test_an_account_without_a_policy_of_its_own_has_the_default(
    shared: Gateway, monkeypatch: pytest.MonkeyPatch, name: str | None, expected: str
) -> None:
    """So has one whose policy was taken out of the settings: it is never judged by nothing."""
    monkeypatch.setitem(shared.services.policies, "strict", Policy("strict"))
    assert shared.services.policy(name).name == expected
