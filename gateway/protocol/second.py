"""A second opinion: what another ruleset would have decided on an exchange, while one of them is being tried out.

Rules: it acts on nothing and holds nothing back; it reads what the first one reads, up to where that one stopped;
what does not depend on keywords it is told by the first judge.
"""

import sys

from filters.findings import MOST_FINDINGS, Findings, Known, Phase
from filters.ruleset import Ruleset
from gateway.protocol.buffered import Texts
from gateway.protocol.judge import Judge
from gateway.protocol.nested import NestedStage
from gateway.protocol.standing import Standing


def judge_by(standing: Standing) -> Judge:
    """Return who judges an exchange, with a second judge where another ruleset is asked."""
    # It never acts, but what it would have decided is judged as if it did.
    second = Judge(standing.policy, observe=standing.observe) if standing.other else None
    return Judge(standing.policy, observe=standing.observe, second=second)


def look_again(phase: Phase, texts: Texts, findings: Findings, judge: Judge | None) -> None:
    """Judge what the other ruleset found in a document.

    Args:
        phase: half of the exchange.
        texts: what was scanned.
        findings: what it found in each text, in the order of the texts.
        judge: keeps its tally; None where no other ruleset is asked.
    """
    # A scan that could not be made says nothing.
    if judge is None or not findings:
        return
    if sum(map(len, findings)) > MOST_FINDINGS:
        judge.overrun(phase)
        return
    for group, found in zip(texts.groups, findings, strict=True):
        for finding in found:
            judge.act(phase, finding, maskable=bool(group.parts))


class SecondStage:
    """Follows one running text of a streamed reply.

    Args:
        ruleset: the other one.
        judge: keeps its tally.
    """

    __slots__ = ("_judge", "_judged", "_stage")

    def __init__(self, ruleset: Ruleset, judge: Judge) -> None:
        self._stage = NestedStage(ruleset.response.stream)
        self._judge = judge
        self._judged = 0

    @property
    def frontier(self) -> int:
        """No text waits for a second opinion."""
        return sys.maxsize

    def feed(self, text: str) -> list[Known]:
        """Take the next piece; it has nothing to say to the channel."""
        return self._look(self._stage.feed(text))

    def finish(self) -> list[Known]:
        """End the text."""
        return self._look(self._stage.finish())

    def clear_before(self, _at: int) -> int:
        """No text waits for it."""
        return sys.maxsize

    def _look(self, found: list[Known]) -> list[Known]:
        for known in found:
            self._judged += 1
            if self._judged > MOST_FINDINGS:
                self._judge.overrun(Phase.RESPONSE)
                break
            self._judge.act(Phase.RESPONSE, known.finding)
        return []
