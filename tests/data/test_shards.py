"""Shards: batches that come from files, one shard at a time."""

import numpy as np
import pytest

from elman.data.augment import add_folded_spellings
from elman.data.batches import EncodedExamples
from elman.data.shards import ShardedExamples, Shards
from elman.data.streaming import stream_examples
from elman.errors import SettingError
from elman.text.normalisation import Normalisation
from elman.text.vocabulary import Labels, Vocabulary


@pytest.fixture(scope="module")
def shards(toy_folder, tmp_path_factory) -> Shards:
    folder = tmp_path_factory.mktemp("shards")
    return stream_examples(toy_folder, folder, normalisation=Normalisation(), shard_bytes=6_000).shards


@pytest.fixture
def source(shards) -> ShardedExamples:
    def weigh(shard):
        return 1 + shard.counts.astype(np.float32) + 10 * shard.folded

    return ShardedExamples(shards, Vocabulary.from_counts(shards.index.symbols), weigh)


def rows_of(source, batches):
    """Return each example of some batches: its symbols, label, weight and position."""
    return [
        (
            tuple(batch.inputs[:, place].tolist()),
            *(int(values[place]) for values in (batch.targets, batch.weights, batch.positions)),
        )
        for batch in batches
        for place in range(len(batch.weights))
    ]


@pytest.mark.parametrize("seed", [None, 1])
def test_every_example_is_in_one_batch_with_its_label_and_weight(shards, source, seed):
    shuffle = None if seed is None else np.random.default_rng(seed)
    rows = rows_of(source, source.batches(4, shuffle))
    assert sorted(row[-1] for row in rows) == list(range(len(source)))
    loaded = [shards.load(number) for number in range(len(shards))]
    examples = [one for shard in loaded for one in shard.select(shards.index.labels)]
    folded = np.concatenate([shard.folded for shard in loaded]).tolist()
    for symbols, label, weight, position in rows:
        expected = examples[position]
        assert (source.vocabulary.decode(symbols), shards.index.labels[label]) == (expected.text, expected.label)
        assert weight == 1 + expected.count + 10 * folded[position]


def test_batches_have_the_types_of_those_in_memory(source):
    batch = next(source.batches(4))
    assert (batch.inputs.dtype, batch.targets.dtype, batch.weights.dtype) == (np.int64, np.int64, np.float32)


@pytest.mark.parametrize("size", [1, 5, 64])
def test_the_number_of_steps_is_the_number_of_batches(source, size):
    assert source.steps(size) == len(list(source.batches(size, np.random.default_rng(0))))


def test_a_seed_gives_one_order_and_the_generator_ends_alike_however_much_is_read(source):
    one, again, other = (np.random.default_rng(seed) for seed in (1, 1, 2))
    rows = rows_of(source, source.batches(4, one))
    partial = source.batches(4, again)
    first = [next(partial) for _ in range(3)]
    assert rows_of(source, first) == rows[: sum(len(batch.weights) for batch in first)]
    assert one.bit_generator.state == again.bit_generator.state
    assert rows_of(source, source.batches(4, other)) != rows


def test_shards_come_in_an_order_that_is_drawn_and_are_never_mixed(shards, source):
    sizes = np.array([len(shards.load(number)) for number in range(len(shards))])
    orders = set()
    for seed in range(4):
        positions = [row[-1] for row in rows_of(source, source.batches(4, np.random.default_rng(seed)))]
        numbers = np.searchsorted(np.cumsum(sizes), positions, side="right")
        order = numbers[np.flatnonzero(np.diff(numbers, prepend=-1))]
        assert len(order) == len(shards)
        orders.add(tuple(order.tolist()))
    assert len(orders) > 1


@pytest.mark.parametrize("skip", [0, 1, 40, 10_000])
def test_skipped_batches_leave_the_others_as_they_are_and_skipped_shards_are_not_read(source, monkeypatch, skip):
    read, load = [], Shards.load
    monkeypatch.setattr(Shards, "load", lambda self, number: read.append(number) or load(self, number))
    whole, shuffle = np.random.default_rng(3), np.random.default_rng(3)
    expected = rows_of(source, list(source.batches(4, whole))[skip:])
    order = read[:]
    read.clear()
    assert rows_of(source, source.batches(4, shuffle, skip=skip)) == expected
    ends = np.cumsum([-(-len(load(source.shards, number)) // 4) for number in order])
    assert skip in (0, 1) or len(read) < len(order)
    assert read == order[len(order) - len(read) :] and len(read) >= np.count_nonzero(ends > skip)
    assert shuffle.bit_generator.state == whole.bit_generator.state


def test_labels_cannot_be_drawn_from_shards(source):
    with pytest.raises(SettingError, match="leave draws or --stream out"):
        source.draw(3, np.random.default_rng(0))


def test_a_sample_is_drawn_without_added_spellings_and_by_a_seed(shards):
    own = shards.index.sizes["train"]
    everything = shards.sample(10**6, seed=0)
    assert len(set(everything)) == len(everything) == own
    some, again, other = (shards.sample(50, seed=seed) for seed in (1, 1, 2))
    assert len(some) == 50 and some == again != other
    assert set(some) <= set(everything)
    means = [np.mean([everything.index(one) for one in shards.sample(20, seed=seed)]) for seed in range(20)]
    assert np.mean(means) == pytest.approx(own / 2, rel=0.15)


def test_a_shard_is_encoded_as_examples_in_memory_are(shards, source):
    labels = Labels(tuple(shards.index.labels))
    everything = add_folded_spellings(shards.sample(10**6, seed=0))
    memory = EncodedExamples.of_strings(everything, source.vocabulary, labels)
    assert len(memory) == len(source)
    symbols = sorted(row[:2] for row in rows_of(source, source.batches(50)))
    assert sorted(row[:2] for row in rows_of(memory, memory.batches(50))) == symbols
