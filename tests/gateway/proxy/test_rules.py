"""By which policy and ruleset somebody is judged."""

from dataclasses import replace

import pytest

from filters.ruleset import Ruleset, build_ruleset
from gateway.accounts.account import AccountKind
from gateway.accounts.identity import Caller
from gateway.protocol.policy import Policy
from gateway.protocol.policy_table import PolicyTable, SelectRule
from gateway.proxy.rules import Rules
from gateway.rulesets.builder import Builder
from gateway.rulesets.candidates import Candidate
from gateway.rulesets.rollout import Rollout, Trial
from gateway.settings.models import Lists
from tests.gateway.accounts.samples import sample_account
from tests.gateway.protocol.playbook import given

STANDING = given().standing
TABLE = PolicyTable(
    {"default": STANDING.policy, "minors": Policy("minors")}, (SelectRule("minors", profile="minor", model="m*"),)
)
TRIED = build_ruleset([], "sha256:" + "2" * 64)
USER = Caller("", "ecila", AccountKind.USER)


def rules(percent: int = 0, ruleset: Ruleset = TRIED) -> Rules:
    """Return the rules, with a ruleset that is tried out where a percentage is given."""
    rollout = Rollout(Lists(), Builder(), lambda _event: None)
    if percent:
        rollout.trial = Trial(ruleset, Candidate("0" * 16, percent))
    return Rules(TABLE, rollout)


@pytest.mark.parametrize(("model", "profile", "name"), [("m1", "minor", "minors"), ("m1", "", "default")])
def test_the_policy_depends_on_model_and_profile(model: str, profile: str, name: str) -> None:
    """Where nothing changes, nothing is made again."""
    found = rules().settle(STANDING, sample_account(), USER, model, profile)
    assert found is not None
    assert found.policy.name == name
    assert (found is STANDING) is (name == "default")


def test_a_policy_that_is_gone_is_told() -> None:
    """Another one would judge by rules nobody chose."""
    gone = replace(sample_account(), policy="gone")
    assert rules().settle(STANDING, gone, USER, "m", "") is None


def test_who_gets_the_ruleset_that_is_tried_out_is_judged_by_it() -> None:
    """Beside the one in force; a share of the people, each on one side for as long as it lasts."""
    found = rules(100).settle(STANDING, sample_account(), USER, "m", "")
    assert found is not None
    assert (found.ruleset, found.other) == (TRIED, STANDING.ruleset)
    half = rules(50)
    people = [Caller("", f"p{number}", AccountKind.USER) for number in range(200)]
    sides = [half.settle(STANDING, sample_account(), person, "m", "") is STANDING for person in people]
    assert 60 < sum(sides) < 140
    assert sides == [half.settle(STANDING, sample_account(), person, "m", "") is STANDING for person in people]


@pytest.mark.parametrize("kind", [AccountKind.AUDIT, AccountKind.UNFILTERED])
def test_test_accounts_are_judged_by_what_is_in_force(kind: AccountKind) -> None:
    """A regulator asks about the service as it is."""
    assert rules(100).settle(STANDING, sample_account(), Caller("", "", kind), "m", "") is STANDING


def test_a_ruleset_is_not_tried_out_beside_itself() -> None:
    """Once it is the active one there is nothing to compare."""
    assert rules(100, STANDING.ruleset).settle(STANDING, sample_account(), USER, "m", "") is STANDING
