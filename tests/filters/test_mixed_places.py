"""Places of mixed spellings: what is found, with which steps, and what is left alone."""

from collections.abc import Callable

import pytest

from filters.findings import Kind, Phase, Step, Term
from filters.keywords import KeywordMatcher
from tests.filters.test_kernel_lexicon import without_kernel

_P, _H, _I = Step.PINYIN, Step.HOMOPHONES, Step.INITIALS


def with_kernel(terms: list[Term]) -> KeywordMatcher:
    """Build a matcher with the kernel, where there is one."""
    return KeywordMatcher(terms, Phase.REQUEST)


@pytest.mark.parametrize(
    ("term", "text", "via"),
    [
        ("炸弹", "买炸dan吗", {_P}),
        ("炸弹", "zha4 dan4", {_P}),
        ("炸弹", "zha弹", {_P}),
        ("炸弹制作", "炸dan制zuo", {_P}),
        ("炸弹制作", "炸(dan)制作", {_P, Step.SEPARATORS}),
        ("炸弹制作", "炸\u200bdan制作", {_P, Step.INVISIBLE}),
        ("炸弹制作", "炸蛋zhi作", {_P, _H}),
        ("炸弹制作", "炸dàn制作", {_P, Step.LOOKALIKE}),
        ("炸弹制作", "炸弹zz", {_I}),
        ("炸弹制作", "炸DAN制作", {_P, Step.CASE}),
        ("炸弹制作", "炸蛋 zhi 作", None),  # a guess at a guess
        ("炸弹制作", "炸弹ZZ", None),  # capitals are a name
        ("炸弹制作", "炸dang制作", None),
        ("炸弹", "炸DAN", None),
        ("炸弹", "炸danger", None),
        ("炸弹", "mozha4dan4", None),  # from the middle of a word
        ("做爱", "用做AI", None),
        ("大麻", "da4ma2", {_P}),
        ("绿卡", "lv4ka3", {_P}),
        ("妈妈卡", "妈ma卡", None),  # repeats are no syllables
        ("炸弹制作", "炸dan---------制作", None),  # nobody reads on over so much
        ("炸弹", "zha当", None),  # near sounds, and two guesses
        ("炸弹制作", "zha当制作", None),
        ("称毒弹药", "cheng2毒弹药", {_P}),
        ("称毒弹药", "chen2毒弹药", None),  # its other sound is near, and not held
        ("饿死", "e死", None),  # one letter is a name of something
        ("死鹅制造", "死e制造", None),
        ("买卖男人", "买卖n人", {_I}),
        ("买卖男人", "买卖l人", None),
        ("炸弹制作", "炸弹,zhida", None),
    ],
)
@pytest.mark.parametrize("make", [with_kernel, without_kernel])
def test_a_mixed_spelling_says_what_it_needs(
    make: Callable[[list[Term]], KeywordMatcher], term: str, text: str, via: set[Step] | None
) -> None:
    """And nothing is found where too little is left of the term, or the list forbids it."""
    found = make([Term(term, "A.1.a")]).scan(text)
    assert [set(each.via) for each in found] == ([] if via is None else [via])
    strict = make([Term(term, "A.1.a", folds_off=frozenset(via or ()))])
    assert via is None or strict.scan(text) == []


@pytest.mark.parametrize("make", [with_kernel, without_kernel])
def test_a_term_in_pinyin_alone_is_no_mixed_one(make: Callable[[list[Term]], KeywordMatcher]) -> None:
    """It is found once, as ever, while the longer one is read on."""
    matcher = make([Term(term, "A.1.a") for term in ("海洛因", "海洛因制作")])
    assert [(each.start, each.end) for each in matcher.scan("hailuoyin制作")] == [(0, 9), (0, 11)]


def test_a_word_stays_one() -> None:
    """Where the list asks for words, ends of words it is."""
    matcher = KeywordMatcher([Term("冰毒", "A.1.a", kind=Kind.WORD)], Phase.REQUEST)
    assert [each.start for each in matcher.scan("买冰du3吗")] == [1]
