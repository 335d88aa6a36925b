"""Mixed spellings: where letters meet ideographs, and that streams find there what whole texts have."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.findings import Phase, Term
from filters.kernel_lexicon import KernelLexicon
from filters.keywords import KeywordMatcher
from filters.lexicon import Lexicon
from filters.mixed import junctions
from tests.filters.streaming import order, run
from tests.filters.test_kernel_lexicon import without_kernel

_TERMS = ["炸弹", "炸弹制作", "出售冰毒", "海洛因", "大麻", "冰冰毒毒", "妈妈炸弹", "代开发票"]
_PIECES = ["炸", "弹", "制", "作", "zha", "dan", "zhi4", "zuo", "z", "da", "4", "2", "出", "售", "bing", "毒", "du3"]
_PIECES += ["海", "luo", "因", "yin1", "大", "ma", "麻", " ", "*", "\u200b", "，", "我", "is", "Ｄａ", "à", "n"]
# Letters that are doubled, in the middle of a word and before one, as is a letter of a term.
_PIECES += ["b", "bb", "4b", "zz", "nn", "m m", "4m", "i", "1"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("炸dan了", [(0, 1)]),
        ("zha4dan4", [(0, 3)]),
        ("炸 dan", [(0, 2)]),
        ("zhadan", None),
        ("炸弹", None),
        ("mp3和wall了", None),
        ("炸" + "-" * 9 + "dan", None),
        ("zha四", None),
        ("炸d", [(0, 1)]),
        ("代开fp", [(0, 2)]),
        ("", None),
    ],
)
def test_letters_meet_ideographs_and_tones(text: str, found: list[tuple[int, int]] | None) -> None:
    """Where a term may be read over them, with its beginning, if the kernel was built; without it, everywhere."""
    terms = [Term(term, "A.1.a") for term in _TERMS]
    assert KernelLexicon(terms).junctions(text, 0) == found
    assert {at for _, at in found or ()} <= {at for _, at in Lexicon(terms).junctions(text, 0) or ()}


@given(st.integers(0, 2**32))
@settings(max_examples=300, deadline=None)
def test_what_the_kernel_says_python_says(seed: int) -> None:
    """No junction is one that Python does not know, and what is found there is the same, in every cutting."""
    chance = random.Random(seed)  # noqa: S311  # no secret is made of it
    times = (1, 1, 1, 1, 1, 1, 2, 3, 35)
    text = "".join(piece * chance.choice(times) for piece in chance.choices(_PIECES, k=chance.randint(1, 9)))
    terms = [Term(term, "A.1.a") for term in chance.sample(_TERMS, 3)]
    ours, theirs = KeywordMatcher(terms, Phase.REQUEST), without_kernel(terms)
    assert {at for _, at in ours.lexicon.junctions(text, 0) or ()} <= {at for _, at in junctions(text) or ()}
    found = sorted(ours.scan(text), key=repr)
    assert found == sorted(theirs.scan(text), key=repr)
    cuts = sorted(chance.choices(range(len(text) + 1), k=3))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    for matcher in (ours, theirs):
        known, clear = run(matcher, text)
        assert sorted((each.finding for each in known), key=repr) == found
        # What is not known yet is held.
        assert all(clear[at] <= each.finding.start for each in known for at in range(1, each.at))
        for cut in (pieces, [text]):
            again, clear_again = run(matcher, cut)
            assert order(again) == order(known)
            assert clear_again.items() <= clear.items()
