"""n-grams: short runs of symbols as numbers.

Two parts of a network read them. Each step can read its last few symbols as one row of a hashed table: a look-up needs
no matrix product, and gives a small network what a larger one has to remember. And a bag of all n-grams of a sequence
can be added to the logits. Its rows are an inventory of the n-grams that training contained, so no two share a row; it
can hold whole words and pairs of adjacent words, too.

The arithmetic uses operators that numpy arrays and torch tensors share, so that training and the torch-free scorer
compute the same. Codes have 64 bits and overflow on purpose.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.text.encoded import EncodedStrings

EDGE = -1
"""The id of what comes before the first symbol and after the last."""

NO_CODE = 0
"""Stands where there is no n-gram or word; no code of either is 0, except with a probability of about one in 2⁶⁴."""

MULTIPLIER = 6_364_136_223_846_793_005  # D. E. Knuth's 64-bit linear congruential multiplier

WORD, PAIR = 1_442_695_040_888_963_407, 3_935_559_000_370_003_845  # odd numbers, so that words are no n-grams

WAITING = 2**22
"""How many codes wait at least to be merged with the others."""

MOST_COUNTED = 2**23
"""The most codes that are counted at a time. If there are more, the rarest are forgotten."""


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
        code = code * MULTIPLIER + (earlier + 2)
    return code * MULTIPLIER + (ids + 2)


def ngram_ids(ids: Any, order: int, buckets: int) -> Any:
    """Return for each step the bucket of the ``order`` symbols that end there.

    Args:
        ids: symbol ids, (T, B), int64; a numpy array or a torch tensor.
        order: as in `ngram_codes`.
        buckets: rows of the table, at least 1.

    Returns:
        (T, B), int64, 0 to buckets − 1, an array or tensor as ``ids``.
    """
    return find_buckets(ngram_codes(ids, order), buckets)


def find_buckets(codes: Any, buckets: int) -> Any:
    """Return the bucket, 0 to buckets − 1, of each code of an n-gram or a word, an array or tensor of int64."""
    return (codes * MULTIPLIER >> 33) % buckets  # the high bits are mixed best


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


def crosses_words(ids: Any, order: int, separator: int) -> Any:
    """Return which of the ``order`` symbols that end at each step are of more than one word, or a separator alone.

    An n-gram can begin or end with the separator: it shows where a word begins or ends.

    Args:
        ids: symbol ids, (T, B), int64; a numpy array or a torch tensor.
        order: how many symbols an n-gram has, 1 to T.
        separator: the id of the symbol between words.

    Returns:
        (T − order + 1, B), of truth values, an array or tensor as ``ids``.
    """
    separates, count = ids == separator, len(ids) - order + 1
    if order == 1:
        return separates
    crossed = separates[:count] & separates[1 : 1 + count] if order == 2 else separates[1 : 1 + count]
    for place in range(2, order - 1):
        crossed = crossed | separates[place : place + count]
    return crossed


def word_codes(ids: Any, separator: int) -> list[Any]:
    """Return the codes of the words of whole sequences, and of each word with the one before it.

    Args:
        ids: symbol ids, (T, B), int64; a numpy array or a torch tensor.
        separator: the id of the symbol between words.

    Returns:
        Two of (T, B), int64, an array or tensor as ``ids``: the codes of the words, and those of the pairs, at the last
        symbol of the word; `NO_CODE` everywhere else, and for pairs at the end of the first word.
    """
    inside = (ids != separator) * 1
    words, pairs = ids * 0 + NO_CODE, ids * 0 + NO_CODE
    word, before = ids[0] * 0, ids[0] * 0
    for step in range(len(ids)):
        word = (word * MULTIPLIER + (ids[step] + 2)) * inside[step]
        ends = inside[step] if step + 1 == len(ids) else inside[step] * (1 - inside[step + 1])
        words[step] += ends * (mix_word(word) - NO_CODE)
        pairs[step] += ends * (before != 0) * (mix_pair(before, word) - NO_CODE)
        before = before * (1 - ends) + word * ends
    return [words, pairs]


def outer_words(ids: Any, separator: int) -> list[Any]:
    """Return the codes of the first and of the last word of whole sequences.

    Args:
        ids: symbol ids, (T, B), int64; a numpy array or a torch tensor.
        separator: the id of the symbol between words.

    Returns:
        Two of (B,), int64, arrays or tensors as ``ids``; `NO_CODE` for sequences without a word.
    """
    words, _ = word_codes(ids, separator)
    ends = (words != NO_CODE) * 1
    count = ends.cumsum(0)
    return [(words * ends * (count == place)).sum(0) for place in (1, count[-1])]


def find_parts(ids: Any, separator: int) -> Any:
    """Return for each step the part of its string: 0 in the first word, 2 in the last, 1 in those between.

    A separator belongs to the word before it. A string of one word is a first word.

    Args:
        ids: symbol ids, (T, B), int64; a numpy array or a torch tensor.
        separator: the id of the symbol between words.

    Returns:
        (T, B), int64, an array or tensor as ``ids``.
    """
    separates = (ids == separator) * 1
    upto = separates.cumsum(0)
    word, last = upto - separates, upto[-1]
    return (word > 0) * 1 + ((word > 0) & (word == last)) * 1


def bag_parts(ids: Any, orders: tuple[int, ...], separator: int) -> list[Any]:
    """Return the part where each n-gram ends, and each word and pair of words.

    Args:
        ids: symbol ids between two rows of `EDGE`, (T + 2, B), int64; a numpy array or a torch tensor.
        orders: lengths of the n-grams, each at least 1.
        separator: the id of the symbol between words.

    Returns:
        As `bag_codes` and then `word_codes` return their codes: parts as `find_parts` has them.
    """
    parts = find_parts(ids, separator)
    ends = [parts[1:-1] if order == 1 else parts[order - 1 :] for order in orders if order == 1 or order <= len(ids)]
    return [*ends, parts[1:-1], parts[1:-1]]


def find_words(
    strings: EncodedStrings, separator: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the words of many strings, as the polynomials that `mix_word` takes, the string of each, and its end.

    Args:
        strings: N of them, of any lengths.
        separator: the id of the symbol between words.

    Returns:
        All (number of words,), int64, in the order of the strings; the end is the place of the last symbol among those
        of all strings.
    """
    inside = strings.ids != separator
    starts, ends = inside.copy(), inside.copy()
    starts[1:] &= ~inside[:-1]
    ends[:-1] &= ~inside[1:]
    borders = strings.starts[1:][strings.lengths[1:] > 0]
    starts[borders], ends[borders - 1] = inside[borders], inside[borders - 1]
    first, last = np.flatnonzero(starts), np.flatnonzero(ends)
    words = np.zeros(len(first), np.int64)
    left = np.arange(len(first))
    for step in range(int((last - first).max(initial=-1)) + 1):
        left = left[first[left] + step <= last[left]]
        words[left] = words[left] * MULTIPLIER + (strings.ids[first[left] + step].astype(np.int64) + 2)
    return words, np.searchsorted(strings.starts, first, side="right") - 1, last


