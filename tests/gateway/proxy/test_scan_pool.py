"""Long texts are scanned beside the loop, within bounds."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from filters.findings import Finding, Phase, Term
from filters.ruleset import Ruleset, build_ruleset
from gateway.metrics import REGISTRY
from gateway.protocol.commands import ScanText
from gateway.protocol.events import ScanCompleted, ScanFailed
from gateway.proxy.scan_pool import ScanPool

RULESET = build_ruleset([Term("forbidden", "A.1.f")], "sha256:0")


class _Slow:
    """A ruleset whose scans wait until they are let go."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go_on = threading.Event()

    def matcher(self, _phase: Phase) -> Any:  # noqa: ANN401 itself, in place of a matcher
        return self

    def scan_all(self, texts: Sequence[str]) -> tuple[tuple[Finding, ...], ...]:
        """Wait; find nothing."""
        self.begun.set()
        assert self.go_on.wait(30)
        return ((),) * len(texts)


@contextmanager
def _pool(**bounds: Any) -> Iterator[ScanPool]:  # noqa: ANN401 whatever the pool takes
    pool = ScanPool(**bounds)
    try:
        yield pool
    finally:
        pool.close()


def _job(*texts: str, phase: Phase = Phase.REQUEST) -> ScanText:
    return ScanText(phase, texts)


def test_findings_come_in_the_order_of_the_texts() -> None:
    """One tuple for each text, empty where nothing was found."""
    with _pool() as pool:
        done = asyncio.run(pool.scan(_job("clean", "is forbidden", "clean", phase=Phase.RESPONSE), RULESET))
    assert isinstance(done, ScanCompleted)
    assert done.phase is Phase.RESPONSE
    assert [[(each.start, each.end) for each in found] for found in done.findings] == [[], [(3, 12)], []]


def test_another_ruleset_reads_the_same_texts_where_it_is_asked() -> None:
    """For its own findings, in the same hop."""
    other = build_ruleset([Term("outlawed", "A.1.f")], "sha256:1")

    def scan(pool: ScanPool, job: ScanText) -> tuple[list[int], list[int]]:
        done = asyncio.run(pool.scan(job, RULESET, other))
        assert isinstance(done, ScanCompleted)
        return [len(found) for found in done.findings], [len(found) for found in done.other]

    with _pool() as pool:
        texts = ("forbidden", "outlawed")
        assert scan(pool, ScanText(Phase.REQUEST, texts, other=True)) == ([1, 0], [0, 1])
        assert scan(pool, ScanText(Phase.REQUEST, texts)) == ([1, 0], [])


def test_scans_do_not_run_on_the_loop() -> None:
    """The loop turns while a text is scanned."""
    slow = _Slow()

    async def main(pool: ScanPool) -> object:
        scan = asyncio.create_task(pool.scan(_job("x"), _as_ruleset(slow)))
        await asyncio.to_thread(slow.begun.wait, 30)
        assert not scan.done()
        slow.go_on.set()
        return await scan

    with _pool() as pool:
        assert asyncio.run(main(pool)) == ScanCompleted(Phase.REQUEST, ((),))


def test_a_scan_that_is_late_has_failed_and_keeps_its_place() -> None:
    """The thread is still busy with it, so the queue is as full as it is; afterwards there is room again."""
    slow, before = _Slow(), REGISTRY.get_sample_value("sluice_scan_queue_depth") or 0.0

    async def main(pool: ScanPool) -> None:
        assert await pool.scan(_job("x"), _as_ruleset(slow)) == ScanFailed(Phase.REQUEST, "scan_timeout")
        assert REGISTRY.get_sample_value("sluice_scan_queue_depth") == before + 1
        assert await pool.scan(_job("x"), RULESET) == ScanFailed(Phase.REQUEST, "scan_queue_full")
        slow.go_on.set()
        while REGISTRY.get_sample_value("sluice_scan_queue_depth") != before:  # noqa: ASYNC110 nobody waits for it
            await asyncio.sleep(0)

    with _pool(limit=1, deadline_seconds=0.05) as pool:
        asyncio.run(main(pool))


def test_a_scan_nobody_waits_for_any_more_does_no_harm() -> None:
    """A client that leaves cancels the wait; the next scan is served."""
    slow = _Slow()

    async def main(pool: ScanPool) -> object:
        scan = asyncio.create_task(pool.scan(_job("x"), _as_ruleset(slow)))
        await asyncio.to_thread(slow.begun.wait, 30)
        scan.cancel()
        with pytest.raises(asyncio.CancelledError):
            await scan
        slow.go_on.set()
        return await pool.scan(_job("clean"), RULESET)

    with _pool(limit=2) as pool:
        assert asyncio.run(main(pool)) == ScanCompleted(Phase.REQUEST, ((),))


def _as_ruleset(fake: _Slow) -> Ruleset:
    return fake  # type: ignore[return-value] # the one method the pool calls
