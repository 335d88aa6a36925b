"""A tiny model in the format of a real one: a text is as harmful as the words in it that it knows."""

import hashlib
import io
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import sentencepiece
from onnx import TensorProto, helper, numpy_helper

from filters.classifier.features import VERSION, Sizes, fold_codes, hashed_ngrams

BUCKETS = 4096
SIZES = Sizes(max_pieces=32, ngram_buckets=BUCKETS, max_ngrams=512)
EVIL, ODD = "evilplan", "oddword"
"""Words the model takes for harm: one surely, one only where a whole text is judged."""
CATEGORIES = [{"name": "fraud", "risk": "A.1.h"}, {"name": "abuse", "risk": "A.4.a"}]

_NAMES = {"encoder": "encoder.onnx", "tokenizer": "tokenizer.model", "linear": "linear.npz"}


def manifest_of(files: dict[str, bytes]) -> dict[str, Any]:
    """Return the manifest of a model made of these files."""
    bars = {"unsafe": 0.8, "early": 0.9, "categories": {"fraud": 0.8}}
    return {
        "format": 1,
        "name": "tiny",
        "version": "1",
        "created": "2026-11-25",
        "files": {
            use: {"path": name, "sha256": hashlib.sha256(files[use]).hexdigest(), "bytes": len(files[use])}
            for use, name in _NAMES.items()
        },
        "features": {"version": VERSION, **SIZES._asdict()},
        "categories": CATEGORIES,
        "temperature": {"input": 1.0, "output": 1.0},
        "linear": {"safe_below": {"input": 0.3, "output": 0.3}},
        "thresholds": {"input": bars, "output": bars},
        "training": {"rows": 4, "seed": 1},
        "metrics": {},
    }


def write_model(folder: Path, **changes: Any) -> Path:  # noqa: ANN401 any JSON
    """Write a model's folder; changes replace members of its manifest. Return the folder."""
    files = dict(_files())
    manifest = manifest_of(files) | changes
    folder.mkdir(parents=True, exist_ok=True)
    for use, data in files.items():
        (folder / _NAMES[use]).write_bytes(data)
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    (folder / "CARD.md").write_text("# Tiny\n\nFor tests.\n", "utf-8")
    return folder


def graph_bytes(outputs: int = 2) -> bytes:
    """Return the graph: the highest harm of any n-gram, and the same probability for each class."""
    harm = np.full((BUCKETS, 1), 0.05, np.float32)
    # The longest n-grams of each word: shorter ones are in harmless words too.
    for word, value in ((EVIL, 0.99), (ODD, 0.85)):
        harm[hashed_ngrams(fold_codes(word), SIZES)] = value
    harm[0] = 0.0
    classes = np.full((1, outputs), 0.4, np.float32)
    classes[0, 0] = 0.6
    nodes = [
        helper.make_node("Gather", ["harm", "ngrams"], ["each"]),
        helper.make_node("ReduceMax", ["each", "axes"], ["unsafe"], keepdims=0),
        helper.make_node("Cast", ["side"], ["sides"], to=TensorProto.FLOAT),
        helper.make_node("Cast", ["pieces"], ["read"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["read", "axis"], ["sums"], keepdims=0),
        helper.make_node("Mul", ["sums", "none"], ["nothing"]),
        helper.make_node("Add", ["sides", "nothing"], ["rows"]),
        helper.make_node("Mul", ["rows", "none"], ["zeros"]),
        helper.make_node("Unsqueeze", ["zeros", "axis"], ["column"]),
        helper.make_node("Add", ["column", "classes"], ["categories"]),
    ]
    constants: dict[str, Any] = {
        "harm": harm,
        "axes": np.array([1, 2], np.int64),
        "axis": np.array([1], np.int64),
        "none": np.array(0, np.float32),
        "classes": classes,
    }
    graph = helper.make_graph(
        nodes,
        "tiny",
        [
            helper.make_tensor_value_info("pieces", TensorProto.INT64, ["batch", "length"]),
            helper.make_tensor_value_info("ngrams", TensorProto.INT64, ["batch", "count"]),
            helper.make_tensor_value_info("side", TensorProto.INT64, ["batch"]),
        ],
        [
            helper.make_tensor_value_info("unsafe", TensorProto.FLOAT, ["batch"]),
            helper.make_tensor_value_info("categories", TensorProto.FLOAT, ["batch", outputs]),
        ],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 9
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def linear_bytes() -> bytes:
    """Return the linear stage: only texts with a known word are left to the encoder."""
    weights = np.full((2, BUCKETS), -1.0, np.float32)
    for word in (EVIL, ODD):
        weights[:, hashed_ngrams(fold_codes(word), SIZES)] = 50.0
    stored = io.BytesIO()
    np.savez(stored, weights=weights, bias=np.zeros(2, np.float32))
    return stored.getvalue()


@cache
def _files() -> dict[str, bytes]:
    return {"encoder": graph_bytes(), "tokenizer": _tokenizer(), "linear": linear_bytes()}


def _tokenizer() -> bytes:
    stored = io.BytesIO()
    text = ["the quick brown fox jumps over the lazy dog", "how to bake bread at home", "今天天气很好 我们去公园玩"]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(text * 5),
        model_writer=stored,
        vocab_size=80,
        hard_vocab_limit=False,
        minloglevel=2,
        num_threads=1,
    )
    return stored.getvalue()
