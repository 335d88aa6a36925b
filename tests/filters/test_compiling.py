"""Compiling: which patterns a term becomes, and whose they are."""

import pytest

from filters.compiling import Space, compile_terms, pattern_of
from filters.findings import Step, Term
from filters.reading import class_text

NO_SPELLINGS = frozenset({Step.PINYIN, Step.INITIALS, Step.SPLIT, Step.HOMOPHONES})


@pytest.mark.parametrize(
    ("skeleton", "space", "pattern"),
    [
        ("冰毒", Space.PAIRS, "冰毒"),
        ("毒", Space.PAIRS, "毒"),
        ("v信", Space.PAIRS, "v信"),
        ("冰毒货", Space.SOUNDS, class_text("冰毒货")),
        ("c4", Space.LETTERS, "ca"),
    ],
)
def test_the_kind_of_a_pattern_is_told_by_its_characters(skeleton: str, space: Space, pattern: str) -> None:
    """Short ones by themselves, the others by class."""
    assert pattern_of(skeleton) == (space, pattern)


def test_a_pattern_of_nothing_is_refused() -> None:
    """It would match everywhere; the error says what to do."""
    with pytest.raises(ValueError, match="letter, a digit or an ideograph"):
        pattern_of("")


def test_a_pattern_has_its_first_owner_and_the_others() -> None:
    """Terms that are written alike share a pattern; one row owns it once."""
    terms = [Term(text, "A.1.a", folds_off=NO_SPELLINGS) for text in ("冰毒货", "病毒获", "病毒获", "甲乙丙")]
    (_, _), (owners, more), (_, _) = compile_terms(terms)
    assert owners == {class_text("冰毒货"): 0, class_text("甲乙丙"): 3}
    assert more == {class_text("冰毒货"): (1, 2)}


def test_spellings_are_patterns_of_their_kind() -> None:
    """Pinyin goes to the letters, homophones to the pairs."""
    pairs, _, letters = (owners for owners, _ in compile_terms([Term("冰毒", "A.1.a")]))
    assert "饼毒" in pairs
    assert class_text("bingdu") in letters
