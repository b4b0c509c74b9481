"""Recipes: the tutorials' settings, as their authors have them, and the best ones for each task."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from pairs import make_pairs

from elman.data.catalog import CATALOG
from elman.data.examples import FeatureReading, Reading
from elman.data.images import ImageReading
from elman.data.reading import read_named
from elman.errors import SettingError
from elman.model.config import CELLS, ModelConfig
from elman.records import Example
from elman.training.config import TrainConfig
from elman.training.loop import example_losses, take_step
from elman.training.recipes import OF_DATA, RECIPES, best_settings, named_recipe, recipe
from elman.training.state import TrainingState
from elman.training.tasks.registry import TASKS, build_task

NUMBERS = ("hidden_size", "layers", "directions", "embedding_size")


def reading_for(task: str):
    """Return tiny data of the kind that a task reads."""
    draw = np.random.default_rng(0)
    match task:
        case "images":
            pictures, labels = draw.integers(0, 256, (60, 28, 28)).astype(np.uint8), np.arange(60) % 3
            return ImageReading(pictures, labels, pictures, labels, ("0", "1", "2"), 120, {}, {})
        case "features":
            features = draw.normal(size=(60, 2))
            return FeatureReading(("a", "b"), "c", features, features.sum(axis=1), 60, {}, {})
        case "pairs":
            return make_pairs(60)
    texts = sorted({"".join(draw.choice(list("abcd"), 5)) for _ in range(400)})
    answer = {"label": lambda t: t[0], "tags": str.upper, "number": lambda t: str(t.count("a"))}.get(task, lambda _: "")
    return Reading(tuple(Example(text, answer(text)) for text in texts), len(texts), {}, {})


def build(config):
    """Return the task of a config on tiny data, and its network."""
    if config.task == "features":
        config = replace(config, model=replace(config.model, input_size=2))
    reading = read_named("hello") if config.data == "hello" else reading_for(config.task)
    task = build_task(reading, replace(config, data=config.data or "made up"))
    return task, task.network()


def assert_learns(config):
    """Check that one step of training is possible, and that its loss is a number."""
    task, network = build(config)
    batch = next(task.training.batches(config.train.batch_size, np.random.default_rng(0)))
    if task.kind == "pairs":
        state = TrainingState(network, task.config.train, steps_in_epoch=1)
        assert np.isfinite(take_step(state, batch, 1e-3)[0])
        return
    losses = example_losses(network(torch.from_numpy(batch.inputs)), torch.from_numpy(batch.targets))
    losses.mean().backward()
    assert torch.isfinite(losses).all()
    assert all(weight.grad is not None for weight in network.parameters())


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_builds_a_task_and_a_network_that_learn(name):
    assert_learns(named_recipe(name).config)


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_has_its_name_and_a_sentence(name):
    recipe = named_recipe(name)
    assert recipe.name == name
    assert recipe.config.task in TASKS
    assert recipe.config.data in ("", *CATALOG)
    assert len(recipe.about) > 20


def test_the_recipes_are_those_of_the_five_tutorials():
    assert list(RECIPES) == ["t1", "t2a", "t2b", "t3", "t4", "t5", "t5-linear"]
    assert OF_DATA == {"hello": "t3"}


def test_importing_the_recipes_builds_none(python_process):
    code = """
