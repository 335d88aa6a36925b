"""``sluice lists import``: terms from elsewhere become a list that loads."""

from datetime import datetime
from pathlib import Path

import openpyxl
import pytest

from filters.findings import Kind, Severity
from filters.list_rows import ListRow
from filters.lists import read_rows
from tests.gateway.cli.lists import SluiceLists
from tests.lists import write_list

OPTIONS = ("--risk", "A.1.h", "--source", "a book", "--licence", "MIT")


def _rows(lists: SluiceLists) -> list[ListRow]:
    return [row for row in read_rows(lists.own) if row.source == "a book"]


def _terms(lists: SluiceLists) -> list[str]:
    return [row.term.text for row in _rows(lists)]


def test_text_is_one_term_a_line(lists: SluiceLists) -> None:
    """Blank lines are none; what is dropped is said with line and reason."""
    write_list(lists.own, "出售某物")
    (lists.folder / "a.txt").write_text("\ufeff甲甲\r\n\r\n毒\n出售某物\n甲甲\n　乙乙 \n", encoding="utf-8")
    result = lists("import", "a.txt", *OPTIONS)
    assert result.stdout == "2 terms added to own/A.1.h.csv, 1 already listed, 1 refused, 1 repeated\n"
    assert result.stderr.splitlines() == [
        "line 3: refused: term is '毒'; write at least 2 characters, or remove the row",
        "line 4: already listed: a list has it",
        "line 5: repeated: the same as in line 1",
    ]
    assert _terms(lists) == ["甲甲", "乙乙"]
    assert [row.term.text for row in read_rows(lists.own)] == ["出售某物", "甲甲", "乙乙"]


def test_table_is_read_by_its_header(lists: SluiceLists) -> None:
    """Columns of a list count, others do not; an empty one takes the option."""
    (lists.folder / "a.csv").write_text("Colour,Term,severity,source\nred,甲甲,high,\nblue,乙乙,,\n,,,\n")
    lists("import", "a.csv", *OPTIONS, "--kind", "word")
    assert [(row.term.text, row.term.severity, row.term.kind) for row in _rows(lists)] == [
        ("甲甲", Severity.HIGH, Kind.WORD),
        ("乙乙", Severity.MEDIUM, Kind.WORD),
    ]


def test_table_without_header_has_terms_in_its_first_column(lists: SluiceLists) -> None:
    """What stands beside them is not guessed at."""
    (lists.folder / "a.csv").write_text('甲甲,x\n"乙,乙",y\n')
    lists("import", "a.csv", *OPTIONS)
    assert _terms(lists) == ["甲甲", "乙,乙"]


def test_spreadsheet_is_read_sheet_by_sheet(lists: SluiceLists) -> None:
    """Each by its own header; dates and numbers become what a list writes."""
    book = openpyxl.Workbook()
    book.active.append(["term", "expires"])
    book.active.append(["甲甲", datetime(2099, 12, 31)])  # noqa: DTZ001 spreadsheets know no zones
    book.active.append([None, None])
    book.create_sheet().append([123456])
    book.save(lists.folder / "a.XLSX")
    lists("import", "a.XLSX", *OPTIONS)
    assert [(row.term.text, str(row.expires)) for row in _rows(lists)] == [("甲甲", "2099-12-31"), ("123456", "None")]


def test_exported_spreadsheet_comes_back(lists: SluiceLists) -> None:
    """Whoever edits it in a spreadsheet loses nothing."""
    write_list(lists.own, "甲甲", "=乙+乙", severity="high", languages="zh", note="a, b", expires="2099-12-31")
    before = read_rows(lists.own)
    lists("export", "--xlsx", "a.xlsx")
    (lists.own / "A.1.h.csv").unlink()
    lists("import", "a.xlsx", *OPTIONS)
    assert read_rows(lists.own) == before


