"""The classifier's thread: windows of all exchanges are scored together, a few at a time, beside the event loop.

Rules: the queue is bounded, and each question has a deadline; a full queue, a missed deadline or an answer that is
none is a failure the policy's fail mode decides on, and the exchange hears of it at once. Long texts give way: each
question puts a few windows into a batch, so a short one never waits for the whole of a long one. A thread that hangs
is left alone and another takes its place, a few times; nothing here needs a restart to recover.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Sequence
from queue import Empty, SimpleQueue
from typing import Any

import structlog

from filters.classifier.scores import Score, Scorer, ScorerError, Window, checked
from gateway import metrics
from gateway.proxy.breaker import Breaker

_LOG = structlog.get_logger("sluice")

Answer = tuple[Score, ...] | str
"""A score for each window, or a stable code that says why there is none."""

TIMEOUT, QUEUE_FULL, FAILED, DOWN = (
    "classifier_timeout",
    "classifier_queue_full",
    "classifier_failed",
    "classifier_down",
)
# The budget is for this many windows; a longer text has so much more.
_BUDGETED_WINDOWS = 64
_MOST_QUEUED_WINDOWS = 4096
_BATCH_WINDOWS = 16
_SLICE_WINDOWS = 4
# So long after its deadline nobody believes any more that the thread will come back.
_HANGS_AFTER_SECONDS = 5.0
_MOST_HANGING = 3


class _Question:
    """Windows of one exchange, and who waits for their scores."""

    __slots__ = ("answer", "began", "scores", "timer", "windows")

    def __init__(self, windows: Sequence[Window], answer: "asyncio.Future[Answer]", began: float) -> None:
        self.windows = windows
        self.answer = answer
        self.began = began
        self.scores: list[Score] = []
        self.timer: asyncio.TimerHandle | None = None


class ClassifierPool:
    """Scores with one scorer, in one thread.

    Args:
        name: the classifier's name in settings, logs and metrics.
        scorer: scores; one thread at a time asks it, but for one that hangs.
        budget_seconds: longest wait for an answer, for texts of up to 64 windows.
        limit: most windows queued or in work.
        breaker: opened by failures.
        hangs_after_seconds: after how long in one batch the thread is given up.

    Attributes:
        queued: windows that wait or are in work.
    """

    def __init__(
        self,
        name: str,
        scorer: Scorer,
        *,
        budget_seconds: float = 0.5,
        limit: int = _MOST_QUEUED_WINDOWS,
        breaker: Breaker | None = None,
        hangs_after_seconds: float = _HANGS_AFTER_SECONDS,
    ) -> None:
        self.name = name
        self._scorer = scorer
        self._budget_seconds = budget_seconds
        self._limit = limit
        self._breaker = breaker or Breaker()
        self._hangs_after_seconds = hangs_after_seconds
        self.queued = 0
        self._hanging = 0
        self._worker = _Worker(scorer, self._settle)

    def ask(self, windows: Sequence[Window]) -> "asyncio.Future[Answer]":
        """Ask for scores; the future never fails, and may be cancelled by who does not want them any more."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()
        now = time.monotonic()
        self._replace_hanging(now)
        refused = self._refusal(len(windows), now)
        if refused:
            metrics.CLASSIFIER_FAILURES.labels(self.name, refused.removeprefix("classifier_")).inc()
            answer.set_result(refused)
            return answer
        question = _Question(windows, answer, now)
        seconds = self._budget_seconds * (1 + (len(windows) - 1) // _BUDGETED_WINDOWS)
        question.timer = loop.call_later(seconds, self._expire, question)
        self.queued += len(windows)
        metrics.SCAN_QUEUE_DEPTH.inc(len(windows))
        answer.add_done_callback(lambda _: self._forget(question))
        self._worker.put(question, loop)
        return answer

    def close(self) -> None:
        """Stop the thread behind the batch it is at; whoever still waits is told by the deadline."""
        self._worker.stop()

    def _refusal(self, count: int, now: float) -> str:
        # A bound that one text alone exceeds would never let it through.
        if self.queued and self.queued + count > self._limit:
            return QUEUE_FULL
        return "" if self._breaker.allows(now) else DOWN

    def _replace_hanging(self, now: float) -> None:
        since = self._worker.busy_since
        # Threads cannot be ended from outside; too many left behind would be a leak of their own.
        if since and now - since > self._hangs_after_seconds and self._hanging < _MOST_HANGING:
            self._hanging += 1
            self._worker.stop()
            self._worker = _Worker(self._scorer, self._settle)

    def _expire(self, question: _Question) -> None:
        if not question.answer.done():
            self._failed(TIMEOUT, question)

    def _failed(self, reason: str, question: _Question) -> None:
        self._breaker.failed(time.monotonic())
        metrics.CLASSIFIER_FAILURES.labels(self.name, reason.removeprefix("classifier_")).inc()
        metrics.CLASSIFIER_DOWN.labels(self.name).set(self._breaker.open)
        question.answer.set_result(reason)

    def _settle(self, questions: list[_Question], batch: list[Score]) -> None:
        """Take what a batch came to; on the loop."""
        if batch:
            metrics.count_scores(self.name, batch)
        for question in questions:
            if question.answer.done():
                continue
            if len(question.scores) < len(question.windows):
                self._failed(FAILED, question)
                continue
            self._breaker.succeeded()
            metrics.count_answer(self.name, time.monotonic() - question.began)
            question.answer.set_result(tuple(question.scores))

    def _forget(self, question: _Question) -> None:
        if question.timer is not None:
            question.timer.cancel()
        self.queued -= len(question.windows)
        metrics.SCAN_QUEUE_DEPTH.dec(len(question.windows))


class _Worker:
    """One thread and its queue.

    Attributes:
        busy_since: when the batch under way began; 0 while there is none.
    """

    def __init__(self, scorer: Scorer, settle: Any) -> None:  # noqa: ANN401 a method of the pool
        self._scorer = scorer
        self._settle = settle
        self._coming: SimpleQueue[tuple[_Question, asyncio.AbstractEventLoop] | None] = SimpleQueue()
        self._stopped = threading.Event()
        self.busy_since = 0.0
        self._thread: threading.Thread | None = None

    def put(self, question: _Question, loop: asyncio.AbstractEventLoop) -> None:
        """Queue a question."""
        if self._thread is None:
            # Not before it is needed, and a daemon: one that hangs must not keep the process from ending.
            self._thread = threading.Thread(target=self._run, name="sluice-classifier", daemon=True)
            self._thread.start()
        self._coming.put((question, loop))

    def stop(self) -> None:
        """Have the thread end behind the batch it is at."""
        self._stopped.set()
        self._coming.put(None)

    def _run(self) -> None:
        waiting: deque[tuple[_Question, asyncio.AbstractEventLoop]] = deque()
        while not self._stopped.is_set():
            self._collect(waiting)
            if self._stopped.is_set():
                return
            # Whoever gave up needs no answer; the work for it would make others late too.
            live = [each for each in waiting if not each[0].answer.done()]
            waiting.clear()
            taken = live[: _BATCH_WINDOWS // _SLICE_WINDOWS]
            finished = self._score([question for question, _ in taken])
            # Behind those that have not had their turn.
            waiting.extend([*live[len(taken) :], *(each for each in taken if each[0] not in finished)])

    def _collect(self, waiting: deque[tuple[_Question, asyncio.AbstractEventLoop]]) -> None:
        try:
            while True:
                coming = self._coming.get(block=not waiting)
                if coming is None:
                    return
                waiting.append(coming)
                self._loop = coming[1]
        except Empty:
            return

    def _score(self, questions: list[_Question]) -> list[_Question]:
        """Score the next windows of some questions; return those that are done."""
        parts = [each.windows[len(each.scores) : len(each.scores) + _SLICE_WINDOWS] for each in questions]
        self.busy_since = time.monotonic()
        scores: list[Score] = []
        try:
            windows = [window for part in parts for window in part]
            scores = checked(self._scorer.score(windows), len(windows)) if windows else []
            left = iter(scores)
            for question, part in zip(questions, parts, strict=True):
                question.scores += [next(left) for _ in part]
            done = [each for each in questions if len(each.scores) == len(each.windows)]
        # Whatever a scorer does, the thread goes on: these questions have failed, the next may not.
        except Exception as exc:  # noqa: BLE001 the outermost frame of the thread
            # The stack of a defect goes to the log, which holds no text of anybody's.
            _LOG.warning("classifier_failed", problem=type(exc).__name__, exc_info=not isinstance(exc, ScorerError))
            done = questions
        finally:
            self.busy_since = 0.0
        if done and not self._stopped.is_set():
            self._tell(done, scores)
        return done

    def _tell(self, questions: list[_Question], scores: list[Score]) -> None:
        try:
            self._loop.call_soon_threadsafe(self._settle, questions, scores)
        except RuntimeError:
            # The loop is closed, and nobody waits any more.
            self._stopped.set()
