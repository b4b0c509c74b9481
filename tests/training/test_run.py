"""Runs: what the folder and the report hold, and how a run continues after any kind of stop."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from threading import Timer
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

import elman.training.run
from elman.data.examples import FeatureReading, Reading
from elman.data.splits import ceiling
from elman.errors import DataError, ElmanError, SettingError, TrainingError
from elman.evaluation.report import write_report
from elman.evaluation.scores import evaluate, find_majority
from elman.model.file import load_artifact
from elman.prediction.predictor import load
from elman.records import Example
from elman.text.normalisation import Normalisation, fold_accents
from elman.training.config import RunConfig
from elman.training.recipes import best_settings
from elman.training.run import Run, read_run_config
from elman.training.shortcut import train_run
from elman.training.tasks.strings import normalise_examples, split_again

SCORES = {"accuracy", "top_2", "top_3", "top_5", "macro_f1", "nll", "brier", "calibration_error", "per_label"}
STUCK = 120  # seconds after which a process of a test is killed

Config = Callable[..., RunConfig]


def read_report(folder: Path) -> dict[str, Any]:
    """Return report.json as a strict reader reads it: NaN and Infinity are not JSON."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    values: dict[str, Any] = json.loads((folder / "report.json").read_text("utf-8"), parse_constant=refuse)
    return values


def weights(folder: Path) -> dict[str, Any]:
    """Return every weight of a run: those of the model file and those of the checkpoint."""
    checkpoint = safetensors.numpy.load((folder / "checkpoint.safetensors").read_bytes())
    return {**load_artifact(folder / "model.safetensors").tensors, **checkpoint}


def assert_same_weights(one: Path, other: Path) -> None:
    left, right = weights(one), weights(other)
    assert left.keys() == right.keys()
    assert [name for name in left if not np.array_equal(left[name], right[name])] == []


def train(run: Run, *, epochs: int | None = None) -> Run:
    """Train a run to its end, or for some epochs, and return it."""
    for result in run.epochs():
        if result.epoch == epochs:
            break
    return run


# The folder


def test_the_folder_holds_the_files_that_the_module_names_and_no_others(finished_run):
    named = set(re.findall(r"\w+\.(?:jsonl?|md|png|safetensors)\b", elman.training.run.__doc__))
    assert len(named) >= 9
    assert {file.name for file in finished_run.folder.iterdir()} == named
    assert all(file.stat().st_size > 0 for file in finished_run.folder.iterdir())


def test_metrics_have_one_line_for_each_epoch(finished_run):
    lines = (finished_run.folder / "metrics.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [asdict(result) for result in finished_run.run.state.history]
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2, 3, 4]


def test_the_config_can_be_read_back(finished_run):
    stored = read_run_config(finished_run.folder)
    assert RunConfig.from_dict(stored["config"]) == finished_run.run.config
    assert stored["fingerprint"] == finished_run.run.task.split.fingerprint


def test_training_learns(finished_run):
    assert finished_run.report.test.accuracy > finished_run.report.values["majority"]["accuracy"] + 0.3


# The report


@pytest.mark.parametrize("part", ["test", "validation", "baseline"])
def test_the_report_scores_every_part(finished_run, part):
    scores = read_report(finished_run.folder)[part]
    assert scores.keys() >= SCORES
    assert scores["per_label"].keys() <= {"Alfa", "Beta", "Gamma"}
    assert all(
        one.keys() == {"precision", "recall", "f1", "support", "intervals"} for one in scores["per_label"].values()
    )
    assert 0 <= scores["accuracy"] <= scores["top_2"] <= scores["top_3"] <= scores["top_5"] == 1


def test_the_report_has_the_limits_of_the_data_the_settings_and_the_verdict(finished_run):
    report = read_report(finished_run.folder)
    test, training = finished_run.run.task.split.test, finished_run.run.task.split.train
    assert report["ceiling"] == ceiling(test)
    assert (report["majority"]["label"], report["majority"]["accuracy"]) == find_majority(training, test)
    assert report["seconds"] == pytest.approx(sum(result.seconds for result in finished_run.run.state.history))
    assert report["config"] == read_run_config(finished_run.folder)["config"]
    assert report["complete"] is True
    assert report["verdict"] == finished_run.report.verdict
    assert report["labels"] == ["Alfa", "Beta", "Gamma"]
    assert report["pictures"].keys() == {"confusion.png", "reliability.png", "abstention.png"}
    assert report["baseline"]["validation"].keys() >= SCORES


