"""Patterns: what is found, that streams find the same, and that neither depends on the cutting."""

from itertools import pairwise
from typing import Any

import pytest
import re2
from hypothesis import example, settings
from hypothesis import given as generate
from hypothesis import strategies as st

from filters.findings import MOST_FINDINGS, Known, Stage, Term
from filters.folding import fold
from filters.patterns import CONTEXT, WINDOW, Pattern, PatternSet, PatternStream

EXPRESSIONS = [
    "ab",
    "a|ab|abc",
    "a+b",
    "a[^b]*b",
    r"\bab+\b",
    r"a{2,3}\B",
    r"^a.|b$",
    "(?:ab|b)*c",
    "甲[ab]?乙",
    r"(?i)(a(?:b|c)){1,2}",
    r"\ba",
    r"b\b",
    "a(?s:.){0,3}c",
    "c{2}",
]
# Few characters make matches, and near matches, likely.
TEXTS = st.text("abcAＡ甲乙 \n", max_size=30)
SETS = st.lists(st.sampled_from(EXPRESSIONS), min_size=1, max_size=3, unique=True)


def pattern_set(expressions: list[str]) -> PatternSet:
    """Build a set of expressions."""
    return PatternSet.of_terms([Term(each, "A.1.f") for each in expressions])


def slowly(expression: str, text: str) -> list[tuple[int, int]]:
    """Find the matches by trying every part of the text."""
    options = re2.Options()
    options.case_sensitive = False
    engine, folded, at, found = re2.compile(expression, options), fold(text), 0, []
    while at < len(text):
        ends = [end for end in range(at + 1, min(len(text), at + WINDOW) + 1) if engine.fullmatch(folded, at, end)]
        if ends:
            found.append((at, ends[-1]))
        at = ends[-1] if ends else at + 1
    return found


def streamed(stream: PatternStream, pieces: list[str]) -> list[Known]:
    """Feed all pieces and end the text."""
    return [known for piece in pieces for known in stream.feed(piece)] + stream.finish()


def cut(text: str, cuts: list[int]) -> list[str]:
    """Cut a text at these offsets."""
    edges = [0, *sorted(min(each, len(text)) for each in cuts), len(text)]
    return [text[start:end] for start, end in pairwise(edges)]


@generate(SETS, TEXTS)
@settings(max_examples=300, deadline=None)
def test_a_scan_finds_the_longest_match_at_each_place(expressions: list[str], text: str) -> None:
    """From left to right, the longest at each place, none over another of the same expression."""
    found = sorted((each.term.text, each.start, each.end) for each in pattern_set(expressions).scan(text))
    assert found == sorted((each, *span) for each in expressions for span in slowly(each, text))


@example(["\\ba", "a|ab|abc"], "bA AA", [])
@generate(SETS, TEXTS, st.lists(st.integers(0, 30), max_size=5))
@settings(max_examples=300, deadline=None)
def test_a_stream_finds_the_same_at_the_same_moments(expressions: list[str], text: str, cuts: list[int]) -> None:
    """However a text is cut, findings and the lengths by which they are certain are those of single characters."""
    patterns = pattern_set(expressions)
    one_by_one = streamed(patterns.stream(), list(text))
    assert streamed(patterns.stream(), cut(text, cuts)) == one_by_one
    by_end = sorted((known.finding for known in one_by_one), key=lambda finding: (finding.end, finding.start))
    assert sorted(map(repr, patterns.scan(text))) == sorted(map(repr, by_end))
    assert all(known.finding.end <= known.at <= len(text) for known in one_by_one)


@generate(SETS, TEXTS, st.lists(st.integers(0, 30), max_size=5), st.integers(0, 30))
@settings(max_examples=200, deadline=None)
def test_no_match_begins_before_the_frontier(expressions: list[str], text: str, cuts: list[int], at: int) -> None:
    """What was let go is settled; and the frontier of any length inside the last piece can be asked for."""
    *before, last = cut(text, cuts)
    stream, frontier = pattern_set(expressions).stream(), 0
    for piece in (*before, last):
        assert all(known.finding.start >= frontier for known in stream.feed(piece))
        assert stream.frontier >= frontier
        frontier = stream.frontier
    length = len(text) - min(at, len(last))
    shorter = pattern_set(expressions).stream()
    shorter.feed(text[:length])
    assert stream.clear_before(length) == shorter.frontier
    assert all(known.finding.start >= frontier for known in stream.finish())


