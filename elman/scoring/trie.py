"""The forward pass with shared beginnings and endings: what many strings have in common is read once.

Strings are sorted, so that those with a common beginning stand together. Seen symbol by symbol they form a trie, and
each level of it is one product over its distinct beginnings; the backward direction shares endings the same way. That
is exact for one layer in two directions, and for any number of layers in one. The input side of a step depends on its
context alone and is looked up. Sharing beginnings was published for language models that rescore sentences (X. Chen et
al., "Efficient GPU-based training and evaluation of recurrent neural network language models", 2014).

`elman.scoring.reference` has the same equations written to be read, and the tests hold this path against it. Here the work is cut
into blocks and pieces, so that the numbers in use stay close to the processor, and blocks are shared out to threads:
numpy lets go of the interpreter while it computes. `benchmarks/speed.py` measures it.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.model.config import NO_CELL, ModelConfig
from elman.scoring.layers import Buffers, Layer, State, build_layer
from elman.scoring.lookups import Bag, Contexts
from elman.scoring.processor import single_threaded_products
from elman.text.encoded import EncodedStrings

Array = NDArray[np.float32]
Ids = NDArray[np.int64]

BLOCK = 8192
"""Strings whose trie one thread reads at a time, at most."""

PIECE, SHARED_PIECE = 2048, 8192
"""Nodes of a level that go through the cell together, on one thread and on several. Small pieces stay in the cache;
several threads want larger ones, because each operation that ends has to ask for the interpreter again."""

BUDGET = 48 * 2**20
"""Bytes that the answers of a part may take; their memory is used again from part to part."""

LARGEST_PART = 2**13
"""Strings in a part where n-grams matter: a row for each distinct context is most of the memory then."""

KEYS = 2
"""64-bit words of leading symbols that strings are sorted by; what differs only behind them may be shared less."""

WORTH_SHARING = 0.8
"""Distinct parents for each node: above, a product for each node costs less than handing shared ones on."""


def can_share(config: ModelConfig) -> bool:
    """Return whether sharing is exact for a model: it reads symbols, and answers once, from its cells alone."""
    return (
        not config.input_size
        and config.cell != NO_CELL
        and config.readout == "last"
        and config.head != "concatenation"
        and (config.layers == 1 or config.directions == 1)
    )


class SharingScorer:
    """The network of one model, ready to read many strings at once.

    Args:
        config: its shape; see `can_share`.
        tensors: its weights by name, as for `elman.scoring.scorer.Scorer`.
    """

    def __init__(self, config: ModelConfig, tensors: Mapping[str, NDArray[Any]]) -> None:
        self.config, self.tensors = config, tensors
        self._directions = [
            [build_layer(config, tensors, f"l{layer}{suffix}") for layer in range(config.layers)]
            for suffix in ("", "_reverse")[: config.directions]
        ]
        self._own, self._pools = threading.local(), dict[int, ThreadPoolExecutor]()

    @property
    def answers(self) -> int:
        """How many logits each string gets, C."""
        config = self.config
        return config.directions * config.hidden_size if config.head == "none" else len(self.tensors["head.bias"])

    def logits(self, strings: EncodedStrings, *, threads: int = 1) -> Array:
        """Read encoded strings and answer once for each.

        Args:
            strings: N of them.
            threads: how many share the work, at least 1.

        Returns:
            (N, C), float32, in the order given.
        """
        logits = np.empty((len(strings), self.answers), np.float32)
        for rows, of_rows in self.parts(strings, threads=threads):
            logits[rows] = of_rows
        return logits

    def logits_of_few(self, strings: EncodedStrings) -> Array:
        """Read strings that are too few to look for what they have in common; as `logits`.

        The longest stand first, so that those that have not ended are the first rows of every step.
        """
        order = np.argsort(-strings.lengths, kind="stable")
        lengths = strings.lengths[order]
        contexts = Contexts(self.config, self.tensors, strings)
        inputs, answered = contexts.inputs(slice(None)), np.zeros((len(strings), self.answers), np.float32)
        for direction, layers in enumerate(self._directions):
            tokens = contexts.read(order, lengths, backwards=direction == 1)
            table = layers[0].project(inputs, np.empty((layers[0].gates, len(contexts), layers[0].size), np.float32))
            states = [tuple(np.zeros((layer.parts, len(strings), layer.size), np.float32)) for layer in layers]
            for step, token in enumerate(tokens):
                left = int(np.searchsorted(-lengths, -step))  # the others have ended
                below: Array | None = None
                for layer, state in zip(layers, states, strict=True):
                    now = tuple(part[:left] for part in state)
                    recurrent = np.matmul(now[0], layer.recurrent)
                    if layer.recurrent_bias is not None:
                        recurrent[-1] += layer.recurrent_bias
                    read = table[:, token[:left]] if below is None else layer.project(below, np.empty_like(recurrent))
                    layer.step(read, recurrent, now, now)
                    below = now[0]
            answered += self._answered(states[-1][0], direction)
        logits = np.empty_like(answered)
        logits[order] = answered
        return logits + Bag(self.config, self.tensors, strings).logits() if self.config.bag_orders else logits

    def parts(self, strings: EncodedStrings, *, threads: int = 1) -> Iterator[tuple[Ids, Array]]:
        """Read encoded strings part by part; arguments as for `logits`.

        Yields:
            Where some of the strings stand, (n,), and their logits, (n, C), float32, which last until the next part.
        """
        if len(strings) == 0:
            return
        size = max(1, BUDGET // (4 * self.answers))
        if self.config.ngram_orders or self.config.bag_orders:
            size = min(size, LARGEST_PART)
        pool = self._pool(threads)
        with single_threaded_products():
            order, is_new = sorted_order(strings, backwards=False)
            distinct, number = order[is_new], np.cumsum(is_new) - 1
            for start in range(0, len(distinct), size):
                chosen = distinct[start : start + size]
                first, last = np.searchsorted(number, (start, start + size))
                logits = self._part(strings.select(chosen), pool, threads)
                all_differ = last - first == len(chosen)
                yield order[first:last], logits if all_differ else logits[number[first:last] - start]

    def _part(self, strings: EncodedStrings, pool: ThreadPoolExecutor, threads: int) -> Array:
        """Return the logits, (n, C), of different strings that are sorted by their beginnings."""
        config, piece = self.config, PIECE if threads == 1 else SHARED_PIECE
        backward_order = pool.submit(sorted_order, strings, backwards=True) if config.directions == 2 else None
        contexts = Contexts(config, self.tensors, strings)
        tables = self._tables(contexts, pool)
        logits = self._buffers()("logits", len(strings), self.answers)

        def read(direction: int, rows: Ids) -> None:
            lengths = strings.lengths[rows]
            tokens = contexts.read(rows, lengths, backwards=direction == 1)
            states = self._final_states(tokens, lengths, self._directions[direction], tables[direction], piece)
            answered = self._answered(states, direction)
            if direction == 0:
                logits[rows] = answered
            else:
                logits[rows] += answered
            if direction == 0 and config.bag_orders:
                logits[rows] += Bag(config, self.tensors, strings.select(rows)).logits()

        blocks = _blocks(len(strings), threads)
        for direction in range(config.directions):  # the second adds to what the first has written
            order = backward_order.result()[0] if direction == 1 and backward_order else np.arange(len(strings))
            _all(pool.submit(read, direction, order[block]) for block in blocks)
        return logits

    def _tables(self, contexts: Contexts, pool: ThreadPoolExecutor) -> list[Array]:
        """Return for each direction the input side of each context, (G, contexts, H)."""
        layers = [layers[0] for layers in self._directions]
        buffers = self._buffers()
        tables = [
            buffers(("table", number), layer.gates, len(contexts), layer.size) for number, layer in enumerate(layers)
        ]

        def project(some: slice) -> None:
            inputs = contexts.inputs(some)
            for layer, table in zip(layers, tables, strict=True):
                layer.project(inputs, table[:, some])

        _all(pool.submit(project, slice(start, start + PIECE)) for start in range(0, len(contexts), PIECE))
        return tables

    def _answered(self, states: Array, direction: int) -> Array:
        """Return what the final states of one direction, (n, H), add to the logits, (n, C)."""
        size = self.config.hidden_size
        columns = slice(direction * size, (direction + 1) * size)
        if self.config.head == "none":
            placed = np.zeros((len(states), self.answers), np.float32)
            placed[:, columns] = states
            return placed
        answered: Array = states @ self.tensors["head.weight"][:, columns].T
        if direction == 0:
            answered += self.tensors["head.bias"]
        return answered

    def _final_states(self, tokens: Ids, lengths: Ids, layers: Sequence[Layer], table: Array, piece: int) -> Array:
        """Read a block of strings and return the last layer's hidden state that each ends with, (n, H).

        Args:
            tokens: the context that each step reads, (T, n); strings with a common beginning stand side by side.
            lengths: symbols of each string, (n,).
            layers: of this direction, the lowest first.
            table: the input side of each context, (G, contexts, H).
            piece: nodes that go through the cell together.
        """
        is_first, node = _nodes(tokens, lengths)
        final = np.empty((len(lengths), self.config.hidden_size), np.float32)
        buffers = self._buffers()
        before: list[State] = []
        for level, token in enumerate(tokens):
            rows = np.flatnonzero(is_first[level])
            after = [_states(layer, buffers, (number, level % 2), len(rows)) for number, layer in enumerate(layers)]
            for start in range(0, len(rows), piece):
                these = slice(start, min(start + piece, len(rows)))
                parents = node[level - 1, rows[these]] if level else None
                _advance(layers, table, token[rows[these]], parents, before, _cut(after, these), buffers)
            before = after
            ended = np.flatnonzero(lengths == level + 1)
            if len(ended):
                final[ended] = before[-1][0][node[level, ended]]
        return final

    def _pool(self, threads: int) -> ThreadPoolExecutor:
        """Return so many threads, the same from call to call: each keeps its buffers."""
        if threads not in self._pools:
            self._pools[threads] = ThreadPoolExecutor(threads, thread_name_prefix="elman")
        return self._pools[threads]

    def _buffers(self) -> Buffers:
        if not hasattr(self._own, "buffers"):
            self._own.buffers = Buffers()
        buffers: Buffers = self._own.buffers
        return buffers


def _nodes(tokens: Ids, lengths: Ids) -> tuple[NDArray[np.bool_], Ids]:
    """Return the trie of a block of strings, (T, n) tokens.

    Returns:
        Which string is the first of its node at each level, and the number of each string's node there, both (T, n).
    """
    is_there = np.arange(len(tokens))[:, None] < lengths
    # What stands behind the end of a string is no part of it: only a string that goes on shares its next step.
    shared = np.logical_and.accumulate((tokens[:, 1:] == tokens[:, :-1]) & is_there[:, :-1], axis=0)
    is_first = is_there.copy()
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
        parents: where each node's state before stands, (n,), equal ones side by side; None at the first step.
        before: the states of each layer one level up.
        after: where the next ones go.
        buffers: for what lies between.
    """
    distinct, spread = (None, None) if parents is None else _distinct(parents)
    for number, layer in enumerate(layers):
        inputs = buffers("inputs", layer.gates, len(tokens), layer.size)
        if number == 0:
            _take(table, tokens, inputs, axis=1)
        else:
            layer.project(after[number - 1][0], inputs)
        if distinct is None:
            state = _states(layer, buffers, "own", len(tokens))
            for part in state:
                part.fill(0)
        else:
            state = _gathered(before[number], distinct, _states(layer, buffers, "parent", len(distinct)))
        recurrent = buffers("recurrent", layer.gates, len(state[0]), layer.size)
        np.matmul(state[0], layer.recurrent, out=recurrent)
        if layer.recurrent_bias is not None:
            recurrent[-1] += layer.recurrent_bias
        if spread is not None:
            spreaded = buffers("spread", layer.gates, len(tokens), layer.size)
            recurrent = _take(recurrent, spread, spreaded, axis=1)
            state = _gathered(state, spread, _states(layer, buffers, "own", len(tokens)))
        layer.step(inputs, recurrent, state, after[number])


