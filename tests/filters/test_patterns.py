"""Patterns: what is found, that streams find the same, and that neither depends on the cutting."""

from itertools import pairwise

import re2
from hypothesis import given as generate
from hypothesis import settings
from hypothesis import strategies as st

from filters.findings import Known, Term
from filters.folding import fold
from filters.patterns import WINDOW, PatternSet, PatternStream

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
