"""n-grams in a graph: the arithmetic of `elman.text.ngrams`, on ids of which −1 is `EDGE` and the padding alike.

Codes have 64 bits and overflow on purpose. ONNX says nothing of overflow; ONNX Runtime wraps around, natively and in
WebAssembly, as numpy and torch do, and the tests of the export compare both with numpy.
"""

import numpy as np
from numpy.typing import NDArray

from elman.export.graph import END, Graph, Value
from elman.text.ngrams import EDGE, MULTIPLIER, PAIR, WORD

SPAN = 2**64


def add_codes(graph: Graph, padded: Value, order: int, reach: int) -> Value:
    """Return for each step a code of the ``order`` symbols that end there; see `elman.text.ngrams.ngram_codes`.

    Args:
        graph: receives the operators.
        padded: symbol ids after ``reach − 1`` rows of `EDGE`, (reach − 1 + T, B), int64.
        order: how many symbols a code is made from, 1 to ``reach``.
        reach: the longest order that reads these ids.

    Returns:
        (T, B), int64.
    """
    multiplier = graph.add_constant(MULTIPLIER)
    shifted = graph.add("Add", padded, graph.add_constant(2))
    code = graph.add_constant(_wrap(order * MULTIPLIER))
    for back in range(order - 1, -1, -1):
        symbol = graph.slice(shifted, reach - 1 - back, -back or END)
        code = graph.add("Add", code, symbol)
        code = graph.add("Mul", code, multiplier) if back else code
    return code


def add_buckets(graph: Graph, codes: Value, buckets: int) -> Value:
    """Return the bucket of each code, as `elman.text.ngrams.ngram_ids` does: (T, B), int64, 0 to buckets − 1."""
    mixed = graph.add("Mul", codes, graph.add_constant(MULTIPLIER))
    # x >> 33 of a signed number is the quotient of 2³³ rounded down; ONNX has shifts of unsigned numbers only.
    low = graph.add("Mod", mixed, graph.add_constant(2**33))
    high = graph.add("Div", graph.add("Sub", mixed, low), graph.add_constant(2**33))
    return graph.add("Mod", high, graph.add_constant(buckets))


def add_word_codes(graph: Graph, ids: Value, separator: int) -> list[tuple[Value, Value]]:
    """Return codes of words, and of pairs of adjacent words; see `elman.text.ngrams.word_codes`.

    Args:
        graph: receives the operators.
        ids: symbols, (T, B), int64, `EDGE` after the end of a string.
        separator: the id of the symbol between words.

    Returns:
        For words, then for pairs: a code at each step, (T, B), int64, and whether one ends there, (T, B), bool.
    """
    no_separator = graph.add("Not", graph.add("Equal", ids, graph.add_constant(separator)))
    inside = graph.add("And", no_separator, graph.add("GreaterOrEqual", ids, graph.add_constant(0)))
    inside_next = graph.slice(add_edges(graph, graph.cast(inside, "int64"), 0, 1), 1, END)  # `EDGE` at the end
    ends = graph.add("And", inside, graph.add("Less", inside_next, graph.add_constant(1)))
    multiplier, shifted = graph.add_constant(MULTIPLIER), graph.add("Add", ids, graph.add_constant(2))

    def read(body: Graph, states: list[Value], step: list[Value]) -> tuple[list[Value], list[Value]]:
        (word, before), (symbol, is_inside, is_end) = states, step
        word = body.add("Mul", body.add("Add", body.add("Mul", word, multiplier), symbol), is_inside)
        keep = body.add("Mul", before, body.add("Sub", body.add_constant(1), is_end))
        return [word, body.add("Add", keep, body.add("Mul", word, is_end))], [word, before]

    none = graph.fill(0, "int64", graph.size(ids, 1))
    steps = [shifted, graph.cast(inside, "int64"), graph.cast(ends, "int64")]
    word, before = graph.add_scan(read, [none, none], steps, results=2)
    pair = graph.add("Add", graph.add("Mul", before, multiplier), word)
    has_before = graph.add("Not", graph.add("Equal", before, graph.add_constant(0)))
    return [
        (graph.add("Add", graph.add("Mul", word, multiplier), graph.add_constant(WORD)), ends),
        (
            graph.add("Add", graph.add("Mul", pair, multiplier), graph.add_constant(PAIR)),
            graph.add("And", ends, has_before),
        ),
    ]


def add_outer_words(graph: Graph, ids: Value, separator: int, buckets: int) -> list[Value]:
    """Return the buckets of the first and of the last word, each (B,), int64; see `elman.text.ngrams.outer_words`.

    Args:
        graph: receives the operators.
        ids: as for `add_word_codes`.
        separator: as there.
        buckets: rows of the table of words.
    """
    codes, ends = add_word_codes(graph, ids, separator)[0]
    # ONNX Runtime adds 64-bit numbers inexactly if they are large, so buckets are added rather than codes.
    found = graph.add("Add", add_buckets(graph, codes, buckets), graph.add_constant(1))
    count = graph.add("CumSum", graph.cast(ends, "int64"), graph.add_constant(0))
    total = graph.add("ReduceSum", graph.cast(ends, "int64"), graph.add_constant([0]), keepdims=0)
    chosen = []
    for place in (graph.add_constant(1), total):
        is_here = graph.add("And", ends, graph.add("Equal", count, place))
        kept = graph.add("Where", is_here, found, graph.add_constant(0))
        row = graph.add("Sub", graph.add("ReduceSum", kept, graph.add_constant([0]), keepdims=0), graph.add_constant(1))
        chosen.append(graph.add("Max", row, graph.add_constant(0)))  # without a word: the bucket of `NO_CODE`
    return chosen


def extend_inventory(inventory: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return an inventory with copies of its largest code at the end, up to a power of two, for `add_rows`."""
    size = 2 ** (len(inventory) - 1).bit_length()
    return np.concatenate([inventory, np.full(size - len(inventory), inventory[-1])])


def add_rows(graph: Graph, codes: Value, inventory: Value, rows: int) -> Value:
    """Return the position of each code in a sorted inventory, and ``rows`` for a code not in it.

    A binary search without branches: each step halves what is left, for all codes together.

    Args:
        graph: receives the operators.
        codes: any shape, int64.
        inventory: as `extend_inventory` returns it, so that no step leads out of it.
        rows: the size of the inventory before it was extended, at least 1.

    Returns:
        As ``codes``, int64, 0 to rows.
    """
    place = graph.add("Sub", codes, codes)
    for power in reversed(range((rows - 1).bit_length())):
        later = graph.add("Add", place, graph.add_constant(2**power))
        is_later = graph.add("LessOrEqual", graph.add("Gather", inventory, later), codes)
        place = graph.add("Where", is_later, later, place)
    is_known = graph.add("Equal", graph.add("Gather", inventory, place), codes)
    found = graph.add("Min", place, graph.add_constant(rows - 1))
    return graph.add("Where", is_known, found, graph.add_constant(rows))


def add_edges(graph: Graph, ids: Value, before: int, after: int) -> Value:
    """Return symbol ids, (T, B), between rows of `EDGE`: (before + T + after, B)."""
    batch = graph.size(ids, 1)
    parts = [graph.fill(EDGE, "int64", count, batch) for count in (before, after)]
    return graph.add("Concat", parts[0], ids, parts[1], axis=0)


def _wrap(number: int) -> int:
    """Return a whole number as 64 bits with a sign hold it."""
    return (number + SPAN // 2) % SPAN - SPAN // 2
