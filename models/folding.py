"""Judging by sources that were not trained on: each fold of sources is scored by heads fitted to the others."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.calibration import places, sigmoid, threshold_at
from models.corpus import FOLDS, class_numbers, fold_of, row_weights
from models.encoding import Encodings
from models.evaluation import is_mislabelled, is_ordinary
from models.heads import Examples, Recipe, fit, predict
from models.linear import fit_linear
from models.rows import SIDES, Row

ALARMS_SHIPPED = {"input": 0.003, "output": 0.004}
"""Share of harmless texts of kinds that were met which may alarm at the shipped thresholds, by side.

With the keyword lists beside it that stays below one in a hundred, and of frightening questions few alarm. Harmless
texts of sources never met alarm more often; keeping those to one in a hundred as well would cost more than half of
what is caught. The card says how many.
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
        model_places: where a row's score lies among those of harmless ones.
        linear_places: the same for the linear stage.
        alarms: by side, how many harmless texts of sources not met reach the threshold that `ALARMS_SHIPPED` of those
            met reach.
    """

    logits: NDArray[np.float32]
    linear: NDArray[np.float32]
    model_places: "Places"
    linear_places: "Places"
    alarms: dict[str, float]


@dataclass(frozen=True, slots=True)
class Places:
    """Where rows lie among harmless texts scored by the same heads: the share of those that score lower.

    The mean over harmful rows is the AUROC, and the share of them at .99 or above what is caught at 1 % alarms.

    Attributes:
        apart: among harmless rows that were not trained on, of kinds that were.
        unmet: among those of sources that were not met either.
    """

    apart: NDArray[np.float64]
    unmet: NDArray[np.float64]


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
    folds = folds_of(material.rows)
    sides = sides_of(material.rows)
    verdicts, linear = np.empty((2, FOLDS, len(folds)), np.float32)
    alarms: list[dict[str, NDArray[np.bool_]]] = []
    for fold in range(FOLDS):
        examples = material.examples(np.flatnonzero(folds[: material.trained] != fold))
        heads = fit(examples, buckets, recipe, f"fold {fold + 1} of {FOLDS}")
        verdicts[fold], _ = predict(heads, material.encodings, sides)
        linear[fold] = fit_linear(examples, buckets, recipe).logits(material.encodings, sides)
        alarms.append(_alarms(material, verdicts[fold], folds == fold))
    pooled = {side: float(np.concatenate([one[side] for one in alarms]).mean()) for side in SIDES}
    own = np.arange(len(folds))
    return Unseen(
        verdicts[folds, own],
        linear[folds, own],
        placed(material, verdicts),
        placed(material, linear),
        pooled,
    )


def folds_of(rows: Sequence[Row]) -> NDArray[np.int64]:
    """Return the number of its fold for each row."""
    return np.array([fold_of(row.source) for row in rows], np.int64)


def placed(material: Material, scores: NDArray[np.floating]) -> Places:
    """Say where each row lies among harmless ones of its side.

    Args:
        material: the rows.
        scores: by fold, all rows scored by heads that have not met it.
    """
    folds, sides = folds_of(material.rows), sides_of(material.rows)
    kept = np.arange(len(folds)) >= material.trained
    original = np.array(["+" not in row.id for row in material.rows])
    apart, unmet = np.empty((2, len(folds)))
    for number, side in enumerate(SIDES):
        harmless = np.array([is_ordinary(row, side) for row in material.rows]) & original
        for fold in range(FOLDS):
            own = (folds == fold) & (sides == number)
            apart[own] = places(scores[fold][harmless & kept], scores[fold][own])
            unmet[own] = places(scores[fold][harmless & (folds == fold)], scores[fold][own])
    return Places(apart, unmet)


def _alarms(
    material: Material, verdicts: NDArray[np.float32], held: NDArray[np.bool_]
) -> dict[str, NDArray[np.bool_]]:
    """Return which ordinary harmless rows of a fold reach thresholds set by those of the others."""
    scores = sigmoid(verdicts)
    reached = {}
    for side in SIDES:
        ordinary = np.array([is_ordinary(row, side) for row in material.rows])
        # Thresholds are set by rows that were not trained on, as they are for the model that is shipped.
        known = ordinary & ~held & (np.arange(len(held)) >= material.trained)
        reached[side] = scores[ordinary & held] >= threshold_at(scores[known], ALARMS_SHIPPED[side])
    return reached
