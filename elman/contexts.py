"""Contexts: what a step reads, once for each distinct symbol or, where n-grams matter, each distinct run of symbols.

Names hold far fewer different runs of four symbols than symbols, so what depends on such a run alone (the input of a
step, and the n-grams of the bag that end there) is worked out once for each and then looked up.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.config import ModelConfig
from elman.ngrams import EDGE, ngram_codes, ngram_ids
from elman.sequences import EncodedStrings

Array = NDArray[np.float32]
Ids = NDArray[np.int64]


class Contexts:
    """The contexts of some strings.

    Args:
        config: the shape of a network that reads symbols.
        tensors: its weights by name.
        strings: N of them.

    Attributes:
        inputs: what the cells read in each context, (contexts, E), float32.
    """

    def __init__(self, config: ModelConfig, tensors: Mapping[str, NDArray[Any]], strings: EncodedStrings) -> None:
        self.config, self.tensors = config, tensors
        reach = max((*config.ngram_orders, *config.bag_orders), default=1)
        if reach == 1 and not config.bag_orders:
            self.places = strings
            self.inputs = self._embedded(np.arange(self._symbols)[None])
        else:
            self.places, windows = _distinct(strings, reach)
            self.inputs = self._embedded(windows)
            if config.bag_orders:
                self._bag_rows = self._bag_of_each(windows)

    def tokens(self, rows: Ids, lengths: Ids, *, backwards: bool) -> Ids:
        """Return the context that each step of some strings reads.

        Args:
            rows: which strings, (n,).
            lengths: their symbols, (n,).
            backwards: whether the last symbol is the first step.

        Returns:
            (longest, n), int64; a string that has ended stays at its last step.
        """
        last = lengths - 1
        step = np.minimum(np.arange(last.max() + 1)[:, None], last)
        tokens: Ids = self.places.ids[self.places.starts[rows] + (last - step if backwards else step)]
        return tokens

    def bag(self, rows: Ids) -> Array:
        """Return what the bag of n-grams adds to the logits of some strings, (n, C)."""
        lengths = self.places.lengths[rows]  # one more than symbols: n-grams may end with the edge
        order = np.argsort(lengths, kind="stable")
        lengths, starts = lengths[order], self.places.starts[rows[order]]
        sums = np.zeros((len(rows), self._bag_rows.shape[1]), np.float32)
        for step in range(lengths[-1]):
            left = np.searchsorted(lengths, step, side="right")  # the others have ended
            sums[left:] += self._bag_rows[self.places.ids[starts[left:] + step]]
        count = sum(lengths - 1 if size == 1 else np.maximum(lengths + 2 - size, 0) for size in self.config.bag_orders)
        scale = self.config.bag_scale / np.sqrt(np.maximum(count, 1))
        sums *= scale[:, None].astype(np.float32)
        total = np.empty_like(sums)
        total[order] = sums
        return total

    @property
    def _symbols(self) -> int:
        """V."""
        name = "embedding.weight" if self.config.embedding_size else "recurrence.weight_ih_l0"
        return int(self.tensors[name].shape[0 if self.config.embedding_size else 1])

    def _embedded(self, windows: Ids) -> Array:
        """Return what the cells read where each window ends, (contexts, E)."""
        symbols = np.maximum(windows[-1], 0)  # no step reads the edge itself
        if not self.config.embedding_size:
            one_hot: Array = np.eye(self._symbols, dtype=np.float32)[symbols]
            return one_hot
        rows: Array = self.tensors["embedding.weight"][symbols]
        for order in self.config.ngram_orders:
            rows += self.tensors["ngrams.weight"][ngram_ids(windows, order, self.config.ngram_buckets)[-1]]
        return rows

    def _bag_of_each(self, windows: Ids) -> Array:
        """Return the sum of the rows of the n-grams that end where each window ends, (contexts, C)."""
        table, inventory = self.tensors["bag.weight"], self.tensors["bag.codes"]
        total = np.zeros((windows.shape[1], table.shape[1]), np.float32)
        for order in self.config.bag_orders if len(inventory) else ():
            codes = ngram_codes(windows, order)[-1]
            rising = np.argsort(codes)  # looked up in rising order, the inventory is read from front to back
            rows = np.minimum(np.searchsorted(inventory, codes[rising]), len(inventory) - 1)
            known = inventory[rows] == codes[rising]
            total[rising[known]] += table[rows[known]]
        return total


def _distinct(strings: EncodedStrings, reach: int) -> tuple[EncodedStrings, Ids]:
    """Return the context of every symbol, and of the edge behind each string, as ids; and the contexts themselves.

    Args:
        strings: N of them.
        reach: symbols in a context, at least 1.

    Returns:
        Ids of the contexts; and their symbols, (reach, contexts), with `EDGE` before the first and behind the last.
    """
    edges = max(reach - 1, 1)  # so many between two strings that no context reaches from one into the next
    number, lengths = np.arange(len(strings)), strings.lengths + 1
    begins = strings.starts + edges * (number + 1)
    laid = np.full(len(strings.ids) + edges * (len(strings) + 1), EDGE)
    laid[np.arange(len(strings.ids)) + np.repeat(edges * (number + 1), strings.lengths)] = strings.ids
    ends = np.arange(lengths.sum()) + np.repeat(begins - (np.cumsum(lengths) - lengths), lengths)
    codes = ngram_codes(laid, reach)[ends]
    rising = np.argsort(codes)
    is_new = np.ones(len(codes), bool)
    np.not_equal(codes[rising[1:]], codes[rising[:-1]], out=is_new[1:])
    ids = np.empty(len(codes), np.int64)
    ids[rising] = np.cumsum(is_new) - 1
    windows = laid[ends[rising[is_new]] + np.arange(1 - reach, 1)[:, None]]
    return EncodedStrings(ids, lengths), windows
