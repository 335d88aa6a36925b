"""Authentication on the event loop: remembered, shared, bounded, and fresh."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace

import pytest
from sqlalchemy import Engine

from gateway.accounts.account import Account, AccountKind
from gateway.accounts.cache import UNKNOWN_SECONDS
from gateway.accounts.directory import FAILURES_PER_MINUTE, PENDING_LIMIT, AccountDirectory
from gateway.accounts.keys import key_digest, new_key
from gateway.accounts.store import AccountStore, Credential
from gateway.errors import ErrorCode, RequestError
from gateway.storage.engine import StorageError
from tests.gateway.accounts.samples import AT_US, sample_account

KEY = "sk-sluice-" + "A" * 43
ACCOUNT = sample_account()
ADDRESS = "192.0.2.1"


class FakeSource:
    """Accounts in a dict, which can be away, be slow, and change."""

    def __init__(self, account: Account | None = ACCOUNT, key_expires_at_us: int | None = None) -> None:
        self.credentials: dict[bytes, Credential] = {}
        if account is not None:
            self.credentials[key_digest(KEY)] = Credential(account, key_expires_at_us)
        self.number = 0
        self.changed: frozenset[str] | None = None
        self.away = False
        self.reads = 0
        self.reading = threading.Event()
        self.polled = threading.Semaphore(0)
        self.open = threading.Event()
        self.open.set()

    def find_by_digest(self, digest: bytes) -> Credential | None:
        """Answer as of when the read began, once the gate is open."""
        credential = self.credentials.get(digest)
        self.reads += 1
        self.reading.set()
        self.open.wait(60)
        self._check()
        return credential

    def revision(self) -> int:
        """Count the poll and answer."""
        self.polled.release()
        self._check()
        return self.number

    def changed_since(self, revision: int) -> frozenset[str] | None:
        """Answer what the test says, which is nothing unless it says more."""
        assert revision < self.number
        return self.changed

    def change(self, account: Account) -> None:
        """Change the account as a store does: with its counter."""
        self.credentials[key_digest(KEY)] = Credential(account, None)
        self.number += 1

    def _check(self) -> None:
        if self.away:
            raise StorageError("away")


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@asynccontextmanager
async def serving(
    source: FakeSource, clock: Clock | None = None, wait_limit_seconds: float = 60
) -> AsyncIterator[AccountDirectory]:
    """Open a directory on a source; at the end, let its reads finish and close it."""
    directory = AccountDirectory(
        source, stale_limit_seconds=300, wait_limit_seconds=wait_limit_seconds, clock=clock or Clock()
    )
    try:
        yield directory
    finally:
        source.open.set()
        await asyncio.gather(*directory._pending.values(), return_exceptions=True)
        directory.close()


@contextmanager
def refused(code: ErrorCode) -> Iterator[None]:
    """Expect a refusal of the client with this code."""
    with pytest.raises(RequestError) as caught:
        yield
    assert caught.value.code is code


def test_a_key_is_read_once_and_then_remembered() -> None:
    """The second request needs neither task nor thread."""

    async def scenario(source: FakeSource) -> None:
        async with serving(source) as directory:
            assert directory.cached(KEY, ADDRESS, AT_US) is None
            assert await directory.authenticate(KEY, ADDRESS, AT_US) == ACCOUNT
            assert directory.cached(KEY, ADDRESS, AT_US) == ACCOUNT
            assert await directory.authenticate(KEY, ADDRESS, AT_US) == ACCOUNT
        assert source.reads == 1

    asyncio.run(scenario(FakeSource()))


def test_an_unknown_key_is_remembered_for_a_while() -> None:
    """Trying the same key again and again does not reach the store until its time is over."""

    async def scenario(source: FakeSource, clock: Clock) -> None:
        async with serving(source, clock) as directory:
            with refused(ErrorCode.KEY_UNKNOWN):
                await directory.authenticate(KEY, ADDRESS, AT_US)
            with refused(ErrorCode.KEY_UNKNOWN):
                directory.cached(KEY, ADDRESS, AT_US)
            assert source.reads == 1
            clock.now += UNKNOWN_SECONDS + 1
            assert directory.cached(KEY, ADDRESS, AT_US) is None

    asyncio.run(scenario(FakeSource(account=None), Clock()))


def test_what_is_no_key_is_refused_without_the_store() -> None:
    """The code is that of an unknown key, so that nothing is learnt from it."""

    async def scenario(source: FakeSource) -> None:
        async with serving(source) as directory:
            with refused(ErrorCode.KEY_UNKNOWN):
                directory.cached("Bearer nonsense", ADDRESS, AT_US)
            with refused(ErrorCode.KEY_UNKNOWN):
                await directory.authenticate("sk-sluice-short", ADDRESS, AT_US)
        assert source.reads == 0

    asyncio.run(scenario(FakeSource()))


@pytest.mark.parametrize(
    ("source", "code"),
    [
        (FakeSource(sample_account(disabled_at_us=1)), ErrorCode.ACCOUNT_DISABLED),
        (FakeSource(sample_account(expires_at_us=AT_US)), ErrorCode.ACCOUNT_EXPIRED),
        (FakeSource(key_expires_at_us=AT_US), ErrorCode.ACCOUNT_EXPIRED),
        (FakeSource(sample_account(allow_from=("10.0.0.0/8",))), ErrorCode.ADDRESS_NOT_ALLOWED),
    ],
)
def test_an_account_that_may_not_be_used_is_refused_with_the_reason(source: FakeSource, code: ErrorCode) -> None:
    """The same when it was just read and when it is remembered."""

    async def scenario() -> None:
        async with serving(source) as directory:
            with refused(code):
                await directory.authenticate(KEY, ADDRESS, AT_US)
            with refused(code):
                directory.cached(KEY, ADDRESS, AT_US)

    asyncio.run(scenario())


def test_a_remembered_account_is_checked_on_every_request() -> None:
    """Expiry of account and key, and the address, are judged at the request's own time and place."""
    account = sample_account(expires_at_us=AT_US + 20, allow_from=("192.0.2.0/24",))

    async def scenario(source: FakeSource) -> None:
        async with serving(source) as directory:
            await directory.authenticate(KEY, ADDRESS, AT_US)
            assert directory.cached(KEY, ADDRESS, AT_US + 9) == account
            with refused(ErrorCode.ADDRESS_NOT_ALLOWED):
                directory.cached(KEY, "198.51.100.1", AT_US)
            with refused(ErrorCode.ACCOUNT_EXPIRED):
                directory.cached(KEY, ADDRESS, AT_US + 10)
            with refused(ErrorCode.ACCOUNT_EXPIRED):
                directory.cached(KEY, ADDRESS, AT_US + 20)
        assert source.reads == 1

    asyncio.run(scenario(FakeSource(account, key_expires_at_us=AT_US + 10)))


