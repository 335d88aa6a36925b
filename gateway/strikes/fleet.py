"""Marks for a fleet: a set in Redis of everybody who may have open strikes, shared by all gateways of a store.

The store decides; Redis only says who need not be looked up there. That is believed while the **lease** lasts, a key
of three seconds. Rules: a mark is set before the strike's transaction commits. Where it cannot be, that is counted in
the store with the strike; then nobody renews the lease before the set was written anew, and whoever counted waits
for the lease to run out. So a Redis that is away, was emptied or restarted costs time and is never believed.

A lease is reckoned from the time Redis gave before the store was read: renewed by a slow gateway, it ends no later.
"""

import contextlib
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import cast

import redis
import redis.asyncio
import structlog
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from gateway.strikes.person import Person
from gateway.strikes.store import StrikeStore

_LOG = structlog.get_logger(__name__)

LEASE_SECONDS = 3.0
"""How long marks are believed after they were last known to be complete."""

TIMEOUT_SECONDS = 0.5
"""Longest wait for Redis; behind it the store is asked."""

_AVOID_SECONDS = 1.0  # Redis is left alone after a failure, so that not every request waits for it
_MOST_CONNECTIONS = 64
_LEASE, _OPEN, _BUILT, _EPOCH = (f"sluice:strikes:{name}" for name in ("lease", "open", "built", "epoch"))

# Written only if nobody set a mark since the epoch was read: whoever lost the lock of the store meanwhile writes
# nothing. In thousands, since Lua hands a function no more than some thousand values.
_WRITE = """
if (redis.call('GET', KEYS[1]) or '0') ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[2])
for first = 3, #ARGV, 1000 do
  redis.call('SADD', KEYS[2], unpack(ARGV, first, math.min(first + 999, #ARGV)))
end
redis.call('SET', KEYS[3], ARGV[2])
return 1
"""


class FleetMarks:
    """Marks in one Redis database, which holds nothing else of the kind.

    `needs_store` belongs to the event loop, the rest to threads.

    Args:
        url: its address.
    """

    def __init__(self, url: str) -> None:
        # Not tried again here: the store is asked instead.
        self._asking = redis.asyncio.Redis.from_url(
            url,
            retry=AsyncRetry(NoBackoff(), 0),
            max_connections=_MOST_CONNECTIONS,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
        )
        self._setting = redis.Redis.from_url(
            url,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
        )
        self._avoid_until = 0.0
        self._failing = False

    async def needs_store(self, person: Person) -> bool:
        """Whether the store must be asked about a person: they are marked, or the marks are not to be believed."""
        if time.monotonic() < self._avoid_until:
            return True
        try:
            # One way there and back for both.
            asked = self._asking.pipeline(transaction=False)
            asked.exists(_LEASE)
            asked.sismember(_OPEN, _member(person))
            lease, marked = await asked.execute()
        except (RedisError, OSError) as exc:
            self._avoid_until = time.monotonic() + _AVOID_SECONDS
            self._report(exc)
            return True
        return not lease or bool(marked)

    def set(self, people: Iterable[Person]) -> bool:
        """Mark people; False when Redis is away, or did not answer in time."""
        with self._tried() as done:
            # The epoch first: whoever writes the set anew must see that it has changed.
            setting = self._setting.pipeline()
            setting.incr(_EPOCH)
            setting.sadd(_OPEN, *map(_member, people))
            setting.execute()
            done.append(True)
        return bool(done)

    def keep(self, store: StrikeStore, *, anew: bool = False) -> bool:
        """Renew the lease where the marks are complete, else write them anew first.

        Args:
            store: what they are made of.
            anew: write them in any case, which clears those that nobody needs any more.

        Returns:
            Whether they are believed now.

        Raises:
            StorageError: the store fails.
        """
        with self._tried() as done:
            if anew or self._built() != self._wanted(store):
                store.rebuild(self._write)
            # In this order: a strike whose mark fails after the store was read finds a lease that ends in time.
            seconds, microseconds = self._setting.time()
            if self._built() == self._wanted(store):
                ends_ms = seconds * 1000 + microseconds // 1000 + int(LEASE_SECONDS * 1000)
                self._setting.set(_LEASE, 1, pxat=ends_ms)
                done.append(True)
        return bool(done)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._asking.aclose()
        self._setting.close()

    def _write(self, people: Sequence[Person], unmarked: int) -> None:
        epoch = self._setting.get(_EPOCH) or b"0"
        built = self._name(unmarked)
        self._setting.eval(_WRITE, 3, _EPOCH, _OPEN, _BUILT, epoch, built, *map(_member, people))

    def _built(self) -> bytes:
        return cast("bytes", self._setting.get(_BUILT) or b"")

    def _wanted(self, store: StrikeStore) -> bytes:
        return self._name(store.unmarked())

    def _name(self, unmarked: int) -> bytes:
        """Name a set that is complete, by the run of Redis it was written in: another may have read old data."""
        return f"{self._setting.info('server')['run_id']}/{unmarked}".encode()

    @contextlib.contextmanager
    def _tried(self) -> Iterator[list[bool]]:
        """Let Redis fail without a trace but in the log."""
        done: list[bool] = []
        try:
            yield done
        except (RedisError, OSError) as exc:
            done.clear()
            self._report(exc)
        else:
            if self._failing:
                _LOG.info("redis_recovered")
            self._failing = False

    def _report(self, error: Exception) -> None:
        if not self._failing:
            # Its kind alone: the message of some names the address, which may hold a password.
            _LOG.error("redis_away", error=type(error).__name__, effect="strikes are looked up in the store")
        self._failing = True


def _member(person: Person) -> str:
    return f"{person.account}/{person.end_user}"
