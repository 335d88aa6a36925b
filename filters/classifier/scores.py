"""What a classifier is asked and what it answers: windows of text in, one score for each out.

Rules: a score is a calibrated probability and never a decision; what it is measured against belongs to policies and
to the model's manifest. Whoever answers with anything but one number from 0 to 1 for each window has not answered.
"""

import math
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol

SAFE = "safe"
"""Name of the category that harmless texts have."""


class Side(StrEnum):
    """Whose words a text is: calibrated apart, since prompts and replies differ."""

    INPUT = "input"  # a user's prompt
    OUTPUT = "output"  # a model's reply


class Window(NamedTuple):
    """A stretch of text that is scored by itself.

    Attributes:
        text: the stretch.
        side: whose words it is.
    """

    text: str
    side: Side


class Score(NamedTuple):
    """What a classifier says of a window.

    Attributes:
        unsafe: calibrated probability that it is harmful, 0 to 1.
        category: the model's name for the harm, or ``safe`` where none was asked for.
        risk: risk id the category stands for; empty for ``safe``.
        settled: True when the linear stage settled it and the encoder was not asked.
    """

    unsafe: float
    category: str = SAFE
    risk: str = ""
    settled: bool = False


class ScorerError(RuntimeError):
    """A classifier could not score, or its answer is none; says nothing of the text."""


class Scorer(Protocol):
    """Whatever scores windows."""

    def score(self, windows: Sequence[Window]) -> list[Score]:
        """Score windows, in their order; raise `ScorerError` when that fails."""
        ...


def checked(scores: Sequence[Score], count: int) -> list[Score]:
    """Return an answer that is one.

    Args:
        scores: what a classifier said.
        count: how many windows it was asked about.

    Raises:
        ScorerError: a score is missing, or is no probability: compared with a bar, a nan would pass everything.
    """
    if len(scores) != count:
        raise ScorerError(f"{len(scores)} scores for {count} windows")
    for score in scores:
        if not (math.isfinite(score.unsafe) and 0.0 <= score.unsafe <= 1.0):
            raise ScorerError("a score is no probability")
    return list(scores)
