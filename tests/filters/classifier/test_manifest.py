"""The manifest of a model: what is checked, and what is said of what is wrong."""

import json
from pathlib import Path
from typing import Any

import pytest

from filters.classifier.manifest import ManifestError, check_files, read_manifest
from filters.classifier.scores import Side
from tests.classifiers import manifest_of, write_model

RISKS = {"A.1.h", "A.4.a"}


def read(folder: Path) -> Any:  # noqa: ANN401 a manifest
    """Read a folder's manifest."""
    return read_manifest(folder, RISKS)


def test_a_manifest_says_what_serving_needs(tmp_path: Path) -> None:
    """Files with their places, risks by category, thresholds by side; its digest names it."""
    manifest = read(write_model(tmp_path))
    assert manifest.categories == {"fraud": "A.1.h", "abuse": "A.4.a"}
    assert manifest.thresholds[Side.OUTPUT].early == 0.9
    assert manifest.thresholds[Side.INPUT].settled_below == 0.3
    assert manifest.digest.startswith("sha256:")
    assert manifest.digest != read(write_model(tmp_path, version="2")).digest
    check_files(manifest)


def test_training_and_metrics_may_be_missing(tmp_path: Path) -> None:
    """An operator's own model need not tell."""
    assert read(write_model(tmp_path, training=None, metrics=[])).training == {}


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a newer form": ({"format": 2}, "format must be 1; a newer model needs a newer release"),
    "no name": ({"name": ""}, "name must be a text"),
    "no files": ({"files": {}}, "files.encoder must be an object"),
    "sizes": ({"features": {"max_pieces": -1}}, "features.max_pieces must be a whole number"),
    "no list": ({"categories": {}}, "categories must be a list"),
    "no category": ({"categories": [{"name": "safe"}]}, "categories must name a category of harm"),
    "twice": ({"categories": [{"name": "a", "risk": "A.1.h"}] * 2}, "categories[1].name is there twice"),
    "a risk": ({"categories": [{"name": "a", "risk": "A.9"}]}, "categories[0].risk is not a risk of the taxonomy"),
    "no threshold": ({"thresholds": {}}, "thresholds.input must be an object"),
    "no object": ({"categories": [1]}, "categories[0] must be an object"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said(tmp_path: Path, name: str) -> None:
    """File, member, and what it must be."""
    changes, said = WRONG[name]
    with pytest.raises(ManifestError) as caught:
        read(write_model(tmp_path, **changes))
    assert said in str(caught.value)
    assert str(tmp_path / "manifest.json") in str(caught.value)


@pytest.mark.parametrize(
    ("bars", "said"),
    [
        ({"unsafe": 1.5, "early": 1}, "thresholds.input.unsafe must be a number from 0 to 1"),
        ({"unsafe": True, "early": 1}, "thresholds.input.unsafe must be a number from 0 to 1"),
        ({"unsafe": 0.9, "early": 0.8}, "thresholds.input.early must not be below unsafe"),
        ({"unsafe": 0.9, "early": 0.9, "categories": {"x": 1}}, "has 'x', which is none of the model's"),
    ],
)
def test_thresholds_are_shares(tmp_path: Path, bars: dict[str, Any], said: str) -> None:
    """An early bar below the common one would cost false alarms."""
    good = {"unsafe": 0.8, "early": 0.9, "categories": {}}
    with pytest.raises(ManifestError, match="thresholds") as caught:
        read(write_model(tmp_path, thresholds={"input": {"categories": {}, **bars}, "output": good}))
    assert said in str(caught.value)


@pytest.mark.parametrize("path", ["../encoder.onnx", ".hidden", "/etc/passwd"])
def test_files_are_in_the_folder(tmp_path: Path, path: str) -> None:
    """A manifest from elsewhere reads nothing beside it."""
    files = manifest_of({"encoder": b"", "tokenizer": b"", "linear": b""})["files"]
    files["encoder"]["path"] = path
    with pytest.raises(ManifestError, match="must be the name of a file"):
        read(write_model(tmp_path, files=files))


def test_what_is_no_manifest(tmp_path: Path) -> None:
    """Missing, too large, no JSON, no object."""
    with pytest.raises(ManifestError, match="cannot be read"):
        read(tmp_path)
    for data, said in ((b" " * 2_000_000, "larger"), (b"{", "not JSON"), (b"\xff", "not JSON"), (b"[]", "an object")):
        (tmp_path / "manifest.json").write_bytes(data)
        with pytest.raises(ManifestError, match=said):
            read(tmp_path)


def test_a_file_that_is_another_is_found(tmp_path: Path) -> None:
    """A half-copied model is an error."""
    manifest = read(write_model(tmp_path))
    (tmp_path / "linear.npz").write_bytes(b"half")
    with pytest.raises(ManifestError, match=r"linear\.npz: is not the file its manifest names"):
        check_files(manifest)
    (tmp_path / "linear.npz").unlink()
    with pytest.raises(ManifestError, match=r"linear\.npz: cannot be read"):
        check_files(manifest)
    assert json.loads((tmp_path / "manifest.json").read_text())["name"] == "tiny"
