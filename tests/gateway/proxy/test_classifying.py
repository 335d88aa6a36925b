"""Answers on their way to an exchange that also waits for its model server."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import pytest

from filters.classifier.scores import Score, Window
from gateway.protocol.commands import ScoreTexts
from gateway.protocol.events import ScoringFailed, TextsScored
from gateway.proxy.classifier_panel import ClassifierPanel
from gateway.proxy.classifier_pool import Answer
from gateway.proxy.classifying import ScoreBox
from tests.gateway.proxy.test_classifier_pool import windows

_T = TypeVar("_T")


class Panel:
    """A panel that is answered for by the test."""

    def __init__(self) -> None:
        self.asked: list[asyncio.Future[Answer]] = []

    def ask(self, _windows: Sequence[Window], _request_id: str = "") -> "asyncio.Future[Answer]":
        """Note a question."""
        self.asked.append(asyncio.get_running_loop().create_future())
        return self.asked[-1]


def run(use: Callable[[Panel, ScoreBox], Awaitable[_T]]) -> _T:
    """Use a box on a loop of its own."""

    async def main() -> _T:
        panel = Panel()
        box = ScoreBox(panel)  # type: ignore[arg-type] # the one method it calls
        try:
            return await use(panel, box)
        finally:
            box.close()

    assert hasattr(ClassifierPanel, "ask")
    return asyncio.run(main())


def ask(box: ScoreBox, ticket: int) -> None:
    """Ask about a text."""
    box.ask(ScoreTexts(ticket, tuple(windows("a"))))


def test_answers_are_told_in_the_order_in_which_they_come() -> None:
    """With the ticket of their question; a failure is told too."""

    async def use(panel: Panel, box: ScoreBox) -> None:
        assert [box.expects] == [False]
        ask(box, 1)
        ask(box, 2)
        waiting = asyncio.ensure_future(box.next())
        await asyncio.sleep(0)
        panel.asked[1].set_result("classifier_down")
        panel.asked[0].set_result((Score(0.5),))
        assert await waiting == ScoringFailed(2, "classifier_down")
        assert box.expects
        assert await box.next() == TextsScored(1, (Score(0.5),))
        assert not box.expects

    run(use)


def test_what_is_being_read_goes_on_being_read() -> None:
    """An answer that comes first is told first, and no byte is lost."""

    async def use(panel: Panel, box: ScoreBox) -> None:
        bytes_come: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        async def read() -> bytes:
            return await bytes_come

        ask(box, 1)
        waiting = asyncio.ensure_future(box.before(read))
        await asyncio.sleep(0)
        panel.asked[0].set_result((Score(0.5),))
        assert await waiting == TextsScored(1, (Score(0.5),))
        ask(box, 2)
        bytes_come.set_result(b"data")
        assert await box.before(read) is None
        reading = box.reading()
        assert reading is not None
        assert await reading == b"data"
        again = box.reading()
        assert again is None

    run(use)


def test_an_answer_that_is_there_needs_no_reading() -> None:
    """It is told at once."""

    async def use(panel: Panel, box: ScoreBox) -> None:
        ask(box, 1)
        panel.asked[0].set_result((Score(0.5),))
        await asyncio.sleep(0)
        assert isinstance(await box.before(_never), TextsScored)
        assert box.reading() is None

    run(use)


async def _never() -> bytes:
    raise AssertionError("nothing is to be read")


def test_an_end_cancels_what_is_open() -> None:
    """Questions and reading alike; an error of what was read is nobody's."""

    async def use(panel: Panel, box: ScoreBox) -> None:
        ask(box, 1)
        never = asyncio.get_running_loop().create_future()
        waiting = asyncio.ensure_future(box.before(lambda: never))
        for _ in range(3):
            await asyncio.sleep(0)
        waiting.cancel()
        box.close()
        # Once for the task, and once for what it waits for.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert panel.asked[0].cancelled()
        assert never.cancelled()
        assert not box.expects

    run(use)


def test_an_error_of_reading_is_raised_where_it_is_read() -> None:
    """Not where an answer is waited for."""

    async def use(_panel: Panel, box: ScoreBox) -> None:
        async def read() -> bytes:
            raise ValueError("broken")

        ask(box, 1)
        assert await box.before(read) is None
        reading = box.reading()
        assert reading is not None
        with pytest.raises(ValueError, match="broken"):
            await reading

    run(use)
