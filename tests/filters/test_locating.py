"""Locating: which place of a text a term is seen in, by which steps, and what only resembles it."""

import pytest

from filters.entries import entry_of
from filters.findings import Kind, Phase, Step, Term
from filters.keywords import KeywordMatcher
from filters.locating import GROWING, Edges, Growing, Place, locate
from filters.reading import Reading, spell


def located(term: str, text: str, kind: Kind = Kind.LITERAL) -> Place | Growing | None:
    """Look for a term's own spelling at the beginning of a text."""
    return locate(Reading(text, 0, *spell(text)), 0, entry_of(term, Term(term, "A.1.a", kind=kind)))


def seen(term: Term | str, text: str) -> list[tuple[str, set[str]]]:
    """Show the places of a term in a text, and the steps to each."""
    row = Term(term, "A.1.a") if isinstance(term, str) else term
    found = KeywordMatcher([row], Phase.REQUEST).scan(text)
    return [(text[each.start : each.end], {step.value for step in each.via}) for each in found]


@pytest.mark.parametrize(
    ("term", "text", "place", "steps"),
    [
        ("good", "god", None, ""),
        ("god", "good", None, ""),  # a word of its own
        ("god", "goood", "goood", "repeats"),
        ("god", "xggoodd", "ggood", "repeats"),
        ("妈", "妈妈", "妈", ""),
        ("甲乙", "甲甲乙乙", "甲乙", ""),
        ("甲乙丙", "甲乙乙丙", None, ""),  # a doubled character is a word
        ("甲乙丙", "甲甲乙乙丙", "甲甲乙乙丙", "repeats"),
        ("aqa", "aqqa", "aqqa", "repeats"),  # no word doubles it
        ("abc", "a" + "b" * 32 + "c", "a" + "b" * 32 + "c", "repeats"),
        ("abc", "a" + "b" * 33 + "c", None, ""),
        ("abc", "a" * 40 + "bbbc", "a" * 32 + "bbbc", "repeats"),
        ("abc", "a*abbbc", "abbbc", "repeats"),
        ("thepen", "the pen", None, ""),
        ("forbidden", "for bidden", "for bidden", "separators"),
        ("cocaine", "co*caine", "co*caine", "separators"),
        ("cocaine", "co caine", None, ""),
        ("大麻", "大 麻", "大 麻", "separators"),
        ("大麻", "很大，麻烦", None, ""),
        ("大麻", "大\u200b麻", "大\u200b麻", "invisible"),
        ("枪支弹药", "枪支蛋要", "枪支蛋要", "homophones"),
        ("枪支弹药", "枪支，弹要", None, ""),  # two sentences
        ("枪支弹药", "枪至蛋要", "枪至蛋要", "homophones"),  # more sounds than characters
        ("枪支弹药", "木仓支弹药", "木仓支弹药", "split"),
        ("枪支弹药", "qi angzhidanyao", "qi angzhidanyao", "pinyin"),
        ("枪支弹药", "q z d y", "q z d y", "separators initials"),
        ("枪支弹药", "q*zdy", None, ""),
        ("枪支弹药", "qzcly", None, ""),  # a guess at a guess
        ("a b", "a\u3000b", "a\u3000b", ""),  # one space is as good as another
        ("a b", "ab", "ab", "separators"),
        ("a b", "a*b", "a*b", "separators"),
        ("cash", "c@5h", "c@5h", "leet"),
        ("cash", "c a 5 h", "c a 5 h", "leet separators"),
        ("ass", "a$$", "a$$", "leet"),
        ("cash", "cash @b", "cash", ""),  # found in one reading, not in two
        ("枪支弹a", "枪支44", None, ""),
        ("枪支四弹", "枪支是弹", None, ""),
        ("枪支", "q1angzhi", None, ""),
        ("刘海洋", "6海洋", None, ""),
        ("sex", "5ex", None, ""),  # names of things
        ("sexy", "53xy", "53xy", "leet"),
        ("7892", "tbgz", None, ""),
        ("枪支4", "强支a", None, ""),
        ("枪支7", "枪支t", "枪支t", "leet"),
        ("ano", "año", "año", "lookalike"),
        ("coca", "соса", None, ""),
        ("coca", "cоca", "cоca", "lookalike"),
        ("ﬁx", "fix", "fix", "width"),
        ("槍支", "枪支", "枪支", "traditional"),
        ("aAb", "aAb", "aAb", ""),
        ("aAb", "AAb", "AAb", "case"),
    ],
)
def test_a_place_is_where_anybody_would_write_the_term(term: str, text: str, place: str | None, steps: str) -> None:
    """The shortest stretch that holds it, and the steps that were needed."""
    assert seen(term, text) == ([] if place is None else [(place, set(steps.split()))])


