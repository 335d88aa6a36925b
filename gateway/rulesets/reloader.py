"""Reload while serving: notices that lists changed, has a ruleset built, swaps it in or keeps the old one.

Rules: the process that serves never builds; a list that is wrong is refused whole, with file, line and reason, and
what is in force stays; exchanges under way end with the ruleset they began with; a ruleset is in the audit trail
before it is in force, and one that the trail does not take is not taken either. Every process that serves watches
for itself, so nothing has to reach all of them but the files.
"""

import asyncio
import contextlib
import gc
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple, Protocol

import structlog

from filters.lists import ListError, Problem
from filters.ruleset import Ruleset, load_ruleset
from gateway import metrics
from gateway.audit.event_forms import EventName
from gateway.audit.events import SYSTEM, Details, Event, now_us, showable
from gateway.errors import ResourceError
from gateway.protocol.record import short_digest
from gateway.rulesets.builder import Dump
from gateway.rulesets.building import InForce
from gateway.rulesets.retiring import retire
from gateway.rulesets.sources import Signature, active_lists, changed_at_seconds, signature
from gateway.rulesets.versions import VersionError, VersionStore
from gateway.settings.models import Lists

_LOG = structlog.get_logger(__name__)
POLL_SECONDS = 0.25
"""Time between two looks at the files; a change is followed after two, when it has settled."""
_BACK_OFF_LIMIT_SECONDS = 60.0
_LOGGED_PROBLEMS = 20
# Long enough for a loop that waits to take the lock; a hundred slices then cost a tenth of a second.
_PAUSE_SECONDS = 0.001
# Nobody should be the first to run a new ruleset's code and touch its tables.
_WARM_UP = "水闸 sluice: 预热 warm-up 123 ＡＢＣ 1a2b @ example.org，繁體與简体。\n" * 4


class Outcome(StrEnum):
    """How a reload ended."""

    LOADED = "loaded"  # another ruleset is in force
    UNCHANGED = "unchanged"  # the lists say what they said
    REFUSED = "refused"  # a list is wrong; the old ruleset stays
    FAILED = "failed"  # the build failed and is tried again; the old ruleset stays


class ReloadState(NamedTuple):
    """What is in force, and how the last reload ended.

    Attributes:
        in_force: the ruleset and what it was built from.
        outcome: of the last reload; loaded when there was none.
        problems: why lists were refused.
        failure: why the build failed; empty when it did not.
    """

    in_force: InForce
    outcome: Outcome = Outcome.LOADED
    problems: tuple[Problem, ...] = ()
    failure: str = ""


class BuildsRulesets(Protocol):
    """What the reloader asks of a builder."""

    def build(self, lists: Lists, now: datetime) -> Dump:
        """Build the ruleset of the active lists; called in a thread."""
        ...

    def stop(self) -> None:
        """End a build under way."""
        ...


