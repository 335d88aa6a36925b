"""The final word on a trained model: thresholds, and figures on rows that were not trained on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.baseline import HARM, HARMLESS, baseline_scores
from models.calibration import class_thresholds, f1_by_class, quantile, share_at, sigmoid, temperature, threshold_at
from models.corpus import FOLDS, Corpus, class_numbers
from models.encoding import Encoder
from models.evaluation import ALARM_SHARE, Judged, confusion, is_ordinary, place_figures, side_figures, tables
from models.folding import ALARMS_SHIPPED, Material, Places, Unseen, placed, sides_of
from models.heads import Heads, predict
from models.linear import Linear
from models.rows import CATEGORIES, SAFE, SIDES

_SETTLED_HARM = 0.05
"""Harm that the linear stage may settle as harmless: what it scores so low the encoder does not catch either."""
_EARLY = 1 / 4
"""Alarms of a verdict on a part of a stream, as a share of those on the whole: there are many parts."""


@dataclass(frozen=True, slots=True)
class Verdicts:
    """A trained model as it is before export."""

    heads: Heads
    linear: Linear
    encoder: Encoder

    def windows(self, corpus: Corpus, name: str) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Score every window.

        Returns:
            For each window the verdict's logit, and the number of the likeliest class.
        """
        logits, classes = predict(self.heads, self.encoder.encode(corpus.windows, name), corpus.sides[corpus.owners])
        return logits, classes.argmax(axis=1)

    def of(self, corpus: Corpus, name: str) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float64]]:
        """Score rows by their worst window.

        Returns:
            For each row the verdict's logit, the number of the likeliest class, and the linear stage's logit.
        """
        encodings = self.encoder.encode(corpus.windows, name)
        sides = corpus.sides[corpus.owners]
        logits, classes = predict(self.heads, encodings, sides)
        worst = corpus.highest(logits)
        linear = self.linear.logits(encodings, sides)
        return logits[worst], classes.argmax(axis=1)[worst], linear[corpus.highest(linear)]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a model is shipped with.

    Attributes:
        temperatures: by side, what the verdict's logits are divided by.
        safe_below: by side, the score below which the linear stage settles.
        thresholds: by side, as the manifest holds them.
        unseen: rows scored by heads that had not met their source: by the model, the linear stage, the baseline.
        places: where those rows lie among harmless ones, by the same three.
        held: rows of known sources that were not trained on, with the likeliest class of each.
        benign: harmless rows that thresholds are set by.
        questions: share of frightening but harmless questions that alarm, at 1 % of prompts and as shipped.
        settled: by side, share of harmless rows that the linear stage settles.
        shares: by side, harmless rows of sources not met that alarm by thresholds set in the same way.
        lost: by side, share of harm of sources not met that the linear stage settles and the encoder would have
            caught.
    """

    temperatures: Mapping[str, float]
    safe_below: Mapping[str, float]
    thresholds: Mapping[str, Mapping[str, Any]]
    unseen: Mapping[str, Judged]
    places: Mapping[str, Places]
    held: Judged
    held_said: list[str]
    benign: Judged
    questions: Mapping[str, float]
    settled: Mapping[str, float]
    shares: Mapping[str, float]
    lost: Mapping[str, float]


def judge(
    verdicts: Verdicts, held: Corpus, benign: Corpus, questions: Corpus, material: Material, unseen: Unseen
) -> Outcome:
    """Set temperatures and thresholds, and score what was not trained on.

    Args:
        verdicts: the model.
        held: rows of known sources that were not trained on.
        benign: harmless rows that were not.
        questions: frightening but harmless questions.
        material: the rows of the folds.
        unseen: what the folds gave.
    """
    original = np.array(["+" not in row.id for row in material.rows])
    rows = [row for row, kept in zip(material.rows, original, strict=True) if kept]
    sides, unsafe = sides_of(rows), np.array([row.unsafe for row in rows])
    logits, linear = unseen.logits[original], unseen.linear[original]
    temperatures = {
        side: temperature(logits[sides == number], unsafe[sides == number]) for number, side in enumerate(SIDES)
    }
    cooling = np.array([temperatures[side] for side in SIDES])
    encoder = verdicts.encoder
    base = baseline_scores(
        material.encodings,
        encoder.encode(HARM, "names of harm"),
        encoder.encode(HARMLESS, "names of harmless subjects"),
    )
    held_logits, held_said, held_linear = verdicts.of(held, "held rows")
    benign_logits, _, benign_linear = verdicts.of(benign, "windows of harmless rows")
    question_logits, question_said, _ = verdicts.of(questions, "questions")
    held_scores = sigmoid(held_logits / cooling[held.sides])
    benign_scores = sigmoid(benign_logits / cooling[benign.sides])
    question_scores = sigmoid(question_logits / cooling[questions.sides])
    # Written rows kept back are harmless texts of other kinds than the public ones, and as many as one of those.
    harmless = ((benign, "windows of harmless rows"), (held, "held rows"))
    thresholds, shares, safe_below, lost = {}, {}, {}, {}
    for number, side in enumerate(SIDES):
        shares[side] = unseen.alarms[side]
        caught = class_numbers(row for row in rows if row.unsafe and row.side == side)
        quiet = [_quiet(verdicts, *each, side, cooling[number]) for each in harmless]
        thresholds[side] = _thresholds(quiet, caught, ALARMS_SHIPPED[side])
        safe_below[side] = quantile(sigmoid(held_linear[held.unsafe & (held.sides == number)]), _SETTLED_HARM)
        harm = unsafe & (sides == number)
        reached = sigmoid(logits[harm] / cooling[number]) >= thresholds[side]["unsafe"]
        lost[side] = float((reached & (sigmoid(linear[harm]) < safe_below[side])).mean())
    prompts = benign_scores[benign.sides == 0]
    bars = np.array([thresholds["input"]["categories"][CATEGORIES[number]] for number in question_said])
    return Outcome(
        temperatures,
        safe_below,
        thresholds,
        {
            "model": Judged(rows, sigmoid(logits / cooling[sides])),
            "linear": Judged(rows, sigmoid(linear)),
            "baseline": Judged(rows, base[original]),
        },
        {
            name: Places(found.apart[original], found.unmet[original])
            for name, found in (
                ("model", unseen.model_places),
                ("linear", unseen.linear_places),
                ("baseline", placed(material, np.tile(base, (FOLDS, 1)))),
            )
        },
        Judged(held.rows, held_scores),
        [CATEGORIES[number] for number in held_said],
        Judged(benign.rows, benign_scores),
        {
            "at_one_percent": share_at(question_scores, threshold_at(prompts, ALARM_SHARE)),
            "as_shipped": float((question_scores >= bars).mean()),
        },
        {
            side: float((sigmoid(benign_linear[benign.sides == number]) < safe_below[side]).mean())
            for number, side in enumerate(SIDES)
        },
        shares,
        lost,
    )


@dataclass(frozen=True, slots=True)
class _Quiet:
    """Windows of harmless texts, which should not alarm.

    Attributes:
        scores: of the windows.
        said: number of the likeliest class of each.
        texts: how many texts they are of.
    """

    scores: NDArray[np.float64]
    said: NDArray[np.int64]
    texts: int


def _quiet(verdicts: Verdicts, corpus: Corpus, name: str, side: str, cooling: float) -> _Quiet:
    chosen = np.array([is_ordinary(row, side) for row in corpus.rows])
    logits, said = verdicts.windows(corpus, name)
    own = chosen[corpus.owners]
    return _Quiet(sigmoid(logits[own] / cooling), said[own], int(chosen.sum()))


def _thresholds(quiet: list[_Quiet], caught: NDArray[np.int64], alarms: float) -> dict[str, Any]:
    scores, said = np.concatenate([one.scores for one in quiet]), np.concatenate([one.said for one in quiet])
    # Any window may alarm, whichever of a text's scores highest: so many windows may as texts are allowed to.
    share = alarms * sum(one.texts for one in quiet) / max(1, len(scores))
    whole = max(0.5, threshold_at(scores, share))
    named = class_thresholds(scores, said, caught, len(CATEGORIES), share)
    early = threshold_at(scores, share * _EARLY)
    return {
        "unsafe": round(whole, 6),
        "early": round(max(early, whole), 6),
        "categories": {name: round(value, 6) for name, value in zip(CATEGORIES, named, strict=True)},
    }


def figures(outcome: Outcome) -> dict[str, Any]:
    """Return everything that the manifest, the card and the plots say of the model."""
    unseen = {name: side_figures(judged) for name, judged in outcome.unseen.items()}
    apart = {
        name: place_figures(outcome.unseen[name].rows, found.apart, found.unmet)
        for name, found in outcome.places.items()
    }
    # Rows lie by their own fold's heads, so one bar is right for all of them.
    by = Judged(outcome.unseen["model"].rows, outcome.places["model"].apart)
    bars = dict.fromkeys(SIDES, 1 - ALARM_SHARE)
    unsafe = [row.unsafe for row in outcome.held.rows]
    truth = [row.category for row in outcome.held.rows if row.unsafe]
    guess = [said for said, harmful in zip(outcome.held_said, unsafe, strict=True) if harmful]
    by_class = dict(f1_by_class(truth, guess, CATEGORIES))
    return {
        "temperature": dict(outcome.temperatures),
        "linear": {"safe_below": dict(outcome.safe_below)},
        "thresholds": outcome.thresholds,
        "unseen": unseen,
        "apart": apart,
        "unseen_by": {
            "source": tables(by, bars, lambda row: row.source),
            "lang": tables(by, bars, lambda row: row.lang),
            "category": tables(by, bars, lambda row: row.category),
        },
        "held": side_figures(outcome.held),
        "held_by": {
            key: tables(
                outcome.held,
                {side: outcome.thresholds[side]["unsafe"] for side in SIDES},
                lambda row, key=key: getattr(row, key),  # type: ignore[misc]
            )
            for key in ("lang", "category")
        },
        "macro_f1": float(np.mean(list(by_class.values()))),
        "f1": by_class,
        "confusion": confusion(truth, guess, CATEGORIES).tolist(),
        "questions": dict(outcome.questions),
        "settled": dict(outcome.settled),
        "lost_by_settling": dict(outcome.lost),
        "alarm_share": dict(outcome.shares),
        "curves": _curves(outcome),
    }


def _curves(outcome: Outcome) -> dict[str, dict[str, list[float]]]:
    """Return recall and alarms by threshold, on sources that were not met."""
    judged = outcome.unseen["model"]
    at = np.linspace(0, 1, 101)
    curves = {}
    for side in SIDES:
        harmful = judged.where(lambda row, side=side: row.side == side and row.category != SAFE)  # type: ignore[misc]
        harmless = judged.where(lambda row, side=side: is_ordinary(row, side))  # type: ignore[misc]
        curves[side] = {
            "threshold": at.tolist(),
            "recall": [share_at(harmful, value) for value in at],
            "alarms": [share_at(harmless, value) for value in at],
        }
    return curves
