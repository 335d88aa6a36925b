"""Hold the model that is written equal to the one that was fitted."""

from collections.abc import Mapping

import numpy as np
import onnxruntime

from filters.classifier.features import Features
from models.calibration import sigmoid
from models.corpus import Corpus
from models.rows import SIDES
from models.verdicts import Verdicts

MOST_ON_AVERAGE = 0.02
"""How far scores may lie apart: rounding depends on the batch, so they are never the same."""
_SAMPLED = 300


def difference(
    model: bytes, features: Features, verdicts: Verdicts, corpus: Corpus, temperatures: Mapping[str, float]
) -> float:
    """Score a sample by the graph and by what it was written from.

    Args:
        model: the ONNX graph.
        features: reads the texts.
        verdicts: what was fitted.
        corpus: rows to draw the sample from.
        temperatures: by side, what the verdict's logits are divided by.

    Returns:
        How far the scores lie apart on average.

    Raises:
        ValueError: they lie farther apart than rounding explains, so the graph is another model.
    """
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    sample = Corpus.of(corpus.rows[:: max(1, len(corpus.rows) // _SAMPLED)])
    logits, _, _ = verdicts.of(sample, "sample of held rows")
    # The worst window by the one need not be that by the other, so all are scored and the highest taken.
    scores = np.zeros(len(sample.rows))
    for window, owner in zip(sample.windows, sample.owners, strict=True):
        read, side = features.encode(window), SIDES.index(sample.rows[owner].side)
        feed = {"pieces": read.pieces[None], "ngrams": read.ngrams[None], "side": np.array([side], np.int64)}
        if not len(read.ngrams):
            feed["ngrams"] = np.zeros((1, 1), np.int64)
        scores[owner] = max(scores[owner], session.run(["unsafe"], feed)[0][0])
    cooling = np.array([temperatures[row.side] for row in sample.rows])
    apart = float(np.abs(scores - sigmoid(logits / cooling)).mean())
    if apart > MOST_ON_AVERAGE:
        raise ValueError(f"the graph's scores lie {apart:.3f} from those of the fitted model; look at models.export")
    return apart
