"""The closed sets that detection is described with."""

from filters.findings import Action, Phase, Severity, Term


def test_actions_and_severities_are_ordered_mildest_first() -> None:
    """The gravest of several is the last in order; policies and strikes rely on it."""
    assert list(Action) == [Action.OFF, Action.FLAG, Action.RESTORE, Action.MASK, Action.BLOCK]
    assert Severity.LOW < Severity.MEDIUM < Severity.HIGH


def test_a_term_blocks_in_both_phases_unless_its_list_says_otherwise() -> None:
    """The defaults of a term are the strict ones."""
    term = Term("x", "A.1.a")
    assert term.action is Action.BLOCK
    assert term.phases == {Phase.REQUEST, Phase.RESPONSE}
