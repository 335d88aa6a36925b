"""What is asked about complete texts: each window once, none twice, and no more than the bound."""

import pytest

from filters.classifier.scores import Score, Side, Window
from filters.findings import Action, Phase
from gateway.protocol.judge import Judge
from gateway.protocol.policy import FailMode
from gateway.protocol.questions import MOST_SHORT_WINDOWS, MOST_WINDOWS, missed, question_of, too_long
from gateway.protocol.verdicts import VerdictMemory
from tests.gateway.protocol.scoring import CLASSIFICATION, phase_policy, score, scored_context


@pytest.mark.parametrize(
    ("count", "size", "over"),
    [
        (MOST_WINDOWS, 512, False),
        (MOST_WINDOWS + 1, 512, True),
        (MOST_SHORT_WINDOWS, 16, False),
        (MOST_SHORT_WINDOWS + 1, 1, True),
    ],
)
def test_the_bound_is_of_work_and_of_number(count: int, size: int, over: bool) -> None:  # noqa: FBT001 a table
    """A transcript of many short lines is not turned away for their number."""
    assert too_long([Window("x" * size, Side.OUTPUT)] * count) is over


def test_what_was_clean_is_not_asked_again() -> None:
    """By the same bars; what had a finding is, and what was not answered too."""
    context = scored_context(memory=VerdictMemory(b"key"))
    texts = ["one", "evil two", "three"]
    first = question_of(CLASSIFICATION, context, Side.OUTPUT, texts)
    found = first.settle(iter([score(window) for window in first.windows]), context.memory)
    assert [bool(each) for each in found] == [False, True, False]
    again = question_of(CLASSIFICATION, context, Side.OUTPUT, texts)
    assert [window.text for window in again.windows] == ["evil two"]
    assert again.settle(iter([Score(0.1)]), context.memory) == ((), (), ())
    assert len(question_of(CLASSIFICATION, context, Side.INPUT, texts).windows) == 3


def test_a_window_says_what_a_program_reads() -> None:
    """A finding has its place in the text as received all the same."""
    context = scored_context()
    text = '{"plan": "\\u0065vil"}'
    question = question_of(CLASSIFICATION, context, Side.OUTPUT, [text])
    assert [window.text for window in question.windows] == ['{"plan": "evil"}']
    ((finding,),) = question.settle(iter([Score(0.99, "fraud", "A.1.h")]), context.memory)
    assert (finding.start, finding.end) == (0, len(text))


@pytest.mark.parametrize(("action", "mode"), [(Action.BLOCK, FailMode.CLOSED), (Action.FLAG, FailMode.OPEN)])
def test_what_would_only_be_noted_never_closes(action: Action, mode: FailMode) -> None:
    """But it is recorded."""
    context = scored_context(policy=phase_policy(Phase.RESPONSE, action))
    judge = Judge(context.standing.policy, observe=False)
    assert missed(judge, context, Phase.RESPONSE, "classifier_down") is mode
    assert bool(judge.not_scanned) is (mode is FailMode.OPEN)
