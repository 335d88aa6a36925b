"""A model on this machine: a linear stage that settles the clear cases, an encoder for the others.

Rules: the linear stage may only say "safe"; every piece of a window is read, if need be in halves; one thread of
arithmetic, since a second would take the core that serves. Loading checks all files and scores a sample, so a model
that cannot score is an error at the start and not a failed scan.
"""

from collections.abc import Collection, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from filters.classifier import features as text_features
from filters.classifier.features import Encoded, Features, Sizes, fold_codes, hashed_ngrams, linear_score
from filters.classifier.manifest import Manifest, ManifestError, check_files, read_manifest
from filters.classifier.scores import Score, ScorerError, Side, Window, checked

# One row more costs as much as the first; what is saved is the way into the runtime and out of it.
_BATCH = 8
# A passage that the linear stage takes for harmless is left to the score of the whole. Of harmless passages, 95 in a
# hundred are; of those that the encoder is sure enough of to stop a stream, three in a hundred, which the whole or
# another passage stops. A tenth higher, it would be ten.
_EARLY_SETTLED_BELOW = 0.5
_SIDES = tuple(Side)
_SAMPLE = "今天天气怎么样？ What is the weather like today?"
_INPUTS = {"pieces", "ngrams", "side"}
_OUTPUTS = ["unsafe", "categories"]


class OnnxModel:
    """A model of one folder. One thread at a time may score with it.

    Args:
        manifest: checked, its files too.

    Raises:
        ManifestError: a file is not what the manifest says it is for.

    Attributes:
        manifest: as given.
    """

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest
        if manifest.features_version != text_features.VERSION:
            raise ManifestError(
                f"{manifest.files['encoder'].path.parent}: was trained with features.version"
                f" {manifest.features_version}, and this release reads {text_features.VERSION}."
            )
        self._sizes = Sizes(manifest.max_pieces, manifest.ngram_buckets, manifest.max_ngrams)
        self._features = _features(manifest, self._sizes)
        self._weights, self._bias = _linear(manifest)
        self._session = _session(manifest)
        self._names = tuple(manifest.categories)

    def score(self, windows: Sequence[Window]) -> list[Score]:
        """Score windows, in their order.

        Raises:
            ScorerError: the encoder failed, or its answer is none.
        """
        settled: dict[int, Score] = {}
        for place, window in enumerate(windows):
            linear = self.linear_score(window)
            below = self.manifest.thresholds[window.side].settled_below
            if linear < (max(below, _EARLY_SETTLED_BELOW) if window.early else below):
                settled[place] = Score(linear, settled=True)
        left = iter(self.encoder_scores([each for place, each in enumerate(windows) if place not in settled]))
        return [settled.get(place) or next(left) for place in range(len(windows))]

    def encoder_scores(self, windows: Sequence[Window]) -> list[Score]:
        """Score windows by the encoder alone, in their order: what it says of all is of one scale.

        Raises:
            ScorerError: the encoder failed, or its answer is none.
        """
        scores: list[Score | None] = [None] * len(windows)
        open_rows = [
            (place, window.side, encoded)
            for place, window in enumerate(windows)
            for encoded in self._read(window.text)
        ]
        # Rows of like length side by side: padding is computed like text.
        open_rows.sort(key=lambda row: len(row[2].pieces))
        for first in range(0, len(open_rows), _BATCH):
            rows = open_rows[first : first + _BATCH]
            for (place, _, _), score in zip(rows, self._encode(rows), strict=True):
                scores[place] = _graver(scores[place], score)
        return checked([score for score in scores if score is not None], len(windows))

    def linear_score(self, window: Window) -> float:
        """Return what the linear stage alone says of a window."""
        # Without word pieces, which cost as much again and are of use to the encoder alone.
        ngrams = hashed_ngrams(fold_codes(window.text), self._sizes)
        number = _SIDES.index(window.side)
        return linear_score(self._weights[number], float(self._bias[number]), ngrams)

    def _read(self, text: str) -> list[Encoded]:
        encoded = self._features.encode(text)
        # Text that takes many pieces is seldom prose; cut off, its end would be a place to hide in.
        if len(encoded.pieces) < self.manifest.max_pieces or len(text) <= 1:
            return [encoded]
        half = len(text) // 2
        return self._read(text[:half]) + self._read(text[half:])

    def _encode(self, rows: Sequence[tuple[int, Side, Encoded]]) -> list[Score]:
        feed = {
            "pieces": _padded([encoded.pieces for _, _, encoded in rows]),
            "ngrams": _padded([encoded.ngrams for _, _, encoded in rows]),
            "side": np.array([_SIDES.index(side) for _, side, _ in rows], np.int64),
        }
        try:
            unsafe, categories = self._session.run(_OUTPUTS, feed)
        # The runtime raises types of its own making, none of which it documents.
        except Exception as exc:
            raise ScorerError(f"the encoder failed: {type(exc).__name__}") from exc
        if unsafe.shape != (len(rows),) or categories.shape != (len(rows), len(self._names)):
            raise ScorerError("the encoder's answer has another shape than the manifest says")
        return [self._score(*each) for each in zip(map(float, unsafe), categories, strict=True)]

    def _score(self, unsafe: float, categories: NDArray[np.float32]) -> Score:
        name = self._names[int(np.argmax(categories))]
        return Score(unsafe, name, self.manifest.categories[name])


