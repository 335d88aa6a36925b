"""An answer of a classifier: one probability for each window, or none."""

import math

import pytest

from filters.classifier.scores import Score, ScorerError, checked


def test_an_answer_that_is_one() -> None:
    """It is given back."""
    assert checked([Score(0.0), Score(1.0)], 2) == [Score(0.0), Score(1.0)]


@pytest.mark.parametrize("unsafe", [math.nan, math.inf, -0.1, 1.1])
def test_what_is_no_probability(unsafe: float) -> None:
    """Compared with a bar, a nan would pass everything."""
    with pytest.raises(ScorerError, match="no probability"):
        checked([Score(unsafe)], 1)


def test_a_score_too_few() -> None:
    """Its text would pass unread."""
    with pytest.raises(ScorerError, match="1 scores for 2 windows"):
        checked([Score(0.5)], 2)
