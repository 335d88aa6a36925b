"""The terms that findings of personal data and of secrets name: the kind, never the value.

Unless a policy says more they are flagged: whether a telephone number in a prompt is a leak or the reason why
somebody writes is for the operator to say.
"""

from filters.findings import Action, Severity, Term

PRIVACY = "A.4.f"
"""Risk of personal data: infringing personal information rights (GB/T 45654-2025 Annex A)."""
SECRET = "X.secret"  # noqa: S105 the name of a risk
"""Risk of keys, passwords and other credentials."""


def personal(kind: str, severity: Severity = Severity.MEDIUM) -> Term:
    """Return the term of a kind of personal data."""
    return Term(f"personal_data.{kind}", PRIVACY, severity, Action.FLAG)


def secret(kind: str) -> Term:
    """Return the term of a kind of secret."""
    return Term(f"secret.{kind}", SECRET, Severity.HIGH, Action.FLAG)
