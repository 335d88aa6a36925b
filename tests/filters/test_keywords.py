"""The keyword matcher: it finds what a naive search finds and more, and stays within its bounds."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters import keywords
from filters.findings import MOST_FINDINGS, Action, Finding, Kind, Phase, Stage, Step, Term
from filters.keywords import _MOST_PARTS, _SLICE_CHARACTERS, KeywordMatcher
from filters.reading import LONGEST_RUN
from tests.filters.occurrences import exactly, live_from, occurrences
from tests.filters.streaming import run

LETTERS = "aAａb强"
TERMS = st.lists(st.text(LETTERS, min_size=1, max_size=4), max_size=6)


@pytest.fixture(scope="module", autouse=True, params=["with the kernel", "without it"])
def kernel(request: pytest.FixtureRequest) -> Iterator[None]:
    """Hold both ways to find places to everything here."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "without it":
            patch.setattr(keywords, "is_available", lambda: False)
        yield


def matcher(*texts: str) -> KeywordMatcher:
    """Build a matcher over terms."""
    return KeywordMatcher([Term(text, "A.1.a") for text in texts], Phase.REQUEST)


def spans(findings: list[Finding]) -> list[tuple[int, int, str]]:
    """Show findings as start, end and term."""
    return [(each.start, each.end, each.term.text) for each in findings]


@given(st.text(LETTERS, max_size=30), TERMS)
@settings(max_examples=500, deadline=None)
def test_a_literal_occurrence_is_always_found(text: str, terms: list[str]) -> None:
    """It takes no step but width and case; without repeats, nothing else is found. What may still come is held."""
    rows = [exactly(Term(term, "A.1.a")) for term in terms]
    expected = sorted(occurrences(text, terms))
    found = KeywordMatcher(rows, Phase.REQUEST).scan(text)
    assert sorted((each.start, each.end) for each in found) == expected
    for each in found:
        assert set(each.via) <= {Step.WIDTH, Step.CASE}
        assert (each.via == ()) == (text[each.start : each.end] == each.term.text)
    loose = KeywordMatcher([Term(term, "A.1.a") for term in terms], Phase.REQUEST).scan(text)
    assert sorted((each.start, each.end) for each in loose if Step.REPEATS not in each.via) == expected
    _, clear = run(KeywordMatcher(rows, Phase.REQUEST), text)
    assert all(clear[size] == live_from(text[:size], terms) for size in clear)


def test_a_text_longer_than_a_slice_is_scanned_over_its_seams() -> None:
    """The slices that bound one call into the automaton lose and double nothing at their seams."""
    # No character repeated: a run would be one character to the automaton.
    filler = "xw" * _SLICE_CHARACTERS
    for offset in range(15):
        start = _SLICE_CHARACTERS - offset
        text = f"{filler[:start]}forbidden{filler[:_SLICE_CHARACTERS]}forbidden"
        second = len(text) - 9
        assert spans(matcher("forbidden", "den").scan(text)) == [
            (at, at + 9, "forbidden") if term == "forbidden" else (at + 6, at + 9, "den")
            for at in (start, second)
            for term in ("forbidden", "den")
        ]


def test_a_term_is_looked_for_in_its_phases_alone() -> None:
    """A term for prompts is not found in replies."""
    term = Term("x", "A.1.a", phases=frozenset({Phase.REQUEST}))
    assert KeywordMatcher([term], Phase.REQUEST).scan("x") == [Finding(Stage.KEYWORDS, "A.1.a", 0, 1, term)]
    assert KeywordMatcher([term], Phase.RESPONSE).scan("x") == []
    assert KeywordMatcher([term], Phase.RESPONSE).stream().feed("x") == []


def test_one_text_in_two_lists_gives_both_findings() -> None:
    """Terms that fold to the same text are all reported, in the order of the lists."""
    rows = [Term("大麻", "A.1.a"), Term("大麻", "A.2.b", action=Action.FLAG)]
    assert [each.term for each in KeywordMatcher(rows, Phase.REQUEST).scan("大麻")] == rows


@pytest.mark.parametrize("text", ["", "**", " - ", "\u200b", "🔥"])
def test_a_term_of_signs_alone_is_refused(text: str) -> None:
    """Nothing of it is left to look for; the error says what to do."""
    with pytest.raises(ValueError, match="as a pattern"):
        matcher(text)


def test_a_phrase_is_not_looked_for_and_a_pattern_is() -> None:
    """A phrase only allows; a pattern is matched beside the terms."""
    rows = [Term("大麻烦", "", kind=Kind.ALLOW), Term("a+", "A.1.a", kind=Kind.PATTERN)]
    found = KeywordMatcher(rows, Phase.REQUEST).scan("大麻烦 aa")
    assert [(each.term.text, each.start, each.end) for each in found] == [("a+", 4, 6)]


