"""A large prompt or reply does not hold up the exchanges beside it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import ErrorCode
from gateway.protocol.events import Admitted, RequestReceived, ScanCompleted, UpstreamFinished
from gateway.proxy.document_thread import DocumentThread
from tests.gateways import AsgiClient, Gateway, chat, expect_error, gateway, in_front_of, reply, whole_answer
from tests.raw_server import Do

MEGABYTE = "水位正常。" * 70_000


class Watched(DocumentThread):
    """Notes what it is given.

    Attributes:
        steps: the events that exchanges were told of in it.
        on_step: called in it before each.
    """

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[type] = []
        self.on_step: Callable[[], object] = lambda: None

    async def run(self, work: Callable[[], Any]) -> Any:  # noqa: ANN401 whatever the work returns
        """Note the event."""
        assert isinstance(work, partial)
        self.steps.append(type(work.args[0]))
        return await super().run(lambda: (self.on_step(), work())[1])


@contextmanager
def watched(running: Gateway) -> Iterator[Watched]:
    """Watch the document thread of a gateway."""
    own = running.services.document_thread
    thread = running.services.document_thread = Watched()
    try:
        yield thread
    finally:
        running.services.document_thread = own
        thread.close()


@pytest.mark.parametrize(
    ("prompt", "answer", "steps"),
    [
        ("你好", "好", []),
        ("水" * 6_000, "好", [RequestReceived, Admitted]),
        (MEGABYTE, "好", [RequestReceived, Admitted, ScanCompleted]),
        ("你好", "水" * 6_000, [UpstreamFinished]),
        ("你好", MEGABYTE, [UpstreamFinished, ScanCompleted]),
    ],
    ids=["small", "prompt", "prompt of a megabyte", "reply", "reply of a megabyte"],
)
def test_large_documents_are_read_judged_and_written_beside_the_loop(
    tmp_path: Path, prompt: str, answer: str, steps: list[type]
) -> None:
    """Every step that touches the whole document; small ones are not worth the way there."""
    script = (Do.READ_REQUEST, reply(whole_answer(answer)))
    with in_front_of(tmp_path, script, idle_seconds=30) as (running, _), watched(running) as thread:
        assert running.post(chat(prompt)).json()["choices"][0]["message"]["content"].startswith(answer)
        assert thread.steps == steps


def test_a_large_prompt_is_turned_away_when_too_many_wait(tmp_path: Path) -> None:
    """Small ones pass, and an exchange that has begun is brought to its end."""
    with in_front_of(tmp_path, (Do.READ_REQUEST, reply(whole_answer("水" * 6_000)))) as (running, _):
        running.services.document_thread._limit = 0
        response = expect_error(running, ErrorCode.SCAN_FAILED, lambda: running.post(chat("水" * 6_000)))
        assert response.headers["retry-after"] == "2"
        assert running.post(chat("你好")).status_code == 200


def test_a_client_that_leaves_while_its_prompt_is_read(tmp_path: Path) -> None:
    """The exchange is told when the thread is done with it, and recorded once."""
    client = AsgiClient()

    async def send(message: dict[str, Any]) -> None:
        client.sent.append(message)

    with gateway(tmp_path, "http://127.0.0.1:1") as running, watched(running) as thread:
        in_thread: list[str] = []

        def leave() -> None:
            in_thread.append(threading.current_thread().name)
            running.loop.call_soon_threadsafe(client.left.set)
            assert client.told.wait(30)

        thread.on_step = leave
        client.ask(running, send, prompt="水" * 6_000)
        (record,) = running.records(1)
    assert [name.startswith("sluice-document") for name in in_thread] == [True]
    assert (record.error, client.sent) == ("client_disconnected", [])
