"""The manifest of a model's folder: which files it is made of, and what its scores mean.

Rules: everything that serving relies on is checked before the model is used, and an error names the file, the member
and what it must be; files are known by their digest, so a half-copied model is an error and not another model.
"""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filters.classifier.scores import SAFE, Side

MANIFEST = "manifest.json"
FORMAT = 1
_LARGEST_BYTES = 1024 * 1024
_FILES = ("encoder", "tokenizer", "linear")
_PIECE_BYTES = 1024 * 1024


class ManifestError(ValueError):
    """A model's folder cannot be used; the message says which file, which member, and what it must be."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a model.

    Attributes:
        path: where it is.
        sha256: its digest, 64 hexadecimal digits.
        size_bytes: its size.
    """

    path: Path
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From which score on a text of one side counts as harmful.

    Attributes:
        unsafe: for a text that is whole.
        early: for a passage of one that is still coming.
        categories: in place of ``unsafe``, by the category that a text is found to be of.
        settled_below: what the linear stage scores below this is safe without the encoder.
    """

    unsafe: float
    early: float
    categories: Mapping[str, float]
    settled_below: float


@dataclass(frozen=True, slots=True)
class Manifest:
    """A model's manifest, checked.

    Attributes:
        name: the model's name.
        version: its version.
        created: the day it was made.
        digest: SHA-256 of the manifest, which names every file by digest: ``sha256:`` and 64 hexadecimal digits.
        files: its files by their use.
        max_pieces: most pieces of a text the encoder is given.
        ngram_buckets: size of the table of hashed n-grams.
        max_ngrams: most n-grams of a text the encoder is given.
        features_version: version of the folding and hashing it was trained with.
        categories: risk id by category, in the order of the model's output.
        thresholds: by side.
        training: what it was trained on.
        metrics: what it reached.
    """

    name: str
    version: str
    created: str
    digest: str
    files: Mapping[str, ModelFile]
    max_pieces: int
    ngram_buckets: int
    max_ngrams: int
    features_version: int
    categories: Mapping[str, str]
    thresholds: Mapping[Side, Thresholds]
    training: Mapping[str, Any]
    metrics: Mapping[str, Any]


def read_manifest(folder: Path, known_risks: Collection[str]) -> Manifest:
    """Read and check the manifest of a model's folder; the other files are looked at by `check_files`.

    Args:
        folder: the model's folder.
        known_risks: risk ids of the taxonomy.

    Raises:
        ManifestError: it is missing, no manifest, or of a form that is not known here.
    """
    path = folder / MANIFEST
    try:
        data = path.read_bytes()
    except OSError as exc:
        raise ManifestError(f"{path}: cannot be read ({exc.strerror}). Name the folder of a model.") from exc
    if len(data) > _LARGEST_BYTES:
        raise ManifestError(f"{path}: is larger than {_LARGEST_BYTES} bytes, so it is no manifest.")
    try:
        document = json.loads(data)
    except ValueError as exc:
        raise ManifestError(f"{path}: is not JSON in UTF-8.") from exc
    root = _Reader(path, document)
    if root.integer("format") != FORMAT:
        raise root.wrong("format", f"must be {FORMAT}; a newer model needs a newer release")
    categories = _categories(root, known_risks)
    return Manifest(
        name=root.text("name"),
        version=root.text("version"),
        created=root.text("created"),
        digest="sha256:" + hashlib.sha256(data).hexdigest(),
        files={name: _file(folder, root.inner("files").inner(name)) for name in _FILES},
        max_pieces=root.inner("features").integer("max_pieces"),
        ngram_buckets=root.inner("features").integer("ngram_buckets"),
        max_ngrams=root.inner("features").integer("max_ngrams"),
        features_version=root.inner("features").integer("version"),
        categories=categories,
        thresholds={side: _thresholds(root, side, categories) for side in Side},
        training=root.optional("training"),
        metrics=root.optional("metrics"),
    )


def check_files(manifest: Manifest) -> None:
    """Check that the files of a model are those its manifest names.

    Raises:
        ManifestError: one is missing, or another than the manifest says.
    """
    for file in manifest.files.values():
        try:
            digest = _sha256(file.path)
        except OSError as exc:
            raise ManifestError(
                f"{file.path}: cannot be read ({exc.strerror}). Copy the model's folder anew."
            ) from exc
        if digest != file.sha256:
            raise ManifestError(f"{file.path}: is not the file its manifest names. Copy the model's folder anew.")


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            digest.update(piece)
    return digest.hexdigest()


def _file(folder: Path, reader: "_Reader") -> ModelFile:
    name = reader.text("path")
    # A name and no path: a manifest from elsewhere must not read files beside its folder.
    if name != Path(name).name or name.startswith("."):
        raise reader.wrong("path", "must be the name of a file in the model's folder")
    return ModelFile(folder / name, reader.text("sha256"), reader.integer("bytes"))


def _categories(root: "_Reader", known_risks: Collection[str]) -> dict[str, str]:
    rows = root.listed("categories")
    categories: dict[str, str] = {}
    for row in rows:
        name = row.text("name")
        if name in categories:
            raise row.wrong("name", "is there twice")
        risk = "" if name == SAFE else row.text("risk")
        if risk and risk not in known_risks:
            raise row.wrong("risk", "is not a risk of the taxonomy")
        categories[name] = risk
    if not categories.keys() - {SAFE}:
        raise root.wrong("categories", "must name a category of harm")
    return categories


def _thresholds(root: "_Reader", side: Side, categories: Collection[str]) -> Thresholds:
    own = root.inner("thresholds").inner(side)
    bars = own.inner("categories")
    if unknown := bars.names - set(categories):
        raise own.wrong("categories", f"has {min(unknown)!r}, which is none of the model's categories")
    unsafe, early = own.share("unsafe"), own.share("early")
    # An early verdict is of less text: with a lower bar it would cost more false alarms than the whole.
    if early < unsafe:
        raise own.wrong("early", "must not be below unsafe")
    settled = root.inner("linear").inner("safe_below").share(side)
    return Thresholds(unsafe, early, {name: bars.share(name) for name in bars.names}, settled)


class _Reader:
    """One object of the manifest, and where it stands."""

    def __init__(self, file: Path, value: Any, place: str = "") -> None:  # noqa: ANN401 any JSON value
        self._file = file
        self._place = place
        if not isinstance(value, dict):
            raise ManifestError(f"{file}: {place or 'it'} must be an object.")
        self._value: dict[str, Any] = value

    @property
    def names(self) -> set[str]:
        return set(self._value)

    def wrong(self, name: str, why: str) -> ManifestError:
        return ManifestError(f"{self._file}: {self._path(name)} {why}.")

    def inner(self, name: str) -> "_Reader":
        return _Reader(self._file, self._value.get(name), self._path(name))

    def optional(self, name: str) -> Mapping[str, Any]:
        value = self._value.get(name)
        return value if isinstance(value, dict) else {}

    def listed(self, name: str) -> list["_Reader"]:
        value = self._value.get(name)
        if not isinstance(value, list):
            raise self.wrong(name, "must be a list")
        return [_Reader(self._file, each, f"{self._path(name)}[{number}]") for number, each in enumerate(value)]

    def text(self, name: str) -> str:
        value = self._value.get(name)
        if not isinstance(value, str) or not value:
            raise self.wrong(name, "must be a text")
        return value

    def integer(self, name: str) -> int:
        value = self._value.get(name)
        if type(value) is not int or value < 0:
            raise self.wrong(name, "must be a whole number")
        return value

    def share(self, name: str) -> float:
        value = self._value.get(name)
        # A flag is an integer to Python, and nan is not within any bounds.
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise self.wrong(name, "must be a number from 0 to 1")
        return float(value)

    def _path(self, name: str) -> str:
        return f"{self._place}.{name}" if self._place else name
