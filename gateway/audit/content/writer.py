"""The content writer: a thread that stores data keys, and then encrypts and hands on what they are for.

Rules: no content is handed on before the row of its key is durable, nor after that row was destroyed; what waits is
bounded in number and in characters, and in time while the store is away; what is given up is counted, and told by an
event. Keys at the end of their retention are destroyed here, once a day.
"""

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import structlog

from gateway import metrics
from gateway.audit.content.entry import seal_content
from gateway.audit.content.keys import DataKey, day_name, day_of
from gateway.audit.content.store import ContentKeyStore
from gateway.audit.event_forms import EventName
from gateway.audit.events import SYSTEM, Event, encode_event
from gateway.errors import ResourceError
from gateway.protocol.evidence import Evidence

_LOG = structlog.get_logger(__name__)
_DAY_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class ContentLimits:
    """Bounds of what waits in memory.

    Attributes:
        keys: most keys that wait to be stored; about 1 kB each.
        contents: most contents that wait.
        characters: most characters in them.
        wait_seconds: longest that content waits for its key while the store is away.
        interval_seconds: how often waiting keys and contents are written.
        poll_seconds: how often the store is asked whether keys were destroyed.
    """

    keys: int = 50_000
    contents: int = 2_000
    characters: int = 16_000_000
    wait_seconds: float = 300.0
    interval_seconds: float = 0.2
    poll_seconds: float = 5.0


class _Waiting(NamedTuple):
    request_id: str
    at_us: int
    evidence: Evidence
    key: DataKey
    characters: int
    since: float


