"""The classifier's thread: batches, bounds, deadlines, and how it comes back."""

import asyncio
import math
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from filters.classifier.scores import Score, ScorerError, Side, Window
from gateway.metrics import REGISTRY
from gateway.proxy.breaker import Breaker
from gateway.proxy.classifier_pool import ClassifierPool

_T = TypeVar("_T")


class Fake:
    """A scorer that says what it is told to, and remembers what it was asked."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.go_on = threading.Event()
        self.go_on.set()
        self.begun = threading.Event()
        self.fault: Exception | None = None
        self.unsafe = 0.5

    def score(self, windows: Sequence[Window]) -> list[Score]:
        """Wait until it may; then fail or answer."""
        self.batches.append([window.text for window in windows])
        self.begun.set()
        assert self.go_on.wait(30)
        if self.fault is not None:
            raise self.fault
        return [Score(self.unsafe, settled=window.text == "settled") for window in windows]


def windows(*texts: str) -> list[Window]:
    """Build windows."""
    return [Window(text, Side.INPUT) for text in texts]


def run(scorer: Fake, use: Callable[[ClassifierPool], Awaitable[_T]], **bounds: object) -> _T:
    """Use a pool on a loop of its own."""

    async def main() -> _T:
        # A busy machine is no fault of the classifier; who asks about lateness says how much.
        pool = ClassifierPool("fake", scorer, **{"budget_seconds": 30.0, **bounds})  # type: ignore[arg-type] # the same
        try:
            return await use(pool)
        finally:
            scorer.go_on.set()
            pool.close()

    return asyncio.run(main())


def metric(name: str, **labels: str) -> float:
    """Read a metric."""
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_questions_of_all_exchanges_are_scored_together() -> None:
    """What comes while a batch is under way goes into the next; each gets its own answer."""
    scorer = Fake()

    async def use(pool: ClassifierPool) -> None:
        scorer.go_on.clear()
        first = pool.ask(windows("first"))
        await asyncio.to_thread(scorer.begun.wait, 30)
        rest = [pool.ask(windows(f"{number}", "settled")) for number in range(3)]
        scorer.go_on.set()
        assert [len(await each) for each in (first, *rest)] == [1, 2, 2, 2]

    before = metric("sluice_classifier_windows_total", classifier="fake", settled_by="linear")
    depth = metric("sluice_scan_queue_depth")
    run(scorer, use)
    assert scorer.batches == [["first"], ["0", "settled", "1", "settled", "2", "settled"]]
    assert metric("sluice_classifier_windows_total", classifier="fake", settled_by="linear") == before + 3
    assert metric("sluice_scan_queue_depth") == depth


def test_a_short_text_does_not_wait_for_a_long_one() -> None:
    """Each question puts a few windows into a batch."""
    scorer = Fake()

    async def use(pool: ClassifierPool) -> None:
        scorer.go_on.clear()
        long = pool.ask(windows(*map(str, range(100))))
        await asyncio.to_thread(scorer.begun.wait, 30)
        short = pool.ask(windows("short"))
        scorer.go_on.set()
        await short
        assert len(await long) == 100

    run(scorer, use)
    assert "short" in scorer.batches[1]


def test_a_late_answer_is_a_failure_and_the_next_is_served() -> None:
    """Whoever gave up is not scored any more."""
    scorer = Fake()

    async def use(pool: ClassifierPool) -> None:
        scorer.go_on.clear()
        both = pool.ask(windows("a")), pool.ask(windows("b"))
        assert [await each for each in both] == ["classifier_timeout"] * 2
        scorer.go_on.set()
        assert await pool.ask(windows("c")) == (Score(0.5),)

    run(scorer, use, budget_seconds=0.05)
    assert ["c"] in scorer.batches


def test_a_full_queue_is_said_at_once() -> None:
    """It is no fault of the classifier; one text larger than the bound still gets its turn."""
    scorer = Fake()

    async def use(pool: ClassifierPool) -> None:
        assert len(await pool.ask(windows("a", "b", "c"))) == 3
        scorer.go_on.clear()
        waiting = pool.ask(windows("a", "b"))
        assert await pool.ask(windows("c")) == "classifier_queue_full"
        scorer.go_on.set()
        assert len(await waiting) == 2

    run(scorer, use, limit=2)


def test_an_error_or_nonsense_is_no_answer() -> None:
    """The thread goes on: what fails now need not fail next."""
    scorer = Fake()

    async def use(pool: ClassifierPool) -> None:
        for scorer.fault in (ScorerError("no"), ZeroDivisionError()):
            assert await pool.ask(windows("a")) == "classifier_failed"
        scorer.fault, scorer.unsafe = None, math.nan
        assert await pool.ask(windows("a")) == "classifier_failed"
        scorer.unsafe = 0.1
        assert await pool.ask(windows("a")) == (Score(0.1),)

    run(scorer, use)


def test_who_keeps_failing_is_left_alone_and_comes_back() -> None:
    """While it rests nobody waits for it; one try closes the breaker."""
    scorer = Fake()

    async def use(pool: ClassifierPool) -> None:
        scorer.fault = ScorerError("no")
        assert [await pool.ask(windows("a")) for _ in range(3)] == [*["classifier_failed"] * 2, "classifier_down"]
        assert metric("sluice_classifier_down", classifier="fake") == 1
        scorer.fault = None
        while (answer := await pool.ask(windows("a"))) == "classifier_down":  # noqa: ASYNC110 it rests by the clock
            await asyncio.sleep(0.005)
        assert answer == (Score(0.5),)
        assert metric("sluice_classifier_down", classifier="fake") == 0

    run(scorer, use, breaker=Breaker(failures=2, rest_seconds=0.02))


def test_a_thread_that_hangs_is_replaced() -> None:
    """A few times: what hangs cannot be ended, and must not be collected without end."""
    scorer = Fake()

    async def use(pool: ClassifierPool) -> None:
        scorer.go_on.clear()
        while pool._hanging < 3:
            assert await pool.ask(windows("a")) == "classifier_timeout"
        for _ in range(3):
            assert await pool.ask(windows("a")) == "classifier_timeout"
        assert pool._hanging == 3
        scorer.go_on.set()
        while (answer := await pool.ask(windows("a"))) == "classifier_timeout":
            pass
        assert answer == (Score(0.5),)

    run(scorer, use, budget_seconds=0.02, hangs_after_seconds=0.001, breaker=Breaker(failures=99))


def test_an_answer_nobody_waits_for_does_no_harm() -> None:
    """The client has left."""
    scorer = Fake()

    async def use(pool: ClassifierPool) -> None:
        scorer.go_on.clear()
        left = pool.ask(windows("a"))
        await asyncio.to_thread(scorer.begun.wait, 30)
        left.cancel()
        scorer.go_on.set()
        assert await pool.ask(windows("b")) == (Score(0.5),)

    run(scorer, use)


def test_a_closed_loop_ends_the_thread() -> None:
    """What was under way at the stop reaches nobody."""
    scorer = Fake()

    async def use(pool: ClassifierPool) -> ClassifierPool:
        scorer.go_on.clear()
        pool.ask(windows("a"))
        await asyncio.to_thread(scorer.begun.wait, 30)
        return pool

    async def main() -> ClassifierPool:
        return await use(ClassifierPool("fake", scorer))

    pool = asyncio.run(main())
    thread = pool._worker._thread
    assert thread is not None
    scorer.go_on.set()
    thread.join(30)
    assert not thread.is_alive()
