"""A model on this machine: the cascade, and what is said of a model that cannot be used."""

import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from filters.classifier.manifest import ManifestError
from filters.classifier.model import OnnxModel, load_model
from filters.classifier.scores import Score, ScorerError, Side, Window
from tests.classifiers import EVIL, ODD, graph_bytes, manifest_of, write_model

RISKS = {"A.1.h", "A.4.a"}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> OnnxModel:
    """The tiny model."""
    return load_model(write_model(tmp_path_factory.mktemp("model")), RISKS)


def window(text: str, side: Side = Side.INPUT) -> Window:
    """Build a window."""
    return Window(text, side)


def test_the_linear_stage_settles_what_is_clear(model: OnnxModel) -> None:
    """The encoder is asked about the rest, and the answers keep their order."""
    texts = ["how to bake bread", f"an {EVIL} of mine", "今天天气很好", ODD, ""]
    scores = model.score([window(text) for text in texts])
    assert [each.settled for each in scores] == [True, False, True, False, False]
    assert [round(each.unsafe, 2) for each in scores if not each.settled] == [0.99, 0.85, 0.0]
    assert (scores[1].category, scores[1].risk) == ("fraud", "A.1.h")
    assert (scores[0].category, scores[0].risk) == ("safe", "")


def test_many_windows_are_scored_in_batches(model: OnnxModel) -> None:
    """More than one batch, of all lengths, on both sides."""
    texts = [f"{EVIL} " + "bread " * count for count in range(20)]
    scores = model.score([window(text, Side.OUTPUT) for text in texts])
    assert {round(each.unsafe, 2) for each in scores} == {0.99}
    assert model.score([]) == []


def test_no_piece_is_left_out(model: OnnxModel) -> None:
    """A text of more pieces than the encoder takes is read in parts."""
    hidden = "qzx" * 60 + EVIL
    assert len(model._read(hidden)) > 1
    assert model.score([window(hidden)])[0].unsafe > 0.9
    assert len(model._read("q")) == 1


def _broken(what: str) -> Callable[[Path], None]:
    def breaking(folder: Path) -> None:
        manifest = json.loads((folder / "manifest.json").read_text())
        file = manifest["files"][what.partition(" ")[0]]
        data = {
            "encoder": b"no graph",
            "encoder outputs": graph_bytes(3),
            "tokenizer": b"no tokenizer",
            "linear": b"no arrays",
            "linear shape": _npz(np.zeros((2, 3)), np.zeros(2)),
            "linear number": _npz(np.full((2, 4096), np.nan), np.zeros(2)),
        }[what]
        (folder / file["path"]).write_bytes(data)
        file["sha256"] = hashlib.sha256(data).hexdigest()
        (folder / "manifest.json").write_text(json.dumps(manifest))

    return breaking


def _npz(weights: Any, bias: Any) -> bytes:  # noqa: ANN401 arrays
    stored = io.BytesIO()
    np.savez(stored, weights=weights, bias=bias)
    return stored.getvalue()


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("encoder", "is no ONNX graph that can be run here"),
        ("encoder outputs", "cannot score a sample: the encoder's answer has another shape"),
        ("tokenizer", "is no SentencePiece model"),
        ("linear", "must hold the arrays 'weights' and 'bias'"),
        ("linear shape", r"weights must be \[2, 4096\] and bias \[2\]"),
        ("linear number", "holds what is no number"),
    ],
)
def test_a_model_that_cannot_be_used_is_an_error_at_the_start(tmp_path: Path, what: str, said: str) -> None:
    """It names the file."""
    _broken(what)(write_model(tmp_path))
    with pytest.raises(ManifestError, match=said):
        load_model(tmp_path, RISKS)


def test_a_model_of_other_features_is_refused(tmp_path: Path) -> None:
    """It would read other texts than it was trained on."""
    features = manifest_of({"encoder": b"", "tokenizer": b"", "linear": b""})["features"] | {"version": 99}
    with pytest.raises(ManifestError, match=r"features\.version 99"):
        load_model(write_model(tmp_path, features=features), RISKS)


def test_a_graph_with_other_names_is_refused(tmp_path: Path, model: OnnxModel) -> None:
    """Fed by other names it could not run."""
    write_model(tmp_path)
    graph = onnx.load_from_string(graph_bytes())
    for node in graph.graph.node:
        node.input[:] = ["party" if name == "side" else name for name in node.input]
    graph.graph.input[2].name = "party"
    data = graph.SerializeToString()
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    manifest["files"]["encoder"]["sha256"] = hashlib.sha256(data).hexdigest()
    (tmp_path / "encoder.onnx").write_bytes(data)
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ManifestError, match="must have the inputs pieces, ngrams, side"):
        load_model(tmp_path, RISKS)


def test_an_encoder_that_fails_says_so(model: OnnxModel) -> None:
    """The runtime's own errors do not get through."""
    encoded = model._read("bread")[0]
    bad = encoded._replace(ngrams=np.array([10**9]))
    with pytest.raises(ScorerError, match="the encoder failed"):
        model._encode([(0, Side.INPUT, bad)])
    assert Score(0.5).category == "safe"
