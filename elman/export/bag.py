"""The bag in a graph: what the n-grams and words of a string add to its logits."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.export.graph import Graph, Value
from elman.export.ngrams import add_codes, add_edges, add_rows, add_word_codes, extend_inventory
from elman.model.config import ModelConfig
from elman.model.tensors import (
    BAG_CODES,
    BAG_HEAD,
    BAG_HIDDEN_BIAS,
    BAG_HIDDEN_WEIGHT,
    BAG_OUTPUT,
    BAG_WEIGHT,
)


def add_bag(
    graph: Graph, config: ModelConfig, tensors: Mapping[str, NDArray[Any]], ids: Value, lengths: Value
) -> Value | None:
    """Return what the bag adds to the logits, (B, C); None if nothing has a row.

    ONNX has no sum of looked-up rows, so a run needs memory for (T + 2) · B numbers times the size of a
    row, for one order after the other.

    Args:
        graph: receives the operators.
        config: the shape of the network.
        tensors: its weights by name.
        ids: symbols, (T, B), int64; `EDGE` after the end of a string.
        lengths: symbols of each string, (B,), int64.
    """
    inventory = tensors[BAG_CODES]
    if len(inventory) == 0 and not config.bag_hidden:  # the bias of hidden units counts without a row, too
        graph.weights |= {BAG_CODES, BAG_WEIGHT, *([BAG_HEAD] if config.bag_size else [])}
        return None
    reach = max(config.bag_orders)
    padded = add_edges(graph, ids, reach, 1)
    found, counts = [], []
    for order in config.bag_orders:
        codes = add_codes(graph, padded, order, reach)
        is_place, count = _find_places(graph, codes, order, lengths)
        found.append((codes, is_place))
        counts.append(count)
    if config.separator is not None:  # words are not counted
        found += add_word_codes(graph, ids, config.separator)
    parts = None
    if config.bag_parts > 1 and config.separator is not None:
        of_edges = _find_parts(graph, add_edges(graph, ids, 1, 1), config.separator)
        of_words = graph.slice(of_edges, 1, -1)
        parts = [*([of_edges] * len(config.bag_orders)), of_words, of_words]
    scale = _scale(graph, counts, config.bag_scale)
    sums = [graph.add("Mul", one, scale) for one in _sum_rows(graph, tensors, found, parts, config.bag_parts)]
    total = _sum(graph, sums)
    if not config.bag_size:
        return total
    logits = graph.add("MatMul", total, graph.add_weight(BAG_HEAD, tensors[BAG_HEAD].T))
    if not config.bag_hidden:
        return logits
    joined = graph.add("Concat", *sums, axis=1)
    hidden = graph.add("MatMul", joined, graph.add_weight(BAG_HIDDEN_WEIGHT, tensors[BAG_HIDDEN_WEIGHT].T))
    hidden = graph.add("Relu", graph.add("Add", hidden, graph.add_weight(BAG_HIDDEN_BIAS, tensors[BAG_HIDDEN_BIAS])))
    output = graph.add_weight(BAG_OUTPUT, tensors[BAG_OUTPUT].T)
    return graph.add("Add", logits, graph.add("MatMul", hidden, output))


def _find_parts(graph: Graph, padded: Value, separator: int) -> Value:
    """Return the part of each step of strings between two edges, (T + 2, B); see `elman.text.ngrams.find_parts`."""
    separates = graph.cast(graph.add("Equal", padded, graph.add_constant(separator)), "int64")
    word = graph.add("CumSum", separates, graph.add_constant(0), exclusive=1)
    last = graph.add("ReduceSum", separates, graph.add_constant([0]), keepdims=0)
    is_first = graph.add("Equal", word, graph.add_constant(0))
    later = graph.add("Where", graph.add("Equal", word, last), graph.add_constant(2), graph.add_constant(1))
    return graph.add("Where", is_first, graph.add_constant(0), later)


def _sum_rows(
    graph: Graph,
    tensors: Mapping[str, NDArray[Any]],
    found: list[tuple[Value, Value]],
    parts: list[Value] | None,
    count: int,
) -> list[Value]:
    """Return for each part the sum of the rows of its codes, (B, R).

    Args:
        graph: receives the operators.
        tensors: the weights by name.
        found: codes, and whether each counts.
        parts: of ``found``; None if there is one part.
        count: of the parts.
    """
    inventory, table = tensors[BAG_CODES], tensors[BAG_WEIGHT]
    none, some = len(inventory), inventory if len(inventory) else np.zeros(1, np.int64)
    searched = graph.add_weight(BAG_CODES, extend_inventory(some))
    weight = graph.add_weight(BAG_WEIGHT, np.concatenate([table, np.zeros((1, table.shape[1]), np.float32)]))
    sums: list[list[Value]] = [[] for _ in range(count)]
    for place, (codes, counts) in enumerate(found):
        rows = add_rows(graph, codes, searched, len(inventory)) if none else graph.add("Sub", codes, codes)
        for part in range(count):
            is_here = counts
            if parts is not None:
                is_here = graph.add("And", counts, graph.add("Equal", parts[place], graph.add_constant(part)))
            chosen = graph.add("Where", is_here, rows, graph.add_constant(none))  # a row of zeros for all others
            gathered = graph.add("Gather", weight, chosen)
            sums[part].append(graph.add("ReduceSum", gathered, graph.add_constant([0]), keepdims=0))
    return [_sum(graph, of_part) for of_part in sums]


def _find_places(graph: Graph, codes: Value, order: int, lengths: Value) -> tuple[Value, Value]:
    """Return where an n-gram ends in a string between two edges, (T + 2, B), bool, and how many there are, (B,).

    Single symbols are no n-grams at the edges; a longer n-gram can include both.
    """
    steps = graph.add("Squeeze", graph.size(codes, 0), graph.add_constant([0]))
    places = graph.add("Range", graph.add_constant(0), steps, graph.add_constant(1))
    places = graph.add("Unsqueeze", places, graph.add_constant([1]))
    first, last = (1, lengths) if order == 1 else (order - 1, graph.add("Add", lengths, graph.add_constant(1)))
    is_after = graph.add("GreaterOrEqual", places, graph.add_constant(first))
    is_place = graph.add("And", is_after, graph.add("LessOrEqual", places, last))
    count = graph.add("Add", graph.add("Sub", last, graph.add_constant(first)), graph.add_constant(1))
    return is_place, graph.add("Max", count, graph.add_constant(0))


def _scale(graph: Graph, counts: list[Value], scale: float) -> Value:
    """Return ``scale / √n``, (B, 1), float32, for n n-grams."""
    count = _sum(graph, counts)
    root = graph.add("Sqrt", graph.cast(graph.add("Max", count, graph.add_constant(1)), "float32"))
    factor = graph.add("Div", graph.add_constant(scale, "float32"), root)
    return graph.add("Unsqueeze", factor, graph.add_constant([1]))


def _sum(graph: Graph, values: list[Value]) -> Value:
    total = values[0]
    for value in values[1:]:
        total = graph.add("Add", total, value)
    return total