def _distinct(parents: Ids) -> tuple[Ids, Ids | None]:
    """Return the parents to multiply, and which of them each node has; None where each has its own."""
    is_new = np.ones(len(parents), bool)
    np.not_equal(parents[1:], parents[:-1], out=is_new[1:])
    distinct = parents[is_new]
    return (parents, None) if len(distinct) > WORTH_SHARING * len(parents) else (distinct, np.cumsum(is_new) - 1)


def _states(layer: Layer, buffers: Buffers, name: Any, count: int) -> State:
    return tuple(buffers((name, part), count, layer.size) for part in range(layer.parts))


def _gathered(state: State, rows: Ids, room: State) -> State:
    return tuple(_take(part, rows, out, axis=0) for part, out in zip(state, room, strict=True))


def _take(values: Array, rows: Ids, out: Array, *, axis: int) -> Array:
    # All rows are there; "clip" only spares numpy a copy through a buffer.
    return np.take(values, rows, axis=axis, out=out, mode="clip")


def _cut(states: Sequence[State], rows: slice) -> list[State]:
    return [tuple(part[rows] for part in state) for state in states]


def _blocks(strings: int, threads: int) -> list[slice]:
    """Return blocks of equal size, as many as keep all threads busy to the end."""
    rounds = -(-strings // (threads * BLOCK))
    size = -(-strings // (threads * rounds))
    return [slice(start, min(start + size, strings)) for start in range(0, strings, size)]


def _all(tasks: Iterable[Future[None]]) -> None:
    """Wait for tasks, which have all been handed in before the first is waited for; where one fails, leave the rest."""
    waiting = list(tasks)
    try:
        for task in waiting:
            task.result()
    except BaseException:
        for task in waiting:
            task.cancel()
        raise


def sorted_order(strings: EncodedStrings, *, backwards: bool) -> tuple[Ids, NDArray[np.bool_]]:
    """Sort strings so that those with a common beginning (or end, backwards) stand together.

    Returns:
        The order, (N,), and whether each string is another one than that before it, (N,). Of strings longer than what
        they are sorted by, equal ones count as others.
    """
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
    risen = keys[:, order]
    is_new = np.ones(len(order), bool)
    lengths = strings.lengths[order]
    differ = (risen[:, 1:] != risen[:, :-1]).any(axis=0) | (lengths[1:] != lengths[:-1])
    is_new[1:] = differ | (lengths[1:] > KEYS * each)
    return order, is_new
