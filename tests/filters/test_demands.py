"""What users ask of keyword matching and where others fail (the numbers are those of the list of demands).

A test's name begins with the line of the list it answers: lines 1 to 14 and 16 to 19 are in
`tests/gateway/protocol/test_demands.py`, with 15, 26 and 31 and the client's side of 25; lines 20 to 23 and the
operator's side of 25 are in `tests/filters/test_demands.py`; line 24 is in `tests/gateway/rulesets/test_reloader.py`.
"""

import random

import pytest

from filters.characters import SYLLABLES
from filters.findings import Action, Finding, Kind, Phase, Severity, Step, Term
from filters.keywords import KeywordMatcher
from filters.lexicon import Lexicon, Match
from filters.reading import class_text, skeleton_of
from tests.filters.streaming import run

TERMS = 100_000


def found(rows: list[Term], text: str) -> list[str]:
    """Return what is found in a text, the same whole and in pieces."""
    matcher = KeywordMatcher(rows, Phase.REQUEST)
    findings = matcher.scan(text)
    assert {known.finding for known in run(matcher, text)[0]} == set(findings)
    return [text[each.start : each.end] for each in findings]


@pytest.mark.parametrize(
    ("word", "inside", "alone"),
    [
        ("大麻", "惹了大麻烦", "他吸大麻了"),
        ("口交", "前面路口交通拥堵", "视频里有口交"),
        ("AV", "the java class", "看AV吧"),
        ("SM", "Smoking is bad", "玩SM的人"),
    ],
)
def test_20_short_words_do_not_stand_inside_longer_ones(word: str, inside: str, alone: str) -> None:
    """A row of kind word is found where it is a word, in Chinese too; a literal everywhere."""
    row = Term(word, "A.1.a", kind=Kind.WORD)
    assert (found([row], inside), found([row], alone)) == ([], [word])
    assert len(found([row._replace(kind=Kind.LITERAL)], inside)) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("大麻烦", []),
        ("没有大麻烦，只有大麻", ["大麻"]),
        ("大麻，大麻烦，大麻", ["大麻", "大麻"]),
        ("大麻烦 冰毒", ["冰毒"]),
        ("大*麻烦", ["大*麻"]),
    ],
)
def test_21_an_allow_phrase_wins_where_it_stands(text: str, expected: list[str]) -> None:
    """Never for the whole message, and not for another way of writing it."""
    rows = [Term("大麻", "A.1.a"), Term("冰毒", "A.1.a"), Term("大麻烦", "", kind=Kind.ALLOW)]
    assert found(rows, text) == expected


@pytest.mark.parametrize(
    ("term", "texts", "others"),
    [
        ("奶奶", ["奶奶", "我奶奶好", "奶 奶", "奶奶奶"], ["牛奶", "奶"]),
        ("妈妈", ["妈妈", "找妈妈"], ["大妈"]),
        ("good", ["good", "so gooood", "GOOD"], ["god", "goxod", "gods"]),
        ("xxx", ["xxx", "xxxx", "XxX"], ["xx", "x x"]),
        ("god", ["god", "goood", "gggoooddd"], ["good"]),
    ],
)
def test_22_folding_repeats_does_not_break_terms_that_repeat(term: str, texts: list[str], others: list[str]) -> None:
    """What is listed twice is needed twice, and more of it is found as well."""
    row = [Term(term, "A.1.a")]
    assert [len(found(row, text)) for text in texts] == [1] * len(texts)
    assert [found(row, text) for text in others] == [[] for _ in others]


def many_terms() -> list[str]:
    """Make a list of 100,000 distinct terms."""
    chance = random.Random(23)  # noqa: S311 no secret is made of it
    han = sorted(char for char in SYLLABLES if "\u4e00" <= char <= "\u9fff")
    terms: set[str] = set()
    while len(terms) < TERMS:
        terms.add("".join(chance.choices(han, k=chance.randint(3, 5))))
    return sorted(terms)


def test_23_a_hundred_thousand_terms_cost_no_more_to_scan() -> None:
    """One pass of each automaton over the text, whatever the number of terms; what resembles none costs nothing."""
    terms = many_terms()
    lexicon = Lexicon(Term(term, "A.1.a") for term in terms)
    text = "今天天气很好，我们一起去公园散步，然后回家吃饭看电视。" * 40
    skeleton = skeleton_of(text)
    assert len(lexicon.find(skeleton, class_text(skeleton))) < len(text) / 4
    for term in terms[:: TERMS // 50]:
        skeleton = skeleton_of(text + term)
        classes = class_text(skeleton)
        matches: list[Match] = lexicon.find(skeleton, classes)
        assert any(entry.term.text == term for match in matches for entry in match.entries)
    # Of each way to write a term one pattern is kept, and nothing else but for what texts have asked for.
    patterns = sum(len(patterns._owners) for patterns in (lexicon._short, lexicon._sounds, lexicon._letters))
    assert TERMS / 2 < patterns < 12 * TERMS
    assert lexicon.longest <= 64


def test_25_operators_see_which_row_hit_where_and_how() -> None:
    """The finding names the row as listed, its list's risk, the place, and the steps that led to it."""
    row = Term("大麻", "A.1.f", severity=Severity.HIGH, action=Action.FLAG)
    finding: Finding
    (finding,) = KeywordMatcher([row], Phase.REQUEST).scan("买 大*麻 吗")
    assert (finding.term, finding.risk, finding.start, finding.end) == (row, "A.1.f", 2, 5)
    assert finding.via == (Step.SEPARATORS,)
