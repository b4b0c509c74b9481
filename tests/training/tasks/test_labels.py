"""Labels as answers: what is learned from, and what is measured."""

from dataclasses import replace

import pytest

import elman
from elman.data.augment import FOLDED_WEIGHT, with_folded_spellings
from elman.data.examples import FeatureReading, Reading
from elman.errors import DataError, SettingError
from elman.records import Example
from elman.training.run import Run
from elman.training.tasks import LabelTask, RunConfig, build_task


def test_the_loaded_model_answers_as_the_report_says(finished_run):
    test = finished_run.run.task.split.test
    answers = elman.load(finished_run.folder).predict([example.text for example in test])
    right = [answer.label == example.label for answer, example in zip(answers, test, strict=True)]
    assert sum(right) / len(right) == finished_run.report.test.accuracy
    assert len(right) == finished_run.report.test.examples


def test_folded_spellings_are_learned_from_at_their_weight(toy_reading, toy_config):
    task = LabelTask(toy_reading, toy_config())
    own, learned = len(task.split.train), with_folded_spellings(task.split.train)
    assert len(task.training) == len(learned) > own
    assert task.training.weights[own:] == pytest.approx(FOLDED_WEIGHT)
    assert task.training.weights[:own] == pytest.approx(1)


def test_the_vocabulary_is_of_the_training_part_alone(toy_reading, toy_config):
    task = LabelTask(toy_reading, toy_config())
    learned = {symbol for example in with_folded_spellings(task.split.train) for symbol in example.text}
    assert set(task.vocabulary.symbols) == learned


def test_the_model_says_how_many_examples_of_each_label_it_learned(finished_run):
    counts = finished_run.run.task.artifact(finished_run.run.state.best, {"data": {}}).provenance["data"]
    assert counts["training_examples_per_label"].keys() == {"Alfa", "Beta", "Gamma"}
    assert sum(counts["training_examples_per_label"].values()) == len(finished_run.run.task.split.train)


def test_the_table_leaves_out_ranks_that_every_label_reaches(finished_run):
    titles = [row[0] for row in finished_run.report.values["rows"]]
    assert "one of the top 2" in titles
    assert not {"one of the top 3", "one of the top 5"} & set(titles)


def test_the_description_names_labels_and_split(finished_run):
    assert finished_run.run.task.description() == "3 labels; grouped split"


def test_a_classifier_shows_no_sample(finished_run):
    assert finished_run.run.task.sample(finished_run.run.model) is None


def test_a_single_label_is_refused(toy_config):
    reading = Reading(tuple(Example("a" * k, "Alfa") for k in range(1, 40)), 39, {}, {})
    with pytest.raises(DataError, match="at least two"):
        LabelTask(reading, toy_config())


@pytest.mark.parametrize("task", ["images", "features", "translation"])
def test_a_task_that_the_source_does_not_fit_is_refused(toy_reading, toy_config, task):
    with pytest.raises(SettingError, match=f"fit made up; got '{task}'"):
        build_task(toy_reading, replace(toy_config(), task=task))


def test_rows_of_numbers_are_no_strings(toy_config):
    with pytest.raises(SettingError, match="task must be"):
        build_task(FeatureReading(("a",), "b", None, None, 0, {}, {}), toy_config())


@pytest.mark.parametrize("share", [0, 1, -0.1, float("nan")])
@pytest.mark.parametrize("name", ["test_share", "validation_share"])
def test_a_share_that_leaves_no_part_is_refused(name, share):
    with pytest.raises(SettingError, match=name):
        RunConfig(name="", data="", **{name: share})


def test_what_is_learned_by_heart_is_not_calibrated_on_itself(toy_reading, toy_config, tmp_path):
    run = Run(toy_reading, replace(toy_config(epochs=1), split="none"), tmp_path / "run")
    for _ in run.epochs():
        pass
    values = run.finish().values
    assert values["calibration"]["temperature"] == 1.0
    assert values["split"]["kind"] == "none"
