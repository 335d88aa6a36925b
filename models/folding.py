"""Judging by sources that were not trained on: each fold of sources is scored by heads fitted to the others."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.calibration import sigmoid, threshold_at
from models.corpus import FOLDS, class_numbers, fold_of, row_weights
from models.encoding import Encodings
from models.evaluation import is_mislabelled, is_ordinary
from models.heads import Examples, Recipe, fit, predict
from models.linear import fit_linear
from models.rows import SIDES, Row

ALARMS_SHIPPED = 0.004
"""Share of harmless texts of kinds that were met which may alarm at the shipped thresholds.

With the keyword lists beside it that stays below one in a hundred. Harmless texts of sources never met alarm more
often; keeping those to one in a hundred as well would cost more than half of what is caught. The card says how many.
"""


@dataclass(frozen=True, slots=True)
class Material:
    """Rows and their encodings, those that are trained on first.

    Attributes:
        rows: the rows.
        encodings: of their texts, as far as the encoder reads them.
        trained: how many of them may be trained on; the others are harmless rows that thresholds are set by.
    """

    rows: Sequence[Row]
    encodings: Encodings
    trained: int

    def examples(self, chosen: NDArray[np.int64]) -> Examples:
        """Return some rows as what heads are fitted to, without those that are labelled wrong to a one."""
        chosen = chosen[[not is_mislabelled(self.rows[index]) for index in chosen]]
        rows = [self.rows[index] for index in chosen]
        return Examples(
            encodings=self.encodings.of(chosen),
            sides=sides_of(rows),
            unsafe=np.array([row.unsafe for row in rows], np.float32),
            categories=class_numbers(rows),
            weights=row_weights(rows),
        )


@dataclass(frozen=True, slots=True)
class Unseen:
    """What heads said of rows whose source they had not met.

    Attributes:
        logits: the verdict's, for each row.
        linear: the linear stage's.
        alarms: by side, how many harmless texts of sources not met reach the threshold that `ALARMS_SHIPPED` of those
            met reach.
    """

    logits: NDArray[np.float32]
    linear: NDArray[np.float32]
    alarms: dict[str, float]


def sides_of(rows: Sequence[Row]) -> NDArray[np.int64]:
    """Return the number of its side for each row."""
    return np.array([SIDES.index(row.side) for row in rows], np.int64)


def judge_by_folds(material: Material, buckets: int, recipe: Recipe) -> Unseen:
    """Score every row by heads that have not met its source.

    Args:
        material: the rows.
        buckets: numbers of n-grams.
        recipe: how heads are fitted.
    """
    folds = np.array([fold_of(row.source) for row in material.rows])
    sides = sides_of(material.rows)
    logits, linear = np.empty((2, len(folds)), np.float32)
    alarms: list[dict[str, NDArray[np.bool_]]] = []
    for fold in range(FOLDS):
        examples = material.examples(np.flatnonzero(folds[: material.trained] != fold))
        heads = fit(examples, buckets, recipe, f"fold {fold + 1} of {FOLDS}")
        verdicts, _ = predict(heads, material.encodings, sides)
        own = np.flatnonzero(folds == fold)
        logits[own] = verdicts[own]
        linear[own] = fit_linear(examples, buckets, recipe).logits(material.encodings.of(own), sides[own])
        alarms.append(_alarms(material, verdicts, folds == fold, ALARMS_SHIPPED))
    pooled = {side: float(np.concatenate([one[side] for one in alarms]).mean()) for side in SIDES}
    return Unseen(logits, linear, pooled)


def _alarms(
    material: Material, verdicts: NDArray[np.float32], held: NDArray[np.bool_], share: float
) -> dict[str, NDArray[np.bool_]]:
    """Return which ordinary harmless rows of a fold reach thresholds set by those of the others."""
    scores = sigmoid(verdicts)
    reached = {}
    for side in SIDES:
        ordinary = np.array([is_ordinary(row, side) for row in material.rows])
        # Thresholds are set by rows that were not trained on, as they are for the model that is shipped.
        known = ordinary & ~held & (np.arange(len(held)) >= material.trained)
        reached[side] = scores[ordinary & held] >= threshold_at(scores[known], share)
    return reached
