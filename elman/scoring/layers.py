"""The cells for many sequences at once, gate by gate and in place: the equations of `elman.cells` made for speed.

All numbers of one gate stand together, so that each operation runs through memory from front to back; results go into
buffers that are used again. σ(x) = (1 + tanh(x / 2)) / 2, so the weights of sigmoid gates are halved beforehand, and
one tanh serves all gates.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from elman.model.config import ModelConfig

Array = NDArray[np.float32]
State = tuple[Array, ...]
"""What a step hands to the next, each (n, H): the hidden state, and of the LSTM the cell's."""

HALF = np.float32(0.5)


class Buffers:
    """Room for numbers that is used again; for one thread."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, Array] = {}

    def __call__(self, name: Hashable, *shape: int) -> Array:
        """Return an array of this shape, its numbers left over from any earlier use of the name."""
        size = math.prod(shape)
        kept = self._kept.get(name)
        if kept is None or kept.size < size:
            kept = self._kept[name] = np.empty(size + size // 4, np.float32)
        return kept[:size].reshape(shape)


class Layer(ABC):
    """One layer in one direction; see `build_layer`.

    Args:
        config: the shape of the network.
        tensors: its weights by name.
        suffix: of the names, as ``l0_reverse``.
    """

    scales: ClassVar[tuple[float, ...]]
    """What each gate's numbers are multiplied by beforehand, in the order in which they stand here."""

    order: ClassVar[tuple[int, ...]]
    """Where each of these gates stands among torch's."""

    parts: ClassVar[int] = 1
    """How many arrays a state holds."""

    def __init__(self, config: ModelConfig, tensors: Mapping[str, NDArray[Any]], suffix: str) -> None:
        self.config, self.size, self.gates = config, config.hidden_size, len(self.scales)
        self.input, self.recurrent = (
            np.ascontiguousarray(self._by_gate(tensors[f"recurrence.{name}_{suffix}"]).transpose(0, 2, 1))
            for name in ("weight_ih", "weight_hh")
        )
        self.bias, self.recurrent_bias = self._biases(
            *(
                self._by_gate(tensors[f"recurrence.{name}_{suffix}"]).transpose(0, 2, 1)
                for name in ("bias_ih", "bias_hh")
            )
        )

    @abstractmethod
    def step(self, inputs: Array, recurrent: Array, before: State, after: State) -> None:
        """Read one step.

        Args:
            inputs: the input side of the gates with its biases, (G, n, H); may be overwritten.
            recurrent: the recurrent side, (G, n, H); may be overwritten.
            before: the state that each sequence comes with.
            after: where the next state goes.
        """

    def project(self, rows: Array, out: Array) -> Array:
        """Write the input side of the gates, (G, n, H), of what is read, (n, I)."""
        np.matmul(rows, self.input, out=out)
        out += self.bias
        return out

    def _by_gate(self, weights: Array) -> Array:
        """Return (G · H, …) as (G, H, …), scaled."""
        blocks = weights.reshape(self.gates, self.size, -1)[list(self.order)]
        scaled: Array = blocks * np.array(self.scales, np.float32)[:, None, None]
        return scaled

    def _biases(self, bias_ih: Array, bias_hh: Array) -> tuple[Array, Array | None]:
        """Return the biases of the input side, (G, 1, H), and that of the last gate's recurrent side, (H,), if any."""
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
        _opened(after[0])


class _GRU(Layer):
    scales, order = (0.5, 0.5, 1.0), (0, 1, 2)

    def _biases(self, bias_ih: Array, bias_hh: Array) -> tuple[Array, Array | None]:
        # r ⊙ (W h + b) = (1 + tanh) ⊙ (W h + b) / 2: the recurrent side of the candidate is halved too.
        self.recurrent[2] *= HALF
        return np.concatenate([(bias_ih + bias_hh)[:2], bias_ih[2:]]), bias_hh[2, 0] * HALF

    def step(self, inputs: Array, recurrent: Array, before: State, after: State) -> None:
        (hidden,), past = after, recurrent[2]
        gates = inputs[:2]
        gates += recurrent[:2]
        candidate, update = np.tanh(gates, out=gates)  # the reset gate's room becomes the candidate's
        candidate *= past
        candidate += past
        candidate += inputs[2]
        np.tanh(candidate, out=candidate)
        _opened(update)
        np.subtract(before[0], candidate, out=hidden)
        hidden *= update
        hidden += candidate


class _LSTM(Layer):
    scales, order, parts = (0.5, 0.5, 0.5, 1.0), (0, 1, 3, 2), 2  # the sigmoid gates first: input, forget, output

    def step(self, inputs: Array, recurrent: Array, before: State, after: State) -> None:
        hidden, cell = after
        inputs += recurrent
        input_gate, forget_gate, output_gate, candidate = np.tanh(inputs, out=inputs)
        _opened(inputs[:3])
        np.multiply(forget_gate, before[1], out=cell)
        input_gate *= candidate
        cell += input_gate
        np.tanh(cell, out=hidden)
        hidden *= output_gate


def build_layer(config: ModelConfig, tensors: Mapping[str, NDArray[Any]], suffix: str) -> Layer:
    """Return the layer of a config's cell; arguments as for `Layer`."""
    if config.cell == "gru":
        return _GRU(config, tensors, suffix)
    if config.cell == "lstm":
        return _LSTM(config, tensors, suffix)
    return (_SigmoidElman if config.activation == "sigmoid" else _Elman)(config, tensors, suffix)


def _opened(gates: Array) -> None:
    """Turn the tanh of half of each number into its sigmoid."""
    gates *= HALF
    gates += HALF
