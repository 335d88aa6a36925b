"""Whether there are enough keywords, and none twice."""

import pytest

from filters.findings import Kind
from filters.list_coverage import coverage, repetitions
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
