"""One row: what is refused, and the term a good one stands for."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.findings import Action, Phase, Severity, Term
from filters.list_rows import COLUMNS, folded, row_expired, row_problems, row_term

GOOD = {
    "term": "出售冰毒",
    "kind": "literal",
    "risk": "A.1.h",
    "severity": "high",
    "action": "block",
    "phase": "both",
    "languages": "zh",
    "folds_off": "",
    "source": "project",
    "licence": "project",
    "note": "",
    "expires": "",
}


def problems(**changes: str) -> list[str]:
    """Return what is wrong with the good row after some changes."""
    return list(row_problems(GOOD | changes, "A.1.h"))


def test_good_row_has_no_problems() -> None:
    """A row that keeps the format is accepted."""
    assert problems() == []


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("term", "", "term is ''; write at least 2 characters"),
        ("term", "毒", "term is '毒'; write at least 2 characters"),
        ("term", "\u200d\u200d", "term is '\\u200d\\u200d'; write at least 2 characters"),
        ("term", "毒" * 65, "term has 65 characters; shorten it to at most 64"),
        ("term", " 冰毒", "term is ' 冰毒'; remove the spaces around it"),
        ("term", "冰\u200b毒", "term holds the invisible character U+200B; remove it"),
        ("term", "冰\n毒\t品", "term holds the invisible character U+000A; remove it"),
        ("note", "see\x00", "note holds the invisible character U+0000; remove it"),
        ("kind", "pattern", "kind is 'pattern'; this version takes literal"),
        ("risk", "A.1.f", "risk is 'A.1.f', but the file is named for A.1.h; move the row"),
        ("severity", "grave", "severity is 'grave'; this version takes low, medium, high"),
        ("action", "off", "action is 'off'; this version takes block, mask, flag"),
        ("phase", "reply", "phase is 'reply'; this version takes request, response, both"),
        ("languages", "Chinese", "languages is 'Chinese'; write codes such as zh"),
        ("languages", "zh,en", "languages is 'zh,en'; write codes such as zh"),
        ("languages", "zh  en", "languages is 'zh  en'; write codes such as zh"),
        ("folds_off", "width", "folds_off is 'width'; this version takes an empty value"),
        ("source", "", "source is empty; say where the term comes from"),
        ("licence", "", "licence is empty; say where the term comes from"),
        ("expires", "31.01.2027", "expires is '31.01.2027'; write a date such as 2027-01-31"),
        ("expires", "20270131", "expires is '20270131'; write a date such as 2027-01-31"),
        ("expires", "2027-02-30", "expires is '2027-02-30'; write a date such as 2027-01-31"),
    ],
)
def test_problem_names_column_value_and_remedy(column: str, value: str, expected: str) -> None:
    """Each thing wrong with a row is one sentence for whoever has to mend it."""
    found = problems(**{column: value})
    assert len(found) == 1
    assert found[0].startswith(expected)


def test_all_problems_of_a_row_are_reported() -> None:
    """One reading shows everything that is wrong with a row."""
    assert len(problems(kind="word", severity="", source="", expires="soon")) == 4


def test_long_values_are_cut_in_messages() -> None:
    """A message stays readable whatever the column holds."""
    assert problems(kind="x" * 1000) == [f"kind is '{'x' * 40}…'; this version takes literal"]


@pytest.mark.parametrize("term", ["می\u200cخواهم", "क\u094d\u200dष"])
def test_joiners_that_spelling_needs_are_allowed(term: str) -> None:
    """Persian and Indic words keep their joiners."""
    assert problems(term=term) == []


@pytest.mark.parametrize("languages", ["", "en", "fil", "zh en"])
def test_languages_are_optional_codes(languages: str) -> None:
    """No language, one, or several with a space between them."""
    assert problems(languages=languages) == []


def test_row_becomes_a_term() -> None:
    """A good row becomes the term that the matcher looks for."""
    assert row_term(GOOD) == Term("出售冰毒", "A.1.h", Severity.HIGH, Action.BLOCK, frozenset(Phase))


@pytest.mark.parametrize(
    ("phase", "phases"),
    [("request", {Phase.REQUEST}), ("response", {Phase.RESPONSE}), ("both", {Phase.REQUEST, Phase.RESPONSE})],
)
def test_phase_says_where_a_term_is_looked_for(phase: str, phases: set[Phase]) -> None:
    """A term may be for prompts, for replies, or for both."""
    assert row_term(GOOD | {"phase": phase}).phases == phases


@pytest.mark.parametrize(
    ("expires", "expired"),
    [("", False), ("2026-11-21", True), ("2026-11-22", False), ("2026-11-23", False)],
)
def test_term_lives_through_its_last_day(expires: str, *, expired: bool) -> None:
    """The day in ``expires`` is the last one a term is in force."""
    assert row_expired(GOOD | {"expires": expires}, date(2026, 11, 22)) is expired


def test_folding_ignores_case_and_width() -> None:
    """Spellings that differ in case or width alone count as the same term."""
    assert folded("ＫＩＬＬ Straße") == folded("kill STRASSE")


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    """A folded text is its own folded form, so comparing folded texts is an equivalence."""
    assert folded(folded(text)) == folded(text)


@given(st.fixed_dictionaries({column: st.text(max_size=70) for column in COLUMNS}))
def test_any_row_is_either_refused_or_becomes_a_term(row: dict[str, str]) -> None:
    """No row, however odd, makes the check fail or gets past it half-read."""
    if not list(row_problems(row, "A.1.h")):
        assert row_term(row).text == row["term"]
