"""Terms from elsewhere, made rows of a list.

Rules: nothing is dropped without a word: every entry becomes a row, or is named with the reason why not.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

from filters.findings import Action, Kind
from filters.list_rows import COLUMNS, ListRow, read_row, row_problems


class Drop(StrEnum):
    """Why an entry became no row."""

    REPEATED = "repeated"  # further up in the same source
    LISTED = "already listed"  # in the lists it is imported into
    REFUSED = "refused"  # it would be no good row


class Entry(NamedTuple):
    """One entry of a source.

    Attributes:
        line: line or row in it, from 1.
        values: what it says, by column; others take the defaults.
    """

    line: int
    values: Mapping[str, str]


class Dropped(NamedTuple):
    """An entry that became no row.

    Attributes:
        line: line or row in the source.
        reason: why.
        message: what is wrong with it, for people.
    """

    line: int
    reason: Drop
    message: str


class Imported(NamedTuple):
    """What became of a source.

    Attributes:
        rows: new rows, in the order of the entries.
        dropped: the other entries.
    """

    rows: tuple[ListRow, ...]
    dropped: tuple[Dropped, ...]


def row_defaults(kind: Kind, risk: str, source: str, licence: str) -> dict[str, str]:
    """Return the values of a row for a source that gives terms alone.

    Args:
        kind: how the terms are matched.
        risk: their risk id.
        source: where they come from.
        licence: the licence they come under.
    """
    values = dict.fromkeys(COLUMNS, "")
    action = Action.OFF if kind is Kind.ALLOW else Action.BLOCK
    return values | {
        "kind": kind.value,
        "risk": risk,
        "severity": "medium",
        "action": action.value,
        "phase": "both",
        "source": source,
        "licence": licence,
    }


def import_entries(entries: Iterable[Entry], defaults: Mapping[str, str], listed: Iterable[ListRow]) -> Imported:
    """Make rows of entries.

    Args:
        entries: what a source holds.
        defaults: a value for every column; an entry's own value wins unless it is empty.
        listed: rows that need not be imported again.
    """
    known = {row.key for row in listed}
    met: dict[tuple[bool, str], int] = {}
    rows: list[ListRow] = []
    dropped: list[Dropped] = []
    for entry in entries:
        # Spaces around a value come from spreadsheets and web pages, and no list may have them.
        given = {name: value.strip() for name, value in entry.values.items() if name in COLUMNS and value.strip()}
        values = {**defaults, **given}
        problems = list(row_problems(values, defaults["risk"]))
        if problems:
            dropped.append(Dropped(entry.line, Drop.REFUSED, "; ".join(problems)))
            continue
        row = read_row(values)
        if row.key in known:
            dropped.append(Dropped(entry.line, Drop.LISTED, "a list has it"))
        elif row.key in met:
            dropped.append(Dropped(entry.line, Drop.REPEATED, f"the same as in line {met[row.key]}"))
        else:
            met[row.key] = entry.line
            rows.append(row)
    return Imported(tuple(rows), tuple(dropped))
