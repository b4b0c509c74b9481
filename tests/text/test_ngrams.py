"""n-grams as numbers: the same arithmetic in numpy and torch, from the last few symbols alone."""

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from elman.text import ngrams
from elman.text.encoded import EncodedStrings
from elman.text.ngrams import (
    EDGE,
    NO_CODE,
    add_edges,
    bag_codes,
    bag_parts,
    crosses_words,
    find_outer_words,
    find_parts,
    find_words,
    inventory,
    mix_pair,
    mix_word,
    ngram_codes,
    ngram_ids,
    outer_words,
    weigh,
    word_codes,
)

MULTIPLIER = 6_364_136_223_846_793_005  # D. E. Knuth, "The Art of Computer Programming", volume 2, 3.3.4: MMIX
orders = st.integers(1, 5)
symbols = st.integers(0, 70_000)


def column(ids):
    return np.array(ids, dtype=np.int64)[:, None]


def code_of_last(ids, order):
    return int(ngram_codes(column(ids), order)[-1, 0])


def wrap(number):
    """Wrap an unbounded integer to 64 bits with a sign."""
    return (number + 2**63) % 2**64 - 2**63


def by_hand(window, order):
    """Compute the code of one window of symbols, the oldest first, with unbounded integers."""
    code = order
    for symbol in [EDGE] * (order - len(window)) + window:
        code = code * MULTIPLIER + symbol + 2
    return wrap(code)


@given(st.lists(symbols, min_size=1, max_size=8), orders, st.integers(1, 10_000))
def test_codes_and_buckets_are_those_computed_with_unbounded_integers(ids, order, buckets):
    codes = [by_hand(ids[max(0, step - order + 1) : step + 1], order) for step in range(len(ids))]
    assert ngram_codes(column(ids), order)[:, 0].tolist() == codes
    places = [(wrap(code * MULTIPLIER) >> 33) % buckets for code in codes]
    assert ngram_ids(column(ids), order, buckets)[:, 0].tolist() == places


@given(st.integers(1, 7), st.integers(1, 4), orders, st.integers(1, 10_000), st.integers(0, 99))
def test_numpy_and_torch_give_the_same_numbers(steps, size, order, buckets, seed):
    ids = add_edges(np.random.default_rng(seed).integers(0, 500, (steps, size)))
    pairs = [(ngram_codes(ids, order), ngram_codes(torch.from_numpy(ids), order))]
    pairs += [(ngram_ids(ids, order, buckets), ngram_ids(torch.from_numpy(ids), order, buckets))]
    pairs += zip(bag_codes(ids, (1, order)), bag_codes(torch.from_numpy(ids), (1, order)), strict=True)
    for in_numpy, in_torch in pairs:
        assert (in_numpy.dtype, in_torch.dtype) == (np.int64, torch.int64)
        assert np.array_equal(in_numpy, in_torch.numpy())


@given(st.lists(symbols, max_size=4), st.lists(symbols, max_size=4), st.data())
def test_a_code_depends_on_the_last_symbols_only(one, other, data):
    order = data.draw(orders)
    ending = data.draw(st.lists(symbols, min_size=order, max_size=order))
    assert code_of_last(one + ending, order) == code_of_last(other + ending, order)


@given(st.data())
def test_a_code_depends_on_each_of_the_last_symbols(data):
    order = data.draw(orders)
    ids = data.draw(st.lists(symbols, min_size=order, max_size=order))
    place, changed = data.draw(st.integers(0, order - 1)), data.draw(symbols)
    other = [*ids[:place], changed, *ids[place + 1 :]]
    assert (code_of_last(ids, order) == code_of_last(other, order)) == (ids == other)


@given(st.lists(symbols, min_size=1, max_size=4), symbols)
def test_the_edge_before_the_first_step_equals_no_symbol_of_the_vocabulary(ids, before):
    order = len(ids) + 1
    assert code_of_last(ids, order) != code_of_last([before, *ids], order)
    assert code_of_last(ids, order) == code_of_last([EDGE, *ids], order)


