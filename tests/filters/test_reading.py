"""Reading: the layers of a text, and the way back to the text as received."""

import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from filters.characters import fold
from filters.long_text import LongText
from filters.reading import (
    BREAK,
    CLASSES,
    FOLDS,
    FOLDS_WITH_SIGNS,
    LONGEST_RUN,
    SIGNS,
    Gap,
    Reading,
    ShortText,
    class_text,
    has_runs,
    skeleton_of,
    spell,
    spell_character,
)

# Letters, folds of several characters, separators, invisible ones, a lone surrogate, the supplementary planes.
LETTERS = "abＡ甲乙毒病4@$ -*.\u200b\u0301ﬁ﷽\ud83d🔥\U0001d41a\U00020000"


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Draw a text of any length, with long runs and gaps in it."""
    chance = random.Random(draw(st.integers(0, 2**32)))  # noqa: S311 no secret is made of it
    letters = chance.choice([LETTERS, LETTERS[:16], "ab甲乙\u200b-", "甲乙毒"])
    times = (1, 1, 1, 1, 2, 9, 10, 70)
    return "".join(chance.choice(letters) * chance.choice(times) for _ in range(chance.randint(0, 60)))


@given(texts())
@example("a" + "-" * 9 + "b" * 99)
@settings(max_examples=500, deadline=None)
def test_short_and_long_texts_are_read_alike(text: str) -> None:
    """The fast ways to read a long text or a short one give what reading each character gives."""
    for signs in (False, True):
        kept, positions = spell(text, signs=signs)
        slow = Reading(text, 0, kept, positions, signs=signs)
        for whole in (ShortText(text, signs=signs), LongText(text, signs=signs)):
            assert (whole.skeleton, whole.classes) == (slow.skeleton, class_text(slow.skeleton))
            assert whole.has_signs is (not signs and not SIGNS.isdisjoint(text))
            size = len(slow.skeleton)
            for first, end in {(0, size), (size // 2, size), (0, size // 2 + 1)} if size else set():
                part, begin = whole.around(first, end), slow.starts[first]
                assert (part.skeleton, part.signs) == (slow.skeleton[first:end], signs)
                stop = slow.run(min(end, size) - 1)[1]
                assert (part.kept, list(part.positions)) == (kept[begin:stop], positions[begin:stop])


@given(texts(), st.integers(0, 50))
@settings(max_examples=200, deadline=None)
def test_every_kept_character_is_found_again(text: str, base: int) -> None:
    """Its offset is that of the character it is the fold of; runs of the skeleton cover the kept text."""
    kept, positions = spell(text, base)
    reading = Reading(text, base, kept, positions)
    for char, offset in zip(kept, positions, strict=True):
        assert char == BREAK or char in fold(reading.char_at(offset))
    runs = [reading.run(at) for at in range(len(reading.skeleton))]
    assert "".join(char * (end - start) for char, (start, end) in zip(reading.skeleton, runs, strict=True)) == kept
    assert not has_runs(reading.skeleton)
    assert reading.skeleton.replace(BREAK, "") == skeleton_of(text) or BREAK in kept


@pytest.mark.parametrize(
    ("gap", "kept"),
    [
        ("", "ab"),
        ("-" * 8, "ab"),
        ("-" * 9, f"a{BREAK}b"),
        ("-" * 30, f"a{BREAK}b"),
        ("\u200b" * 64, "ab"),
        ("\u200b" * 65, f"a{BREAK}b"),
        ("-" * 8 + "\u200b" * 56, "ab"),
        ("\u200b" * 60 + "-" * 5, f"a{BREAK}b"),
    ],
)
def test_no_term_reaches_over_a_long_gap(gap: str, kept: str) -> None:
    """Eight separators, or 64 characters with those that are drawn as nothing."""
    assert spell(f"a{gap}b")[0] == kept


def test_a_gap_says_once_that_it_became_long() -> None:
    """A break is written at its first character too many."""
    gaps, gap = [], Gap()
    for _ in range(11):
        gap = gap.with_character("-")
        gaps.append((gap.is_long, gap.was_long))
    assert gaps[7:] == [(False, False), (True, False), (True, True), (True, True)]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("病", "冰", True),
        ("0", "o", True),
        ("l", "1", True),
        ("4", "a", True),
        ("甲", "乙", False),
    ],
)
def test_a_class_is_what_sounds_or_looks_alike(one: str, other: str, *, same: bool) -> None:
    """Characters of one syllable, letters and the digits that stand for them."""
    assert (class_text(one) == class_text(other)) is same


def test_signs_are_letters_in_a_reading_of_their_own() -> None:
    """In the ordinary one they are separators; in both, no class is a character that is dropped."""
    assert {spell_character(sign) for sign in SIGNS} == {""}
    flags = frozenset("🇦🇧🇨🇩🇪🇫🇬🇭🇮🇯🇰🇱🇲🇳🇴🇵🇶🇷🇸🇹🇺🇻🇼🇽🇾🇿")
    assert flags < SIGNS
    assert {spell_character(sign, signs=True) for sign in SIGNS - flags} == SIGNS - flags
    assert spell("c@$h") == ("ch", [0, 3])
    assert (spell("海🇨🇳洛"), spell("🇨🇳", signs=True)) == (("海洛", [0, 3]), ("cn", [0, 1]))
    assert class_text(spell("c@$h", signs=True)[0]) == "cash"
    assert [at for at, (one, two) in enumerate(zip(FOLDS, FOLDS_WITH_SIGNS, strict=True)) if one != two] == sorted(
        map(ord, SIGNS)
    )
    assert len(CLASSES) == len(FOLDS)


@pytest.mark.parametrize(
    ("text", "openings"),
    [
        ("b", [0]),
        ("4b", [0, None]),
        ("4bb", [0, None]),
        ("4b b", [0, 2]),  # what stands behind a gap begins a word
        ("4b bb", [0, 2]),
        ("冰b", [0, 1]),
        ("4Ｂ", [0, 1]),  # plain letters alone make a word
        ("b" * 40, [None]),  # of a run so long only the end matters
    ],
)
def test_a_run_opens_where_a_word_begins(text: str, openings: list[int | None]) -> None:
    """Whatever follows, it opens there."""
    reading = Reading(text, 3, *spell(text, 3))
    assert [reading.opening(at) for at in range(len(reading.skeleton))] == openings
    if len(text) < LONGEST_RUN:
        longer = Reading(text + text[-1], 3, *spell(text + text[-1], 3))
        assert [longer.opening(at) for at in range(len(longer.skeleton))] == openings


def test_of_a_run_only_so_much_is_read() -> None:
    """As much as a term may need."""
    reading = Reading("a" + "b" * 40, 0, *spell("a" + "b" * 40))
    assert [reading.bounded_run(at) for at in (0, 1)] == [(0, 1), (41 - LONGEST_RUN, 41)]
