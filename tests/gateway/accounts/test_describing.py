"""How accounts are shown: their state, and never a key."""

from dataclasses import replace

import pytest

from gateway.accounts.account import AccountKind, Binding
from gateway.accounts.describing import describe_account, describe_binding, describe_fully, numbered_names
from gateway.accounts.store import KeyLife
from tests.gateway.accounts.samples import AT_US, sample_account


@pytest.mark.parametrize(
    ("expires_at_us", "disabled_at_us", "state"),
    [(None, None, "active"), (AT_US, None, "expired"), (AT_US, 1, "disabled"), (AT_US + 1, None, "active")],
)
def test_the_state_is_what_a_request_would_meet(
    expires_at_us: int | None, disabled_at_us: int | None, state: str
) -> None:
    """What an operator did goes before what time did."""
    account = sample_account(expires_at_us=expires_at_us, disabled_at_us=disabled_at_us)
    assert describe_account(account, AT_US)["state"] == state


def test_one_account_is_shown_with_keys_and_bindings() -> None:
    """How long each lives, and whether it still does."""
    binding = Binding("A" * 22, AccountKind.AUDIT, 1, AT_US + 1, note="province")
    account = replace(sample_account(), bindings={binding.pseudonym: binding})
    shown = describe_fully(account, [KeyLife(1, None), KeyLife(1, AT_US)], AT_US)
    assert [each["state"] for each in shown["keys"]] == ["active", "ended"]
    assert shown["bindings"] == [describe_binding(binding, AT_US)]
    assert (shown["bindings"][0]["state"], shown["bindings"][0]["note"]) == ("active", "province")


def test_names_of_many_are_numbered() -> None:
    """In an order that sorting by name keeps."""
    assert numbered_names("one", None) == ["one"]
    assert numbered_names("one", 2) == ["one-01", "one-02"]
    many = numbered_names("one", 100)
    assert (many[0], many[-1], sorted(many)) == ("one-001", "one-100", many)
