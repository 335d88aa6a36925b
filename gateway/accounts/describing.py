"""Accounts as commands and the API show them: one form for both, and no key in it."""

from collections.abc import Sequence
from typing import Any

from gateway.accounts.account import Account, Binding, has_ended
from gateway.accounts.store import KeyLife
from gateway.moments import show_moment


def describe_account(account: Account, now_us: int) -> dict[str, Any]:
    """Return what is shown of an account in a list.

    Args:
        account: the account.
        now_us: the time, in microseconds of Unix time.
    """
    return {
        "id": account.id,
        "name": account.name,
        "tenant": account.tenant,
        "kind": account.kind.value,
        "state": _state(account, now_us),
        "policy": account.policy,
        "models": list(account.models),
        "trusts_end_user": account.trusts_end_user,
        "created_at": show_moment(account.created_at_us),
        "expires_at": show_moment(account.expires_at_us),
        "disabled_at": show_moment(account.disabled_at_us),
        "allow_from": [str(network) for network in account.allow_from],
    }


def describe_fully(account: Account, keys: Sequence[KeyLife], now_us: int) -> dict[str, Any]:
    """Return what is shown of one account alone: how long its keys live, and whom it binds."""
    return {
        **describe_account(account, now_us),
        "keys": [
            {
                "created_at": show_moment(each.created_at_us),
                "expires_at": show_moment(each.expires_at_us),
                "state": "ended" if has_ended(each.expires_at_us, now_us) else "active",
            }
            for each in keys
        ],
        "bindings": [describe_binding(each, now_us) for each in account.bindings.values()],
    }


def describe_binding(binding: Binding, now_us: int) -> dict[str, Any]:
    """Return what is shown of a binding."""
    return {
        "pseudonym": binding.pseudonym,
        "kind": binding.kind.value,
        "state": "ended" if has_ended(binding.expires_at_us, now_us) else "active",
        "created_at": show_moment(binding.created_at_us),
        "expires_at": show_moment(binding.expires_at_us),
        "allow_from": [str(network) for network in binding.allow_from],
        "note": binding.note,
    }


def numbered_names(name: str, count: int | None) -> list[str]:
    """Return the names of accounts that are made together.

    Args:
        name: what they have in common.
        count: how many; None is one, of that very name.
    """
    if count is None:
        return [name]
    # Leading zeros keep a list that is sorted by name in the order of the numbers.
    digits = max(2, len(str(count)))
    return [f"{name}-{number:0{digits}}" for number in range(1, count + 1)]


def _state(account: Account, now_us: int) -> str:
    if account.disabled_at_us is not None:
        # Disabled wins over expired: it is what an operator did, and what enabling would undo.
        return "disabled"
    return "expired" if has_ended(account.expires_at_us, now_us) else "active"
