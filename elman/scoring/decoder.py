"""The decoder step by step, in numpy: it scores the next symbol of strings, and writes new ones.

The equations are those of `elman.training.decoder`, which reads whole strings. What the first layer adds for a symbol
and for a label does not depend on anything else, so both are multiplied with its weights once and then looked up.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elman.model.packing import Tensors
from elman.model.tensors import LABELS, OUTPUT_BIAS, OUTPUT_WEIGHT, TARGETS, name_layer
from elman.model.writing import WriterConfig
from elman.scoring.probabilities import allow_overflow, softmax
from elman.scoring.reference import choose_step
from elman.text.targets import MARK

Array = NDArray[np.float32]
Ids = NDArray[np.int64]
State = list[tuple[Array, ...]]
"""Of each layer what its cell carries, each (n, H)."""

BLOCK = 512
"""How many strings are scored or written together."""

NO_LABEL = 0
"""The row of no label; label k has row k + 1."""


@dataclass(frozen=True)
class Drawn:
    """A string that was written.

    Args:
        ids: of its symbols, without the mark, (T,), int64.
        nats: minus the logarithm of the probability of each symbol and of the mark at temperature 1, (T + 1,), float64;
            (T,) if it was cut.
        ended: whether the mark was written; otherwise the bound ended the string.
    """

    ids: Ids
    nats: NDArray[np.float64]
    ended: bool


class DecoderScorer:
    """The decoder of one language model.

    Args:
        config: the shape of the network, without an encoder.
        tensors: its weights by name, as `WriterConfig.tensor_shapes` lists them.
        temperature: of the model; logits are divided by it.
    """

    def __init__(self, config: WriterConfig, tensors: Tensors, temperature: float = 1.0) -> None:
        self.config, self.temperature = config, temperature
        self._step, self._parts = choose_step(config.cell)
        weights = [tuple(tensors[name] for name in name_layer(layer, 0, "decoder")) for layer in range(config.layers)]
        first, size = weights[0], config.embedding_size
        # W_ih [row of the symbol; row of the label] + b_ih, one table for each of the two rows
        with allow_overflow():
            self._symbols: Array = tensors[TARGETS] @ first[0][:, :size].T + first[2]
            self._labels: Array | None = tensors[LABELS] @ first[0][:, size:].T if config.label_size else None
        self._layers = [
            (weight_ih.T, weight_hh.T, bias_ih, bias_hh) for weight_ih, weight_hh, bias_ih, bias_hh in weights
        ]
        self._output: tuple[Array, Array] = tensors[OUTPUT_WEIGHT].T, tensors[OUTPUT_BIAS]

    def start(self, count: int) -> State:
        """Return the state of so many strings before their first symbol: zeros."""
        zeros = np.zeros((count, self.config.hidden_size), np.float32)
        return [(zeros,) * self._parts for _ in self._layers]

    def step(self, symbols: Ids, labels: Ids, state: State) -> tuple[Array, State]:
        """Read one symbol of each of n strings, and score the next one.

        Args:
            symbols: ids; the mark before the first, (n,).
            labels: rows of the labels, `NO_LABEL` for none, (n,).
            state: what the step before returned, or `start`.

        Returns:
            Logits of the mark and of all symbols, (n, S), and the next state.
        """
        projected = self._symbols[symbols]
        if self._labels is not None:
            projected = projected + self._labels[labels]
        after: State = []
        for layer, (weight_ih, weight_hh, bias_ih, bias_hh) in enumerate(self._layers):
            if layer:
                projected = after[-1][0] @ weight_ih + bias_ih
            after.append(self._step(projected, state[layer], weight_hh, bias_hh))
        weight, bias = self._output
        logits: Array = after[-1][0] @ weight + bias
        return logits, after

    def score(self, strings: Sequence[Ids], labels: Sequence[int]) -> list[NDArray[np.float64]]:
        """Return how surprising each symbol of strings is, and their end.

        Args:
            strings: ids of each, without the mark.
            labels: the row of the label of each.

        Returns:
            For each string minus the logarithm of the probability of each symbol after those before it, and of the
            mark after the last one, (T + 1,), float64, nats; NaN if the weights are too large to compute with.
        """
        found: list[NDArray[np.float64]] = [np.empty(0)] * len(strings)
        order = sorted(range(len(strings)), key=lambda position: len(strings[position]), reverse=True)
        for start in range(0, len(order), BLOCK):
            block = order[start : start + BLOCK]
            lengths = np.array([len(strings[position]) + 1 for position in block])
            padded = np.full((lengths[0] + 1, len(block)), MARK)  # marks before and after, read as far as each is long
            for column, position in enumerate(block):
                padded[1 : lengths[column], column] = strings[position]
            nats = self._score_block(padded, np.array([labels[position] for position in block]), lengths)
            for column, position in enumerate(block):
                found[position] = nats[: lengths[column], column]
        return found

    def _score_block(self, padded: Ids, labels: Ids, lengths: Ids) -> NDArray[np.float64]:
        """Return the nats of each symbol of strings, the longest first: step t reads only those that have a symbol."""
        state, nats = self.start(len(lengths)), np.zeros((len(padded) - 1, len(lengths)))
        with allow_overflow(), np.errstate(divide="ignore"):
            for step in range(len(padded) - 1):
                count = int((lengths > step).sum())
                state = [tuple(part[:count] for part in parts) for parts in state]
                logits, state = self.step(padded[step, :count], labels[:count], state)
                chosen = softmax(logits, self.temperature)[np.arange(count), padded[step + 1, :count]]
                nats[step, :count] = -np.log(chosen)
        return nats

    def sample(
        self, count: int, random: np.random.Generator, *, label: int, begin: Ids, temperature: float, longest: int
    ) -> list[Drawn]:
        """Write strings: each symbol is drawn by its probability after those before it.

        Args:
            count: how many.
            random: draws the symbols.
            label: the row of their label.
            begin: the ids that every string begins with, (T,); the nats of them are part of the string's.
            temperature: logits are divided by it as well: below 1 likely symbols become likelier, above 1 less so.
            longest: the most symbols of a string, those of ``begin`` included.

        Returns:
            The strings, in the order in which they were begun. No string is empty.
        """
        drawn: list[Drawn] = []
        for start in range(0, count, BLOCK):
            size = min(BLOCK, count - start)
            drawn += self._sample_block(size, random, label, begin, temperature, longest)
        return drawn

    def _sample_block(
        self, size: int, random: np.random.Generator, label: int, begin: Ids, temperature: float, longest: int
    ) -> list[Drawn]:
        ids, nats = np.full((size, longest + 1), MARK), np.zeros((size, longest + 1))
        ends, rows = np.full(size, longest + 1), np.arange(size)  # the step of the mark; the strings that go on
        symbols, state, labels = np.full(size, MARK), self.start(size), np.full(size, label)
        with allow_overflow(), np.errstate(divide="ignore"):
            for step in range(longest + 1):
                logits, state = self.step(symbols, labels[: len(rows)], state)
                if step < len(begin):
                    symbols = np.full(len(rows), begin[step])
                else:
                    symbols = self._draw(logits, temperature, random, may_end=step > 0)
                ids[rows, step] = symbols
                nats[rows, step] = -np.log(softmax(logits, self.temperature)[np.arange(len(rows)), symbols])
                ended = symbols == MARK
                ends[rows[ended]] = step
                rows, symbols = rows[~ended], symbols[~ended]
                state = [tuple(part[~ended] for part in parts) for parts in state]
        strings = enumerate(np.minimum(ends, longest).tolist())
        return [
            Drawn(ids[row, :length], nats[row, : length + int(ends[row] <= longest)], bool(ends[row] <= longest))
            for row, length in strings
        ]

    def _draw(self, logits: Array, temperature: float, random: np.random.Generator, *, may_end: bool) -> Ids:
        """Return a symbol for each row of logits, (n,), drawn by its probability at a temperature."""
        if not may_end:
            logits = logits.copy()
            logits[:, MARK] = -np.inf
        upto = softmax(logits, self.temperature * temperature).cumsum(axis=1)
        places = random.random((len(logits), 1)) * upto[:, -1:]
        drawn: Ids = np.minimum((upto <= places).sum(axis=1), logits.shape[1] - 1)
        return drawn

    def likely_next(self, before: Ids, label: int) -> NDArray[np.float64]:
        """Return the probability of the mark and of each symbol after a beginning, (S,), float64.

        Args:
            before: the ids of the beginning, (T,).
            label: the row of the label.
        """
        state, logits = self.start(1), np.empty((0, 0), np.float32)
        with allow_overflow():
            for symbol in (MARK, *before.tolist()):
                logits, state = self.step(np.array([symbol]), np.array([label]), state)
        chances: NDArray[np.float64] = softmax(logits, self.temperature)[0]
        return chances
