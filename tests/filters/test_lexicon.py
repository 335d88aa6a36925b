"""The lexicon: patterns by kind, what they stand for, what may become one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.compiling import Space, pattern_of
from filters.findings import Kind, Step, Term
from filters.lexicon import Lexicon
from filters.long_text import LongText
from filters.reading import class_text, skeleton_of


def lexicon(*texts: str, folds_off: frozenset[Step] = frozenset()) -> Lexicon:
    """Compile terms."""
    return Lexicon(Term(text, "A.1.a", folds_off=folds_off) for text in texts)


def found(terms: Lexicon, text: str) -> list[tuple[int, int]]:
    """Show the matches in a text."""
    skeleton = skeleton_of(text)
    return [match[:2] for match in terms.find(skeleton, class_text(skeleton))]


@pytest.mark.parametrize(
    ("terms", "text", "matches"),
    [
        (["冰毒"], "买冰毒", [(1, 3)]),
        (["冰毒"], "饼毒", [(0, 2)]),
        (["冰毒"], "病毒", []),
        (["冰毒"], "bing du", [(0, 6)]),
        (["冰毒货海"], "冰毒或海", [(0, 4)]),
        (["冰毒货"], "病毒或", []),
        (["c4"], "cacc4", [(2, 4)]),
        (["good"], "god", [(0, 3)]),
        (["毒"], "毒毒", [(0, 1)]),
        ([], "text", []),
    ],
)
def test_patterns_are_found_by_what_they_are_made_of(
    terms: list[str], text: str, matches: list[tuple[int, int]]
) -> None:
    """Pairs by their very characters and listed homophones, longer ones by sound, letters by look."""
    assert found(lexicon(*terms), text) == matches


def test_matches_come_in_order_of_their_end() -> None:
    """Whatever automaton they come from."""
    matches = found(lexicon("ab", "甲a", "冰毒货", "毒", "ab冰"), "甲ab冰毒货")
    assert matches == sorted(matches, key=lambda each: (each[1], each[0]))
    assert len(matches) == 5


def test_the_entries_of_a_match_are_all_that_may_stand_there() -> None:
    """Of every row; other spellings of the same row are left out."""
    terms = lexicon("冰毒货", "病毒货", "丙乙", "甲乙")
    (match,) = terms.find("冰毒货", class_text("冰毒货"))
    assert [entry.skeleton for entry in match.entries] == ["冰毒货", "病毒货"]


def test_one_row_owns_a_pattern_once() -> None:
    """Two rows of one text are two owners, two spellings of one row are one."""
    rows = [Term("qiang", "A.1.a"), Term("qiang", "A.1.b"), Term("q1ang", "A.1.a")]
    (match,) = Lexicon(rows).find("qiang", "qiang")
    assert [entry.term for entry in match.entries] == rows


LETTERS = "ab甲乙大麻毒病-"


@given(
    st.lists(st.text(LETTERS[:-1], min_size=1, max_size=5), max_size=5),
    st.text(LETTERS, max_size=40),
    st.integers(0, 20),
)
@settings(max_examples=500, deadline=None)
def test_a_glance_at_a_long_text_misses_nothing(texts: list[str], text: str, start: int) -> None:
    """What is left out of the matches of the same characters are repeats and letters within a word, never a place."""
    terms, whole = lexicon(*texts), LongText(text)
    skeleton, classes = whole.skeleton[start:], whole.classes[start:]
    near = terms.find_long(whole, start, len(whole.skeleton))
    every = [
        match._replace(start=start + match.start, end=start + match.end) for match in terms.find(skeleton, classes)
    ]
    assert set(map(repr, near)) <= set(map(repr, every))
    for match in every:
        assert match in near or all(entry.runs or entry.step for entry in match.entries)


def test_homophones_of_a_pair_are_for_literals() -> None:
    """Parts of a combination stand as they are listed."""
    assert found(lexicon("冰毒"), "饼毒") == [(0, 2)]
    assert found(Lexicon([Term("冰毒 & 甲乙", "A.1.a", kind=Kind.ALL)]), "饼毒") == []


PIECES = st.text("ab甲乙毒病", min_size=1, max_size=6)


@given(st.lists(PIECES, max_size=8), st.text("ab甲乙毒病", max_size=12))
@settings(max_examples=500, deadline=None)
def test_what_may_become_a_pattern_is_its_beginning(texts: list[str], text: str) -> None:
    """The answer is that of trying every suffix against every proper prefix."""
    off = frozenset({Step.HOMOPHONES, Step.PINYIN, Step.INITIALS, Step.SPLIT})
    terms, skeleton = lexicon(*texts, folds_off=off), skeleton_of(text)
    patterns = [pattern_of(skeleton_of(each)) for each in texts]
    live = [
        at
        for at in range(len(skeleton))
        for space, pattern in patterns
        if (skeleton if space is Space.PAIRS else class_text(skeleton))[at:]
        in {pattern[:size] for size in range(1, len(pattern))}
    ]
    assert terms.first_live(skeleton, class_text(skeleton)) == min(live, default=len(skeleton))


@pytest.mark.parametrize("text", ["", "--", "🔥"])
def test_an_empty_pattern_is_refused(text: str) -> None:
    """It would match everywhere; the error says what to do."""
    with pytest.raises(ValueError, match="letter, a digit or an ideograph"):
        lexicon("甲乙", text)


def test_phrases_are_known_and_not_looked_for() -> None:
    """How far around a place they reach is the longest one's length."""
    terms = Lexicon([Term("大麻烦事", "", kind=Kind.ALLOW), Term("a+", "A", kind=Kind.PATTERN)])
    assert (terms.longest, terms.farthest, "大麻" in terms.allowances) == (0, 4, True)


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("海洛因", [(40, 43)]),
        ("孩洛因", [(40, 43)]),
        ("孩罗英", []),
        ("海洛因子", [(40, 43), (40, 44)]),
        ("甲乙丁", []),
        ("甲乙丁天", []),
        ("甲乙丁丙", [(40, 44)]),
    ],
)
@pytest.mark.parametrize("behind", ["", "天好" * 20])
def test_a_place_in_a_long_text_is_found_again(text: str, places: list[tuple[int, int]], behind: str) -> None:
    """What was found there once is known, and what only resembled a term as well."""
    terms, whole = lexicon("海洛因", "海洛因子", "甲乙丁丙"), LongText("天好" * 20 + text + behind)
    for _ in range(2):
        assert [match[:2] for match in terms.find_long(whole, 0, len(whole.skeleton))] == places


def test_a_mark_may_be_shared_by_chance() -> None:
    """A place that a glance takes for a beginning, and that is none, is passed over."""
    text = "天好" * 20
    assert list(lexicon("海洛因")._sounds_at([0], text, class_text(text))) == []
