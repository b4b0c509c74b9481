"""The bag in a graph: what the n-grams and words of a string add to its logits."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.export.graph import Graph, Value
from elman.export.ngrams import add_codes, add_edges, add_rows, add_word_codes, extend_inventory
from elman.model.config import ModelConfig
from elman.model.tensors import BAG_CODES, BAG_HEAD, BAG_WEIGHT


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
    inventory, table = tensors[BAG_CODES], tensors[BAG_WEIGHT]
    if len(inventory) == 0:
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
    total = graph.add("Mul", _sum_rows(graph, inventory, table, found), _scale(graph, counts, config.bag_scale))
    if config.bag_size:
        return graph.add("MatMul", total, graph.add_weight(BAG_HEAD, tensors[BAG_HEAD].T))
    return total


def _sum_rows(
    graph: Graph, inventory: NDArray[np.int64], table: NDArray[np.float32], found: list[tuple[Value, Value]]
) -> Value:
    """Return the sum of the rows of all codes, (B, R); ``found`` has codes, and whether each counts."""
    searched = graph.add_weight(BAG_CODES, extend_inventory(inventory))
    weight = graph.add_weight(BAG_WEIGHT, np.concatenate([table, np.zeros_like(table[:1])]))  # a row for all others
    sums = []
    for codes, counts in found:
        rows = add_rows(graph, codes, searched, len(inventory))
        rows = graph.add("Where", counts, rows, graph.add_constant(len(inventory)))
        sums.append(graph.add("ReduceSum", graph.add("Gather", weight, rows), graph.add_constant([0]), keepdims=0))
    return _sum(graph, sums)


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
