"""Who is asking: keys to accounts, on the data plane's event loop.

Rules: what is remembered is answered without a task or a thread; what is not costs one read, in a thread, however
many requests wait for it. Reads under way, waits, answers kept and failures per address are bounded. Every answer is
checked anew for expiry, disabling and address. A change in the store is seen at the next poll, and only what changed
is read anew; while the store is away, remembered answers serve up to a stated age.

Who sends no key or a wrong one too often is told so with 429. There are two bounds: on refusals, which cost us an
answer and an entry each, and on keys that were looked up and not found, which are the guesses. Known keys pass
either; a key nobody has seen yet is not looked up for an address that guesses, while one that repeats its mistake
does not keep others behind the same address out.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NoReturn, Protocol

from gateway.accounts.account import Account, has_ended, refusal
from gateway.accounts.attempts import AttemptLimit
from gateway.accounts.cache import CredentialCache
from gateway.accounts.keys import parse_key
from gateway.accounts.store import Credential
from gateway.errors import ErrorCode, RequestError
from gateway.storage.engine import StorageError

STALE_LIMIT_SECONDS = 300.0
"""How long remembered answers serve while the store is away."""

WAIT_LIMIT_SECONDS = 5.0
"""Longest that a request waits for the store."""

READING_THREADS = 2
FAILURES_PER_MINUTE = 60
"""Requests without a known key that an address may send a minute."""

PENDING_LIMIT = 64
"""Keys being looked up at the same time; one more is refused, so that guesses cannot pile up behind a slow store."""


class CredentialSource(Protocol):
    """What the directory reads: `AccountStore`, as far as it needs it."""

    def find_by_digest(self, digest: bytes) -> Credential | None:
        """Return what the key with this digest gives access to; raise StorageError when the store is away."""
        ...

    def revision(self) -> int:
        """Return the counter of changes; raise StorageError when the store is away."""
        ...

    def changed_since(self, revision: int) -> frozenset[str] | None:
        """Return whose accounts changed since the counter had a number, None for too many; or raise StorageError."""
        ...


class AccountDirectory:
    """Authenticates requests from one event loop; close it when that loop is done.

    Args:
        source: where accounts are read.
        stale_limit_seconds: how long answers serve that the store no longer confirms.
        wait_limit_seconds: longest that a request waits for the store.
        failures_per_minute: requests without a known key that an address may send.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        source: CredentialSource,
        *,
        stale_limit_seconds: float = STALE_LIMIT_SECONDS,
        wait_limit_seconds: float = WAIT_LIMIT_SECONDS,
        failures_per_minute: int = FAILURES_PER_MINUTE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._clock = clock
        self._wait_limit_seconds = wait_limit_seconds
        self._cache = CredentialCache(stale_limit_seconds)
        self._refusals = AttemptLimit(failures_per_minute, clock)
        self._guesses = AttemptLimit(failures_per_minute, clock)
        self._revision: int | None = None
        # Counts how often something was forgotten, so that a read begun before that is not remembered after it.
        self._generation = 0
        self._pending: dict[bytes, asyncio.Task[Credential | None]] = {}
        self._readers = ThreadPoolExecutor(READING_THREADS, "accounts-read")
        # Polls have a thread of their own: a revoked key must not wait behind guesses.
        self._poller = ThreadPoolExecutor(1, "accounts-poll")

    def cached(self, key: str, client_address: str | None, at_us: int) -> Account | None:
        """Answer from memory; None when the store must be asked, by `authenticate`.

        Args:
            key: the key as the client sent it.
            client_address: the peer's IP address, where known.
            at_us: time of the request, in microseconds of Unix time.

        Raises:
            RequestError: when the key is known not to exist, or its account may not be used now or from there.
        """
        return self._recall(self._digest(key, client_address), client_address, at_us)

    def refuse_keyless(self, client_address: str | None) -> NoReturn:
        """Refuse a request that brings no key.

        Raises:
            RequestError: always; it says whether this was once too often.
        """
        raise self._unknown(client_address, ErrorCode.KEY_MISSING)

    async def authenticate(self, key: str, client_address: str | None, at_us: int) -> Account:
        """Answer from memory or from the store; arguments as for `cached`.

        Raises:
            RequestError: when the key does not exist, or its account may not be used now or from there.
            StorageError: when the store is away or slow, or too many keys are being looked up.
        """
        digest = self._digest(key, client_address)
        account = self._recall(digest, client_address, at_us)
        if account is not None:
            return account
        if not self._guesses.allows(client_address):
            raise RequestError(code=ErrorCode.TOO_MANY_UNKNOWN_KEYS)
        credential = await self._look_up(digest)
        if credential is None:
            self._guesses.note(client_address)
        return self._admit(credential, client_address, at_us)

    async def refresh(self) -> bool:
        """Poll the store once; forget what changed. False when the store is away."""
        # The answer is as old as the question: a change during a slow read must not be taken for seen.
        asked_at = self._clock()
        loop = asyncio.get_running_loop()
        try:
            revision, changed = await loop.run_in_executor(self._poller, self._poll, self._revision)
        except StorageError:
            # What is remembered stays, and ages towards its limit, since nothing confirms it.
            return False
        if revision != self._revision:
            self._revision = revision
            self._generation += 1
            if changed is None:
                self._cache.clear()
            else:
                self._cache.forget(changed)
        self._cache.confirm(asked_at)
        return True

    async def watch(self, interval_seconds: float = 1.0) -> None:
        """Poll the store until cancelled; a change is seen after one interval at most."""
        while True:
            await self.refresh()
            await asyncio.sleep(interval_seconds)

    def close(self) -> None:
        """Let go of the threads; waits for reads under way, which the engine bounds."""
        # Reads nobody waits for any more are dropped, or a stop would work through them first.
        self._readers.shutdown(cancel_futures=True)
        self._poller.shutdown(cancel_futures=True)

    def _recall(self, digest: bytes, client_address: str | None, at_us: int) -> Account | None:
        entry = self._cache.get(digest, self._clock())
        return None if entry is None else self._admit(entry.credential, client_address, at_us)

    def _digest(self, key: str, client_address: str | None) -> bytes:
        digest = parse_key(key)
        if digest is None:
            # The same answer as for a key nobody has: a guesser learns nothing about the form.
            raise self._unknown(client_address)
        return digest

    def _admit(self, credential: Credential | None, client_address: str | None, at_us: int) -> Account:
        if credential is None:
            raise self._unknown(client_address)
        code = refusal(credential.account, at_us, client_address)
        if code is None and has_ended(credential.key_expires_at_us, at_us):
            code = ErrorCode.ACCOUNT_EXPIRED
        if code is not None:
            raise RequestError(code=code)
        return credential.account

    def _unknown(self, client_address: str | None, code: ErrorCode = ErrorCode.KEY_UNKNOWN) -> RequestError:
        """Return the refusal of a request whose sender is not known, and count it."""
        if not self._refusals.allows(client_address):
            return RequestError(code=ErrorCode.TOO_MANY_UNKNOWN_KEYS)
        self._refusals.note(client_address)
        return RequestError(code=code)

    def _poll(self, seen: int | None) -> tuple[int, frozenset[str] | None]:
        """Return the counter, and whose accounts changed since it was seen; None for all, where that is not known."""
        revision = self._source.revision()
        # Lower than before, it is another store's, or that of a backup: nothing that was read need be true.
        if seen is None or revision < seen:
            return revision, None
        return revision, frozenset() if revision == seen else self._source.changed_since(seen)

    async def _look_up(self, digest: bytes) -> Credential | None:
        task = self._pending.get(digest) or self._start_reading(digest)
        try:
            async with asyncio.timeout(self._wait_limit_seconds):
                # A client that leaves must not take the answer from the others who wait for it.
                return await asyncio.shield(task)
        except TimeoutError as exc:
            raise StorageError(f"The store did not answer within {self._wait_limit_seconds} seconds.") from exc

    def _start_reading(self, digest: bytes) -> asyncio.Task[Credential | None]:
        # The unknown keys of an attacker come this way; those remembered never do.
        if len(self._pending) >= PENDING_LIMIT:
            raise StorageError(f"{PENDING_LIMIT} keys are being looked up already. The store may be slow.")
        task = asyncio.create_task(self._read(digest))
        self._pending[digest] = task
        task.add_done_callback(lambda _: self._pending.pop(digest))
        return task

    async def _read(self, digest: bytes) -> Credential | None:
        generation, asked_at = self._generation, self._clock()
        loop = asyncio.get_running_loop()
        credential = await loop.run_in_executor(self._readers, self._source.find_by_digest, digest)
        # Else a key revoked during the read would be remembered as good until the next change.
        if generation == self._generation:
            self._cache.put(digest, credential, asked_at)
        return credential
