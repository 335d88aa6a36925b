"""Keyword lists as text: what `filters.lists` reads, written."""

import csv
import io
from collections.abc import Iterable

from filters.list_rows import COLUMNS, ListRow, write_row


def list_text(rows: Iterable[ListRow]) -> str:
    """Return rows as the text of a list, header first.

    Args:
        rows: rows of one risk.
    """
    text = io.StringIO(newline="")
    # Line ends as editors and version control on the operator's side expect them; the module's own is CR LF.
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(write_row, rows))
    return text.getvalue()


def rows_by_risk(rows: Iterable[ListRow]) -> dict[str, list[ListRow]]:
    """Return rows by risk id, in the order in which risks are met."""
    by_risk: dict[str, list[ListRow]] = {}
    for row in rows:
        by_risk.setdefault(row.term.risk, []).append(row)
    return by_risk
