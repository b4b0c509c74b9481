"""Batches: every example once, one length in each, in an order that the seed decides."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman.data.batches import EncodedExamples
from elman.errors import DataError
from elman.records import Example
from elman.vocab import Labels, Vocabulary

VOCABULARY, LABELS = Vocabulary(("a", "b", "c")), Labels(("Dutch", "Greek"))
some_examples = st.lists(
    st.builds(Example, st.text("abc?", min_size=1, max_size=4), st.sampled_from(LABELS.names)), min_size=1, max_size=40
)
sizes, seeds = st.integers(1, 9), st.none() | st.integers(0, 99)


def encoded(examples, weights=None):
    return EncodedExamples.of_strings(examples, VOCABULARY, LABELS, weights)


def batches_of(data, size, seed):
    return list(data.batches(size, None if seed is None else np.random.default_rng(seed)))


@given(some_examples, sizes, seeds)
def test_every_example_comes_once_with_its_own_symbols_target_and_weight(examples, size, seed):
    weights = np.arange(len(examples), dtype=np.float32)
    seen = []
    for batch in batches_of(encoded(examples, weights), size, seed):
        for column, position in enumerate(batch.positions.tolist()):
            seen.append(position)
            assert batch.inputs[:, column].tolist() == VOCABULARY.encode(examples[position].text).tolist()
            assert LABELS.names[batch.targets[column]] == examples[position].label
            assert batch.weights[column] == weights[position]
    assert sorted(seen) == list(range(len(examples)))


@given(some_examples, sizes, seeds)
def test_a_batch_holds_one_length_and_no_more_than_its_size(examples, size, seed):
    for batch in batches_of(encoded(examples), size, seed):
        assert {len(examples[position].text) for position in batch.positions} == {len(batch.inputs)}
        assert 1 <= len(batch.positions) <= size
        assert batch.inputs.shape[1:] == batch.targets.shape == batch.weights.shape == batch.positions.shape


@given(some_examples, sizes, seeds)
def test_the_number_of_steps_is_the_number_of_batches(examples, size, seed):
    data = encoded(examples)
    assert data.steps(size) == len(batches_of(data, size, seed))
    assert len(data) == len(examples)


def order_of(data, seed):
    return [batch.positions.tolist() for batch in batches_of(data, 4, seed)]


def test_a_seed_gives_the_same_order_again_and_another_seed_another():
    data = encoded([Example("abc"[: 1 + k % 3], "Dutch") for k in range(40)])
    assert order_of(data, 1) == order_of(data, 1) != order_of(data, 2)


def test_without_a_shuffle_short_strings_come_first_in_the_order_given():
    data = encoded([Example(text, "Greek") for text in ("cab", "a", "bc", "b", "c", "ab")])
    assert [position for batch in data.batches(2) for position in batch.positions] == [1, 3, 4, 2, 5, 0]


def test_a_shuffle_mixes_the_lengths_and_the_examples_of_a_length():
    data = encoded([Example("abc"[: 1 + k % 3], "Dutch") for k in range(60)])
    drawn = batches_of(data, 4, 0)
    lengths = [len(batch.inputs) for batch in drawn]
    assert lengths != sorted(lengths)
    assert [batch for batch in drawn if batch.positions.tolist() != sorted(batch.positions.tolist())]


def test_the_arrays_have_their_stated_types():
    (batch,) = encoded([Example("ab", "Dutch")], np.array([0.5])).batches(8)
    assert [array.dtype for array in (batch.inputs, batch.targets, batch.weights, batch.positions)] == [
        np.int64,
        np.int64,
        np.float32,
        np.int64,
    ]
    assert batch.inputs.flags.c_contiguous


def test_examples_weigh_one_unless_told_otherwise():
    (batch,) = encoded([Example("a", "Dutch"), Example("b", "Greek")]).batches(8)
    assert batch.weights.tolist() == [1.0, 1.0]


def test_a_label_that_the_model_lacks_is_refused():
    with pytest.raises(DataError, match="'Klingon'"):
        encoded([Example("a", "Klingon")])
