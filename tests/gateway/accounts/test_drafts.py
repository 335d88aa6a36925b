"""What may be made of accounts and bindings, before anything is stored."""

from typing import Any

import pytest

from gateway.accounts.account import AccountKind, parse_network
from gateway.accounts.drafts import (
    MODEL_CHARACTERS,
    MOST_MODELS,
    MOST_NETWORKS,
    NAME_CHARACTERS,
    NOTE_CHARACTERS,
    AccountDraft,
    AccountError,
    BindingDraft,
)

NETWORK = parse_network("10.0.0.0/8")
PSEUDONYM = "A" * 22


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"name": "acc-0123456789abcdef"}, "look like an id"),
        ({"tenant": ""}, "tenant's name is 1 to 64"),
        ({"tenant": "x" * (NAME_CHARACTERS + 1)}, "tenant's name is 1 to 64"),
        ({"models": ("m",) * (MOST_MODELS + 1)}, "at most 256 models"),
        ({"models": ("",)}, "at most 256 models"),
        ({"models": ("a\nb",)}, "at most 256 models"),
        ({"models": ("m" * (MODEL_CHARACTERS + 1),)}, "at most 256 models"),
        ({"allow_from": (NETWORK,) * (MOST_NETWORKS + 1)}, "At most 256 networks"),
        ({"kind": AccountKind.UNFILTERED, "expires_at_us": 1}, "expiry and a list of networks"),
        ({"kind": AccountKind.UNFILTERED, "allow_from": (NETWORK,)}, "expiry and a list of networks"),
    ],
)
def test_an_account_nobody_should_have_is_refused(members: dict[str, Any], said: str) -> None:
    """With what is wrong, and what to do."""
    with pytest.raises(AccountError, match=said):
        AccountDraft(**{"name": "one", "kind": AccountKind.USER, **members})


def test_an_audit_account_needs_no_bounds() -> None:
    """A regulator's account must work at any time."""
    assert AccountDraft("review", AccountKind.AUDIT).expires_at_us is None


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"pseudonym": "reviewer@example.org"}, "22 characters of base64url"),
        ({"pseudonym": PSEUDONYM + "A"}, "22 characters of base64url"),
        ({"kind": AccountKind.USER}, "audit or unfiltered"),
        ({"note": "x" * (NOTE_CHARACTERS + 1)}, "at most 200 printable"),
        ({"note": "a\x1b[2Jb"}, "at most 200 printable"),
        ({"kind": AccountKind.UNFILTERED, "expires_at_us": 1}, "expiry and a list of networks"),
        ({"kind": AccountKind.UNFILTERED, "allow_from": (NETWORK,)}, "expiry and a list of networks"),
    ],
)
def test_a_binding_nobody_should_make_is_refused(members: dict[str, Any], said: str) -> None:
    """A name in place of a pseudonym would go into the store and the trail."""
    with pytest.raises(AccountError, match=said) as caught:
        BindingDraft(**{"pseudonym": PSEUDONYM, "kind": AccountKind.AUDIT, **members})
    assert "example.org" not in str(caught.value)
