"""Rates: how much was used of so much a minute, as one number for each who is counted.

The generic cell rate algorithm (ITU-T I.371, virtual scheduling): kept is the moment at which everything used will
have come back. The arithmetic is pure; each process keeps a table of its own.

Why not a package: those for Python that are well kept start a thread for every few milliseconds of load, or keep one
entry for each request, and none takes a cost that is known only afterwards.
"""

from collections import OrderedDict
from typing import NamedTuple

MINUTE_US = 60_000_000
_MOST_DEBT_MINUTES = 2
"""How far a cost that was known too late can reach: a single long reply must not lock anybody out for an hour."""


class Rate(NamedTuple):
    """So much a minute.

    Attributes:
        per_minute: how much; all of it may be used at once.
    """

    per_minute: int

    @property
    def interval_us(self) -> float:
        """Time in which one of it comes back."""
        return MINUTE_US / self.per_minute


class Use(NamedTuple):
    """What became of an attempt to use something.

    Attributes:
        allowed: whether it may be used.
        full_at_us: when everything will have come back, in microseconds of Unix time; what has to be kept.
        remaining: how much is left.
        retry_us: how long to wait until the attempt would be allowed; 0 when it was.
        reset_us: how long until everything has come back.
    """

    allowed: bool
    full_at_us: float
    remaining: int
    retry_us: float
    reset_us: float


def use(rate: Rate, full_at_us: float, now_us: int, cost: int = 1) -> Use:
    """Use some of a rate, if so much is left.

    Args:
        rate: so much a minute.
        full_at_us: when everything used so far will have come back.
        now_us: the time, in microseconds of Unix time.
        cost: how much; 0 asks whether anything is left.
    """
    begin = max(full_at_us, now_us)
    end = begin + max(cost, 0) * rate.interval_us
    # To ask is to ask for one, without taking it.
    over_us = (end if cost else begin + rate.interval_us) - now_us - MINUTE_US
    allowed = over_us <= 0
    kept = end if allowed else begin
    remaining = max(0, int((now_us + MINUTE_US - kept) / rate.interval_us))
    return Use(allowed, kept, remaining, max(0.0, over_us), kept - now_us)


def charge(rate: Rate, full_at_us: float, now_us: int, cost: int) -> float:
    """Use what was used already, also where so much was not left; return when everything will have come back."""
    end = max(full_at_us, now_us) + cost * rate.interval_us
    return min(end, now_us + _MOST_DEBT_MINUTES * MINUTE_US)


class RateTable:
    """Who used how much, in this process: bounded, and whoever came least recently is forgotten first.

    Args:
        most: how many are remembered.
    """

    def __init__(self, most: int = 65_536) -> None:
        self._most = most
        self._full_at_us: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full_at_us)

    def use(self, key: str, rate: Rate, now_us: int, cost: int = 1) -> Use:
        """Use some of a rate, if so much is left; arguments as for `use`."""
        used = use(rate, self._full_at_us.get(key, 0), now_us, cost)
        self._put(key, used.full_at_us)
        return used

    def charge(self, key: str, rate: Rate, now_us: int, cost: int) -> None:
        """Use what was used already."""
        self._put(key, charge(rate, self._full_at_us.get(key, 0), now_us, cost))

    def _put(self, key: str, full_at_us: float) -> None:
        self._full_at_us[key] = full_at_us
        self._full_at_us.move_to_end(key)
        # Forgetting forgives, so nobody can be locked out by others; whoever floods is never the one met longest ago.
        if len(self._full_at_us) > self._most:
            self._full_at_us.popitem(last=False)
