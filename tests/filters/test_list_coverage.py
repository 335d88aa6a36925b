"""Whether there are enough keywords, and none twice."""

import pytest

from filters.findings import Action, Kind, Phase
from filters.list_coverage import coverage, repetitions, short_terms, unmatched
from filters.list_stats import count_rows
from filters.taxonomy import load_taxonomy
from tests.filters.list_rows import list_row


@pytest.mark.parametrize(("minimum_per_risk", "a1", "a2"), [(0, 200, 100), (150, 200, 150), (250, 250, 250)])
def test_larger_of_two_numbers_is_asked_for(minimum_per_risk: int, a1: int, a2: int) -> None:
    """The operator's number raises the standard's and never lowers it; 17 classes need keywords."""
    covered = coverage(count_rows([list_row()]), load_taxonomy(), minimum_per_risk)
    assert len(covered) == 17
    asked = {each.risk.id: each.minimum for each in covered}
    assert (asked["A.1.a"], asked["A.2.a"]) == (a1, a2)


def test_what_is_missing_is_never_negative() -> None:
    """A class with more keywords than asked for lacks none."""
    rows = [list_row(f"词{number}", "A.2.a") for number in range(101)]
    missing = {each.risk.id: each.missing for each in coverage(count_rows(rows), load_taxonomy(), 0)}
    assert (missing["A.2.a"], missing["A.2.b"]) == (0, 100)


def test_terms_in_two_lists_are_found() -> None:
    """Another case, width, kind or risk does not hide a repetition; the first is named each time."""
    first = list_row("Buy Meth")
    again, third = list_row("ｂｕｙ meth", "A.1.f"), list_row("buy meth", kind=Kind.WORD)
    assert list(repetitions([first, list_row("other"), again, third])) == [(first, again), (first, third)]


@pytest.mark.parametrize("again", ["出售毒品", "出 售 毒 品", "出售毒品。", "出\u200d售毒品"])
def test_terms_that_fold_alike_are_repetitions(again: str) -> None:
    """The engine covers spellings; a list that repeats them only looks longer."""
    first, other = list_row("出售毒品"), list_row(again)
    assert list(repetitions([first, other])) == [(first, other)]


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [(Kind.ALL, "毒 & 品", "毒品"), (Kind.PATTERN, r"\\dab", r"\\Dab"), (Kind.ALL, "甲甲 & 乙", "甲 & 甲乙")],
)
def test_syntax_is_no_separator(kind: Kind, one: str, other: str) -> None:
    """Parts of a combination are apart, and signs of a pattern are not skipped."""
    assert list(repetitions([list_row(one, kind=kind), list_row(other, kind=kind)])) == []


def test_short_terms_need_a_boundary_or_context() -> None:
    """Separators do not make a term longer; as a word or among others it may be short."""
    rows = [list_row("毒品"), list_row("毒 品"), list_row("毒品店"), list_row("毒品", kind=Kind.WORD)]
    rows.append(list_row("毒 & 品", kind=Kind.ALL))
    assert list(short_terms(rows)) == rows[:2]


def test_terms_that_no_text_can_show_are_found() -> None:
    """Allowed by a phrase of the same text, or too long for their distance; others are found."""
    allow = list_row("冰毒的危害", kind=Kind.ALLOW, action=Action.OFF)
    hidden, crowded = list_row("冰毒的危害", kind=Kind.WORD), list_row("转账 & 汇款 ~2", kind=Kind.ALL)
    found = [
        list_row("买可卡因", phases=frozenset({Phase.RESPONSE})),
        list_row("转账 & 验证码 ~20 - 骗子", kind=Kind.ALL),
        list_row("转账 & 验证 ~4", kind=Kind.ALL),
        list_row(r"a\d", kind=Kind.PATTERN),
    ]
    assert list(unmatched([hidden, crowded, allow, *found])) == [hidden, crowded]
    assert list(unmatched([allow, found[0]])) == []
