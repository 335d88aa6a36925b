"""Policies of the core, built from the settings."""

from pathlib import Path

import pytest

from filters.findings import Action, Phase, Stage
from gateway.protocol.policy import FailMode, PhasePolicy, Policy, RefusalStyle, RiskPolicy, StreamMode
from gateway.settings import Settings, SettingsError, build_policies, check_risks
from tests.settings_files import load_text

STRICT = """
[policies.strict]
refusal = "error"
scan_tool_definitions = false
request.keywords = "block"
request.fail_mode.keywords = "open"
request.personal_data = "restore"
response.fail_mode.personal_data = "open"
response.classifier = "flag"
response.fail_mode.classifier = "open"
stream = "hold"
trail_characters = 40
risks."A.1.f" = {action = "mask", answer.zh = "不行", threshold_request = 0.5, threshold_response = 0.9}
risks."A.1.x" = {action = "off"}
"""


def test_every_setting_reaches_the_core(tmp_path: Path) -> None:
    """Nothing an operator wrote is lost on the way."""
    policies = build_policies(load_text(tmp_path, STRICT).settings)
    assert policies["strict"] == Policy(
        name="strict",
        refusal=RefusalStyle.ERROR,
        request=PhasePolicy(
            {Stage.KEYWORDS: Action.BLOCK, Stage.PERSONAL_DATA: Action.RESTORE},
            {
                Stage.KEYWORDS: FailMode.OPEN,
                Stage.PERSONAL_DATA: FailMode.CLOSED,
                Stage.CLASSIFIER: FailMode.CLOSED,
            },
        ),
        response=PhasePolicy(
            {Stage.CLASSIFIER: Action.FLAG},
            {
                Stage.KEYWORDS: FailMode.CLOSED,
                Stage.PERSONAL_DATA: FailMode.OPEN,
                Stage.CLASSIFIER: FailMode.OPEN,
            },
        ),
        risks={
            "A.1.f": RiskPolicy(Action.MASK, {"zh": "不行"}, 0.5, 0.9),
            "A.1.x": RiskPolicy(Action.OFF, {}),
        },
        scan_tool_definitions=False,
        stream=StreamMode.HOLD,
        trail_characters=40,
    )


def test_the_default_policy_fails_closed_and_decides_nothing_itself() -> None:
    """Without settings there is one policy, and it leaves actions to the terms."""
    (policy,) = build_policies(Settings()).values()
    assert policy.name == "default"
    assert policy.scan_tool_definitions
    for phase in Phase:
        assert policy.phase(phase).actions == {}
        assert {policy.phase(phase).fail_mode(stage) for stage in Stage} == {FailMode.CLOSED}


def test_a_rule_for_an_unknown_risk_is_an_error(tmp_path: Path) -> None:
    """It would silently do nothing; the message leads to the risk that was meant."""
    loaded = load_text(tmp_path, STRICT)
    with pytest.raises(SettingsError) as caught:
        check_risks(loaded, {"A.1.f", "A.1.h"})
    (problem,) = caught.value.problems
    assert problem.place == str(tmp_path / "sluice.toml")
    assert problem.key == 'policies.strict.risks."A.1.x"'
    assert problem.wrong == "is not a risk of the taxonomy"
    assert problem.remedy.startswith("Did you mean A.1.")


def test_rules_for_known_risks_pass(tmp_path: Path) -> None:
    """A taxonomy that has them all has nothing to object to."""
    check_risks(load_text(tmp_path, STRICT), {"A.1.f", "A.1.x"})
