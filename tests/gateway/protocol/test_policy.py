"""Policies."""

import pytest

from filters.findings import Action, Finding, Phase, Stage
from gateway.protocol.policy import FailMode, PhasePolicy, Policy, RiskPolicy
from tests.gateway.protocol.playbook import RISK, term

OFF, FLAG, RESTORE, MASK, BLOCK = Action


@pytest.mark.parametrize(
    ("risk", "stage", "own", "wins"),
    [
        (FLAG, MASK, BLOCK, FLAG),
        (None, MASK, BLOCK, MASK),
        (RESTORE, MASK, FLAG, RESTORE),
        (None, None, BLOCK, BLOCK),
        (BLOCK, None, FLAG, BLOCK),
        (OFF, BLOCK, BLOCK, OFF),
        (BLOCK, OFF, BLOCK, OFF),
        (BLOCK, BLOCK, OFF, OFF),
    ],
)
@pytest.mark.parametrize("phase", Phase)
def test_risk_wins_over_stage_over_term(
    risk: Action | None, stage: Action | None, own: Action, wins: Action, phase: Phase
) -> None:
    """The more special level wins, and ``off`` at any level switches the stage off for that risk."""
    actions = {Stage.KEYWORDS: stage} if stage else {}
    rules = {phase.value: PhasePolicy(actions=actions)}
    policy = Policy(risks={RISK: RiskPolicy(action=risk)} if risk else {}, **rules)  # type: ignore[arg-type]
    assert policy.action_for(phase, Finding(Stage.KEYWORDS, RISK, 0, 1, term("x", own))) is wins


def test_a_risk_with_an_answer_alone_leaves_the_action() -> None:
    """An answer for a risk says nothing about what is done."""
    policy = Policy(risks={RISK: RiskPolicy(answers={"en": "no"})})
    assert policy.action_for(Phase.REQUEST, Finding(Stage.KEYWORDS, RISK, 0, 1, term("x"))) is BLOCK


def test_a_stage_fails_closed_unless_said_otherwise() -> None:
    """Law 8: closed is the default."""
    assert PhasePolicy().fail_mode(Stage.KEYWORDS) is FailMode.CLOSED
    assert PhasePolicy(fail_modes={Stage.KEYWORDS: FailMode.OPEN}).fail_mode(Stage.KEYWORDS) is FailMode.OPEN


def test_a_risk_may_differ_between_the_halves() -> None:
    """The action of one half stands in the place of that for both; ``off`` still wins from any level."""
    finding = Finding(Stage.KEYWORDS, RISK, 0, 1, term("x", BLOCK))
    policy = Policy(risks={RISK: RiskPolicy(MASK, phase_actions={Phase.REQUEST: FLAG})})
    assert [policy.action_for(phase, finding) for phase in Phase] == [FLAG, MASK]
    policy = Policy(risks={RISK: RiskPolicy(phase_actions={Phase.RESPONSE: OFF})})
    assert [policy.action_for(phase, finding) for phase in Phase] == [BLOCK, OFF]


def test_shadow_mode_is_of_a_policy_or_of_a_stage() -> None:
    """In one half or in both."""
    one = Policy(request=PhasePolicy(shadow=frozenset({Stage.KEYWORDS})))
    assert [
        [each.shadows(phase, stage) for phase in Phase for stage in Stage] for each in (one, Policy(shadow=True))
    ] == [
        [stage is Stage.KEYWORDS and phase is Phase.REQUEST for phase in Phase for stage in Stage],
        [True] * 6,
    ]