def find_outer_words(strings: EncodedStrings, separator: int) -> NDArray[np.int64]:
    """Return the codes of the first and of the last word of many strings, (N, 2), int64, as `outer_words` does."""
    words, owners, _ = find_words(strings, separator)
    codes = np.full((len(strings), 2), NO_CODE)
    codes[owners[::-1], 0] = mix_word(words[::-1])  # what is written last stays
    codes[owners, 1] = mix_word(words)
    return codes


def mix_word(word: Any) -> Any:
    """Return the code in a bag of words that are given as int64, arrays or tensors: the polynomials of their ids."""
    return word * MULTIPLIER + WORD


def mix_pair(first: Any, second: Any) -> Any:
    """Return the code in a bag of pairs of adjacent words, as `mix_word` has them."""
    return (first * MULTIPLIER + second) * MULTIPLIER + PAIR


def inventory(
    batches: Iterable[NDArray[np.int64]],
    orders: tuple[int, ...],
    min_count: int,
    *,
    most: int | None = None,
    separator: int | None = None,
) -> NDArray[np.int64]:
    """Return the codes of what occurs at least ``min_count`` times in the batches, in rising order.

    Memory is bounded. With more than `MOST_COUNTED` different codes, those that were met once so far are forgotten, or
    twice if that is not enough, and so on; their counts begin again when they are met again. The most frequent codes
    stay the same, but for some that occur rarely (G. S. Manku and R. Motwani, "Approximate frequency counts over data
    streams", 2002).

    With words, n-grams that cross from one word to the next are left out: pairs of words say more, in fewer rows.

    Args:
        batches: symbol ids, (T, B), int64; all sequences of a batch have one length.
        orders: lengths of the n-grams, each at least 1.
        min_count: at least 1.
        most: the most codes; the most frequent ones are kept, and of equally frequent ones those with lower codes.
        separator: the id of the symbol between words, whose codes are included; None for n-grams alone.

    Returns:
        (rows of the bag,), int64.
    """
    codes, counts = np.empty(0, np.int64), np.empty(0, np.int64)
    waiting: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
    for ids in batches:
        found = _list_codes(ids, orders, separator)
        if found:
            waiting.append(np.unique(np.concatenate([code.ravel() for code in found]), return_counts=True))
        if sum(len(part) for part, _ in waiting) > len(codes) + WAITING:  # merging costs in proportion to all codes
            codes, counts = _forget(*_merge([(codes, counts), *waiting]))
            waiting = []
    codes, counts = _merge([(codes, counts), *waiting])
    kept = np.flatnonzero((counts >= min_count) & (codes != NO_CODE))
    if most is not None and len(kept) > most:
        kept = np.sort(kept[np.argsort(-counts[kept], kind="stable")[:most]])
    return codes[kept]


