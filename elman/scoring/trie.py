"""Trie scorer: beginnings and endings that many strings have in common are read once.

Strings are sorted, so that strings with a common beginning are adjacent. Symbol by symbol they form a trie, and each of
its levels is one product over its distinct beginnings; the backward direction shares endings in the same way. This is
exact for one layer in two directions, and for any number of layers in one. The input side of a step depends on its
context alone and is looked up. Sharing beginnings was published for language models that rescore sentences (X. Chen et
al., "Efficient GPU-based training and evaluation of recurrent neural network language models", 2014).

`elman.scoring.reference` has the same equations written to be read, and the tests compare the two. Here the work is cut
into blocks and pieces, so that the numbers in use stay in the cache, and several threads read blocks: numpy releases
the interpreter while it computes. `benchmarks/speed.py` measures the speed.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.model.config import ModelConfig
from elman.model.tensors import HEAD_BIAS, HEAD_WEIGHT
from elman.scoring.layers import Buffers, Layer, State, build_layer
from elman.scoring.lookups import Contexts, score_wholes
from elman.scoring.probabilities import allow_overflow
from elman.scoring.processor import single_threaded_products
from elman.scoring.reference import LARGEST_ARRAY, count_answers
from elman.text.encoded import EncodedStrings

Array = NDArray[np.float32]
Ids = NDArray[np.int64]

BLOCK = 8192
"""The most strings whose trie one thread reads at a time."""

PIECE, SHARED_PIECE = 2048, 8192
"""Nodes of a level that the cell reads together, on one thread and on several. Small pieces stay in the cache; larger
ones are faster on several threads, because each operation waits for the interpreter at its end."""

BUDGET = 48 * 2**20
"""The most bytes of the logits of a part; all parts use the same memory."""

LARGEST_PART = 2**13
"""The most strings in a part for models with n-grams, because each distinct context takes a row of memory."""

KEYS = 2
"""How many 64-bit words of leading symbols strings are sorted by. Strings that differ after them may share less."""

WORTH_SHARING = 0.8
"""The most distinct parents per node with which sharing their products costs less than one product per node."""


class TrieScorer:
    """The forward pass of one model for many strings at once.

    Args:
        config: the shape of a network for which `elman.scoring.reference.can_share` is true.
        tensors: its weights by name, as for `elman.scoring.scorer.Scorer`.
    """

    def __init__(self, config: ModelConfig, tensors: Mapping[str, NDArray[Any]]) -> None:
        self.config, self.tensors, self._reads_wholes = config, tensors, config.reads_wholes
        with allow_overflow():
            self._directions = [
                [build_layer(config, tensors, layer, direction) for layer in range(config.layers)]
                for direction in range(config.directions)
            ]
        self._local, self._pools = threading.local(), dict[int, ThreadPoolExecutor]()

    @property
    def answers(self) -> int:
        """How many logits each string has, C."""
        return count_answers(self.config, self.tensors)

    def logits(self, strings: EncodedStrings, *, threads: int = 1) -> Array:
        """Return the logits of encoded strings.

        Args:
            strings: N of them, of at least one symbol.
            threads: how many threads to use, at least 1.

        Returns:
            (N, C), float32, in the order of the strings.
        """
        logits = np.empty((len(strings), self.answers), np.float32)
        for rows, part in self.parts(strings, threads=threads):
            logits[rows] = part
        return logits

    def logits_of_few(self, strings: EncodedStrings) -> Array:
        """Return the logits of strings without sharing, which is faster for few of them; otherwise as `logits`."""
        with allow_overflow():
            return self._read_few(strings)

    def _read_few(self, strings: EncodedStrings) -> Array:
        # The longest come first, so that the first rows of every step are the strings that have not ended.
        order = np.argsort(-strings.lengths, kind="stable")
        lengths = strings.lengths[order]
        contexts = Contexts(self.config, self.tensors, strings)
        inputs, scores = contexts.inputs(slice(None)), np.zeros((len(strings), self.answers), np.float32)
        for direction, layers in enumerate(self._directions):
            tokens = contexts.read(order, lengths, backwards=direction == 1)
            table = layers[0].project(inputs, np.empty((layers[0].gates, len(contexts), layers[0].size), np.float32))
            states = [tuple(np.zeros((layer.parts, len(strings), layer.size), np.float32)) for layer in layers]
            for step, token in enumerate(tokens):
                left = int(np.searchsorted(-lengths, -step))  # shorter strings have ended
                below: Array | None = None
                for layer, state in zip(layers, states, strict=True):
                    now = tuple(part[:left] for part in state)
                    recurrent = np.matmul(now[0], layer.recurrent)
                    if layer.recurrent_bias is not None:
                        recurrent[-1] += layer.recurrent_bias
                    read = table[:, token[:left]] if below is None else layer.project(below, np.empty_like(recurrent))
                    layer.step(read, recurrent, now, now)
                    below = now[0]
            scores += self._score(states[-1][0], direction)
        logits = np.empty_like(scores)
        logits[order] = scores
        return logits + score_wholes(self.config, self.tensors, strings) if self._reads_wholes else logits

    def parts(self, strings: EncodedStrings, *, threads: int = 1) -> Iterator[tuple[Ids, Array]]:
        """Read encoded strings part by part; arguments as for `logits`.

        Yields:
            The positions of some of the strings, (n,), and their logits, (n, C), float32, valid until the next part.
        """
        if len(strings) == 0:
            return
        size = max(1, BUDGET // (4 * self.answers))
        if self.config.ngram_orders or self._reads_wholes:
            size = min(size, LARGEST_PART)
        pool = self._get_pool(threads)
        with single_threaded_products():
            order, is_new = sort_strings(strings, backwards=False)
            distinct, number = order[is_new], np.cumsum(is_new) - 1
            for start in range(0, len(distinct), size):
                chosen = distinct[start : start + size]
                first, last = np.searchsorted(number, (start, start + size))
                logits = self._read_part(strings.select(chosen), pool, threads)
                all_differ = last - first == len(chosen)
                yield order[first:last], logits if all_differ else logits[number[first:last] - start]

    def _read_part(self, strings: EncodedStrings, pool: ThreadPoolExecutor, threads: int) -> Array:
        """Return the logits, (n, C), of distinct strings that are sorted by their beginnings."""
        config, piece = self.config, PIECE if threads == 1 else SHARED_PIECE
        backward_order = pool.submit(sort_strings, strings, backwards=True) if config.directions == 2 else None
        contexts = Contexts(config, self.tensors, strings)
        tables = self._project_contexts(contexts, pool)
        logits = self._get_buffers()("logits", len(strings), self.answers)

        def read(direction: int, rows: Ids) -> None:
            with allow_overflow():
                add_scores(direction, rows)

        def add_scores(direction: int, rows: Ids) -> None:
            lengths = strings.lengths[rows]
            tokens = contexts.read(rows, lengths, backwards=direction == 1)
            states = self._unroll(tokens, lengths, self._directions[direction], tables[direction], piece)
            scores = self._score(states, direction)
            if direction == 0:
                logits[rows] = scores
            else:
                logits[rows] += scores
            if direction == 0 and self._reads_wholes:
                logits[rows] += score_wholes(config, self.tensors, strings.select(rows))

        blocks = _cut_blocks(len(strings), threads)
        for direction in range(config.directions):  # the second adds to the scores of the first
            order = backward_order.result()[0] if direction == 1 and backward_order else np.arange(len(strings))
            _wait_for(pool.submit(read, direction, order[block]) for block in blocks)
        return logits

    def _project_contexts(self, contexts: Contexts, pool: ThreadPoolExecutor) -> list[Array]:
        """Return for each direction the input side of the gates for each context, (G, contexts, H)."""
        layers = [layers[0] for layers in self._directions]
        buffers = self._get_buffers()
        tables = [
            buffers(("table", number), layer.gates, len(contexts), layer.size) for number, layer in enumerate(layers)
        ]

        def project(some: slice) -> None:
            with allow_overflow():
                inputs = contexts.inputs(some)
                for layer, table in zip(layers, tables, strict=True):
                    layer.project(inputs, table[:, some])

        piece = min(PIECE, max(1, LARGEST_ARRAY // contexts.size))
        _wait_for(pool.submit(project, slice(start, start + piece)) for start in range(0, len(contexts), piece))
        return tables

    def _score(self, states: Array, direction: int) -> Array:
        """Return what the final states of one direction, (n, H), add to the logits, (n, C)."""
        size = self.config.hidden_size
        columns = slice(direction * size, (direction + 1) * size)
        if self.config.head == "none":
            outputs = np.zeros((len(states), self.answers), np.float32)
            outputs[:, columns] = states
            return outputs
        scores: Array = states @ self.tensors[HEAD_WEIGHT][:, columns].T
        if direction == 0:
            scores += self.tensors[HEAD_BIAS]
        return scores

    def _unroll(self, tokens: Ids, lengths: Ids, layers: Sequence[Layer], table: Array, piece: int) -> Array:
        """Read a block of strings and return the final hidden state of the last layer for each, (n, H).

        Args:
            tokens: the context that each step reads, (T, n); strings with a common beginning are adjacent.
            lengths: symbols of each string, (n,).
            layers: of this direction, the lowest first.
            table: the input side of each context, (G, contexts, H).
            piece: how many nodes the cell reads together.
        """
        is_first, node = _build_trie(tokens, lengths)
        final = np.empty((len(lengths), self.config.hidden_size), np.float32)
        buffers = self._get_buffers()
        before: list[State] = []
        for level, token in enumerate(tokens):
            rows = np.flatnonzero(is_first[level])
            after = [
                _allocate_state(layer, buffers, (number, level % 2), len(rows)) for number, layer in enumerate(layers)
            ]
            for start in range(0, len(rows), piece):
                some = slice(start, min(start + piece, len(rows)))
                parents = node[level - 1, rows[some]] if level else None
                _advance(layers, table, token[rows[some]], parents, before, _cut(after, some), buffers)
            before = after
            ended = np.flatnonzero(lengths == level + 1)  # their final state is that of their node here
            if len(ended):
                final[ended] = before[-1][0][node[level, ended]]
        return final

    def _get_pool(self, threads: int) -> ThreadPoolExecutor:
        """Return a pool of threads. Each call with this number returns the same, because threads keep their buffers."""
        if threads not in self._pools:
            self._pools[threads] = ThreadPoolExecutor(threads, thread_name_prefix="elman")
        return self._pools[threads]

    def _get_buffers(self) -> Buffers:
        """Return the buffers of this thread."""
        if not hasattr(self._local, "buffers"):
            self._local.buffers = Buffers()
        buffers: Buffers = self._local.buffers
        return buffers


def _build_trie(tokens: Ids, lengths: Ids) -> tuple[NDArray[np.bool_], Ids]:
    """Return the trie of a block of strings; arguments as in `TrieScorer._unroll`.

    Returns:
        Whether each string is the first of its node at each level, and the number of its node there, both (T, n).
    """
    exists = np.arange(len(tokens))[:, None] < lengths
    # Tokens after the end of a string repeat its last one: only a string that has not ended shares its next step.
    shared = np.logical_and.accumulate((tokens[:, 1:] == tokens[:, :-1]) & exists[:, :-1], axis=0)
    is_first = exists.copy()
    is_first[:, 1:] &= ~shared
    return is_first, is_first.cumsum(axis=1) - 1


def _advance(
    layers: Sequence[Layer],
    table: Array,
    tokens: Ids,
    parents: Ids | None,
    before: Sequence[State],
    after: Sequence[State],
    buffers: Buffers,
) -> None:
    """Read one step of some nodes through all layers.

    Args:
        layers: the lowest first.
        table: the input side of each context, (G, contexts, H).
        tokens: the context that each node reads, (n,).
        parents: the position of each node's parent, (n,), equal ones adjacent; None at the first step.
        before: the states of each layer one level up.
        after: receives the states of each layer.
        buffers: for intermediate results.
    """
    distinct, spread = (None, None) if parents is None else _merge_parents(parents)
    for number, layer in enumerate(layers):
        inputs = buffers("inputs", layer.gates, len(tokens), layer.size)
        if number == 0:
            _take(table, tokens, inputs, axis=1)
        else:
            layer.project(after[number - 1][0], inputs)
        if distinct is None:
            state = _allocate_state(layer, buffers, "own", len(tokens))
            for part in state:
                part.fill(0)
        else:
            state = _take_state(before[number], distinct, _allocate_state(layer, buffers, "parent", len(distinct)))
        recurrent = buffers("recurrent", layer.gates, len(state[0]), layer.size)
        np.matmul(state[0], layer.recurrent, out=recurrent)
        if layer.recurrent_bias is not None:
            recurrent[-1] += layer.recurrent_bias
        if spread is not None:
            recurrent = _take(recurrent, spread, buffers("spread", layer.gates, len(tokens), layer.size), axis=1)
            state = _take_state(state, spread, _allocate_state(layer, buffers, "own", len(tokens)))
        layer.step(inputs, recurrent, state, after[number])


def _merge_parents(parents: Ids) -> tuple[Ids, Ids | None]:
    """Return the parents to multiply, and the position among them of each node's parent; None if one for each node."""
    is_new = np.ones(len(parents), bool)
    np.not_equal(parents[1:], parents[:-1], out=is_new[1:])
    distinct = parents[is_new]
    return (parents, None) if len(distinct) > WORTH_SHARING * len(parents) else (distinct, np.cumsum(is_new) - 1)