def load_model(folder: Path, known_risks: Collection[str]) -> OnnxModel:
    """Load a model and score a sample with it.

    Args:
        folder: the model's folder.
        known_risks: risk ids of the taxonomy.

    Raises:
        ManifestError: something about it is wrong; the message says what and where.
    """
    manifest = read_manifest(folder, known_risks)
    check_files(manifest)
    model = OnnxModel(manifest)
    try:
        # Also warms it up: the first run allocates what later ones use again.
        model._encode([(0, side, model._features.encode(_SAMPLE)) for side in Side])  # noqa: SLF001 the same module
    except ScorerError as exc:
        raise ManifestError(f"{manifest.files['encoder'].path}: cannot score a sample: {exc}.") from exc
    return model


def _features(manifest: Manifest, sizes: Sizes) -> Features:
    path = manifest.files["tokenizer"].path
    try:
        return Features(path.read_bytes(), sizes)
    except RuntimeError as exc:
        raise ManifestError(f"{path}: is no SentencePiece model.") from exc


def _linear(manifest: Manifest) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    path = manifest.files["linear"].path
    try:
        # Without pickles, which may run code of whoever wrote the file.
        with np.load(BytesIO(path.read_bytes()), allow_pickle=False) as arrays:
            weights, bias = arrays["weights"], arrays["bias"]
    except (KeyError, ValueError, OSError) as exc:
        raise ManifestError(f"{path}: must hold the arrays 'weights' and 'bias'.") from exc
    # float16 files are half as large; the sum needs more.
    weights, bias = weights.astype(np.float32), bias.astype(np.float32)
    if weights.shape != (2, manifest.ngram_buckets) or bias.shape != (2,):
        raise ManifestError(f"{path}: weights must be [2, {manifest.ngram_buckets}] and bias [2].")
    if not (np.isfinite(weights).all() and np.isfinite(bias).all()):
        raise ManifestError(f"{path}: holds what is no number.")
    return weights, bias


def _session(manifest: Manifest) -> onnxruntime.InferenceSession:
    path = manifest.files["encoder"].path
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    # The same: types of the runtime's own making.
    except Exception as exc:
        raise ManifestError(f"{path}: is no ONNX graph that can be run here ({type(exc).__name__}).") from exc
    inputs, outputs = {each.name for each in session.get_inputs()}, [each.name for each in session.get_outputs()]
    if inputs != _INPUTS or not set(_OUTPUTS) <= set(outputs):
        raise ManifestError(f"{path}: must have the inputs pieces, ngrams, side and the outputs unsafe, categories.")
    return session


def _padded(rows: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    # At least one column: a row without n-grams is padding alone.
    table = np.zeros((len(rows), max([1, *map(len, rows)])), np.int64)
    for number, row in enumerate(rows):
        table[number, : len(row)] = row
    return table


def _graver(one: Score | None, other: Score) -> Score:
    return other if one is None or other.unsafe > one.unsafe else one
