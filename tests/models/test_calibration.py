"""Figures and thresholds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calibration import (
    auroc,
    class_thresholds,
    f1_by_class,
    macro_f1,
    places,
    quantile,
    share_at,
    sigmoid,
    softmax,
    temperature,
    threshold_at,
)

_SCORES = st.lists(st.floats(0, 1), min_size=1, max_size=60).map(np.array)


@given(_SCORES, st.sampled_from([0.0, 0.01, 0.1, 0.5]))
def test_no_more_alarm_than_are_allowed(scores: np.ndarray, share: float) -> None:
    """Ties are on the careful side."""
    assert share_at(scores, threshold_at(scores, share)) <= share


def test_threshold_is_the_lowest_that_keeps_to_the_share() -> None:
    """Just above the first text that must not alarm."""
    scores = np.arange(100) / 100
    assert share_at(scores, threshold_at(scores, 0.05)) == pytest.approx(0.05)


def test_no_texts_allow_no_threshold() -> None:
    """Without harmless texts nothing is known of alarms."""
    assert threshold_at(np.array([]), 0.01) == 1.0
    assert np.isnan(share_at(np.array([]), 0.5))


@given(_SCORES, _SCORES)
def test_auroc_counts_pairs(harmless: np.ndarray, harmful: np.ndarray) -> None:
    """It is the share of pairs in the right order, ties by half."""
    differences = harmful[:, None] - harmless[None, :]
    assert auroc(harmless, harmful) == pytest.approx(((differences > 0) + (differences == 0) / 2).mean())


def test_auroc_of_nothing_is_unknown() -> None:
    """One side alone tells nothing apart."""
    assert np.isnan(auroc(np.array([]), np.array([1.0])))


def test_temperature_takes_back_overconfidence() -> None:
    """Logits three times too large are divided by about three."""
    random = np.random.default_rng(1)
    logits = random.normal(0, 2, 20_000)
    unsafe = random.random(20_000) < sigmoid(logits)
    assert temperature(3 * logits, unsafe) == pytest.approx(3, rel=0.1)


def test_probabilities_of_classes_sum_to_one() -> None:
    """However large a logit is."""
    assert softmax(np.array([[1e4, 0.0], [1.0, 1.0]])).tolist() == [[1.0, 0.0], [0.5, 0.5]]


def test_f1_is_of_classes_that_occur() -> None:
    """A class without rows has none, and does not count in the mean."""
    found = f1_by_class(["a", "a", "b"], ["a", "b", "b"], ["a", "b", "c"])
    assert found == {"a": pytest.approx(2 / 3), "b": pytest.approx(2 / 3)}
    assert macro_f1(["a", "b"], ["a", "a"], ["a", "b", "c"]) == pytest.approx(1 / 3)


def test_a_share_of_scores_lies_below_its_quantile() -> None:
    """A twentieth of a hundred is five."""
    scores = np.arange(100) / 100
    assert (scores < quantile(scores, 0.05)).sum() == 5


@given(st.integers(0, 2**32 - 1))
def test_classes_share_the_alarms(seed: int) -> None:
    """All together they alarm no more than is allowed, and a class harmless texts avoid has the lowest threshold."""
    random = np.random.default_rng(seed)
    scores = random.random(400)
    said = random.integers(0, 2, 400)
    thresholds = np.array(class_thresholds(scores, said, np.array([0, 1, 2, 2]), 3, 0.02))
    assert (scores >= thresholds[said]).mean() <= 0.02
    assert thresholds[2] == 0.5


def test_places_are_shares_of_harmless_texts() -> None:
    """Of equal scores half count as lower."""
    assert places(np.array([0.1, 0.2, 0.2, 0.9]), np.array([0.0, 0.2, 1.0])).tolist() == [0.0, 0.5, 1.0]
