"""Beginnings of terms by their syllables: exactly those of the patterns."""

import pickle
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from filters.sounds import START, Sounds, hashed

_CLASSES = "\ue000\ue001\ue002a"


def _value(text: str) -> int:
    value = START
    for char in text:
        value = hashed(value, ord(char))
    return value


@given(st.lists(st.text(_CLASSES, min_size=2, max_size=12), unique=True), st.text(_CLASSES, max_size=12))
def test_beginnings_are_those_of_the_patterns(patterns: list[str], text: str) -> None:
    """What goes on, what ends, what stands beside what; also in a copy."""
    for sounds in (Sounds(patterns), pickle.loads(pickle.dumps(Sounds(patterns)))):  # noqa: S301  # our own
        assert sounds.longest == max(map(len, patterns), default=0)
        assert sounds.ends(_value(text)) == (text in patterns)
        goes_on = any(len(text) < len(pattern) and pattern.startswith(text) for pattern in patterns)
        assert not text or sounds.goes_on(_value(text)) == goes_on
        for first, second in pairwise(text):
            beside = any(first + second in pattern for pattern in patterns)
            # What is no syllable shares a number with one.
            assert sounds.may_follow(ord(first), ord(second)) >= beside
