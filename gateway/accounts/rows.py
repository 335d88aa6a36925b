"""Accounts as rows of the store, and back; and what the audit trail is told of them."""

import json
import sys
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from gateway.accounts.account import (
    DEFAULT_TENANT,
    NO_BINDINGS,
    Account,
    AccountKind,
    Binding,
    Network,
    parse_network,
)
from gateway.audit.events import showable

Said = dict[str, str | int]
"""Details of an event."""


def account_row(account: Account) -> dict[str, Any]:
    """Return an account's row, without the number of its last change."""
    return {
        "id": account.id,
        "name": account.name,
        "kind": account.kind.value,
        "policy": account.policy,
        "created_at_us": account.created_at_us,
        "expires_at_us": account.expires_at_us,
        "disabled_at_us": account.disabled_at_us,
        # Text, because arrays and network types are PostgreSQL's alone.
        "allow_from": _networks_text(account.allow_from),
        "tenant": account.tenant,
        "models": json.dumps(account.models, ensure_ascii=False),
        "trusts_end_user": account.trusts_end_user,
    }


def parse_account(row: Mapping[Any, Any], bindings: Iterable[Binding] = ()) -> Account:
    """Return the account of a row.

    Args:
        row: the row, with whatever columns of other tables.
        bindings: its end users that are bound.
    """
    by_pseudonym = {each.pseudonym: each for each in bindings}
    # What very many accounts have in common is in memory once.
    return Account(
        id=row["id"],
        name=row["name"],
        kind=AccountKind(row["kind"]),
        policy=row["policy"] and sys.intern(row["policy"]),
        created_at_us=row["created_at_us"],
        expires_at_us=row["expires_at_us"],
        disabled_at_us=row["disabled_at_us"],
        allow_from=_parse_networks(row["allow_from"]),
        tenant=sys.intern(row["tenant"]),
        models=tuple(json.loads(row["models"])),
        trusts_end_user=row["trusts_end_user"],
        bindings=MappingProxyType(by_pseudonym) if by_pseudonym else NO_BINDINGS,
    )


def binding_row(account_id: str, binding: Binding) -> dict[str, Any]:
    """Return a binding's row."""
    return {
        "account_id": account_id,
        "pseudonym": binding.pseudonym,
        "kind": binding.kind.value,
        "created_at_us": binding.created_at_us,
        "expires_at_us": binding.expires_at_us,
        "allow_from": _networks_text(binding.allow_from),
        "note": binding.note,
    }


def parse_binding(row: Mapping[Any, Any]) -> Binding:
    """Return the binding of a row."""
    return Binding(
        pseudonym=row["pseudonym"],
        kind=AccountKind(row["kind"]),
        created_at_us=row["created_at_us"],
        expires_at_us=row["expires_at_us"],
        allow_from=_parse_networks(row["allow_from"]),
        note=row["note"],
    )


def said_of(value: Account | Binding) -> Said:
    """Return what an event says of an account or a binding: what decides, and no name of anybody."""
    given: dict[str, str | int | None] = {
        "expires_at_us": value.expires_at_us,
        "allow_from": _listed(map(str, value.allow_from)),
    }
    if isinstance(value, Account):
        given |= {
            "policy": value.policy and showable(value.policy),
            "tenant": None if value.tenant == DEFAULT_TENANT else showable(value.tenant),
            "models": _listed(value.models),
            "trusts_end_user": "yes" if value.trusts_end_user else None,
        }
    return {"kind": value.kind.value} | {key: said for key, said in given.items() if said is not None}


def _listed(texts: Iterable[str]) -> str | None:
    return showable(", ".join(texts)) or None


def _networks_text(networks: Iterable[Network]) -> str:
    return json.dumps([str(network) for network in networks])


def _parse_networks(text: str) -> tuple[Network, ...]:
    return tuple(parse_network(each) for each in json.loads(text))
