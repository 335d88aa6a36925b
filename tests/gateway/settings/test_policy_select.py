"""The table `[policies]`: names lead somewhere, and errors say which does not."""

from pathlib import Path

import pytest

from gateway.settings import Settings
from gateway.settings.policy_select import Policies
from tests.settings_files import load_text, only_problem

RULE = "[[policies.select]]\npolicy = "


def test_default_and_what_ships_is_always_there() -> None:
    """One policy of the operator's takes none of them away."""
    assert Settings().policies.names == ("default", "minors", "code")
    assert Policies.model_validate({"strict": {}}).names == ("default", "strict", "minors", "code")
    assert Policies.model_validate({"minors": {}}).names == ("default", "minors", "code")


def test_a_base_is_one_step(tmp_path: Path) -> None:
    """Naming `default` says nothing new, so such a policy may be a base."""
    text = '[policies.a]\nbase = "default"\n[policies.b]\nbase = "a"\n[policies.c]\nbase = "minors"'
    policies = load_text(tmp_path, text).settings.policies
    assert [policies.base_of(name) for name in "abc"] == [None, "a", "minors"]
    assert policies.base_of("minors") is None


@pytest.mark.parametrize(
    ("text", "key", "remedy"),
    [
        ('[policies.a]\nbase = "minor"', "policies.a.base", "Did you mean minors"),
        (
            '[policies.a]\nbase = "zzzzz"',
            "policies.a.base",
            "Add a table [policies.zzzzz], or use one of: default, a",
        ),
        ('[policies.a]\nbase = "a"', "policies.a.base", "Name another policy"),
        ('[policies.default]\nbase = "minors"', "policies.default.base", "Remove it"),
        (
            '[policies.a]\nbase = "b"\n[policies.b]\nbase = "minors"',
            "policies.a.base",
            "Name minors or default, or remove base of b",
        ),
        (f'{RULE}"strikt"\ntenant = "t"\n[policies.strict]', "policies.select.0.policy", "Did you mean strict"),
        (f'{RULE}"code"\nmodel = "m"\n{RULE}"code"', "policies.select.1", "Name a tenant, account, kind, model"),
        (f'{RULE}"code"\nkind = "admin"', "policies.select.0.kind", 'Expected: "user" | "audit" | "unfiltered"'),
        (f'{RULE}"code"\nprofile = "未成年"', "policies.select.0.profile", "Write small letters"),
        (
            '[policies.select]\npolicy = "code"',
            "policies.select",
            "Write one [[policies.select]] table for each rule",
        ),
    ],
)
def test_a_name_that_leads_nowhere_is_told_with_its_place(tmp_path: Path, text: str, key: str, remedy: str) -> None:
    """At the start, and not when the first request meets it."""
    problem = only_problem(tmp_path, text)
    assert (problem.place, problem.key) == (str(tmp_path / "sluice.toml"), key)
    assert problem.remedy.startswith(remedy)


def test_rules_may_stand_in_a_variable(tmp_path: Path) -> None:
    """A list, as JSON; what is wrong in it is blamed on the variable."""
    environ = {"SLUICE_POLICIES__SELECT": '[{"policy": "code", "model": "m*"}]'}
    (rule,) = load_text(tmp_path, "", environ).settings.policies.select
    assert (rule.policy, rule.model) == ("code", "m*")
    wrong = {"SLUICE_POLICIES__SELECT": '[{"policy": "none", "model": "m"}]'}
    assert only_problem(tmp_path, "", wrong).place == "SLUICE_POLICIES__SELECT"