def test_windows_and_orders_do_not_share_codes():
    ids = np.stack(np.meshgrid(*[np.arange(20)] * 3)).reshape(3, -1)  # all 8,000 windows of three of twenty symbols
    codes = [np.unique(ngram_codes(ids, order)[order - 1]) for order in (1, 2, 3)]
    assert [len(some) for some in codes] == [20, 400, 8000]
    assert len(np.unique(np.concatenate(codes))) == 8420


def test_sequences_of_a_batch_do_not_affect_each_other():
    ids = np.random.default_rng(0).integers(0, 60, (6, 5))
    alone = np.concatenate([ngram_ids(ids[:, [k]], 3, 8192) for k in range(5)], axis=1)
    assert np.array_equal(ngram_ids(ids, 3, 8192), alone)


def test_buckets_stay_in_range_and_are_all_used():
    ids = np.random.default_rng(0).integers(0, 60, (10, 200))
    assert np.array_equal(np.unique(ngram_ids(ids, 3, 50)), np.arange(50))


def test_the_ids_are_not_changed():
    ids = column([1, 2, 3])
    ngram_ids(ids, 3, 16), bag_codes(ids, (1, 2)), add_edges(ids)
    assert ids.tolist() == [[1], [2], [3]]


def test_edges_are_added_on_both_sides():
    assert add_edges(np.array([[1, 2], [3, 4]])).T.tolist() == [[EDGE, 1, 3, EDGE], [EDGE, 2, 4, EDGE]]


def windows(ids, order):
    """All n-grams of one sequence; those longer than one symbol include its edges."""
    whole = ids if order == 1 else [EDGE, *ids, EDGE]
    return [whole[start : start + order] for start in range(len(whole) - order + 1)]


@given(st.lists(symbols, min_size=1, max_size=6), st.sets(st.integers(1, 9), min_size=1))
def test_a_bag_contains_every_n_gram_of_a_sequence_once_with_its_edges(ids, some):
    bags = bag_codes(add_edges(column(ids)), tuple(sorted(some)))
    expected = [[by_hand(window, order) for window in windows(ids, order)] for order in sorted(some)]
    assert [bag[:, 0].tolist() for bag in bags] == [codes for codes in expected if codes]


@given(st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=4), max_size=8), st.integers(1, 3))
def test_an_inventory_lists_the_frequent_n_grams_in_rising_order(sequences, min_count):
    counts = Counter(
        by_hand(window, order) for ids in sequences for order in (1, 2, 3) for window in windows(ids, order)
    )
    found = inventory([column(ids) for ids in sequences], (1, 2, 3), min_count)
    assert found.dtype == np.int64
    assert found.tolist() == sorted(code for code, count in counts.items() if count >= min_count)


@given(
    st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=5), min_size=1, max_size=8),
    st.sampled_from([None, 1]),
    st.data(),
)
def test_codes_weigh_what_their_sequences_weigh_each_time_that_they_occur(sequences, separator, data):
    weights = data.draw(st.lists(st.integers(0, 5), min_size=len(sequences), max_size=len(sequences)))
    batches, settings = [column(ids) for ids in sequences], {"orders": (1, 2, 3), "separator": separator}
    some = inventory(batches[::2], min_count=1, **settings)
    found = weigh(some, [(ids, np.array([weight])) for ids, weight in zip(batches, weights, strict=True)], **settings)
    copies = [ids for ids, weight in zip(batches, weights, strict=True) for _ in range(weight)]
    for code, weight in zip(some.tolist(), found.astype(int).tolist(), strict=True):
        occurs = [code in inventory(copies, min_count=least, **settings) for least in (max(1, weight), weight + 1)]
        assert occurs == [weight > 0, False]