def test_the_report_says_how_the_data_were_split(finished_run):
    values, split = read_report(finished_run.folder)["split"], finished_run.run.task.split
    assert (values["kind"], values["seed"], values["fingerprint"]) == ("grouped", 0, split.fingerprint)
    assert [values[part] for part in ("train", "validation", "test")] == [
        len(split.train),
        len(split.validation),
        len(split.test),
    ]


def test_the_returned_report_is_the_written_one(finished_run):
    assert read_report(finished_run.folder) == json.loads(json.dumps(finished_run.report.values))
    assert finished_run.report.test.to_dict() == finished_run.report.values["test"]


def test_the_model_file_scores_what_the_report_says(finished_run):
    again = evaluate(load(finished_run.folder), finished_run.run.task.split.test)
    report = read_report(finished_run.folder)
    assert again.report.to_dict() == report["test"]
    assert again.uncalibrated.calibration_error == report["calibration"]["error_before"]


def test_the_model_file_has_its_provenance(finished_run):
    artifact = load_artifact(finished_run.folder / "model.safetensors")
    report = read_report(finished_run.folder)
    assert artifact.temperature == report["calibration"]["temperature"]
    assert artifact.parameters == report["parameters"]
    assert artifact.provenance["split"]["fingerprint"] == report["split"]["fingerprint"]
    assert artifact.provenance["train"] == report["config"]["train"]
    assert artifact.provenance["figures"]["test"]["accuracy"] == report["test"]["accuracy"]
    assert artifact.provenance["data"]["lines"] == len(finished_run.run.reading.examples)
    assert artifact.provenance["versions"].keys() >= {"elman", "python", "torch", "numpy"}


def test_the_model_holds_the_best_epoch(finished_run):
    best = finished_run.run.state.best
    tensors = load_artifact(finished_run.folder / "model.safetensors").tensors
    assert all(np.allclose(tensors[name], best[name].numpy(), rtol=1e-3, atol=1e-6) for name in best)


def test_the_report_in_markdown_has_the_figures_and_the_verdict(finished_run):
    text, report = (finished_run.folder / "report.md").read_text("utf-8"), read_report(finished_run.folder)
    assert text == write_report(report)
    assert report["verdict"] in text
    assert f"| accuracy | {report['test']['accuracy'] * 100:.1f} %" in text
    assert "stopped early" not in text


# Data


def test_no_string_is_in_two_parts_whatever_its_accents(finished_run):
    split = finished_run.run.task.split
    parts = [{fold_accents(e.text) for e in part} for part in (split.train, split.validation, split.test)]
    assert not (parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2])


def test_a_string_without_symbols_after_normalisation_is_dropped_and_counted():
    reading = Reading((Example("Abc", "Alfa"), Example("\u200b", "Beta")), 3, {"blank": 1}, {})
    assert normalise_examples(reading, Normalisation()) == ([Example("abc", "Alfa")], {"blank": 2})


def test_a_split_can_be_repeated_from_the_provenance_of_the_model(finished_run, toy_reading):
    provenance = load_artifact(finished_run.folder / "model.safetensors").provenance
    examples, _ = normalise_examples(toy_reading, Normalisation())
    assert split_again(examples, provenance["split"]).fingerprint == finished_run.run.task.split.fingerprint


def test_examples_that_cannot_be_split_leave_no_folder(toy_config, tmp_path):
    with pytest.raises(DataError, match="split"):
        Run(Reading((Example("a", "Alfa"), Example("b", "Beta")), 2, {}, {}), toy_config(), tmp_path / "run")
    assert not (tmp_path / "run").exists()


# Stopping and continuing


def test_a_run_that_stops_between_epochs_and_is_resumed_ends_with_the_same_weights(
    toy_reading, toy_config, tmp_path, finished_run
):
    train(Run(toy_reading, toy_config(), tmp_path / "run"), epochs=2)
    again = Run(toy_reading, toy_config(), tmp_path / "run", resume=True)
    assert again.state.epoch == 2
    train(again).finish()
    assert_same_weights(tmp_path / "run", finished_run.folder)


def test_a_run_resumed_before_its_first_checkpoint_starts_from_the_beginning(
    toy_reading, toy_config, tmp_path, finished_run
):
    Run(toy_reading, toy_config(), tmp_path / "run")
    train(Run(toy_reading, toy_config(), tmp_path / "run", resume=True)).finish()
    assert_same_weights(tmp_path / "run", finished_run.folder)


