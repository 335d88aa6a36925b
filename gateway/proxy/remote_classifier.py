"""A classifier on another machine: a guard model or a moderation endpoint, asked over HTTP.

Rules: a question for each window, so many at a time; a deadline for all of them; answers are bounded before they are
read; whoever fails again and again is left alone for a while. What comes of a failure the policy's fail mode says.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from filters.classifier.scores import Score, ScorerError, Window, checked
from gateway import metrics
from gateway.errors import UpstreamError
from gateway.proxy.breaker import Breaker
from gateway.proxy.classifier_pool import DOWN, FAILED, QUEUE_FULL, TIMEOUT, Answer
from gateway.proxy.upstream.pool import UpstreamPool

_OK = 200
_LARGEST_ANSWER_BYTES = 256 * 1024
_HEADERS = ((b"content-type", b"application/json"), (b"accept", b"application/json"))


class RemoteClassifier:
    """Scores by asking a server.

    Args:
        name: the classifier's name in settings, logs and metrics.
        server: where it is.
        path: of the endpoint, behind the server's address.
        question: makes the body for a window.
        read: reads an answer.
        budget_seconds: longest wait for all windows of one question.
        limit: most windows asked about at a time.
        breaker: opened by failures.
    """

    def __init__(  # noqa: PLR0913 given by name
        self,
        name: str,
        server: UpstreamPool,
        path: str,
        question: Callable[[Window], dict[str, Any]],
        read: Callable[[Any], Score],
        *,
        budget_seconds: float,
        limit: int = 256,
        breaker: Breaker | None = None,
    ) -> None:
        self.name = name
        self._server = server
        self._path = path
        self._question = question
        self._read = read
        self._budget_seconds = budget_seconds
        self._limit = limit
        self._breaker = breaker or Breaker()
        self._under_way = 0

    def ask(self, windows: Sequence[Window]) -> "asyncio.Future[Answer]":
        """Ask for scores; the future never fails, and may be cancelled by who does not want them any more."""
        return asyncio.ensure_future(self._answer(windows))

    def close(self) -> None:
        """Let go of the server."""
        self._server.close()

    async def _answer(self, windows: Sequence[Window]) -> Answer:
        if self._under_way and self._under_way + len(windows) > self._limit:
            return self._refused(QUEUE_FULL)
        if not self._breaker.allows(time.monotonic()):
            return self._refused(DOWN)
        self._under_way += len(windows)
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._budget_seconds):
                scores = checked(await asyncio.gather(*map(self._score, windows)), len(windows))
        except TimeoutError:
            return self._failed(TIMEOUT)
        except (UpstreamError, ScorerError, ValueError):
            return self._failed(FAILED)
        finally:
            self._under_way -= len(windows)
        self._breaker.succeeded()
        metrics.CLASSIFIER_DOWN.labels(self.name).set(0)
        metrics.CLASSIFIER_SECONDS.labels(self.name).observe(time.monotonic() - began)
        metrics.count_scores(self.name, scores)
        return tuple(scores)

    async def _score(self, window: Window) -> Score:
        reply = await self._server.open("POST", self._path, _HEADERS, orjson.dumps(self._question(window)))
        try:
            pieces, size = [], 0
            while piece := await reply.read():
                pieces.append(piece)
                size += len(piece)
                if size > _LARGEST_ANSWER_BYTES:
                    raise ScorerError("the answer is larger than a verdict may be")
        finally:
            reply.close()
        if reply.status != _OK:
            raise ScorerError(f"the server answered {reply.status}")
        return self._read(orjson.loads(b"".join(pieces)))

    def _failed(self, reason: str) -> str:
        self._breaker.failed(time.monotonic())
        metrics.CLASSIFIER_DOWN.labels(self.name).set(self._breaker.open)
        return self._refused(reason)

    def _refused(self, reason: str) -> str:
        metrics.CLASSIFIER_FAILURES.labels(self.name, reason.removeprefix("classifier_")).inc()
        return reason
