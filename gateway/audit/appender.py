"""The appender: entries from the event loop to the disk, through one thread that writes for many.

Rules: `append` is acknowledged when the entry is durable, or fails; `append_soon` promises durability with the next
batch and costs the loop no more than a list append. When the disk fails or the spool fills up, `available` says so
and the gateway takes no new exchanges. Entries of exchanges under way are still taken while there is room, and
written when the disk recovers: their replies have been sent, so their entries must not be lost.

So it is in the fail mode `closed`. In `open`, exchanges go on while there is room in the spool: `append` then returns
without a sequence, and the entry is written when the disk recovers.

A failed `append` means *unknown*, not *absent*: the entry is kept too, and may be written later. An `append` while
the disk is known to fail is refused at once, and not kept.
"""

import asyncio
import contextlib
import threading
import time
from pathlib import Path
from typing import Self

from gateway.audit.files import FileOps
from gateway.audit.log_tree import Checkpointing
from gateway.audit.spool import Flushed, Spool, SpoolLimits
from gateway.audit.writer import SEGMENT_BYTES, LogWriter
from gateway.errors import ErrorCode, ResourceError
from gateway.protocol.policy import FailMode


class Appender:
    """Appends to this process's log. Made, used and closed on one running event loop."""

    def __init__(
        self,
        directory: Path,
        *,
        limits: SpoolLimits | None = None,
        segment_bytes: int = SEGMENT_BYTES,
        ops: FileOps | None = None,
        checkpointing: Checkpointing | None = None,
        fail_mode: FailMode = FailMode.CLOSED,
    ) -> None:
        """Claim a log under the audit directory and start the writing thread; blocks to read the log's last segment.

        Raises:
            OSError: the directory cannot be written.
            CorruptLogError: the log is damaged beyond a torn end, or its last checkpoint is of other entries.
        """
        self._limits = limits or SpoolLimits()
        self._loop = asyncio.get_running_loop()
        self._writer = LogWriter(directory, ops=ops, segment_bytes=segment_bytes, checkpointing=checkpointing)
        self.log_id = self._writer.log_id
        self._fail_mode = fail_mode
        self._spool = Spool(self._writer, self._limits, fail_mode)
        self._wake = threading.Event()
        self._deadline: float | None = None  # set once: stop when drained, or at this time
        self._lost_entries = 0
        # A thread of its own: in a shared executor a slow store could hold every thread, and so the trail.
        # A daemon, so that a process that dies without `close` does die; what was acknowledged is durable anyway.
        self._thread = threading.Thread(target=self._run, name="audit-appender", daemon=True)
        self._thread.start()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def available(self) -> bool:
        """Whether new exchanges may begin; when not, answer them 503 up front."""
        return self._deadline is None and self._spool.available

    @property
    def spooling(self) -> bool:
        """Whether exchanges go on although the disk does not take their entries."""
        return self._fail_mode is FailMode.OPEN and not self._spool.healthy

    @property
    def backlog_entries(self) -> int:
        """Entries that are not durable yet."""
        return self._spool.backlog_entries

    def append(self, entry: bytes) -> asyncio.Future[int | None]:
        """Write an entry at once, together with whatever waits; for what must be durable before it takes effect.

        Returns:
            The entry's sequence, once it is durable. When the disk failed, the future raises ResourceError; in the
            fail mode `open` it gives None instead.

        Raises:
            ResourceError: the disk is known to fail and the mode is `closed`, the spool is full, or the appender is
                closed.
        """
        self._check_open()
        waiter: asyncio.Future[int | None] = self._loop.create_future()
        # Not waited for: it would wake the thread, and so cut its back-off short.
        if not self._spool.healthy:
            if self._fail_mode is FailMode.CLOSED:
                raise _unavailable()
            self._spool.put(entry)
            waiter.set_result(None)
            return waiter
        self._spool.put(entry, waiter)
        self._wake.set()
        return waiter

    def append_soon(self, entry: bytes) -> None:
        """Write an entry with the next batch.

        Raises:
            ResourceError: the spool is full, or the appender is closed.
        """
        self._check_open()
        self._spool.put(entry)

    async def close(self) -> None:
        """Stop, with everything durable that was appended.

        Raises:
            ResourceError: the disk failed to the end of the time a stop may take.
        """
        if self._deadline is None:
            self._deadline = time.monotonic() + self._limits.drain_seconds
            self._wake.set()
        # Not joined here: the loop must stay free to resolve the futures of the last batch.
        await asyncio.to_thread(self._thread.join)
        # Told as a failure: the trail itself cannot show that entries are missing at its end.
        if self._lost_entries:
            raise ResourceError(f"{self._lost_entries} audit entries could not be written before the stop")

    def _check_open(self) -> None:
        if self._deadline is not None:
            raise ResourceError("the audit trail is closed", ErrorCode.DRAINING)

    def _run(self) -> None:
        """Flush every interval, or sooner when woken, until the stop."""
        stopping = False
        while not stopping:
            self._wake.wait(self._spool.wait_seconds)
            # Before the flush: what comes during it sets the event again, and is not overlooked.
            self._wake.clear()
            # Read before the flush: nothing is appended once it is set, so a flush after it takes the last entry.
            deadline = self._deadline
            self._report(self._spool.flush())
            # After the report: nobody waits for a checkpoint of entries that are durable already.
            self._writer.checkpoint_if_due()
            stopping = deadline is not None and (not self._spool.backlog_entries or time.monotonic() >= deadline)
        self._lost_entries = self._spool.close()

    def _report(self, flushed: Flushed) -> None:
        if flushed.durable or flushed.failed:
            with contextlib.suppress(RuntimeError):  # the loop is closed, and with it everyone who waited
                # One call for the batch: each of them writes to the loop's wake-up pipe.
                self._loop.call_soon_threadsafe(_resolve, flushed, self._fail_mode)


def _resolve(flushed: Flushed, fail_mode: FailMode) -> None:
    """Tell those who still wait; on the loop's thread."""
    for waiter, sequence in flushed.durable:
        # The exchange may have been cancelled meanwhile; its entry counts all the same.
        if not waiter.done():
            waiter.set_result(sequence)
    for waiter in flushed.failed:
        if waiter.done():
            continue
        if fail_mode is FailMode.OPEN:
            waiter.set_result(None)
        else:
            waiter.set_exception(_unavailable())


def _unavailable() -> ResourceError:
    return ResourceError("the disk does not take audit entries; see the log for why", ErrorCode.AUDIT_UNAVAILABLE)
