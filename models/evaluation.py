"""What the model's scores are worth: tables by side, source, language and class."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.calibration import Scores, auroc, share_at, threshold_at
from models.rows import SIDES, Row

ALARM_SHARE = 0.01
"""Harmless texts that may reach the threshold at which recall is measured."""
# Harmless by label, and about harm by intent: they have a figure of their own.
FRIGHTENING = frozenset(
    {
        "Jarviswang94/Multilingual_safety_benchmark",
        "meta-llama/PurpleLlama (CyberSecEval)",
        "microsoft/BIPIA",
        "pyrit package (scorer evaluations)",
        "sherdencooper/GPTFuzz",
        "sluice/crime_fiction",
        "sluice/frightening",
        "sluice/harm_questions",
        "sluice/notices",
        "sluice/pairs-reply",
        "sluice/pairs-request",
        "thu-coai/SafetyBench",
    }
)
# Harmless texts that are posts of people, not replies of a model.
POSTS = frozenset(
    {
        "2runo/Curse-detection-data",
        "HannahKirk/Hatemoji",
        "JAugusto97/ToLD-Br",
        "Vicomtech/hate-speech-dataset",
        "aggiejiang/SWSR",
        "kocohub/korean-hate-speech",
        "microsoft/TOXIGEN",
        "rewire-online/edos",
        "rewire-online/multilingual-hatecheck",
        "surge-ai/toxicity",
        "t-davidson/hate-speech-and-offensive-language",
        "thu-coai/CDial-GPT (toy data)",
        "thu-coai/COLDataset",
        "uds-lsv/GermEval-2018-Data",
    }
)

# Demonstration data that are labelled harmless where nobody looked: many of these replies do what was asked, and many
# prompts among the harmless ones that thresholds are set by ask for harm ("how to obtain illegal drugs").
UNLOOKED = "thu-coai/AISafetyLab"


@dataclass(frozen=True, slots=True)
class Judged:
    """Rows and what was said of them.

    Attributes:
        rows: the rows.
        scores: a score for each; higher is worse.
    """

    rows: Sequence[Row]
    scores: Scores

    def where(self, chosen: Callable[[Row], bool]) -> Scores:
        """Return the scores of some rows."""
        return np.asarray(self.scores[np.array([chosen(row) for row in self.rows], bool)])


def is_ordinary(row: Row, side: str) -> bool:
    """Tell whether a row is one of the harmless prompts, or replies, that alarms are counted on."""
    ordinary = row.source not in FRIGHTENING and (side == "input" or row.source not in POSTS)
    return row.side == side and not row.unsafe and ordinary and row.source != UNLOOKED


def is_mislabelled(row: Row) -> bool:
    """Tell whether a reply says that it is harmless where nobody looked; prompts to train on were looked at."""
    return row.source == UNLOOKED and row.side == "output" and not row.unsafe


def side_figures(judged: Judged) -> dict[str, dict[str, float]]:
    """Return for each side how well harm is told from ordinary harmless texts.

    Returns:
        By side: ``auroc``, ``recall`` at the threshold that 1 % of the harmless texts reach, ``threshold``, the
        numbers of texts, and the share of frightening but harmless ones that reach it.
    """
    figures = {}
    for side in SIDES:
        harmless = judged.where(lambda row, side=side: is_ordinary(row, side))  # type: ignore[misc]
        harmful = judged.where(lambda row, side=side: row.side == side and row.unsafe)  # type: ignore[misc]
        other = judged.where(
            lambda row, side=side: row.side == side and not row.unsafe and not is_ordinary(row, side)  # type: ignore[misc]
        )
        threshold = threshold_at(harmless, ALARM_SHARE)
        figures[side] = {
            "harmless": len(harmless),
            "harmful": len(harmful),
            "auroc": auroc(harmless, harmful),
            "recall": share_at(harmful, threshold),
            "threshold": threshold,
            "hard": len(other),
            "hard_alarms": share_at(other, threshold),
        }
    return figures


def place_figures(
    rows: Sequence[Row], apart: NDArray[np.float64], unmet: NDArray[np.float64]
) -> dict[str, dict[str, float]]:
    """Return for each side how well harm of sources not met is told from two kinds of harmless texts.

    Args:
        rows: the rows.
        apart: where each lies among harmless texts of kinds that were met.
        unmet: where each lies among those of sources that were not.

    Returns:
        By side: ``auroc`` and ``recall`` against the first, ``recall_by_source``, the mean over sources of harm,
        ``auroc_unmet`` and ``recall_unmet`` against the second.
    """
    figures = {}
    for side in SIDES:
        harm = np.array([row.side == side and row.unsafe for row in rows])
        sources = np.array([row.source for row in rows])[harm]
        caught = apart[harm] >= 1 - ALARM_SHARE
        figures[side] = {
            "auroc": float(apart[harm].mean()),
            "recall": float(caught.mean()),
            "recall_by_source": float(np.mean([caught[sources == name].mean() for name in np.unique(sources)])),
            "auroc_unmet": float(unmet[harm].mean()),
            "recall_unmet": float((unmet[harm] >= 1 - ALARM_SHARE).mean()),
        }
    return figures


def tables(
    judged: Judged, thresholds: Mapping[str, float], key: Callable[[Row], str]
) -> dict[str, dict[str, dict[str, float]]]:
    """Return by side and by a property of rows what is caught and what alarms.

    Args:
        judged: the rows.
        thresholds: by side, from which score on a text is harmful.
        key: the property, such as the language.

    Returns:
        By side and value: ``harmful``, ``recall``, ``harmless``, ``alarms``; shares are nan where there are no rows.
    """
    found: dict[str, dict[str, dict[str, float]]] = {side: {} for side in SIDES}
    groups = defaultdict[tuple[str, str], list[int]](list)
    for index, row in enumerate(judged.rows):
        groups[row.side, key(row)].append(index)
    for (side, value), indices in sorted(groups.items()):
        unsafe = np.array([judged.rows[index].unsafe for index in indices])
        reached: NDArray[np.bool_] = judged.scores[indices] >= thresholds[side]
        found[side][value] = {
            "harmful": int(unsafe.sum()),
            "recall": float(reached[unsafe].mean()) if unsafe.any() else float("nan"),
            "harmless": int((~unsafe).sum()),
            "alarms": float(reached[~unsafe].mean()) if not unsafe.all() else float("nan"),
        }
    return found


def confusion(truth: Sequence[str], guess: Sequence[str], classes: Sequence[str]) -> NDArray[np.int64]:
    """Return how often a class (row) was taken for another (column)."""
    place = {name: number for number, name in enumerate(classes)}
    counts = np.zeros((len(classes), len(classes)), np.int64)
    for true, said in zip(truth, guess, strict=True):
        counts[place[true], place[said]] += 1
    return counts
