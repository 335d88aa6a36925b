"""Passing: what pairs of characters say is what the lexicon finds."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters import passing
from filters.findings import Step, Term
from filters.lexicon import Lexicon
from filters.passing import FOLDED, IN_EARNEST
from filters.reading import class_text, skeleton_of


def lexicon(*texts: str) -> Lexicon:
    """Compile terms, without other spellings of them."""
    off = frozenset({Step.PINYIN, Step.INITIALS, Step.SPLIT})
    return Lexicon(Term(text, "A.1.a", folds_off=off) for text in texts)


@pytest.mark.parametrize(
    ("text", "looked_at", "answer"),
    [
        ("好天", 1, 2),
        ("好甲", 1, 1),
        ("甲乙", 1, 0),
        ("好甲乙天", 1, 4),
        ("甲乙丁天", 3, 4),
        ("甲乙丁丙", 3, IN_EARNEST),
        ("天海洛", 1, 1),
        ("天海洛因", 1, IN_EARNEST),
        ("海洛因", 3, 3),
        ("孩罗英", 2, 3),
        ("天冰毒", 1, IN_EARNEST),
        ("天饼毒", 1, IN_EARNEST),
        ("天病毒", 1, 3),
        ("天a", 1, IN_EARNEST),
        ("天毒", 1, 2),
        ("天冰", 1, 1),
        ("天饼", 1, 1),
        ("天天", 1, IN_EARNEST),
        ("天A", 1, FOLDED),
        ("天，", 1, FOLDED),
    ],
)
def test_what_a_pair_says(text: str, looked_at: int, answer: int) -> None:
    """Where a term may begin; or that something may stand there, or that the text must be folded first."""
    terms = lexicon("甲乙丁丙", "海洛因", "冰毒", "a")
    # What only resembles a term is passed once somebody has looked.
    assert terms.find("孩罗英", class_text("孩罗英")) == []
    assert terms.passing.first_live(text, looked_at) == answer


@given(st.sets(st.text("甲乙丙丁ab", min_size=1, max_size=5)), st.text("甲乙丙丁abＡ，", max_size=7))
@settings(max_examples=500, deadline=None)
def test_an_answer_is_that_of_the_lexicon(texts: set[str], text: str) -> None:
    """Where there is one: nothing is found, and what may become a term begins there."""
    terms, text = lexicon(*sorted(texts)), f"甲{text}乙"
    answer = terms.passing.first_live(text, 1)
    if answer >= 0:
        assert skeleton_of(text) == text
        classes = class_text(text)
        assert [match for match in terms.find(text, classes) if match.end > 1] == []
        assert answer == terms.first_live(text, classes)
    elif answer == FOLDED:
        assert skeleton_of(text) != text


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the bound it is worked out anew."""
    monkeypatch.setattr(passing, "_REMEMBERED_PAIRS", 2)
    marks = lexicon("甲乙丙").passing
    assert marks.first_live("甲丁戊己甲乙", 1) == 4
    assert len(marks._marks) <= 2
