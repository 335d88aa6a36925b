"""Writing the folder of a model: files, manifest, plots, card."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from filters.classifier.features import Sizes
from models.card import card
from models.linear import Linear
from models.manifest import Training, manifest
from models.plots import plot_confusion, plot_curves

MOST_BYTES = 40 * 1000 * 1000
"""All files of a model together."""


def publish(
    folder: Path,
    model: bytes,
    tokenizer: bytes,
    linear: Linear,
    sizes: Sizes,
    training: Training,
    figures: dict[str, Any],
) -> None:
    """Write a model's folder.

    Args:
        folder: where to; files of an earlier model are overwritten.
        model: the ONNX graph.
        tokenizer: the SentencePiece model.
        linear: the linear stage.
        sizes: how much of a text is read.
        training: where the model comes from.
        figures: as `models.verdicts.figures` gives them.

    Raises:
        ValueError: the files are larger together than a model may be.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = io.BytesIO()
    np.savez(weights, weights=linear.weights, bias=linear.bias)
    contents = {"encoder.onnx": model, "tokenizer.model": tokenizer, "linear.npz": weights.getvalue()}
    if (total := sum(map(len, contents.values()))) > MOST_BYTES:
        raise ValueError(f"the model has {total} bytes; keep fewer pieces or n-grams for {MOST_BYTES}")
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    document = manifest(contents, sizes, training, figures)
    (folder / "manifest.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    plot_curves(figures["curves"], folder / "thresholds.png")
    plot_confusion(figures["confusion"], folder / "confusion.png")
    (folder / "CARD.md").write_text(card(document, figures), encoding="utf-8")
