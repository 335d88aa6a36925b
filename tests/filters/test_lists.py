"""A directory of lists is read whole or refused whole."""

import csv
import functools
import json
import unicodedata
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.findings import Action, Kind, Phase, Severity, Step, Term
from filters.list_rows import COLUMNS
from filters.lists import ListError, ListLimits, Problem, list_digest, load_lists, read_rows, shipped_lists
from filters.spelling import folded
from filters.taxonomy import load_taxonomy
from tests.lists import FEW_TERMS_DIRECTORY

TODAY = date(2026, 11, 22)
HEADER = ",".join(COLUMNS)


def row(term: str, risk: str = "A.1.h", expires: str = "") -> str:
    """Return a line of a list."""
    return f"{term},literal,{risk},high,block,both,zh,,project,project,,{expires}"


def write(directory: Path, *lines: str, name: str = "A.1.h.csv", encoding: str = "utf-8") -> None:
    """Write a list with the given lines."""
    (directory / name).write_text("\n".join(lines) + "\n", encoding=encoding)


def refusal(directory: Path, limits: ListLimits | None = None) -> tuple[Problem, ...]:
    """Return the problems for which a directory is refused."""
    with pytest.raises(ListError) as caught:
        load_lists(directory, TODAY, limits)
    return caught.value.problems


def test_terms_come_by_file_name_and_row(tmp_path: Path) -> None:
    """Every list of the directory is read; what is not a list is left alone."""
    write(tmp_path, HEADER, row("出售冰毒"), row("出售手枪"))
    write(tmp_path, HEADER, row("碎尸教程", "A.1.f"), name="A.1.f.csv")
    write(tmp_path, "not a list", name="README.md")
    terms = load_lists(tmp_path, TODAY)
    assert [(term.risk, term.text) for term in terms] == [
        ("A.1.f", "碎尸教程"),
        ("A.1.h", "出售冰毒"),
        ("A.1.h", "出售手枪"),
    ]


def test_byte_order_mark_is_tolerated(tmp_path: Path) -> None:
    """A list saved by a spreadsheet program is read like any other."""
    write(tmp_path, HEADER, row("出售冰毒"), encoding="utf-8-sig")
    assert [term.text for term in load_lists(tmp_path, TODAY)] == ["出售冰毒"]


def test_windows_line_ends_and_blank_lines_are_tolerated(tmp_path: Path) -> None:
    """Line ends of either kind and empty lines do not matter."""
    (tmp_path / "A.1.h.csv").write_bytes(f"{HEADER}\r\n\r\n{row('出售冰毒')}\r\n\r\n".encode())
    assert [term.text for term in load_lists(tmp_path, TODAY)] == ["出售冰毒"]


def test_quoted_term_may_hold_a_comma(tmp_path: Path) -> None:
    """A term with a comma is written in quotes."""
    write(tmp_path, HEADER, row('"your money, or your life"'))
    assert load_lists(tmp_path, TODAY)[0].text == "your money, or your life"


def test_expired_terms_are_left_out(tmp_path: Path) -> None:
    """A term past its last day is skipped without an error."""
    write(tmp_path, HEADER, row("出售冰毒", expires="2026-11-21"), row("出售手枪", expires="2026-11-22"))
    assert [term.text for term in load_lists(tmp_path, TODAY)] == ["出售手枪"]


def test_rows_know_where_they_stand_and_what_expired(tmp_path: Path) -> None:
    """For people, rows come with their file and line, and expired ones are among them."""
    write(tmp_path, HEADER, row("出售冰毒", expires="2026-11-21"), "", row("出售手枪"))
    assert [(each.term.text, each.file, each.line) for each in read_rows(tmp_path)] == [
        ("出售冰毒", "A.1.h.csv", 2),
        ("出售手枪", "A.1.h.csv", 4),
    ]


def test_problem_reads_file_line_what_remedy(tmp_path: Path) -> None:
    """The message points at the line in the way editors understand."""
    write(tmp_path, HEADER, row("出售冰毒").replace("literal", "regex"))
    expected = r"^A\.1\.h\.csv:2: kind is 'regex'; write literal, word, all, pattern, allow$"
    with pytest.raises(ListError, match=expected):
        load_lists(tmp_path, TODAY)