@pytest.mark.parametrize(
    ("expression", "text", "held"),
    [
        ("abc", "xab", "ab"),
        ("abc", "xabd", ""),
        ("abc", "xabc", ""),
        ("ab?", "xa", "a"),
        (r"\bab\b", "xab", ""),
        (r"\bab\b", "x ab", "ab"),
        ("a{2,4}b", "aaaaa", "aaaa"),
        ("甲.乙", "甲丙", "甲丙"),
        ("甲.乙", "甲丙丁", ""),
    ],
)
def test_exactly_what_may_become_a_match_is_held(expression: str, text: str, held: str) -> None:
    """The frontier is where the leftmost of it begins."""
    stream = pattern_set([expression]).stream()
    stream.feed(text)
    assert text[stream.frontier :] == held


@pytest.mark.parametrize("size", [WINDOW - 2, WINDOW - 1])
@pytest.mark.parametrize("pieces", [1, 7, 10_000])
def test_a_match_longer_than_the_window_is_none(size: int, pieces: int) -> None:
    """It counts up to the window; a shorter one that begins further right counts."""
    text = "a" + "x" * size + "b" + "c" * 700
    step = max(1, len(text) // pieces)
    parts = [text[start : start + step] for start in range(0, len(text), step)]
    spans = [(0, size + 2)] if size + 2 <= WINDOW else []
    found = streamed(pattern_set(["a[^b]*b"]).stream(), parts)
    assert [(known.finding.start, known.finding.end) for known in found] == spans
    text = "a" * 2 * WINDOW + "b"
    found = streamed(pattern_set(["a[^b]*b"]).stream(), [text[start : start + step] for start in range(0, 513, step)])
    assert [(known.finding.start, known.finding.end) for known in found] == [(WINDOW + 1, 2 * WINDOW + 1)]


def test_the_shorter_of_two_matches_counts_where_the_longer_is_none() -> None:
    """The longest that fits the window, not none at all."""
    found = pattern_set(["ab|a[^b]*c"]).scan("ab" + "a" + "x" * WINDOW + "c" + "ab")
    assert [(each.start, each.end) for each in found] == [(0, 2), (WINDOW + 4, WINDOW + 6)]
    assert [(each.start, each.end) for each in pattern_set(["a+"]).scan("a" * 600)] == [
        (0, 256),
        (256, 512),
        (512, 600),
    ]


@pytest.mark.parametrize("length", [0, 1, 4_095, 4_096, 4_097, 9_000])
def test_slices_of_a_long_text_do_not_hide_a_match(length: int) -> None:
    """A match may lie across the place where the text is cut for the engine."""
    text = "x" * length + "a12345b" + "x" * 5_000
    (finding,) = pattern_set(["a[0-9]+b"]).scan(text)
    assert (finding.start, finding.end) == (length, length + 7)


def test_a_check_narrows_a_match_down_or_rejects_it() -> None:
    """It sees the text as received; where it rejects, the next match may begin inside."""

    def even(value: str, before: str) -> tuple[int, int] | None:
        seen.append((value, before))
        return (1, 3) if value[1] in "02468" else None

    seen: list[tuple[str, str]] = []
    patterns = PatternSet([Pattern(Term("even", "A.1.f"), "[0-9a][0-9]{2}", even)], Stage.PERSONAL_DATA)
    found = patterns.scan("x" * 40 + "Ａ123")
    assert [(each.stage, each.start, each.end) for each in found] == [(Stage.PERSONAL_DATA, 42, 44)]
    assert seen == [("Ａ12", "x" * CONTEXT), ("123", "x" * 31 + "Ａ")]


def test_all_texts_of_a_document_are_scanned() -> None:
    """Each with its own offsets, and each on its own where an expression asks for the beginning of the text."""
    patterns = pattern_set(["ab", "^c"])
    found = patterns.scan_all(["ab", "x", "xab", "c", "xc"])
    assert [[(each.start, each.end) for each in one] for one in found] == [[(0, 2)], [], [(1, 3)], [(0, 1)], []]
    assert pattern_set(["ab"]).scan_all(["a", "b"]) == ((), ())


def test_a_set_without_patterns_finds_nothing_and_holds_nothing() -> None:
    """A list may have none."""
    stream = PatternSet([]).stream()
    assert PatternSet([]).scan("abc") == []
    assert stream.feed("abc") == []
    assert (stream.frontier, stream.clear_before(2), stream.finish()) == (3, 2, [])


def test_a_single_character_is_never_waited_for() -> None:
    """What nothing needs to follow has no beginning."""
    stream = pattern_set(["a"]).stream()
    assert [known.at for known in stream.feed("xa")] == [2]
    assert stream.frontier == 2


def test_a_text_full_of_matches_is_not_read_to_its_end() -> None:
    """One more than are judged one by one is enough, over all texts of a document."""
    patterns = pattern_set(["ab"])
    assert MOST_FINDINGS < len(patterns.scan("ab" * 20_000)) < 10_000
    first, second = patterns.scan_all(["ab" * 20_000, "ab"])
    assert len(first) > MOST_FINDINGS
    assert second == ()


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("a(", "no expression that RE2 reads"),
        (r"a(?=b)", "no expression that RE2 reads"),
        (r"(a)\1", "no expression that RE2 reads"),
        ("a*", "would match everywhere"),
        ("", "would match everywhere"),
        ("a{257}", "nothing shorter than 256"),
        ("a" * 501, "longer than 500 characters"),
    ],
)
def test_an_expression_that_cannot_be_used_is_refused(expression: str, says: str) -> None:
    """The message names it and says why."""
    with pytest.raises(ValueError, match=says) as caught:
        pattern_set([expression])
    assert repr(expression) in str(caught.value)


