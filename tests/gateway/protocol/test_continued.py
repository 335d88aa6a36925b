"""A running text that goes on where another one ended."""

from hypothesis import given as generate
from hypothesis import settings
from hypothesis import strategies as st

from filters.findings import Phase
from filters.keywords import KeywordMatcher
from gateway.protocol.continued import ContinuedStage
from gateway.protocol.gate import Channel
from gateway.protocol.judge import Judge
from gateway.protocol.policy import Policy
from tests.gateway.protocol.playbook import given, term
from tests.gateway.protocol.test_escapes import CUTS, pieces

TERMS = ["ab", "abab", "ba冰"]


def stage(before: str, *terms: str) -> ContinuedStage:
    """Build a check behind a text."""
    return ContinuedStage(KeywordMatcher(map(term, terms), Phase.RESPONSE).stream(), before)


def test_a_term_over_the_seam_is_found_from_the_seam_on() -> None:
    """Offsets are those of the later text; what lies before it was said there."""
    check = stage("forbidden for", "forbidden")
    assert check.frontier == 0
    assert [(each.at, each.finding.start, each.finding.end) for each in check.feed("bidden")] == [(6, 0, 6)]
    assert check.finish() == []


def test_none_of_the_rest_is_shown() -> None:
    """A block stops the text at its beginning, and a mask covers what is left of the term."""
    for keywords, masks, out in ((["forbidden"], [], ""), ([], ["forbidden"], "****** word")):
        ruleset, judge = given(keywords, masks).standing.ruleset, Judge(Policy(), observe=False)
        channel = Channel((ContinuedStage(ruleset.response.stream(), "for"),))
        released = channel.feed("bidden word", judge)
        assert released.text + ("" if released.blocked else channel.finish(judge).text) == out


@generate(st.text("ab冰", max_size=6), st.text("ab冰", max_size=6), st.sets(st.sampled_from(TERMS)), CUTS)
@settings(max_examples=500, deadline=None)
def test_both_texts_together_are_one(before: str, text: str, terms: set[str], cuts: list[int]) -> None:
    """However the later one is cut: what is found is what ends in it, and what is clear would be so in one."""
    check, whole = stage(before, *terms), KeywordMatcher(map(term, terms), Phase.RESPONSE).stream()
    expected = [each for each in whole.feed(before + text) if each.finding.end > len(before)]
    found, size = [], 0
    for piece in pieces(text, cuts):
        found += check.feed(piece)
        assert check.clear_before(size) <= check.clear_before(size + len(piece)) == check.frontier
        size += len(piece)
    assert [each.at + len(before) for each in found] == [each.at for each in expected]
    assert check.frontier == max(0, whole.frontier - len(before))
