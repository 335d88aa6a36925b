"""Figures of a model."""

import numpy as np
import pytest

from filters.classifier.scores import Side
from gateway.cli.model_figures import Judged, Labelled, auroc, curves, figures, read_row, threshold_at


def judged(label: str, score: float, said: str = "a", category: str = "a", *, alarm: bool = False) -> Judged:
    """Build what was said of a row."""
    unsafe = label == "unsafe"
    row = Labelled(text="", side=Side.INPUT, unsafe=unsafe, category=category if unsafe else "safe")
    return Judged(row, score, said, alarm)


def test_auroc_by_hand() -> None:
    """Of four pairs three are in order, and a tie counts half."""
    assert auroc(np.array([0.9, 0.4]), np.array([0.1, 0.5])) == 0.75
    assert auroc(np.array([0.5]), np.array([0.5])) == 0.5


def test_a_threshold_leaves_its_share_above() -> None:
    """Of a hundred harmless rows one may be above it."""
    harmless = np.arange(100) / 100
    bar = threshold_at(harmless, 0.01)
    assert (harmless > bar).sum() == 1
    assert threshold_at(np.array([0.3]), 0.01) == 0.3


def test_figures_of_a_file() -> None:
    """Recall and false alarms are of serving; classes are counted over the harmful rows."""
    rows = [
        judged("unsafe", 0.9, "a", "a", alarm=True),
        judged("unsafe", 0.4, "b", "a"),
        judged("unsafe", 0.8, "b", "b", alarm=True),
        judged("safe", 0.5, alarm=True),
        judged("safe", 0.1),
    ]
    found = figures(rows)
    side = found["sides"]["input"]
    assert (side["recall"], side["false_alarms"]) == (2 / 3, 0.5)
    assert side["auroc"] == pytest.approx(5 / 6)
    assert side["recall_at_1_percent"] == pytest.approx(2 / 3)
    assert found["categories"]["confusion"] == [[1, 1], [0, 1]]
    assert found["categories"]["f1"] == {"a": pytest.approx(2 / 3), "b": pytest.approx(2 / 3)}


def test_a_side_of_one_label_has_no_curve() -> None:
    """There is nothing to compare."""
    assert figures([judged("unsafe", 0.9)])["sides"]["input"]["false_alarms"] is None
    assert curves([judged("unsafe", 0.9)]) == {}
    assert figures([])["categories"]["macro_f1"] is None


def test_a_curve_falls() -> None:
    """From everything at 0 to what is certain at 1."""
    (points,) = curves([judged("unsafe", 0.9), judged("safe", 0.2)]).values()
    assert (points[0], points[50], points[-1]) == ((0.0, 1.0, 1.0), (0.5, 1.0, 0.0), (1.0, 0.0, 0.0))


@pytest.mark.parametrize(
    "value",
    [None, {}, {"text": 1, "side": "input", "label": "safe"}, {"text": "", "side": "x", "label": "safe"}],
)
def test_what_is_no_row(value: object) -> None:
    """Whatever is missing or of another kind."""
    assert read_row(value) is None


def test_a_row_without_a_class_is_of_none() -> None:
    """Its label still counts."""
    assert read_row({"text": "t", "side": "output", "label": "unsafe", "category": 5}) == Labelled(
        text="t", side=Side.OUTPUT, unsafe=True, category="safe"
    )
