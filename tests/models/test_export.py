"""The graph computes what its weights say, in whole numbers to about a hundredth."""

from collections.abc import Mapping

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from models.calibration import sigmoid, softmax
from models.encoder import quantized_rows
from models.export import classifier_model, encoder_model
from models.rows import CATEGORIES

_WIDTH, _CHANNELS, _PIECES, _BUCKETS = 16, 8, 50, 40
_MEMBERS = 2
_ORDERS = ((2, 0), (3, 1), (5, 2))


def _random(random: np.random.Generator, *shape: int) -> NDArray[np.float32]:
    return random.normal(0, 0.3, shape).astype(np.float32)


@pytest.fixture(scope="module", name="weights")
def _weights() -> dict[str, NDArray[np.float32]]:
    random = np.random.default_rng(1)
    joint = _WIDTH + 3 * _CHANNELS
    weights = {"embeddings": _random(random, _PIECES, _WIDTH), "eps": np.array(1e-6, np.float32)}
    for order, _ in _ORDERS:
        weights |= {f"proj{order}": _random(random, _WIDTH, _CHANNELS), f"proj_b{order}": _random(random, _CHANNELS)}
        weights |= {f"ln_g{order}": _random(random, _CHANNELS), f"ln_b{order}": _random(random, _CHANNELS)}
        for layer in (1, 2):
            weights |= {f"w{layer}_{order}": _random(random, order * _CHANNELS, _CHANNELS)}
            weights |= {f"b{layer}_{order}": _random(random, _CHANNELS)}
    weights |= {"ln_g": _random(random, joint), "ln_b": _random(random, joint)}
    weights |= {"cnn_W": _random(random, joint, _WIDTH), "cnn_b": _random(random, _WIDTH)}
    shapes = {"d0": (_WIDTH, 6), "d1": (6, 6), "p1": (_WIDTH, 6), "d2": (6, _WIDTH), "p3": (6, _WIDTH)}
    return (
        weights
        | {name: _random(random, *shape) for name, shape in shapes.items()}
        | {"d3": _random(random, _WIDTH, _WIDTH)}
    )


@pytest.fixture(scope="module", name="heads")
def _heads() -> dict[str, NDArray[np.float32]]:
    random = np.random.default_rng(2)
    hidden, wide, ngram = 6 * _MEMBERS, 10, 4
    return {
        "mean": _random(random, _WIDTH),
        "scale": np.ones(_WIDTH, np.float32),
        "ngrams.weight": _random(random, _BUCKETS, ngram),
        "ngram_bias": _random(random, ngram),
        "ngram_hidden.weight": _random(random, 6, ngram),
        "unsafe_hidden.weight": _random(random, hidden, _WIDTH + 1),
        "unsafe_hidden.bias": _random(random, hidden),
        "unsafe.weight": _random(random, 1, hidden),
        "unsafe.bias": _random(random, 1),
        "category_hidden.weight": _random(random, wide, _WIDTH + 1),
        "category_hidden.bias": _random(random, wide),
        "category.weight": _random(random, len(CATEGORIES), wide),
        "category.bias": _random(random, len(CATEGORIES)),
    }


def _norm(values: NDArray[np.float32], gain: NDArray[np.float32], shift: NDArray[np.float32]) -> NDArray[np.float32]:
    centred = values - values.mean(axis=-1, keepdims=True)
    return np.asarray(centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-6) * gain + shift)


