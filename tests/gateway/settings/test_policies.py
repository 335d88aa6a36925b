"""Policies of the core, built from the settings."""

from pathlib import Path

import pytest

from filters.findings import Action, Phase, Stage
from gateway.protocol.policy import FailMode, PhasePolicy, Policy, RefusalStyle, RiskPolicy, StreamMode
from gateway.protocol.policy_table import SelectRule
from gateway.settings import Settings, SettingsError, build_policies, check_risks
from gateway.settings.policies import build_policy_table, risk_problems
from tests.settings_files import load_text

STRICT = """
[policies.strict]
refusal = "error"
scan_tool_definitions = false
languages = ["de", "zh"]
answer.de = "Nein."
shadow = true
request.keywords = "block"
request.fail_mode.keywords = "open"
request.personal_data = "restore"
request.shadow = ["personal_data"]
response.fail_mode.personal_data = "open"
response.classifier = "flag"
response.fail_mode.classifier = "open"
stream = "hold"
trail_characters = 40
risks."A.1.f" = {action = "mask", action_request = "flag", refusal = "fixed_answer", answer.zh = "不行"}
risks."A.1.x" = {action = "off", action_response = "block", threshold_request = 0.5, threshold_response = 0.9}
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
            frozenset({Stage.PERSONAL_DATA}),
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
            "A.1.f": RiskPolicy(Action.MASK, {"zh": "不行"}, {Phase.REQUEST: Action.FLAG}, RefusalStyle.FIXED_ANSWER),
            "A.1.x": RiskPolicy(Action.OFF, {}, {Phase.RESPONSE: Action.BLOCK}, None, 0.5, 0.9),
        },
        scan_tool_definitions=False,
        stream=StreamMode.HOLD,
        trail_characters=40,
        languages=("de", "zh"),
        answers={"de": "Nein."},
        shadow=True,
    )


def test_the_default_policy_fails_closed_and_decides_nothing_itself() -> None:
    """Without settings it leaves actions to the terms."""
    policy = build_policies(Settings())["default"]
    assert policy == Policy(
        request=PhasePolicy(fail_modes=dict.fromkeys(policy.request.fail_modes, FailMode.CLOSED)),
        response=PhasePolicy(fail_modes=dict.fromkeys(policy.response.fail_modes, FailMode.CLOSED)),
    )


def test_the_rules_of_who_gets_which_reach_the_core(tmp_path: Path) -> None:
    """In the order of the file."""
    text = """
[[policies.select]]
policy = "minors"
profile = "minor"
[[policies.select]]
policy = "code"
tenant = "t"
account = "a"
kind = "audit"
model = "coder-*"
"""
    table = build_policy_table(load_text(tmp_path, text).settings)
    assert table.rules == (
        SelectRule("minors", profile="minor"),
        SelectRule("code", tenant="t", account="a", kind="audit", model="coder-*"),
    )
    assert set(table.policies) == {"default", "minors", "code"}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('refusal = "fixed_answer"', "policies.default.refusal"),
        ('risks."A.1.f".refusal = "fixed_answer"', 'policies.default.risks."A.1.f".refusal'),
        ('risks."A.1.f" = { refusal = "fixed_answer", answer.zh = "好" }', None),
        ('risks."A.1.f".refusal = "fixed_answer"\nanswer.zh = "好"', None),
    ],
)
def test_a_fixed_answer_needs_words(tmp_path: Path, text: str, key: str | None) -> None:
    """A refusal of ours in its place would be told as an answer; the remedy names where to write one."""
    problems = risk_problems(load_text(tmp_path, f"[policies.default]\n{text}\n"), {"A.1.f", "A.4.a"})
    problems = [each for each in problems if each.wrong == "has no text to answer with"]
    assert {each.key for each in problems if "default" in each.key} == ({key} if key else set())
    assert all("answer" in each.remedy for each in problems)


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
    check_risks(load_text(tmp_path, STRICT), {"A.1.f", "A.1.h", "A.1.x"})