built = []
from elman.training.config import RunConfig
check = RunConfig.__post_init__
RunConfig.__post_init__ = lambda self: built.append(self) or check(self)
from elman.training import recipes
print(len(built), len(recipes.RECIPES), list(recipes.RECIPES)[0], recipes.RECIPES["t3"].config.data, len(built))
"""
    first = python_process(code).split()
    assert first[:4] == ["0", "7", "t1", "hello"]
    assert int(first[4]) <= 2


def test_the_figures_that_authors_report_are_stored():
    reported = {name: recipe.reported for name, recipe in RECIPES.items() if recipe.reported is not None}
    assert reported == {"t2a": 0.7225, "t2b": 0.8142, "t4": 0.97}


# The settings of the tutorials


@pytest.mark.parametrize(
    ("name", "cell", "by_hand", "sizes"),
    [
        ("t1", "elman", True, (128, 1, 1, 0)),
        ("t2a", "elman", True, (256, 1, 1, 0)),
        ("t2b", "gru", False, (256, 2, 1, 0)),
        ("t3", "rnn", False, (4, 1, 1, 0)),
        ("t4", "lstm", False, (128, 2, 1, 0)),
        ("t5", "rnn", False, (128, 1, 1, 0)),
    ],
)
def test_the_network_is_the_tutorials(name, cell, by_hand, sizes):
    model = RECIPES[name].config.model
    assert (model.cell, model.by_hand) == (cell, by_hand)
    assert tuple(getattr(model, field) for field in NUMBERS) == sizes


@pytest.mark.parametrize(
    ("name", "optimiser", "rate", "epochs", "batch_size", "clip"),
    [
        ("t1", "sgd", 0.005, 20, 1, None),
        ("t2a", "adam", 0.001, 2, 1, 1.0),
        ("t2b", "adam", 0.001, 2, 1, None),
        ("t3", "adam", 0.1, 20, 1, None),
        ("t4", "adam", 0.001, 2, 100, None),
        ("t5", "adam", 0.001, 2, 1, None),
        ("t5-linear", "sgd", 0.01, 1_000, 1_000_000, None),
    ],
)
def test_the_training_is_the_tutorials(name, optimiser, rate, epochs, batch_size, clip):
    train = RECIPES[name].config.train
    assert (train.optimiser, train.learning_rate, train.epochs, train.batch_size) == (
        optimiser,
        rate,
        epochs,
        batch_size,
    )
    assert (train.clip, train.schedule, train.weight_decay, train.label_smoothing) == (clip, "constant", 0, 0)


@pytest.mark.parametrize("name", RECIPES)
def test_a_tutorial_drops_nothing_and_has_no_n_grams(name):
    model = RECIPES[name].config.model
    assert (model.ngram_orders, model.bag_orders) == ((), ())
    assert not any((model.dropout, model.input_dropout, model.symbol_dropout, model.layer_dropout))


@pytest.mark.parametrize(
    ("name", "activation", "first_state"),
    [("t1", "none", "zeros"), ("t2a", "sigmoid", "drawn"), ("t3", "tanh", "zeros")],
)
def test_the_hand_written_cells_are_the_tutorials(name, activation, first_state):
    model = RECIPES[name].config.model
    assert (model.activation, model.first_state) == (activation, first_state)
    assert model.head == ("none" if name == "t3" else "concatenation")


def test_t1_draws_a_hundred_thousand_names_label_by_label():
    train = RECIPES["t1"].config.train
    assert train.draws * train.epochs == 100_000


def test_t2_splits_a_tenth_off_by_line():
    for name in ("t2a", "t2b"):
        config = RECIPES[name].config
        assert (config.split, config.test_share) == ("stratified", 0.1)


def test_t3_answers_at_each_step_and_keeps_nothing_back():
    config = RECIPES["t3"].config
    assert (config.task, config.split, config.model.readout, config.data) == ("tags", "none", "each", "hello")
    assert config.train.keep == "last"
    task, network = build(config)
    assert task.labels.names == tuple("ehlo")
    assert (
        sum(weight.numel() for weight in network.parameters()) == 4 * 5 + 4 * 4 + 4 + 4
    )  # the unknown symbol and e, h, l, o


def test_t4_reads_rows_of_28_pixels():
    assert (RECIPES["t4"].config.task, RECIPES["t4"].config.model.input_size) == ("images", 28)


def test_t5_linear_is_one_layer():
    config = RECIPES["t5-linear"].config
    assert (config.task, config.model.cell) == ("features", "none")
    assert {name: tuple(w.shape) for name, w in build(config)[1].named_parameters()} == {
        "head.weight": (1, 2),
        "head.bias": (1,),
    }


@pytest.mark.parametrize("name", ["t1", "t2a", "t2b", "t5"])
def test_the_tutorials_names_are_ascii_with_their_case(name):
    assert RECIPES[name].config.normalisation.apply("Ślusàrski") == "Slusarski"


@pytest.mark.parametrize("name", ["t6", "", "T1", "t2"])
def test_an_unknown_recipe_is_refused_with_the_known_ones(name):
    with pytest.raises(SettingError, match=f"'{name}'.*t1, t2a, t2b, t3, t4, t5, t5-linear"):
        named_recipe(name)


# The best settings


@pytest.mark.parametrize("cell", CELLS)
def test_every_cell_has_a_recipe(cell):
    model, training = recipe(cell, by_hand=True)
    assert (model.cell, model.by_hand) == (cell, True)
    assert isinstance(training, TrainConfig)


def test_an_unknown_cell_has_no_recipe():
    with pytest.raises(SettingError, match="transformer"):
        recipe("transformer")


@pytest.mark.parametrize("task", TASKS)
def test_the_best_settings_of_every_task_learn(task):
    settings = best_settings(task)
    assert settings.task == task
    assert_learns(settings)


@pytest.mark.parametrize("by_hand", [False, True])
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("task", ["label", "tags", "number", "images"])
def test_the_cell_is_a_one_word_change(task, cell, by_hand):
    model = best_settings(task, cell, by_hand=by_hand).model
    assert (model.cell, model.by_hand) == (cell, by_hand)
    assert replace(model, cell="gru", by_hand=False) == best_settings(task, "gru").model


def test_names_get_the_defaults():
    assert (best_settings("label").model, best_settings("label").train) == (ModelConfig(), TrainConfig())


def test_pairs_are_read_unchanged():
    settings = best_settings("tags")
    assert settings.normalisation.apply("Ñandú Ж") == "Ñandú Ж"
    assert (settings.model.readout, settings.model.bag_orders) == ("each", ())


@pytest.mark.parametrize("task", ["label", "tags", "images", "features"])
def test_an_unknown_cell_is_refused(task):
    with pytest.raises(SettingError, match="cell must be one of"):
        best_settings(task, "transformer")
