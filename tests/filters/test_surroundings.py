"""Surroundings: a term does not stand inside a longer word, nor inside a phrase that allows it."""

import pytest

from filters.entries import entry_of
from filters.findings import Kind, Phase, Term
from filters.keywords import KeywordMatcher
from filters.lexicon import Lexicon
from filters.locating import Edges, Place
from filters.surroundings import _MOST_CUTS, LEFT_CHARACTERS, RIGHT_CHARACTERS, Surroundings


def starts(rows: list[Term], text: str) -> list[int]:
    """Return where terms are found, whole; one character at a time gives the same."""
    matcher = KeywordMatcher(rows, Phase.REQUEST)
    stream = matcher.stream()
    known = [each for char in text for each in stream.feed(char)] + stream.finish()
    found = [each.start for each in matcher.scan(text)]
    assert sorted(each.finding.start for each in known) == sorted(found)
    return found


@pytest.mark.parametrize(
    ("word", "text", "found"),
    [
        ("大麻", "吸大麻的人", [1]),
        ("大麻", "大麻烦", []),
        ("大麻", "有大麻烦，没大麻", [6]),
        ("大麻", "大\u200b麻\u200b烦", []),  # what is drawn as nothing does not hide the word
        ("大麻", "ﬁ﷽大麻烦", []),  # nor does a character that folds to several
        ("口交", "路口交通", []),
        ("av", "java", []),
        ("av", "java av", [5]),
        ("av", "av1", []),
        ("sm", "Smoking", []),
        ("sm", "玩SM的", [1]),
        ("god", "goood", [0]),
        ("god", "a goooddddddd b", [2]),  # repeats behind the place are no other word
        ("god", "goooddog", []),
    ],
)
def test_a_word_stands_where_a_reader_sees_it(word: str, text: str, found: list[int]) -> None:
    """A row of kind word, by a dictionary for Chinese and by letters for the rest."""
    assert starts([Term(word, "A.1.a", kind=Kind.WORD)], text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [("饼毒", [0]), ("卖饼毒吗", [1]), ("病毒", []), ("的饼毒", [1]), ("烧饼毒", [])],
)
def test_what_only_sounds_like_a_term_is_no_ordinary_text(text: str, found: list[int]) -> None:
    """Words of the dictionary are meant as they are written."""
    assert starts([Term("冰毒", "A.1.a")], text) == found


@pytest.mark.parametrize(
    ("term", "text", "found"),
    [
        ("枪支弹药", "枪支蛋药", [0]),
        ("摇头丸", "要头丸", [0]),
        ("海洛因", "海洛音", [0]),
        ("核武器", "和武器", []),  # a character that stands beside anything, and a word
        ("六合彩", "六和彩", []),  # in the dictionary too
        ("强奸犯", "强健饭", []),  # more sounds than characters
        ("白粉妹", "白粉每", []),
    ],
)
def test_longer_terms_are_heard(term: str, text: str, found: list[int]) -> None:
    """Unless the character that only sounds alike is one of the commonest."""
    assert starts([Term(term, "A.1.a")], text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("大麻烦", []),
        ("大麻烦，大麻", [4]),
        ("大麻烦大麻烦", []),
        ("大麻", [0]),
        ("大麻 烦", [0]),  # the phrase has nothing between
        ("天大麻烦", []),
        ("天，大麻烦", []),
        ("ＡＢ大麻", []),
        ("b大麻", [1]),
    ],
)
def test_a_phrase_allows_where_it_stands(text: str, found: list[int]) -> None:
    """And nowhere else in the text."""
    rows = [Term("大麻", "A.1.a"), Term("大麻烦", "", kind=Kind.ALLOW), Term("ab大麻", "", kind=Kind.ALLOW)]
    assert starts(rows, text) == found


def test_how_long_a_text_must_be() -> None:
    """As far as a boundary or a phrase reaches behind the place."""
    term = Term("大麻", "A.1.a")
    around = Surroundings(Lexicon([term, Term("有大麻烦事情了吗", "", kind=Kind.ALLOW)]))
    entry, place = entry_of("大麻", term), Place(5, 7, frozenset(), Edges.ANY)
    assert around.certain_at(entry, place) == 7 + 5
    assert around.certain_at(entry_of("b", term), place) == 7
    assert around.certain_at(entry_of("b", term), place._replace(edges=Edges.LETTERS)) == 7 + RIGHT_CHARACTERS


def test_only_a_window_is_looked_at() -> None:
    """What is farther away changes nothing, so a stream may forget it."""
    term = Term("大麻", "A.1.a", kind=Kind.WORD)
    entry = entry_of("大麻", term)
    text = "路口交通很好的国家里有大麻的人很多很多"
    at = text.index("大麻")
    place = Place(at, at + 2, frozenset(), Edges.WORDS)
    window = text[at - LEFT_CHARACTERS : at + 2 + RIGHT_CHARACTERS]
    around = Surroundings(Lexicon([term]))
    assert around.suit(entry, place, text, 0)
    assert around.suit(entry, place, window, at - LEFT_CHARACTERS)


def test_the_cost_of_a_text_is_bounded() -> None:
    """Behind the bound a place counts as it stands: a text written to be expensive is no way through."""
    matcher = KeywordMatcher([Term("大麻", "A.1.a", kind=Kind.WORD)], Phase.REQUEST)
    text = "大麻烦，" * (_MOST_CUTS + 2)
    assert [each.start for each in matcher.scan(text)] == [len(text) - 8, len(text) - 4]
