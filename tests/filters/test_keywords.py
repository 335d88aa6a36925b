"""The keyword matcher: both engines find what a naive search finds, however the text is cut."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.findings import MOST_FINDINGS, Action, Finding, Phase, Stage, Term
from filters.folding import fold
from filters.keywords import _SLICE_CHARACTERS, KeywordMatcher

LETTERS = "aAａb强"
TERMS = st.lists(st.text(LETTERS, min_size=1, max_size=4), max_size=6)


def matcher(*texts: str) -> KeywordMatcher:
    """Build a matcher over terms."""
    return KeywordMatcher([Term(text, "A.1.a") for text in texts], Phase.REQUEST)


def spans(findings: list[Finding]) -> list[tuple[int, int, str]]:
    """Show findings as start, end and term."""
    return [(each.start, each.end, each.term.text) for each in findings]


def naive(text: str, terms: list[str]) -> list[tuple[int, int, str]]:
    """Find every occurrence with `str.find`, in order of end, then start, then the list's order."""
    found, folded = [], fold(text)
    for term in terms:
        start = folded.find(fold(term))
        while start >= 0:
            found.append((start, start + len(term), term))
            start = folded.find(fold(term), start + 1)
    return sorted(found, key=lambda each: (each[1], each[0]))


@given(st.lists(st.text(LETTERS, max_size=5), max_size=8), TERMS)
@settings(max_examples=1500, deadline=None)
def test_every_engine_finds_the_same(pieces: list[str], terms: list[str]) -> None:
    """A scan of the stream, a scan of the whole text and a naive search agree; so do frontier and released text."""
    text, index = "".join(pieces), matcher(*terms)
    stream, streamed, before = index.stream(), list[Finding](), 0
    prefixes = {fold(term)[:size] for term in terms for size in range(1, len(term))}
    for piece in pieces:
        streamed += [known.finding for known in stream.feed(piece)]
        before += len(piece)
        live = [start for start in range(before) if fold(text[start:before]) in prefixes]
        assert stream.frontier == min(live, default=before)
        assert stream.pending == before - stream.frontier
        for end in range(before - len(piece) + 1, before + 1):
            live = [start for start in range(end) if fold(text[start:end]) in prefixes]
            assert stream.clear_before(end) == min(live, default=end)
    assert stream.finish() == []
    assert streamed == index.scan(text)
    assert spans(streamed) == naive(text, terms)


def test_a_text_longer_than_a_slice_is_scanned_over_its_seams() -> None:
    """The slices that bound one call into the automaton lose and double nothing at their seams."""
    text = "x" * (_SLICE_CHARACTERS - 3) + "forbidden" + "y" * _SLICE_CHARACTERS + "forbidden"
    start = _SLICE_CHARACTERS - 3
    expected = [(start, start + 9, "forbidden"), (len(text) - 9, len(text), "forbidden")]
    assert spans(matcher("forbidden").scan(text)) == expected
    for offset in range(12):
        shifted = "x" * (_SLICE_CHARACTERS - offset) + "forbidden"
        assert spans(matcher("forbidden", "den").scan(shifted)) == naive(shifted, ["forbidden", "den"])


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


def test_an_empty_term_is_refused() -> None:
    """A term without text would match everywhere; the error says what to do."""
    with pytest.raises(ValueError, match="remove the row"):
        matcher("")


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