KILLED = """
import json, sys
from pathlib import Path
from elman.data.examples import read_examples
from elman.training import run as runs
from elman.training.run import Run, RunConfig

runs.CHECKPOINT_SECONDS = 0.0  # the epochs of this run are short, and it is killed after two

def wait_in_the_middle(step):
    if (step.epoch, step.step) == (3, 2):
        print("in the middle of epoch 3", flush=True)
        sys.stdin.read()

run = Run(read_examples(sys.argv[1]), RunConfig.from_dict(json.loads(sys.argv[2])), Path(sys.argv[3]))
for _ in run.epochs(on_step=wait_in_the_middle):
    pass
"""


def test_a_killed_run_that_is_resumed_ends_with_the_same_weights(
    toy_folder, toy_reading, toy_config, tmp_path, finished_run
):
    command = [sys.executable, "-c", KILLED, toy_folder, json.dumps(asdict(toy_config())), tmp_path / "run"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        deadline = Timer(STUCK, process.kill)
        deadline.start()
        line = process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        process.wait()
        deadline.cancel()
    assert (line, process.returncode) == (b"in the middle of epoch 3\n", -signal.SIGKILL)
    assert len((tmp_path / "run" / "metrics.jsonl").read_text().splitlines()) == 2

    train(Run(toy_reading, toy_config(), tmp_path / "run", resume=True)).finish()
    assert_same_weights(tmp_path / "run", finished_run.folder)
    metrics = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in metrics] == [1, 2, 3, 4]


def test_another_seed_ends_with_other_weights(toy_reading, toy_config, tmp_path, finished_run):
    train(Run(toy_reading, toy_config(seed=1), tmp_path / "run")).finish()
    own, other = (load_artifact(f / "model.safetensors").tensors for f in (tmp_path / "run", finished_run.folder))
    assert not any(np.array_equal(own[name], other[name]) for name in own if name.endswith("weight"))


def test_a_run_stopped_early_reports_its_best_epoch_and_says_so(toy_reading, toy_config, tmp_path):
    run = train(Run(toy_reading, toy_config(), tmp_path / "run"), epochs=1)
    run.finish()
    report = read_report(tmp_path / "run")
    assert (report["complete"], report["epochs"]) == (False, 1)
    assert "stopped early" in (tmp_path / "run" / "report.md").read_text("utf-8")
    assert evaluate(load(tmp_path / "run"), run.task.split.test).report.accuracy == report["test"]["accuracy"]


def test_a_run_that_ran_out_of_patience_is_complete(toy_reading, toy_config, tmp_path):
    # a rate so high that soon an epoch is worse than the one before
    config = toy_config(epochs=30, patience=1, learning_rate=0.5, schedule="constant")
    run = train(Run(toy_reading, config, tmp_path / "run"))
    assert run.state.epoch < 30
    assert run.finish().values["complete"] is True


def test_a_finished_run_that_is_resumed_trains_no_more(toy_reading, toy_config, tmp_path):
    train(Run(toy_reading, toy_config(epochs=1), tmp_path / "run"))
    again = Run(toy_reading, toy_config(epochs=1), tmp_path / "run", resume=True)
    assert again.finished
    assert list(again.epochs()) == []


def test_one_call_trains_measures_and_writes(toy_reading, toy_config, tmp_path):
    report = train_run(toy_reading, toy_config(epochs=1), str(tmp_path / "run"))
    assert report.folder == tmp_path / "run"
    assert report.values == read_report(tmp_path / "run")


def test_no_model_is_written_before_an_epoch_is_done(toy_reading, toy_config, tmp_path):
    run = Run(toy_reading, toy_config(), tmp_path / "run")
    with pytest.raises(TrainingError, match="no epoch is done"):
        run.finish()
    assert not (tmp_path / "run" / "model.safetensors").exists()


def test_a_run_of_an_older_elman_that_says_grouped_of_rows_is_resumed(tmp_path):
    features = np.random.default_rng(0).normal(size=(60, 2))
    reading = FeatureReading(("a", "b"), "c", features, features.sum(axis=1), 60, {}, {})
    settings = best_settings("features")
    config = replace(settings, model=replace(settings.model, input_size=2), train=replace(settings.train, epochs=2))
    run = train(Run(reading, config, tmp_path / "run"), epochs=1)
    stored = json.loads((run.folder / "config.json").read_text())
    stored["config"]["split"] = "grouped"
    (run.folder / "config.json").write_text(json.dumps(stored))
    again = Run(reading, config, tmp_path / "run", resume=True)
    assert (again.state.epoch, train(again).finished) == (1, True)