def test_problems_of_all_files_are_reported_together(tmp_path: Path) -> None:
    """One bad row refuses everything, and no problem hides another."""
    write(tmp_path, HEADER, row("毒"), row("出售冰毒"), row("出售手枪").replace("high", "grave"))
    write(tmp_path, HEADER, row("教", "A.1.f"), name="A.1.f.csv")
    assert [(problem.file, problem.line) for problem in refusal(tmp_path)] == [
        ("A.1.f.csv", 2),
        ("A.1.h.csv", 2),
        ("A.1.h.csv", 4),
    ]


def test_long_report_is_cut(tmp_path: Path) -> None:
    """The message shows the first problems and says how many there are; the error has them all."""
    write(tmp_path, HEADER, *(row(chr(0x4E00 + index)) for index in range(60)))
    with pytest.raises(ListError, match=r"\nand 10 more$") as caught:
        load_lists(tmp_path, TODAY)
    assert len(caught.value.problems) == 60


@pytest.mark.parametrize("again", ["Buy ＭＥＴＨ", "buy meth", "BUY METH"])
def test_repeated_term_is_refused(tmp_path: Path, again: str) -> None:
    """A term that differs in case or width alone is the same term; the first line is named."""
    write(tmp_path, HEADER, row("Buy Meth"), row(again))
    (problem,) = refusal(tmp_path)
    assert problem.line == 3
    assert "same as in line 2" in problem.message


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (HEADER.replace(",note", ""), "header lacks note; write exactly term,kind,"),
        (f"{HEADER},colour", "header has the unknown column 'colour'; write exactly"),
        (HEADER.replace("note", "notes"), "header lacks note and has the unknown column 'notes'; write"),
        (HEADER.replace("term,kind", "kind,term"), "header repeats or reorders columns; write exactly"),
    ],
)
def test_header_must_be_exact(tmp_path: Path, header: str, expected: str) -> None:
    """A column too many, too few or elsewhere is refused before any row is read."""
    write(tmp_path, header, row("毒"))
    (problem,) = refusal(tmp_path)
    assert problem.line == 1
    assert problem.message.startswith(expected)


def test_empty_file_lacks_its_header(tmp_path: Path) -> None:
    """A file without a line says which header to begin with."""
    (tmp_path / "A.1.h.csv").touch()
    assert refusal(tmp_path) == (Problem("A.1.h.csv", 1, f"has no header; begin with {HEADER}"),)


def test_row_with_another_number_of_columns_is_refused(tmp_path: Path) -> None:
    """A row that lost a column is named, and the rows after it are checked all the same."""
    write(tmp_path, HEADER, "出售冰毒,literal", row("毒"))
    assert [(problem.line, problem.message[:20]) for problem in refusal(tmp_path)] == [
        (2, "has 2 columns; write"),
        (3, "term is '毒'; write a"),
    ]


def test_open_quote_is_refused(tmp_path: Path) -> None:
    """A quote that is never closed is named with the line it begins in."""
    write(tmp_path, HEADER, row("出售手枪"), '"出售冰毒,literal')
    (problem,) = refusal(tmp_path)
    assert problem.line == 3
    assert problem.message.startswith("is not CSV")


def test_lines_are_counted_in_the_file_not_in_records(tmp_path: Path) -> None:
    """A quoted line break does not shift the lines of the problems after it."""
    write(tmp_path, HEADER, row("出售冰毒").replace("project,project,,", 'project,project,"a\nb",'), row("毒"))
    assert [problem.line for problem in refusal(tmp_path)] == [2, 4]


def test_other_encodings_are_refused(tmp_path: Path) -> None:
    """A file that is not UTF-8 says so, with the line where it shows."""
    write(tmp_path, HEADER, row("出售冰毒"), encoding="gb18030")
    assert refusal(tmp_path) == (Problem("A.1.h.csv", 2, "is not UTF-8; save the file as UTF-8"),)


