"""How well a model does on a labelled file: figures per side, and which class was taken for which.

Rules: prompts and replies are counted apart, since their thresholds are; curves are of the encoder's scores alone,
which are of one scale, and verdicts are those that serving would give, cascade and windows included.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from filters.classifier.model import OnnxModel
from filters.classifier.scores import SAFE, Score, Side, Window
from filters.classifier.windows import cut_windows

# Where operators measure: one in a hundred harmless texts alarms.
_FALSE_ALARMS = 0.01
_CURVE_POINTS = 101


class Labelled(NamedTuple):
    """One row of a labelled file.

    Attributes:
        text: the text.
        side: whose words it is.
        unsafe: whether it is harmful.
        category: name of its class, ``safe`` for a harmless one.
    """

    text: str
    side: Side
    unsafe: bool
    category: str


class Judged(NamedTuple):
    """What a model said of a row.

    Attributes:
        row: the row.
        unsafe: the encoder's highest score over the windows of the text.
        category: the class that score names.
        alarm: whether serving would find something in the text.
    """

    row: Labelled
    unsafe: float
    category: str
    alarm: bool


def read_row(value: Any) -> Labelled | None:  # noqa: ANN401 any JSON value
    """Return a row of a labelled file; None for what is none."""
    if not isinstance(value, dict):
        return None
    text, side, label = value.get("text"), value.get("side"), value.get("label")
    category = value.get("category", SAFE)
    if not isinstance(text, str) or side not in set(Side) or label not in ("safe", "unsafe"):
        return None
    return Labelled(text, Side(side), label == "unsafe", category if isinstance(category, str) else SAFE)


def judge_row(model: OnnxModel, row: Labelled) -> Judged:
    """Score a row as serving does, and by the encoder alone."""
    windows = [Window(row.text[span.start : span.end], row.side) for span in cut_windows(row.text)]
    scores = model.encoder_scores(windows)
    worst = max(scores, key=lambda score: score.unsafe)
    alarm = any(_alarms(model, row.side, score) for score in model.score(windows))
    return Judged(row, worst.unsafe, worst.category, alarm)


def _alarms(model: OnnxModel, side: Side, score: Score) -> bool:
    bars = model.manifest.thresholds[side]
    return score.category != SAFE and score.unsafe >= bars.categories.get(score.category, bars.unsafe)


def figures(judged: Sequence[Judged]) -> dict[str, Any]:
    """Return the figures of a file: per side, and the confusion of the harmful rows' classes."""
    sides = {side: [each for each in judged if each.row.side is side] for side in Side}
    return {
        "rows": len(judged),
        "sides": {side.value: _side_figures(rows) for side, rows in sides.items() if rows},
        "categories": _class_figures([each for each in judged if each.row.unsafe]),
    }


def _side_figures(rows: Sequence[Judged]) -> dict[str, Any]:
    harmful = np.array([each.unsafe for each in rows if each.row.unsafe])
    harmless = np.array([each.unsafe for each in rows if not each.row.unsafe])
    found: dict[str, Any] = {
        "unsafe_rows": len(harmful),
        "safe_rows": len(harmless),
        "recall": _share(each.alarm for each in rows if each.row.unsafe),
        "false_alarms": _share(each.alarm for each in rows if not each.row.unsafe),
    }
    if len(harmful) and len(harmless):
        bar = threshold_at(harmless, _FALSE_ALARMS)
        found |= {
            "auroc": auroc(harmful, harmless),
            "threshold_at_1_percent": bar,
            "recall_at_1_percent": float((harmful > bar).mean()),
        }
    return found


def _share(hits: Iterable[bool]) -> float | None:
    values = list(hits)
    return sum(values) / len(values) if values else None


def auroc(harmful: NDArray[np.float64], harmless: NDArray[np.float64]) -> float:
    """Return the probability that a harmful row scores higher than a harmless one; ties count half."""
    ordered = np.sort(harmless)
    below = np.searchsorted(ordered, harmful, "left") + np.searchsorted(ordered, harmful, "right")
    return float(below.sum() / (2 * len(harmful) * len(harmless)))


def threshold_at(harmless: NDArray[np.float64], share: float) -> float:
    """Return the score that no more than this share of the harmless rows is above."""
    allowed = int(len(harmless) * share)
    return float(np.sort(harmless)[len(harmless) - allowed - 1])


def _class_figures(rows: Sequence[Judged]) -> dict[str, Any]:
    """Count which class the harmful rows were taken for, and how well each is told from the others."""
    confusion = Counter((each.row.category, each.category) for each in rows)
    names = sorted({name for pair in confusion for name in pair})
    scores = {name: _f1(confusion, name) for name in names if any(actual == name for actual, _ in confusion)}
    return {
        "names": names,
        "confusion": [[confusion[actual, said] for said in names] for actual in names],
        "f1": scores,
        "macro_f1": sum(scores.values()) / len(scores) if scores else None,
    }


def _f1(confusion: Mapping[tuple[str, str], int], name: str) -> float:
    right = confusion.get((name, name), 0)
    actual = sum(count for (each, _), count in confusion.items() if each == name)
    said = sum(count for (_, each), count in confusion.items() if each == name)
    return 2 * right / (actual + said)


def curves(judged: Sequence[Judged]) -> dict[str, list[tuple[float, float, float]]]:
    """Return for each side, by threshold, the shares of harmful and of harmless rows at or above it."""
    bars = np.linspace(0, 1, _CURVE_POINTS)
    found: dict[str, list[tuple[float, float, float]]] = {}
    for side in Side:
        rows = [each for each in judged if each.row.side is side]
        halves = [np.array([each.unsafe for each in rows if each.row.unsafe is unsafe]) for unsafe in (True, False)]
        if all(len(half) for half in halves):
            found[side.value] = [
                (float(bar), float((halves[0] >= bar).mean()), float((halves[1] >= bar).mean())) for bar in bars
            ]
    return found
