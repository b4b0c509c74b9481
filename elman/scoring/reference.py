"""The forward pass without torch, plainly: symbol ids or numbers to logits in numpy, as training had them.

Sequences of equal length go through together, step by step. The equations are those of `elman.cells`, in the same
order. It reads every kind of model; where many strings are read by a model that allows it, `elman.scoring.trie` is faster.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.model.config import NO_CELL, ModelConfig
from elman.text.ngrams import add_edges, bag_codes, ngram_ids

Array = NDArray[np.float32]
Step = Callable[[Array, tuple[Array, ...], Array, Array], tuple[Array, ...]]

BLOCK = 512
"""How many sequences are read together: enough for fast products, few enough to stay in cache."""


class PlainScorer:
    """The network of one model, ready to read.

    Args:
        config: its shape.
        tensors: its weights by name, as `ModelConfig.tensor_shapes` lists them: float32, and int64 for codes.
    """

    def __init__(self, config: ModelConfig, tensors: Mapping[str, NDArray[Any]]) -> None:
        self.config, self.tensors = config, tensors
        self._step, self._state_size = _steps(config)

    def logits(self, sequences: Sequence[NDArray[Any]]) -> Array:
        """Read encoded sequences and answer once for each.

        Args:
            sequences: ids of each string, (T,), int64, or the numbers of each step, (T, I), float32; at least one step.

        Returns:
            (len(sequences), C), float32, in the order given.
        """
        logits = np.empty((len(sequences), self._answers), np.float32)
        for members, block in self._blocks(sequences):
            logits[members] = block
        return logits

    def logits_of_steps(self, sequences: Sequence[NDArray[Any]]) -> list[Array]:
        """Read encoded sequences and answer at each step; for models whose readout is ``each``.

        Args:
            sequences: as in `logits`.

        Returns:
            For each sequence, in the order given, (T, C), float32.
        """
        logits: list[Array] = [np.empty(0, np.float32)] * len(sequences)
        for members, block in self._blocks(sequences):
            for place, position in enumerate(members):
                logits[position] = block[:, place]
        return logits

    def _blocks(self, sequences: Sequence[NDArray[Any]]) -> Iterator[tuple[list[int], Array]]:
        """Yield the positions of some sequences of one length, and what the network says of them."""
        by_length: defaultdict[int, list[int]] = defaultdict(list)
        for position, sequence in enumerate(sequences):
            by_length[len(sequence)].append(position)
        for members in by_length.values():
            for start in range(0, len(members), BLOCK):
                block = members[start : start + BLOCK]
                yield block, self._read(np.stack([sequences[position] for position in block], axis=1))

    @property
    def _answers(self) -> int:
        if self.config.head == "none":
            return self.config.directions * self.config.hidden_size
        return len(self.tensors["head.bias"])

    def _read(self, inputs: NDArray[Any]) -> Array:
        """Read a block of equal length, (T, B) or (T, B, I); return its logits, (B, C), or of each step, (T, B, C)."""
        config = self.config
        if not config.input_size:
            inputs = inputs.astype(np.int64, copy=False)  # codes of n-grams need all 64 bits
        outputs = steps = self._embedded(inputs)
        for layer in range(config.layers if config.cell != NO_CELL else 0):
            both = [self._unrolled(outputs, f"l{layer}{suffix}") for suffix in ("", "_reverse")[: config.directions]]
            outputs = np.concatenate(both, axis=2) if len(both) > 1 else both[0]
        if config.head == "concatenation":
            before = np.concatenate([np.zeros_like(outputs[:1]), outputs[:-1]])
            outputs = np.concatenate([steps, before], axis=2)
        if config.readout == "last" and config.directions == 2 and config.cell != NO_CELL:
            size = config.hidden_size  # each direction has read the whole sequence at its own end
            outputs = np.concatenate([outputs[-1, :, :size], outputs[0, :, size:]], axis=1)
        elif config.readout == "last":
            outputs = outputs[-1]
        logits = outputs
        if config.head != "none":
            logits = outputs @ self.tensors["head.weight"].T + self.tensors["head.bias"]
        return logits + self._linear(inputs) if config.bag_orders else logits

    def _linear(self, ids: NDArray[np.int64]) -> Array:
        """Return what the bag of n-grams adds to the logits, (B, C)."""
        table, inventory = self.tensors["bag.weight"], self.tensors["bag.codes"]
        total = np.zeros((ids.shape[1], table.shape[1]), np.float32)
        bags = bag_codes(add_edges(ids), self.config.bag_orders)
        if not bags or len(inventory) == 0:
            return total
        codes = np.concatenate(bags)
        rows = np.minimum(np.searchsorted(inventory, codes), len(inventory) - 1)
        known = inventory[rows] == codes
        # One n-gram of each string at a time keeps the memory at one (B, C) block however long the strings are.
        for row, is_known in zip(rows, known, strict=True):
            total += table[row] * is_known[:, None]
        return total * np.float32(self.config.bag_scale / np.sqrt(len(codes)))

    def _embedded(self, inputs: NDArray[Any]) -> Array:
        """Return what the cells read at each step, (T, B, E)."""
        if self.config.input_size:
            return inputs.astype(np.float32, copy=False)
        if not self.config.embedding_size:  # a one-hot row times the input weights only looks up a column of them
            one_hot: Array = np.eye(self._symbols, dtype=np.float32)[inputs]
            return one_hot
        steps: Array = self.tensors["embedding.weight"][inputs]
        for order in self.config.ngram_orders:
            steps += self.tensors["ngrams.weight"][ngram_ids(inputs, order, self.config.ngram_buckets)]
        return steps

    @property
    def _symbols(self) -> int:
        """V, as the input weights of one-hot rows tell it."""
        table = "head.weight" if self.config.cell == NO_CELL else "recurrence.weight_ih_l0"
        return int(self.tensors[table].shape[1])

    def _unrolled(self, inputs: Array, suffix: str) -> Array:
        """Run one layer in one direction: (T, B, I) to its outputs, (T, B, H)."""
        weight_ih, weight_hh, bias_ih, bias_hh = (
            self.tensors[f"recurrence.{name}_{suffix}"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        length, size, _ = inputs.shape
        projected = inputs @ weight_ih.T + bias_ih
        outputs = np.empty((length, size, self.config.hidden_size), np.float32)
        state = (np.zeros((size, self.config.hidden_size), np.float32),) * self._state_size
        for step in reversed(range(length)) if suffix.endswith("_reverse") else range(length):
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
