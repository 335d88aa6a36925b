"""How often each address may fail: a rate per address, in a table that is bounded.

Rules: only failures cost anything, so who has a key notices nothing; a network of IPv6 counts as one address, since
whoever has one address of it has all; when the table is full, the address met longest ago begins anew. Used from one
thread.
"""

import time
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network, ip_address

from gateway.accounts.rates import Rate, RateTable

TABLE_ENTRIES = 10_000
"""Addresses remembered; about 200 bytes each."""

# What a provider gives one customer is at least this large (RFC 6177, section 2).
_CUSTOMER_PREFIX = 64
_UNKNOWN = "unknown"


class AttemptLimit:
    """Failures by address.

    Args:
        per_minute: failures an address may have in a row, and how many it may have a minute from then on.
        clock: seconds that never go back.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = Rate(per_minute)
        self._clock = clock
        self._table = RateTable(TABLE_ENTRIES)

    def __len__(self) -> int:
        return len(self._table)

    def allows(self, address: str | None) -> bool:
        """Whether an address may fail once more; None is one address of its own."""
        return self._take(address, 0)

    def note(self, address: str | None) -> None:
        """Count a failure."""
        self._take(address, 1)

    def _take(self, address: str | None, cost: int) -> bool:
        return self._table.use(_bucket(address), self._rate, int(self._clock() * 1_000_000), cost).allowed


@lru_cache(4096)
def _bucket(address: str | None) -> str:
    try:
        parsed = ip_address(address or "")
    except ValueError:
        return _UNKNOWN
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    # Dual-stack sockets show IPv4 peers as IPv6; all of those are one network of 64 bits.
    mapped = parsed.ipv4_mapped
    return str(mapped or IPv6Network((int(parsed), _CUSTOMER_PREFIX), strict=False))
