"""Terms from elsewhere: every entry becomes a row, or is named with the reason."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from filters.findings import Action, Kind, Severity
from filters.list_import import Drop, Entry, import_entries, row_defaults
from tests.filters.list_rows import list_row

DEFAULTS = row_defaults(Kind.LITERAL, "A.1.h", "a book", "MIT")


def test_term_alone_takes_the_defaults() -> None:
    """A line of a text is a row with the options' values; spaces around it are no part of it."""
    (row,) = import_entries([Entry(1, {"term": "　出售冰毒 "})], DEFAULTS, []).rows
    assert (row.term.text, row.term.risk, row.term.action) == ("出售冰毒", "A.1.h", Action.BLOCK)
    assert (row.source, row.licence) == ("a book", "MIT")


def test_own_values_win_unless_they_are_empty() -> None:
    """A table says what it knows; unknown columns are left alone."""
    values = {"term": "出售冰毒", "severity": "high", "source": "", "expires": "2027-01-31", "colour": "red"}
    (row,) = import_entries([Entry(1, values)], DEFAULTS, []).rows
    assert (row.term.severity, row.source, row.expires) == (Severity.HIGH, "a book", date(2027, 1, 31))


def test_allow_rows_take_no_action() -> None:
    """The defaults suit the kind."""
    defaults = row_defaults(Kind.ALLOW, "A.1.h", "own", "own")
    (row,) = import_entries([Entry(1, {"term": "冰毒的危害"})], defaults, []).rows
    assert row.term.action is Action.OFF


def test_dropped_entries_are_named_with_line_and_reason() -> None:
    """Too short, there already, twice in the source: each says so."""
    entries = [
        Entry(line, {"term": term}) for line, term in enumerate(["毒", "出售冰毒", "Buy Meth", "BUY METH"], start=1)
    ]
    imported = import_entries(entries, DEFAULTS, [list_row("出售冰毒", "A.1.f")])
    assert [row.term.text for row in imported.rows] == ["Buy Meth"]
    assert [(each.line, each.reason) for each in imported.dropped] == [
        (1, Drop.REFUSED),
        (2, Drop.LISTED),
        (4, Drop.REPEATED),
    ]
    assert imported.dropped[0].message.startswith("term is '毒'; write at least 2 characters")
    assert imported.dropped[2].message == "the same as in line 3"


@given(st.lists(st.text(max_size=4)))
def test_nothing_is_dropped_without_a_word(terms: list[str]) -> None:
    """Rows and dropped entries together are the entries."""
    imported = import_entries([Entry(1, {"term": term}) for term in terms], DEFAULTS, [])
    assert len(imported.rows) + len(imported.dropped) == len(terms)
