"""Configurations check themselves, and list the tensors of a network of their shape."""

from dataclasses import asdict
from itertools import product

import numpy as np
import pytest

from elman.cells import ACTIVATIONS as CELL_ACTIVATIONS
from elman.cells import CELLS as BUILT_CELLS
from elman.errors import SettingError
from elman.model.config import ACTIVATIONS, CELLS, ModelConfig
from elman.training.network import SequenceModel


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("orders", [(), (2, 3)])
def test_the_tensor_shapes_are_those_of_the_network(cell, directions, orders):
    tables = {"ngram_orders": orders, "bag_orders": orders, "ngram_buckets": 11}
    config = ModelConfig(cell=cell, hidden_size=3, embedding_size=2, layers=2, directions=directions, **tables)
    weights = SequenceModel(config, symbols=7, labels=4, inventory=np.arange(5)).state_dict()
    shapes = config.tensor_shapes(symbols=7, labels=4, bag=5)
    assert shapes == {name: tuple(tensor.shape) for name, tensor in weights.items()}


def test_the_names_of_cells_and_activations_are_those_of_the_cells():
    assert CELLS == BUILT_CELLS
    assert tuple(CELL_ACTIVATIONS) == ACTIVATIONS


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cell", "transformer"),
        ("activation", "softplus"),
        ("hidden_size", 0),
        ("hidden_size", 1.5),
        ("layers", True),
        ("embedding_size", -1),
        ("ngram_buckets", 0),
        ("directions", 3),
        ("ngram_orders", (2, 1)),
        ("bag_orders", (1, 0)),
        ("bag_min_count", 0),
        ("bag_scale", 0.0),
        ("bag_scale", float("nan")),
        ("bag_dropout", 1.0),
        ("dropout", 1.0),
        ("dropout", -0.1),
        ("input_dropout", float("nan")),
        ("ngram_dropout", 2),
        ("symbol_dropout", 1),
        ("layer_dropout", float("inf")),
    ],
)
def test_an_invalid_model_setting_is_refused_by_name(name, value):
    with pytest.raises(SettingError, match=name):
        ModelConfig(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"), [("cell", 3), ("hidden_size", "large"), ("dropout", "some"), ("ngram_orders", 3)]
)
def test_a_value_of_another_type_is_refused_like_any_that_cannot_work(name, value):
    with pytest.raises(SettingError, match=name):
        ModelConfig.from_dict({name: value})


def test_the_smallest_valid_values_are_accepted():
    ModelConfig(
        hidden_size=1, layers=1, embedding_size=1, ngram_buckets=1, ngram_orders=(2,), bag_orders=(1,), dropout=0.0
    )


def test_a_config_comes_back_from_plain_values():
    config = ModelConfig(cell="lstm", ngram_orders=(2, 5), bag_orders=())
    values = {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(config).items()}
    assert ModelConfig.from_dict(values) == config


def test_an_unknown_setting_is_named_beside_the_known_ones():
    with pytest.raises(SettingError, match="unknown setting depth, width; the settings are .*activation"):
        ModelConfig.from_dict({"width": 3, "depth": 2})


# The parts of a network, and which of them fit

NO_NGRAMS = {"ngram_orders": (), "bag_orders": ()}
ONE_WAY = {**NO_NGRAMS, "directions": 1}
INPUTS = [{"embedding_size": 2}, {"embedding_size": 0}, {"input_size": 5}, {"input_size": 5, "embedding_size": 0}]


def shapes_agree(config, labels=4):
    weights = SequenceModel(config, symbols=7, labels=labels, inventory=np.arange(5)).state_dict()
    shapes = config.tensor_shapes(symbols=7, labels=labels, bag=5)
    return shapes == {name: tuple(tensor.shape) for name, tensor in weights.items()}


@pytest.mark.parametrize(("inputs", "cell", "directions"), list(product(INPUTS, (*CELLS, "none"), (1, 2))))
@pytest.mark.parametrize("readout", ["last", "each"])
def test_the_tensor_shapes_of_every_kind_of_input_are_those_of_the_network(inputs, cell, directions, readout):
    parts = {**NO_NGRAMS, **inputs, "cell": cell, "directions": directions, "readout": readout}
    assert shapes_agree(ModelConfig(hidden_size=3, layers=2, **parts))


