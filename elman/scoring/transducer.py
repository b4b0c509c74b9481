"""Transducer in numpy: strings to strings, with the equations of `elman.training.transducer`, greedily or with a beam.

Strings of one length are read together. A hypothesis is a string that is being written; all hypotheses of all strings
of a block take a step together, as rows of one matrix.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from elman.model.config import ModelConfig
from elman.model.writing import WriterConfig
from elman.scoring.layers import Layer, build_layer
from elman.scoring.probabilities import allow_overflow
from elman.text.targets import MARK

Array = NDArray[np.float32]
State = list[tuple[Array, ...]]
"""Of each layer, each part (n, H)."""

ROWS = 512
"""How many hypotheses take a step together: enough for fast products, few enough to stay in the cache."""

LARGEST_ARRAY = 2**23
"""How many numbers an array of a block can have; one string is read in any case."""

LENGTHS, MORE = 4, 20
"""A string of T symbols is answered with at most LENGTHS · T + MORE: a decoder can fail to end."""


class PackedBatch(Protocol):
    """Sources of one length with their targets: what `elman.data.batches.Batch` has of them."""

    @property
    def inputs(self) -> NDArray[Any]:
        """Ids of the sources, (T, B)."""

    @property
    def targets(self) -> NDArray[Any]:
        """Ids of the targets, packed, (N,)."""

    @property
    def sizes(self) -> tuple[int, ...] | None:
        """How many targets have a symbol at each step, falling."""

    @property
    def labels(self) -> NDArray[np.int64] | None:
        """Ids of the labels, (B,), 0 for none; None if the model knows no labels."""


@dataclass(frozen=True)
class Written:
    """What a model wrote for one string, the best first.

    Args:
        symbols: ids of each string, without the mark of the end, (S,), int64; empty if none ended within the bound.
        scores: the logarithm of the probability of each, nats, float64.
        most: the bound: the most symbols that an answer can have.
    """

    symbols: tuple[NDArray[np.int64], ...]
    scores: tuple[float, ...]
    most: int


@dataclass(frozen=True)
class Memory:
    """What an encoder wrote of B strings of one length.

    Args:
        outputs: (B, T, M); (B, 1, M) without attention.
        keys: what attention compares of them, (B, T, K); None without attention.
        state: the first state of the decoder, each part (B, H).
    """

    outputs: Array
    keys: Array | None
    state: State

    def select(self, rows: NDArray[np.int64]) -> tuple[Array, Array | None]:
        """Return outputs and keys at some rows."""
        return self.outputs[rows], None if self.keys is None else self.keys[rows]


class TransducerScorer:
    """The encoder and the decoder of one model.

    Args:
        config: the shape of the network.
        tensors: its weights by name, as `WriterConfig.tensor_shapes` lists them, float32.
        temperature: logits are divided by it.
        longest: the most symbols of an answer; None: as `bound_length` says alone.
    """

    def __init__(
        self,
        config: WriterConfig,
        tensors: Mapping[str, NDArray[Any]],
        temperature: float = 1.0,
        longest: int | None = None,
    ) -> None:
        self.config, self.tensors, self.temperature, self.longest = config, tensors, temperature, longest
        self._encoder = _build_layers(
            tensors,
            "encoder",
            config.encoder_cell,
            config.encoder_size,
            config.encoder_layers,
            config.encoder_directions,
        )
        self._decoder = [
            layers[0] for layers in _build_layers(tensors, "decoder", config.cell, config.hidden_size, config.layers, 1)
        ]
        embedding, first = tensors["targets.weight"], self._decoder[0]
        read, memory = embedding.shape[1], config.context_size
        # The input side of the first layer is a sum: of the symbol before, one row of a table; of the label; and of the
        # context, the only product that is left for each step.
        self._symbols = embedding @ first.input[:, :read] + first.bias
        self._contexts = np.ascontiguousarray(first.input[:, -memory:])
        self._labels = None
        if "labels.weight" in tensors:
            self._labels = tensors["labels.weight"] @ first.input[:, read:-memory]
        self._query, self._keys = tensors.get("attention.query"), tensors.get("attention.key")
        self._vector = tensors.get("attention.vector")

    def write(
        self,
        sources: Sequence[NDArray[Any]],
        *,
        beam: int,
        top: int = 1,
        labels: Sequence[int] | None = None,
        length_power: float = 0.0,
    ) -> list[Written]:
        """Return what the model writes for each string.

        Args:
            sources: ids of each string, (T,), at least one.
            beam: hypotheses that are kept at each step; 1 writes greedily, the likeliest symbol at each step.
            top: how many answers to look for, at most ``beam``.
            labels: the id of the label of each string, for models that have labels.
            length_power: answers are ranked by the logarithm of their probability over their length, with the mark of
                the end, to this power: 0 ranks by probability, 1 by the mean of a symbol.
        """
        written: list[Written | None] = [None] * len(sources)
        for block in self._divide(sources, max(1, ROWS // beam)):
            ids = np.stack([sources[position] for position in block], axis=1).astype(np.int64)
            chosen = None if labels is None else np.array([labels[position] for position in block])
            with allow_overflow():
                found = self._search(self.encode(ids), chosen, beam, top, length_power, self._bound(len(ids)))
            for position, one in zip(block, found, strict=True):
                written[position] = one
        return [one for one in written if one is not None]

    def score(
        self, source: NDArray[Any], target: Sequence[int], label: int | None = None
    ) -> tuple[NDArray[np.float64], Array]:
        """Return how likely each symbol of a target is after those before it, and where the model reads meanwhile.

        Args:
            source: ids, (T,).
            target: ids, without the mark of the end.
            label: its id.

        Returns:
            The logarithms of the probabilities of the target's symbols and of the mark of the end, (S + 1,), nats, and
            the weights of attention at each, (S + 1, T); a column of ones without attention.
        """
        memory = self.encode(np.asarray(source, np.int64)[:, None])
        state, logs, weights = memory.state, [], []
        chosen = None if label is None else np.array([label])
        with allow_overflow():
            for before, symbol in zip((MARK, *target), (*target, MARK), strict=True):
                found, state, weight = self.step(np.array([before]), state, memory.outputs, memory.keys, chosen)
                logs.append(float(log_softmax(found, self.temperature)[0, symbol]))
                weights.append(weight[0])
        return np.array(logs), np.stack(weights)

    def _bound(self, length: int) -> int:
        """Return the most symbols that a string of ``length`` symbols is answered with."""
        return min(bound_length(length), self.longest or bound_length(length))

    def score_batches(self, batches: Iterable[PackedBatch]) -> tuple[Array, NDArray[np.int64]]:
        """Return the logits of all symbols of targets, each given those before it, (N, S), and the symbols, (N,).

        Args:
            batches: of sources of one length, with their targets; see `elman.data.packed`.
        """
        logits, truth = [], []
        with allow_overflow():
            for batch in batches:
                logits.append(self._score_batch(batch))
                truth.append(batch.targets)
        return np.concatenate(logits), np.concatenate(truth)

    def _score_batch(self, batch: PackedBatch) -> Array:
        memory = self.encode(np.asarray(batch.inputs, np.int64))
        state, outputs, keys, labels = memory.state, memory.outputs, memory.keys, batch.labels
        before, start, logits = np.full(len(outputs), MARK), 0, []
        for size in batch.sizes or ():
            state, outputs = [tuple(part[:size] for part in parts) for parts in state], outputs[:size]
            keys, labels = None if keys is None else keys[:size], None if labels is None else labels[:size]
            found, state, _ = self.step(before[:size], state, outputs, keys, labels)
            logits.append(found)
            before = batch.targets[start : start + size]
            start += size
        return np.concatenate(logits)

    def encode(self, ids: NDArray[np.int64]) -> Memory:
        """Read strings of one length, (T, B)."""
        config = self.config
        outputs: Array = self.tensors["sources.weight"][ids]
        last: list[Array] = []
        for layers in self._encoder:
            both, last = [], []
            for direction, layer in enumerate(layers):
                read = _read_layer(layer, outputs, backwards=direction == 1)
                both.append(read)
                last.append(read[0 if direction else -1])
            outputs = np.concatenate(both, axis=2) if len(both) > 1 else both[0]
        final = np.concatenate(last, axis=1)
        first = np.tanh(final @ self.tensors["bridge.weight"].T + self.tensors["bridge.bias"])
        hidden = np.split(first, config.layers, axis=1)
        state: State = [(one, np.zeros_like(one)) if config.cell == "lstm" else (one,) for one in hidden]
        if self._keys is None:
            return Memory(final[:, None], None, state)
        memory = np.ascontiguousarray(outputs.transpose(1, 0, 2))
        return Memory(memory, memory @ self._keys.T, state)

    def step(
        self,
        symbols: NDArray[np.int64],
        state: State,
        outputs: Array,
        keys: Array | None,
        labels: NDArray[np.int64] | None = None,
    ) -> tuple[Array, State, Array]:
        """Write the next symbol of n hypotheses.

        Args:
            symbols: the symbol before, (n,).
            state: of the decoder, each part (n, H).
            outputs: the memory of each, (n, T, M).
            keys: of each, (n, T, K).
            labels: of each, (n,).

        Returns:
            The logits of all symbols, (n, S), the state after the step, and the weights of attention, (n, T).
        """
        context, weights = self._attend(state[-1][0], outputs, keys)
        inputs = self._symbols[:, symbols]
        inputs += np.matmul(context, self._contexts)
        if labels is not None and self._labels is not None:
            inputs += self._labels[:, labels]
        after: State = []
        for layer, past in zip(self._decoder, state, strict=True):
            if after:
                inputs = layer.project(after[-1][0], np.empty((layer.gates, len(symbols), layer.size), np.float32))
            now = tuple(np.empty_like(part) for part in past)
            layer.step(inputs, _multiply(past[0], layer), past, now)
            after.append(now)
        known = np.concatenate([after[-1][0], context], axis=1)
        if self.config.mix_size:
            known = np.tanh(known @ self.tensors["mix.weight"].T + self.tensors["mix.bias"])
        logits = known @ self.tensors["output.weight"].T + self.tensors["output.bias"]
        return logits, after, weights

    def _attend(self, query: Array, outputs: Array, keys: Array | None) -> tuple[Array, Array]:
        """Return the contexts, (n, M), and the weights, (n, T); the equations are those of `elman.cells.attention`."""
        if keys is None:
            return outputs[:, 0], np.ones((len(outputs), 1), np.float32)
        if self._query is not None and self._vector is not None:
            # e_j = vᵀ tanh(W s + U h_j)
            compared = keys + (query @ self._query.T)[:, None]
            scores = np.tanh(compared, out=compared) @ self._vector
        else:
            # e_j = sᵀ U h_j / √K
            scores = (keys @ query[:, :, None])[:, :, 0] * np.float32(1 / math.sqrt(keys.shape[2]))
        # α_j = exp(e_j) / Σ_k exp(e_k)
        weights = np.exp(scores - scores.max(axis=1, keepdims=True))
        weights /= weights.sum(axis=1, keepdims=True)
        # c = Σ_j α_j h_j
        return (weights[:, None] @ outputs)[:, 0], weights

    def _search(
        self, memory: Memory, labels: NDArray[np.int64] | None, beam: int, top: int, power: float, most: int
    ) -> list[Written]:
        """Return the best answers for B strings of one length."""
        found = _Found(len(memory.outputs), top, power, most)
        strings = np.arange(len(memory.outputs))  # of each hypothesis
        scores, symbols = np.zeros(len(strings)), np.full(len(strings), MARK)
        state, outputs, keys = memory.state, memory.outputs, memory.keys
        histories = np.empty((len(strings), 0), np.int64)
        for length in range(1, most + 2):
            chosen = None if labels is None else labels[strings]
            logits, after, _ = self.step(symbols, state, outputs, keys, chosen)
            totals = scores[:, None] + log_softmax(logits, self.temperature)
            if length == 1:
                totals[:, MARK] = -np.inf  # an answer has at least one symbol, as every target has
            parents, symbols, scores = _choose(strings, totals, beam)
            histories = np.concatenate([histories[parents], symbols[:, None]], axis=1)
            ended = symbols == MARK
            found.add(strings[parents[ended]], histories[ended, :-1], scores[ended], length)
            going = np.flatnonzero(~ended & found.could_enter(strings[parents], scores))
            if len(going) == 0:
                break
            parents, symbols, scores, histories = parents[going], symbols[going], scores[going], histories[going]
            before, strings = strings, strings[parents]
            state = [tuple(part[parents] for part in parts) for parts in after]
            if not np.array_equal(before, strings):
                outputs, keys = memory.select(strings)
        return found.gather()

    def _divide(self, sources: Sequence[NDArray[Any]], size: int) -> Iterator[list[int]]:
        """Yield the positions of some strings of one length."""
        by_length: defaultdict[int, list[int]] = defaultdict(list)
        for position, source in enumerate(sources):
            by_length[len(source)].append(position)
        for length, positions in by_length.items():
            fits = max(1, LARGEST_ARRAY // (length * max(self.config.context_size, self.config.attention_size)))
            for start in range(0, len(positions), min(size, fits)):
                yield positions[start : start + min(size, fits)]


class _Found:
    """The answers that have ended, of B strings.

    Args:
        strings: B.
        top: how many are looked for.
        power: of their length, by which they are ranked.
        most: symbols of an answer.
    """

    def __init__(self, strings: int, top: int, power: float, most: int) -> None:
        self._top, self._power, self._most = top, power, most
        self._answers: list[list[tuple[float, float, NDArray[np.int64]]]] = [[] for _ in range(strings)]
        self._least = np.full(strings, -np.inf)  # the rank of the last of the best answers, once there are so many

    def add(
        self, strings: NDArray[np.int64], histories: NDArray[np.int64], scores: NDArray[np.float64], length: int
    ) -> None:
        """Add answers of ``length`` symbols, with the mark of the end."""
        for string, history, score in zip(strings.tolist(), histories, scores.tolist(), strict=True):
            answers = self._answers[string]
            answers.append((score / length**self._power, score, history))
            answers.sort(key=lambda answer: -answer[0])
            if len(answers) >= self._top:
                self._least[string] = answers[self._top - 1][0]

    def could_enter(self, strings: NDArray[np.int64], scores: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return whether hypotheses could still be among the best: a score only falls, and the longest divides most."""
        could: NDArray[np.bool_] = scores / (self._most + 1) ** self._power > self._least[strings]
        return could

    def gather(self) -> list[Written]:
        """Return the best answers of each string."""
        best = [answers[: self._top] for answers in self._answers]
        return [
            Written(tuple(one for _, _, one in answers), tuple(score for _, score, _ in answers), self._most)
            for answers in best
        ]