@pytest.mark.parametrize(("batches", "some"), [([], (1, 2)), ([column([1, 2])], ())])
def test_an_inventory_of_nothing_is_empty(batches, some):
    assert inventory(batches, some, 1).shape == (0,)


# Words

words = st.lists(st.lists(st.integers(1, 3), min_size=1, max_size=6), min_size=1, max_size=8)


def split_words(ids):
    """Return the words of a sequence whose separator is 1."""
    text = "".join(map(chr, ids)).split(chr(1))
    return [[ord(symbol) for symbol in word] for word in text if word]


def polynomial(word):
    code = 0
    for symbol in word:
        code = code * MULTIPLIER + symbol + 2
    return wrap(code)


@given(words)
def test_each_word_and_each_pair_of_adjacent_words_has_a_code_at_its_end(texts):
    for ids in texts:
        expected = np.array([polynomial(word) for word in split_words(ids)], np.int64)
        pairs = mix_pair(expected[:-1], expected[1:])
        found = [codes[:, 0][codes[:, 0] != NO_CODE].tolist() for codes in word_codes(column(ids), 1)]
        assert found == [mix_word(expected).tolist(), pairs.tolist()]
        ends = [position for position in range(len(ids)) if ids[position] != 1 and ids[position + 1 :][:1] in ([], [1])]
        assert np.flatnonzero(word_codes(column(ids), 1)[0][:, 0] != NO_CODE).tolist() == ends


@given(words)
def test_words_of_many_strings_are_those_of_each(texts):
    strings = EncodedStrings.gather([np.array(ids) for ids in texts])
    found, owners, ends = find_words(strings, 1)
    expected = [(polynomial(word), owner) for owner, ids in enumerate(texts) for word in split_words(ids)]
    assert list(zip(found.tolist(), owners.tolist(), strict=True)) == expected
    each = [np.flatnonzero(word_codes(column(ids), 1)[0][:, 0] != NO_CODE) for ids in texts]
    assert ends.tolist() == [start + end for start, of_one in zip(strings.starts, each, strict=True) for end in of_one]


@pytest.mark.parametrize(
    ("ids", "parts"),
    [
        ([2], [0]),
        ([2, 3, 1, 2], [0, 0, 0, 2]),
        ([2, 1, 3, 4, 1, 2, 2], [0, 0, 1, 1, 1, 2, 2]),
        ([2, 1, 3, 1, 4, 1, 5], [0, 0, 1, 1, 1, 1, 2]),
        ([1, 2], [0, 2]),
        ([1], [0]),
    ],
)
def test_a_string_has_a_first_word_a_last_word_and_words_between(ids, parts):
    assert find_parts(column(ids), 1)[:, 0].tolist() == parts
    assert find_parts(torch.tensor(ids)[:, None], 1)[:, 0].tolist() == parts


@given(words)
def test_each_ngram_belongs_to_the_part_where_it_ends(texts):
    for ids in texts:
        padded, parts = add_edges(column(ids)), find_parts(column(ids), 1)[:, 0].tolist()
        orders = (1, 2, 3)
        found = bag_parts(padded, orders, 1)
        codes = [*bag_codes(padded, orders), *word_codes(column(ids), 1)]
        assert [part.shape for part in found] == [code.shape for code in codes]
        ends = [*parts, 2 if 1 in ids else 0]
        expected = [parts, *([ends[order - 2 :] for order in (2, 3)]), parts, parts]
        assert [part[:, 0].tolist() for part in found] == expected


def test_words_of_tensors_are_those_of_arrays():
    ids = np.random.default_rng(0).integers(1, 4, (7, 9))
    for ours, theirs in zip(word_codes(ids, 1), word_codes(torch.from_numpy(ids), 1), strict=True):
        assert (theirs.numpy() == ours).all()


