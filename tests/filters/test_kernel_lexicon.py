"""The lexicon of the kernel: it finds what the lexicon without one finds."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters import kernel_lexicon, keywords
from filters.findings import Kind, Phase, Step, Term
from filters.kernel_lexicon import KernelLexicon
from filters.keywords import KeywordMatcher
from filters.lexicon import Lexicon
from filters.reading import Reading, class_text, skeleton_of, spell
from tests.filters.streaming import order, run
from tests.filters.test_keyword_stream import COMBINATIONS, texts

TERMS = [
    "a",
    "ab",
    "4i",
    "b4i",
    "甲",
    "甲乙",
    "冰毒",
    "大麻",
    "冰毒大",
    "大麻甲乙",
    "大a麻",
    "f@ke",
    "ﬁ",
    "妈妈",
    "aab",
]
TERMS += ["乙乙甲", "大麻烦冰毒", "6i", "流ib", "麻醉药", "氯胺酮"]


def rows(chance: random.Random) -> list[Term]:
    """Draw terms of every kind."""
    off = [frozenset[Step]()] * 3 + [frozenset({Step.SEPARATORS}), frozenset({Step.HOMOPHONES})]
    kinds = [Kind.LITERAL, Kind.LITERAL, Kind.WORD]
    drawn = [
        Term(text, "A.1.a", kind=chance.choice(kinds), folds_off=chance.choice(off))
        for text in chance.sample(TERMS, chance.randint(1, 7))
    ]
    combination = Term(chance.choice(COMBINATIONS), "A.1.b", kind=Kind.ALL)
    return [*drawn, combination, Term("大麻烦", "", kind=Kind.ALLOW)][: chance.randint(1, 9)]


def without_kernel(terms: list[Term]) -> KeywordMatcher:
    """Build a matcher as where no compiler was."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keywords, "is_available", lambda: False)
        matcher = KeywordMatcher(terms, Phase.REQUEST)
    assert not isinstance(matcher.lexicon, KernelLexicon)
    return matcher


@given(texts(), st.integers(0, 2**32), st.integers(0, 90))
@settings(max_examples=400, deadline=None)
def test_with_and_without_a_kernel_the_same_is_found(text: str, seed: int, before: int) -> None:
    """Whole, and in pieces: every finding, and the moment of each; the kernel holds no more of a text."""
    chance = random.Random(seed)  # noqa: S311  # no secret is made of it
    terms = rows(chance)
    ours, theirs = KeywordMatcher(terms, Phase.REQUEST), without_kernel(terms)
    assert isinstance(ours.lexicon, KernelLexicon)
    # Long ones are read by arrays where there is no kernel.
    text = "天好" * chance.choice([0, 0, before]) + text
    assert sorted(ours.scan(text), key=repr) == sorted(theirs.scan(text), key=repr)
    cuts = sorted(chance.choices(range(len(text) + 1), k=5))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    (found, clear), (found_without, clear_without) = run(ours, pieces), run(theirs, pieces)
    assert order(found) == order(found_without)
    # Without one, what would begin in the middle of a word is held as well.
    assert all(clear_without[at] <= frontier for at, frontier in clear.items())


@given(st.text("ab4甲乙冰毒大麻病饼i6流", max_size=9).map(skeleton_of), st.integers(0, 2**32))
@settings(max_examples=300, deadline=None)
def test_a_skeleton_is_searched_alike(skeleton: str, seed: int) -> None:
    """What may stand in it, and where its longest end begins that may grow."""
    chance = random.Random(seed)  # noqa: S311  # no secret is made of it
    terms, classes = [row for row in rows(chance) if row.kind is not Kind.ALLOW], class_text(skeleton)
    ours, theirs = KernelLexicon(terms), Lexicon(terms)
    assert ours.find(skeleton, classes) == theirs.find(skeleton, classes)
    # A Latin term begins with no ideograph, though 6 has the sound of one.
    if "流" not in skeleton:
        assert ours.first_live(skeleton, classes) == theirs.first_live(skeleton, classes)