def test_requests_for_one_key_share_one_read() -> None:
    """Many clients that come at once cost the store one question, also when one of them leaves."""

    async def scenario(source: FakeSource) -> None:
        source.open.clear()
        async with serving(source) as directory:
            waiting = [asyncio.create_task(directory.authenticate(KEY, ADDRESS, AT_US)) for _ in range(10)]
            await asyncio.to_thread(source.reading.wait, 60)
            waiting[0].cancel()
            with suppress(asyncio.CancelledError):
                await waiting[0]
            source.open.set()
            assert await asyncio.gather(*waiting[1:]) == [ACCOUNT] * 9
        assert source.reads == 1

    asyncio.run(scenario(FakeSource()))


def test_reads_under_way_are_bounded() -> None:
    """Guesses behind a slow store are refused at once, not queued; a key under way may still be waited for."""

    async def scenario(source: FakeSource) -> None:
        source.open.clear()
        async with serving(source) as directory:
            keys = [new_key() for _ in range(PENDING_LIMIT)]
            waiting = [asyncio.create_task(directory.authenticate(key, ADDRESS, AT_US)) for key in keys]
            await asyncio.to_thread(source.reading.wait, 60)
            with pytest.raises(StorageError, match="looked up already"):
                await directory.authenticate(KEY, ADDRESS, AT_US)
            shared = asyncio.create_task(directory.authenticate(keys[0], ADDRESS, AT_US))
            source.open.set()
            results = await asyncio.gather(*waiting, shared, return_exceptions=True)
            assert all(isinstance(result, RequestError) for result in results)
            assert await directory.authenticate(KEY, "192.0.2.2", AT_US) == ACCOUNT

    asyncio.run(scenario(FakeSource()))


def test_a_slow_store_is_not_waited_for_without_end() -> None:
    """The request is answered in time; the read still ends, and serves the next one."""

    async def scenario(source: FakeSource) -> None:
        source.open.clear()
        async with serving(source, wait_limit_seconds=0) as directory:
            with pytest.raises(StorageError, match="did not answer") as caught:
                await directory.authenticate(KEY, ADDRESS, AT_US)
            assert caught.value.code is ErrorCode.STORE_UNAVAILABLE
            source.open.set()
            await asyncio.gather(*directory._pending.values())
            assert directory.cached(KEY, ADDRESS, AT_US) == ACCOUNT

    asyncio.run(scenario(FakeSource()))