def test_output_may_be_another_directory(lists: SluiceLists) -> None:
    """It is made; what is active elsewhere is not added a second time."""
    write_list(lists.own, "甲甲")
    (lists.folder / "a.txt").write_text("甲甲\n乙乙\n")
    lists("import", "a.txt", *OPTIONS, "-o", "new/one")
    assert [row.term.text for row in read_rows(Path("new/one"))] == ["乙乙"]


def test_nothing_new_writes_nothing(lists: SluiceLists) -> None:
    """The file stays as it was, to the byte and the second."""
    path = write_list(lists.own, "甲甲")
    before = path.stat()
    (lists.folder / "a.txt").write_text("甲甲\n")
    assert lists("import", "a.txt", *OPTIONS).stdout.startswith("0 terms added")
    assert path.stat() == before


def test_long_report_is_cut(lists: SluiceLists) -> None:
    """The first twenty, and how many more there are."""
    write_list(lists.own, "甲甲")
    (lists.folder / "a.txt").write_text("毒\n" * 25)
    assert lists("import", "a.txt", *OPTIONS).stderr.splitlines()[-1] == "and 5 more"


def _gb18030(path: Path) -> None:
    path.with_suffix(".txt").write_text("甲甲", encoding="gb18030")


def _open_quote(path: Path) -> None:
    path.with_suffix(".csv").write_text('甲甲\n"乙乙\n')


def _no_spreadsheet(path: Path) -> None:
    path.with_suffix(".xlsx").write_bytes(b"PK nothing")


def _other_format(path: Path) -> None:
    path.with_suffix(".docx").touch()


def _large(path: Path) -> None:
    with path.with_suffix(".txt").open("wb") as file:
        file.truncate(32 * 1024 * 1024 + 1)


def _long(path: Path) -> None:
    path.with_suffix(".txt").write_text("毒\n" * 100_001)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (_gb18030, "a.txt is not UTF-8; convert it"),
        (_open_quote, "a.csv:2: is not CSV"),
        (_no_spreadsheet, "a.xlsx is no spreadsheet"),
        (_other_format, "a.docx is no .txt, .csv or .xlsx"),
        (_large, "a.txt is larger than 33554432 bytes"),
        (_long, "a.txt has more than 100000 rows"),
        (lambda _: None, "a.txt: No such file"),
    ],
)
def test_file_that_cannot_be_read_is_status_1(lists: SluiceLists, make: object, reason: str) -> None:
    """Which file, what is wrong, what to do; nothing is written."""
    write_list(lists.own, "甲甲")
    assert callable(make)
    make(lists.folder / "a")
    name = next((path.name for path in lists.folder.glob("a.*")), "a.txt")
    assert f"Error: {reason}" in lists("import", name, *OPTIONS, status=1).stderr
    assert _terms(lists) == []


def test_list_that_would_be_too_large_is_not_written(lists: SluiceLists) -> None:
    """A gateway would refuse it, and with it all lists."""
    long = "x" * 100_000
    write_list(lists.own, *(f"词{number}" for number in range(333)), note=long)
    (lists.folder / "a.csv").write_text("term,note\n" + "".join(f"新{number}词,{long}\n" for number in range(3)))
    result = lists("import", "a.csv", *OPTIONS, status=1)
    assert "A.1.h.csv would have 336 rows in " in result.stderr
    assert "write to another directory" in result.stderr
    assert _terms(lists) == []


def test_directory_must_be_known(lists: SluiceLists, monkeypatch: pytest.MonkeyPatch) -> None:
    """With none or several in the settings, the command does not guess."""
    monkeypatch.setenv("SLUICE_LISTS__DIRECTORIES", '["own", "more"]')
    (lists.folder / "a.txt").write_text("甲甲\n")
    assert "say where to write" in lists("import", "a.txt", *OPTIONS, status=2).stderr


def test_risk_must_be_known(lists: SluiceLists) -> None:
    """A file named for no risk would refuse all lists."""
    options = ("--risk", "A.9.z", "--source", "a", "--licence", "b")
    assert "no such risk id" in lists("import", "a.txt", *options, status=2).stderr
