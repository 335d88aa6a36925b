"""``sluice lists check``: a gate for whoever keeps lists."""

from datetime import date

import pytest

from filters.findings import Action, Kind
from filters.taxonomy import load_taxonomy
from gateway.cli.lists_check import examine
from tests.filters.list_rows import list_row
from tests.gateway.cli.lists import SluiceLists
from tests.lists import write_list

TODAY = date(2026, 11, 22)
RISKS = [risk.id for risk in load_taxonomy().risks.values() if risk.keyword_min]


def test_short_lists_are_status_1_with_numbers(lists: SluiceLists) -> None:
    """Each class that lacks keywords, and the total; the table has what is there."""
    write_list(lists.own, "出售某物")
    result = lists("check", status=1)
    assert "A.1.h:0: has 1 keywords, 200 are asked for; add 199" in result.stderr
    assert "all:0: has 1 keywords, 10000 are asked for; add 9999" in result.stderr
    assert len(result.stderr.splitlines()) == 18
    assert "1 keywords in force, 10000 asked for; 0 expired" in result.stdout
    assert "own" in result.stdout


def test_enough_keywords_are_status_0(lists: SluiceLists) -> None:
    """Ten thousand, and the number asked for in every class."""
    for risk in RISKS:
        write_list(lists.own, *(f"词{risk}{number}" for number in range(600)), risk=risk)
    assert lists("check", "own").stderr == ""
    found = lists.json("check")
    assert (found["ok"], found["problems"], found["total"]) == (True, [], 10_200)
    assert found["coverage"][0] == {"risk": "A.1.a", "keywords": 600, "minimum": 200}
    assert found["provenance"] == [{"source": "own", "licence": "own", "rows": 10_200}]


def test_wrong_lists_are_told_to_programs_in_the_same_shape(lists: SluiceLists) -> None:
    """`ok` is false, and each problem has file, line and message."""
    write_list(lists.own, "毒")
    found = lists.json("check", status=1)
    assert found["ok"] is False
    assert [(problem["file"], problem["line"]) for problem in found["problems"]] == [("own/A.1.h.csv", 2)]


def test_repetition_is_a_fault_inside_a_directory_and_a_note_between_two() -> None:
    """Who keeps a directory can take one row out; another directory is somebody else's."""
    first, again = list_row(file="own/A.1.f.csv", line=2), list_row(file="own/A.1.h.csv", line=7)
    inside = examine([[first, again]], TODAY, 0)
    assert str(inside.problems[0]) == "own/A.1.h.csv:7: term is also in own/A.1.f.csv:2; keep one of them"
    assert inside.notes == ()
    between = examine([[first], [again]], TODAY, 0)
    assert [problem.file for problem in between.problems if problem.line] == []
    assert str(between.notes[0]) == "own/A.1.h.csv:7: term is also in own/A.1.f.csv:2; keep one of them"


def test_notes_are_shown_among_the_results(lists: SluiceLists, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are nothing that is wrong."""
    write_list(lists.own, "出售某物")
    write_list(lists.folder / "more", "出售某物")
    assert "note:" not in lists("check", status=1).stdout
    monkeypatch.setenv("SLUICE_LISTS__DIRECTORIES", '["own", "more"]')
    result = lists("check", status=1)
    assert "note: more/A.1.h.csv:2: term is also in own/A.1.h.csv:2" in result.stdout


def test_expired_rows_are_counted_apart() -> None:
    """They cover nothing any more."""
    report = examine([[list_row("a1", expires=date(2026, 11, 21)), list_row("a2")]], TODAY, 0)
    assert (report.stats.total, report.expired) == (1, 1)


def test_long_report_is_cut(lists: SluiceLists) -> None:
    """The first fifty problems, and how many more there are."""
    write_list(lists.own, *(f"词语{number}" for number in range(60)), risk="A.1.f")
    write_list(lists.own, *(f"词语{number}" for number in range(60)))
    result = lists("check", status=1)
    assert result.stderr.splitlines()[-1] == "and 28 more"


def test_terms_that_are_too_short_or_never_found_are_faults() -> None:
    """Two characters stand inside words, and inside a phrase that allows it a term does nothing."""
    allow = list_row("冰毒的危害", kind=Kind.ALLOW, action=Action.OFF, file="own", line=4)
    rows = [list_row("毒品", line=2, file="own"), list_row("冰毒的危害", line=3, file="own", kind=Kind.WORD), allow]
    found = [str(problem) for problem in examine([rows], TODAY, 0).problems if problem.line]
    assert found == [
        "own:4: term is also in own:3; keep one of them",
        "own:2: term is '毒品', which stands inside ordinary words; make it a word or a combination",
        "own:3: term '冰毒的危害' is not found in a text that holds it; look for an allow phrase around it",
    ]


def test_harmless_texts_that_are_blocked_are_a_fault(lists: SluiceLists) -> None:
    """Over the bound of the settings, with the terms that did it."""
    write_list(lists.own, "出售某物")
    file = lists.folder / "texts.txt"
    file.write_text("不要出售某物\n你好\n", encoding="utf-8")
    result = lists("check", "--harmless", "texts.txt", status=1)
    assert "1 of 2 harmless texts blocked" in result.stdout
    assert (
        "1 of 2 harmless texts are blocked, 3 in 1000 are allowed; drop, narrow or flag: 出售某物 (1)"
        in result.stderr
    )


def test_harmless_texts_and_their_bound_may_be_settings(lists: SluiceLists, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a scheduled check needs no arguments."""
    write_list(lists.own, "出售某物")
    (lists.folder / "texts.txt").write_text("不要出售某物\n你好\n", encoding="utf-8")
    monkeypatch.setenv("SLUICE_LISTS__HARMLESS", "texts.txt")
    monkeypatch.setenv("SLUICE_LISTS__HARMLESS_PER_MILLE", "500")
    found = lists.json("check", status=1)
    assert found["harmless"] == {"texts": 2, "blocked": 1, "terms": [["出售某物", 1]]}
    assert "harmless" not in {problem["file"] for problem in found["problems"]}
