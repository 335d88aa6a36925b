"""Lists as text: what is written is read again as the same rows."""

from pathlib import Path

from filters.findings import Kind
from filters.list_writing import list_text, rows_by_risk
from filters.lists import read_rows
from tests.filters.list_rows import list_row


def test_written_list_is_read_as_the_same_rows(tmp_path: Path) -> None:
    """Commas, quotes and patterns come back as they were."""
    rows = (
        list_row("your money, or your life"),
        list_row('"冰"毒', note="a, b"),
        list_row("冰[毒,货]", kind=Kind.PATTERN),
    )
    (tmp_path / "A.1.h.csv").write_text(list_text(rows), encoding="utf-8")
    assert read_rows(tmp_path) == rows


def test_lines_end_as_editors_expect() -> None:
    """One line feed, so that version control shows the rows that changed and no others."""
    assert "\r" not in list_text([list_row()])


def test_rows_are_grouped_in_their_order() -> None:
    """Each risk gets its rows, in the order in which they came."""
    first, second, third = list_row("甲甲", "A.1.b"), list_row("乙乙", "A.1.a"), list_row("丙丙", "A.1.b")
    grouped = rows_by_risk([first, second, third])
    assert list(grouped.items()) == [("A.1.b", [first, third]), ("A.1.a", [second])]
