"""Where texts are cut for the classifier."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.classifier.windows import (
    OVERLAP_BYTES,
    PASSAGE_CHARACTERS,
    SHORTEST_PASSAGE,
    WINDOW_BYTES,
    Span,
    cut_passages,
    cut_windows,
    window_is_full,
)

TEXTS = st.text(st.sampled_from("ab. !。甲é\U0001f600\ud800\n"), max_size=1500)


@pytest.mark.parametrize("text", ["", "short", "甲" * 170, "a" * 512])
def test_a_short_text_is_one_window(text: str) -> None:
    """However it is written."""
    assert cut_windows(text) == [Span(0, len(text))]
    assert not window_is_full(text)


def test_a_long_text_has_windows_that_overlap() -> None:
    """Measured in bytes: Chinese has fewer characters in a window."""
    assert cut_windows("a" * 1000) == [Span(0, 512), Span(384, 896), Span(768, 1000)]
    assert cut_windows("甲" * 200) == [Span(0, 170), Span(128, 200)]
    assert window_is_full("甲" * 171)


@given(TEXTS)
def test_every_character_is_in_a_window(text: str) -> None:
    """None is longer than a window, and each begins in the one before."""
    spans = cut_windows(text)
    assert (spans[0].start, spans[-1].end) == (0, len(text))
    for before, after in pairwise(spans):
        assert before.start < after.start <= before.end < after.end
        assert _bytes(text[after.start : before.end]) <= OVERLAP_BYTES
    assert all(_bytes(text[start:end]) <= WINDOW_BYTES for start, end in spans)


@given(TEXTS, st.integers(0, 1500))
def test_windows_depend_on_the_text_before_them(text: str, at: int) -> None:
    """All but the last of a beginning are windows of the whole."""
    assert cut_windows(text[:at])[:-1] == cut_windows(text)[: len(cut_windows(text[:at])) - 1]


@given(TEXTS, st.integers(0, 1500))
def test_passages_depend_on_the_text_before_them(text: str, at: int) -> None:
    """Those of a beginning are the first of the whole, and the rest of it gives the others."""
    first = cut_passages(text[:at])
    last = first[-1] if first else 0
    assert first + [last + end for end in cut_passages(text[last:])] == cut_passages(text)


@given(TEXTS)
def test_passages_are_neither_long_nor_short(text: str) -> None:
    """Sentences, or parts of long ones."""
    ends = [0, *cut_passages(text)]
    assert all(SHORTEST_PASSAGE <= end - start <= PASSAGE_CHARACTERS for start, end in pairwise(ends))
    assert len(text) - ends[-1] < PASSAGE_CHARACTERS


def test_a_full_stop_ends_a_sentence_before_white_space() -> None:
    """In a number or an address it does not."""
    assert cut_passages("It costs 3.14 at example.org today. Next") == [36]
    assert cut_passages("今天天气怎么样？我们去公园玩好吗？嗯") == [17]


def _bytes(text: str) -> int:
    # Beyond the basic plane a character counts as three.
    return sum(min(3, len(each.encode("utf-8", "surrogatepass"))) for each in text)
