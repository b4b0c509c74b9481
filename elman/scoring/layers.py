"""Layers: the cells for many sequences at once, gate by gate and in place; the equations of `elman.cells` for speed.

The numbers of one gate are contiguous, so that each operation reads memory in order, and results are written to
reusable buffers. Since σ(x) = (1 + tanh(x / 2)) / 2, the weights of sigmoid gates are halved in advance, and one tanh
computes all gates.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from elman.model.config import ModelConfig
from elman.model.tensors import name_layer

Array = NDArray[np.float32]
State = tuple[Array, ...]
"""What a step passes to the next, each (n, H): the hidden state, and for the LSTM the cell state."""

HALF = np.float32(0.5)


class Buffers:
    """Reusable arrays, for one thread."""

    def __init__(self) -> None:
        self._arrays: dict[Hashable, Array] = {}

    def __call__(self, name: Hashable, *shape: int) -> Array:
        """Return the array of this name in this shape; its numbers are those of its last use."""
        size = math.prod(shape)
        array = self._arrays.get(name)
        if array is None or array.size < size:
            array = self._arrays[name] = np.empty(size + size // 4, np.float32)
        return array[:size].reshape(shape)


class Layer(ABC):
    """One layer in one direction; see `build_layer`.

    Args:
        config: the shape of the network.
        tensors: its weights by name.
        layer: from 0.
        direction: 0 reads forwards, 1 backwards.
    """

    scales: ClassVar[tuple[float, ...]]
    """Factor of the weights of each gate, in the order of the gates here."""

    order: ClassVar[tuple[int, ...]]
    """Position of each of these gates in torch's order."""

    parts: ClassVar[int] = 1
    """How many arrays a state has."""

    def __init__(self, config: ModelConfig, tensors: Mapping[str, NDArray[Any]], layer: int, direction: int) -> None:
        self.config, self.size, self.gates = config, config.hidden_size, len(self.scales)
        weight_ih, weight_hh, bias_ih, bias_hh = (
            self._split_gates(tensors[name]).transpose(0, 2, 1) for name in name_layer(layer, direction)
        )
        self.input, self.recurrent = np.ascontiguousarray(weight_ih), np.ascontiguousarray(weight_hh)
        self.bias, self.recurrent_bias = self._add_biases(bias_ih, bias_hh)

    @abstractmethod
    def step(self, inputs: Array, recurrent: Array, before: State, after: State) -> None:
        """Read one step.

        Args:
            inputs: the input side of the gates with the biases, (G, n, H); may be overwritten.
            recurrent: the recurrent side, (G, n, H); may be overwritten.
            before: the state of each sequence before the step.
            after: receives the state after the step.
        """

    def project(self, rows: Array, out: Array) -> Array:
        """Write the input side of the gates, (G, n, H), of some inputs, (n, I), to ``out`` and return it."""
        np.matmul(rows, self.input, out=out)
        out += self.bias
        return out

    def _split_gates(self, weights: Array) -> Array:
        """Return (G · H, …) as (G, H, …), in the order of the gates here and scaled."""
        blocks = weights.reshape(self.gates, self.size, -1)[list(self.order)]
        scaled: Array = blocks * np.array(self.scales, np.float32)[:, None, None]
        return scaled

    def _add_biases(self, bias_ih: Array, bias_hh: Array) -> tuple[Array, Array | None]:
        """Return the biases of the input side, (G, 1, H), and the recurrent bias of the last gate, (H,), if needed."""
        return bias_ih + bias_hh, None


class _Elman(Layer):
    scales, order = (1.0,), (0,)

    def step(self, inputs: Array, recurrent: Array, before: State, after: State) -> None:
        hidden = np.add(inputs[0], recurrent[0], out=after[0])
        if self.config.activation == "relu":
            np.maximum(hidden, 0, out=hidden)
        elif self.config.activation != "none":
            np.tanh(hidden, out=hidden)


class _SigmoidElman(_Elman):
    scales = (0.5,)

    def step(self, inputs: Array, recurrent: Array, before: State, after: State) -> None:
        super().step(inputs, recurrent, before, after)
        _finish_sigmoid(after[0])


class _GRU(Layer):
    scales, order = (0.5, 0.5, 1.0), (0, 1, 2)

    def _add_biases(self, bias_ih: Array, bias_hh: Array) -> tuple[Array, Array | None]:
        # r ⊙ (W h + b) = (1 + tanh) ⊙ (W h + b) / 2: the recurrent side of the candidate is halved too.
        self.recurrent[2] *= HALF
        return np.concatenate([(bias_ih + bias_hh)[:2], bias_ih[2:]]), bias_hh[2, 0] * HALF

    def step(self, inputs: Array, recurrent: Array, before: State, after: State) -> None:
        (hidden,), past = after, recurrent[2]
        gates = inputs[:2]
        gates += recurrent[:2]
        candidate, update = np.tanh(gates, out=gates)  # the candidate overwrites the reset gate
        # n = tanh(W_in x + b_in + r ⊙ (W_hn h + b_hn)), with r = (1 + tanh) / 2 and ``past`` halved
        candidate *= past
        candidate += past
        candidate += inputs[2]
        np.tanh(candidate, out=candidate)
        _finish_sigmoid(update)
        # h' = n + z ⊙ (h − n)
        np.subtract(before[0], candidate, out=hidden)
        hidden *= update
        hidden += candidate


class _LSTM(Layer):
    scales, order, parts = (0.5, 0.5, 0.5, 1.0), (0, 1, 3, 2), 2  # input, forget, output, candidate

    def step(self, inputs: Array, recurrent: Array, before: State, after: State) -> None:
        hidden, cell = after
        inputs += recurrent
        input_gate, forget_gate, output_gate, candidate = np.tanh(inputs, out=inputs)
        _finish_sigmoid(inputs[:3])
        # c' = f ⊙ c + i ⊙ g
        np.multiply(forget_gate, before[1], out=cell)
        input_gate *= candidate
        cell += input_gate
        # h' = o ⊙ tanh(c')
        np.tanh(cell, out=hidden)
        hidden *= output_gate


def build_layer(config: ModelConfig, tensors: Mapping[str, NDArray[Any]], layer: int, direction: int) -> Layer:
    """Return the layer of a config's cell; arguments as for `Layer`."""
    if config.cell == "gru":
        return _GRU(config, tensors, layer, direction)
    if config.cell == "lstm":
        return _LSTM(config, tensors, layer, direction)
    return (_SigmoidElman if config.activation == "sigmoid" else _Elman)(config, tensors, layer, direction)


def _finish_sigmoid(gates: Array) -> None:
    """Turn tanh(x / 2) into σ(x), in place."""
    gates *= HALF
    gates += HALF
