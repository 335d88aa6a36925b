"""Writing an ONNX graph by hand: nodes and weights by name."""

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
_IR_VERSION = 8
Shape = Sequence[int | str]


class Graph:
    """A graph being written. Methods return the name of what they add."""

    def __init__(self) -> None:
        """Start without nodes."""
        self._nodes: list[onnx.NodeProto] = []
        self._weights: dict[str, onnx.TensorProto] = {}

    def weight(self, name: str, values: NDArray[np.generic]) -> str:
        """Add a constant."""
        if name not in self._weights:
            self._weights[name] = numpy_helper.from_array(np.ascontiguousarray(values), name)
        return name

    def numbers(self, *values: int) -> str:
        """Add whole numbers, such as axes."""
        return self.weight("i" + "_".join(map(str, values)), np.array(values, np.int64))

    def number(self, value: float) -> str:
        """Add a single number."""
        return self.weight(f"f{value}", np.array(value, np.float32))

    def add(self, operator: str, *inputs: str, name: str = "", **attributes: str | float | Sequence[int]) -> str:
        """Add a node with one output."""
        return self.add_several(operator, *inputs, names=[name or f"{operator}_{len(self._nodes)}"], **attributes)[0]

    def add_several(
        self, operator: str, *inputs: str, names: Sequence[str], **attributes: str | float | Sequence[int]
    ) -> list[str]:
        """Add a node with the outputs named."""
        node = helper.make_node(operator, list(inputs), list(names), names[0], None, None, None, **attributes)
        self._nodes.append(node)
        return list(names)

    def matmul(self, values: str, name: str, weights: NDArray[np.float32]) -> str:
        """Multiply by weights of shape (inputs, outputs)."""
        return self.add("MatMul", values, self.weight(name, weights.astype(np.float32)))

    def linear(self, values: str, name: str, weights: NDArray[np.float32], bias: NDArray[np.float32]) -> str:
        """Multiply by weights and add a bias."""
        product = self.matmul(values, f"{name}_weight", weights)
        return self.add("Add", product, self.weight(f"{name}_bias", bias.astype(np.float32)))

    def model(self, inputs: Mapping[str, Shape], outputs: Mapping[str, Shape]) -> onnx.ModelProto:
        """Close the graph.

        Args:
            inputs: whole numbers that come in, with their shapes.
            outputs: fractions that go out, with their shapes.

        Returns:
            A checked model.
        """
        graph = helper.make_graph(
            self._nodes,
            "sluice-classifier",
            [helper.make_tensor_value_info(name, TensorProto.INT64, shape) for name, shape in inputs.items()],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
            list(self._weights.values()),
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=_IR_VERSION)
        onnx.checker.check_model(model)
        return model
