"""Accounts as values, and the pure rules of what each kind needs and who is refused.

Networks are parsed when an account is read; per request remain integer comparisons, and for an account without an
allow list nothing at all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from types import MappingProxyType

from gateway.errors import ErrorCode

Network = IPv4Network | IPv6Network

_ADDRESSES_CACHED = 4096
# The part of IPv6 in which dual-stack sockets show IPv4 peers (RFC 4291, 2.5.5.2).
_MAPPED = IPv6Network("::ffff:0:0/96")


class AccountKind(StrEnum):
    """What an account is for, and so how it is judged."""

    USER = "user"
    AUDIT = "audit"  # a regulator's: same filters, full trace, no strikes
    UNFILTERED = "unfiltered"  # filters observe and do not act


DEFAULT_TENANT = "default"
"""Tenant of an account that was made without one."""


@dataclass(frozen=True, slots=True)
class Binding:
    """An end user of an account who is judged as another kind of account is: a reviewer on a platform.

    Attributes:
        pseudonym: stands for the end user; see `gateway.audit.content.secrets.MasterKeys.pseudonym`.
        kind: how they are judged.
        created_at_us: when it was made, in microseconds of Unix time.
        expires_at_us: first moment it says nothing any more, the same unit; None is never.
        allow_from: networks it holds for; empty is anywhere.
        note: what it is for, in the operator's words.
    """

    pseudonym: str
    kind: AccountKind
    created_at_us: int
    expires_at_us: int | None = None
    allow_from: tuple[Network, ...] = ()
    note: str = ""


NO_BINDINGS: Mapping[str, Binding] = MappingProxyType({})
"""Bindings of the accounts that have none, which are nearly all."""


@dataclass(frozen=True, slots=True)
class Account:
    """One account as it was read from the store.

    Attributes:
        id: stable id, the one in audit entries.
        name: the operator's name for it, unique.
        kind: what it is for.
        policy: name of its own policy; None leaves it to the settings.
        created_at_us: when it was made, in microseconds of Unix time.
        expires_at_us: first moment it is refused, the same unit; None is never.
        disabled_at_us: when it was disabled; None while it is not.
        allow_from: networks it may be used from; empty is anywhere.
        tenant: whom it belongs to.
        models: models it may ask for; empty is any.
        trusts_end_user: whether its requests are believed when they name an end user.
        bindings: end users who are judged as another kind, by pseudonym.
    """

    id: str
    name: str
    kind: AccountKind
    policy: str | None
    created_at_us: int
    expires_at_us: int | None
    disabled_at_us: int | None
    allow_from: tuple[Network, ...]
    tenant: str = DEFAULT_TENANT
    models: tuple[str, ...] = ()
    trusts_end_user: bool = False
    bindings: Mapping[str, Binding] = field(default_factory=lambda: NO_BINDINGS)


def bounds_missing(kind: AccountKind, expires_at_us: int | None, allow_from: Sequence[Network]) -> bool:
    """Whether something of this kind lacks its bounds: what filters do not act on ends, and works from few places.

    Args:
        kind: the kind.
        expires_at_us: when it ends; None is never.
        allow_from: networks it is for; empty is anywhere.
    """
    # A leaked key of this kind must soon be worth nothing, and nowhere usable.
    return kind is AccountKind.UNFILTERED and (expires_at_us is None or not allow_from)


def refusal(account: Account, at_us: int, client_address: str | None) -> ErrorCode | None:
    """Return why an account may not be used now and from there, or None.

    Args:
        account: the account.
        at_us: time of the request, in microseconds of Unix time.
        client_address: the peer's IP address; None when it is not known, which an allow list refuses.
    """
    # Before expiry: an account that was shut on purpose should say so, whatever its date.
    if account.disabled_at_us is not None:
        return ErrorCode.ACCOUNT_DISABLED
    if has_ended(account.expires_at_us, at_us):
        return ErrorCode.ACCOUNT_EXPIRED
    if account.allow_from and not is_within(client_address, account.allow_from):
        return ErrorCode.ADDRESS_NOT_ALLOWED
    return None


def has_ended(expires_at_us: int | None, at_us: int) -> bool:
    """Whether something with this end is over; the end itself is outside."""
    return expires_at_us is not None and at_us >= expires_at_us


def parse_network(text: str) -> Network:
    """Read a network in CIDR form, or one address.

    Raises:
        ValueError: when it is neither, or has bits set behind its prefix.
    """
    network = ip_network(text)
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        # Addresses are compared unmapped, so networks are too.
        return IPv4Network((int(network.network_address) & 0xFFFF_FFFF, network.prefixlen - _MAPPED.prefixlen))
    return network


def is_within(client_address: str | None, networks: tuple[Network, ...]) -> bool:
    """Whether an address is in one of the networks; one that is unknown or unreadable is in none."""
    address = None if client_address is None else _parse_address(client_address)
    return address is not None and any(address in network for network in networks)


@lru_cache(_ADDRESSES_CACHED)
def _parse_address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
