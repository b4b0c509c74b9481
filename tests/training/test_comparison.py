"""Comparisons: which settings are compared, how a comparison continues, and what its rows hold."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from elman.errors import SettingError
from elman.training import recipes
from elman.training.comparison import (
    cell_configs,
    list_cells,
    list_tutorials,
    open_run,
    seed_configs,
    tutorial_configs,
    tutorial_recipes,
)

# Cells


def test_each_cell_has_its_best_settings_and_rnn_is_elman():
    configs = cell_configs("a.csv", "a", ["elman", "rnn", "gru", "gru"], {"epochs": 3, "seed": 5})
    assert list(configs) == ["elman", "gru"]
    for cell, config in configs.items():
        assert (config.name, config.data, config.model.cell, config.model.by_hand) == (
            f"a-{cell}",
            "a.csv",
            cell,
            False,
        )
        assert (config.train.epochs, config.train.seed, config.split_seed, config.split) == (3, 5, 5, "grouped")


def test_seeds_change_the_training_and_not_the_split():
    found = seed_configs(cell_configs("a.csv", "a", ["gru"], {"seed": 5}), 3)
    assert list(found["gru"]) == ["gru-5", "gru-6", "gru-7"]
    assert [(one.train.seed, one.split_seed) for one in found["gru"].values()] == [(5, 5), (6, 5), (7, 5)]


def test_images_are_compared_on_the_split_of_their_source():
    assert cell_configs("mnist", "mnist", ["gru"], {})["gru"].split == "given"


@pytest.mark.parametrize(
    ("data", "cells", "message"),
    [("hello", ["gru"], "'hello' has tags"), ("a.csv", [], "names no cell"), ("a.csv", ["gru", "GRU"], "cell must be")],
)
def test_what_cannot_be_compared_is_refused(data, cells, message):
    with pytest.raises(SettingError, match=message):
        cell_configs(data, "name", cells, {})


def make_report(accuracy, *, baseline=0.5):
    values = {"seconds": 2.5, "parameters": 40}
    scores = {"accuracy": accuracy, "macro_f1": accuracy / 2}
    return SimpleNamespace(values={**values, "test": scores, "baseline": {"accuracy": baseline, "macro_f1": 0.25}})


def make_run(*losses, accuracy=0.5, kept=1):
    epochs = [SimpleNamespace(validation_accuracy=accuracy, validation_loss=loss, seconds=1.5) for loss in losses]
    state = SimpleNamespace(history=epochs, kept_epoch=kept)
    return SimpleNamespace(state=state, model=SimpleNamespace(parameters=lambda: [SimpleNamespace(numel=lambda: 40)]))


def test_rows_are_means_over_seeds_of_the_kept_epochs_and_the_lowest_loss_is_first():
    best, other = list_cells({"gru": [make_run(0.5), make_run(0.7)], "elman": [make_run(0.9, 0.2, kept=2)]})
    assert best == {
        "cell": "elman",
        "seeds": 1,
        "accuracy": 0.5,
        "accuracy_deviation": None,
        "nll": 0.2,
        "nll_deviation": None,
        "seconds": 3.0,
        "parameters": 40,
    }
    assert (other["cell"], other["nll"]) == ("gru", pytest.approx(0.6))
    assert other["nll_deviation"] == pytest.approx(0.2 / 2**0.5)


# Tutorials


def test_the_tutorials_for_names_come_before_elmans_own_settings_on_each_of_their_splits():
    compared = tutorial_recipes()
    assert [one.name for one in compared] == ["t1", "t2a", "t2b", "t5", "elman-grouped", "elman-stratified"]
    best = recipes.best_settings("label")
    for one in compared[-2:]:
        assert one.config == replace(best, data="languages", split=one.name.removeprefix("elman-"))


def test_tutorials_are_compared_on_one_seed_and_keep_their_epochs(tmp_path):
    compared = tutorial_recipes()
    configs = tutorial_configs(compared, seed=3, folder=tmp_path)
    for one in compared:
        config = configs[one.name]
        assert (config.name, config.train.seed, config.split_seed) == (one.name, 3, 3)
        assert (config.train.epochs, config.data_folder) == (one.config.train.epochs, str(tmp_path))
    assert {one.train.epochs for one in tutorial_configs(compared, seed=3, epochs=1).values()} == {1}


def test_a_tutorial_is_listed_beside_elman_on_its_split():
    compared = [one for one in tutorial_recipes() if one.name in ("t1", "t2a", "elman-grouped", "elman-stratified")]
    accuracies = {"t1": 0.1, "t2a": 0.2, "elman-grouped": 0.3, "elman-stratified": 0.4}
    rows = list_tutorials(compared, {name: make_report(accuracy) for name, accuracy in accuracies.items()})
    assert [(row["recipe"], row["reported"], row["reproduced"], row["elman"]) for row in rows] == [
        ("t1", None, 0.1, 0.3),
        ("t2a", 0.7225, 0.2, 0.4),
    ]
    assert {(row["seconds"], row["elman_seconds"], row["baseline"]) for row in rows} == {(2.5, 2.5, 0.5)}


# Runs


def test_a_run_is_started_or_continued(toy_reading, toy_config, tmp_path):
    run = open_run(toy_reading, toy_config(), tmp_path / "gru")
    epochs = run.epochs()
    next(epochs), epochs.close()
    assert open_run(toy_reading, toy_config(), tmp_path / "gru").state.epoch == 1


def test_a_run_with_other_settings_is_refused(toy_reading, toy_config, tmp_path):
    open_run(toy_reading, toy_config(), tmp_path / "gru")
    with pytest.raises(SettingError, match="holds a comparison with other options or data; choose another --out"):
        open_run(toy_reading, toy_config(seed=1), tmp_path / "gru")
