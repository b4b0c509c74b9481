"""Models that answer with a label: what they learn from, and what is measured."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import elman
from elman.data.augment import FOLDED_WEIGHT, add_folded_spellings
from elman.data.examples import FeatureReading, Reading
from elman.errors import DataError, SettingError
from elman.evaluation import baseline
from elman.model.config import ModelConfig
from elman.model.packing import pack
from elman.model.tensors import BAG_CODES, dtype_of
from elman.prediction.predictor import Predictor
from elman.records import Example
from elman.text.ngrams import inventory
from elman.text.normalisation import fold_accents
from elman.training.held_out import config_for, measure
from elman.training.run import Run
from elman.training.tasks.labels import LabelTask
from elman.training.tasks.registry import build_task
from elman.training.tasks.task import (
    BAG_HIDDEN,
    BAG_SIZE,
    MANY_LABELS,
    MOST_LABELS,
    PATH_WEIGHT,
    WORD_BUCKETS,
    choose_rows,
    round_weights,
)


def test_the_loaded_model_answers_as_the_report_says(finished_run):
    test = finished_run.run.task.split.test
    answers = elman.load(finished_run.folder).predict([example.text for example in test])
    right = [answer.label == example.label for answer, example in zip(answers, test, strict=True)]
    assert sum(right) / len(right) == finished_run.report.test.accuracy
    assert len(right) == finished_run.report.test.examples


def test_folded_spellings_are_learned_with_their_weight(toy_reading, toy_config):
    task = LabelTask(toy_reading, toy_config())
    own, learned = len(task.split.train), add_folded_spellings(task.split.train)
    assert len(task.training) == len(learned) > own
    assert task.training.weights[own:] == pytest.approx(FOLDED_WEIGHT)
    assert task.training.weights[:own] == pytest.approx(1)


def test_the_vocabulary_is_that_of_the_training_part_alone(toy_reading, toy_config):
    task = LabelTask(toy_reading, toy_config())
    learned = {symbol for example in add_folded_spellings(task.split.train) for symbol in example.text}
    assert set(task.vocabulary.symbols) == learned


def test_the_model_file_has_the_number_of_training_examples_of_each_label(finished_run):
    counts = finished_run.run.task.artifact(finished_run.run.state.best, {"data": {}}).provenance["data"]
    assert counts["training_examples_per_label"].keys() == {"Alfa", "Beta", "Gamma"}
    assert sum(counts["training_examples_per_label"].values()) == len(finished_run.run.task.split.train)


def test_the_table_leaves_out_ranks_that_every_label_reaches(finished_run):
    text = (finished_run.folder / "report.md").read_text("utf-8")
    assert "| top 2 |" in text
    assert "| top 3 |" not in text and "| top 5 |" not in text


def test_findings_are_numbers(finished_run):
    task, artifact = finished_run.run.task, elman.load(finished_run.folder).artifact
    _, findings = task.measure(artifact)
    assert findings.test == finished_run.report.test
    assert findings.baseline == finished_run.report.baseline
    calibration = finished_run.report.values["calibration"]
    assert findings.values["calibration"] == calibration
    assert findings.values.keys() == {
        "majority",
        "ceiling",
        "calibration",
        "confused",
        "surest_mistakes",
        "baseline_fit",
        "sets",
        "abstention",
    }
    assert findings.evaluation.report == findings.test
    assert f"dividing the logits by {calibration['temperature']:.2f}" in task.remarks(findings)[-1]
    assert [one.kind for one in findings.comparisons] == ["baseline", "constant"]


def test_a_run_without_a_baseline_is_compared_with_one_answer(toy_reading, toy_config, tmp_path):
    report = elman.train_run(toy_reading, replace(toy_config(epochs=1), baseline="none"), tmp_path)
    assert report.baseline is None and report.values["baseline"] is None
    assert [one["with"] for one in report.values["comparisons"]] == ["constant"]
    text = (tmp_path / "report.md").read_text("utf-8")
    assert "baseline" not in text.partition("## Settings")[0]
    assert "baseline_test" not in elman.load(tmp_path).artifact.provenance["figures"]


def test_the_full_baseline_is_named_and_sees_all_strings(finished_run):
    task, artifact = finished_run.run.task, elman.load(finished_run.folder).artifact
    full = LabelTask(finished_run.run.reading, replace(task.config, baseline="full"))
    _, findings = full.measure(artifact)
    strings = len(task.split.train)
    assert findings.values["baseline_fit"] == {"kind": "full", "strings": strings, "available": strings}
    assert "hashed" in task.remarks(task.measure(artifact)[1])[0]
    assert "hashed" not in full.remarks(findings)[0]


def test_a_short_training_has_a_baseline_of_a_sample(finished_run, monkeypatch):
    monkeypatch.setattr(baseline, "LEAST_PRODUCTS", 1.0)
    artifact = elman.load(finished_run.folder).artifact
    short = replace(artifact, provenance={**artifact.provenance, "epochs": 1e-3})
    _, findings = finished_run.run.task.measure(short)
    fit = findings.values["baseline_fit"]
    assert fit["strings"] < fit["available"]
    assert f"{fit['strings']:,} of the {fit['available']:,} strings" in finished_run.run.task.remarks(findings)[0]


def test_each_part_is_scored_once(finished_run, monkeypatch):
    task, scored = finished_run.run.task, []
    logits = Predictor.logits
    monkeypatch.setattr(Predictor, "logits", lambda self, texts: scored.append(tuple(texts)) or logits(self, texts))
    task.measure(elman.load(finished_run.folder).artifact)
    parts = (task.split.validation, task.split.test)
    assert sorted(scored) == sorted(tuple(example.text for example in part) for part in parts)


def test_each_accented_string_is_folded_once(toy_reading, toy_config, monkeypatch):
    folded = []
    monkeypatch.setattr("elman.data.splits.fold_accents", lambda text: folded.append(text) or fold_accents(text))
    LabelTask(toy_reading, toy_config())
    accented = {example.text for example in toy_reading.examples if not example.text.isascii()}
    assert len(accented) > 20
    assert sorted(folded) == sorted(accented)


def test_the_description_names_labels_and_split(finished_run):
    assert finished_run.run.task.description() == "3 labels; grouped split"


def test_a_classifier_has_no_sample(finished_run):
    assert finished_run.run.task.sample(finished_run.run.model) is None


def test_a_single_label_is_refused(toy_config):
    reading = Reading(tuple(Example("a" * k, "Alfa") for k in range(1, 40)), 39, {}, {})
    with pytest.raises(DataError, match="at least two"):
        LabelTask(reading, toy_config())


@pytest.mark.parametrize("task", ["images", "features"])
def test_a_task_that_reads_another_kind_of_source_is_refused(toy_reading, toy_config, task):
    with pytest.raises(SettingError, match=f"the task '{task}' learns from {task}, and made up holds strings"):
        build_task(toy_reading, replace(toy_config(), task=task))


def test_an_unknown_task_is_refused(toy_reading, toy_config):
    with pytest.raises(SettingError, match="task must be one of label, tags, .*; got 'translation'"):
        build_task(toy_reading, replace(toy_config(), task="translation"))


def test_rows_of_numbers_are_not_strings(toy_config):
    with pytest.raises(SettingError, match="the task 'label' learns from strings, and made up holds features"):
        build_task(FeatureReading(("a",), "b", None, None, 0, {}, {}), toy_config())


def test_a_model_without_a_validation_part_is_not_calibrated(toy_reading, toy_config, tmp_path):
    run = Run(toy_reading, replace(toy_config(epochs=1), split="none"), tmp_path / "run")
    for _ in run.epochs():
        pass
    values = run.finish().values
    assert values["calibration"]["temperature"] == 1.0
    assert values["split"]["kind"] == "none"


def test_a_label_of_strings_without_letters_is_learned_scored_and_answered_alike(tmp_path, toy_lines, toy_config):
    letters = [Example(text, label) for label in ("Alfa", "Beta") for text in sorted(set(toy_lines[label]))]
    digits = [Example(str(1000 + 7 * k), "Number") for k in range(60)]
    reading = Reading((*letters, *digits), len(letters) + len(digits), {}, {})
    run = Run(reading, toy_config(epochs=8), tmp_path / "run")
    list(run.epochs())
    report = run.finish()
    model = elman.load(tmp_path / "run")
    assert (model.artifact.evidence, report.test.abstentions) == ("all", {})
    answers = model.predict([example.text for example in run.task.split.test])
    right = [answer.label == e.label for answer, e in zip(answers, run.task.split.test, strict=True)]
    assert sum(right) / len(right) == report.test.accuracy
    assert model.predict("1007").label == "Number"


def test_a_few_strings_without_letters_are_abstained_for_in_every_score(tmp_path, toy_lines, toy_config):
    letters = [Example(text, label) for label in ("Alfa", "Beta") for text in sorted(set(toy_lines[label]))]
    reading = Reading((*letters, *(Example(f"{k}", "Alfa") for k in range(4))), len(letters) + 4, {}, {})
    run = Run(reading, toy_config(epochs=1), tmp_path / "run")
    list(run.epochs())
    run.finish()
    model = elman.load(tmp_path / "run")
    assert model.artifact.evidence == "letters"
    found = measure(model, reading, config_for(model, "made up"), "all").report
    assert found.abstentions == {model.predict("1").reason: 4}
    assert found.accuracy == pytest.approx(found.answered_accuracy * (found.examples - 4) / found.examples)


def test_a_run_whose_test_part_has_no_answer_still_ends_with_a_model(tmp_path, toy_reading, toy_config, monkeypatch):
    monkeypatch.setattr(Predictor, "abstentions", lambda self, texts: ["no letters: nothing"] * len(texts))
    run = Run(toy_reading, toy_config(epochs=1), tmp_path / "run")
    list(run.epochs())
    report = run.finish()
    assert (report.test.accuracy, report.test.nll, elman.load(tmp_path / "run").artifact.temperature) == (
        0.0,
        None,
        1.0,
    )
    text = (tmp_path / "run" / "report.md").read_text("utf-8")
    assert "On the test part the model abstains for" in text and "calibration error is unknown" in text
    assert not (tmp_path / "run" / "confusion.png").exists()


def test_noise_is_no_victory(toy_config, tmp_path):
    """`benchmarks/noise.py` on a smaller scale."""
    answers = []
    for seed in range(4):
        draw = np.random.default_rng(seed)
        texts = ["".join(draw.choice(list("abcdefgh"), 5)) for _ in range(150)]
        examples = tuple(Example(text, str(draw.choice(["x", "y"]))) for text in texts)
        run = Run(Reading(examples, 150, {}, {}), toy_config(epochs=2), tmp_path / str(seed))
        list(run.epochs())
        values = run.finish().values
        answers.append(values["answer"])
        assert values["verdict"].lower().startswith(values["answer"])
    assert "better" not in answers


def test_rare_labels_get_rows_of_the_bag_if_they_weigh_more(toy_config):
    texts = [(f"{'abcd'[k % 4]}{'abcd'[k // 4 % 4]}", "common") for k in range(64)] * 4
    texts += [(f"{'wxyz'[k % 4]}{'wxyz'[k // 4 % 4]}", "rare") for k in range(16)] * 2
    examples = tuple(Example(text, label) for text, label in texts)
    shares = []
    for weighting in (0.0, 1.0):
        config = toy_config()
        shape = replace(config.model, bag_orders=(2,), bag_min_count=2, bag_most=10)
        train = replace(config.train, row_weighting=weighting)
        reading = Reading(examples, len(examples), {}, {})
        task = LabelTask(reading, replace(config, model=shape, train=train, split="none"))
        task.settle()
        codes = task.network().state_dict()[BAG_CODES].numpy()
        ids = task.vocabulary.encode_all([text for text, label in texts if label == "rare"])
        rare = inventory([ids.ids.reshape(-1, 2).T.astype(np.int64)], (2,), 1)
        shares.append(len(np.intersect1d(codes, rare)))
        assert len(codes) == 10
    assert shares[0] == 0 < shares[1]


@pytest.mark.parametrize("labels", [2, 63, 64, 1000, 10_000])
@pytest.mark.parametrize("symbols", [30, 20_000])
def test_the_weights_of_a_model_have_less_than_12_megabytes_whatever_the_data(labels, symbols):
    few = labels < MANY_LABELS
    shape = ModelConfig(bag_size=0 if few else BAG_SIZE, bag_hidden=0 if few else BAG_HIDDEN, separator=1)
    shape = replace(shape, word_buckets=WORD_BUCKETS if MANY_LABELS <= labels <= MOST_LABELS else 0)
    rows = choose_rows(shape, symbols=symbols, labels=labels, strings=10**7)
    shapes = shape.tensor_shapes(symbols=symbols, labels=labels, bag=rows)
    weights = {name: torch.rand(sizes) for name, sizes in shapes.items() if dtype_of(name) == "float32"}
    packed = [part for name, tensor in round_weights(weights).items() for part in pack(name, tensor).values()]
    assert rows > 1000
    size = sum(part.nbytes for part in packed) + 8 * rows
    assert size < 11.5e6  # the document with labels and symbols needs the rest
    assert choose_rows(shape, symbols=symbols, labels=labels, strings=10**7, kept=10**6) == 0


@pytest.mark.parametrize(
    ("count", "separator", "expected"),
    [(63, " ", (0, 0, 0)), (64, " ", (BAG_SIZE, BAG_HIDDEN, WORD_BUCKETS)), (64, "-", (BAG_SIZE, 0, 0))],
)
def test_there_are_hidden_units_and_a_table_of_words_if_labels_are_many_and_strings_have_words(
    toy_config, count, separator, expected
):
    texts = [(f"{letter}{separator}{k}", f"label {k}") for k in range(count) for letter in "abcdefgh"]
    examples = tuple(Example(text, label) for text, label in texts)
    config = toy_config()
    shape = replace(config.model, bag_size=None, bag_hidden=None, bag_words=None)
    task = LabelTask(Reading(examples, len(examples), {}, {}), replace(config, model=shape, split="none"))
    task.settle()
    chosen = task.config.model
    assert (chosen.bag_size, chosen.bag_hidden, chosen.word_buckets) == expected
    assert task.config.train.path_weight == (PATH_WEIGHT if count == 64 else 0.0)