@pytest.mark.parametrize(
    ("text", "ours", "theirs"),
    [
        ("4b", (2, 2), (1, 1)),  # nothing romanised begins in the middle of a word
        ("4bb", (2, 3), (1, 1)),  # nor where a letter of one is doubled
        ("4b b", (1, 2), (1, 1)),  # the second one is another word's
        ("b b", (0, 0), (0, 0)),
        ("4冰", (1, 1), (1, 1)),
        ("4 bin", (1, 1), (1, 1)),
        ("天", (1, 1), (1, 1)),
    ],
)
def test_a_tail_lives_from_where_a_term_may_begin(text: str, ours: tuple[int, int], theirs: tuple[int, int]) -> None:
    """The letter in the skeleton, and in the kept text the character."""
    terms, reading = [Term("冰毒货源", "A.1.a")], Reading(text, 7, *spell(text, 7))
    assert KernelLexicon(terms).live_in(reading, 0) == ours
    assert Lexicon(terms).live_in(reading, 0) == theirs


@pytest.mark.parametrize("kind", [KernelLexicon, Lexicon])
def test_a_lexicon_is_handed_over(kind: type[Lexicon]) -> None:
    """What its parts make finds the same."""
    terms = [Term("大麻", "A.1.a"), Term("viagra", "A.1.a")]
    again = kind.restore(terms, kind(terms).parts())
    assert [match.entries[0].term.text for match in again.find("大麻viagra", class_text("大麻viagra"))] == [
        "大麻",
        "viagra",
    ]


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("买冰毒。", [(1, 3)]),
        ("饼毒", [(0, 2)]),  # only sounds like it
        ("吃饼，毒物", []),  # two sentences
        ("買冰 毒", [(1, 4)]),
        ("ＶIＡgra", [(0, 6)]),
    ],
)
def test_a_place_is_settled_in_the_text_as_received(text: str, places: list[tuple[int, int]]) -> None:
    """Plain ones from what is remembered, the others by reading every layer."""
    matcher = KeywordMatcher([Term("冰毒", "A.1.a"), Term("viagra", "A.1.a")], Phase.REQUEST)
    for _ in range(2):
        assert [(found.start, found.end) for found in matcher.scan(text)] == places
    assert matcher.scan(text) == without_kernel([Term("冰毒", "A.1.a"), Term("viagra", "A.1.a")]).scan(text)


def test_what_is_remembered_of_pieces_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the bound it is worked out anew."""
    monkeypatch.setattr(kernel_lexicon, "_REMEMBERED_PIECES", 2)
    lexicon = KernelLexicon([Term(text, "A.1.a") for text in ("甲", "乙", "丁")])
    for text in "甲乙丁甲":
        assert [entry.term.text for entry, _ in lexicon.plain_at(text)] == [text]
    assert len(lexicon.plain) <= 2


def test_what_is_remembered_of_stretches_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the bound it is worked out anew, and long stretches are never kept."""
    monkeypatch.setattr(kernel_lexicon, "_REMEMBERED_STRETCHES", 2)
    matcher = KeywordMatcher([Term("大麻", "A.1.a"), Term("viagra", "A.1.a")], Phase.REQUEST)
    assert isinstance(matcher.lexicon, KernelLexicon)
    for between in ("*", "**", "***", "*"):
        assert [(found.start, found.end) for found in matcher.scan(f"大{between}麻")] == [(0, 2 + len(between))]
    assert len(matcher.lexicon._pieces) <= 2
    matcher.lexicon._pieces.clear()
    monkeypatch.setattr(kernel_lexicon, "_REMEMBERED_CHARACTERS", 40)
    assert len(matcher.scan("大" + "\u200b" * 30 + "麻")) == len(matcher.scan("大" + "\u200b" * 60 + "麻")) == 1
    assert [len(piece.stretch) for piece in matcher.lexicon._pieces] == [32]


def test_a_letter_before_a_stretch_is_remembered_with_it() -> None:
    """The same stretch is a place behind one character and none behind another."""
    matcher = KeywordMatcher([Term("海洛因", "A.1.a")], Phase.REQUEST)
    for _ in range(2):
        assert [len(matcher.scan(f"{before}hai luo yin!")) for before in ("", "x", "，")] == [1, 0, 1]
