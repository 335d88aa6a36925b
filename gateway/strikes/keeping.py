"""The strikes of a gateway process, put together, and what is looked after while it runs."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import Engine

from filters.findings import Severity
from gateway import metrics
from gateway.audit.appender import Appender
from gateway.audit.events import Event, encode_event
from gateway.errors import ErrorCode, ResourceError
from gateway.settings.models import Settings
from gateway.settings.strikes import Strikes as StrikeSettings
from gateway.settings.strikes import duration_seconds
from gateway.strikes.board import Board
from gateway.strikes.fleet import FleetMarks
from gateway.strikes.rule import Rule
from gateway.strikes.service import Pseudonym, Strikes
from gateway.strikes.store import StrikeStore
from gateway.strikes.writer import StrikeWriter

_LOG = structlog.get_logger(__name__)
_SQLITE_FILE = "sqlite:///"
_INTERVAL_SECONDS = 1.0
_COUNT_SECONDS = 10.0
_REBUILD_SECONDS = 3600.0
_DAY_SECONDS = 86_400.0
# A board that had to be made anew: so long until every process has noticed that the one it reads was taken away.
_LOST_SECONDS = 2 * _INTERVAL_SECONDS
_HAND_OVER_SECONDS = 10.0


def rule_of(settings: StrikeSettings) -> Rule:
    """Return the rule that the settings describe."""
    weights = settings.weights
    return Rule(
        settings.consecutive,
        settings.per_day,
        ZoneInfo(settings.timezone),
        duration_seconds(settings.suspend),
        {Severity.LOW: weights.low, Severity.MEDIUM: weights.medium, Severity.HIGH: weights.high},
    )


def board_path(settings: Settings) -> Path | None:
    """Return where the board is, or None where there is none."""
    if settings.strikes.board is not None or not settings.store.url.startswith(_SQLITE_FILE):
        return settings.strikes.board
    return Path(settings.store.url.removeprefix(_SQLITE_FILE).partition("?")[0] + "-strikes")


@contextlib.asynccontextmanager
async def striking(
    engine: Engine, settings: Settings, appender: Callable[[], Appender], pseudonym: Pseudonym
) -> AsyncIterator[Strikes | None]:
    """Run the strikes of one process; None where they are not counted.

    Args:
        engine: the store, with its tables.
        settings: the settings.
        appender: gives the audit trail; asked anew each time.
        pseudonym: makes pseudonyms of end users.

    Raises:
        StorageError: the store fails.
        ResourceError: the board cannot be made.
    """
    if not settings.strikes.enabled:
        yield None
        return
    path, redis_url = board_path(settings), settings.store.redis_url
    # Redis before the file: whoever names it has several machines.
    marks = FleetMarks(redis_url) if redis_url else Board(path) if path else None
    store = StrikeStore(
        engine, rule=rule_of(settings.strikes), marks=marks, record=_recorder(asyncio.get_running_loop(), appender)
    )
    writer = StrikeWriter(store)
    keeper = Keeper(store, marks, settings.strikes.retention_days)
    await asyncio.to_thread(keeper.begin)
    strikes = Strikes(store, writer, marks, pseudonym=pseudonym, public_url=settings.server.public_url or "")
    writer.start()
    watching = asyncio.create_task(keeper.watch())
    try:
        yield strikes
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        # Beside the loop, which the audit entries of the last strikes need.
        await asyncio.to_thread(strikes.close)
        await asyncio.to_thread(keeper.close)
        if isinstance(marks, FleetMarks):
            await marks.close()


class Keeper:
    """Looks after the marks, the history's retention and the number of the suspended.

    Args:
        store: the strikes.
        marks: who may have anything open; None where everybody is looked up.
        retention_days: how long history is kept.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        store: StrikeStore,
        marks: Board | FleetMarks | None,
        retention_days: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._marks = marks
        self._retention_days = retention_days
        self._clock = clock
        self._counted = self._retired = float("-inf")
        self._rebuilt = clock()
        self._failing = False
        self._thread = ThreadPoolExecutor(1, "strikes-keep")

    def begin(self) -> None:
        """Write the marks for the first time; blocks.

        Raises:
            StorageError: the store fails.
        """
        if isinstance(self._marks, Board):
            if self._marks.is_new and self._store.has_counted():
                # There was another one, which other processes may still be reading.
                _LOG.warning("strike_board_lost", wait_seconds=_LOST_SECONDS)
                time.sleep(_LOST_SECONDS)
            self._rebuild(self._marks)
        elif self._marks is not None:
            self._marks.keep(self._store)

    async def watch(self) -> None:
        """Work once a second until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_INTERVAL_SECONDS)
            await loop.run_in_executor(self._thread, self.work)

    def work(self) -> None:
        """Do what is due; a store that fails is tried again the next time."""
        try:
            self._work()
        except ResourceError as exc:
            if not self._failing:
                _LOG.error("strikes_not_kept", error=str(exc))
            self._failing = True
        else:
            self._failing = False

    def close(self) -> None:
        """Let go of the thread; waits for work under way."""
        self._thread.shutdown()

    def _work(self) -> None:
        now = self._clock()
        # Now and then, for what nobody needs any more: a row that ended, a suspension that is over.
        anew = now - self._rebuilt >= _REBUILD_SECONDS
        if isinstance(self._marks, FleetMarks):
            self._marks.keep(self._store, anew=anew)
        elif self._marks is not None and (anew or self._marks.is_lost()):
            self._rebuild(self._marks)
        if anew:
            self._rebuilt = now
        if now - self._counted >= _COUNT_SECONDS:
            metrics.SUSPENDED.set(self._store.count_suspended())
            self._counted = now
        if now - self._retired >= _DAY_SECONDS:
            self._store.retire(self._retention_days)
            self._retired = now

    def _rebuild(self, board: Board) -> None:
        if board.is_lost():
            board.open_again()
        self._store.rebuild(lambda people, _unmarked: board.write(people))


def _recorder(loop: asyncio.AbstractEventLoop, appender: Callable[[], Appender]) -> Callable[[Sequence[Event]], None]:
    """Return what writes events durably from another thread, by the loop's audit trail."""

    async def put(events: Sequence[Event]) -> None:
        *first, last = map(encode_event, events)
        for entry in first:
            appender().append_soon(entry)
        await appender().append(last)

    def record(events: Sequence[Event]) -> None:
        handed = asyncio.run_coroutine_threadsafe(put(events), loop)
        try:
            handed.result(_HAND_OVER_SECONDS)
        except TimeoutError as exc:
            handed.cancel()
            raise ResourceError("the audit trail does not take entries", ErrorCode.AUDIT_UNAVAILABLE) from exc

    return record