class ContentWriter:
    """Writes keys and contents; `put` and `put_key` belong to one thread, the rest to its own.

    Args:
        store: where keys are kept.
        append: hands entries to the audit trail, from any thread; raises ResourceError when it takes none.
        append_durably: the same for one entry, and waits until it is on disk.
        retention_days: how long keys are kept.
        limits: bounds.

    Attributes:
        destroyed: goes up when keys were destroyed that somebody may still hold.
    """

    def __init__(
        self,
        store: ContentKeyStore,
        append: Callable[[Sequence[bytes]], None],
        append_durably: Callable[[bytes], None],
        *,
        retention_days: int,
        limits: ContentLimits | None = None,
    ) -> None:
        self._store = store
        self._append = append
        self._append_durably = append_durably
        self._retention_days = retention_days
        self._limits = limits or ContentLimits()
        # Deques and numbers of one writer each: neither side ever waits for the other.
        self._new_keys: deque[DataKey] = deque()
        self._contents: deque[_Waiting] = deque()
        self._accepted_characters = self._settled_characters = 0
        self._dropped = 0  # since the last event that told of them
        self._failing = False
        self._revision = -1
        self._polled = self._retired = float("-inf")
        self._stopping = threading.Event()
        self.destroyed = 0
        self._thread = threading.Thread(target=self._run, name="audit-content", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def put_key(self, key: DataKey) -> None:
        """Take a key that is to be stored; one that finds no room never is, and nothing is kept under it."""
        if len(self._new_keys) < self._limits.keys:
            self._new_keys.append(key)
        else:
            key.lost = True

    def put(self, request_id: str, at_us: int, evidence: Evidence, key: DataKey) -> bool:
        """Take content that is to be encrypted; return False when there is no room for it, or its key has none."""
        texts = (*evidence.prompt, *evidence.reply, *(excerpt.text for excerpt in evidence.excerpts))
        characters = sum(map(len, texts))
        full = (
            len(self._contents) >= self._limits.contents
            or self._accepted_characters - self._settled_characters + characters > self._limits.characters
        )
        if full or key.lost:
            metrics.count_content(dropped=1)
            return False
        self._accepted_characters += characters
        self._contents.append(_Waiting(request_id, at_us, evidence, key, characters, time.monotonic()))
        return True

    def close(self) -> None:
        """Write what can be written now, give the rest up, and stop; blocks."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        stopping = False
        while not stopping:
            stopping = self._stopping.wait(self._limits.interval_seconds)
            try:
                self._work()
            # A thread that died would keep nobody's content any more, and nobody would know.
            except Exception:  # noqa: BLE001 the outermost frame of a thread
                _LOG.exception("audit_content_failed")
        self._drop(self._take(len(self._contents)))
        self._tell()

    def _work(self) -> None:
        """Store what keys there are, then write the contents that came before them."""
        waiting = len(self._contents)  # before the keys: theirs are all there then
        try:
            self._store_keys()
            self._write(waiting)
            self._look_after()
        except ResourceError as exc:
            if not self._failing:
                _LOG.error("audit_content_waits", error=str(exc))
            self._failing = True
            self._drop_old()
        else:
            if self._failing:
                _LOG.info("audit_content_recovered")
            self._failing = False
        self._tell()

    def _store_keys(self) -> None:
        while keys := [self._new_keys[at] for at in range(min(len(self._new_keys), 500))]:
            self._store.add(keys, time.time_ns() // 1000)
            for key in keys:
                key.stored = True
                self._new_keys.popleft()

    def _write(self, waiting: int) -> None:
        contents = [self._contents[at] for at in range(waiting)]
        if not contents:
            return
        # Asked right before: a person's content must not come back behind their erasure.
        there = self._store.existing(sorted({each.key.id for each in contents}))
        entries: list[bytes] = []
        lost: list[_Waiting] = []
        for each in contents:
            if each.key.id in there:
                entries.append(seal_content(each.request_id, each.at_us, each.evidence, each.key))
            else:
                lost.append(each)
        if entries:
            try:
                self._append(entries)
                metrics.count_content(kept=len(entries))
            except ResourceError:
                lost = contents
        self._take(waiting)
        self._drop(lost)

    def _take(self, count: int) -> Sequence[_Waiting]:
        taken = [self._contents.popleft() for _ in range(count)]
        self._settled_characters += sum(each.characters for each in taken)
        return taken

    def _drop(self, lost: Sequence[_Waiting]) -> None:
        self._dropped += len(lost)
        metrics.count_content(dropped=len(lost))

    def _drop_old(self) -> None:
        """Give up what has waited too long for the store."""
        before = time.monotonic() - self._limits.wait_seconds
        count = sum(each.since < before for each in list(self._contents))
        self._drop(self._take(count))

    def _tell(self) -> None:
        """Record what was given up behind its exchange's entry, which says that it is kept."""
        if self._dropped:
            event = Event(
                EventName.CONTENT_DROPPED, SYSTEM, time.time_ns() // 1000, details={"entries": self._dropped}
            )
            with contextlib.suppress(ResourceError):  # told with the next
                self._append([encode_event(event)])
                self._dropped = 0

    def _look_after(self) -> None:
        """See whether keys were destroyed by somebody else, and destroy those whose time is over."""
        now = time.monotonic()
        if now - self._polled >= self._limits.poll_seconds:
            revision = self._store.revision()
            if self._revision not in (-1, revision):
                self.destroyed += 1
            self._revision, self._polled = revision, now
        if now - self._retired >= _DAY_SECONDS:
            retire(self._store, self._append_durably, SYSTEM, self._retention_days)
            self._retired = now


def retire(
    store: ContentKeyStore, append_durably: Callable[[bytes], None], actor: str, retention_days: int, reason: str = ""
) -> int:
    """Destroy the keys at the end of their retention; the event is durable before.

    Args:
        store: where they are.
        append_durably: writes an entry, and waits until it is on disk.
        actor: who does it.
        retention_days: whole days that a key is kept behind its own.
        reason: why, in their words.

    Returns:
        How many were destroyed.

    Raises:
        StorageError: the store fails.
        ResourceError: the trail takes no entry; nothing was destroyed.
    """
    now_us = time.time_ns() // 1000
    day = day_of(now_us) - retention_days
    keys = store.held_before(day).keys
    # Without an event where there is nothing to tell: it runs every day.
    if not keys:
        return 0
    details: dict[str, str | int] = {"keys": keys, "retention_days": retention_days}
    append_durably(encode_event(Event(EventName.CONTENT_RETIRED, actor, now_us, day_name(day), details, reason)))
    return store.retire(day)