def weigh(
    codes: NDArray[np.int64],
    batches: Iterable[tuple[NDArray[np.int64], NDArray[np.floating]]],
    orders: tuple[int, ...],
    *,
    separator: int | None = None,
) -> NDArray[np.float64]:
    """Return how much the sequences weigh in which each code occurs, (C,); a code counts each time that it occurs.

    Args:
        codes: C of them, as `inventory` returns them.
        batches: symbol ids, (T, B), int64, and the weight of each sequence, (B,).
        orders: as in `inventory`.
        separator: likewise.
    """
    sums = np.zeros(len(codes))
    if not len(codes):
        return sums
    for ids, weights in batches:
        for found in _list_codes(ids, orders, separator):
            places = np.minimum(np.searchsorted(codes, found), len(codes) - 1)
            is_known = codes[places] == found
            np.add.at(sums, places[is_known], np.broadcast_to(weights, found.shape)[is_known])
    return sums


def _list_codes(ids: NDArray[np.int64], orders: tuple[int, ...], separator: int | None) -> list[NDArray[np.int64]]:
    """Return the codes of what occurs in a batch of sequences, each array with a column for each of them."""
    found = bag_codes(add_edges(ids), orders)
    if separator is None:
        return found
    return _leave_out(found, add_edges(ids), orders, separator) + word_codes(ids, separator)


def _leave_out(
    bags: list[NDArray[np.int64]], padded: NDArray[np.int64], orders: tuple[int, ...], separator: int
) -> list[NDArray[np.int64]]:
    """Return what `bag_codes` returned, with `NO_CODE` for the n-grams that `crosses_words` finds."""
    fitting = [order for order in orders if order == 1 or order <= len(padded)]
    crossed = [crosses_words(padded[1:-1] if order == 1 else padded, order, separator) for order in fitting]
    return [np.where(some, NO_CODE, codes) for codes, some in zip(bags, crossed, strict=True)]


def _forget(codes: NDArray[np.int64], counts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the codes and counts without the rarest, so that at most `MOST_COUNTED` are left."""
    rare = 0
    while len(codes) > MOST_COUNTED:
        rare += 1
        kept = counts > rare
        codes, counts = codes[kept], counts[kept]
    return codes, counts


def _merge(parts: Iterable[tuple[NDArray[np.int64], NDArray[np.int64]]]) -> tuple[NDArray[np.int64], ...]:
    """Return the distinct codes of several counts in rising order, and how often each occurs in all of them."""
    codes, counts = (np.concatenate(both) for both in zip(*parts, strict=True))
    distinct, place = np.unique(codes, return_inverse=True)
    return distinct, np.bincount(place, counts, len(distinct)).astype(np.int64)


def add_edges(ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return symbol ids, (T, B), between two rows of `EDGE`, (T + 2, B)."""
    return np.pad(ids, ((1, 1), (0, 0)), constant_values=EDGE)
