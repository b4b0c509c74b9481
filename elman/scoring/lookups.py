"""Lookups: what depends on a short run of symbols alone is computed once for each different run, then looked up.

A context is a symbol with the symbols before it that n-grams read. What a step reads depends on its context alone, and
so does what the n-grams that end there add to the logits. Names have far fewer different contexts than symbols.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.model.config import ModelConfig
from elman.model.tensors import BAG_CODES, BAG_WEIGHT, WORDS, count_symbols
from elman.scoring.reference import LARGEST_ARRAY, count_parts, embed_inputs, score_sums, score_words
from elman.text.encoded import EncodedStrings
from elman.text.ngrams import EDGE, find_outer_words, find_words, mix_pair, mix_word, ngram_codes

Array = NDArray[np.float32]
Ids = NDArray[np.int64]

FEW_CODES = 2**20
"""Contexts are numbered by counting if at most so many values are possible, and by sorting otherwise."""

WORTH_COUNTING = 64
"""The most possible values for each place in the strings with which counting is faster than sorting."""


class Contexts:
    """The contexts of the steps of some strings.

    Args:
        config: the shape of a network that reads symbols.
        tensors: its weights by name.
        strings: N of them.

    Attributes:
        tokens: the strings with the id of a context for each symbol.
    """

    def __init__(self, config: ModelConfig, tensors: Mapping[str, NDArray[Any]], strings: EncodedStrings) -> None:
        self.tensors, self._inputs = tensors, config.step_inputs(count_symbols(tensors))
        if config.ngram_orders or self._inputs.symbols > len(strings.ids):
            reach = max(config.ngram_orders, default=1)
            self.tokens, self._windows = _find_contexts(strings, reach, with_end=False)
        else:
            self.tokens, self._windows = strings, np.arange(self._inputs.symbols)[None]

    def __len__(self) -> int:
        """Return the number of contexts."""
        return int(self._windows.shape[1])

    @property
    def size(self) -> int:
        """How many numbers the cells read in a context, E."""
        return self._inputs.size

    def inputs(self, some: slice) -> Array:
        """Return what the cells read in some of the contexts, (n, E)."""
        return embed_inputs(self._inputs, self.tensors, self._windows[:, some], steps=-1)

    def read(self, rows: Ids, lengths: Ids, *, backwards: bool) -> Ids:
        """Return the context of each step of some strings.

        Args:
            rows: positions of the strings, (n,).
            lengths: their symbols, (n,).
            backwards: whether the last symbol is the first step.

        Returns:
            (length of the longest, n), integers; a string repeats its last step after its end.
        """
        last = lengths - 1
        step = np.minimum(np.arange(last.max() + 1)[:, None], last)
        tokens: Ids = self.tokens.ids[self.tokens.starts[rows] + (last - step if backwards else step)]
        return tokens


def score_wholes(config: ModelConfig, tensors: Mapping[str, NDArray[Any]], strings: EncodedStrings) -> Array:
    """Return what the n-grams and the words of some strings add to their logits, (N, C).

    Args:
        config: the shape of a network with a bag or a table of words.
        tensors: its weights by name.
        strings: N of them.
    """
    if WORDS not in tensors:
        return score_bags(config, tensors, strings)
    scores = score_words(tensors, find_outer_words(strings, config.separator or 0))
    return scores + score_bags(config, tensors, strings) if config.bag_orders else scores


def score_bags(config: ModelConfig, tensors: Mapping[str, NDArray[Any]], strings: EncodedStrings) -> Array:
    """Return what the n-grams of some strings add to their logits, (N, C), in memory that is bounded.

    Args:
        config: the shape of a network with a bag.
        tensors: its weights by name.
        strings: N of them.
    """
    most = max(1, LARGEST_ARRAY // tensors[BAG_WEIGHT].shape[1])  # contexts with a row each
    upto = np.cumsum(strings.lengths + 1)
    if upto[-1] <= most:
        return Bag(config, tensors, strings).logits()
    starts = np.flatnonzero(np.diff(upto // most, prepend=-1))
    parts = np.split(np.arange(len(strings)), starts[1:])
    return np.concatenate([Bag(config, tensors, strings.select(part)).logits() for part in parts])


class Bag:
    """What the n-grams of some strings add to their logits.

    Args:
        config: the shape of a network with a bag.
        tensors: its weights by name.
        strings: N of them.
    """

    def __init__(self, config: ModelConfig, tensors: Mapping[str, NDArray[Any]], strings: EncodedStrings) -> None:
        self.orders, self.scale = config.bag_orders, config.bag_scale
        self.config, self.tensors = config, tensors
        self._table, self._inventory = tensors[BAG_WEIGHT], tensors[BAG_CODES]
        self._separator, self._strings, self._parts = config.separator, strings, count_parts(tensors)
        self._tokens, windows = _find_contexts(strings, max(self.orders), with_end=True)
        self._rows = self._sum_rows(windows)

    def logits(self) -> Array:
        """Return what the bag adds to the logits of each string, (N, C)."""
        order = np.argsort(self._tokens.lengths, kind="stable")
        places, starts = self._tokens.lengths[order], self._tokens.starts[order]  # the symbols and the edge after them
        parts = None if self._parts == 1 else self._find_parts()
        sums = np.zeros((len(order), self._parts, self._table.shape[1]), np.float32)
        for step in range(places[-1]):
            left = np.searchsorted(places, step, side="right")  # shorter strings have ended
            now = starts[left:] + step
            if parts is None:
                sums[left:, 0] += self._rows[self._tokens.ids[now]]
            else:
                sums[np.arange(left, len(order)), parts[now]] += self._rows[self._tokens.ids[now]]
        if self._separator is not None:
            sums += self._sum_words(self._separator, parts)[order]
        count = sum(places - 1 if size == 1 else np.maximum(places + 2 - size, 0) for size in self.orders)
        sums *= (self.scale / np.sqrt(np.maximum(count, 1))).astype(np.float32)[:, None, None]
        total = np.empty_like(sums)
        total[order] = sums
        return score_sums(self.config, self.tensors, total)

    def _find_parts(self) -> Ids:
        """Return for each symbol, and for the edge after each string, the part of its string; see `find_parts`."""
        ends = self._tokens.starts + self._tokens.lengths - 1
        separates = np.zeros(len(self._tokens.ids), np.int64)
        inside = np.ones(len(separates), bool)
        inside[ends] = False
        separates[inside] = self._strings.ids == self._separator
        before = np.cumsum(separates) - separates
        word = before - np.repeat(before[self._tokens.starts], self._tokens.lengths)
        is_last = word == np.repeat(word[ends], self._tokens.lengths)
        parts: Ids = (word > 0) * 1 + ((word > 0) & is_last) * 1
        return parts

    def _sum_words(self, separator: int, parts: Ids | None) -> Array:
        """Return for each part of each string the sum of the rows of its words and pairs of words, (N, parts, R)."""
        total = np.zeros((len(self._strings), self._parts, self._table.shape[1]), np.float32)
        words, of_string, ends = find_words(self._strings, separator)
        follows = np.flatnonzero(of_string[1:] == of_string[:-1]) + 1
        pairs = mix_pair(words[follows - 1], words[follows])
        codes = np.concatenate([mix_word(words), pairs])
        found = np.concatenate([np.arange(len(words)), follows])
        rows, known = self._find(codes)
        found = found[known]
        owners = of_string[found]
        of_part = np.zeros_like(owners) if parts is None else parts[ends[found] + owners]  # an edge after each string
        np.add.at(total, (owners, of_part), self._table[rows[known]])
        return total

    def _find(self, codes: Ids) -> tuple[Ids, Ids]:
        """Return the row of each code, and the positions of the codes that have one."""
        rising = np.argsort(codes)  # so that the inventory is read from front to back
        rows = np.empty(len(codes), np.int64)
        rows[rising] = np.searchsorted(self._inventory, codes[rising])
        rows[rows == len(self._inventory)] = 0
        return rows, np.flatnonzero(self._inventory[rows] == codes)

    def _sum_rows(self, windows: Ids) -> Array:
        """Return for each context the sum of the rows of the n-grams that end with it, (contexts, C)."""
        total = np.zeros((windows.shape[1], self._table.shape[1]), np.float32)
        if len(self._inventory) == 0:
            return total
        for order in self.orders:
            rows, known = self._find(ngram_codes(windows[-order:], order)[-1])
            known = known[windows[-1, known] != EDGE] if order == 1 else known
            total[known] += self._table[rows[known]]
        return total


def _find_contexts(strings: EncodedStrings, reach: int, *, with_end: bool) -> tuple[EncodedStrings, Ids]:
    """Return the context of every symbol as an id, and the symbols of each context.

    Args:
        strings: N of them.
        reach: symbols in a context, at least 1.
        with_end: whether the edge after each string has a context too, as if it were a symbol.

    Returns:
        The ids, and the symbols, (reach, contexts), with `EDGE` before the first and after the last of a string.
    """
    edges = max(reach - 1, 1)  # so many between two strings that no context includes symbols of both
    before = edges * (np.arange(len(strings)) + 1)
    joined = np.full(len(strings.ids) + edges * (len(strings) + 1), EDGE)
    places = np.arange(len(strings.ids)) + np.repeat(before, strings.lengths)
    joined[places] = strings.ids
    lengths = strings.lengths
    if with_end:
        lengths = lengths + 1
        starts = np.cumsum(lengths) - lengths
        places = np.arange(lengths.sum()) + np.repeat(strings.starts + before - starts, lengths)
    ids, examples = _number(*_encode(joined, reach, places))
    windows = joined[places[examples] + np.arange(1 - reach, 1)[:, None]]
    return EncodedStrings(ids, lengths), windows


def _encode(joined: Ids, reach: int, places: Ids) -> tuple[Ids, int | None]:
    """Return a code of the symbols that end at each place, and how many codes are possible; None if too many."""
    base = int(joined.max(initial=0)) + 2
    if base**reach > min(FEW_CODES, WORTH_COUNTING * len(places)):
        return ngram_codes(joined, reach)[places], None
    codes = np.zeros(len(places), np.int64)
    for back in range(reach - 1, -1, -1):
        codes *= base
        codes += joined[places - back] + 1  # the edge is 0
    return codes, base**reach


def _number(codes: Ids, bound: int | None) -> tuple[Ids, Ids]:
    """Number the distinct codes in rising order.

    Args:
        codes: any integers; from 0 to ``bound`` − 1 if there is a bound.
        bound: how many codes are possible; None if unknown.

    Returns:
        The number of each code, and for each number a position that has it.
    """
    if bound is not None:
        exists = np.zeros(bound, bool)
        exists[codes] = True
        numbers = (np.cumsum(exists) - 1)[codes]
    else:
        rising = np.argsort(codes)
        in_order = codes[rising]
        is_new = np.ones(len(codes), bool)
        np.not_equal(in_order[1:], in_order[:-1], out=is_new[1:])
        numbers = np.empty(len(codes), np.int64)
        numbers[rising] = np.cumsum(is_new) - 1
    positions = np.empty(int(numbers.max(initial=-1)) + 1, np.int64)
    positions[numbers] = np.arange(len(codes))
    return numbers, positions
