"""The classifiers of a gateway, asked as one."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from filters.classifier.combining import Combine
from filters.classifier.scores import Score
from gateway.metrics import REGISTRY
from gateway.protocol.policy import FailMode
from gateway.proxy.classifier_panel import ClassifierPanel, Member
from gateway.proxy.classifier_pool import Answer
from tests.gateway.protocol.scoring import CLASSIFICATION
from tests.gateway.proxy.test_classifier_pool import windows

_T = TypeVar("_T")
HARM, NONE = Score(0.9, "fraud", "A.1.h"), Score(0.1, "fraud", "A.1.h")


class Said:
    """A classifier that says what it is told to."""

    def __init__(self, answer: Score | str, name: str = "said") -> None:
        self.name = name
        self.answer = answer
        self.closed = False

    def ask(self, asked: object) -> "asyncio.Future[Answer]":
        """Answer at once."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        count = len(asked)  # type: ignore[arg-type] # windows
        future.set_result(self.answer if isinstance(self.answer, str) else (self.answer,) * count)
        return future

    def close(self) -> None:
        """Note it."""
        self.closed = True


def run(use: Callable[[], Awaitable[_T]]) -> _T:
    """Run on a loop of its own."""

    async def main() -> _T:
        return await use()

    return asyncio.run(main())


def ask(*members: Member) -> Answer:
    """Ask a panel of these about one window."""

    async def use() -> Answer:
        return await ClassifierPanel(members).ask(windows("a"))

    return run(use)


def member(answer: Score | str, kind: Combine = Combine.ANY, *, open_: bool = False, weight: float = 1) -> Member:
    """Build a member that says this."""
    return Member(Said(answer), CLASSIFICATION, kind, weight, FailMode.OPEN if open_ else FailMode.CLOSED)


def harmful(answer: Answer) -> bool:
    """Tell whether the first score is above the common bar."""
    assert not isinstance(answer, str)
    return answer[0].unsafe >= 0.5


def test_one_alone_keeps_its_scale() -> None:
    """Its scores are measured by its own bars."""
    assert ask(member(HARM)) == (HARM,)
    assert ClassifierPanel([member(HARM)]).classification is CLASSIFICATION


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        ((HARM, Combine.ANY), (NONE, Combine.ANY), True),
        ((HARM, Combine.ALL), (NONE, Combine.ALL), False),
        ((HARM, Combine.ALL), (HARM, Combine.ALL), True),
        ((HARM, Combine.ANY), (NONE, Combine.ALL), True),
        ((HARM, Combine.WEIGHTED), (NONE, Combine.WEIGHTED), False),
    ],
)
def test_several_are_combined(first: tuple[Score, Combine], second: tuple[Score, Combine], found: bool) -> None:  # noqa: FBT001 a table
    """By what each one's word counts."""
    assert harmful(ask(member(*first), member(*second))) is found


def test_what_a_linear_stage_settled_is_below_every_bar() -> None:
    """Its scale is another."""
    assert not harmful(ask(member(Score(0.99, settled=True)), member(NONE)))


def test_a_failure_counts_by_its_fail_mode() -> None:
    """Closed fails the whole, open is done without; of none at all nothing is known."""
    assert ask(member("classifier_down"), member(HARM)) == "classifier_down"
    assert harmful(ask(member("classifier_down", open_=True), member(HARM)))
    assert ask(member("classifier_down", open_=True), member("classifier_timeout", open_=True)) == "classifier_down"


def test_one_in_shadow_decides_nothing_and_is_compared() -> None:
    """What it says otherwise is counted; a failure of it is not, and an answer nobody wants any more neither."""

    def counted(outcome: str) -> float:
        labels = {"classifier": "shade", "outcome": outcome}
        return REGISTRY.get_sample_value("sluice_classifier_shadow_total", labels) or 0.0

    async def use(answer: Score | str) -> None:
        shade = Member(Said(answer, "shade"), CLASSIFICATION, shadow=True)
        panel = ClassifierPanel([member(NONE), shade])
        assert await panel.ask(windows("a")) == (NONE,)
        panel.ask(windows("a")).cancel()
        while panel._comparing:  # noqa: ASYNC110 nobody waits for a comparison
            await asyncio.sleep(0)
        panel.close()
        assert isinstance(shade.classifier, Said)
        assert shade.classifier.closed

    before = counted("same"), counted("shadow_only")
    for answer in (HARM, NONE, "classifier_down"):
        run(lambda answer=answer: use(answer))  # type: ignore[misc] # bound now
    assert counted("same") > before[0]
    assert counted("shadow_only") > before[1]


def test_a_panel_of_several_is_known_by_all_of_them() -> None:
    """What was found clean by one was not by both."""
    one = ClassifierPanel([member(HARM), member(NONE)]).classification
    other = ClassifierPanel([member(HARM), member(NONE, Combine.ALL)]).classification
    assert one.digest != other.digest
