"""The spool: entries between the event loop and the disk, bounded, and kept while the disk fails.

Rules: one thread puts, one other flushes; neither waits for the other, so each counter has one writer. An entry
leaves only when it is durable. Order is kept across failures, so an entry's sequence is where it stands in line.
While the disk fails, the fail mode says whether exchanges may begin; a spool that is full takes nothing in either.
"""

import time
from asyncio import Future
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

import structlog

from gateway import metrics
from gateway.audit import segment
from gateway.audit.writer import LogWriter
from gateway.errors import ErrorCode, ResourceError
from gateway.protocol.policy import FailMode

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SpoolLimits:
    """Bounds of a spool.

    Attributes:
        interval_seconds: longest time an ordinary entry waits for its batch.
        entries: most entries that are not durable yet.
        entries_bytes: most bytes they may have.
        admission_share: part of these bounds from which no new exchange is admitted, so that those under way can
            still be recorded.
        retry_seconds: wait after a first failure; doubled with each one more.
        retry_limit_seconds: longest wait between two tries.
        drain_seconds: longest time a stop tries to write what is left to a failing disk.
    """

    interval_seconds: float = 0.05
    entries: int = 65_536
    entries_bytes: int = 64 * 1024 * 1024
    admission_share: float = 0.75
    retry_seconds: float = 0.1
    retry_limit_seconds: float = 5.0
    drain_seconds: float = 5.0


class Flushed(NamedTuple):
    """What a flush did to those who wait.

    Attributes:
        durable: futures whose entry is on disk now, with its sequence.
        failed: futures whose entry is not, and stays in the spool with nobody waiting.
    """

    durable: list[tuple[Future[int | None], int]]
    failed: list[Future[int | None]]


class Spool:
    """Entries on their way to one log."""

    def __init__(self, writer: LogWriter, limits: SpoolLimits, fail_mode: FailMode = FailMode.CLOSED) -> None:
        self._writer = writer
        self._limits = limits
        self._fail_mode = fail_mode
        # Not queue.Queue: appending to a deque needs no lock, so the loop never waits for the disk's thread.
        self._queue: deque[tuple[bytes, Future[int | None] | None]] = deque()
        self._unwritten: deque[tuple[bytes, Future[int | None] | None]] = deque()  # the flushing thread's alone
        self._accepted_entries = self._accepted_bytes = 0  # written by the putting thread
        self._settled_entries = self._settled_bytes = 0  # written by the flushing thread
        self._failures = 0
        self._failing_since = 0.0
        self._late_entries = 0

    @property
    def healthy(self) -> bool:
        """Whether the disk takes entries, and has those that came while it did not."""
        return not self._failures

    @property
    def backlog_entries(self) -> int:
        """Entries that are not durable yet."""
        return self._accepted_entries - self._settled_entries

    @property
    def available(self) -> bool:
        """Whether new exchanges may begin: there is room, and the disk takes entries or need not now."""
        limits = self._limits
        # Read without a lock: a number that is one batch old only makes this a little stricter.
        backlog_bytes = self._accepted_bytes - self._settled_bytes
        return (
            (self._fail_mode is FailMode.OPEN or not self._failures)
            and self.backlog_entries < limits.entries * limits.admission_share
            and backlog_bytes < limits.entries_bytes * limits.admission_share
        )

    @property
    def wait_seconds(self) -> float:
        """How long the next flush should wait, unless someone is in a hurry."""
        if not self._failures:
            return self._limits.interval_seconds
        # 2^16 is beyond any sensible ratio of the two limits; the cap keeps the power from growing without bound.
        back_off = self._limits.retry_seconds * (1 << min(self._failures - 1, 16))
        return min(back_off, self._limits.retry_limit_seconds)

    def put(self, entry: bytes, waiter: Future[int | None] | None = None) -> None:
        """Take an entry.

        Raises:
            ResourceError: there is no room for it.
            ValueError: it is larger than an entry may be.
        """
        size = len(entry)
        # Here and not in the writer: there it would fail its batch at every try and hold up all behind it.
        if size > segment.ENTRY_LIMIT_BYTES:
            raise ValueError(f"an audit entry of {size} bytes; the limit is {segment.ENTRY_LIMIT_BYTES}")
        if (
            self._accepted_entries - self._settled_entries >= self._limits.entries
            or self._accepted_bytes + size - self._settled_bytes > self._limits.entries_bytes
        ):
            # Refused and never dropped: an exchange whose record is lost in silence is worse than one not served.
            raise ResourceError("the audit spool is full; see why the disk is slow", ErrorCode.AUDIT_UNAVAILABLE)
        # Before the entry can be seen, or a quick flush would settle what was not counted yet.
        self._accepted_entries += 1
        self._accepted_bytes += size
        self._queue.append((entry, waiter))

    def flush(self) -> Flushed:
        """Write what is there, batch by batch, until nothing is left or the disk fails."""
        flushed = Flushed([], [])
        # A deque, and taken one by one, because the other thread may append meanwhile; what it adds can wait.
        for _ in range(len(self._queue)):
            self._unwritten.append(self._queue.popleft())
        while self._unwritten:
            batch = self._next_batch()
            try:
                first = self._writer.append_batch([entry for entry, _ in batch])
            except Exception as exc:  # noqa: BLE001 — whatever it is, the trail must report it and go on, not stop silently
                self._fail(exc, flushed)
                return flushed
            # Taken out only after the sync: until then the queue is the only place that surely holds them.
            self._settle(batch, first, flushed)
        if self._failures:
            self._recover()
        return flushed

    def close(self) -> int:
        """Close the log; return how many entries could not be written."""
        self._writer.close()
        if self.backlog_entries:
            # The trail cannot show that entries are missing at its end, so the log has to.
            _log.error("audit_entries_lost", log_id=self._writer.log_id, entries=self.backlog_entries)
        return self.backlog_entries

    def _next_batch(self) -> list[tuple[bytes, Future[int | None] | None]]:
        batch: list[tuple[bytes, Future[int | None] | None]] = []
        size = 0
        for item in self._unwritten:
            batch.append(item)
            size += len(item[0])
            if size >= segment.BATCH_LIMIT_BYTES:
                break
        return batch

    def _settle(self, batch: list[tuple[bytes, Future[int | None] | None]], first: int, flushed: Flushed) -> None:
        for sequence, (entry, waiter) in enumerate(batch, first):
            self._unwritten.popleft()
            self._settled_bytes += len(entry)
            if waiter is not None:
                flushed.durable.append((waiter, sequence))
        self._settled_entries += len(batch)
        metrics.AUDIT_ENTRIES.inc(len(batch))
        if self._failures:
            metrics.AUDIT_LATE.inc(len(batch))
            self._late_entries += len(batch)

    def _recover(self) -> None:
        _log.info(
            "audit_recovered",
            log_id=self._writer.log_id,
            failures=self._failures,
            late_entries=self._late_entries,
            seconds=round(time.monotonic() - self._failing_since, 3),
        )
        self._failures = self._late_entries = 0

    def _fail(self, error: Exception, flushed: Flushed) -> None:
        """Keep everything, let nobody wait for it, and say so once."""
        if not self._failures:
            self._failing_since = time.monotonic()
            _log.error(
                "audit_unavailable", log_id=self._writer.log_id, error=str(error), fail_mode=self._fail_mode.value
            )
        self._failures += 1
        # A refusal cannot wait for a disk to be mended: its client is answered now.
        flushed.failed.extend(waiter for _, waiter in self._unwritten if waiter is not None)
        # The entries stay: some of them may record answers that have been sent.
        self._unwritten = deque((entry, None) for entry, _ in self._unwritten)
