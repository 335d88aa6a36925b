"""Who is judged by which policy."""

import pytest

from gateway.protocol.policy import Policy
from gateway.protocol.policy_table import PolicyQuery, PolicyTable, Selected, SelectRule

RULES = (
    SelectRule("both", tenant="t", account="a"),
    SelectRule("tenant", tenant="t"),
    SelectRule("kind", kind="audit"),
    SelectRule("profile", profile="minor"),
    SelectRule("model", model="code[r-]*"),
)
TABLE = PolicyTable({name: Policy(name) for name in ("default", "own", *(rule.policy for rule in RULES))}, RULES)


@pytest.mark.parametrize(
    ("query", "name", "rule"),
    [
        (PolicyQuery(), "default", None),
        (PolicyQuery(tenant="t"), "tenant", 1),
        (PolicyQuery(tenant="t", account="a"), "both", 0),
        (PolicyQuery(account="a"), "default", None),
        (PolicyQuery(policy="own", tenant="t"), "own", None),
        (PolicyQuery(tenant="t", kind="audit"), "tenant", 1),
        (PolicyQuery(kind="audit", profile="minor"), "kind", 2),
        (PolicyQuery(profile="minor", model="coder"), "profile", 3),
        (PolicyQuery(model="coder-7b"), "model", 4),
        (PolicyQuery(model="code-"), "model", 4),
        (PolicyQuery(model="Coder"), "default", None),
        (PolicyQuery(model="my-coder"), "default", None),
        (PolicyQuery(model="coder" + "x" * 300), "default", None),
    ],
)
def test_the_first_rule_that_fits_counts(query: PolicyQuery, name: str, rule: int | None) -> None:
    """An account's own policy before any; all that a rule names must be so; a model is its whole name."""
    assert TABLE.choose(query) == Selected(name, rule)
    assert TABLE.select(query) == Policy(name)


def test_a_policy_that_is_gone_is_not_replaced() -> None:
    """Another one would judge by rules nobody chose."""
    assert TABLE.select(PolicyQuery(policy="gone")) is None
