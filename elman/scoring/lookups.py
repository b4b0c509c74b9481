"""Contexts: what depends on a symbol, or on a short run of symbols, worked out once for each and then looked up.

Names hold far fewer different runs of three or four symbols than symbols. What a step reads depends on such a run
alone, and so does what the n-grams that end with it add to the logits.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.model.config import ModelConfig
from elman.text.encoded import EncodedStrings
from elman.text.ngrams import EDGE, ngram_codes, ngram_ids

Array = NDArray[np.float32]
Ids = NDArray[np.int64]

FEW_CODES = 2**20
"""Where a context can take no more values than this, they are counted rather than sorted."""

WORTH_COUNTING = 64
"""Values that a context can take for each context there is: above, sorting those that are there is faster."""


class Contexts:
    """What the steps of some strings read: a symbol, or where n-grams are inputs the run of symbols that ends there.

    Args:
        config: the shape of a network that reads symbols.
        tensors: its weights by name.
        strings: N of them.

    Attributes:
        tokens: the context of each symbol, as ids.
    """

    def __init__(self, config: ModelConfig, tensors: Mapping[str, NDArray[Any]], strings: EncodedStrings) -> None:
        self.config, self.tensors = config, tensors
        if config.ngram_orders:
            self.tokens, self._windows = _distinct(strings, max(config.ngram_orders), ends=False)
        else:
            self.tokens, self._windows = strings, np.arange(self._symbols)[None]

    def __len__(self) -> int:
        """Return the number of contexts."""
        return int(self._windows.shape[1])

    def inputs(self, some: slice) -> Array:
        """Return what the cells read in some of the contexts, (n, E)."""
        windows = self._windows[:, some]
        if not self.config.embedding_size:
            one_hot: Array = np.eye(self._symbols, dtype=np.float32)[windows[-1]]
            return one_hot
        rows: Array = self.tensors["embedding.weight"][windows[-1]]
        for order in self.config.ngram_orders:
            rows += self.tensors["ngrams.weight"][ngram_ids(windows, order, self.config.ngram_buckets)[-1]]
        return rows

    def read(self, rows: Ids, lengths: Ids, *, backwards: bool) -> Ids:
        """Return the context that each step of some strings reads.

        Args:
            rows: which strings, (n,).
            lengths: their symbols, (n,).
            backwards: whether the last symbol is the first step.

        Returns:
            (longest, n), integers; a string that has ended stays at its last step.
        """
        last = lengths - 1
        step = np.minimum(np.arange(last.max() + 1)[:, None], last)
        tokens: Ids = self.tokens.ids[self.tokens.starts[rows] + (last - step if backwards else step)]
        return tokens

    @property
    def _symbols(self) -> int:
        """V."""
        name = "embedding.weight" if self.config.embedding_size else "recurrence.weight_ih_l0"
        rows, columns = self.tensors[name].shape
        return int(rows if self.config.embedding_size else columns)


class Bag:
    """What the n-grams of some strings add to their logits.

    Args:
        config: the shape of a network with a bag.
        tensors: its weights by name.
        strings: N of them.
    """

    def __init__(self, config: ModelConfig, tensors: Mapping[str, NDArray[Any]], strings: EncodedStrings) -> None:
        self.orders, self.scale = config.bag_orders, config.bag_scale
        self._table, self._inventory = tensors["bag.weight"], tensors["bag.codes"]
        self._tokens, windows = _distinct(strings, max(self.orders), ends=True)
        self._rows = self._of_each(windows)

    def logits(self) -> Array:
        """Return what is added to the logits of each string, (N, C)."""
        order = np.argsort(self._tokens.lengths, kind="stable")
        places, starts = self._tokens.lengths[order], self._tokens.starts[order]  # one more than symbols: for the edge
        sums = np.zeros((len(order), self._table.shape[1]), np.float32)
        for step in range(places[-1]):
            left = np.searchsorted(places, step, side="right")  # the others have ended
            sums[left:] += self._rows[self._tokens.ids[starts[left:] + step]]
        count = sum(places - 1 if size == 1 else np.maximum(places + 2 - size, 0) for size in self.orders)
        sums *= (self.scale / np.sqrt(np.maximum(count, 1))).astype(np.float32)[:, None]
        total = np.empty_like(sums)
        total[order] = sums
        return total

    def _of_each(self, windows: Ids) -> Array:
        """Return the sum of the rows of the n-grams that end where each window ends, (contexts, C)."""
        total = np.zeros((windows.shape[1], self._table.shape[1]), np.float32)
        if len(self._inventory) == 0:
            return total
        for order in self.orders:
            codes = ngram_codes(windows[-order:], order)[-1]
            rising = np.argsort(codes)  # looked up in rising order, the inventory is read from front to back
            rows = np.empty(len(codes), np.int64)
            rows[rising] = np.searchsorted(self._inventory, codes[rising])
            rows[rows == len(self._inventory)] = 0
            known = np.flatnonzero((self._inventory[rows] == codes) & (windows[-1] != EDGE if order == 1 else True))
            total[known] += self._table[rows[known]]
        return total


def _distinct(strings: EncodedStrings, reach: int, *, ends: bool) -> tuple[EncodedStrings, Ids]:
    """Return the context of every symbol as an id, and the contexts themselves.

    Args:
        strings: N of them.
        reach: symbols in a context, at least 1.
        ends: whether the edge behind each string has a context too, as if it were a symbol.

    Returns:
        The ids, and the symbols of each context, (reach, contexts), with `EDGE` before the first and behind the last.
    """
    edges = max(reach - 1, 1)  # so many between two strings that no context reaches from one into the next
    before = edges * (np.arange(len(strings)) + 1)
    laid = np.full(len(strings.ids) + edges * (len(strings) + 1), EDGE)
    of_symbols = np.arange(len(strings.ids)) + np.repeat(before, strings.lengths)
    laid[of_symbols] = strings.ids
    lengths, places = strings.lengths, of_symbols
    if ends:
        lengths = lengths + 1
        starts = np.cumsum(lengths) - lengths
        places = np.arange(lengths.sum()) + np.repeat(strings.starts + before - starts, lengths)
    ids, where = _numbered(*_codes(laid, reach, places))
    windows = laid[places[where] + np.arange(1 - reach, 1)[:, None]]
    return EncodedStrings(ids, lengths), windows


def _codes(laid: Ids, reach: int, places: Ids) -> tuple[Ids, int | None]:
    """Return a code of the symbols that end at each place, and how many codes there can be; None where very many."""
    base = int(laid.max(initial=0)) + 2
    if base**reach > min(FEW_CODES, WORTH_COUNTING * len(places)):
        return ngram_codes(laid, reach)[places], None
    codes = np.zeros(len(places), np.int64)
    for back in range(reach - 1, -1, -1):
        codes *= base
        codes += laid[places - back] + 1  # the edge is 0
    return codes, base**reach


def _numbered(codes: Ids, bound: int | None) -> tuple[Ids, Ids]:
    """Number the distinct codes in rising order.

    Args:
        codes: any, or below ``bound`` where it is given.
        bound: how many different ones there can be.

    Returns:
        The number of each code, and where one of each number stands.
    """
    if bound is not None:
        is_there = np.zeros(bound, bool)
        is_there[codes] = True
        numbers = (np.cumsum(is_there) - 1)[codes]
    else:
        rising = np.argsort(codes)
        risen = codes[rising]
        is_new = np.ones(len(codes), bool)
        np.not_equal(risen[1:], risen[:-1], out=is_new[1:])
        numbers = np.empty(len(codes), np.int64)
        numbers[rising] = np.cumsum(is_new) - 1
    where = np.empty(int(numbers.max(initial=-1)) + 1, np.int64)
    where[numbers] = np.arange(len(codes))
    return numbers, where
