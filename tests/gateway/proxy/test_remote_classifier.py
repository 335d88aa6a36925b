"""A classifier on another machine: guard and moderation endpoints that answer, stall, fail or talk nonsense."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeVar

import orjson

from filters.classifier.guard import load_guard, read_moderation
from filters.classifier.scores import Score, Window
from gateway.proxy.breaker import Breaker
from gateway.proxy.remote_classifier import RemoteClassifier
from gateway.proxy.upstream.connection import Timeouts
from gateway.proxy.upstream.pool import UpstreamPool
from gateway.standin.server import serving
from tests.gateway.proxy.test_classifier_pool import windows

_T = TypeVar("_T")
Message = MutableMapping[str, Any]


class GuardServer:
    """An ASGI application that plays a guard: harmful is what says so.

    Attributes:
        mode: ``good``, ``slow``, ``nonsense``, ``error`` or ``huge``.
    """

    def __init__(self) -> None:
        self.mode = "good"
        self.asked: list[Any] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 ASGI
        """Answer one request."""
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        self.asked.append((scope["path"], dict(scope["headers"]), orjson.loads(body)))
        if self.mode == "slow":
            await asyncio.sleep(1)
        answer = self._answer(orjson.loads(body))
        status = 500 if self.mode == "error" else 200
        headers = [(b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    def _answer(self, body: Any) -> bytes:  # noqa: ANN401 any JSON
        if self.mode == "nonsense":
            return b"<html>"
        if self.mode == "huge":
            return b" " * 1_000_000
        evil = "evil" in orjson.dumps(body).decode()
        if "input" in body:
            return orjson.dumps({"results": [{"flagged": evil, "category_scores": {"hate": 0.9 if evil else 0.1}}]})
        return orjson.dumps({"choices": [{"message": {"content": "unsafe\nS5" if evil else "safe"}}]})


def run(url: str, use: Callable[[RemoteClassifier], Awaitable[_T]], *, moderation: bool = False, **bounds: Any) -> _T:  # noqa: ANN401 of the classifier
    """Use a classifier on a loop of its own."""

    async def main() -> _T:
        server = UpstreamPool(f"{url}/v1", Timeouts(1, 5, 5, 5), api_key="secret")
        guard = load_guard("llama_guard")
        path = "/moderations" if moderation else "/chat/completions"

        def question(window: Window) -> dict[str, Any]:
            return {"input": window.text} if moderation else guard.question(window, "g")

        made = RemoteClassifier(
            *("guard", server, path, question, read_moderation if moderation else guard.read),
            **{"budget_seconds": 5, **bounds},
        )
        try:
            return await use(made)
        finally:
            made.close()

    return asyncio.run(main())


def test_each_window_is_a_question() -> None:
    """In their order, with the key, and what the labels stand for."""
    server = GuardServer()

    async def use(guard: RemoteClassifier) -> None:
        assert await guard.ask(windows("fine", "evil")) == (Score(0.0), Score(1.0, "S5", "A.4.a"))

    with serving(server) as url:
        run(url, use)
    path, headers, body = server.asked[0]
    assert (path, headers[b"authorization"]) == ("/v1/chat/completions", b"Bearer secret")
    assert body["max_tokens"] == 32


def test_a_moderation_endpoint_is_asked_in_its_shape() -> None:
    """Flagged is harm."""
    server = GuardServer()

    async def use(guard: RemoteClassifier) -> None:
        assert await guard.ask(windows("evil")) == (Score(0.9, "hate", "A.2.i"),)

    with serving(server) as url:
        run(url, use, moderation=True)


def test_no_answer_is_a_failure_and_it_comes_back() -> None:
    """Errors, nonsense and floods are none; nothing has to be started again."""
    server = GuardServer()

    async def use(guard: RemoteClassifier) -> None:
        for server.mode in ("error", "nonsense", "huge"):
            assert await guard.ask(windows("a")) == "classifier_failed"
        server.mode = "good"
        assert await guard.ask(windows("a")) == (Score(0.0),)

    with serving(server) as url:
        run(url, use)


def test_a_slow_guard_is_a_timeout_and_is_left_alone() -> None:
    """While the breaker is open nobody waits."""
    server = GuardServer()

    async def use(guard: RemoteClassifier) -> None:
        server.mode = "slow"
        assert [await guard.ask(windows("a")) for _ in range(3)] == [*["classifier_timeout"] * 2, "classifier_down"]

    with serving(server) as url:
        run(url, use, budget_seconds=0.1, breaker=Breaker(failures=2, rest_seconds=60))


def test_a_guard_that_is_not_there() -> None:
    """It was killed."""

    async def use(guard: RemoteClassifier) -> None:
        assert await guard.ask(windows("a")) == "classifier_failed"

    run("http://127.0.0.1:1", use)


def test_too_many_questions_are_refused_at_once() -> None:
    """What one text alone needs is still asked."""
    server = GuardServer()

    async def use(guard: RemoteClassifier) -> None:
        first = guard.ask(windows("a", "b"))
        await asyncio.sleep(0)
        assert await guard.ask(windows("c")) == "classifier_queue_full"
        assert len(await first) == 2

    with serving(server) as url:
        run(url, use, limit=1)
