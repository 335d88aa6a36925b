"""Tests of the comparison of a tree with marks."""

from gateway.audit.tree import Tree
from gateway.audit.verification.comparison import Comparison
from gateway.audit.verification.marks import Mark
from gateway.audit.verification.report import Kind, LogReport

_ENTRIES = [b"%d" % number for number in range(10)]


def _mark(size: int, *, anchor: bool = False, right: bool = True) -> Mark:
    tree = Tree()
    tree.extend_entries(_ENTRIES[:size] if right else [b"other"] * size)
    return Mark(size, tree.root(), anchor, "anchors" if anchor else "checkpoints", 7, "then")


def test_marks_of_both_kinds_are_counted() -> None:
    """Checkpoints and anchors, also of one size, fit wherever batches end."""
    report = LogReport("a")
    marks = [_mark(0), _mark(3), _mark(8)], [_mark(3, anchor=True), _mark(5, anchor=True)]
    comparison = Comparison(report, marks)
    for at in range(0, 10, 4):
        comparison.extend(_ENTRIES[at : at + 4], "file", at * 2, 1)
    comparison.finish("file")
    assert (report.good, report.checkpoints, report.anchors, report.covered) == (True, 3, 2, 8)


def test_contradicting_marks_are_told_from_changed_entries() -> None:
    """Where the entries fit one mark of a size, the other one is wrong and not they."""
    report = LogReport("a")
    comparison = Comparison(report, [[_mark(4)], [_mark(4, anchor=True, right=False)]])
    comparison.extend(_ENTRIES, "file", 0, 1)
    assert [problem.kind for problem in report.problems] == [Kind.ANCHOR]


def test_lost_tree_is_not_compared() -> None:
    """After an entry that cannot be read, marks say nothing; a tree from elsewhere begins again."""
    report = LogReport("a")
    comparison = Comparison(report, [[_mark(2), _mark(6), _mark(8)]])
    comparison.extend(_ENTRIES[:1], "file", 0, 1)
    comparison.lose(5)
    before = Tree()
    before.extend_entries(_ENTRIES[:7])
    comparison.extend(_ENTRIES[5:7], "file", 0, 1)
    comparison.resume(before, "file", 0)
    comparison.extend(_ENTRIES[7:], "file", 0, 1)
    comparison.finish("file")
    assert (report.good, report.checkpoints, report.covered) == (True, 1, 8)
