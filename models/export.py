"""The graph that is shipped: encoder, n-grams and heads in one, in whole numbers where that saves most."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import QuantType, quantize_dynamic

from models.encoder import Weights, add_encoder, add_table, quantized_rows
from models.graph import Graph
from models.rows import CATEGORIES, SIDES

PIECES = ("texts", "pieces")
_NGRAMS = ("texts", "ngrams")


def encoder_model(weights: Weights) -> bytes:
    """Return the encoder alone, which trained heads are fitted on: input ``pieces``, output ``encoding``."""
    graph = Graph()
    encoding = add_encoder(graph, "pieces", weights)
    return _quantized(graph.model({"pieces": PIECES}, {encoding.name: ("texts", encoding.width)}))


def classifier_model(
    weights: Weights, heads: Mapping[str, NDArray[np.float32]], temperatures: Mapping[str, float]
) -> bytes:
    """Return the whole model.

    Args:
        weights: of the encoder.
        heads: of the heads, by their names in `models.heads.Heads`.
        temperatures: by side, what the verdict's logits are divided by.
    """
    graph = Graph()
    encoding = add_encoder(graph, "pieces", weights)
    side = graph.add("Unsqueeze", graph.add("Cast", "side", to=1), graph.numbers(1))
    sign = graph.add("Sub", graph.add("Mul", side, graph.number(2.0)), graph.number(1.0))
    centred = graph.add("Sub", encoding.name, graph.weight("mean", heads["mean"]))
    levelled = graph.add("Mul", centred, graph.weight("scale", heads["scale"]))
    bag = _add_bag(graph, heads)
    read = graph.add("Concat", levelled, sign, axis=-1)
    spelt = graph.matmul(bag, "ngram_hidden", _padded(heads).T)
    hidden = graph.add("Add", _add_layer(graph, read, "unsafe_hidden", heads), spelt)
    logits = _add_linear(graph, graph.add("Relu", hidden), "unsafe", heads)
    chosen = graph.weight("temperatures", np.array([temperatures[name] for name in SIDES], np.float32))
    cooled = graph.add("Div", graph.add("Squeeze", logits, graph.numbers(1)), graph.add("Gather", chosen, "side"))
    unsafe = graph.add("Sigmoid", cooled, name="unsafe")
    hidden = _add_layer(graph, read, "category_hidden", heads)
    named = _add_linear(graph, graph.add("Relu", hidden), "category", heads)
    categories = graph.add("Softmax", named, name="categories", axis=-1)
    inputs = {"pieces": PIECES, "ngrams": _NGRAMS, "side": ("texts",)}
    return _quantized(graph.model(inputs, {unsafe: ("texts",), categories: ("texts", len(CATEGORIES))}))


def _padded(heads: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return the weights of the n-grams with zeros for the members that do not read them."""
    own = heads["ngram_hidden.weight"]
    whole = np.zeros((len(heads["unsafe_hidden.weight"]), own.shape[1]), np.float32)
    whole[: len(own)] = own
    return whole


def _add_bag(graph: Graph, heads: Mapping[str, NDArray[np.float32]]) -> str:
    # Number 0 is padding here and never met in training.
    found = add_table(graph, "ngrams", "ngram_table", heads["ngrams.weight"][1:])
    total = graph.add("ReduceSum", found, graph.numbers(1), keepdims=0)
    present = graph.add("Cast", graph.add("Greater", "ngrams", graph.numbers(0)), to=1)
    count = graph.add("Max", graph.add("ReduceSum", present, graph.numbers(1), keepdims=1), graph.number(1.0))
    levelled = graph.add("Div", total, graph.add("Sqrt", count))
    return graph.add("Relu", graph.add("Add", levelled, graph.weight("ngram_bias", heads["ngram_bias"])))


def _add_layer(graph: Graph, values: str, name: str, heads: Mapping[str, NDArray[np.float32]]) -> str:
    """Add a layer whose weights alone are whole numbers: what comes in has outliers, and it is a single row."""
    quantized, scales = quantized_rows(heads[f"{name}.weight"])
    stored = graph.add("Cast", graph.weight(f"{name}_weight", quantized.T), to=1)
    weights = graph.add("Mul", stored, graph.weight(f"{name}_scale", scales.T))
    product = graph.add("Einsum", values, weights, equation="ij,jk->ik")
    return graph.add("Add", product, graph.weight(f"{name}_bias", heads[f"{name}.bias"]))


def _add_linear(graph: Graph, values: str, name: str, heads: Mapping[str, NDArray[np.float32]]) -> str:
    product = graph.add("Gemm", values, graph.weight(f"{name}_weight", heads[f"{name}.weight"]), transB=1)
    return graph.add("Add", product, graph.weight(f"{name}_bias", heads[f"{name}.bias"]))


def _quantized(model: onnx.ModelProto) -> bytes:
    """Write the products of matrices in whole numbers, one scale for each column of the weights."""
    with tempfile.TemporaryDirectory() as directory:
        whole, small = Path(directory) / "whole.onnx", Path(directory) / "small.onnx"
        onnx.save(model, whole)
        # Seven bits: older processors add two products of eight bits in sixteen and overflow.
        quantize_dynamic(
            whole,
            small,
            op_types_to_quantize=["MatMul"],
            per_channel=True,
            reduce_range=True,
            weight_type=QuantType.QInt8,
        )
        return small.read_bytes()
