"""Compiling: which patterns a term becomes, and whose they are."""

from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.compiling import Space, compile_terms, pattern_of
from filters.findings import Step, Term
from filters.reading import class_text, skeleton_of

_TRIPLE = 3

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


def test_a_term_of_nothing_is_refused() -> None:
    """It would match everywhere; the error says what to do."""
    with pytest.raises(ValueError, match="letter, a digit or an ideograph"):
        list(compile_terms([Term("冰毒", "A.1.a"), Term("--", "A.1.a")]))


def test_a_pattern_has_its_first_owner_and_the_others() -> None:
    """Terms that are written alike share a pattern; one row owns it once."""
    terms = [Term(text, "A.1.a", folds_off=NO_SPELLINGS) for text in ("冰毒货", "病毒获", "病毒获", "甲乙丙")]
    sounds = compile_terms(terms).sounds
    assert sounds.texts == [class_text("冰毒货"), class_text("甲乙丙")]
    assert (list(sounds.owners), sounds.more) == ([0, 3], {0: (1, 2)})


def test_spellings_are_patterns_of_their_kind() -> None:
    """Pinyin goes to the letters; homophones of a pair are no pattern of their own."""
    compiled = compile_terms([Term("冰毒", "A.1.a")])
    assert compiled.pairs == ({"冰毒": 0}, {})
    assert class_text("bingdu") in compiled.letters.texts
    assert compiled.plain == frozenset()
    assert compile_terms([Term("冰毒", "A.1.a"), Term("bingdu", "A.1.a")]).plain == {class_text("bingdu")}


@given(st.lists(st.text("ａA ab1-甲乙毒病毒①℃\n", min_size=1, max_size=6).filter(skeleton_of), max_size=12))
@settings(deadline=None)
def test_terms_compiled_together_are_compiled_as_each_alone(texts: list[str]) -> None:
    """Batches are for speed: what stands beside a term, a line's end in it and the batch's end change nothing."""
    terms = [Term(text, "A.1.a") for text in texts]
    with mock.patch("filters.compiling._BATCH_TERMS", 3):
        together = _owners(terms)
    alone = [_owners([term]) for term in terms]
    for space, owners in enumerate(together):
        assert owners == {
            text: [number for number, own in enumerate(alone) if text in own[space]]
            for text in set().union(*(own[space] for own in alone))
        }


def _owners(terms: list[Term]) -> list[dict[str, list[int]]]:
    """Return the owners of each pattern, by kind."""
    pairs, sounds, letters, plain, triples = compile_terms(terms)
    assert plain <= set(letters.texts)
    assert {class_text(each[:3]) for each in triples} == {text for text in sounds.texts if len(text) == _TRIPLE}
    assert all(each[3:] == class_text(each[:3]) for each in triples)
    found = [{text: [number, *pairs.more.get(text, ())] for text, number in pairs.first.items()}]
    for patterns in (sounds, letters):
        assert len(set(patterns.texts)) == len(patterns.texts)
        numbers = enumerate(zip(patterns.texts, patterns.owners, strict=True))
        found.append({text: [number, *patterns.more.get(at, ())] for at, (text, number) in numbers})
    return found