@pytest.mark.parametrize(
    ("languages", "text", "found"),
    [(set(), "año", True), ({"en"}, "año", True), ({"es"}, "año", False), ({"es", "en"}, "ano", True)],
)
def test_marks_are_letters_of_their_own_in_some_languages(languages: set[str], text: str, *, found: bool) -> None:
    """A Spanish row is not found in another Spanish word."""
    assert bool(seen(Term("ano", "A.1.a", languages=frozenset(languages)), text)) is found


@pytest.mark.parametrize("step", Step)
def test_a_step_switched_off_is_not_taken(step: Step) -> None:
    """Whatever the step: the term stands as listed and no other way."""
    written = {
        Step.WIDTH: ("forbidden", "ｆorbidden"),
        Step.CASE: ("forbidden", "forbiddeN"),
        Step.TRADITIONAL: ("枪支", "槍支"),
        Step.LOOKALIKE: ("forbidden", "fоrbidden"),
        Step.DIGITS: ("四海帮", "肆海帮"),
        Step.INVISIBLE: ("forbidden", "for\u200bbidden"),
        Step.SEPARATORS: ("forbidden", "for*bidden"),
        Step.REPEATS: ("forbidden", "forrrbidden"),
        Step.PINYIN: ("枪支", "qiangzhi"),
        Step.INITIALS: ("枪支弹药", "qzdy"),
        Step.HOMOPHONES: ("枪支弹药", "枪支蛋药"),
        Step.SPLIT: ("枪支", "木仓支"),
        Step.LEET: ("forbidden", "f0rbidden"),
    }
    term, text = written[step]
    assert [step.value in steps for _, steps in seen(term, text)] == [True]
    strict = Term(term, "A.1.a", folds_off=frozenset({step}))
    assert seen(strict, text) == []
    assert seen(strict, term) == [(term, set())]


@pytest.mark.parametrize(
    ("term", "text", "edges"),
    [
        ("大麻", "大麻", Edges.ANY),
        ("大麻", "大*麻", Edges.ANY),
        ("大麻", "大，麻", Edges.WORDS),
        ("forbidden", "forbidden", Edges.ANY),
        ("forbidden", "f0rbidden", Edges.LETTERS),
        ("forbidden", "for*bidden", Edges.LETTERS),
        ("枪支弹药", "枪支蛋药", Edges.RARE),
        ("枪支弹药", "枪 支 弹 药", Edges.ANY),
        ("枪支弹药", "枪 支弹药", Edges.WORDS),
    ],
)
def test_what_is_farther_from_the_row_needs_more_around_it(term: str, text: str, edges: Edges) -> None:
    """A row of kind word asks for words in any case."""
    place = located(term, text)
    assert isinstance(place, Place)
    assert place.edges is edges
    word = located(term, text, Kind.WORD)
    assert isinstance(word, Place)
    assert word.edges is (Edges.RARE if edges is Edges.RARE else Edges.WORDS)


@pytest.mark.parametrize(
    ("term", "text", "outcome"),
    [("abb", "ab", GROWING), ("abb", "abx", None), ("aab", "ab", None), ("妈妈", "妈", GROWING)],
)
def test_a_run_at_the_end_may_still_grow(term: str, text: str, outcome: Growing | None) -> None:
    """One within the text has ended."""
    assert located(term, text) is outcome
