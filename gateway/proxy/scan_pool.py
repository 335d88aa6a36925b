"""The scan pool: long texts are read in a thread, so that they do not hold up the event loop.

Rules: the queue is bounded, and a full queue or a missed deadline is a failed scan, which the policy's fail mode
decides on. The matcher reads in slices, so the interpreter lock is free between them.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from filters.ruleset import Ruleset
from gateway import metrics
from gateway.protocol.commands import ScanText
from gateway.protocol.events import ScanCompleted, ScanFailed
from gateway.protocol.nested import scan_nested
from gateway.protocol.personal import scan_texts


class ScanPool:
    """Scans texts in one thread.

    Args:
        limit: most scans queued or running.
        deadline_seconds: longest wait for one scan.
    """

    def __init__(self, limit: int = 64, deadline_seconds: float = 5.0) -> None:
        self._limit = limit
        self._deadline_seconds = deadline_seconds
        self._pending = 0
        # One thread: a second would only compete with the loop for the interpreter lock.
        self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sluice-scan")

    async def scan(self, job: ScanText, ruleset: Ruleset, other: Ruleset | None = None) -> ScanCompleted | ScanFailed:
        """Scan the texts of a job; never raises for a scan that could not be done.

        Args:
            job: the texts.
            ruleset: what they are scanned with.
            other: what they are scanned with besides.
        """
        if self._pending >= self._limit:
            return ScanFailed(job.phase, "scan_queue_full")
        self._pending += 1
        metrics.SCAN_QUEUE_DEPTH.inc()
        work = asyncio.get_running_loop().run_in_executor(self._threads, lambda: _scan(job, ruleset, other))
        work.add_done_callback(self._done)
        try:
            # Shielded: a scan that is too late still occupies its thread, and its place in the queue with it.
            return await asyncio.wait_for(asyncio.shield(work), self._deadline_seconds)
        except TimeoutError:
            return ScanFailed(job.phase, "scan_timeout")

    def close(self) -> None:
        """Stop the thread; scans under way are finished, queued ones are dropped."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _done(self, _work: "asyncio.Future[Any]") -> None:
        self._pending -= 1
        metrics.SCAN_QUEUE_DEPTH.dec()


def _scan(job: ScanText, ruleset: Ruleset, other: Ruleset | None) -> ScanCompleted:
    findings = scan_texts(ruleset, job.phase, job.texts, personal=job.personal)
    again = scan_nested(other.matcher(job.phase), job.texts) if other is not None and job.other else ()
    return ScanCompleted(job.phase, findings, again)