def test_a_change_is_seen_at_the_next_poll() -> None:
    """A disabled account is refused as soon as the counter was read."""

    async def scenario(source: FakeSource) -> None:
        async with serving(source) as directory:
            await directory.refresh()
            await directory.authenticate(KEY, ADDRESS, AT_US)
            source.change(sample_account(disabled_at_us=1))
            assert await directory.refresh()
            with refused(ErrorCode.ACCOUNT_DISABLED):
                await directory.authenticate(KEY, ADDRESS, AT_US)

    asyncio.run(scenario(FakeSource()))


def test_a_poll_that_finds_no_change_forgets_nothing() -> None:
    """The cache is worth having."""

    async def scenario(source: FakeSource) -> None:
        async with serving(source) as directory:
            await directory.refresh()
            await directory.authenticate(KEY, ADDRESS, AT_US)
            await directory.refresh()
            assert directory.cached(KEY, ADDRESS, AT_US) == ACCOUNT

    asyncio.run(scenario(FakeSource()))


def test_a_read_begun_before_a_change_is_not_remembered_after_it() -> None:
    """A slow answer cannot bring back what a poll has just forgotten."""

    async def scenario(source: FakeSource) -> None:
        source.open.clear()
        async with serving(source) as directory:
            await directory.refresh()
            waiting = asyncio.create_task(directory.authenticate(KEY, ADDRESS, AT_US))
            await asyncio.to_thread(source.reading.wait, 60)
            source.change(sample_account(disabled_at_us=1))
            await directory.refresh()
            source.open.set()
            await waiting
            with refused(ErrorCode.ACCOUNT_DISABLED):
                await directory.authenticate(KEY, ADDRESS, AT_US)

    asyncio.run(scenario(FakeSource()))


def test_remembered_accounts_serve_while_the_store_is_away_up_to_the_limit() -> None:
    """The age counts from the last poll that was answered; behind it the client is told to come back."""

    async def scenario(source: FakeSource, clock: Clock) -> None:
        async with serving(source, clock) as directory:
            await directory.refresh()
            await directory.authenticate(KEY, ADDRESS, AT_US)
            clock.now = 100
            assert await directory.refresh()
            source.away = True
            clock.now = 400
            assert not await directory.refresh()
            assert await directory.authenticate(KEY, ADDRESS, AT_US) == ACCOUNT
            clock.now = 401
            with pytest.raises(StorageError) as caught:
                await directory.authenticate(KEY, ADDRESS, AT_US)
            assert caught.value.code is ErrorCode.STORE_UNAVAILABLE
            source.away = False
            assert await directory.authenticate(KEY, ADDRESS, AT_US) == ACCOUNT

    asyncio.run(scenario(FakeSource(), Clock()))


def test_an_outage_is_not_remembered_as_an_unknown_key() -> None:
    """The first request after it is answered by the store."""

    async def scenario(source: FakeSource) -> None:
        source.away = True
        async with serving(source) as directory:
            with pytest.raises(StorageError):
                await directory.authenticate(KEY, ADDRESS, AT_US)
            source.away = False
            assert await directory.authenticate(KEY, ADDRESS, AT_US) == ACCOUNT

    asyncio.run(scenario(FakeSource()))


def test_watching_polls_again_and_again_through_outages() -> None:
    """A change is seen without anybody asking, also after the store was away."""

    async def scenario(source: FakeSource) -> None:
        async with serving(source) as directory:
            watching = asyncio.create_task(directory.watch(interval_seconds=0))
            await directory.authenticate(KEY, ADDRESS, AT_US)
            source.away = True
            await polls(source, 2)
            source.away = False
            source.change(sample_account(disabled_at_us=1))
            # The second poll to begin from here began after the first was taken in.
            await polls(source, 2)
            with refused(ErrorCode.ACCOUNT_DISABLED):
                await directory.authenticate(KEY, ADDRESS, AT_US)
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching

    async def polls(source: FakeSource, count: int) -> None:
        while source.polled.acquire(blocking=False):
            pass
        for _ in range(count + 1):
            assert await asyncio.to_thread(source.polled.acquire, timeout=60)

    asyncio.run(scenario(FakeSource()))