@pytest.mark.parametrize("name", ["drugs.csv", "A.9.z.csv", "a.1.h.csv", ".csv"])
def test_file_must_be_named_for_a_risk(tmp_path: Path, name: str) -> None:
    """A list whose name is no risk id is refused rather than overlooked."""
    write(tmp_path, HEADER, row("出售冰毒"), name=name)
    (problem,) = refusal(tmp_path)
    assert (problem.file, problem.line) == (name, 0)


def test_unreadable_file_is_refused(tmp_path: Path) -> None:
    """What cannot be opened refuses the lists like any other problem."""
    (tmp_path / "A.1.h.csv").mkdir()
    (problem,) = refusal(tmp_path)
    assert problem.message.startswith("cannot be read (IsADirectoryError)")


def test_large_file_is_refused(tmp_path: Path) -> None:
    """A file over the bound is refused without being parsed; one at the bound is read."""
    write(tmp_path, HEADER, row("出售冰毒"))
    size = (tmp_path / "A.1.h.csv").stat().st_size
    assert len(load_lists(tmp_path, TODAY, ListLimits(file_bytes=size))) == 1
    (problem,) = refusal(tmp_path, ListLimits(file_bytes=size - 1))
    assert problem.message.startswith(f"is larger than {size - 1} bytes")


def test_long_file_is_refused(tmp_path: Path) -> None:
    """A file with too many rows is refused; one at the bound is read."""
    write(tmp_path, HEADER, row("出售冰毒"), row("出售手枪"))
    assert len(load_lists(tmp_path, TODAY, ListLimits(rows=2))) == 2
    (problem,) = refusal(tmp_path, ListLimits(rows=1))
    assert (problem.line, problem.message) == (3, "has more than 1 rows; split the list over directories")


def test_directory_without_lists_is_refused(tmp_path: Path) -> None:
    """A wrong directory is an error, not a gateway without terms."""
    (problem,) = refusal(tmp_path)
    assert problem.message.startswith("holds no list")


def test_missing_directory_is_refused(tmp_path: Path) -> None:
    """A directory that is not there is an error of the same kind."""
    (problem,) = refusal(tmp_path / "absent")
    assert str(problem).startswith("absent:0: is not a directory")


terms_of_any_kind = st.builds(
    Term,
    text=st.text(min_size=2),
    risk=st.sampled_from(["A.1.f", "A.1.h"]),
    severity=st.sampled_from(Severity),
    action=st.sampled_from([Action.BLOCK, Action.MASK, Action.FLAG]),
    phases=st.frozensets(st.sampled_from(Phase), min_size=1),
    kind=st.sampled_from(Kind),
    folds_off=st.frozensets(st.sampled_from(Step)),
)


def test_digest_table_covers_the_whole_term() -> None:
    """A field that is added to a term is added to the table below."""
    assert len(Term._fields) == 8


@given(st.lists(terms_of_any_kind).flatmap(lambda terms: st.tuples(st.just(terms), st.permutations(terms))))
def test_digest_does_not_depend_on_order(orders: tuple[list[Term], list[Term]]) -> None:
    """The same terms have the same digest whatever file or row they came from."""
    assert list_digest(orders[0]) == list_digest(orders[1])


@pytest.mark.parametrize(
    "change",
    [
        {"text": "出售海洛因"},
        {"risk": "A.1.f"},
        {"severity": Severity.LOW},
        {"action": Action.FLAG},
        {"phases": frozenset({Phase.REQUEST})},
        {"kind": Kind.WORD},
        {"languages": frozenset({"zh"})},
        {"folds_off": frozenset({Step.PINYIN})},
    ],
    ids=lambda change: next(iter(change)),
)
def test_digest_covers_every_field(change: dict[str, object]) -> None:
    """A change of any field changes the digest."""
    term = Term("出售冰毒", "A.1.h")
    assert list_digest([term]) != list_digest([Term(**(term._asdict() | change))])


def test_digest_is_stable() -> None:
    """A digest written down today is computed tomorrow; it names its algorithm."""
    assert list_digest([]) == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@functools.cache
