"""How often each address may fail: a bucket of tokens per address, in a table that is bounded.

Rules: only failures cost a token, so who has a key notices nothing; a network of IPv6 counts as one address, since
whoever has one address of it has all; when the table is full, the address that failed longest ago begins anew. Used
from one thread.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network, ip_address

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
        self._interval_seconds = 60 / per_minute
        self._clock = clock
        # By address, when its bucket is full again: the whole state of a bucket (as in GCRA, ITU-T I.371, A.1).
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full_at)

    def allows(self, address: str | None) -> bool:
        """Whether an address has a token left; None is one address of its own."""
        # A minute's worth of tokens is the bucket; half a token of room, since sums of fractions are not exact.
        longest = 60 - self._interval_seconds / 2
        return self._full_at.get(_bucket(address), 0.0) - self._clock() < longest

    def note(self, address: str | None) -> None:
        """Take a token for a failure."""
        bucket, now = _bucket(address), self._clock()
        self._full_at[bucket] = max(now, self._full_at.get(bucket, now)) + self._interval_seconds
        self._full_at.move_to_end(bucket)
        if len(self._full_at) > TABLE_ENTRIES:
            self._full_at.popitem(last=False)


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
