"""Strikes of one worker: asked before an exchange goes on, told of what was blocked and of what was not.

Rules: nearly nobody has anything open, and then nothing is asked; what may be open is looked up in the store before
the request goes on; a strike is committed before its refusal leaves. While the store does not answer, neither goes.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import NamedTuple

from gateway import metrics
from gateway.errors import ErrorCode
from gateway.protocol.events import RequestRefused
from gateway.protocol.strikes import Measure, Strike, StrikeOutcome
from gateway.storage.engine import StorageError
from gateway.strikes.board import Board
from gateway.strikes.fleet import LEASE_SECONDS, FleetMarks
from gateway.strikes.person import Person
from gateway.strikes.store import Held, Note, StrikeStore
from gateway.strikes.writer import StrikeWriter

READING_THREADS = 2
PENDING_LIMIT = 256
"""Looks into the store at the same time; one more is refused."""
WAIT_LIMIT_SECONDS = 15.0
"""Longest wait for the store: its own waits for locks and statements end before."""

_MOST_PEOPLE = 65_536
_MICROSECONDS = 1_000_000

Pseudonym = Callable[[str, str], str]
"""Makes the pseudonym of an account's end user."""


class _Known(NamedTuple):
    person: Person
    slot: int


class Strikes:
    """The strikes of one worker; used on its event loop.

    Args:
        store: where they are.
        writer: writes them.
        marks: says who need not be looked up; None looks everybody up.
        pseudonym: makes pseudonyms.
        public_url: where the public reaches this gateway, or empty.

    Attributes:
        store: where they are.
    """

    def __init__(
        self,
        store: StrikeStore,
        writer: StrikeWriter,
        marks: Board | FleetMarks | None,
        *,
        pseudonym: Pseudonym,
        public_url: str = "",
    ) -> None:
        self.store = store
        self._writer = writer
        self._board = marks if isinstance(marks, Board) else None
        self._fleet = marks if isinstance(marks, FleetMarks) else None
        self._pseudonym = pseudonym
        self._public_url = public_url.rstrip("/")
        self._known: dict[tuple[str, str], _Known] = {}
        self._readers = ThreadPoolExecutor(READING_THREADS, "strikes-read")
        self._reading = 0

    def suspect(self, account: str, end_user: str) -> Person | None:
        """Return whom the store has to be asked about; None when nothing is held against whoever asks.

        Args:
            account: id of the account.
            end_user: who is asking, as believed, or empty.
        """
        known = self._known.get((account, end_user)) or self._meet(account, end_user)
        if self._board is not None and not self._board.is_marked(known.slot):
            return None
        return known.person

    async def held(self, person: Person) -> Held | None:
        """Return what is held against a suspect; None when nothing is.

        Raises:
            StorageError: the store fails, or too many ask it.
        """
        if self._fleet is not None and not await self._fleet.needs_store(person):
            return None
        if self._reading >= PENDING_LIMIT:
            raise StorageError(f"{PENDING_LIMIT} looks into the store wait already. It may be slow.")
        self._reading += 1
        try:
            loop = asyncio.get_running_loop()
            async with asyncio.timeout(WAIT_LIMIT_SECONDS):
                held = await loop.run_in_executor(self._readers, self.store.held, person)
        except TimeoutError as exc:
            raise StorageError(f"The store did not answer within {WAIT_LIMIT_SECONDS} seconds.") from exc
        finally:
            self._reading -= 1
        return held if held.counts.is_open(time.time_ns() // 1000) else None

    def refusal(self, held: Held) -> RequestRefused | None:
        """Return what a suspended person is told; None when the person is not suspended."""
        now_us = time.time_ns() // 1000
        if not held.counts.is_suspended(now_us):
            return None
        return self._refusal(held.person, held.counts.suspended_until_us, held.request_id, now_us)

    async def note(self, account: str, end_user: str, strike: Strike, request_id: str) -> StrikeOutcome:
        """Count a strike; it is committed when this returns, and known to every worker.

        Args:
            account: id of the account.
            end_user: who sent it, as believed, or empty.
            strike: what was blocked.
            request_id: the blocked request.

        Raises:
            StorageError: the store fails; whether it was counted is not known.
            ResourceError: the audit trail takes no entry; it was not counted.
        """
        person = (self._known.get((account, end_user)) or self._meet(account, end_user)).person
        # Keyed: a plain digest of a text could be told by trying texts.
        texts = tuple(
            self._pseudonym(f"strike {person.account} {person.end_user}", each.hex()) for each in strike.digests
        )
        try:
            async with asyncio.timeout(WAIT_LIMIT_SECONDS):
                noted = await self._writer.note(Note(person, request_id, strike.severity, strike.fresh, texts))
        except TimeoutError as exc:
            raise StorageError(f"The store did not answer within {WAIT_LIMIT_SECONDS} seconds.") from exc
        metrics.STRIKES.labels(noted.outcome.measure.value).inc()
        if not noted.marked:
            # Others may believe for so long that nothing is held against this person.
            await asyncio.sleep(LEASE_SECONDS)
        return noted.outcome

    def late_refusal(
        self, account: str, end_user: str, outcome: StrikeOutcome, request_id: str
    ) -> RequestRefused | None:
        """Return what is told to somebody who was suspended while this prompt was under way, or None."""
        if outcome.measure is not Measure.REFUSED:
            return None
        person = (self._known.get((account, end_user)) or self._meet(account, end_user)).person
        return self._refusal(person, outcome.until_us, request_id, time.time_ns() // 1000)

    async def end_row(self, person: Person) -> None:
        """Put down that a person's prompt was not blocked.

        Raises:
            StorageError: the store fails.
        """
        try:
            async with asyncio.timeout(WAIT_LIMIT_SECONDS):
                await self._writer.end_row(person)
        except TimeoutError as exc:
            raise StorageError(f"The store did not answer within {WAIT_LIMIT_SECONDS} seconds.") from exc

    def appeal_url(self, request_id: str) -> str:
        """Return where a suspension is appealed from.

        Args:
            request_id: the request that brought it.
        """
        return f"{self._public_url}/complaints?category=appeal&request={request_id}"

    def close(self) -> None:
        """Write what waits, and let go of the threads; blocks."""
        self._readers.shutdown(cancel_futures=True)
        self._writer.close()

    def _meet(self, account: str, end_user: str) -> _Known:
        person = Person(account, self._pseudonym(account, end_user) if end_user else "")
        known = _Known(person, self._board.slot(person) if self._board is not None else 0)
        if len(self._known) >= _MOST_PEOPLE:
            # The one met first; it costs a digest to meet them again.
            del self._known[next(iter(self._known))]
        self._known[account, end_user] = known
        return known

    def _refusal(self, person: Person, until_us: int, request_id: str, now_us: int) -> RequestRefused:
        code = ErrorCode.END_USER_SUSPENDED if person.end_user else ErrorCode.ACCOUNT_SUSPENDED
        # Rounded up, so that whoever waits as long as told is not refused again.
        seconds = -((now_us - until_us) // _MICROSECONDS)
        until = datetime.fromtimestamp(-(-until_us // _MICROSECONDS), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return RequestRefused(code, f"It ends at {until}. Appeal: {self.appeal_url(request_id)}", max(1, seconds))
