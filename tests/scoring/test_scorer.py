"""The forward pass without torch has the scores of the trained network, for few and for many strings."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from elman.errors import SettingError
from elman.model.config import ACTIVATIONS, ModelConfig
from elman.scoring.probabilities import softmax
from elman.scoring.reference import ReferenceScorer
from elman.scoring.scorer import FEW, MANY, Scorer
from elman.text.encoded import EncodedStrings
from elman.text.ngrams import inventory
from elman.training.network import SequenceModel

SYMBOLS, LABELS, INPUTS = 9, 4, 5
ORDERS = [field.name for field in fields(ModelConfig) if field.name.endswith("_orders")]
CELLS = [*(("elman", activation) for activation in ACTIVATIONS), ("rnn", "tanh"), ("gru", "tanh"), ("lstm", "tanh")]


@pytest.fixture
def both(network, tiny_model) -> Callable[..., tuple[SequenceModel, Scorer]]:
    """Build a network of a tiny config, and a scorer with the same weights; keywords change the config."""

    def build(**changes: Any) -> tuple[SequenceModel, Scorer]:
        model = network(tiny_model(**changes), symbols=SYMBOLS, labels=LABELS).eval()
        return model, Scorer(model.config, {name: tensor.numpy() for name, tensor in model.state_dict().items()})

    return build


def numbers(lengths: Sequence[int]) -> list[NDArray[np.float32]]:
    draw = np.random.default_rng(4)
    return [draw.standard_normal((length, INPUTS)).astype(np.float32) for length in lengths]


def words(lengths: Sequence[int]) -> list[NDArray[np.int64]]:
    draw = np.random.default_rng(4)
    return [draw.integers(0, SYMBOLS, length) for length in lengths]


def one_by_one(model: SequenceModel, sequences: Sequence[NDArray[np.int64]]) -> NDArray[np.float32]:
    with torch.inference_mode():
        return torch.cat([model(torch.from_numpy(ids)[:, None]) for ids in sequences]).numpy()


@pytest.mark.usefixtures("kernel")
@pytest.mark.parametrize(("cell", "directions", "layers"), list(product(CELLS, (1, 2), (1, 2, 3))))
def test_every_cell_scores_as_torch_does(both, cell, directions, layers):
    name, activation = cell
    model, scorer = both(cell=name, activation=activation, directions=directions, layers=layers)
    sequences = words([3, 1, 12, 2, 1, 7, 3, 5, 4, 1])
    np.testing.assert_allclose(scorer.logits(sequences), one_by_one(model, sequences), rtol=1e-5, atol=1e-5)


@pytest.mark.usefixtures("kernel")
@pytest.mark.parametrize("chosen", [(), (2,), (3,), (5, 2), (7,)])
@pytest.mark.parametrize("orders", ORDERS)
def test_every_choice_of_ngrams_scores_as_torch_does(both, orders, chosen):
    model, scorer = both(**{orders: chosen})
    sequences = words(range(1, 9))
    np.testing.assert_allclose(scorer.logits(sequences), one_by_one(model, sequences), rtol=1e-5, atol=1e-5)


@pytest.mark.usefixtures("kernel")
def test_a_long_string_stays_within_rounding_of_torch(both):
    model, scorer = both()
    sequences = words([200, 199])
    np.testing.assert_allclose(scorer.logits(sequences), one_by_one(model, sequences), rtol=1e-5, atol=1e-5)


@pytest.mark.usefixtures("kernel")
def test_a_network_without_any_ngrams_scores_as_torch_does(both):
    model, scorer = both(**dict.fromkeys(ORDERS, ()))
    sequences = words(range(1, 9))
    np.testing.assert_allclose(scorer.logits(sequences), one_by_one(model, sequences), rtol=1e-5, atol=1e-5)


@pytest.mark.usefixtures("kernel")
def test_the_order_of_strings_never_changes_a_score(both):
    _, scorer = both()
    sequences = words([2, 5, 1, 5, 2, 2, 8])
    order = [6, 3, 0, 5, 1, 4, 2]
    shuffled = scorer.logits([sequences[k] for k in order])
    np.testing.assert_allclose(shuffled, scorer.logits(sequences)[order], rtol=0, atol=1e-6)


@pytest.mark.usefixtures("kernel")
def test_more_strings_of_one_length_than_a_block_are_all_scored(both):
    _, scorer = both()
    sequences = words([2] * 1100)
    alone = np.concatenate([scorer.logits([sequences[k]]) for k in (0, 511, 512, 1023, 1024, 1099)])
    together = scorer.logits(sequences)[[0, 511, 512, 1023, 1024, 1099]]
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-6)


@pytest.mark.usefixtures("kernel")
def test_no_strings_have_no_scores(both):
    _, scorer = both()
    assert scorer.logits([]).shape == (0, LABELS)


@pytest.mark.usefixtures("kernel")
def test_scoring_changes_neither_weights_nor_strings(both):
    _, scorer = both()
    sequences = words([4, 4, 2])
    weights, strings = {name: tensor.copy() for name, tensor in scorer.tensors.items()}, [w.copy() for w in sequences]
    scorer.logits(sequences)
    assert all(np.array_equal(weights[name], tensor) for name, tensor in scorer.tensors.items())
    assert all(map(np.array_equal, strings, sequences))


# Other inputs, readouts and heads

NO_NGRAMS: dict[str, Any] = dict.fromkeys(ORDERS, ())
ONE_WAY = {**NO_NGRAMS, "directions": 1}
EVERY_INPUT = [
    (words, {"embedding_size": 4}),
    (words, {"embedding_size": 0}),
    (numbers, {"input_size": INPUTS}),
    (numbers, {"input_size": INPUTS, "embedding_size": 0}),
]
EVERY_SHAPE = list(product(CELLS, (1, 2), (1, 2)))


def agree(model: SequenceModel, scorer: Scorer, sequences: Sequence[NDArray[Any]]) -> None:
    """Compare the scorer with torch, sequence by sequence, for both readouts."""
    each = model.config.readout == "each"
    found = scorer.logits_of_steps(sequences) if each else list(scorer.logits(sequences)[:, None])
    assert len(found) == len(sequences)
    with torch.inference_mode():
        for sequence, logits in zip(sequences, found, strict=True):
            expected = model(torch.from_numpy(sequence)[:, None]).reshape(-1, LABELS).numpy()
            np.testing.assert_allclose(logits, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("cell", "directions", "layers"), EVERY_SHAPE)
def test_every_cell_answers_each_step_as_torch_does(both, cell, directions, layers):
    name, activation = cell
    shape = {"cell": name, "activation": activation, "directions": directions, "layers": layers}
    agree(*both(readout="each", bag_orders=(), **shape), words([3, 1, 12, 2, 1, 7, 3]))


@pytest.mark.parametrize("readout", ["last", "each"])
@pytest.mark.parametrize(("cell", "directions", "layers"), EVERY_SHAPE)
def test_every_cell_reads_numbers_as_torch_does(both, cell, directions, layers, readout):
    name, activation = cell
    shape = {"cell": name, "activation": activation, "directions": directions, "layers": layers, "readout": readout}
    agree(*both(input_size=INPUTS, **NO_NGRAMS, **shape), numbers([3, 1, 12, 2, 1]))


@pytest.mark.usefixtures("kernel")
@pytest.mark.parametrize(("cell", "directions"), list(product(CELLS, (1, 2))))
def test_every_cell_reads_one_hot_rows_as_torch_does(both, cell, directions):
    shape = {"cell": cell[0], "activation": cell[1], "directions": directions}
    agree(*both(embedding_size=0, ngram_orders=(), **shape), words([3, 1, 12, 2, 1]))


@pytest.mark.parametrize("readout", ["last", "each"])
@pytest.mark.parametrize(("cell", "kind"), list(product(CELLS, EVERY_INPUT)))
def test_a_concatenation_head_scores_as_torch_does(both, cell, kind, readout):
    made, inputs = kind
    parts = {"cell": cell[0], "activation": cell[1], "head": "concatenation", "readout": readout}
    agree(*both(**ONE_WAY, **inputs, **parts), made([1, 2, 6, 2]))


@pytest.mark.parametrize("readout", ["last", "each"])
@pytest.mark.parametrize(("cell", "directions", "layers"), EVERY_SHAPE)
def test_a_network_without_a_head_scores_as_torch_does(both, cell, directions, layers, readout):
    shape = {"cell": cell[0], "activation": cell[1], "directions": directions, "layers": layers, "readout": readout}
    agree(*both(hidden_size=LABELS // directions, head="none", **NO_NGRAMS, **shape), words([1, 2, 6, 2]))


@pytest.mark.usefixtures("kernel")
@pytest.mark.parametrize("directions", [1, 2])
def test_a_network_without_a_head_adds_its_bag_as_torch_does(both, directions):
    agree(*both(hidden_size=LABELS // directions, directions=directions, head="none"), words([1, 2, 6, 2]))


@pytest.mark.usefixtures("kernel")
@pytest.mark.parametrize("separator", [None, 1])
def test_a_bag_with_hidden_units_adds_what_it_does_in_torch(tiny_model, separator):
    sequences = words([1, 2, 6, 2, 9, 12])
    shape = {"bag_size": 3, "bag_hidden": 5, "bag_words": True, "separator": separator}
    config = tiny_model(**shape)
    codes = inventory([ids[:, None] for ids in sequences[:4]], config.bag_orders, 1, separator=separator)
    torch.manual_seed(0)
    model = SequenceModel(config, symbols=SYMBOLS, labels=LABELS, inventory=codes).eval()
    torch.nn.init.normal_(model.bag.weight)
    agree(model, Scorer(config, {name: tensor.numpy() for name, tensor in model.state_dict().items()}), sequences)


@pytest.mark.parametrize("cell", ["gru", "none"])
def test_a_table_of_words_adds_what_it_does_in_torch(both, cell):
    shape = {"cell": cell, "word_buckets": 7, "word_size": 3, "separator": 1}
    for others in ({}, NO_NGRAMS):
        agree(*both(**shape, **others), words([1, 2, 6, 2, 9, 12]))


@pytest.mark.parametrize("readout", ["last", "each"])
@pytest.mark.parametrize(("made", "inputs"), EVERY_INPUT)
@pytest.mark.parametrize("directions", [1, 2])
def test_a_network_without_cells_scores_as_torch_does(both, made, inputs, directions, readout):
    agree(*both(cell="none", directions=directions, readout=readout, **NO_NGRAMS, **inputs), made([1, 2, 6, 2]))


def test_a_network_without_cells_but_with_ngrams_scores_as_torch_does(both):
    agree(*both(cell="none"), words([1, 2, 6, 2]))


def test_the_steps_of_many_strings_are_scored_in_the_order_of_the_strings(both):
    _, scorer = both(readout="each", bag_orders=())
    sequences = words([2, 5, 1, *[2] * 1100, 5])
    found = scorer.logits_of_steps(sequences)
    assert [len(logits) for logits in found] == [len(sequence) for sequence in sequences]
    for k in (0, 1, 2, 514, 1026, 1103):
        np.testing.assert_allclose(found[k], scorer.logits_of_steps([sequences[k]])[0], rtol=0, atol=1e-6)


@pytest.mark.usefixtures("kernel")
@pytest.mark.parametrize("directions", [1, 2])
def test_without_strings_a_network_without_a_head_has_scores_of_the_right_shape(both, directions):
    _, scorer = both(hidden_size=LABELS // directions, directions=directions, head="none", **NO_NGRAMS)
    assert scorer.logits([]).shape == (0, LABELS)
    assert scorer.logits_of_steps([]) == []


def test_scoring_does_not_change_numbers(both):
    _, scorer = both(input_size=INPUTS, **NO_NGRAMS)
    sequences = numbers([4, 4, 2])
    before = [sequence.copy() for sequence in sequences]
    scorer.logits(sequences)
    assert all(map(np.array_equal, sequences, before))


# Few strings and many


def random_words(count: int) -> list[NDArray[np.int64]]:
    return words(np.random.default_rng(5).integers(1, 10, count))


@pytest.mark.usefixtures("kernel")
@pytest.mark.parametrize("count", [1, FEW - 1, FEW, FEW + 1, MANY + 1])
@pytest.mark.parametrize("layers", [1, 2], ids=["trie", "reference"])
def test_few_or_many_strings_have_the_scores_of_the_reference(both, count, layers):
    model, scorer = both(layers=layers)
    sequences = random_words(count)
    expected = ReferenceScorer(model.config, scorer.tensors).logits(sequences)
    for strings in (sequences, EncodedStrings.gather(sequences)):
        np.testing.assert_allclose(scorer.logits(strings), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.usefixtures("kernel")
@pytest.mark.parametrize("threads", [0, -1, 1.5, True, "2"])
def test_threads_that_are_no_whole_number_of_at_least_1_are_refused(both, threads):
    _, scorer = both()
    with pytest.raises(SettingError, match="threads must be a whole number of at least 1"):
        scorer.logits(random_words(2), threads=threads)
    with pytest.raises(SettingError, match="threads must be a whole number of at least 1"):
        scorer.best(random_words(2), top=1, threads=threads)


@pytest.mark.usefixtures("kernel")
@pytest.mark.parametrize("count", [3, 300])
@pytest.mark.parametrize("top", [1, 2, 4, 9])
def test_the_best_answers_are_the_most_probable_ones(both, count, top):
    _, scorer = both()
    sequences = random_words(count)
    expected = softmax(scorer.logits(sequences), 1.7)
    labels, chances = scorer.best(sequences, top=top, temperature=1.7)
    assert labels.shape == chances.shape == (count, min(top, LABELS))
    np.testing.assert_allclose(chances, -np.sort(-expected, axis=1)[:, :top], rtol=0, atol=1e-6)
    np.testing.assert_allclose(np.take_along_axis(expected, labels.astype(int), axis=1), chances, rtol=0, atol=1e-6)


@pytest.mark.parametrize("count", [0, 1, 5, 300])
@pytest.mark.parametrize("layers", [1, 2], ids=["trie", "reference"])
def test_the_best_answers_do_not_depend_on_how_many_are_found_at_a_time(both, monkeypatch, layers, count):
    _, scorer = both(layers=layers)
    sequences = random_words(count)
    labels, chances = scorer.best(sequences, top=2)
    monkeypatch.setattr("elman.scoring.scorer.LARGEST_CUT", 2 * LABELS)
    for strings in (sequences, EncodedStrings.gather(sequences)):
        cut_labels, cut_chances = scorer.best(strings, top=2)
        assert cut_labels.shape == labels.shape == (count, 2)
        np.testing.assert_allclose(cut_chances, chances, rtol=0, atol=1e-6)
        assert np.array_equal(cut_labels, labels)