class Counting:
    """An engine that counts the characters it is given."""

    def __init__(self, engine: Any) -> None:  # noqa: ANN401 the library brings no types
        self._engine = engine
        self.read = 0

    def search(self, text: str, *bounds: int) -> Any:  # noqa: ANN401 the same
        """Search, and count."""
        self.read += len(text)
        return self._engine.search(text, *bounds)


HOSTILE = ["a[^b]*b", "(a+)+c", "(?:a|aa)+d", ".*x.*y", r"(a{0,20}){0,5}e"]


@pytest.mark.parametrize("pieces", [1, 3])
@pytest.mark.parametrize("unit", ["a", "ab", "xa", "a" * 300 + "b", "aé"])
def test_hostile_texts_are_read_in_linear_time(unit: str, pieces: int) -> None:
    """Twice the text costs twice the reading, and never more than some windows for each character."""
    spent = []
    for length in (6_000, 12_000):
        patterns, text = pattern_set(HOSTILE), (unit * length)[:length]
        counters = [patterns._any, patterns._begun] = [Counting(patterns._any), Counting(patterns._begun)]
        rows = [row._replace(engine=Counting(row.engine)) for row in patterns._rows]
        patterns._rows = rows
        step = length // pieces
        stream = patterns.stream()
        for start in range(0, length, step):
            stream.feed(text[start : start + step])
        stream.finish()
        spent.append(sum(each.read for each in (*counters, *(row.engine for row in rows))))
    assert spent[1] < 2.5 * spent[0]
    assert spent[1] < 4 * WINDOW * len(HOSTILE) * 12_000


def test_what_is_kept_of_a_stream_is_bounded() -> None:
    """An endless text that never ceases to be a beginning takes no more memory than a short one."""
    stream = pattern_set(["a[^b]*b"]).stream()
    for _ in range(3_000):
        stream.feed("aa")
        assert len(stream._raw) <= WINDOW + CONTEXT + 4
    assert 6_000 - stream.frontier == WINDOW
