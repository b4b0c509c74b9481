"""Measuring a model file: the test part of the data that it was trained on, all of other data, and refusals."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pairs import build_generator, build_writer
from pictures import draw_pictures, write_picture_folder

from elman.data.examples import FeatureReading, Reading
from elman.data.images import read_images
from elman.data.splits import BY_HEART
from elman.errors import DataError, SettingError
from elman.model.kinds import KINDS
from elman.model.writer import save_writer
from elman.prediction.predictor import Predictor, load
from elman.records import Example
from elman.training.held_out import ALL_SCORED, choose_part, config_for, measure
from elman.training.recipes import best_settings
from elman.training.run import Run
from elman.training.tasks.strings import normalise_examples


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
    """A finished run of one epoch for each task but ``label``, by task: the run and its report."""
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
def test_the_data_of_the_training_give_the_test_part_of_the_report(runs, task):
    run, report = runs[task]
    found = measure(load(run.folder), run.reading, run.config)
    assert (found.part, found.report, found.notes) == ("test", report.test, ())


def test_a_regression_is_scored_on_all_rows(runs):
    run, _ = runs["features"]
    found = measure(load(run.folder), run.reading, run.config)
    assert (found.part, found.report.examples, found.notes) == ("all", 60, (ALL_SCORED,))
    again = measure(load(run.folder), run.reading, run.config, "all")
    assert (again.part, again.report, again.notes) == ("all", found.report, ())


@pytest.mark.parametrize("task", ["tags", "number"])
@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_a_part_of_the_split_can_be_chosen(runs, task, part):
    run, _ = runs[task]
    found = measure(load(run.folder), run.reading, run.config, part)
    assert (found.part, found.report.examples) == (part, run.task.sizes[part])


@pytest.mark.parametrize("task", ["tags", "number"])
@pytest.mark.parametrize("kept", [1, 30])
def test_all_of_other_data_is_scored(runs, task, kept):
    run, _ = runs[task]
    other = replace(run.reading, examples=run.reading.examples[:kept], lines=kept)
    found = measure(load(run.folder), other, run.config)
    assert (found.part, found.report.examples, found.notes) == ("all", kept, (ALL_SCORED,))


@pytest.mark.parametrize("task", ["tags", "number"])
def test_a_part_of_other_data_is_refused(runs, task):
    run, _ = runs[task]
    other = replace(run.reading, examples=run.reading.examples[:30], lines=30)
    with pytest.raises(DataError, match="--part test needs the data"):
        measure(load(run.folder), other, run.config, "test")


@pytest.mark.parametrize(("task", "part"), [("images", "train"), ("images", "all"), ("features", "test")])
def test_a_part_that_the_source_does_not_have_is_refused(runs, task, part):
    run, _ = runs[task]
    with pytest.raises(SettingError, match=f"--part {part}"):
        measure(load(run.folder), run.reading, run.config, part)


def test_an_unknown_part_is_refused(runs):
    run, _ = runs["tags"]
    with pytest.raises(SettingError, match="'tset'"):
        measure(load(run.folder), run.reading, run.config, "tset")


def test_images_of_another_size_are_refused(runs):
    run, _ = runs["images"]
    images, _ = draw_pictures(15, 9)
    with pytest.raises(DataError, match="other images"):
        measure(load(run.folder), replace(run.reading, test_images=images), run.config)


def test_unknown_tags_are_named(runs):
    run, _ = runs["tags"]
    other = Reading((Example("ab", "AZ"),), 1, {}, {})
    with pytest.raises(DataError, match="'Z'"):
        measure(load(run.folder), other, run.config)


def test_strings_without_numbers_are_refused(runs):
    with pytest.raises(DataError, match="no row has a number"):
        measure(load(runs["number"][0].folder), runs["tags"][0].reading, runs["number"][0].config)


@pytest.mark.parametrize("task", ["images", "features"])
def test_models_that_read_numbers_refuse_strings(runs, task):
    run, _ = runs[task]
    with pytest.raises(DataError):
        measure(load(run.folder), runs["number"][0].reading, run.config)


@pytest.mark.parametrize("task", ["tags", "number", "features"])
def test_models_that_do_not_read_images_refuse_them(runs, task):
    run, _ = runs[task]
    with pytest.raises(DataError, match="images"):
        measure(load(run.folder), runs["images"][0].reading, run.config)


@pytest.mark.parametrize("task", ["tags", "number", "images"])
def test_models_that_do_not_read_rows_of_numbers_refuse_them(runs, task):
    run, _ = runs[task]
    with pytest.raises(DataError):
        measure(load(run.folder), runs["features"][0].reading, run.config)


def test_tags_of_another_length_than_the_string_are_refused(runs):
    run, _ = runs["tags"]
    with pytest.raises(DataError):
        measure(load(run.folder), Reading((Example("ab", "ABC"),), 1, {}, {}), run.config)


def test_a_baseline_is_fitted_for_labels_alone(runs):
    run, _ = runs["number"]
    with pytest.raises(SettingError, match="--baseline is for models that read strings and answer with a label"):
        measure(load(run.folder), run.reading, run.config, baseline="quick")


# Labels


def test_a_classifier_is_measured_as_in_its_report(finished_run, predictor):
    run, values = finished_run.run, finished_run.report.values
    found = measure(predictor, run.reading, run.config, baseline="quick")
    assert (found.part, found.report, found.notes) == ("test", finished_run.report.test, ())
    assert found.values["calibration"]["error_before"] == values["calibration"]["error_before"]
    same = ("majority", "ceiling", "verdict", "answer", "comparisons", "confused", "surest_mistakes")
    assert {key: found.values[key] for key in same} == {key: values[key] for key in same}
    assert found.values["baseline"]["accuracy"] == values["baseline"]["accuracy"]
    assert found.evaluation.report == found.report


def test_a_classifier_that_learned_by_heart_says_so(finished_run, predictor):
    split = {**predictor.artifact.provenance["split"], "kind": "none"}
    artifact = replace(predictor.artifact, provenance={"split": split})
    found = measure(Predictor(artifact), finished_run.run.reading, finished_run.run.config)
    assert found.notes[0] == BY_HEART


def test_what_was_dropped_is_counted(predictor, finished_run):
    reading = Reading((Example("abc", "Alfa"), Example("\u200b", "Beta")), 3, {"blank": 1}, {})
    assert measure(predictor, reading, finished_run.run.config).dropped == {"blank": 2}


# What is scored


def test_the_split_of_the_training_is_found_again(predictor, finished_run):
    examples, _ = normalise_examples(finished_run.run.reading, predictor.artifact.normalisation)
    split = finished_run.run.task.split
    chosen = choose_part(predictor, examples, "validation")
    assert (chosen.examples, chosen.part, chosen.split) == (split.validation, "validation", split)
    everything = choose_part(predictor, examples, "all")
    assert (everything.examples, everything.part, everything.split) == (examples, "all", None)


def test_without_a_split_all_is_scored(predictor):
    unsplit = Predictor(replace(predictor.artifact, provenance={}))
    chosen = choose_part(unsplit, [Example("abc", "Alfa")], None)
    assert (chosen.part, chosen.split) == ("all", None)


@pytest.mark.parametrize("task", ["tags", "number", "features", "images"])
def test_data_are_read_as_the_model_was_trained(runs, task):
    run, _ = runs[task]
    config = config_for(load(run.folder), "mine", text_column="word")
    label = {"number": "label", "features": "c"}.get(task, "label")
    assert (config.task, config.data, config.text_column, config.label_column) == (task, "mine", "word", label)
    assert config.feature_columns == (("a", "b") if task == "features" else ())


def test_another_column_can_be_named(runs):
    assert config_for(load(runs["features"][0].folder), "mine", label="rent").label_column == "rent"


# Without torch

EVALUATE = """
import json, sys
import bare_python
from elman.cli import main
for arguments in json.loads(sys.argv[1]):
    sys.argv = ["elman", "evaluate", *arguments]
    try:
        main()
    except SystemExit as ended:
        assert ended.code == 0, (arguments, ended.code)
