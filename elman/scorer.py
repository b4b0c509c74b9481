"""The forward pass without torch: symbol ids to logits in numpy, within rounding of what was trained.

This is the plain path: strings of equal length go through together, step by step. The equations are those of
`elman.cells`, in the same order.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.config import ModelConfig
from elman.ngrams import bag_codes, edged, ngram_ids

Array = NDArray[np.float32]
Step = Callable[[Array, tuple[Array, ...], Array, Array], tuple[Array, ...]]

BLOCK = 512
"""How many strings are read together: enough for fast products, few enough to stay in cache."""


class Scorer:
    """The network of one model, ready to read.

    Args:
        config: its shape.
        tensors: its weights by name, as `ModelConfig.tensor_shapes` lists them: float32, and int64 for codes.
    """

    def __init__(self, config: ModelConfig, tensors: Mapping[str, NDArray[Any]]) -> None:
        self.config, self.tensors = config, tensors
        self._step, self._state_size = _steps(config)

    def logits(self, sequences: Sequence[NDArray[np.int64]]) -> Array:
        """Read encoded strings.

        Args:
            sequences: ids of each string, (characters,), int64, at least one each.

        Returns:
            (len(sequences), C), float32, in the order given.
        """
        by_length: defaultdict[int, list[int]] = defaultdict(list)
        for position, ids in enumerate(sequences):
            by_length[len(ids)].append(position)
        logits = np.empty((len(sequences), len(self.tensors["head.bias"])), np.float32)
        for members in by_length.values():
            for start in range(0, len(members), BLOCK):
                block = members[start : start + BLOCK]
                logits[block] = self._read(np.stack([sequences[position] for position in block], axis=1))
        return logits

    def _read(self, ids: NDArray[np.int64]) -> Array:
        """Read a block of equal length, (T, B), and return its logits, (B, C)."""
        inputs = self._embedded(ids)
        for layer in range(self.config.layers):
            finals, outputs = [], []
            for reverse in range(self.config.directions):
                states = self._unrolled(inputs, f"l{layer}_reverse" if reverse else f"l{layer}", reverse == 1)
                finals.append(states[0 if reverse else -1])
                outputs.append(states)
            if layer + 1 < self.config.layers:
                inputs = np.concatenate(outputs, axis=2)
        final = np.concatenate(finals, axis=1)
        logits: Array = final @ self.tensors["head.weight"].T + self.tensors["head.bias"]
        return logits + self._linear(ids) if self.config.bag_orders else logits

    def _linear(self, ids: NDArray[np.int64]) -> Array:
        """Return what the bag of n-grams adds to the logits, (B, C)."""
        table, inventory = self.tensors["bag.weight"], self.tensors["bag.codes"]
        total = np.zeros((ids.shape[1], table.shape[1]), np.float32)
        bags = bag_codes(edged(ids), self.config.bag_orders)
        if not bags or len(inventory) == 0:
            return total
        codes = np.concatenate(bags)
        rows = np.minimum(np.searchsorted(inventory, codes), len(inventory) - 1)
        known = inventory[rows] == codes
        # One n-gram of each string at a time keeps the memory at one (B, C) block however long the strings are.
        for row, is_known in zip(rows, known, strict=True):
            total += table[row] * is_known[:, None]
        return total * np.float32(self.config.bag_scale / np.sqrt(len(codes)))

    def _embedded(self, ids: NDArray[np.int64]) -> Array:
        inputs: Array = self.tensors["embedding.weight"][ids]
        for order in self.config.ngram_orders:
            inputs += self.tensors["ngrams.weight"][ngram_ids(ids, order, self.config.ngram_buckets)]
        return inputs

    def _unrolled(self, inputs: Array, suffix: str, reverse: bool) -> Array:
        """Run one layer in one direction: (T, B, I) to its outputs, (T, B, H)."""
        weight_ih, weight_hh, bias_ih, bias_hh = (
            self.tensors[f"recurrence.{name}_{suffix}"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        length, size, _ = inputs.shape
        projected = inputs @ weight_ih.T + bias_ih
        outputs = np.empty((length, size, self.config.hidden_size), np.float32)
        state = (np.zeros((size, self.config.hidden_size), np.float32),) * self._state_size
        for step in range(length - 1, -1, -1) if reverse else range(length):
            state = self._step(projected[step], state, weight_hh.T, bias_hh)
            outputs[step] = state[0]
        return outputs


def _steps(config: ModelConfig) -> tuple[Step, int]:
    """Return one step of the config's cell, and how many tensors its state holds."""
    if config.cell == "gru":
        return _gru, 1
    if config.cell == "lstm":
        return _lstm, 2
    activation = _ACTIVATIONS[config.activation]

    def elman(projected: Array, state: tuple[Array, ...], weight: Array, bias: Array) -> tuple[Array, ...]:
        return (activation(projected + state[0] @ weight + bias),)

    return elman, 1


def _gru(projected: Array, state: tuple[Array, ...], weight: Array, bias: Array) -> tuple[Array, ...]:
    (hidden,) = state
    size = hidden.shape[1]
    recurrent = hidden @ weight + bias
    gates = _sigmoid(projected[:, : 2 * size] + recurrent[:, : 2 * size])
    reset, update = gates[:, :size], gates[:, size:]
    candidate = np.tanh(projected[:, 2 * size :] + reset * recurrent[:, 2 * size :])
    return (candidate + update * (hidden - candidate),)


def _lstm(projected: Array, state: tuple[Array, ...], weight: Array, bias: Array) -> tuple[Array, ...]:
    hidden, cell = state
    size = hidden.shape[1]
    blocks = projected + hidden @ weight + bias
    gates = _sigmoid(blocks[:, : 2 * size])
    candidate = np.tanh(blocks[:, 2 * size : 3 * size])
    cell = gates[:, size:] * cell + gates[:, :size] * candidate
    return _sigmoid(blocks[:, 3 * size :]) * np.tanh(cell), cell


def _sigmoid(values: Array) -> Array:
    # tanh never overflows, and numpy computes it several numbers at a time
    sigmoid: Array = np.float32(0.5) * np.tanh(np.float32(0.5) * values) + np.float32(0.5)
    return sigmoid


_ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "tanh": np.tanh,
    "relu": lambda values: np.maximum(values, np.float32(0)),
    "sigmoid": _sigmoid,
    "none": lambda values: values,
}


def softmax(logits: NDArray[np.floating], temperature: float = 1.0) -> NDArray[np.float64]:
    """Return calibrated probabilities: the softmax of logits / temperature over the last axis, float64.

    >>> softmax(np.array([[0.0, 0.0]])).tolist()
    [[0.5, 0.5]]
    """
    scaled = logits.astype(np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    probabilities: NDArray[np.float64] = powers / powers.sum(axis=-1, keepdims=True)
    return probabilities
