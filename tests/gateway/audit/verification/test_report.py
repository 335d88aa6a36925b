"""Tests of reports."""

from gateway.audit.verification.report import PROBLEM_LIMIT, Kind, LogReport, Problem


def test_problem_says_where() -> None:
    """File, byte and entry stand before the sentence."""
    assert str(Problem(Kind.DAMAGED, "f", "wrong", 3, 4)) == "damaged: f, byte 3, entry 4: wrong"
    assert str(Problem(Kind.MISSING, "f", "gone")) == "missing: f: gone"


def test_problems_are_bounded_and_counted() -> None:
    """A trail that is none does not fill the memory."""
    report = LogReport("a")
    assert report.good
    for _ in range(PROBLEM_LIMIT + 5):
        report.add(Kind.DAMAGED, "f", "wrong")
    assert (len(report.problems), report.problems_found, report.good) == (PROBLEM_LIMIT, PROBLEM_LIMIT + 5, False)
    assert report.as_json()["problems"][0] == {
        "kind": "damaged",
        "file": "f",
        "byte": None,
        "sequence": None,
        "what": "wrong",
    }
