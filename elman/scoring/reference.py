"""Reference scorer: symbol ids or numbers to logits in numpy, with the equations of training, written to be read.

Sequences of one length are read together, step by step. The equations are those of `elman.cells`, in the same order.
It scores every kind of model; `elman.scoring.trie` is faster for many strings, with the models that it supports.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.model.config import NO_CELL, ModelConfig
from elman.model.packing import shape_of
from elman.model.tensors import (
    BAG_CODES,
    BAG_HEAD,
    BAG_HIDDEN_BIAS,
    BAG_HIDDEN_WEIGHT,
    BAG_OUTPUT,
    BAG_WEIGHT,
    EMBEDDING,
    HEAD_BIAS,
    HEAD_WEIGHT,
    NGRAMS,
    WORDS,
    WORDS_HEAD,
    StepInputs,
    count_symbols,
    name_layer,
)
from elman.scoring.probabilities import allow_overflow
from elman.text.ngrams import add_edges, bag_codes, bag_parts, find_buckets, ngram_ids, outer_words, word_codes

Array = NDArray[np.float32]
Tensors = Mapping[str, NDArray[Any]]
Step = Callable[[Array, tuple[Array, ...], Array, Array], tuple[Array, ...]]

BLOCK = 512
"""How many sequences are read together: enough for fast products, few enough to stay in the cache."""

LARGEST_ARRAY = 2**23
"""How many numbers an array of a block can have; one sequence is read in any case."""


class ReferenceScorer:
    """The forward pass of one model, for every kind of model.

    Args:
        config: the shape of the network.
        tensors: its weights by name, as `ModelConfig.tensor_shapes` lists them: float32, and int64 for codes.
    """

    def __init__(self, config: ModelConfig, tensors: Tensors) -> None:
        self.config, self.tensors = config, tensors
        self.inputs = config.step_inputs(count_symbols(tensors))
        self._step, self._state_size = choose_step(config.cell, config.activation)
        layers = range(config.layers if config.cell != NO_CELL else 0)
        self._layers = [
            [tuple(tensors[name] for name in name_layer(layer, direction)) for direction in range(config.directions)]
            for layer in layers
        ]
        gates = [len(weights[0]) for layer in self._layers for weights in layer]
        answers, head = count_answers(config, tensors), config.head_size(self.inputs.symbols)
        self._widest = max(self.inputs.size, answers, head, *gates)  # numbers of one step in the largest array

    def logits(self, sequences: Sequence[NDArray[Any]]) -> Array:
        """Return the scores of each sequence, for models whose readout is ``last``.

        Args:
            sequences: ids of each string, (T,), int64, or the numbers of each step, (T, I), float32; at least one step.

        Returns:
            (len(sequences), C), float32, in the order of the sequences.
        """
        logits = np.empty((len(sequences), count_answers(self.config, self.tensors)), np.float32)
        for rows, block in self._read_blocks(sequences):
            logits[rows] = block
        return logits

    def logits_of_steps(self, sequences: Sequence[NDArray[Any]]) -> list[Array]:
        """Return the scores of each step, for models whose readout is ``each``.

        Args:
            sequences: as in `logits`.

        Returns:
            For each sequence (T, C), float32, in the order of the sequences.
        """
        logits: list[Array] = [np.empty(0, np.float32)] * len(sequences)
        for rows, block in self._read_blocks(sequences):
            for column, row in enumerate(rows):
                logits[row] = block[:, column]
        return logits

    def _read_blocks(self, sequences: Sequence[NDArray[Any]]) -> Iterator[tuple[list[int], Array]]:
        """Yield the positions of some sequences of one length, and their logits."""
        by_length: defaultdict[int, list[int]] = defaultdict(list)
        for position, sequence in enumerate(sequences):
            by_length[len(sequence)].append(position)
        for length, positions in by_length.items():
            size = min(BLOCK, max(1, LARGEST_ARRAY // (length * self._widest)))
            for start in range(0, len(positions), size):
                block = positions[start : start + size]
                values = np.stack([sequences[position] for position in block], axis=1)
                with allow_overflow():
                    logits = self._read(values)
                yield block, logits

    def _read(self, values: NDArray[Any]) -> Array:
        """Return the logits, (B, C), or of each step, (T, B, C), of sequences of one length: (T, B) or (T, B, I)."""
        config = self.config
        if self.inputs.numbers == 0:
            values = values.astype(np.int64, copy=False)  # codes of n-grams need all 64 bits
        outputs = steps = embed_inputs(self.inputs, self.tensors, values)
        for layer in self._layers:
            both = [self._unroll(outputs, weights, direction) for direction, weights in enumerate(layer)]
            outputs = np.concatenate(both, axis=2) if len(both) > 1 else both[0]
        if config.head == "concatenation":
            before = np.concatenate([np.zeros_like(outputs[:1]), outputs[:-1]])
            outputs = np.concatenate([steps, before], axis=2)
        if config.readout == "last" and config.directions == 2 and config.cell != NO_CELL:
            size = config.hidden_size  # each direction ends where it has read the whole sequence
            outputs = np.concatenate([outputs[-1, :, :size], outputs[0, :, size:]], axis=1)
        elif config.readout == "last":
            outputs = outputs[-1]
        logits = outputs
        if config.head != "none":
            logits = outputs @ self.tensors[HEAD_WEIGHT].T + self.tensors[HEAD_BIAS]
        if WORDS in self.tensors:
            logits += score_words(self.tensors, np.stack(outer_words(values, config.separator or 0), axis=1))
        return logits + self._score_bag(values) if config.bag_orders else logits

    def _score_bag(self, ids: NDArray[np.int64]) -> Array:
        """Return what the bag of n-grams adds to the logits, (B, C)."""
        config, table, inventory = self.config, self.tensors[BAG_WEIGHT], self.tensors[BAG_CODES]
        count = count_parts(self.tensors)
        sums = np.zeros((ids.shape[1], count, table.shape[1]), np.float32)
        padded, everyone = add_edges(ids), np.arange(ids.shape[1])
        bags = bag_codes(padded, config.bag_orders)
        scale = config.bag_scale / np.sqrt(max(1, sum(map(len, bags))))
        if config.separator is not None:
            bags += word_codes(ids, config.separator)
        if bags and len(inventory):
            codes = np.concatenate(bags)
            rows = np.minimum(np.searchsorted(inventory, codes), len(inventory) - 1)
            known = inventory[rows] == codes
            places: list[Any] = [(slice(None), 0)] * len(rows)
            if count > 1 and config.separator is not None:
                parts = np.concatenate(bag_parts(padded, config.bag_orders, config.separator))
                places = [(everyone, part) for part in parts]
            # One n-gram of each string at a time: long strings need no more memory than one block.
            for row, place, is_known in zip(rows, places, known, strict=True):
                sums[place] += table[row] * is_known[:, None]
        return score_sums(config, self.tensors, sums * np.float32(scale))

    def _unroll(self, inputs: Array, weights: Sequence[Array], direction: int) -> Array:
        """Return the outputs of one layer in one direction: from (T, B, I) to (T, B, H)."""
        weight_ih, weight_hh, bias_ih, bias_hh = weights
        length, size, _ = inputs.shape
        projected = inputs @ weight_ih.T + bias_ih
        outputs = np.empty((length, size, self.config.hidden_size), np.float32)
        state = (np.zeros((size, self.config.hidden_size), np.float32),) * self._state_size
        for step in reversed(range(length)) if direction else range(length):
            state = self._step(projected[step], state, weight_hh.T, bias_hh)
            outputs[step] = state[0]
        return outputs


def embed_inputs(inputs: StepInputs, tensors: Tensors, values: NDArray[Any], steps: int | slice = slice(None)) -> Array:
    """Return what the cells read at some steps of sequences.

    Args:
        inputs: what a step consists of.
        tensors: the weights by name.
        values: symbol ids, (T, B), int64, or numbers, (T, B, I).
        steps: the steps to return, all by default; n-grams include the symbols of earlier steps in any case.

    Returns:
        (T, B, E), float32, with T the number of steps to return; (B, E) for a single step.
    """
    chosen = values[steps]
    if inputs.numbers:
        return chosen.astype(np.float32, copy=False)
    if not inputs.embedding_size:
        one_hot = np.zeros((*chosen.shape, inputs.symbols), np.float32)
        np.put_along_axis(one_hot, chosen[..., None], 1, axis=-1)
        return one_hot
    rows: Array = tensors[EMBEDDING][chosen]
    for order in inputs.ngram_orders:
        rows += tensors[NGRAMS][ngram_ids(values, order, inputs.ngram_buckets)[steps]]
    return rows


def count_parts(tensors: Tensors) -> int:
    """Return how many parts of a string the bag of a network sums apart."""
    hidden = tensors.get(BAG_HIDDEN_WEIGHT)
    return 1 if hidden is None else hidden.shape[1] // shape_of(tensors, BAG_WEIGHT)[1]


def score_sums(config: ModelConfig, tensors: Tensors, sums: Array) -> Array:
    """Return what a bag adds to the logits, (B, C).

    Args:
        config: the shape of the network.
        tensors: its weights by name.
        sums: of the rows of each part of the strings, (B, parts, R), float32.
    """
    total: Array = sums.sum(axis=1)
    logits = total @ tensors[BAG_HEAD].T if config.bag_size else total
    if config.bag_size and config.bag_hidden:
        inputs = sums.reshape(len(sums), -1)
        hidden = np.maximum(inputs @ tensors[BAG_HIDDEN_WEIGHT].T + tensors[BAG_HIDDEN_BIAS], np.float32(0))
        logits += hidden @ tensors[BAG_OUTPUT].T
    return logits


def score_words(tensors: Tensors, codes: NDArray[np.int64]) -> Array:
    """Return what the first and the last word of strings, whose codes are (B, 2), add to the logits, (B, C)."""
    table = tensors[WORDS]
    scores: Array = table[find_buckets(codes, len(table))].reshape(len(codes), -1) @ tensors[WORDS_HEAD].T
    return scores


def can_share(config: ModelConfig) -> bool:
    """Return whether sharing is exact for a model: it reads symbols, and scores whole strings from its cells alone."""
    return (
        not config.input_size
        and config.cell != NO_CELL
        and config.readout == "last"
        and config.head != "concatenation"
        and (config.layers == 1 or config.directions == 1)
    )


def count_answers(config: ModelConfig, tensors: Tensors) -> int:
    """Return how many scores the network gives a sequence or a step, C."""
    return config.directions * config.hidden_size if config.head == "none" else len(tensors[HEAD_BIAS])


def choose_step(cell: str, activation_name: str = "tanh") -> tuple[Step, int]:
    """Return one step of a cell, and how many arrays its state has.

    Args:
        cell: one of `elman.model.config.CELLS`; `elman.model.config.NO_CELL` has a step that nothing calls.
        activation_name: of the Elman network.
    """
    if cell == "gru":
        return _gru, 1
    if cell == "lstm":
        return _lstm, 2
    activation = _ACTIVATIONS[activation_name]

    def elman(projected: Array, state: tuple[Array, ...], weight: Array, bias: Array) -> tuple[Array, ...]:
        # h' = activation(W_ih x + b_ih + W_hh h + b_hh)
        return (activation(projected + state[0] @ weight + bias),)

    return elman, 1


def _gru(projected: Array, state: tuple[Array, ...], weight: Array, bias: Array) -> tuple[Array, ...]:
    (hidden,) = state
    size = hidden.shape[1]
    recurrent = hidden @ weight + bias
    # r, z = σ(W_i x + b_i + W_h h + b_h)           reset and update gate
    gates = _sigmoid(projected[:, : 2 * size] + recurrent[:, : 2 * size])
    reset, update = gates[:, :size], gates[:, size:]
    # n = tanh(W_in x + b_in + r ⊙ (W_hn h + b_hn))  candidate
    candidate = np.tanh(projected[:, 2 * size :] + reset * recurrent[:, 2 * size :])
    # h' = (1 − z) ⊙ n + z ⊙ h
    return (candidate + update * (hidden - candidate),)


def _lstm(projected: Array, state: tuple[Array, ...], weight: Array, bias: Array) -> tuple[Array, ...]:
    hidden, cell = state
    size = hidden.shape[1]
    blocks = projected + hidden @ weight + bias
    # i, f = σ(W_i x + b_i + W_h h + b_h)   input and forget gate
    gates = _sigmoid(blocks[:, : 2 * size])
    # g = tanh(W_ig x + b_ig + W_hg h + b_hg)
    candidate = np.tanh(blocks[:, 2 * size : 3 * size])
    # c' = f ⊙ c + i ⊙ g
    cell = gates[:, size:] * cell + gates[:, :size] * candidate
    # h' = o ⊙ tanh(c')
    return _sigmoid(blocks[:, 3 * size :]) * np.tanh(cell), cell


def _sigmoid(values: Array) -> Array:
    # tanh never overflows, and numpy computes it for several numbers at a time
    sigmoid: Array = np.float32(0.5) * np.tanh(np.float32(0.5) * values) + np.float32(0.5)
    return sigmoid


_ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "tanh": np.tanh,
    "relu": lambda values: np.maximum(values, np.float32(0)),
    "sigmoid": _sigmoid,
    "none": lambda values: values,
}
