"""Several scans of one text in pieces, as one."""

from filters.findings import Kind, Phase, Term
from filters.joint_stream import JointStream
from filters.keywords import KeywordMatcher

ROWS = (Term("forbidden", "A.1.a"), Term(r"n\d{2}", "A.1.b", kind=Kind.PATTERN))


def test_what_one_scan_holds_is_held() -> None:
    """The least frontier counts, and findings come in the order in which they became certain."""
    stream = KeywordMatcher(ROWS, Phase.REQUEST).stream()
    assert isinstance(stream, JointStream)
    assert stream.feed("well for") == []
    assert (stream.frontier, stream.pending) == (5, 3)
    assert [(known.finding.risk, known.at) for known in stream.feed("bidden n12 ")] == [("A.1.a", 14), ("A.1.b", 18)]
    assert (stream.pending, stream.clear_before(13)) == (0, 5)


def test_the_end_of_a_text_is_the_end_for_each_scan() -> None:
    """What only the end makes certain is told by whichever scan waited for it."""
    stream = KeywordMatcher((*ROWS, Term("sm", "A.1.c", kind=Kind.WORD)), Phase.REQUEST).stream()
    assert stream.feed("n12 sm") == [] or stream.frontier <= 4
    assert "A.1.c" in {known.finding.risk for known in stream.finish()}


def test_patterns_alone_make_a_matcher() -> None:
    """A list of nothing but expressions is searched, whole and in pieces."""
    matcher = KeywordMatcher(ROWS[1:], Phase.REQUEST)
    assert [finding.start for finding in matcher.scan("an n12")] == [3]
    assert [finding.risk for finding in KeywordMatcher(ROWS, Phase.REQUEST).scan("n12 forbidden")] == [
        "A.1.b",
        "A.1.a",
    ]
