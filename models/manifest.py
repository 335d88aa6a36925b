"""The manifest of a model: what its files are, and what its scores mean."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from filters.classifier.features import VERSION, Sizes, tables_digest
from models.rows import CATEGORIES

FORMAT = 1
NAME = "sluice-classifier"
COMMAND = "python -m models.train --data DATA"
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


def manifest(
    contents: Mapping[str, bytes], sizes: Sizes, training: Training, figures: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the manifest of a model.

    Args:
        contents: its files by name.
        sizes: how much of a text is read.
        training: where the model comes from.
        figures: as `models.verdicts.figures` gives them.
    """
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
            "unseen_harm": figures["apart"]["model"],
            "unseen_harm_linear": figures["apart"]["linear"],
            "unseen_harm_untrained": figures["apart"]["baseline"],
            "unseen_sources": unseen["model"],
            "unseen_sources_linear": unseen["linear"],
            "unseen_sources_untrained": unseen["baseline"],
            "held_rows": figures["held"],
            "macro_f1": figures["macro_f1"],
            "frightening_questions": figures["questions"],
            "settled_by_linear": figures["settled"],
            "lost_by_settling": figures["lost_by_settling"],
        },
    }
