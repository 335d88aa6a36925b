"""Other ways to write a Chinese term."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.characters import SYLLABLES, fold
from filters.findings import Step
from filters.spellings import (
    INITIALS_MIN_CHARACTERS,
    MIXED_MAX_CHARACTERS,
    PINYIN_MIN_CHARACTERS,
    PINYIN_MIN_LETTERS,
    SPLIT_MAX_SPELLINGS,
    SPLITS,
    spellings,
)

NONE: frozenset[Step] = frozenset()


def _texts(term: str, step: Step) -> list[str]:
    """Return the spellings of one step, but for those of pinyin in which a character stands."""
    found = [spelling.text for spelling in spellings(fold(term), NONE) if spelling.step is step]
    return [text for text in found if text.isascii()] if step is Step.PINYIN else found


@pytest.mark.parametrize(
    ("term", "texts"),
    [
        ("枪支", ["qiangzhi"]),
        ("槍枝彈藥", ["qiangzhidanyao"]),
        ("银行卡", ["yinxingka", "yinhangka"]),  # 行 is xing by itself
        ("重庆火锅", ["zhongqinghuoguo", "chongqinghuoguo"]),
        ("贩卖枪支银行", ["fanmaiqiangzhiyinxing", "fanmaiqiangzhiyinhang"]),
        ("绿卡", []),  # four letters
        ("绿卡代办", ["lvkadaiban", "lukadaiban"]),
        ("裸聊qq群", ["luoliaoqqqun"]),
        ("一夜情", ["yiyeqing", "1yeqing"]),
        ("大陆人", ["daliuren", "daluren", "da6ren"]),  # 陆 folds to 6, which is read liu by itself
    ],
)
def test_terms_are_spelled_in_pinyin(term: str, texts: list[str]) -> None:
    """A term is read by its commonest readings and, where they differ, as its phrases are read."""
    assert _texts(term, Step.PINYIN) == texts


@pytest.mark.parametrize(
    ("term", "texts"),
    [
        ("毒品", ["du品"]),
        ("银行卡", ["yin行卡"]),
        ("啊麻", []),  # one letter
        ("k粉鹅", []),  # no Chinese character comes first
        ("枪支弹药", []),
        ("枪", []),
    ],
)
def test_first_character_is_written_in_pinyin(term: str, texts: list[str]) -> None:
    """The first of a short term; the others are read as syllables, and a letter alone is something else."""
    found = [spelling.text for spelling in spellings(fold(term), NONE) if spelling.step is Step.PINYIN]
    assert [text for text in found if not text.isascii()] == texts


@pytest.mark.parametrize("term", ["枪", "枪a", "毒品", "forbidden", "カジノ賭博", "ф枪支", "我们", "枪\ufffd支"])
def test_some_terms_have_no_pinyin(term: str) -> None:
    """One character, few letters, another script or an English word (women) are no spelling in pinyin."""
    expected = ["dupin"] if term == "毒品" else []
    assert _texts(term, Step.PINYIN) == expected


@pytest.mark.parametrize(
    ("term", "texts"),
    [
        ("枪支弹药", ["qzdy"]),
        ("重庆银行卡号", ["cqyhkh"]),
        ("出售qq号码", ["csqqhm"]),
        ("海洛因", []),  # three letters
        ("卖qq号码", []),  # three Chinese characters
        ("王爱玲丽", []),  # wall
        ("忽略规则", ["hlgz"]),
        ("嘻嘻嘻嘻", []),  # a look at every x
    ],
)
def test_long_terms_are_spelled_by_initials(term: str, texts: list[str]) -> None:
    """Four characters or more may be written by their first letters, unless these are an English word."""
    assert _texts(term, Step.INITIALS) == texts


@pytest.mark.parametrize(
    ("term", "texts"),
    [
        ("手枪", ["手木仓"]),
        ("赌", ["贝者"]),
        ("炸弹", ["火乍弓单", "火乍弹", "炸弓单"]),
        ("法轮", ["水去车仑", "水去轮", "法车仑"]),
        ("骗钱", ["马扁金戋", "马扁钱", "骗金戋"]),
        ("赌博骗钱", ["贝者十敷马扁金戋", "贝者博骗钱", "赌十敷骗钱", "赌博马扁钱"]),
        ("毒品", []),
        ("abc", []),
    ],
)
def test_characters_are_taken_apart(term: str, texts: list[str]) -> None:
    """Characters of two halves are written as these, all of them or one; the number of spellings is bounded."""
    assert _texts(term, Step.SPLIT) == texts


@pytest.mark.parametrize(
    ("text", "term"), [("木仓", "枪"), ("氵去", "法"), ("水去", "法"), ("亻也", "他"), ("訁乍", "诈")]
)
def test_halves_are_met_however_they_are_typed(text: str, term: str) -> None:
    """A half in the form it has in the character folds to the character people type for it."""
    assert fold(text) == SPLITS[term]


@pytest.mark.parametrize("char", "杏李想骂国问毒药")
def test_other_shapes_are_not_taken_apart(char: str) -> None:
    """Parts above each other or inside one another are not recognised as the character."""
    assert char not in SPLITS


@pytest.mark.parametrize("step", [Step.PINYIN, Step.INITIALS, Step.SPLIT])
def test_a_list_may_switch_each_off(step: Step) -> None:
    """A step that is off yields nothing, the others as before."""
    every = list(spellings("枪支弹药", NONE))
    assert list(spellings("枪支弹药", frozenset({step}))) == [each for each in every if each.step is not step]
    assert any(each.step is step for each in every)


@given(st.text(st.sampled_from([*"ab14枪赌行女陆银我们爱の", *sorted(SYLLABLES)[:2000:40]]), max_size=12))
@settings(max_examples=200, deadline=None)
def test_spellings_are_terms_of_their_own(text: str) -> None:
    """Spellings are folded, differ from the term and from each other, and are few."""
    folded = fold(text)
    found = list(spellings(folded, NONE))
    assert (
        len({spelling.text for spelling in found}) == len(found) <= 4 + 1 + SPLIT_MAX_SPELLINGS + MIXED_MAX_CHARACTERS
    )
    assert all(fold(spelling.text) == spelling.text != folded for spelling in found)
    han = sum(not char.isascii() for char in folded)
    for spelling in found:
        if spelling.step is Step.PINYIN:
            assert han >= PINYIN_MIN_CHARACTERS
            assert len(spelling.text) >= PINYIN_MIN_LETTERS or not spelling.text.isascii()
        if spelling.step is Step.INITIALS:
            assert han >= INITIALS_MIN_CHARACTERS


def test_halves_are_folded() -> None:
    """The table of halves speaks of folded characters, two for each."""
    assert all(fold(char) == char and fold(halves) == halves for char, halves in SPLITS.items())
    assert {len(halves) for halves in SPLITS.values()} == {2}