def _encoded(weights: Mapping[str, NDArray[np.float32]], pieces: list[int]) -> NDArray[np.float32]:
    """Compute the encoder the plain way: one text, one place after the other."""
    embedded = weights["embeddings"][np.array(pieces) - 1]
    projected = embedded @ np.concatenate([weights[f"proj{order}"] for order, _ in _ORDERS], axis=1)
    projected += np.concatenate([weights[f"proj_b{order}"] for order, _ in _ORDERS])
    gain, shift = (np.concatenate([weights[f"{part}{order}"] for order, _ in _ORDERS]) for part in ("ln_g", "ln_b"))
    branches = np.split(_norm(projected, gain, shift), 3, axis=1)
    channels = [embedded]
    for values, (order, before) in zip(branches, _ORDERS, strict=True):
        for layer in (1, 2):
            padded = np.pad(values, ((before, order - 1 - before), (0, 0)))
            windows = np.stack([padded[place : place + order].ravel() for place in range(len(values))])
            product = windows @ weights[f"w{layer}_{order}"] + weights[f"b{layer}_{order}"]
            values = values + np.maximum(product, 0)  # noqa: PLW2901 - the second layer reads what the first gives
        channels.append(values)
    total = _norm(np.concatenate(channels, axis=1), weights["ln_g"], weights["ln_b"]).sum(axis=0)
    pooled = (total @ weights["cnn_W"] + len(pieces) * weights["cnn_b"]) / np.sqrt(len(pieces))
    second = np.maximum(pooled @ weights["p1"] + np.maximum(pooled @ weights["d0"], 0) @ weights["d1"], 0)
    last = np.tanh(second @ weights["p3"] + np.maximum(second @ weights["d2"], 0) @ weights["d3"])
    return np.asarray(last / np.linalg.norm(last))


def _padded(rows: list[list[int]]) -> NDArray[np.int64]:
    longest = max(map(len, rows))
    return np.array([[*row, *[0] * (longest - len(row))] for row in rows], np.int64)


_TEXTS = [[2, 7, 9, 3], [2, 11, 3], [2, 5, 6, 30, 41, 8, 9, 50, 3]]


def test_encoder_is_what_its_weights_say(weights: dict[str, NDArray[np.float32]]) -> None:
    """Each text as if it were alone, however long the others of its batch are."""
    session = onnxruntime.InferenceSession(encoder_model(weights))
    (found,) = session.run(["encoding"], {"pieces": _padded(_TEXTS)})
    for row, pieces in zip(found, _TEXTS, strict=True):
        assert float(row @ _encoded(weights, pieces)) > 0.98


def test_heads_are_what_their_weights_say(
    weights: dict[str, NDArray[np.float32]], heads: dict[str, NDArray[np.float32]]
) -> None:
    """Side, n-grams and temperature all reach the verdict."""
    session = onnxruntime.InferenceSession(classifier_model(weights, heads, {"input": 1.0, "output": 2.0}))
    ngrams, sides = [[1, 5], [], [39]], [0, 1, 1]
    feed = {"pieces": _padded(_TEXTS), "ngrams": _padded(ngrams), "side": np.array(sides, np.int64)}
    unsafe, categories = session.run(["unsafe", "categories"], feed)
    (encodings,) = onnxruntime.InferenceSession(encoder_model(weights)).run(None, {"pieces": feed["pieces"]})
    for number, (encoding, own, side) in enumerate(zip(encodings, ngrams, sides, strict=True)):
        read = np.append((encoding - heads["mean"]) * heads["scale"], 2 * side - 1)
        bag = heads["ngrams.weight"][own].sum(axis=0) / np.sqrt(max(1, len(own))) + heads["ngram_bias"]
        hidden = heads["unsafe_hidden.weight"] @ read + heads["unsafe_hidden.bias"]
        hidden[:6] += heads["ngram_hidden.weight"] @ np.maximum(bag, 0)
        logit = heads["unsafe.weight"][0] @ np.maximum(hidden, 0) + heads["unsafe.bias"][0]
        assert unsafe[number] == pytest.approx(sigmoid(logit / (1 + side)), abs=0.02)
        wide = np.maximum(heads["category_hidden.weight"] @ read + heads["category_hidden.bias"], 0)
        expected = softmax(heads["category.weight"] @ wide + heads["category.bias"])
        assert categories[number] == pytest.approx(expected, abs=0.02)


def test_rows_keep_their_own_scale() -> None:
    """A row of small values is as exact as one of large ones."""
    rows = np.array([[1000.0, -500.0], [0.001, 0.0005], [0.0, 0.0]], np.float32)
    quantized, scales = quantized_rows(rows)
    assert quantized.dtype == np.int8
    assert (quantized * scales)[:2] == pytest.approx(rows[:2], rel=0.01)
    assert not (quantized * scales)[2].any()
