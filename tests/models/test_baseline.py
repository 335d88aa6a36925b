"""The untrained baseline."""

import numpy as np

from models.baseline import baseline_scores
from models.encoding import Encodings


def _encodings(rows: list[list[float]]) -> Encodings:
    return Encodings(np.array(rows, np.float16), np.empty(0, np.int32), np.zeros(len(rows) + 1, np.int64))


def test_what_is_nearer_to_harm_scores_higher() -> None:
    """The nearest name on either side counts."""
    harm, harmless = _encodings([[1, 0, 0], [0, 1, 0]]), _encodings([[0, 0, 1]])
    scores = baseline_scores(_encodings([[0, 1, 0], [0, 0, 1], [0.6, 0, 0.8]]), harm, harmless)
    assert np.allclose(scores, [1, -1, -0.2], atol=1e-3)
