"""Entries: what is looked for of one row."""

from typing import Any

import pytest

from filters.entries import Allowance, allowances_of, entries_of, entry_of, level, texts_of
from filters.findings import Kind, Step, Term


@pytest.mark.parametrize(
    ("text", "skeleton", "runs", "letters", "gaps"),
    [
        ("GoOd", "god", (1, 2, 1), "GoOd", {}),
        ("ab cd", "abcd", (), "abcd", {2: " "}),
        ("A@ b!", "ab", (), "Ab", {1: "@ "}),
        ("妈妈", "妈", (2,), "妈妈", {}),
        ("a" * 40, "a", (32,), "a" * 32, {}),
        ("ﬁx", "fix", (), "ﬁﬁx", {}),
        ("槍", "枪", (), "槍", {}),
    ],
)
def test_an_entry_keeps_what_its_row_has(
    text: str, skeleton: str, runs: tuple[int, ...], letters: str, gaps: dict[int, str]
) -> None:
    """Runs, listed characters, and what is listed between them."""
    entry = entry_of(text, Term(text, "A.1.a"))
    assert (entry.skeleton, entry.runs, entry.letters, entry.gaps) == (skeleton, runs, letters, gaps)
    repeats = runs or (1,) * len(skeleton)
    assert entry.kept == "".join(char * size for char, size in zip(skeleton, repeats, strict=True))


def test_a_row_is_looked_for_by_its_spellings() -> None:
    """The text itself and each spelling a list has not switched off; syllables may stand apart."""
    found = {entry.skeleton: entry for entry in entries_of(Term("冰毒货源", "A.1.f"))}
    steps = {skeleton: entry.step for skeleton, entry in found.items()}
    assert steps["冰毒货源"] is None
    assert {steps["bingduhuoyuan"], steps["bdhy"]} == {Step.PINYIN, Step.INITIALS}
    assert set(found["bingduhuoyuan"].gaps) == set(range(1, 13))
    assert found["bdhy"].gaps == {}
    off = frozenset({Step.PINYIN, Step.INITIALS, Step.SPLIT})
    assert [entry.skeleton for entry in entries_of(Term("冰毒货源", "A.1.f", folds_off=off))] == ["冰毒货源"]


def test_a_combination_is_looked_for_by_its_parts() -> None:
    """As listed: nobody writes two halves of a sentence in pinyin."""
    term = Term("冰毒 & 价格 ~20 - 新闻", "A.1.f", kind=Kind.ALL)
    assert list(texts_of(term)) == [("冰毒", None, 0), ("价格", None, 1), ("新闻", None, 2)]
    assert [entry.part for entry in entries_of(term)] == [0, 1, 2]


def test_every_piece_of_a_phrase_may_be_allowed() -> None:
    """A term is looked up by its kept text; the answer says where it stands in which phrase."""
    found = allowances_of(["大麻烦", "大 麻"])
    assert found["大麻"] == (Allowance(0, "大麻烦"), Allowance(0, "大麻"))
    assert found["烦"] == (Allowance(2, "大麻烦"),)
    assert allowances_of([]) == {}


@pytest.mark.parametrize(
    ("text", "levelled"), [("ＡbＣ", "abc"), ("賭場", "赌场"), ("а①é", "а①é"), ("ﬁ﷽", "ﬁ﷽"), ("a-甲", "a-甲")]
)
def test_levelling_keeps_the_length(text: str, levelled: str) -> None:
    """Width, case and script alone, one character for one: offsets stay true."""
    assert level(text) == levelled
    assert len(level(text)) == len(text)


@pytest.mark.parametrize("row", [{"folds_off": frozenset({Step.PINYIN})}, {"kind": Kind.WORD}, {"risk": "A.2.b"}])
def test_an_entry_knows_its_row(row: dict[str, Any]) -> None:
    """What is found is reported with the row it came from."""
    term = Term("冰毒", "A.1.f")._replace(**row)
    assert {entry.term for entry in entries_of(term)} == {term}