class Reloader:
    """Keeps one process's ruleset up to date.

    Args:
        lists: the settings.
        in_force: what the process began with.
        builder: builds beside the process.
        swap: puts a ruleset in force.
        record: puts an event into the audit trail; undoes what it tells of by raising ResourceError.
        poll_seconds: time between two looks at the files.

    Attributes:
        state: what is in force, and how the last reload ended.
    """

    def __init__(
        self,
        lists: Lists,
        in_force: InForce,
        builder: BuildsRulesets,
        swap: Callable[[Ruleset], None],
        record: Callable[[Event], object],
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self.state = ReloadState(in_force)
        self._lists = lists
        self._builder = builder
        self._swap = swap
        self._record = record
        self._poll_seconds = poll_seconds
        self._asked = asyncio.Event()
        self._asked_by = SYSTEM
        self._ended = asyncio.Condition()
        self._begun = 0
        self._finished = 0
        self._failures = 0
        self._retry_at = 0.0
        self._tried: Signature = in_force.signature
        _show(in_force, self._lists)

    def ask(self, by: str = SYSTEM) -> None:
        """Have the lists read again soon, changed or not.

        Args:
            by: who asks, as an event names them.
        """
        self._asked_by = by
        self._asked.set()

    async def reload(self, by: str = SYSTEM) -> ReloadState:
        """Have the lists read again; return how that ended.

        Args:
            by: who asks, as an event names them.
        """
        # One that has begun may have read the files before the change that whoever asks has made.
        wanted = self._begun + 1
        self.ask(by)
        async with self._ended:
            await self._ended.wait_for(lambda: self._finished >= wanted)
        return self.state

    async def watch(self) -> None:
        """Follow the lists until cancelled."""
        seen = self._tried
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._asked.wait(), self._poll_seconds)
                found = await asyncio.to_thread(signature, self._lists, datetime.now(UTC))
                # Twice the same: a file that is still being written would be read in half.
                settled = found == seen and found != self._tried
                seen = found
                due = self._failures and time.monotonic() >= self._retry_at
                if self._asked.is_set() or settled or due:
                    await self._turn(found)
        finally:
            # The thread that waits for it would hold up the end of the process.
            self._builder.stop()

    async def _turn(self, found: Signature) -> None:
        self._asked.clear()
        # Of several who ask for one reload, the last: they all get it.
        by, self._asked_by = self._asked_by, SYSTEM
        self._begun += 1
        self._tried = found
        old = self.state.in_force.ruleset
        self.state = await self._reloaded(found, by)
        if old is not self.state.in_force.ruleset:
            retire([old.terms])
        del old
        metrics.RULESET_RELOADS.labels(self.state.outcome).inc()
        self._failures = self._failures + 1 if self.state.outcome is Outcome.FAILED else 0
        self._retry_at = time.monotonic() + min(1 << min(self._failures, 16), _BACK_OFF_LIMIT_SECONDS)
        self._finished += 1
        async with self._ended:
            self._ended.notify_all()

    async def _reloaded(self, found: Signature, by: str) -> ReloadState:
        old, began = self.state.in_force, time.monotonic()
        try:
            dump = await asyncio.to_thread(self._builder.build, self._lists, datetime.now(UTC))
            if dump.digest == old.ruleset.digest:
                # Notes, sources or the place of a row: nothing that is matched.
                return ReloadState(old._replace(version=dump.version, signature=found), Outcome.UNCHANGED)
            with _collector_paused():
                ruleset = await asyncio.to_thread(load_dump, dump.ruleset)
                # Into the same log as the exchanges, so it stands before the first that the ruleset judges.
                self._record(loaded_event(ruleset, dump.version, old.ruleset.digest, by))
                self._swap(ruleset)
        except ListError as error:
            _report_refusal(error)
            self._record_refusal(by, len(error.problems), str(error))
            return ReloadState(old, Outcome.REFUSED, error.problems)
        except Exception as error:  # noqa: BLE001 whatever is wrong with a new ruleset, watching must go on with the old
            _LOG.error("ruleset_build_failed", reason=str(error), kind=type(error).__name__)
            failure = f"{type(error).__name__}: {error}"
            # Once: it is tried again for as long as it fails.
            if not self._failures:
                self._record_refusal(by, 0, failure)
            return ReloadState(old, Outcome.FAILED, failure=failure)
        in_force = InForce(ruleset, dump.version, found, time.time())
        _show(in_force, self._lists)
        seconds = round(time.monotonic() - began, 3)
        _LOG.info(
            "ruleset_loaded",
            digest=ruleset.digest,
            keywords=ruleset.term_count,
            version=dump.version,
            seconds=seconds,
        )
        return ReloadState(in_force)

    def _record_refusal(self, by: str, problems: int, why: str) -> None:
        details: Details = {"problems": problems, "first": showable(why.partition("\n")[0])}
        digest = self.state.in_force.ruleset.digest
        # Nothing is changed that a trail without room could keep from being changed; the log on the screen has it.
        with contextlib.suppress(ResourceError):
            self._record(Event(EventName.LISTS_REFUSED, by, now_us(), digest, details))


def loaded_event(ruleset: Ruleset, version: str, before: str = "", by: str = SYSTEM) -> Event:
    """Return the event of a ruleset that is about to be in force.

    Args:
        ruleset: what texts will be scanned with.
        version: id of the published version it is from; empty for the settings' directories.
        before: digest of the ruleset that was in force; empty at a start.
        by: who asked for it.
    """
    details: dict[str, str | int] = {"short": short_digest(ruleset.digest), "keywords": ruleset.term_count}
    details |= {key: text for key, text in (("from", before), ("version", version)) if text}
    return Event(EventName.LISTS_LOADED, by, now_us(), ruleset.digest, details)


def load_dump(dump: bytes) -> Ruleset:
    """Return a ruleset as a builder hands it over, ready to serve; takes a while, so call this in a thread."""
    ruleset = load_ruleset(dump, lambda: time.sleep(_PAUSE_SECONDS))
    for matcher in (ruleset.request, ruleset.response):
        matcher.scan(_WARM_UP)
        stream = matcher.stream()
        stream.feed(_WARM_UP)
        stream.finish()
    return ruleset


@contextlib.contextmanager
def _collector_paused() -> Iterator[None]:
    """Keep the garbage collector from walking a ruleset: while it is made, and ever after.

    A walk over a hundred thousand terms would hold up every exchange, and a ruleset has no cycles to find.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _report_refusal(error: ListError) -> None:
    for problem in error.problems[:_LOGGED_PROBLEMS]:
        _LOG.error("ruleset_refused", file=problem.file, line=problem.line, reason=problem.message)
    if len(error.problems) > _LOGGED_PROBLEMS:
        _LOG.error("ruleset_refused", more=len(error.problems) - _LOGGED_PROBLEMS)


def _show(in_force: InForce, lists: Lists) -> None:
    ruleset = in_force.ruleset
    # The series of the old digest would stay, and two rulesets look in force.
    metrics.RULESET_INFO.clear()
    metrics.RULESET_INFO.labels(ruleset.digest, str(ruleset.term_count), "none").set(1)
    metrics.RULESET_AGE.set_function(lambda: time.time() - in_force.loaded_at)
    # A version that was taken away is told by the reload that misses it; an age of nothing would only hide it.
    with contextlib.suppress(ListError, VersionError, OSError, ValueError):
        changed_at = changed_at_seconds(active_lists(lists), VersionStore(lists.versions))
        metrics.LISTS_AGE.set_function(lambda: time.time() - changed_at)
