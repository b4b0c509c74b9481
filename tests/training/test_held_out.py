"""Measuring a model file: the test part of the data it was trained on, all of others, and clear refusals."""

from dataclasses import replace

import numpy as np
import pytest
from pictures import drawn_pictures, write_picture_folder

from elman.data.examples import FeatureReading, Reading
from elman.data.images import read_images
from elman.errors import DataError, SettingError
from elman.prediction.predictor import load
from elman.records import Example
from elman.training.held_out import measure
from elman.training.recipes import best_settings
from elman.training.run import Run


def words():
    draw = np.random.default_rng(2)
    return sorted({"".join(draw.choice(list("abc"), draw.integers(2, 6))) for _ in range(90)})


def reading_of(answer):
    texts = words()
    return Reading(tuple(Example(text, answer(text)) for text in texts), len(texts), {}, {})


def flats():
    features = np.random.default_rng(4).uniform(0, 9, (60, 2))
    return FeatureReading(("a", "b"), "c", features, features @ [2.0, -1.0] + 3, 60, {}, {})


@pytest.fixture(scope="module")
def runs(tiny_model, tmp_path_factory):
    """A finished run of one epoch for each task that `measure` knows, by task: the run and its report."""
    bars = read_images(write_picture_folder(tmp_path_factory.mktemp("bars"), size=6, train=60, test=15))
    readings = {
        "tags": reading_of(lambda text: text.upper()),
        "number": reading_of(lambda text: str(len(text))),
        "features": flats(),
        "images": bars,
    }
    bare = {"hidden_size": 4, "ngram_orders": (), "bag_orders": ()}
    models = {
        "tags": tiny_model(**bare, readout="each"),
        "number": tiny_model(),
        "features": replace(best_settings("features").model, input_size=2),
        "images": tiny_model(**bare, input_size=6),
    }
    done = {}
    for task, reading in readings.items():
        settings = best_settings(task)
        train = replace(settings.train, epochs=1, threads=1)
        config = replace(settings, name=task, data="mine", model=models[task], train=train, validation_share=0.1)
        run = Run(reading, config, tmp_path_factory.mktemp("measure") / task)
        list(run.epochs())
        done[task] = run, run.finish()
    return done


@pytest.mark.parametrize("task", ["tags", "number", "images"])
def test_the_data_of_the_training_give_the_reports_test_part(runs, task):
    run, report = runs[task]
    found, part = measure(load(run.folder), run.reading, run.config, None)
    assert part == "test"
    assert found == report.test


def test_a_regression_is_scored_on_all_rows(runs):
    run, _ = runs["features"]
    found, part = measure(load(run.folder), run.reading, run.config, None)
    assert (part, found.examples) == ("all", 60)
    assert measure(load(run.folder), run.reading, run.config, "all") == (found, "all")


@pytest.mark.parametrize("task", ["tags", "number"])
@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_a_part_of_the_split_can_be_asked_for(runs, task, part):
    run, _ = runs[task]
    found, scored = measure(load(run.folder), run.reading, run.config, part)
    assert (scored, found.examples) == (part, run.task.sizes[part])


@pytest.mark.parametrize("task", ["tags", "number"])
@pytest.mark.parametrize("kept", [1, 30])
def test_other_data_are_scored_whole(runs, task, kept):
    run, _ = runs[task]
    other = replace(run.reading, examples=run.reading.examples[:kept], lines=kept)
    found, part = measure(load(run.folder), other, run.config, None)
    assert (part, found.examples) == ("all", kept)


@pytest.mark.parametrize("task", ["tags", "number"])
def test_a_part_of_other_data_is_refused(runs, task):
    run, _ = runs[task]
    other = replace(run.reading, examples=run.reading.examples[:30], lines=30)
    with pytest.raises(DataError, match="--part test needs the data"):
        measure(load(run.folder), other, run.config, "test")


@pytest.mark.parametrize(("task", "part"), [("images", "train"), ("images", "all"), ("features", "test")])
def test_a_part_that_the_source_has_not_is_refused(runs, task, part):
    run, _ = runs[task]
    with pytest.raises(SettingError, match=f"--part {part}"):
        measure(load(run.folder), run.reading, run.config, part)


def test_a_part_that_there_is_not_is_refused(runs):
    run, _ = runs["tags"]
    with pytest.raises(SettingError, match="'tset'"):
        measure(load(run.folder), run.reading, run.config, "tset")


def test_images_of_another_size_are_refused(runs):
    run, _ = runs["images"]
    images, _ = drawn_pictures(15, 9)
    with pytest.raises(DataError, match="other images"):
        measure(load(run.folder), replace(run.reading, test_images=images), run.config, None)


def test_tags_that_the_model_cannot_give_are_named(runs):
    run, _ = runs["tags"]
    other = Reading((Example("ab", "AZ"),), 1, {}, {})
    with pytest.raises(DataError, match="'Z'"):
        measure(load(run.folder), other, run.config, None)


def test_strings_without_numbers_are_refused(runs):
    with pytest.raises(DataError, match="no row has a number"):
        measure(load(runs["number"][0].folder), runs["tags"][0].reading, runs["number"][0].config, None)


@pytest.mark.parametrize("task", ["images", "features"])
def test_strings_are_no_input_for_models_that_read_numbers(runs, task):
    run, _ = runs[task]
    with pytest.raises(DataError):
        measure(load(run.folder), runs["number"][0].reading, run.config, None)


@pytest.mark.parametrize("task", ["tags", "number", "features"])
def test_images_are_no_input_for_models_that_read_others(runs, task):
    run, _ = runs[task]
    with pytest.raises(DataError, match="images"):
        measure(load(run.folder), runs["images"][0].reading, run.config, None)


@pytest.mark.parametrize("task", ["tags", "number", "images"])
def test_rows_of_numbers_are_no_input_for_models_that_read_others(runs, task):
    run, _ = runs[task]
    with pytest.raises(DataError):
        measure(load(run.folder), runs["features"][0].reading, run.config, None)


def test_a_whole_label_in_the_place_of_tags_is_refused(runs):
    run, _ = runs["tags"]
    with pytest.raises(DataError):
        measure(load(run.folder), Reading((Example("ab", "ABC"),), 1, {}, {}), run.config, None)
