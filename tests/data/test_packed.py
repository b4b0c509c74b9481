"""Packed examples: every pair once, and nothing padded."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from pairs import draw_ids

from elman.data.packed import PackedExamples
from elman.errors import SettingError
from elman.text.targets import MARK

COUNT = 40


@pytest.fixture
def examples():
    weights = np.arange(1, COUNT + 1, dtype=np.float32)
    return PackedExamples(draw_ids(COUNT, 9), draw_ids(COUNT, 7, least=0, seed=1), weights, labels=np.arange(COUNT) % 3)


def unpack(batch):
    """Return the targets of a batch, one list for each of its pairs, and the weight of each symbol in the same way."""
    targets, weights, start = [[] for _ in batch.positions], [[] for _ in batch.positions], 0
    for size in batch.sizes:
        for row in range(size):
            targets[row].append(int(batch.targets[start + row]))
            weights[row].append(float(batch.weights[start + row]))
        start += size
    assert start == len(batch.targets) == len(batch.weights)
    return targets, weights


@pytest.mark.parametrize("batch_size", [1, 4, 100])
def test_every_pair_comes_once_with_its_symbols_and_its_end(examples, batch_size):
    sources, wanted = draw_ids(COUNT, 9), draw_ids(COUNT, 7, least=0, seed=1)
    seen = []
    for batch in examples.batches(batch_size, np.random.default_rng(2)):
        targets, weights = unpack(batch)
        assert list(batch.sizes) == sorted(batch.sizes, reverse=True) and batch.sizes[0] == len(batch.positions)
        for row, position in enumerate(batch.positions.tolist()):
            assert_array_equal(batch.inputs[:, row], sources[position])
            assert targets[row] == [*wanted[position].tolist(), MARK]
            assert set(weights[row]) == {position + 1.0} and batch.labels[row] == position % 3
            seen.append(position)
    assert sorted(seen) == list(range(COUNT))


def test_the_number_of_steps_and_of_symbols_is_known_before(examples):
    batches = list(examples.batches(4))
    assert len(batches) == examples.steps(4)
    assert sum(len(batch.targets) for batch in batches) == examples.answers
    assert len(examples) == COUNT


def test_skipped_batches_leave_the_others_as_they_are(examples):
    whole = list(examples.batches(4, np.random.default_rng(3)))
    rest = list(examples.batches(4, np.random.default_rng(3), skip=5))
    for one, other in zip(whole[5:], rest, strict=True):
        assert_array_equal(one.positions, other.positions)
        assert_array_equal(one.targets, other.targets)


def test_pairs_are_not_drawn_label_by_label(examples):
    with pytest.raises(SettingError, match="leave draws out"):
        examples.draw(1, np.random.default_rng(0))
