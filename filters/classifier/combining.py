"""What several classifiers say together.

Rules: scores of different models are of different scales, so each is first brought to one on which its own bar is at
one half; one of `any` suffices by itself, those of `all` count where all of them agree, those of `weighted` are
averaged; the highest of these three is the score.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from filters.classifier.scores import Score

BAR = 0.5
"""The bar on the common scale."""


class Combine(StrEnum):
    """What the word of one classifier counts among others."""

    ANY = "any"  # it suffices
    ALL = "all"  # it counts where all others of this kind say the same
    WEIGHTED = "weighted"  # scores of this kind are averaged by weight


class Voice(NamedTuple):
    """One classifier's word on a window.

    Attributes:
        score: on the common scale.
        combine: what it counts.
        weight: its share among those that are averaged.
    """

    score: Score
    combine: Combine
    weight: float


def to_common(score: Score, bar: float) -> Score:
    """Bring a score to the scale on which the bar is at one half."""
    if score.unsafe < bar:
        return score._replace(unsafe=BAR * score.unsafe / bar)
    rest = 1 - bar
    return score._replace(unsafe=BAR + BAR * ((score.unsafe - bar) / rest if rest else 1.0))


def combine(voices: Sequence[Voice]) -> Score:
    """Return the score of a window from the words of several classifiers; there is at least one."""
    kinds = {kind: [voice for voice in voices if voice.combine is kind] for kind in Combine}
    scores = [voice.score for voice in kinds[Combine.ANY]]
    if kinds[Combine.ALL]:
        scores.append(min((voice.score for voice in kinds[Combine.ALL]), key=_unsafe))
    if weighted := kinds[Combine.WEIGHTED]:
        total = sum(voice.weight for voice in weighted)
        mean = sum(voice.weight * voice.score.unsafe for voice in weighted) / total
        # The class is the surest one's: of classes there is no mean.
        scores.append(max((voice.score for voice in weighted), key=_unsafe)._replace(unsafe=mean))
    return max(scores, key=_unsafe)


def _unsafe(score: Score) -> float:
    return score.unsafe
