"""One row of a keyword list: what a row must look like, and the term it stands for.

Rules: a row is checked in full, so that one reading shows everything that is wrong with it; a problem names the
column and the value and says what to do. What this version cannot honour is refused rather than skipped: a row that
looks active and matches nothing would be a hole nobody sees. A row that was read is written again as the same row.
"""

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from filters.findings import Action, Kind, Phase, Severity, Step, Term
from filters.list_terms import JOINERS, term_problems
from filters.spelling import folded, quoted

COLUMNS = (
    "term",
    "kind",
    "risk",
    "severity",
    "action",
    "phase",
    "languages",
    "folds_off",
    "source",
    "licence",
    "note",
    "expires",
)

_SEVERITIES = {severity.name.lower(): severity for severity in Severity}
# ``off`` is for policies: a term that does nothing should not be in a list.
_ACTIONS = {action.value: action for action in (Action.BLOCK, Action.MASK, Action.FLAG)}
# An allow row acts on nothing, and one that reads "block" would puzzle whoever looks for what blocked.
_ALLOW_ACTIONS = {Action.OFF.value: Action.OFF}
_PHASES = {phase.value: frozenset({phase}) for phase in Phase} | {"both": frozenset(Phase)}
_CLOSED_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "kind": tuple(Kind),
    "severity": tuple(_SEVERITIES),
    "phase": tuple(_PHASES),
}
_ALL_STEPS = "all"

# Copied from a web page, such a character would make a term match nothing.
_INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class ListRow:
    """A row of a keyword list: the term, and what is known about it.

    Attributes:
        term: what the matcher looks for.
        source: where the term comes from.
        licence: the licence it comes under.
        note: free text for people.
        expires: last day it is in force; None for no end.
        file: name of the file it was read from; no part of what the row says.
        line: line in it, from 1.
    """

    term: Term
    source: str
    licence: str
    note: str = ""
    expires: date | None = None
    file: str = field(default="", compare=False)
    line: int = field(default=0, compare=False)

    def in_force(self, today: date) -> bool:
        """Whether its last day has not passed; ``expires`` itself still counts."""
        return self.expires is None or self.expires >= today

    @property
    def key(self) -> tuple[bool, str]:
        """What makes two rows the same term: its spelling, but for case and width."""
        # Letters of a pattern are its syntax: \d and \D are opposites.
        return (True, self.term.text) if self.term.kind is Kind.PATTERN else (False, folded(self.term.text))


def row_problems(row: Mapping[str, str], risk: str) -> Iterator[str]:
    """Say what is wrong with a row.

    Args:
        row: the value of every column in ``COLUMNS``.
        risk: the risk that the file's name promises.

    Yields:
        One sentence per problem: column, value, remedy.
    """
    # Asked first: a generator for each of a million values costs more than the question.
    for column in (name for name in COLUMNS if not _is_plain(row[name])):
        yield from _text_problems(column, row[column])
    # What is wrong with a term depends on its kind, so that of an unknown kind is not judged.
    if row["kind"] in _CLOSED_COLUMNS["kind"]:
        yield from term_problems(Kind(row["kind"]), row["term"])
    for column, allowed in _CLOSED_COLUMNS.items():
        yield from _closed_problems(column, row[column], allowed)
    yield from _closed_problems("action", row["action"], tuple(_actions(row["kind"])))
    if row["risk"] != risk:
        yield f"risk is {quoted(row['risk'])}, but the file is named for {risk}; move the row to its file"
    # Lists are evidence: a term nobody can trace cannot be defended.
    for column in ("source", "licence"):
        if not row[column]:
            yield f"{column} is empty; say where the term comes from and under which licence"
    # At single spaces: a bare split() would take what the message forbids.
    if row["languages"] and not all(map(_is_language, row["languages"].split(" "))):
        yield f"languages is {quoted(row['languages'])}; write codes such as zh or zh en, one space apart"
    if not _are_steps(row["folds_off"]):
        yield f"folds_off is {quoted(row['folds_off'])}; write all, or names one space apart: {' '.join(Step)}"
    if row["expires"] and not _is_date(row["expires"]):
        yield f"expires is {quoted(row['expires'])}; write a date such as 2027-01-31, or leave it empty"


def read_row(row: Mapping[str, str], file: str = "", line: int = 0) -> ListRow:
    """Return what a row without problems says.

    Args:
        row: the value of every column in ``COLUMNS``.
        file: name of the file it stands in.
        line: line in it.
    """
    term = Term(
        text=row["term"],
        risk=row["risk"],
        severity=_SEVERITIES[row["severity"]],
        action=_actions(row["kind"])[row["action"]],
        phases=_PHASES[row["phase"]],
        kind=Kind(row["kind"]),
        languages=frozenset(row["languages"].split()),
        folds_off=frozenset(Step if row["folds_off"] == _ALL_STEPS else map(Step, row["folds_off"].split())),
    )
    expires = date.fromisoformat(row["expires"]) if row["expires"] else None
    return ListRow(term, row["source"], row["licence"], row["note"], expires, file, line)


def write_row(row: ListRow) -> dict[str, str]:
    """Return the value of every column, in their order; `read_row` makes the same row of them."""
    term = row.term
    return {
        "term": term.text,
        "kind": term.kind.value,
        "risk": term.risk,
        "severity": term.severity.name.lower(),
        "action": term.action.value,
        "phase": "both" if len(term.phases) == len(Phase) else next(iter(term.phases)).value,
        "languages": " ".join(sorted(term.languages)),
        "folds_off": _steps(term.folds_off),
        "source": row.source,
        "licence": row.licence,
        "note": row.note,
        "expires": row.expires.isoformat() if row.expires else "",
    }


def _actions(kind: str) -> Mapping[str, Action]:
    return _ALLOW_ACTIONS if kind == Kind.ALLOW else _ACTIONS


def _closed_problems(column: str, value: str, allowed: tuple[str, ...]) -> Iterator[str]:
    """Say that a value is not one of those a column takes."""
    if value not in allowed:
        yield f"{column} is {quoted(value)}; write {', '.join(allowed)}"


def _is_plain(value: str) -> bool:
    """Whether a value has neither spaces around it nor characters that might be invisible; most have not."""
    return not value or (value == value.strip() and value.isprintable())


def _text_problems(column: str, value: str) -> Iterator[str]:
    """Say what no column may hold."""
    # Nobody sees such a space in a table, and the term would match only with it.
    if value != value.strip():
        yield f"{column} is {quoted(value)}; remove the spaces around it"
    for character in value:
        if character not in JOINERS and unicodedata.category(character) in _INVISIBLE_CATEGORIES:
            yield f"{column} holds the invisible character U+{ord(character):04X}; remove it"
            # The first is enough: what was pasted with one often holds many.
            return


def _is_language(code: str) -> bool:
    """Whether a code looks like ISO 639: two or three small letters."""
    return len(code) in {2, 3} and code.isascii() and code.isalpha() and code.islower()


def _are_steps(value: str) -> bool:
    return value in {"", _ALL_STEPS} or set(value.split(" ")) <= set(Step)


def _steps(steps: frozenset[Step]) -> str:
    if len(steps) == len(Step):
        return _ALL_STEPS
    # In the order of the steps and not of the set, which differs between processes.
    return " ".join(step.value for step in Step if step in steps)


def _is_date(value: str) -> bool:
    """Whether a value is a date as YYYY-MM-DD; the other forms of ISO 8601 are for machines."""
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False