def test_the_directory_follows_a_real_store(store_engine: Engine) -> None:
    """Made, found, disabled by another process, refused; rotated, both keys good until the overlap ends."""
    store = AccountStore(store_engine)
    account, key = store.create("one", AccountKind.USER, at_us=AT_US)

    async def scenario() -> None:
        directory = AccountDirectory(store)
        try:
            await directory.refresh()
            assert await directory.authenticate(key, ADDRESS, AT_US) == account
            renewed = store.rotate("one", 60, AT_US)
            await directory.refresh()
            assert await directory.authenticate(renewed, ADDRESS, AT_US) == account
            assert await directory.authenticate(key, ADDRESS, AT_US) == account
            with refused(ErrorCode.ACCOUNT_EXPIRED):
                await directory.authenticate(key, ADDRESS, AT_US + 60_000_000)
            store.disable("one", AT_US)
            await directory.refresh()
            with refused(ErrorCode.ACCOUNT_DISABLED):
                await directory.authenticate(renewed, ADDRESS, AT_US)
        finally:
            directory.close()

    asyncio.run(scenario())


def test_only_what_changed_is_read_anew() -> None:
    """One change among many accounts costs no other account a read; whose it was is seen by the next request."""
    other = "sk-sluice-" + "B" * 43

    async def scenario(source: FakeSource) -> None:
        source.credentials[key_digest(other)] = Credential(replace(ACCOUNT, id="acc-2"), None)
        async with serving(source) as directory:
            await directory.refresh()
            for key in (KEY, other):
                await directory.authenticate(key, ADDRESS, AT_US)
            source.change(sample_account(disabled_at_us=1))
            source.changed = frozenset({ACCOUNT.id})
            await directory.refresh()
            assert directory.cached(other, ADDRESS, AT_US) is not None
            assert directory.cached(KEY, ADDRESS, AT_US) is None
            with refused(ErrorCode.ACCOUNT_DISABLED):
                await directory.authenticate(KEY, ADDRESS, AT_US)

    asyncio.run(scenario(FakeSource()))


def test_a_store_that_went_back_in_time_is_read_anew() -> None:
    """Behind a backup that was put back, nothing that was read need be true."""

    async def scenario(source: FakeSource) -> None:
        source.number, source.changed = 5, frozenset()
        async with serving(source) as directory:
            await directory.refresh()
            await directory.authenticate(KEY, ADDRESS, AT_US)
            source.number = 3
            await directory.refresh()
            assert directory.cached(KEY, ADDRESS, AT_US) is None

    asyncio.run(scenario(FakeSource()))


def guess(number: int) -> str:
    """Return a well-formed key that nobody has."""
    return f"sk-sluice-{number:043}"


def test_guesses_from_an_address_are_bounded() -> None:
    """Beyond the bound nothing is looked up for it; keys in memory go on, and so do other addresses."""

    async def scenario(source: FakeSource, clock: Clock) -> None:
        async with serving(source, clock) as directory:
            await directory.authenticate(KEY, ADDRESS, AT_US)
            for number in range(FAILURES_PER_MINUTE):
                with refused(ErrorCode.KEY_UNKNOWN):
                    await directory.authenticate(guess(number), ADDRESS, AT_US)
            reads = source.reads
            with refused(ErrorCode.TOO_MANY_UNKNOWN_KEYS):
                await directory.authenticate(guess(1_000), ADDRESS, AT_US)
            assert source.reads == reads
            assert directory.cached(KEY, ADDRESS, AT_US) is not None
            with refused(ErrorCode.KEY_UNKNOWN):
                await directory.authenticate(guess(1_000), "192.0.2.2", AT_US)
            clock.now += 1.5
            with refused(ErrorCode.KEY_UNKNOWN):
                await directory.authenticate(guess(1_001), ADDRESS, AT_US)

    asyncio.run(scenario(FakeSource(), Clock()))


@pytest.mark.parametrize("wrong", ["", "no key at all", guess(1)])
def test_a_mistake_that_is_repeated_is_bounded_and_keeps_nobody_out(wrong: str) -> None:
    """Without a key, or with always the same wrong one: 429; a new good key behind that address is looked up."""

    async def scenario(source: FakeSource) -> None:
        async with serving(source) as directory:

            async def fail() -> None:
                if not wrong:
                    directory.refuse_keyless(ADDRESS)
                await directory.authenticate(wrong, ADDRESS, AT_US)

            for _ in range(FAILURES_PER_MINUTE):
                with refused(ErrorCode.KEY_UNKNOWN if wrong else ErrorCode.KEY_MISSING):
                    await fail()
            with refused(ErrorCode.TOO_MANY_UNKNOWN_KEYS):
                await fail()
            assert await directory.authenticate(KEY, ADDRESS, AT_US) == ACCOUNT

    asyncio.run(scenario(FakeSource()))