def _allocate_state(layer: Layer, buffers: Buffers, name: Any, count: int) -> State:
    return tuple(buffers((name, part), count, layer.size) for part in range(layer.parts))


def _take_state(state: State, rows: Ids, out: State) -> State:
    return tuple(_take(part, rows, part_out, axis=0) for part, part_out in zip(state, out, strict=True))


def _take(values: Array, rows: Ids, out: Array, *, axis: int) -> Array:
    # All rows exist; with "clip" numpy writes to ``out`` directly, without a buffer.
    return np.take(values, rows, axis=axis, out=out, mode="clip")


def _cut(states: Sequence[State], rows: slice) -> list[State]:
    return [tuple(part[rows] for part in state) for state in states]


def _cut_blocks(strings: int, threads: int) -> list[slice]:
    """Return blocks of equal size, in a number that keeps all threads busy to the end."""
    rounds = -(-strings // (threads * BLOCK))
    size = -(-strings // (threads * rounds))
    return [slice(start, min(start + size, strings)) for start in range(0, strings, size)]


def _wait_for(tasks: Iterable[Future[None]]) -> None:
    """Submit all tasks, which iteration does, then wait for them; after an error, cancel the rest."""
    started = list(tasks)
    try:
        for task in started:
            task.result()
    except BaseException:
        for task in started:
            task.cancel()
        raise


def sort_strings(strings: EncodedStrings, *, backwards: bool) -> tuple[Ids, NDArray[np.bool_]]:
    """Sort strings so that those with a common beginning (or end, if ``backwards``) are adjacent.

    Returns:
        The order, (N,), and whether each string differs from the one before it, (N,). Strings longer than the symbols
        that they are sorted by always count as different.
    """
    # A key has ``each`` symbols of ``bits`` bits, the first symbol highest; 0 is for steps after the end of the string.
    bits = int(strings.ids.max() + 1).bit_length()
    each = 64 // bits
    last = strings.lengths - 1
    keys = np.zeros((KEYS, len(strings)), np.uint64)
    for step in range(KEYS * each):
        place = np.minimum(step, last)
        symbol = strings.ids[strings.starts + (last - place if backwards else place)].astype(np.uint64)
        symbol += np.uint64(1)
        symbol[step > last] = 0
        key = keys[step // each]
        key <<= np.uint64(bits)
        key |= symbol
    order = np.lexsort(keys[::-1])
    in_order = keys[:, order]
    is_new = np.ones(len(order), bool)
    lengths = strings.lengths[order]
    differ = (in_order[:, 1:] != in_order[:, :-1]).any(axis=0) | (lengths[1:] != lengths[:-1])
    is_new[1:] = differ | (lengths[1:] > KEYS * each)
    return order, is_new
