"""What scores are measured against."""

import pytest

from filters.classifier.scores import Score, Side
from filters.findings import Action, Phase, Stage
from gateway.protocol.bars import acts_on_scores, bars_of, classifies
from gateway.protocol.policy import PhasePolicy, Policy, RiskPolicy
from tests.gateway.protocol.scoring import CLASSIFICATION


def found(policy: Policy, score: Score, *, early: bool = False, side: Side = Side.OUTPUT) -> bool:
    """Tell whether a score is a finding."""
    return bars_of(CLASSIFICATION, policy, side).finding(score, 0, 5, early=early) is not None


def test_a_finding_says_where_what_and_how_sure() -> None:
    """Its term is the category, its score per mille; the list behind it is the model."""
    finding = bars_of(CLASSIFICATION, Policy(), Side.INPUT).finding(Score(0.8499, "fraud", "A.1.h"), 3, 9)
    assert finding is not None
    assert (finding.stage, finding.risk, finding.term.text, finding.score) == (
        Stage.CLASSIFIER,
        "A.1.h",
        "fraud",
        850,
    )
    assert (finding.start, finding.end, finding.term.action) == (3, 9, Action.BLOCK)


@pytest.mark.parametrize(
    ("score", "whole", "early"),
    [(0.79, False, False), (0.8, True, False), (0.89, True, False), (0.9, True, True)],
)
def test_a_passage_needs_more_than_the_whole(score: float, whole: bool, early: bool) -> None:  # noqa: FBT001 a table
    """Both bars are reached by a score that equals them."""
    assert found(Policy(), Score(score, "fraud", "A.1.h")) is whole
    assert found(Policy(), Score(score, "fraud", "A.1.h"), early=True) is early


def test_a_category_may_have_a_bar_of_its_own() -> None:
    """It stands in place of the common one; early, the common one counts where it is higher."""
    assert found(Policy(), Score(0.7, "drugs", "A.1.h"))
    assert not found(Policy(), Score(0.7, "drugs", "A.1.h"), early=True)


def test_a_policy_may_set_the_bar_of_a_risk_for_each_half() -> None:
    """Lower or higher than the model's, and for that risk alone."""
    policy = Policy(risks={"A.1.h": RiskPolicy(threshold_request=0.5, threshold_response=0.95)})
    assert found(policy, Score(0.5, "drugs", "A.1.h"), side=Side.INPUT)
    assert not found(policy, Score(0.94, "drugs", "A.1.h"))
    assert not found(policy, Score(0.94, "drugs", "A.1.h"), early=True)
    assert not found(policy, Score(0.5, "abuse", "A.4.a"), side=Side.INPUT)


def test_what_the_linear_stage_settled_is_never_a_finding() -> None:
    """Its score is of another scale than the bars."""
    policy = Policy(risks={"A.1.h": RiskPolicy(threshold_request=0.0)})
    assert not found(policy, Score(1.0, settled=True), side=Side.INPUT)


def test_verdicts_by_other_bars_have_another_name() -> None:
    """What one policy found clean another may not."""
    own = Policy(risks={"A.1.h": RiskPolicy(threshold_request=0.5)})
    names = {bars_of(CLASSIFICATION, policy, side).name for policy in (Policy(), own) for side in Side}
    assert len(names) == 2


@pytest.mark.parametrize(
    ("stage", "risk", "wanted", "acts"),
    [
        (None, None, True, True),
        (Action.BLOCK, None, True, True),
        (Action.FLAG, None, True, False),
        (Action.FLAG, Action.FLAG, True, False),
        (Action.FLAG, Action.BLOCK, True, True),
        (Action.OFF, Action.BLOCK, False, False),
    ],
)
def test_when_it_is_asked_and_when_anything_follows(
    stage: Action | None,
    risk: Action | None,
    wanted: bool,  # noqa: FBT001 a table
    acts: bool,  # noqa: FBT001 the same
) -> None:
    """Off asks nothing; flags stop nothing, unless a risk's own action does."""
    half = PhasePolicy({Stage.CLASSIFIER: stage} if stage else {})
    policy = Policy(request=half, risks={"A.1.h": RiskPolicy(risk)})
    assert (classifies(policy, Phase.REQUEST), acts_on_scores(policy, Phase.REQUEST)) == (wanted, acts)


def test_a_stage_in_shadow_only_notes() -> None:
    """Nothing waits for what nothing acts on."""
    policy = Policy(request=PhasePolicy(shadow=frozenset({Stage.CLASSIFIER})))
    assert classifies(policy, Phase.REQUEST)
    assert not acts_on_scores(policy, Phase.REQUEST)
    assert acts_on_scores(policy, Phase.RESPONSE)


def test_in_shadow_nothing_follows() -> None:
    """It is asked, for the record, and no text waits for it."""
    policy = Policy(shadow=True)
    assert (classifies(policy, Phase.RESPONSE), acts_on_scores(policy, Phase.RESPONSE)) == (True, False)
