"""Rows for tests: a good one, changed where a test says so."""

from typing import Any

from filters.findings import Action, Kind, Term
from filters.list_rows import ListRow


def list_row(text: str = "出售冰毒", risk: str = "A.1.h", **changes: Any) -> ListRow:  # noqa: ANN401 fields of two classes
    """Return a row.

    Args:
        text: the term.
        risk: its risk id.
        changes: fields of the term or of the row.
    """
    own = {name: changes.pop(name) for name in list(changes) if name in Term._fields}
    return ListRow(Term(text, risk, **own), **({"source": "own", "licence": "own"} | changes))


ALLOW = list_row("冰毒的危害", kind=Kind.ALLOW, action=Action.OFF)
"""A phrase that allows, which is no keyword."""