assert "torch" not in sys.modules and "matplotlib" in sys.modules
"""


def test_models_of_every_kind_are_evaluated_without_torch(runs, model_file, toy_folder, tmp_path):
    texts = words()
    save_writer(build_writer(), tmp_path / "pairs.safetensors")
    save_writer(build_generator(), tmp_path / "generate.safetensors")
    (tmp_path / "pairs.tsv").write_text("abc\tAH B\nbad\tK T\ncab\tB\n", "utf-8")
    (tmp_path / "strings.txt").write_text("abc\nbad\ncab\n", "utf-8")
    table = "".join(f"{text},{len(text)}\n" for text in texts)
    (tmp_path / "numbers.csv").write_text(f"name,label\n{table}", "utf-8")
    (tmp_path / "tags.tsv").write_text("".join(f"{text}\t{text.upper()}\n" for text in texts), "utf-8")
    (tmp_path / "flats.csv").write_text("a,b,c\n1,2,3\n4,5,6\n", "utf-8")
    bars = write_picture_folder(tmp_path / "bars", size=6, train=60, test=15)
    folders = {task: str(run.folder) for task, (run, _) in runs.items()}
    commands = [
        [str(model_file), str(toy_folder), "--baseline", "quick", "--out", "scores"],
        [folders["number"], "numbers.csv", "--label", "label"],
        [folders["tags"], "tags.tsv"],
        [folders["features"], "flats.csv"],
        [folders["images"], str(bars)],
        ["pairs.safetensors", "pairs.tsv"],
        ["generate.safetensors", "strings.txt"],
    ]
    assert len(commands) == len(KINDS)
    paths = os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])
    environment = {**os.environ, "ELMAN_TEST_MISSING": "torch", "PYTHONPATH": paths}
    line = [sys.executable, "-c", EVALUATE, json.dumps(commands)]
    done = subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    assert (tmp_path / "scores" / "confusion.png").exists()