@pytest.mark.parametrize(("inputs", "cell", "head"), list(product(INPUTS, CELLS, ("none", "concatenation"))))
def test_the_tensor_shapes_of_every_head_are_those_of_the_network(inputs, cell, head):
    assert shapes_agree(ModelConfig(hidden_size=4, cell=cell, head=head, **{**ONE_WAY, **inputs}))


@pytest.mark.parametrize("initialisation", ["orthogonal", "uniform", "refractory"])
@pytest.mark.parametrize("first_state", ["zeros", "drawn"])
def test_first_state_and_initialisation_add_no_tensor(initialisation, first_state):
    assert shapes_agree(ModelConfig(hidden_size=3, initialisation=initialisation, first_state=first_state))


def test_hidden_units_of_a_bag_need_sums_of_rows():
    with pytest.raises(SettingError, match="bag_hidden needs bag_size to be above 0"):
        ModelConfig(bag_size=0, bag_hidden=4)


def test_a_one_hot_network_may_have_a_bag():
    assert shapes_agree(ModelConfig(hidden_size=3, embedding_size=0, ngram_orders=()))


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"input_size": 3}, "numbers have no n-grams"),
        ({"input_size": 3, "ngram_orders": ()}, "numbers have no n-grams"),
        ({"input_size": 3, "bag_orders": ()}, "numbers have no n-grams"),
        ({"embedding_size": 0}, "one-hot inputs take no n-grams"),
        ({"readout": "each", "ngram_orders": ()}, "a bag of n-grams scores whole sequences"),
        ({"cell": "none", "head": "none", **ONE_WAY}, "cell none needs head output"),
        ({"head": "concatenation", **NO_NGRAMS, "directions": 2}, "set layers and directions to 1"),
        ({"head": "concatenation", **ONE_WAY, "layers": 2}, "set layers and directions to 1"),
        ({"head": "concatenation", **ONE_WAY, "cell": "none"}, "concatenation"),
    ],
)
def test_inconsistent_parts_are_refused_with_what_to_change(changes, complaint):
    with pytest.raises(SettingError, match=complaint):
        ModelConfig(**changes)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("input_size", -1),
        ("input_size", 1.0),
        ("embedding_size", True),
        ("readout", "first"),
        ("head", "both"),
        ("head", None),
        ("first_state", "ones"),
        ("initialisation", "xavier"),
    ],
)
def test_an_unknown_part_is_refused_by_name(name, value):
    with pytest.raises(SettingError, match=name):
        ModelConfig(**{name: value})


@pytest.mark.parametrize(
    ("changes", "steps", "head"),
    [
        ({}, 64, 2 * 128),
        ({"embedding_size": 0, **ONE_WAY}, 7, 128),
        ({"input_size": 5, **ONE_WAY}, 5, 128),
        ({"head": "concatenation", **ONE_WAY}, 64, 64 + 128),
        ({"cell": "none", "input_size": 5, **NO_NGRAMS}, 5, 5),
    ],
)
def test_the_sizes_of_what_the_cells_and_the_head_read(changes, steps, head):
    config = ModelConfig(**changes)
    assert (config.step_size(7), config.head_size(7)) == (steps, head)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ngram_orders": (33,)}, "each of ngram_orders must be a whole number from 2 to 32; got 33"),
        ({"bag_orders": (10**9,)}, "each of bag_orders must be a whole number from 1 to 32"),
        ({"bag_orders": (1,) * 33}, "bag_orders must have at most 32 numbers; got 33"),
        ({"bag_scale": 1e7}, "bag_scale must be a number above 0 and at most 1e"),
        ({"hidden_size": 10**8}, "hidden_size must be a whole number from 1 to 8192; got 100000000"),
        ({"embedding_size": 10**8}, "embedding_size must be a whole number from 0 to 8192"),
        ({"layers": 65}, "layers must be a whole number from 1 to 64; got 65"),
        ({"by_hand": 1}, "by_hand must be true or false; got 1"),
        ({"fused": "yes"}, "fused must be true or false; got 'yes'"),
    ],
)
def test_settings_that_would_take_any_time_or_overflow_are_refused(changes, message):
    with pytest.raises(SettingError, match=message):
        ModelConfig(**changes)


def test_the_largest_settings_are_accepted():
    largest = ModelConfig(
        ngram_orders=(2, 32), bag_orders=tuple(range(1, 33)), bag_scale=1e6, by_hand=True, fused=False
    )
    assert ModelConfig.from_dict(asdict(largest)) == largest
