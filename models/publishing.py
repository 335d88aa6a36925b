"""Writing the folder of a model: files, manifest, plots, card."""

import hashlib
import io
import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from filters.classifier.features import VERSION, Sizes, tables_digest
from models.card import card
from models.linear import Linear
from models.plots import plot_confusion, plot_curves
from models.rows import CATEGORIES

FORMAT = 1
NAME = "sluice-classifier"
COMMAND = "python -m models.train --data DATA"
MOST_BYTES = 40 * 1000 * 1000
"""All files of a model together."""
# The risk of the taxonomy that a class of the training data stands for.
RISKS = {
    "hate_discrimination": "A.2.i",
    "abuse": "A.4.a",
    "fraud": "A.1.h",
    "jailbreak": "X.jailbreak",
    "other_illegal": "A.1.h",
    "misinformation": "A.1.g",
    "violence_terror": "A.1.f",
    "drugs": "A.1.h",
    "pornography": "A.1.f",
    "weapons_explosives": "A.1.h",
    "gambling": "A.1.h",
    "privacy": "A.4.e",
    "illicit_ads": "A.1.h",
    "self_harm": "A.4.a",
    "ip_commercial": "A.3.a",
    "minors": "A.1.f",
    "national_security_violent": "A.1.b",
}


@dataclass(frozen=True, slots=True)
class Training:
    """Where a model comes from.

    Attributes:
        data_sha256: digest of the rows it was trained on.
        rows: how many they were, evasive copies not counted.
        seed: of the run.
        created: date of the model.
        version: its version.
    """

    data_sha256: str
    rows: int
    seed: int
    created: date
    version: str


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


def manifest(contents: dict[str, bytes], sizes: Sizes, training: Training, figures: dict[str, Any]) -> dict[str, Any]:
    """Return the manifest of a model, which says what its files are and what its scores mean."""
    unseen = figures["unseen"]
    return {
        "format": FORMAT,
        "name": NAME,
        "version": training.version,
        "created": training.created.isoformat(),
        "files": {
            use: {"path": name, "sha256": hashlib.sha256(contents[name]).hexdigest(), "bytes": len(contents[name])}
            for use, name in (("encoder", "encoder.onnx"), ("tokenizer", "tokenizer.model"), ("linear", "linear.npz"))
        },
        "features": {"version": VERSION, "tables_sha256": tables_digest(), **sizes._asdict()},
        "categories": [{"name": name, "risk": RISKS[name]} for name in CATEGORIES],
        "temperature": figures["temperature"],
        "linear": figures["linear"],
        "thresholds": figures["thresholds"],
        "training": {
            "data_sha256": training.data_sha256,
            "rows": training.rows,
            "seed": training.seed,
            "command": COMMAND,
        },
        "metrics": {
            "unseen_sources": unseen["model"],
            "unseen_sources_linear": unseen["linear"],
            "unseen_sources_untrained": unseen["baseline"],
            "held_rows": figures["held"],
            "macro_f1": figures["macro_f1"],
            "frightening_questions": figures["questions"],
            "settled_by_linear": figures["settled"],
        },
    }