def shipped_terms() -> tuple[Term, ...]:
    """Return the shipped terms; they are many, and nothing changes them."""
    return load_lists(shipped_lists(), TODAY)


def shipped_rows() -> list[dict[str, str]]:
    """Return every row of the shipped lists as written."""
    found: list[dict[str, str]] = []
    for file in shipped_lists().iterdir():
        if file.name.endswith(".csv"):
            found.extend(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))
    return found


def test_the_few_terms_of_tests_are_shipped() -> None:
    """What tests see of them is what operators get."""
    shipped = set(shipped_terms())
    assert [term.text for term in load_lists(FEW_TERMS_DIRECTORY, TODAY) if term not in shipped] == []


def test_shipped_lists_load() -> None:
    """The product starts with its own lists: no row is refused and none has expired unnoticed."""
    terms = shipped_terms()
    assert len(terms) == len(shipped_rows()) >= 12_000
    assert "出售冰毒" in {term.text for term in terms if term.action is Action.BLOCK}
    assert "王八蛋" in {term.text for term in terms if term.action is Action.MASK}


def test_shipped_lists_cover_the_classes_that_need_keywords() -> None:
    """Each of the 17 classes with a keyword minimum has terms, and so have privacy and breaking out of the rules."""
    needed = {risk.id for risk in load_taxonomy().risks.values() if risk.keyword_min}
    claimed = (
        needed
        | {f"A.3.{letter}" for letter in "abcde"}
        | {"A.4.a", "A.4.b", "A.4.c", "A.4.e", "A.4.f", "X.jailbreak"}
    )
    assert {term.risk for term in shipped_terms()} == claimed


def test_shipped_terms_suggest_every_action() -> None:
    """Most terms block; some mask and some only flag."""
    actions = Counter(term.action for term in shipped_terms())
    assert actions[Action.FLAG] >= 10
    assert actions[Action.MASK] >= 15
    assert actions[Action.BLOCK] > actions[Action.FLAG] + actions[Action.MASK]


def test_shipped_terms_are_in_one_list_only() -> None:
    """No term is in two lists, so a text has one reason to act per place."""
    counts = Counter(folded(term.text) for term in shipped_terms())
    assert [term for term, count in counts.items() if count > 1] == []


def test_shipped_terms_are_long_enough_to_be_unambiguous() -> None:
    """Without word boundaries, a term in Latin script needs six characters or a space to stay out of other words."""
    short = [
        term.text
        for term in shipped_terms()
        if term.kind is Kind.LITERAL
        and all("LATIN" in unicodedata.name(character, "") for character in term.text)
        and len(term.text) < 6
    ]
    assert short == []


def test_every_shipped_licence_is_in_the_readme() -> None:
    """The README beside the lists names each source and its licence, as attribution asks."""
    readme = shipped_lists().joinpath("README.md").read_text(encoding="utf-8")
    pairs = {(row["source"], row["licence"]) for row in shipped_rows()}
    assert [pair for pair in sorted(pairs) if f"| {pair[0]} | {pair[1]} |" not in readme] == []


def test_manifest_says_what_the_shipped_lists_hold() -> None:
    """Numbers and digest of a filing are taken from it."""
    manifest = json.loads(shipped_lists().joinpath("manifest.json").read_text(encoding="utf-8"))
    terms = shipped_terms()
    assert manifest["digest"] == list_digest(terms)
    assert manifest["total"] == len(terms)
    assert manifest["by_risk"] == dict(sorted(Counter(term.risk for term in terms).items()))
    assert sum(count >= 100 for count in manifest["by_language"].values()) >= 12
    assert sum(source["terms"] for source in manifest["sources"]) == len(terms)
    assert all(source["attribution"] for source in manifest["sources"] if source["licence"].startswith("CC-BY"))


def test_each_class_has_what_is_asked_for() -> None:
    """Two hundred in each of the 17 classes, also where the standard asks for fewer."""
    counts = Counter(term.risk for term in shipped_terms())
    needed = [risk.id for risk in load_taxonomy().risks.values() if risk.keyword_min]
    assert {risk: counts[risk] for risk in needed if counts[risk] < 200} == {}
