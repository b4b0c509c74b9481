"""``elman evaluate``: the same figures as the report; what a model learned from is never called the test part."""

import json

import pytest

from elman.data.examples import read_examples
from elman.evaluation.scores import evaluate
from elman.training.tasks.strings import normalise_examples


def error_line(outcome) -> str:
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.startswith("elman: ")
    assert outcome.err.count("\n") == 1
    return outcome.err


@pytest.fixture
def other_table(tmp_path):
    """A table of labelled strings that the model was not trained on."""
    (tmp_path / "other.csv").write_text("name,label\nabba,Alfa\nmoon,Beta\nxyzzy,Gamma\nzebra,Alfa\n")
    return tmp_path / "other.csv"


def test_json_is_alone_and_equals_the_report_of_the_run(elman_process, model_file, toy_folder, finished_run):
    done = elman_process("evaluate", model_file, toy_folder, "--json")
    assert (done.returncode, done.stderr) == (0, b"")
    values, test = json.loads(done.stdout), finished_run.report.values["test"]
    assert (values["part"], values["model"]) == ("test", "toy")
    assert {name: values[name] for name in test} == test
    assert values["ceiling"] == finished_run.report.values["ceiling"]
    assert values["calibration_error_before"] == finished_run.report.values["calibration"]["error_before"]


@pytest.mark.parametrize("part", ["validation", "test"])
def test_a_part_of_the_split_is_scored_as_in_the_report(elman_here, model_file, toy_folder, finished_run, part):
    values = json.loads(elman_here("evaluate", model_file, toy_folder, "--part", part, "--json").out)
    expected = finished_run.report.values[part]
    assert {name: values[name] for name in expected} == expected


def test_the_same_data_in_another_form_are_the_same_data(elman_here, model_file, toy_table, finished_run):
    options = ("--text", "word", "--label", "kind", "--part", "test", "--json")
    values = json.loads(elman_here("evaluate", model_file, toy_table, *options).out)
    assert values["accuracy"] == finished_run.report.test.accuracy


def test_the_training_part_and_all_can_be_chosen(elman_here, model_file, toy_folder, finished_run):
    split = finished_run.run.task.split
    train, everything = (
        json.loads(elman_here("evaluate", model_file, toy_folder, "--part", part, "--json").out)
        for part in ("train", "all")
    )
    assert (train["part"], train["examples"]) == ("train", len(split.train))
    assert everything["part"] == "all"
    assert everything["examples"] >= len(split.train) + len(split.validation) + len(split.test)


def test_all_of_other_data_is_scored(elman_here, model_file, other_table, predictor):
    values = json.loads(elman_here("evaluate", model_file, other_table, "--json").out)
    examples, _ = normalise_examples(read_examples(other_table), predictor.artifact.normalisation)
    assert (values["part"], values["examples"]) == ("all", 4)
    assert values["accuracy"] == evaluate(predictor, examples).report.accuracy


@pytest.mark.parametrize("part", ["test", "validation", "train"])
def test_a_part_of_other_data_is_refused(elman_here, model_file, other_table, part):
    assert f"--part {part}" in error_line(elman_here("evaluate", model_file, other_table, "--part", part))


def test_data_with_one_example_more_are_other_data(elman_here, model_file, toy_table, tmp_path):
    (tmp_path / "more.csv").write_text(toy_table.read_text("utf-8") + "newword,Alfa\n", "utf-8")
    options = ("--text", "word", "--label", "kind", "--part", "test")
    assert "--part test" in error_line(elman_here("evaluate", model_file, "more.csv", *options))


def test_an_unknown_part_is_refused(elman_here, model_file, toy_folder):
    assert "'tset'" in error_line(elman_here("evaluate", model_file, toy_folder, "--part", "tset"))


def test_the_table_for_people_shows_scores_and_labels(elman_here, model_file, toy_folder, finished_run):
    outcome = elman_here("evaluate", model_file, toy_folder)
    assert (outcome.status, outcome.err) == (0, "")
    assert f"{100 * finished_run.report.test.accuracy:.1f} %" in outcome.out
    for shown in ("macro-F1", "Brier", "calibration error", "ceiling", "Alfa", "Beta", "Gamma", "precision", "recall"):
        assert shown in outcome.out


def test_a_run_folder_is_a_model_too(elman_here, model_file, toy_folder):
    by_file = elman_here("evaluate", model_file, toy_folder, "--json").out
    assert elman_here("evaluate", model_file.parent, toy_folder, "--json").out == by_file


def test_out_keeps_the_figures_and_pictures(elman_here, model_file, other_table, tmp_path):
    outcome = elman_here("evaluate", model_file, other_table, "--json", "--out", "scores")
    assert {file.name for file in (tmp_path / "scores").iterdir()} == {
        "report.json",
        "confusion.png",
        "reliability.png",
    }
    assert json.loads((tmp_path / "scores" / "report.json").read_text("utf-8")) == json.loads(outcome.out)
    assert (tmp_path / "scores" / "confusion.png").read_bytes().startswith(b"\x89PNG")


def test_an_out_folder_that_is_a_file_gets_one_line(elman_here, model_file, other_table, tmp_path):
    (tmp_path / "taken").write_text("mine")
    assert "taken" in error_line(elman_here("evaluate", model_file, other_table, "--out", "taken"))


def test_an_unknown_label_is_named(elman_here, model_file, tmp_path):
    (tmp_path / "delta.csv").write_text("name,label\nabc,Alfa\ndelta,Delta\n")
    assert "'Delta'" in error_line(elman_here("evaluate", model_file, "delta.csv"))


@pytest.mark.parametrize(("model", "data"), [("absent", "other.csv"), (None, "absent.csv")])
def test_what_is_missing_is_named(elman_here, model_file, other_table, model, data):
    line = error_line(elman_here("evaluate", model or model_file, data))
    assert (model or data) in line


def test_the_baseline_is_that_of_the_report(elman_here, model_file, toy_folder, finished_run):
    found = json.loads(elman_here("evaluate", model_file, toy_folder, "--baseline", "--json").out)
    report = finished_run.report.values
    assert found["baseline"]["accuracy"] == report["baseline"]["accuracy"]
    assert (found["majority"], found["verdict"]) == (report["majority"], report["verdict"])


def test_a_baseline_for_other_data_is_refused(elman_here, model_file, other_table):
    outcome = elman_here("evaluate", model_file, other_table, "--baseline")
    assert (outcome.status, outcome.err.count("\n")) == (2, 1)
    assert "--baseline" in outcome.err


def test_other_data_and_memorised_data_get_a_note(elman_here, model_file, other_table, toy_table):
    assert (
        "note: these are not the data that 'toy' was trained on" in elman_here("evaluate", model_file, other_table).err
    )
    columns = ("--text", "word", "--label", "kind", "--hidden-size", 4, "--epochs", 1)
    assert elman_here("train", toy_table, *columns, "--split", "none", "--out", "all").status == 0
    outcome = elman_here("evaluate", "all", toy_table, *columns[:4])
    assert outcome.err == "note: nothing was kept back: the scores say how well the examples were learned by heart\n"


def test_pictures_are_not_written_for_other_answers(elman_here, tmp_path):
    elman_here("train", "hello", "--epochs", 1, "--out", "run")
    assert "leave it out" in error_line(elman_here("evaluate", "run", "hello", "--out", "scores"))
    assert not (tmp_path / "scores").exists()
