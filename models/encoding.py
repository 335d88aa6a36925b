"""What the frozen part of the model makes of texts, computed once and kept on disk.

The quantised encoder is used, the one that is shipped: what is trained on it has met its rounding.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from rich.progress import track

from filters.classifier.features import Features, tables_digest

_BATCH_PIECES = 4096
"""Pieces in a batch, padding among them: more gain nothing and need memory."""


@dataclass(frozen=True, slots=True)
class Encodings:
    """Texts as the heads read them.

    Attributes:
        dense: what the encoder gives, shape (texts, width), half precision.
        ngrams: numbers of n-grams of all texts, one behind the other.
        offsets: where those of each text start, and the end of the last.
    """

    dense: NDArray[np.float16]
    ngrams: NDArray[np.int32]
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of texts."""
        return len(self.dense)

    def of(self, indices: NDArray[np.int64]) -> "Encodings":
        """Return those of some texts, in the order given."""
        lengths = np.diff(self.offsets)[indices]
        offsets = np.concatenate(([0], np.cumsum(lengths)))
        places = np.arange(offsets[-1]) + np.repeat(self.offsets[indices] - offsets[:-1], lengths)
        return Encodings(self.dense[indices], self.ngrams[places], offsets)


def joined(parts: Sequence[Encodings]) -> Encodings:
    """Return encodings one behind the other."""
    lengths = [np.diff(part.offsets) for part in parts]
    return Encodings(
        np.concatenate([part.dense for part in parts]),
        np.concatenate([part.ngrams for part in parts]),
        np.concatenate([[0], np.cumsum(np.concatenate(lengths))]),
    )


class Encoder:
    """Computes encodings, or finds them where they were put before."""

    def __init__(self, model: bytes, features: Features, cache: Path, threads: int) -> None:
        """Load the model.

        Args:
            model: an ONNX model with the input ``pieces`` and the output ``encoding``.
            features: reads the texts.
            cache: directory of what was computed before.
            threads: threads to compute with.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._features = features
        self._cache = cache
        self._digest = hashlib.sha256(model + tables_digest().encode()).hexdigest()

    def encode(self, texts: Sequence[str], name: str) -> Encodings:
        """Return the encodings of texts.

        Args:
            texts: texts as received.
            name: says on the progress bar and in the cache what they are.
        """
        digest = hashlib.sha256(self._digest.encode())
        for text in texts:
            digest.update(text.encode("utf-8", "replace") + b"\0")
        path = self._cache / f"{name}-{digest.hexdigest()[:16]}.npz"
        if path.exists():
            with np.load(path) as kept:
                return Encodings(kept["dense"], kept["ngrams"], kept["offsets"])
        found = self._compute(texts, name)
        self._cache.mkdir(parents=True, exist_ok=True)
        # Renamed when whole, so that an interrupted run leaves nothing that looks finished.
        part = path.with_suffix(".part.npz")
        np.savez(part, dense=found.dense, ngrams=found.ngrams, offsets=found.offsets)
        part.rename(path)
        return found

    def _compute(self, texts: Sequence[str], name: str) -> Encodings:
        read = [self._features.encode(text) for text in track(texts, f"reading {name}")]
        dense = np.empty((len(texts), self._session.get_outputs()[0].shape[1]), np.float16)
        # Texts of like length together, or padding would be most of the work.
        order = sorted(range(len(texts)), key=lambda index: len(read[index].pieces))
        for batch in track(_batches(order, [len(one.pieces) for one in read]), f"encoding {name}"):
            pieces = np.zeros((len(batch), max(len(read[index].pieces) for index in batch)), np.int64)
            for row, index in enumerate(batch):
                pieces[row, : len(read[index].pieces)] = read[index].pieces
            dense[batch] = self._session.run(["encoding"], {"pieces": pieces})[0]
        lengths = [len(one.ngrams) for one in read]
        ngrams = np.concatenate([np.empty(0, np.int32), *(one.ngrams.astype(np.int32) for one in read)])
        return Encodings(dense, ngrams, np.concatenate(([0], np.cumsum(lengths, dtype=np.int64))))


def _batches(order: Sequence[int], lengths: Sequence[int]) -> list[list[int]]:
    """Divide texts, shortest first, into batches of about as many pieces each."""
    batches: list[list[int]] = [[]]
    for index in order:
        if batches[-1] and (len(batches[-1]) + 1) * lengths[index] > _BATCH_PIECES:
            batches.append([])
        batches[-1].append(index)
    return batches
