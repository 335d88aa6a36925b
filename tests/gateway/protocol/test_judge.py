"""Findings become actions, and actions the decision."""

import pytest

from filters.findings import Action, Finding, Phase, Stage
from gateway.protocol.judge import Decision, Judge
from gateway.protocol.policy import FailMode, PhasePolicy, Policy
from tests.gateway.protocol.playbook import term


def found(text: str = "x", action: Action = Action.BLOCK, risk: str = "A.1.f") -> Finding:
    """Build a finding."""
    return Finding(Stage.KEYWORDS, risk, 0, 1, term(text, action, risk))


def judge(policy: Policy | None = None, *, observe: bool = False) -> Judge:
    """Build a judge."""
    return Judge(policy or Policy(), observe=observe)


def test_the_decision_is_the_gravest_action() -> None:
    """It rises and never falls; its risks are those behind it."""
    tally = judge()
    seen = [tally.decision]
    for action, risk in [
        (Action.FLAG, "A.3.a"),
        (Action.BLOCK, "A.1.b"),
        (Action.MASK, "A.2.a"),
        (Action.BLOCK, "A.1.a"),
    ]:
        assert tally.act(Phase.REQUEST, found(action=action, risk=risk)) is action
        seen.append(tally.decision)
    assert seen == [Decision.ALLOW, Decision.FLAG, Decision.BLOCK, Decision.BLOCK, Decision.BLOCK]
    assert tally.risks == ["A.1.a", "A.1.b"]
    assert tally.blocked_in is Phase.REQUEST
    assert [each.risk for each in tally.recorded] == ["A.3.a", "A.1.b", "A.2.a", "A.1.a"]


def test_what_is_off_is_not_even_recorded() -> None:
    """A stage switched off for a risk leaves no trace."""
    tally = judge()
    assert tally.act(Phase.REQUEST, found(action=Action.OFF)) is Action.OFF
    assert (tally.recorded, tally.decision) == ((), Decision.ALLOW)


def test_what_cannot_be_masked_is_blocked() -> None:
    """A text without a place to write to does not pass for want of a mask."""
    assert judge().act(Phase.RESPONSE, found(action=Action.MASK), maskable=False) is Action.BLOCK


def test_an_observed_exchange_is_judged_and_left_alone() -> None:
    """Findings are recorded with the action of the policy; nothing acts, nothing fails closed."""
    tally = judge(observe=True)
    assert tally.act(Phase.REQUEST, found()) is Action.FLAG
    assert not tally.acts(Phase.REQUEST, found())
    assert tally.unscanned(Phase.RESPONSE, Stage.KEYWORDS, "late") is FailMode.OPEN
    assert (tally.decision, tally.blocked_in, tally.risks) == (Decision.UNFILTERED, None, ["A.1.f"])
    assert [each.action for each in tally.recorded] == [Action.BLOCK]
    assert [each.reason for each in tally.not_scanned] == ["late"]


@pytest.mark.parametrize("action", [Action.MASK, Action.BLOCK])
def test_only_masks_and_blocks_act(action: Action) -> None:
    """Asking whether a finding would act records nothing."""
    tally = judge()
    assert tally.acts(Phase.RESPONSE, found(action=action))
    assert not tally.acts(Phase.RESPONSE, found(action=Action.FLAG))
    assert tally.recorded == ()


def test_what_passed_unscanned_is_graver_than_a_mask() -> None:
    """It is never called allow; a block outranks it; closed is not recorded as passed."""
    tally = judge(Policy(response=PhasePolicy(fail_modes={Stage.KEYWORDS: FailMode.OPEN})))
    assert tally.unscanned(Phase.REQUEST, Stage.KEYWORDS, "late") is FailMode.CLOSED
    assert (tally.decision, tally.not_scanned) == (Decision.ALLOW, ())
    tally.unscanned(Phase.RESPONSE, Stage.KEYWORDS, "late")
    tally.unscanned(Phase.RESPONSE, Stage.KEYWORDS, "late")
    tally.act(Phase.RESPONSE, found(action=Action.MASK))
    assert tally.decision is Decision.UNSCANNED
    assert len(tally.not_scanned) == 1


