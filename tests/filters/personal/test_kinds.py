"""The terms of personal data and secrets."""

from filters.findings import Action
from filters.personal.kinds import personal, secret
from filters.taxonomy import load_taxonomy


def test_kinds_are_flagged_under_risks_of_the_taxonomy() -> None:
    """Nothing is done about them unless a policy says so; both risks exist."""
    terms = [personal("phone"), secret("aws_key")]
    assert [(each.text, each.risk, each.action) for each in terms] == [
        ("personal_data.phone", "A.4.f", Action.FLAG),
        ("secret.aws_key", "X.secret", Action.FLAG),
    ]
    assert {each.risk for each in terms} <= load_taxonomy().risks.keys()
