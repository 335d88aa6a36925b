"""``sluice lists export``: lists for people who work in spreadsheets."""

from pathlib import Path

import openpyxl
import pytest

from filters.list_rows import COLUMNS
from filters.lists import read_rows
from gateway.cli.lists_export import COVER
from tests.gateway.cli.lists import SluiceLists
from tests.lists import write_list


def test_spreadsheet_has_a_sheet_per_risk_and_its_header_stays(lists: SluiceLists) -> None:
    """Rows as in the list; what has expired is there, too."""
    write_list(lists.own, "出售某物", "买卖某物", expires="2020-01-31")
    write_list(lists.own, "打人教程", risk="A.1.f")
    assert lists("export", "--xlsx", "a.xlsx").stdout == "3 rows of 2 risks written to a.xlsx\n"
    book = openpyxl.load_workbook("a.xlsx")
    assert book.sheetnames == [COVER, "A.1.f", "A.1.h"]
    sheet = book["A.1.h"]
    assert sheet.freeze_panes == "A2"
    rows = list(sheet.iter_rows(values_only=True))
    assert rows[0] == COLUMNS
    assert [(row[0], row[-1]) for row in rows[1:]] == [("出售某物", "2020-01-31"), ("买卖某物", "2020-01-31")]


@pytest.mark.parametrize("term", ["=1+1", "+86 138", "@SUM(A1)", "-2+3"])
def test_terms_are_no_formulas(lists: SluiceLists, term: str) -> None:
    """Nothing is computed for whoever opens the file."""
    write_list(lists.own, term)
    lists("export", "--xlsx", "a.xlsx")
    cell = openpyxl.load_workbook("a.xlsx")["A.1.h"]["A2"]
    assert (cell.value, cell.data_type) == (term, "s")


def test_directory_is_a_list_like_any_other(lists: SluiceLists, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several directories become one; a term that two of them have is written once, as the first says."""
    monkeypatch.setenv("SLUICE_LISTS__DIRECTORIES", '["own", "more"]')
    write_list(lists.own, "甲甲", "乙乙")
    write_list(lists.folder / "more", "乙乙", "丙丙", action="flag")
    lists("export", "--csv", "out/all")
    assert [(row.term.text, row.term.action) for row in read_rows(Path("out/all"))] == [
        ("甲甲", "block"),
        ("乙乙", "block"),
        ("丙丙", "flag"),
    ]


def test_a_version_can_be_exported(lists: SluiceLists) -> None:
    """Also one that is not active any more; both forms at once."""
    write_list(lists.own, "甲甲")
    version = lists.publish()
    write_list(lists.own, "乙乙")
    lists.publish()
    assert lists("export", version, "--csv", "out", "--xlsx", "a.xlsx").stdout.endswith("to a.xlsx and out\n")
    assert [row.term.text for row in read_rows(Path("out"))] == ["甲甲"]


def test_something_has_to_be_written(lists: SluiceLists) -> None:
    """Without a target the command is used wrongly."""
    assert "--xlsx FILE, --csv DIR or both" in lists("export", status=2).stderr


def test_cover_says_what_the_lists_are_and_is_passed_over_by_import(lists: SluiceLists) -> None:
    """A filing's attachment: date, digest, and keywords asked for in each class; what expired does not count."""
    write_list(lists.own, "出售某物", "买卖某物")
    write_list(lists.own, "过去的词", risk="A.1.d", expires="2020-01-31")
    lists("export", "--xlsx", "a.xlsx")
    lines = [row[:4] for row in openpyxl.load_workbook("a.xlsx")[COVER].iter_rows(values_only=True)]
    assert lines[0][0] == "拦截关键词列表 Interception keyword list"
    facts = {line[0]: line for line in lines if line[0]}
    assert facts["摘要 Digest"][1].startswith("sha256:")
    assert facts["关键词总数 Keywords"][1:3] == ("2", "≥ 10000")
    assert facts["A.1.h"][1:] == ("2", "200", "其他法律、行政法规禁止的内容")
    assert facts["A.1.d"][1] == "0"
    assert facts["own"][1:3] == ("2", "own")
    write_list(lists.own, "别的词语")
    lists("import", "a.xlsx", "--risk", "A.1.h", "--source", "own", "--licence", "own")
    terms = {row.term.text for row in read_rows(lists.own) if row.term.risk == "A.1.h"}
    assert terms == {"别的词语", "出售某物", "买卖某物"}
