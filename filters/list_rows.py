"""One row of a keyword list: what a row must look like, and the term it stands for.

Rules: a row is checked in full, so that one reading shows everything that is wrong with it; a problem names the
column and the value and says what to do. What this version cannot honour is refused rather than skipped: a row that
looks active and matches nothing would be a hole nobody sees.
"""

import unicodedata
from collections.abc import Iterator, Mapping
from datetime import date

from filters.findings import Action, Kind, Phase, Severity, Term

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
# A single character occurs inside harmless words everywhere.
TERM_MIN_CHARACTERS = 2
# A stream may have to hold back nearly a whole term, and the matcher keeps each of its prefixes.
TERM_MAX_CHARACTERS = 64


_SEVERITIES = {severity.name.lower(): severity for severity in Severity}
# ``off`` is for policies: a term that does nothing should not be in a list.
_ACTIONS = {action.value: action for action in (Action.BLOCK, Action.MASK, Action.FLAG)}
_PHASES = {phase.value: frozenset({phase}) for phase in Phase} | {"both": frozenset(Phase)}
_CLOSED_COLUMNS: Mapping[str, tuple[str, ...]] = {
    # A kind is added here once the matcher knows it.
    "kind": (Kind.LITERAL,),
    "severity": tuple(_SEVERITIES),
    "action": tuple(_ACTIONS),
    "phase": tuple(_PHASES),
    # The matcher's folds cannot be switched off one by one yet.
    "folds_off": ("",),
}

# Copied from a web page, such a character would make a term match nothing.
_INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Zl", "Zp"})
# Persian and Indic words are spelt with them.
_JOINERS = frozenset({"\N{ZERO WIDTH NON-JOINER}", "\N{ZERO WIDTH JOINER}"})
_QUOTED_CHARACTERS = 40


def folded(text: str) -> str:
    """Return the form in which two spellings of a term count as the same: NFKC, without case."""
    # Twice, because folding the case can undo the normal form.
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def row_problems(row: Mapping[str, str], risk: str) -> Iterator[str]:
    """Say what is wrong with a row.

    Args:
        row: the value of every column in ``COLUMNS``.
        risk: the risk that the file's name promises.

    Yields:
        One sentence per problem: column, value, remedy.
    """
    for column in COLUMNS:
        yield from _text_problems(column, row[column])
    yield from _term_problems(row["term"])
    for column, allowed in _CLOSED_COLUMNS.items():
        if row[column] not in allowed:
            choices = ", ".join(choice or "an empty value" for choice in allowed)
            yield f"{column} is {_quoted(row[column])}; this version takes {choices}"
    if row["risk"] != risk:
        yield f"risk is {_quoted(row['risk'])}, but the file is named for {risk}; move the row to its file"
    # Lists are evidence: a term nobody can trace cannot be defended.
    for column in ("source", "licence"):
        if not row[column]:
            yield f"{column} is empty; say where the term comes from and under which licence"
    # At single spaces: a bare split() would take what the message forbids.
    if row["languages"] and not all(map(_is_language, row["languages"].split(" "))):
        yield f"languages is {_quoted(row['languages'])}; write codes such as zh or zh en, one space apart"
    if row["expires"] and not _is_date(row["expires"]):
        yield f"expires is {_quoted(row['expires'])}; write a date such as 2027-01-31, or leave it empty"


def row_term(row: Mapping[str, str]) -> Term:
    """Return the term of a row without problems."""
    return Term(
        text=row["term"],
        risk=row["risk"],
        severity=_SEVERITIES[row["severity"]],
        action=_ACTIONS[row["action"]],
        phases=_PHASES[row["phase"]],
    )


def row_expired(row: Mapping[str, str], today: date) -> bool:
    """Whether a row without problems is past its last day; ``expires`` itself still counts."""
    return bool(row["expires"]) and date.fromisoformat(row["expires"]) < today


def _text_problems(column: str, value: str) -> Iterator[str]:
    """Say what no column may hold."""
    # Nobody sees such a space in a table, and the term would match only with it.
    if value != value.strip():
        yield f"{column} is {_quoted(value)}; remove the spaces around it"
    for character in value:
        if character not in _JOINERS and unicodedata.category(character) in _INVISIBLE_CATEGORIES:
            yield f"{column} holds the invisible character U+{ord(character):04X}; remove it"
            # The first is enough: what was pasted with one often holds many.
            return


def _term_problems(term: str) -> Iterator[str]:
    """Say what is wrong with the length of a term."""
    # Joiners do not count: a term of nothing else would be empty once folded, and match everywhere.
    if sum(character not in _JOINERS for character in term) < TERM_MIN_CHARACTERS:
        yield f"term is {_quoted(term)}; write at least {TERM_MIN_CHARACTERS} characters, or remove the row"
    if len(term) > TERM_MAX_CHARACTERS:
        yield f"term has {len(term)} characters; shorten it to at most {TERM_MAX_CHARACTERS}"


def _is_language(code: str) -> bool:
    """Whether a code looks like ISO 639: two or three small letters."""
    return len(code) in {2, 3} and code.isascii() and code.isalpha() and code.islower()


def _is_date(value: str) -> bool:
    """Whether a value is a date as YYYY-MM-DD; the other forms of ISO 8601 are for machines."""
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _quoted(value: str) -> str:
    """Return a value fit for one line of a message."""
    return repr(value if len(value) <= _QUOTED_CHARACTERS else value[:_QUOTED_CHARACTERS] + "…")
