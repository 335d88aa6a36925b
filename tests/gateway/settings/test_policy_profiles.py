"""The policies that ship: valid, about risks there are, and as strict as they say."""

import pytest

from filters.findings import Action, Finding, Phase, Stage
from filters.taxonomy import load_taxonomy
from gateway.protocol.policy import Policy, RefusalStyle
from gateway.settings import Settings, build_policies
from gateway.settings.policy_models import PolicySettings
from gateway.settings.policy_profiles import SHIPPED
from tests.gateway.protocol.playbook import term


def _policy(name: str) -> Policy:
    return build_policies(Settings())[name]


def _action(policy: Policy, risk: str, action: Action, stage: Stage = Stage.KEYWORDS) -> dict[Phase, Action]:
    finding = Finding(stage, risk, 0, 1, term("x", action, risk))
    return {phase: policy.action_for(phase, finding) for phase in Phase}


@pytest.mark.parametrize("name", SHIPPED)
def test_what_ships_is_valid_and_about_risks_there_are(name: str) -> None:
    """As the settings of an operator would have to be."""
    policy = PolicySettings.model_validate(SHIPPED[name])
    assert policy.risks.keys() <= load_taxonomy().risks.keys()
    assert policy.base is None


@pytest.mark.parametrize("risk", ["A.1.d", "A.1.f", "A.1.h", "A.4.a"])
def test_minors_are_kept_from_what_others_are_flagged_for(risk: str) -> None:
    """Violence, pornography, gambling, terror and harm to oneself: blocked, whatever the term's own action is."""
    assert set(_action(_policy("minors"), risk, Action.FLAG).values()) == {Action.BLOCK}
    assert set(_action(_policy("default"), risk, Action.FLAG).values()) == {Action.FLAG}


def test_data_of_minors_stays_here_and_their_distress_is_answered() -> None:
    """The model gets placeholders; whoever speaks of self-harm gets helplines as an answer."""
    policy = _policy("minors")
    actions = _action(policy, "A.4.f", Action.FLAG, Stage.PERSONAL_DATA)
    assert actions == {Phase.REQUEST: Action.RESTORE, Phase.RESPONSE: Action.MASK}
    distress = policy.risks["A.4.a"]
    assert distress.refusal is RefusalStyle.FIXED_ANSWER
    assert all("12355" in text and "12356" in text for text in distress.answers.values())


def test_code_is_not_masked() -> None:
    """A name with a star in it is another name; what blocks still does, and keys in a project stay here."""
    policy = _policy("code")
    for risk in ("A.2.a", "A.2.c", "A.2.e", "A.4.c"):
        assert set(_action(policy, risk, Action.MASK).values()) == {Action.FLAG}
    assert set(_action(policy, "A.1.h", Action.BLOCK).values()) == {Action.BLOCK}
    secret = _action(policy, "X.secret", Action.FLAG, Stage.PERSONAL_DATA)
    assert secret == {Phase.REQUEST: Action.RESTORE, Phase.RESPONSE: Action.FLAG}
    assert policy.scan_tool_definitions
