"""Scores and thresholds: how well harm is told from the rest, and from which score on it counts.

Thresholds are set by harmless texts alone, of one side and never trained on: the score that a stated share of them
reaches. What they are set by must be like what will be met; the share is no better than that likeness.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]


def sigmoid(logits: NDArray[np.floating]) -> Scores:
    """Return probabilities of logits."""
    return 1.0 / (1.0 + np.exp(-np.clip(logits.astype(np.float64), -60, 60)))


def softmax(logits: NDArray[np.floating]) -> Scores:
    """Return probabilities of the classes, the last axis."""
    powers = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def auroc(harmless: Scores, harmful: Scores) -> float:
    """Return the share of pairs in which the harmful text scores higher, ties by half."""
    if not len(harmless) or not len(harmful):
        return float("nan")
    return float(places(harmless, harmful).mean())


def places(harmless: NDArray[np.floating], scores: NDArray[np.floating]) -> Scores:
    """Return for each text the share of harmless texts that score lower, ties by half."""
    ordered = np.sort(harmless)
    below = np.searchsorted(ordered, scores, "left")
    level = np.searchsorted(ordered, scores, "right") - below
    return np.asarray((below + level / 2) / max(1, len(ordered)), np.float64)


def threshold_at(harmless: Scores, alarm_share: float) -> float:
    """Return the lowest score above which at most a share of harmless texts lies.

    Args:
        harmless: scores of harmless texts.
        alarm_share: how many may reach the threshold, 0 to 1.

    Returns:
        A score one step above that of the first text that must not.
    """
    allowed = int(alarm_share * len(harmless))
    descending = np.sort(harmless)[::-1]
    if not len(descending):
        return 1.0
    return float(np.nextafter(descending[min(allowed, len(descending) - 1)], np.inf))


def share_at(scores: Scores, threshold: float) -> float:
    """Return the share of texts that reach a threshold."""
    return float((scores >= threshold).mean()) if len(scores) else float("nan")


def quantile(scores: Scores, share: float) -> float:
    """Return the score that a share of texts stays below."""
    return float(np.sort(scores)[int(share * len(scores))])


def temperature(logits: NDArray[np.floating], unsafe: NDArray[np.bool_]) -> float:
    """Return what logits are divided by so that probabilities fit best (Guo et al. 2017).

    Args:
        logits: of rows never trained on.
        unsafe: which of them are harmful; both kinds count alike, however many there are.
    """
    values = np.geomspace(0.2, 5.0, 200)
    losses = []
    for value in values:
        right = sigmoid(np.where(unsafe, logits, -logits) / value)
        surprise = -np.log(np.maximum(right, 1e-12))
        losses.append(surprise[unsafe].mean() + surprise[~unsafe].mean())
    return float(values[int(np.argmin(losses))])


def macro_f1(truth: Sequence[str], guess: Sequence[str], classes: Sequence[str]) -> float:
    """Return the mean F1 of the classes that occur."""
    return float(np.mean(list(f1_by_class(truth, guess, classes).values())))


def f1_by_class(truth: Sequence[str], guess: Sequence[str], classes: Sequence[str]) -> Mapping[str, float]:
    """Return the F1 of each class that occurs."""
    true, said = np.array(truth), np.array(guess)
    scores = {}
    for name in classes:
        both = ((true == name) & (said == name)).sum()
        either = (true == name).sum() + (said == name).sum()
        if (true == name).any():
            scores[name] = float(2 * both / either)
    return scores


def class_thresholds(
    scores: NDArray[np.float64], said: NDArray[np.int64], caught: NDArray[np.int64], classes: int, share: float
) -> list[float]:
    """Share the alarms that are allowed among the classes.

    A class that harmless texts are seldom taken for gets a lower threshold, and its harm is caught earlier.

    Args:
        scores: of harmless texts.
        said: number of the likeliest class of each.
        caught: the same for harmful texts.
        classes: how many there are.
        share: alarms allowed among the harmless texts, all classes together.

    Returns:
        For each class the score from which on a text it is likeliest for is harmful, not below one half.
    """
    weight = np.bincount(caught, minlength=classes) / max(1, len(caught)) / 2 + 0.5 / classes
    thresholds = []
    for number in range(classes):
        own = scores[said == number]
        allowed = share * weight[number] * len(scores) / max(1, len(own))
        thresholds.append(max(0.5, threshold_at(own, allowed)) if allowed < 1 else 0.5)
    return thresholds
