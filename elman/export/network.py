"""The network in a graph: the forward pass of `elman.scoring.reference`, in the same order.

A batch can hold strings of several lengths: the ids after the end of a string are −1.
"""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from elman.export.bag import add_bag
from elman.export.graph import Graph, Value
from elman.export.layers import add_layer
from elman.export.ngrams import add_buckets, add_codes, add_edges, add_outer_words
from elman.model.config import NO_CELL, ModelConfig
from elman.model.tensors import EMBEDDING, HEAD_BIAS, HEAD_WEIGHT, NGRAMS, WORDS, WORDS_HEAD, StepInputs, count_symbols

Tensors = Mapping[str, NDArray[Any]]


def add_network(graph: Graph, config: ModelConfig, tensors: Tensors, values: Value) -> Value:
    """Add the forward pass.

    Args:
        graph: receives the operators.
        config: the shape of the network.
        tensors: its weights by name.
        values: symbol ids, (T, B), int64, −1 after the end of a string; or numbers, (T, B, I), float32.

    Returns:
        Logits: (B, C) if the readout is ``last``, (T, B, C) if it is ``each``. Those of steps after the end of a
        string mean nothing.
    """
    inputs = config.step_inputs(count_symbols(tensors))
    lengths = _count_steps(graph, inputs, values)
    steps = _embed(graph, inputs, tensors, values)
    read = _read(graph, config, tensors, steps, lengths)
    if config.head != "none":
        weight = graph.add_weight(HEAD_WEIGHT, tensors[HEAD_WEIGHT].T)
        read = graph.add("Add", graph.add("MatMul", read, weight), graph.add_weight(HEAD_BIAS, tensors[HEAD_BIAS]))
    if config.reads_words:
        read = graph.add("Add", read, _add_words(graph, config, tensors, values))
    bag = add_bag(graph, config, tensors, values, lengths) if config.bag_orders else None
    return read if bag is None else graph.add("Add", read, bag)


def _add_words(graph: Graph, config: ModelConfig, tensors: Tensors, ids: Value) -> Value:
    """Return what the first and the last word of each string add to the logits, (B, C)."""
    table, buckets = graph.add_weight(WORDS, tensors[WORDS]), len(tensors[WORDS])
    found = add_outer_words(graph, ids, config.separator or 0, buckets)
    rows = [graph.add("Gather", table, one) for one in found]
    return graph.add("MatMul", graph.add("Concat", *rows, axis=1), graph.add_weight(WORDS_HEAD, tensors[WORDS_HEAD].T))


def _count_steps(graph: Graph, inputs: StepInputs, values: Value) -> Value:
    """Return how many steps each sequence has, (B,), int64."""
    if not inputs.are_symbols:
        return graph.add("Expand", graph.size(values, 0), graph.size(values, 1))
    is_symbol = graph.cast(graph.add("GreaterOrEqual", values, graph.add_constant(0)), "int64")
    return graph.add("ReduceSum", is_symbol, graph.add_constant([0]), keepdims=0)


def _embed(graph: Graph, inputs: StepInputs, tensors: Tensors, values: Value) -> Value:
    """Return what the cells read at each step, (T, B, E)."""
    if not inputs.are_symbols:
        return values
    known = graph.add("Max", values, graph.add_constant(0))
    if not inputs.are_embedded:
        off_and_on = graph.add("Concat", *(graph.fill(n, "float32", 1) for n in (0.0, 1.0)), axis=0)
        return graph.add("OneHot", known, graph.add_constant(inputs.symbols), off_and_on)
    rows = graph.add("Gather", graph.add_weight(EMBEDDING, tensors[EMBEDDING]), known)
    if inputs.ngram_orders:
        table, reach = graph.add_weight(NGRAMS, tensors[NGRAMS]), max(inputs.ngram_orders)
        padded = add_edges(graph, values, reach - 1, 0)
        for order in inputs.ngram_orders:
            buckets = add_buckets(graph, add_codes(graph, padded, order, reach), inputs.ngram_buckets)
            rows = graph.add("Add", rows, graph.add("Gather", table, buckets))
    return rows


def _read(graph: Graph, config: ModelConfig, tensors: Tensors, steps: Value, lengths: Value) -> Value:
    """Run the cells over all steps, (T, B, E), and return what the head reads: (B, R) or (T, B, R)."""
    outputs, final = steps, None
    if config.cell != NO_CELL:
        lengths_of_cells = graph.cast(lengths, "int32")
        for layer in range(config.layers):
            outputs, final = add_layer(graph, config, tensors, layer, outputs, lengths_of_cells)
    if config.head == "concatenation":
        none = graph.fill(0.0, "float32", 1, graph.size(steps, 1), config.hidden_size)
        before = graph.slice(graph.add("Concat", none, outputs, axis=0), 0, -1)
        outputs, final = graph.add("Concat", steps, before, axis=2), None
    if config.readout == "each":
        return outputs
    return _take_last(graph, outputs, lengths) if final is None else final


def _take_last(graph: Graph, values: Value, lengths: Value) -> Value:
    """Return the last step of each sequence: (T, B, R) to (B, R)."""
    size = graph.add("Squeeze", graph.size(values, 1), graph.add_constant([0]))
    columns = graph.add("Range", graph.add_constant(0), size, graph.add_constant(1))
    last = graph.add("Sub", lengths, graph.add_constant(1))
    places = [graph.add("Unsqueeze", one, graph.add_constant([1])) for one in (last, columns)]
    return graph.add("GatherND", values, graph.add("Concat", *places, axis=1))