@given(words)
def test_the_outer_words_of_a_string_are_its_first_and_its_last(texts):
    def find(ids):
        found = [word for word in "".join(map(chr, ids)).split(chr(1)) if word]
        outer = [polynomial(map(ord, word)) for word in (found[0], found[-1])] if found else []
        return mix_word(np.array(outer, np.int64)).tolist() or [NO_CODE, NO_CODE]

    for ids in texts:
        assert [code.tolist() for code in outer_words(column(ids), 1)] == [[code] for code in find(ids)]
        assert [code.tolist() for code in outer_words(torch.tensor(ids)[:, None], 1)] == [[code] for code in find(ids)]
    strings = EncodedStrings.gather([np.array(ids) for ids in texts])
    assert find_outer_words(strings, 1).tolist() == [find(ids) for ids in texts]


def test_an_inventory_has_words_and_keeps_the_most_frequent_codes():
    batch = np.array([[2, 3, 3], [3, 3, 3], [1, 1, 2], [2, 2, 2]])  # three strings, one in each column
    codes = inventory([batch], (1,), 1, separator=1)
    assert mix_word(np.array([polynomial([3, 3])])).item() in codes.tolist()
    most = inventory([batch], (1,), 1, most=2, separator=1)
    assert len(most) == 2 < len(codes)
    counts = Counter(batch.ravel().tolist())
    assert set(most.tolist()) == {code_of_last([symbol], 1) for symbol, _ in counts.most_common(2)}


@given(words, st.integers(1, 5))
def test_an_ngram_crosses_words_if_a_separator_stands_inside_it_or_is_all_of_it(texts, order):
    for ids in texts:
        padded = column([-1, *ids, -1])
        if order > len(padded):
            continue
        found = crosses_words(padded, order, 1)
        grams = [padded[start : start + order, 0].tolist() for start in range(len(padded) - order + 1)]
        assert found[:, 0].tolist() == [1 in gram[1:-1] or set(gram) == {1} for gram in grams]
        assert (crosses_words(torch.from_numpy(padded), order, 1).numpy() == found).all()


def test_an_inventory_of_words_has_no_ngram_that_crosses_from_one_to_the_next():
    codes = inventory([column([2, 3, 1, 3, 2])], (1, 2, 3), 1, separator=1).tolist()
    for inside in ([2, 3], [3, 1], [1, 3], [2, 3, 1], [1, 3, 2]):
        assert code_of_last(inside, len(inside)) in codes
    for across in ([1], [3, 1, 3]):
        assert code_of_last(across, len(across)) not in codes
        assert code_of_last(across, len(across)) in inventory([column([2, 3, 1, 3, 2])], (1, 2, 3), 1).tolist()


def test_an_inventory_of_many_batches_is_that_of_one(monkeypatch):
    batches = [np.random.default_rng(seed).integers(1, 5, (6, 20)) for seed in range(8)]
    expected = inventory([np.concatenate(batches, axis=1)], (1, 2, 3), 2, most=50, separator=1)
    monkeypatch.setattr(ngrams, "WAITING", 0)
    assert inventory(batches, (1, 2, 3), 2, most=50, separator=1).tolist() == expected.tolist()


def test_an_inventory_in_bounded_memory_keeps_the_frequent_codes_and_forgets_the_rarest(monkeypatch):
    common, rare = np.full((3, 4), 1), [np.arange(90).reshape(3, 30) + 100 * batch for batch in range(1, 20)]
    batches = [ids for some in rare for ids in (common, some)]
    expected = inventory([common], (1, 2), 1)
    monkeypatch.setattr(ngrams, "WAITING", 0)
    monkeypatch.setattr(ngrams, "MOST_COUNTED", 40)
    counted = []
    merge = ngrams._merge
    monkeypatch.setattr(ngrams, "_merge", lambda parts: counted.append(len(merge(parts)[0])) or merge(parts))
    assert inventory(batches, (1, 2), 2, most=len(expected)).tolist() == expected.tolist()
    assert max(counted) < 19 * 90
