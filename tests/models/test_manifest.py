"""The manifest that training writes is one that serving reads."""

import json
from datetime import date
from pathlib import Path
from typing import Any

from filters.classifier.features import Sizes
from filters.classifier.manifest import check_files, read_manifest
from filters.classifier.scores import Side
from filters.taxonomy import load_taxonomy
from models.manifest import Training, manifest
from models.rows import CATEGORIES

_CONTENTS = {"encoder.onnx": b"graph", "tokenizer.model": b"pieces", "linear.npz": b"weights"}


def _figures() -> dict[str, Any]:
    bars = {"unsafe": 0.8, "early": 0.9, "categories": dict.fromkeys(CATEGORIES, 0.7)}
    return {
        "temperature": {"input": 1.0, "output": 1.5},
        "linear": {"safe_below": {"input": 0.1, "output": 0.2}},
        "thresholds": {"input": bars, "output": bars},
        "unseen": {"model": {}, "linear": {}, "baseline": {}},
        "apart": {"model": {}, "linear": {}, "baseline": {}},
        "held": {},
        "macro_f1": 0.8,
        "questions": {},
        "settled": {},
        "lost_by_settling": {},
    }


def test_serving_reads_what_training_writes(tmp_path: Path) -> None:
    """Every class has a risk of the taxonomy, and files are those named."""
    training = Training("0" * 64, 10, 1, date(2026, 11, 25), "2026.11")
    document = manifest(_CONTENTS, Sizes(128, 65536, 512), training, _figures())
    (tmp_path / "manifest.json").write_text(json.dumps(document), encoding="utf-8")
    for name, content in _CONTENTS.items():
        (tmp_path / name).write_bytes(content)
    found = read_manifest(tmp_path, load_taxonomy().risks)
    check_files(found)
    assert tuple(found.categories) == CATEGORIES
    assert (found.max_pieces, found.ngram_buckets, found.max_ngrams) == (128, 65536, 512)
    assert found.thresholds[Side.OUTPUT].settled_below == 0.2
    assert found.training["rows"] == 10
