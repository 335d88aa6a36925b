"""Beginnings: what may become a pattern is its beginning."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from filters.beginnings import END, Beginnings

PATTERNS = st.lists(st.text("abc", min_size=1, max_size=6), max_size=8, unique=True)


@example(["abcab", "abcabc"], "cabcab")
@given(PATTERNS, st.text("abc", max_size=8))
@settings(max_examples=500, deadline=None)
def test_the_longest_live_end_is_that_of_trying_every_one(patterns: list[str], text: str) -> None:
    """Of two characters or more; the same after they were handed over in pieces."""
    prefixes = {pattern[:size] for pattern in patterns for size in range(2, len(pattern))}
    expected = min((at for at in range(len(text)) if text[at:] in prefixes), default=len(text))
    beginnings = Beginnings(patterns)
    longer = [pattern for pattern in patterns if len(pattern) > 2]
    for same in (beginnings, Beginnings.restore(beginnings.parts())):
        assert same.first_live(text) == expected
        assert {triple: set(following) for triple, following in same.triples.items()} == {
            each[:3]: {p[3:4] or END for p in longer if p[:3] == each[:3]} for each in longer
        }
        assert same.firsts == {pattern[0] for pattern in patterns if len(pattern) > 1}
