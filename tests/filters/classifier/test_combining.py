"""What several classifiers say together."""

import pytest

from filters.classifier.combining import Combine, Voice, combine, to_common
from filters.classifier.scores import Score


@pytest.mark.parametrize(
    ("score", "bar", "common"), [(0.0, 0.8, 0.0), (0.8, 0.8, 0.5), (1.0, 0.8, 1.0), (0.9, 0.8, 0.75), (1.0, 1.0, 1.0)]
)
def test_a_bar_is_a_half_on_the_common_scale(score: float, bar: float, common: float) -> None:
    """Whatever it is on its own; the ends stay."""
    assert to_common(Score(score), bar).unsafe == pytest.approx(common)


def voice(unsafe: float, kind: Combine, weight: float = 1, category: str = "a") -> Voice:
    """Build a word."""
    return Voice(Score(unsafe, category, "A.1.h"), kind, weight)


def test_the_highest_of_the_three_kinds_is_the_score() -> None:
    """One of `any`, the least of `all`, the mean of `weighted`."""
    every, some = Combine.ALL, Combine.WEIGHTED
    assert combine([voice(0.2, Combine.ANY), voice(0.6, every), voice(0.4, every)]).unsafe == 0.4
    mean = combine([voice(0.9, some, 3, "b"), voice(0.1, some, 1), voice(0.3, Combine.ANY)])
    assert (round(mean.unsafe, 3), mean.category) == (0.7, "b")
    assert combine([voice(0.8, Combine.ANY), voice(0.1, every)]).unsafe == 0.8