def bound_length(length: int) -> int:
    """Return the most symbols that a string of ``length`` symbols is answered with."""
    return LENGTHS * length + MORE


def log_softmax(logits: Array, temperature: float = 1.0) -> NDArray[np.float64]:
    """Return the logarithms of the probabilities, (n, S), float64, of logits."""
    scaled = logits.astype(np.float64) / temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    scaled -= np.log(np.exp(scaled).sum(axis=1, keepdims=True))
    return scaled


def _choose(
    strings: NDArray[np.int64], totals: NDArray[np.float64], beam: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return the best next hypotheses of each string, at most ``beam``: their parents, their symbols and their scores.

    Args:
        strings: of each hypothesis, (n,), rising.
        totals: the score of each with each symbol, (n, S).
        beam: at least 1.
    """
    rows, symbols = np.arange(len(totals)), totals.shape[1]
    width = min(beam, symbols)
    best = (
        np.argpartition(-totals, width - 1, axis=1)[:, :width]
        if width < symbols
        else np.tile(np.arange(symbols), (len(rows), 1))
    )
    parents, chosen = np.repeat(rows, width), best.ravel()
    scores = totals[parents, chosen]
    order = np.lexsort((-scores, strings[parents]))  # by string, the best first
    owners = strings[parents[order]]
    starts = np.searchsorted(owners, owners)  # where the hypotheses of the same string begin
    kept = order[(np.arange(len(order)) - starts < beam) & np.isfinite(scores[order])]
    return parents[kept], chosen[kept], scores[kept]


def _build_layers(
    tensors: Mapping[str, NDArray[Any]], prefix: str, cell: str, size: int, layers: int, directions: int
) -> list[list[Layer]]:
    """Return the directions of each layer of a recurrent part, whose tensors begin with a prefix."""
    shape = ModelConfig(cell=cell, hidden_size=size, layers=layers, directions=directions)
    named = {
        "recurrence" + name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(f"{prefix}.")
    }
    return [[build_layer(shape, named, layer, direction) for direction in range(directions)] for layer in range(layers)]


def _read_layer(layer: Layer, inputs: Array, *, backwards: bool) -> Array:
    """Return the outputs of a layer in one direction, (T, B, H), from (T, B, I)."""
    length, size, _ = inputs.shape
    outputs = np.empty((length, size, layer.size), np.float32)
    projected = np.empty((layer.gates, length * size, layer.size), np.float32)
    layer.project(inputs.reshape(length * size, -1), projected)
    projected = projected.reshape(layer.gates, length, size, layer.size)
    state = tuple(np.zeros((layer.parts, size, layer.size), np.float32))
    for step in reversed(range(length)) if backwards else range(length):
        after = (outputs[step], *(np.empty_like(part) for part in state[1:]))
        layer.step(projected[:, step], _multiply(state[0], layer), state, after)
        state = after
    return outputs


def _multiply(state: Array, layer: Layer) -> Array:
    """Return the recurrent side of the gates, (G, n, H)."""
    recurrent: Array = np.matmul(state, layer.recurrent)
    if layer.recurrent_bias is not None:
        recurrent[-1] += layer.recurrent_bias
    return recurrent