def test_a_record_is_bounded_and_still_counts() -> None:
    """Behind the bound, findings are counted by risk and without their term."""
    tally = judge()
    for number in range(100):
        tally.act(Phase.REQUEST, found(f"term{number % 80}"))
    assert len(tally.recorded) == 65
    assert sum(each.count for each in tally.recorded) == 100
    assert tally.recorded[-1].term == ""


def test_more_findings_than_are_judged_is_a_block() -> None:
    """The bound is a decision: whatever the findings are, the text does not pass; observed, it does."""
    assert Judge(Policy(), observe=False).overrun(Phase.REQUEST) is Action.BLOCK
    judge = Judge(Policy(), observe=False)
    judge.overrun(Phase.RESPONSE)
    assert (judge.decision, judge.blocked_in) == (Decision.BLOCK, Phase.RESPONSE)
    assert Judge(Policy(), observe=True).overrun(Phase.REQUEST) is Action.FLAG


@pytest.mark.parametrize(
    "policy", [Policy(shadow=True), Policy(request=PhasePolicy(shadow=frozenset({Stage.KEYWORDS})))]
)
def test_in_shadow_mode_a_finding_is_flagged_and_the_record_says_what_would_have_been(policy: Policy) -> None:
    """The action is recorded as the policy has it; nothing acts, nothing is blocked, nothing closes."""
    assert judge(policy).shadow is None
    tally = judge(policy)
    assert tally.act(Phase.REQUEST, found(action=Action.MASK)) is Action.FLAG
    assert tally.shadow is Decision.MASK
    assert tally.act(Phase.REQUEST, found()) is Action.FLAG
    assert tally.act(Phase.REQUEST, found(action=Action.FLAG)) is Action.FLAG
    assert (tally.decision, tally.shadow, tally.blocked_in) == (Decision.FLAG, Decision.BLOCK, None)
    assert [each.action for each in tally.recorded] == [Action.MASK, Action.BLOCK, Action.FLAG]
    assert tally.risks == ["A.1.f"]
    assert not tally.acts(Phase.REQUEST, found())
    assert tally.unscanned(Phase.REQUEST, Stage.KEYWORDS, "late") is FailMode.OPEN


def test_shadow_mode_of_one_half_leaves_the_other() -> None:
    """A check that is only tried out on replies still stops prompts; a block is graver than what would have been."""
    tally = judge(Policy(response=PhasePolicy(shadow=frozenset({Stage.KEYWORDS}))))
    assert tally.act(Phase.RESPONSE, found()) is Action.FLAG
    assert tally.act(Phase.REQUEST, found()) is Action.BLOCK
    assert (tally.decision, tally.shadow, tally.blocked_in) == (Decision.BLOCK, None, Phase.REQUEST)
    assert tally.unscanned(Phase.REQUEST, Stage.KEYWORDS, "late") is FailMode.CLOSED


def test_in_shadow_mode_too_many_findings_are_flagged() -> None:
    """What is not judged one by one would have been blocked."""
    tally = judge(Policy(shadow=True))
    assert tally.overrun(Phase.REQUEST) is Action.FLAG
    assert (tally.decision, tally.shadow, tally.blocked_in) == (Decision.FLAG, Decision.BLOCK, None)


def test_what_is_observed_has_its_risks() -> None:
    """Nothing acts, and still it is told which risks there were."""
    tally = judge(observe=True)
    assert tally.act(Phase.REQUEST, found()) is Action.FLAG
    assert (tally.decision, tally.risks, tally.shadow) == (Decision.UNFILTERED, ["A.1.f"], None)
    assert tally.policy == Policy()
