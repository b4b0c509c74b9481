"""n-grams: short runs of symbols as numbers.

Two parts of a network read them. Each step can read its last few symbols as one row of a hashed table: a look-up needs
no matrix product, and gives a small network what a larger one has to remember. And a bag of all n-grams of a sequence
can be added to the logits. Its rows are an inventory of the n-grams that training contained, so no two share a row.

The arithmetic uses operators that numpy arrays and torch tensors share, so that training and the torch-free scorer
compute the same. Codes have 64 bits and overflow on purpose.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

EDGE = -1
"""The id of what comes before the first symbol and after the last."""

_MULTIPLIER = 6_364_136_223_846_793_005  # D. E. Knuth's 64-bit linear congruential multiplier


def ngram_codes(ids: Any, order: int) -> Any:
    """Return for each step a code of the ``order`` symbols that end there.

    Args:
        ids: symbol ids, (T, B), int64; a numpy array or a torch tensor.
        order: how many symbols a code is made from, at least 1; steps before the first count as `EDGE`.

    Returns:
        (T, B), int64, an array or tensor as ``ids``. Different symbols or orders have different codes, except with
        a probability of about one in 2⁶⁴.
    """
    code = ids * 0 + order
    for back in range(order - 1, 0, -1):
        earlier = ids * 0 + EDGE
        earlier[back:] = ids[:-back]
        code = code * _MULTIPLIER + (earlier + 2)
    return code * _MULTIPLIER + (ids + 2)


def ngram_ids(ids: Any, order: int, buckets: int) -> Any:
    """Return for each step the bucket of the ``order`` symbols that end there.

    Args:
        ids: symbol ids, (T, B), int64; a numpy array or a torch tensor.
        order: as in `ngram_codes`.
        buckets: rows of the table, at least 1.

    Returns:
        (T, B), int64, 0 to buckets − 1, an array or tensor as ``ids``.
    """
    code = ngram_codes(ids, order) * _MULTIPLIER
    return (code >> 33) % buckets  # the high bits are mixed best


def bag_codes(ids: Any, orders: tuple[int, ...]) -> list[Any]:
    """Return the codes of all n-grams of whole sequences, one for each place where they occur.

    Args:
        ids: symbol ids between two rows of `EDGE`, (T + 2, B), int64; a numpy array or a torch tensor.
        orders: lengths of the n-grams, each at least 1.

    Returns:
        For each order that fits, (number of its n-grams, B), int64, an array or tensor as ``ids``.
    """
    bags = []
    for order in orders:
        if order == 1:
            bags.append(ngram_codes(ids, order)[1:-1])
        elif order <= len(ids):
            bags.append(ngram_codes(ids, order)[order - 1 :])
    return bags


def inventory(batches: Iterable[NDArray[np.int64]], orders: tuple[int, ...], min_count: int) -> NDArray[np.int64]:
    """Return the codes of the n-grams that occur at least ``min_count`` times in the batches, in rising order.

    Args:
        batches: symbol ids, (T, B), int64; all sequences of a batch have one length.
        orders: lengths of the n-grams, each at least 1.
        min_count: at least 1.

    Returns:
        (rows of the bag,), int64.
    """
    parts = [code.ravel() for ids in batches for code in bag_codes(add_edges(ids), orders)]
    codes, counts = np.unique(np.concatenate(parts or [np.empty(0, np.int64)]), return_counts=True)
    return codes[counts >= min_count]


def add_edges(ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return symbol ids, (T, B), between two rows of `EDGE`, (T + 2, B)."""
    return np.pad(ids, ((1, 1), (0, 0)), constant_values=EDGE)
