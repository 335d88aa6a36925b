"""A ruleset that is tried out on some of the people: followed while serving, and who of them gets it.

Rules: the process that serves never builds; who gets it depends on the person and the version alone, so a person
stays on one side, and a greater percentage only adds people; a candidate that cannot be built judges nobody.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime
from hashlib import blake2b
from typing import NamedTuple

import structlog

from filters.lists import ListError
from filters.ruleset import Ruleset
from gateway.audit.events import Event
from gateway.rulesets.builder import Builder
from gateway.rulesets.candidates import Candidate, CandidateStore
from gateway.rulesets.reloader import load_dump, loaded_event
from gateway.rulesets.sources import today
from gateway.settings.models import Lists

_LOG = structlog.get_logger(__name__)
POLL_SECONDS = 1.0
_SHARES = 100


class Trial(NamedTuple):
    """A ruleset that is tried out.

    Attributes:
        ruleset: what the people who get it are scanned with.
        candidate: which version it is, and how many get it.
    """

    ruleset: Ruleset
    candidate: Candidate

    def takes(self, person: str) -> bool:
        """Tell whether somebody is judged by it.

        Args:
            person: what stands for them, made with a key; nobody could choose a name that is on one side.
        """
        digest = blake2b(f"{self.candidate.version}\0{person}".encode(), digest_size=8).digest()
        return int.from_bytes(digest) % _SHARES < self.candidate.percent


class Rollout:
    """Follows the candidate of one process.

    Args:
        lists: the settings.
        builder: builds beside the process.
        record: puts an event into the audit trail; keeps a ruleset out of use by raising.
        poll_seconds: time between two looks at the file.

    Attributes:
        trial: what is tried out now.
    """

    def __init__(
        self,
        lists: Lists,
        builder: Builder,
        record: Callable[[Event], object],
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self.trial: Trial | None = None
        self._lists = lists
        self._builder = builder
        self._record = record
        self._poll_seconds = poll_seconds
        self._store = CandidateStore(lists.versions)
        self._seen: tuple[Candidate | None, date] | None = None

    async def watch(self) -> None:
        """Follow the candidate until cancelled."""
        try:
            while True:
                await self.look()
                await asyncio.sleep(self._poll_seconds)
        finally:
            self._builder.stop()

    async def look(self) -> None:
        """Look at the file once, and build what it names."""
        now = datetime.now(UTC)
        try:
            candidate = await asyncio.to_thread(self._store.read)
        except ListError as error:
            candidate = None
            _LOG.error("candidate_refused", reason=str(error))
        # By the day as well: at midnight terms expire.
        seen = (candidate, today(self._lists, now))
        if seen == self._seen:
            return
        same_day, self._seen = self._seen is not None and self._seen[1] == seen[1], seen
        if candidate is None:
            self.trial = None
        elif self.trial is not None and same_day and self.trial.candidate.version == candidate.version:
            self.trial = Trial(self.trial.ruleset, candidate)
        else:
            self.trial = await self._built(candidate, now)

    async def _built(self, candidate: Candidate, now: datetime) -> Trial | None:
        build: Callable[[], Ruleset] = lambda: load_dump(  # noqa: E731 one step for a thread
            self._builder.build(self._lists, now, candidate.version).ruleset
        )
        try:
            ruleset = await asyncio.to_thread(build)
            # Into the same log as the exchanges, so that the first it judges stands behind its whole digest.
            self._record(loaded_event(ruleset, candidate.version))
        except Exception as error:  # noqa: BLE001 whatever is wrong with it, everybody is judged by what is in force
            _LOG.error("candidate_not_built", version=candidate.version, reason=str(error), kind=type(error).__name__)
            return None
        _LOG.info("candidate_loaded", version=candidate.version, percent=candidate.percent, digest=ruleset.digest)
        return Trial(ruleset, candidate)
