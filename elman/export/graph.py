"""Graph: an ONNX graph that grows by one operator at a time. The only module that names the package onnx.

A value of the graph is known by its name. The package onnx is imported when the first graph is made.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from elman.errors import SettingError
from elman.extras import extra
from elman.version import __version__

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto, ValueInfoProto

Value = str
"""The name of a value of a graph."""

OPSET, IR_VERSION = 17, 8
"""The versions of the operators and of the file format. ONNX Runtime reads them from 1.12 on, of 2022."""

LARGEST_FILE = 2**31 - 2**20
"""The most bytes of weights: an ONNX file, which is a protocol buffer, has less than 2 GiB."""

END = np.iinfo(np.int64).max
"""The end of a slice that includes the last element."""


class Graph:
    """A graph under construction.

    Args:
        prefix: how the names of its values begin.

    Raises:
        MissingExtraError: the package onnx is not installed.
    """

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix
        with extra("onnx"):
            from onnx import helper, numpy_helper
        self._helper, self._numpy_helper = helper, numpy_helper
        self._nodes: list[NodeProto] = []
        self._tensors: dict[Value, TensorProto] = {}
        self._inputs: list[ValueInfoProto] = []
        self._outputs: list[ValueInfoProto] = []
        self.weights: set[str] = set()

    def add_input(self, name: str, dtype: str, shape: Sequence[str | int]) -> Value:
        """Add an input; a dimension with a name has any size."""
        self._inputs.append(self._describe(name, dtype, shape))
        return name

    def add_output(self, name: str, value: Value, shape: Sequence[str | int]) -> None:
        """Give a value of float32 to the outside, under a name."""
        self._nodes.append(self._helper.make_node("Identity", [value], [name], name=name))
        self._outputs.append(self._describe(name, "float32", shape))

    def add_weight(self, name: str, tensor: NDArray[Any]) -> Value:
        """Add a tensor of the model; one of floats is written in 16 bits if that loses nothing."""
        self.weights.add(name)
        with np.errstate(over="ignore"):
            half = tensor.astype(np.float16) if tensor.dtype == np.float32 else tensor
        if not np.array_equal(half.astype(tensor.dtype), tensor):
            half = tensor
        self._tensors[name] = self._numpy_helper.from_array(np.ascontiguousarray(half), name)
        return self.cast(name, "float32") if half.dtype == np.float16 else name

    def add_constant(self, number: int | float | Sequence[int], dtype: str = "int64") -> Value:
        """Add a number or a list of numbers; the same one is written once."""
        array = np.array(number, dtype)
        name = f"{dtype}_{'_'.join(map(str, array.ravel().tolist()))}{'_' * array.ndim}"
        self._tensors.setdefault(name, self._numpy_helper.from_array(array, name))
        return name

    def add(self, operator: str, *inputs: Value, **attributes: Any) -> Value:
        """Add an operator of one result, and return the result. An input that is left out is ``""``."""
        return self.add_many(operator, *inputs, results=1, **attributes)[0]

    def add_many(self, operator: str, *inputs: Value, results: int, **attributes: Any) -> list[Value]:
        """Add an operator, and return its results."""
        place = f"{self._prefix}{operator}_{len(self._nodes)}"
        names = [place if results == 1 else f"{place}_{number}" for number in range(results)]
        self._nodes.append(self._helper.make_node(operator, list(inputs), names, name=place, **attributes))
        return names

    def add_scan(
        self,
        step: Callable[["Graph", list[Value], list[Value]], tuple[list[Value], list[Value]]],
        states: Sequence[Value],
        inputs: Sequence[Value],
        *,
        results: int,
    ) -> list[Value]:
        """Run a step after the other, and return its results stacked, each (T, B), int64.

        Args:
            step: adds the operators of a step to a graph, from the states and the inputs of the step, each (B,), int64,
                to the next states and the results of the step.
            states: before the first step, (B,), int64.
            inputs: of all steps, (T, B), int64.
            results: of a step.
        """
        place = f"{self._prefix}Scan_{len(self._nodes)}"
        body = Graph(prefix=f"{place}_")
        body._tensors = self._tensors  # a step sees the values around it
        before = [body.add_input(f"{place}_state_{k}", "int64", ("batch",)) for k in range(len(states))]
        read = [body.add_input(f"{place}_input_{k}", "int64", ("batch",)) for k in range(len(inputs))]
        after, found = step(body, before, read)
        outputs = [body.add("Identity", value) for value in (*after, *found)]
        described = [body._describe(value, "int64", ("batch",)) for value in outputs]
        graph = self._helper.make_graph(body._nodes, place, body._inputs, described)
        return self.add_many("Scan", *states, *inputs, results=len(outputs), body=graph, num_scan_inputs=len(inputs))[
            -results:
        ]

    def cast(self, value: Value, dtype: str) -> Value:
        """Return a value with other number types."""
        return self.add("Cast", value, to=self._element_type(dtype))

    def slice(self, value: Value, start: int, end: int, axis: int = 0) -> Value:
        """Return a part of a value; negative positions count from the end, and `END` includes the last element."""
        return self.add("Slice", value, *(self.add_constant([number]) for number in (start, end, axis)))

    def fill(self, number: int | float, dtype: str, *sizes: Value | int) -> Value:
        """Return an array of one number; a size is a value of one element, (1,), or a number."""
        shape = self.add("Concat", *(self.add_constant([s]) if isinstance(s, int) else s for s in sizes), axis=0)
        return self.add("Expand", self.add_constant(number, dtype), shape)

    def size(self, value: Value, axis: int) -> Value:
        """Return the size of one axis of a value, (1,), int64."""
        return self.slice(self.add("Shape", value), axis, axis + 1)

    def serialise(self, name: str, metadata: dict[str, str]) -> bytes:
        """Return the content of an ONNX file.

        Args:
            name: of the graph.
            metadata: what the file says of itself.

        Raises:
            SettingError: the weights are too large for one file.
        """
        size = sum(len(tensor.raw_data) for tensor in self._tensors.values())
        if size > LARGEST_FILE:
            raise SettingError(f"an ONNX file holds less than 2 GiB; the weights have {size / 2**30:.1f} GiB")
        graph = self._helper.make_graph(
            self._nodes, name or "model", self._inputs, self._outputs, list(self._tensors.values())
        )
        model = self._helper.make_model(
            graph,
            opset_imports=[self._helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="elman",
            producer_version=__version__,
        )
        self._helper.set_model_props(model, metadata)
        content: bytes = model.SerializeToString()
        return content

    def _describe(self, name: str, dtype: str, shape: Sequence[str | int]) -> "ValueInfoProto":
        return self._helper.make_tensor_value_info(name, self._element_type(dtype), list(shape))

    def _element_type(self, dtype: str) -> int:
        return int(self._helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))