# Refusals


def test_a_folder_that_holds_a_run_is_refused_and_unchanged(toy_reading, toy_config, finished_run):
    before = {file: file.read_bytes() for file in finished_run.folder.iterdir()}
    with pytest.raises(SettingError, match=re.escape(str(finished_run.folder)) + ".*--resume"):
        Run(toy_reading, toy_config(), finished_run.folder)
    assert {file: file.read_bytes() for file in finished_run.folder.iterdir()} == before


def test_resuming_with_other_data_is_refused(toy_reading, toy_config, finished_run):
    other = replace(toy_reading, examples=(*toy_reading.examples, Example("newword", "Alfa")))
    with pytest.raises(TrainingError, match="other data"):
        Run(other, toy_config(), finished_run.folder, resume=True)


@pytest.mark.parametrize(
    "change", [{"epochs": 1}, {"batch_size": 9}, {"seed": 3}, {"optimiser": "sgd"}, {"average": 0.5}]
)
def test_resuming_with_another_training_is_refused(toy_reading, toy_config, finished_run, change):
    with pytest.raises(TrainingError, match="other options"):
        Run(toy_reading, toy_config(**change), finished_run.folder, resume=True)


def test_resuming_with_another_network_is_refused(toy_reading, toy_config, tiny_model, finished_run):
    with pytest.raises(TrainingError, match="other options"):
        Run(toy_reading, replace(toy_config(), model=tiny_model(cell="lstm")), finished_run.folder, resume=True)


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"config": {}}', "not json"])
def test_resuming_where_there_is_no_run_is_refused(toy_reading, toy_config, tmp_path, content):
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    with pytest.raises(TrainingError, match="no run to resume"):
        Run(toy_reading, toy_config(), tmp_path, resume=True)


@pytest.mark.parametrize("content", ["{}", "[]", "3", '{"config": 3, "fingerprint": ""}'])
def test_a_config_of_another_kind_is_not_a_run(tmp_path, content):
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(TrainingError, match="no run to resume"):
        read_run_config(tmp_path)


def test_a_damaged_checkpoint_is_refused(toy_reading, toy_config, tmp_path):
    train(Run(toy_reading, toy_config(), tmp_path / "run"), epochs=1)
    (tmp_path / "run" / "checkpoint.safetensors").write_bytes(b"half a checkpoint")
    with pytest.raises(TrainingError, match=r"checkpoint\.safetensors"):
        Run(toy_reading, toy_config(), tmp_path / "run", resume=True)


def test_an_out_folder_that_is_a_file_is_refused_by_name(toy_reading, toy_config, tmp_path):
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(ElmanError, match="taken"):
        Run(toy_reading, toy_config(), tmp_path / "taken")
    assert (tmp_path / "taken").read_text() == "mine"


# TensorBoard


def test_tensorboard_gets_its_log(toy_reading, toy_config, tmp_path):
    pytest.importorskip("tensorboard")
    train(Run(toy_reading, toy_config(epochs=1), tmp_path / "run", tensorboard=True))
    (log,) = (tmp_path / "run" / "tensorboard").iterdir()
    assert b"validation_loss" in log.read_bytes()


def test_a_missing_tensorboard_is_named_and_leaves_no_folder(toy_reading, toy_config, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(ElmanError, match=r"elman\[tensorboard\]"):
        Run(toy_reading, toy_config(), tmp_path / "run", tensorboard=True)
    assert not (tmp_path / "run" / "config.json").exists()


@pytest.mark.parametrize("split", ["grouped", "none"])
def test_the_validation_loss_of_the_metrics_is_that_of_the_report(toy_reading, toy_config, tmp_path, split):
    run = Run(toy_reading, replace(toy_config(epochs=2), split=split), tmp_path / "run")
    epochs = list(run.epochs())
    report = run.finish()
    assert report.values["validation"]["nll"] == pytest.approx(
        epochs[run.state.kept_epoch - 1].validation_loss, abs=2e-3
    )


def test_strings_of_the_test_part_are_in_the_report_and_not_in_the_model_file(finished_run):
    test = finished_run.run.task.split.test
    mistakes = read_report(finished_run.folder)["surest_mistakes"]
    assert mistakes and {one["text"] for one in mistakes} <= {example.text for example in test}
    metadata = json.dumps(load_artifact(finished_run.folder / "model.safetensors").provenance)
    assert not any(f'"{one["text"]}"' in metadata for one in mistakes)
