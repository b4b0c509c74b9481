"""The configurations of a training and of a run check themselves; a run has the kind of split that its task needs."""

import json
import math
from dataclasses import asdict, replace

import pytest

from elman.data.splits import GIVEN, GROUPED, RANDOM
from elman.errors import SettingError
from elman.model.config import ModelConfig
from elman.text.normalisation import Normalisation
from elman.training.config import LARGEST_SEED, RunConfig, TrainConfig

# Trainings


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


@pytest.mark.parametrize(("name", "value"), [("learning_rate", "fast"), ("weight_decay", None)])
def test_a_value_of_another_type_is_refused_like_any_that_cannot_work(name, value):
    with pytest.raises(SettingError, match=name):
        TrainConfig.from_dict({name: value})


def test_clipping_patience_and_threads_can_be_none():
    config = TrainConfig(clip=None, patience=None, threads=None)
    assert (config.clip, config.patience, config.threads) == (None, None, None)


def test_the_smallest_values_are_taken():
    TrainConfig(epochs=1, batch_size=1, seed=0, patience=1, average=0.0, label_smoothing=0.0)


def test_a_training_config_comes_back_from_plain_values():
    config = TrainConfig(epochs=3, clip=None)
    assert TrainConfig.from_dict(asdict(config)) == config


def test_an_unknown_setting_is_named_beside_the_known_ones():
    with pytest.raises(SettingError, match="unknown setting depth, width; the settings are .*epochs"):
        TrainConfig.from_dict({"width": 3, "depth": 2})


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"draws": 0, "batch_size": 1}, "draws"),
        ({"draws": True, "batch_size": 1}, "draws"),
        ({"draws": 1.5, "batch_size": 1}, "draws"),
        ({"draws": 10}, "draws needs batch_size 1; got 128"),
        ({"keep": "first"}, "keep must be one of best, last; got 'first'"),
    ],
)
def test_draws_and_keep_that_cannot_work_are_refused(changes, name):
    with pytest.raises(SettingError, match=name):
        TrainConfig(**changes)


def test_draws_of_single_examples_and_both_ways_to_keep_are_taken():
    configs = [TrainConfig(draws=1, batch_size=1, keep=keep) for keep in ("best", "last")]
    assert [TrainConfig.from_dict(asdict(config)) for config in configs] == configs


# Runs


@pytest.mark.parametrize("share", [0, 1, -0.1, float("nan"), "half", True])
@pytest.mark.parametrize("name", ["test_share", "validation_share"])
def test_a_share_that_leaves_no_part_is_refused(name, share):
    with pytest.raises(SettingError, match=name):
        RunConfig(name="", data="", **{name: share})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("split_seed", -1, f"seed must be a whole number from 0 to {LARGEST_SEED}; got -1"),
        ("split_seed", LARGEST_SEED + 1, "seed"),
        ("split_seed", 1.5, "seed"),
        ("split_seed", True, "seed"),
        ("shift", -1, "shift must be a whole number of pixels of at least 0; got -1"),
        ("shift", True, "shift"),
        ("shift", 0.5, "shift"),
    ],
)
def test_a_setting_that_cannot_work_is_refused_by_name(name, value, message):
    with pytest.raises(SettingError, match=message):
        RunConfig(name="", data="", **{name: value})


@pytest.mark.parametrize(
    ("task", "split"),
    [("label", GROUPED), ("tags", GROUPED), ("number", GROUPED), ("images", GIVEN), ("features", RANDOM)],
)
def test_the_default_split_is_the_one_that_the_task_has(task, split):
    assert RunConfig(name="", data="", task=task).split == split


@pytest.mark.parametrize("split", ["none", "stratified", GROUPED])
def test_a_split_that_is_given_is_kept(split):
    config = RunConfig(name="", data="", split=split)
    assert (config.split, replace(config, name="other").split) == (split, split)


@pytest.mark.parametrize("task", ["label", "images", "features"])
def test_a_config_comes_back_from_json(task):
    config = RunConfig(
        name="all",
        data="made up",
        task=task,
        model=ModelConfig(ngram_orders=(2, 5)),
        train=TrainConfig(clip=None),
        normalisation=Normalisation(accents=False),
        feature_columns=("a", "b"),
    )
    assert RunConfig.from_dict(json.loads(json.dumps(asdict(config)))) == config


@pytest.mark.parametrize(("task", "split"), [("images", GIVEN), ("features", RANDOM)])
def test_the_config_of_an_older_run_that_says_grouped_is_read(task, split):
    config = RunConfig(name="", data="", task=task)
    assert RunConfig.from_dict({**asdict(config), "split": "grouped"}) == config
    assert RunConfig.from_dict({**asdict(config), "split": "none"}).split == "none"


def test_a_config_of_strings_that_says_grouped_is_unchanged():
    config = RunConfig(name="", data="")
    assert RunConfig.from_dict(asdict(config)).split == "grouped"


def test_the_baseline_is_one_of_three_and_some_tasks_have_one_alone():
    with pytest.raises(SettingError, match="baseline must be one of none, quick, full; got 'slow'"):
        RunConfig("a", "b", baseline="slow")
    for task in ("tags", "features"):
        with pytest.raises(SettingError, match=f"{task} have one baseline"):
            RunConfig("a", "b", task=task, baseline="none")


@pytest.mark.parametrize(
    ("setting", "value"),
    [("class_weighting", 5), ("copy_weighting", 1.5), ("weight_decay", 1e9), ("threads", 100_000), ("clip", math.nan)],
)
def test_a_training_setting_outside_its_range_is_refused(setting, value):
    with pytest.raises(SettingError, match=f"^{setting} must be .*; got {value}$"):
        TrainConfig(**{setting: value})
