"""Batches: every example once, one length in each, in an order that the seed decides."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman.data.batches import EncodedExamples
from elman.errors import DataError, SettingError
from elman.records import Example
from elman.text.vocabulary import Labels, Vocabulary

VOCABULARY, LABELS = Vocabulary(("a", "b", "c")), Labels(("Dutch", "Greek"))
some_examples = st.lists(
    st.builds(Example, st.text("abc?", min_size=1, max_size=4), st.sampled_from(LABELS.names)), min_size=1, max_size=40
)
sizes, seeds = st.integers(1, 9), st.none() | st.integers(0, 99)


def encode(examples, weights=None):
    return EncodedExamples.of_strings(examples, VOCABULARY, LABELS, weights)


def batches_of(data, size, seed):
    return list(data.batches(size, None if seed is None else np.random.default_rng(seed)))


@given(some_examples, sizes, seeds)
def test_every_example_is_in_one_batch_with_its_own_symbols_target_and_weight(examples, size, seed):
    weights = np.arange(len(examples), dtype=np.float32)
    seen = []
    for batch in batches_of(encode(examples, weights), size, seed):
        for column, position in enumerate(batch.positions.tolist()):
            seen.append(position)
            assert batch.inputs[:, column].tolist() == VOCABULARY.encode(examples[position].text).tolist()
            assert LABELS.names[batch.targets[column]] == examples[position].label
            assert batch.weights[column] == weights[position]
    assert sorted(seen) == list(range(len(examples)))


@given(some_examples, sizes, seeds)
def test_a_batch_holds_one_length_and_no_more_than_its_size(examples, size, seed):
    for batch in batches_of(encode(examples), size, seed):
        assert {len(examples[position].text) for position in batch.positions} == {len(batch.inputs)}
        assert 1 <= len(batch.positions) <= size
        assert batch.inputs.shape[1:] == batch.targets.shape == batch.weights.shape == batch.positions.shape


@given(some_examples, sizes, seeds)
def test_the_number_of_steps_is_the_number_of_batches(examples, size, seed):
    data = encode(examples)
    assert data.steps(size) == len(batches_of(data, size, seed))
    assert len(data) == len(examples)


def order_of(data, seed):
    return [batch.positions.tolist() for batch in batches_of(data, 4, seed)]


def test_a_seed_gives_the_same_order_again_and_another_seed_another():
    data = encode([Example("abc"[: 1 + k % 3], "Dutch") for k in range(40)])
    assert order_of(data, 1) == order_of(data, 1) != order_of(data, 2)


def test_without_a_shuffle_short_strings_come_first_in_the_order_given():
    data = encode([Example(text, "Greek") for text in ("cab", "a", "bc", "b", "c", "ab")])
    assert [position for batch in data.batches(2) for position in batch.positions] == [1, 3, 4, 2, 5, 0]


def test_a_shuffle_mixes_the_lengths_and_the_examples_of_a_length():
    data = encode([Example("abc"[: 1 + k % 3], "Dutch") for k in range(60)])
    batches = batches_of(data, 4, 0)
    lengths = [len(batch.inputs) for batch in batches]
    assert lengths != sorted(lengths)
    assert [batch for batch in batches if batch.positions.tolist() != sorted(batch.positions.tolist())]


def test_the_arrays_have_their_stated_types():
    (batch,) = encode([Example("ab", "Dutch")], np.array([0.5])).batches(8)
    assert [array.dtype for array in (batch.inputs, batch.targets, batch.weights, batch.positions)] == [
        np.int64,
        np.int64,
        np.float32,
        np.int64,
    ]
    assert batch.inputs.flags.c_contiguous


@pytest.mark.parametrize("shuffled", [True, False])
def test_skipped_batches_leave_the_others_as_they_are(shuffled):
    source = EncodedExamples([np.full((4, 4), k, np.uint8) for k in range(9)], np.arange(9), shift=1)

    def draw(**settings):
        return list(source.batches(2, np.random.default_rng(5) if shuffled else None, **settings))

    for batch, expected in zip(draw(skip=2), draw()[2:], strict=True):
        assert batch.positions.tolist() == expected.positions.tolist()
        assert (batch.inputs == expected.inputs).all()


def test_the_default_weight_is_1():
    (batch,) = encode([Example("a", "Dutch"), Example("b", "Greek")]).batches(8)
    assert batch.weights.tolist() == [1.0, 1.0]


def test_an_unknown_label_is_refused():
    with pytest.raises(DataError, match="'Klingon'"):
        encode([Example("a", "Klingon")])


# Numbers, pixels and tags


@given(st.lists(st.integers(1, 4), min_size=1, max_size=20), sizes, seeds)
def test_tags_and_numbers_stay_with_their_inputs(lengths, size, seed):
    inputs = [np.full((length, 3), k, np.float32) for k, length in enumerate(lengths)]
    tags = [100 * k + np.arange(length) for k, length in enumerate(lengths)]
    for data in (EncodedExamples(inputs, tags), EncodedExamples(inputs, np.arange(len(lengths), dtype=np.float32))):
        for batch in batches_of(data, size, seed):
            for column, position in enumerate(batch.positions):
                assert (batch.inputs[:, column] == position).all()
                expected = tags[position] if batch.targets.ndim == 2 else position
                assert np.array_equal(batch.targets[..., column], expected)


def test_tags_have_one_row_for_each_step_and_numbers_are_float32():
    inputs = [np.ones((4, 2), np.float32)] * 3
    (tagged,) = EncodedExamples(inputs, [np.arange(4)] * 3).batches(8)
    (numbered,) = EncodedExamples(inputs, np.ones(3, np.float32)).batches(8)
    assert (tagged.inputs.shape, tagged.inputs.dtype) == ((4, 3, 2), np.float32)
    assert (tagged.targets.shape, tagged.targets.dtype) == ((4, 3), np.int64)
    assert (numbered.targets.shape, numbered.targets.dtype) == ((3,), np.float32)


def test_pixels_become_numbers_from_0_to_1():
    images = np.array([[[0, 51], [102, 255]]], np.uint8)
    (batch,) = EncodedExamples(images, np.array([3])).batches(8)
    assert batch.inputs.dtype == np.float32
    np.testing.assert_allclose(batch.inputs[:, 0], [[0, 0.2], [0.4, 1]], rtol=1e-6)


def test_numbers_are_not_scaled_as_pixels_are():
    (batch,) = EncodedExamples([np.array([[2.0, -255.0]], np.float32)], np.array([0])).batches(8)
    assert batch.inputs.tolist() == [[[2.0, -255.0]]]


def test_images_are_moved_only_if_batches_are_shuffled():
    images = np.arange(1, 181, dtype=np.uint8).reshape(9, 5, 4)
    still, moving = (EncodedExamples(images, np.arange(9), shift=shift) for shift in (0, 2))
    for seed, moved in ((None, False), (0, True)):
        first, second = (batches_of(data, 9, seed)[0] for data in (still, moving))
        assert first.positions.tolist() == second.positions.tolist()
        assert (not np.array_equal(first.inputs, second.inputs)) is moved
        assert second.inputs.dtype == np.float32 and second.inputs.max() <= 1


# Draws

FEW_OF_ONE = [Example("a", "Dutch")] * 38 + [Example("bc", "Greek")] * 2


def draw(data, draws=4000, seed=0):
    return list(data.draw(draws, np.random.default_rng(seed)))


def test_labels_are_drawn_equally_often_whatever_their_counts():
    batches = draw(encode(FEW_OF_ONE))
    greek = sum(int(batch.targets[0]) for batch in batches)
    assert len(batches) == 4000
    assert greek == pytest.approx(2000, abs=150)  # 4.7 deviations


def test_examples_of_a_label_are_drawn_by_their_weight():
    weights = np.array([1, 3, 0, 4, 2, 2], np.float32)
    data = encode([Example("abc"[: 1 + k % 3], "Dutch" if k < 4 else "Greek") for k in range(6)], weights)
    counts = np.bincount([batch.positions[0] for batch in draw(data, 8000)], minlength=6)
    assert counts[2] == 0
    np.testing.assert_allclose(counts, [500, 1500, 0, 2000, 2000, 2000], atol=170)


def test_a_drawn_example_has_its_own_symbols_and_target_and_the_weight_1():
    examples = [Example("abcab"[: 1 + k % 4], LABELS.names[k % 3 == 0]) for k in range(9)]
    batches = draw(encode(examples, np.arange(1.0, 10.0)), 200)
    assert {int(batch.positions[0]) for batch in batches} == set(range(9))
    for batch in batches:
        (example,) = [examples[position] for position in batch.positions]
        assert batch.inputs[:, 0].tolist() == VOCABULARY.encode(example.text).tolist()
        assert LABELS.names[batch.targets[0]] == example.label
        assert (batch.weights.tolist(), batch.weights.dtype) == ([1.0], np.float32)


def test_a_seed_draws_the_same_examples_again_and_another_seed_others():
    one, again, other = ([b.positions[0] for b in draw(encode(FEW_OF_ONE), 50, seed)] for seed in (1, 1, 2))
    assert one == again != other


def test_a_label_without_examples_is_never_drawn():
    assert {int(batch.targets[0]) for batch in draw(encode([Example("a", "Greek")]), 20)} == {1}


@pytest.mark.parametrize("targets", [np.ones(2, np.float32), [np.arange(2), np.arange(2)]], ids=["numbers", "tags"])
def test_only_labels_can_be_drawn(targets):
    data = EncodedExamples([np.array([1, 2]), np.array([2, 1])], targets)
    with pytest.raises(SettingError, match="leave draws out"):
        draw(data, 1)
