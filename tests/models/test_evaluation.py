"""Figures by side, and by what rows have in common."""

from dataclasses import replace

import numpy as np
import pytest

from models.evaluation import Judged, confusion, place_figures, side_figures, tables
from models.rows import Row

_SAFE = Row("s", "怎么做蛋糕", "zh", "input", False, "safe", "x")  # noqa: FBT003
_BAD = replace(_SAFE, unsafe=True, category="drugs", lang="en")
_POST = replace(_SAFE, side="output", source="thu-coai/COLDataset")
_REPLY = replace(_SAFE, side="output")


def _judged() -> Judged:
    rows = [_SAFE, _SAFE, _BAD, _BAD, _REPLY, _POST, replace(_BAD, side="output")]
    return Judged(rows, np.array([0.1, 0.4, 0.3, 0.9, 0.2, 0.8, 0.7]))


def test_sides_are_judged_apart() -> None:
    """Replies are judged against replies; posts of people are counted beside them."""
    found = side_figures(_judged())
    assert found["input"]["auroc"] == pytest.approx(3 / 4)
    assert found["input"]["recall"] == pytest.approx(1 / 2)
    assert found["output"]["auroc"] == 1.0
    assert (found["output"]["harmless"], found["output"]["hard"]) == (1, 1)
    assert found["output"]["hard_alarms"] == 1.0


def test_tables_count_what_reaches_the_threshold() -> None:
    """Shares of nothing are unknown."""
    found = tables(_judged(), {"input": 0.35, "output": 0.5}, lambda row: row.lang)
    assert found["input"]["en"]["recall"] == pytest.approx(1 / 2)
    assert np.isnan(found["input"]["en"]["alarms"])
    assert found["input"]["zh"] == {"harmful": 0, "recall": pytest.approx(np.nan, nan_ok=True)} | {
        "harmless": 2,
        "alarms": 0.5,
    }


def test_confusion_has_a_row_for_each_true_class() -> None:
    """Columns are what was said."""
    assert confusion(["a", "a", "b"], ["a", "b", "b"], ["a", "b"]).tolist() == [[1, 1], [0, 1]]


def test_places_say_what_is_caught() -> None:
    """A source counts as much as any other in the mean of sources."""
    rows = [_BAD, _BAD, replace(_BAD, source="y"), _SAFE, replace(_BAD, side="output")]
    found = place_figures(rows, np.array([0.995, 0.5, 1.0, 1.0, 0.9]), np.array([0.98, 0.4, 0.99, 1.0, 0.9]))
    assert found["input"]["auroc"] == pytest.approx((0.995 + 0.5 + 1.0) / 3)
    assert found["input"]["recall"] == pytest.approx(2 / 3)
    assert found["input"]["recall_by_source"] == pytest.approx(3 / 4)
    assert found["input"]["recall_unmet"] == pytest.approx(1 / 3)
    assert found["output"]["recall"] == 0.0
