"""One row: what is refused, and the term a good one stands for."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.findings import Action, Kind, Phase, Severity, Step, Term
from filters.list_rows import COLUMNS, ListRow, read_row, row_problems, write_row

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
        ("term", "毒", "term is '毒'; write at least 2 characters"),
        ("term", " 冰毒", "term is ' 冰毒'; remove the spaces around it"),
        ("term", "冰\u200b毒", "term holds the invisible character U+200B; remove it"),
        ("term", "冰\n毒\t品", "term holds the invisible character U+000A; remove it"),
        ("note", "see\x00", "note holds the invisible character U+0000; remove it"),
        ("kind", "regex", "kind is 'regex'; write literal, word, all, pattern, allow"),
        ("kind", "allow", "action is 'block'; write off"),
        ("risk", "A.1.f", "risk is 'A.1.f', but the file is named for A.1.h; move the row"),
        ("severity", "grave", "severity is 'grave'; write low, medium, high"),
        ("action", "off", "action is 'off'; write block, mask, flag"),
        ("phase", "reply", "phase is 'reply'; write request, response, both"),
        ("languages", "Chinese", "languages is 'Chinese'; write codes such as zh"),
        ("languages", "zh,en", "languages is 'zh,en'; write codes such as zh"),
        ("languages", "zh  en", "languages is 'zh  en'; write codes such as zh"),
        ("folds_off", "none", "folds_off is 'none'; write all, or names one space apart: width case"),
        ("folds_off", "width,case", "folds_off is 'width,case'; write all"),
        ("folds_off", "width  case", "folds_off is 'width  case'; write all"),
        ("folds_off", "width all", "folds_off is 'width all'; write all"),
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
    assert len(problems(kind="words", severity="", source="", expires="soon")) == 4


def test_long_values_are_cut_in_messages() -> None:
    """A message stays readable whatever the column holds."""
    assert problems(kind="x" * 1000) == [f"kind is '{'x' * 40}…'; write literal, word, all, pattern, allow"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"kind": "word", "term": "冰"}, {"text": "冰", "kind": Kind.WORD}),
        ({"kind": "all", "term": "冰 & 货 ~9"}, {"text": "冰 & 货 ~9", "kind": Kind.ALL}),
        ({"kind": "pattern", "term": "冰[毒货]"}, {"text": "冰[毒货]", "kind": Kind.PATTERN}),
        ({"kind": "allow", "action": "off"}, {"kind": Kind.ALLOW, "action": Action.OFF}),
        ({"folds_off": "pinyin split"}, {"folds_off": frozenset({Step.PINYIN, Step.SPLIT})}),
        ({"folds_off": "all"}, {"folds_off": frozenset(Step)}),
        ({"languages": "zh en"}, {"languages": frozenset({"zh", "en"})}),
    ],
)
def test_what_changes_matching_is_in_the_term(changes: dict[str, str], expected: dict[str, Any]) -> None:
    """Kind, languages and folds reach the matcher as the list says them."""
    assert problems(**changes) == []
    assert read_row(GOOD | changes).term == read_row(GOOD).term._replace(**expected)


@pytest.mark.parametrize("term", ["می\u200cخواهم", "क\u094d\u200dष"])
def test_joiners_that_spelling_needs_are_allowed(term: str) -> None:
    """Persian and Indic words keep their joiners."""
    assert problems(term=term) == []


@pytest.mark.parametrize("languages", ["", "en", "fil", "zh en"])
def test_languages_are_optional_codes(languages: str) -> None:
    """No language, one, or several with a space between them."""
    assert problems(languages=languages) == []


def test_row_becomes_a_term() -> None:
    """A good row becomes the term that the matcher looks for, with what is known about it."""
    row = read_row(GOOD | {"note": "seen in chats", "expires": "2027-01-31"}, "A.1.h.csv", 7)
    assert row.term == Term(
        *("出售冰毒", "A.1.h", Severity.HIGH, Action.BLOCK, frozenset(Phase)), languages=frozenset({"zh"})
    )
    assert (row.source, row.licence, row.note, row.expires) == (
        "project",
        "project",
        "seen in chats",
        date(2027, 1, 31),
    )
    assert (row.file, row.line) == ("A.1.h.csv", 7)


def test_place_is_no_part_of_what_a_row_says() -> None:
    """The same row in another file or line is the same row."""
    assert read_row(GOOD, "a.csv", 1) == read_row(GOOD, "b.csv", 2)


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ({"term": "Kill Ｘ"}, {"term": "kill x", "kind": "word"}, True),
        ({"term": "kill x"}, {"term": "kill y"}, False),
        ({"term": r"\d冰", "kind": "pattern"}, {"term": r"\D冰", "kind": "pattern"}, False),
        ({"term": "冰毒", "kind": "pattern"}, {"term": "冰毒"}, False),
    ],
)
def test_spelling_makes_the_same_term(first: dict[str, str], second: dict[str, str], *, same: bool) -> None:
    """Case and width do not tell terms apart, but for patterns, where they are syntax."""
    assert (read_row(GOOD | first).key == read_row(GOOD | second).key) is same


@pytest.mark.parametrize(
    ("phase", "phases"),
    [("request", {Phase.REQUEST}), ("response", {Phase.RESPONSE}), ("both", {Phase.REQUEST, Phase.RESPONSE})],
)
def test_phase_says_where_a_term_is_looked_for(phase: str, phases: set[Phase]) -> None:
    """A term may be for prompts, for replies, or for both."""
    assert read_row(GOOD | {"phase": phase}).term.phases == phases


@pytest.mark.parametrize(
    ("expires", "expired"),
    [("", False), ("2026-11-21", True), ("2026-11-22", False), ("2026-11-23", False)],
)
def test_term_lives_through_its_last_day(expires: str, *, expired: bool) -> None:
    """The day in ``expires`` is the last one a term is in force."""
    assert read_row(GOOD | {"expires": expires}).in_force(date(2026, 11, 22)) is not expired


rows = st.builds(
    ListRow,
    term=st.builds(
        Term,
        text=st.text(),
        risk=st.text(),
        severity=st.sampled_from(Severity),
        action=st.sampled_from([Action.BLOCK, Action.MASK, Action.FLAG]),
        phases=st.frozensets(st.sampled_from(Phase), min_size=1),
        kind=st.sampled_from([kind for kind in Kind if kind is not Kind.ALLOW]),
        languages=st.frozensets(st.sampled_from(["zh", "en", "fil"])),
        folds_off=st.frozensets(st.sampled_from(Step)),
    ),
    source=st.text(),
    licence=st.text(),
    note=st.text(),
    expires=st.none() | st.dates(),
)


@given(rows)
def test_what_is_written_is_read(row: ListRow) -> None:
    """A row that was read is written as a row that says the same."""
    written = write_row(row)
    assert tuple(written) == COLUMNS
    assert read_row(written) == row


def test_all_folds_are_written_as_one_word() -> None:
    """A list stays readable, and a step that is added later is off as well."""
    assert write_row(read_row(GOOD | {"folds_off": "all"}))["folds_off"] == "all"
    assert write_row(read_row(GOOD | {"folds_off": "split case"}))["folds_off"] == "case split"


@given(st.fixed_dictionaries({column: st.text(max_size=70) for column in COLUMNS}))
def test_any_row_is_either_refused_or_becomes_a_term(row: dict[str, str]) -> None:
    """No row, however odd, makes the check fail or gets past it half-read."""
    if not list(row_problems(row, "A.1.h")):
        assert read_row(row).term.text == row["term"]
