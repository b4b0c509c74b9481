"""Configurations check themselves, and say which tensors a network of their shape holds."""

from dataclasses import asdict

import numpy as np
import pytest

from elman.cells import ACTIVATIONS as CELL_ACTIVATIONS
from elman.cells import CELLS as BUILT_CELLS
from elman.config import ACTIVATIONS, CELLS, ModelConfig, TrainConfig, recipe
from elman.errors import SettingError
from elman.model import SequenceModel


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("orders", [(), (2, 3)])
def test_the_tensor_shapes_are_those_of_the_network(cell, directions, orders):
    tables = {"ngram_orders": orders, "bag_orders": orders, "ngram_buckets": 11}
    config = ModelConfig(cell=cell, hidden_size=3, embedding_size=2, layers=2, directions=directions, **tables)
    weights = SequenceModel(config, symbols=7, labels=4, inventory=np.arange(5)).state_dict()
    shapes = config.tensor_shapes(symbols=7, labels=4, bag=5)
    assert shapes == {name: tuple(tensor.shape) for name, tensor in weights.items()}


def test_the_configured_names_are_those_that_the_cells_know():
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
def test_a_model_setting_that_cannot_work_is_refused_by_name(name, value):
    with pytest.raises(SettingError, match=name):
        ModelConfig(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("optimiser", "adagrad"),
        ("schedule", "cosine"),
        ("epochs", 0),
        ("batch_size", 2.0),
        ("seed", -1),
        ("patience", 0),
        ("threads", 0),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("clip", 0.0),
        ("weight_decay", -1.0),
        ("class_weighting", float("nan")),
        ("copy_weighting", -0.5),
        ("label_smoothing", 1.0),
        ("average", 1.0),
    ],
)
def test_a_training_setting_that_cannot_work_is_refused_by_name(name, value):
    with pytest.raises(SettingError, match=name):
        TrainConfig(**{name: value})


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (ModelConfig, "cell", 3),
        (ModelConfig, "hidden_size", "large"),
        (ModelConfig, "dropout", "some"),
        (ModelConfig, "ngram_orders", 3),
        (TrainConfig, "learning_rate", "fast"),
        (TrainConfig, "weight_decay", None),
    ],
)
def test_a_value_of_another_type_is_refused_like_any_that_cannot_work(kind, name, value):
    with pytest.raises(SettingError, match=name):
        kind.from_dict({name: value})


def test_none_leaves_clipping_patience_and_threads_alone():
    config = TrainConfig(clip=None, patience=None, threads=None)
    assert (config.clip, config.patience, config.threads) == (None, None, None)


def test_the_edges_of_what_works_are_taken():
    ModelConfig(
        hidden_size=1, layers=1, embedding_size=1, ngram_buckets=1, ngram_orders=(2,), bag_orders=(1,), dropout=0.0
    )
    TrainConfig(epochs=1, batch_size=1, seed=0, patience=1, average=0.0, label_smoothing=0.0)


@pytest.mark.parametrize(
    "config", [ModelConfig(cell="lstm", ngram_orders=(2, 5), bag_orders=()), TrainConfig(epochs=3, clip=None)]
)
def test_a_config_comes_back_from_plain_values(config):
    values = {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(config).items()}
    assert type(config).from_dict(values) == config


@pytest.mark.parametrize("kind", [ModelConfig, TrainConfig])
def test_an_unknown_setting_is_named_beside_the_known_ones(kind):
    with pytest.raises(SettingError, match="unknown setting depth, width; the settings are .*activation|.*epochs"):
        kind.from_dict({"width": 3, "depth": 2})


@pytest.mark.parametrize("cell", CELLS)
def test_every_cell_has_a_recipe(cell):
    model, training = recipe(cell, by_hand=True)
    assert (model.cell, model.by_hand) == (cell, True)
    assert isinstance(training, TrainConfig)


def test_there_is_no_recipe_for_a_strange_cell():
    with pytest.raises(SettingError, match="transformer"):
        recipe("transformer")