def test_a_lone_surrogate_is_scanned_around() -> None:
    """Undecodable bytes of a command line neither stop the scan nor hide what stands beside them."""
    assert spans(matcher("ab").scan("\ud83dab")) == [(1, 3, "ab")]


def test_many_texts_are_scanned_like_each_of_them() -> None:
    """Reading them joined neither loses a term nor makes one over the seam."""
    matcher = KeywordMatcher([Term("forbidden", "A.1.f")], Phase.REQUEST)
    texts = ("fine", "so forbidden", "for", "bidden", "FORBIDDEN")
    assert matcher.scan_all(texts) == tuple(tuple(matcher.scan(text)) for text in texts)
    assert matcher.scan_all(("for", "bidden")) == ((), ())


def test_a_text_full_of_terms_is_not_read_to_its_end() -> None:
    """The findings of one document are bounded, and that the bound was reached can be seen."""
    matcher = KeywordMatcher([Term("bad", "A.1.f")], Phase.REQUEST)
    found = matcher.scan_all(("bad " * 20_000, "bad"))
    assert MOST_FINDINGS < sum(map(len, found)) < 20_000
    assert found[1] == ()


def test_parts_of_combinations_do_not_hide_what_follows() -> None:
    """They are no findings: what stands behind two thousand of them is read, and past their bound a text says so."""
    terms = [Term("good & worse", "A.1.f", kind=Kind.ALL), Term("bad", "A.1.f")]
    matcher = KeywordMatcher(terms, Phase.REQUEST)
    assert [found.term.text for found in matcher.scan("good " * (MOST_FINDINGS + 1) + "bad")] == ["bad"]
    assert len(matcher.scan("good " * (_MOST_PARTS + 1) + "bad")) > MOST_FINDINGS


@pytest.mark.parametrize("term", ["海洛因", "大麻", "heroin", "buy cocaine"])
@pytest.mark.parametrize(
    "emoji", ["😀", "❤️", "👍🏽", "👨🏻‍👩🏻‍👧🏻‍👦🏻", "🧑🏿‍💻", "🇨🇳", "🇺🇸🇨🇳", "🇬", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🏳️‍🌈", "#️⃣", "☺️"]
)
def test_emoji_stand_between_the_characters_of_a_term(term: str, emoji: str) -> None:
    """Those that are made of several characters too, and those whose parts are letters elsewhere."""
    text = emoji.join(term.replace(" ", ""))
    (found,) = matcher(term).scan(text)
    assert (found.start, found.end) == (0, len(text))
    assert [known.finding for known in run(matcher(term), text)[0]] == [found]


@pytest.mark.parametrize("text", ["🇭🇪🇷🇴🇮🇳", "he🇷oin", "🇭 🇪 🇷 🇴 🇮 🇳", "🇭e🇷o1n", "x" * 100 + " 🇭🇪🇷🇴🇮🇳"])
def test_letters_of_flags_spell(text: str) -> None:
    """In the reading in which signs are letters, whole and in pieces."""
    (found,) = matcher("heroin").scan(text)
    assert Step.DIGITS in found.via
    assert [known.finding for known in run(matcher("heroin"), text)[0]] == [found]
    assert matcher("heroin").scan("🇭🇪🇷🇴🇮🇸") == []


@pytest.mark.parametrize("around", ["", "天好" * 60, "!好" * 60])
def test_a_sign_is_a_letter_wherever_it_stands(around: str) -> None:
    """Alone in a long text, and among many signs."""
    matcher = KeywordMatcher([Term("cash", "A.1.a")], Phase.REQUEST)
    (finding,) = matcher.scan(f"{around}c@sh{around}")
    assert (finding.start, finding.end) == (len(around), len(around) + 4)
    assert matcher.scan(f"{around}@{around}") == []


@pytest.mark.parametrize("over", [1, 4, 8, 9, 40])
def test_a_text_that_ends_soon_behind_a_slice_is_read_where_it_stands(over: int) -> None:
    """The last slice begins before its own text: together it may be as long as all of it."""
    text = ("xw" * _SLICE_CHARACTERS)[: _SLICE_CHARACTERS + over - 9] + "forbidden"
    found = matcher("forbidden", "den").scan(text)
    end = _SLICE_CHARACTERS + over
    assert spans(found) == [(end - 9, end, "forbidden"), (end - 3, end, "den")]


def test_a_long_run_in_the_middle_breaks_a_term() -> None:
    """As it does at its edges; a stream could not keep it."""
    found = matcher("甲乙丙")
    assert spans(found.scan("甲" + "乙" * LONGEST_RUN + "丙")) == [(0, LONGEST_RUN + 2, "甲乙丙")]
    assert found.scan("甲" + "乙" * (LONGEST_RUN + 1) + "丙") == []
