"""Models that answer a string with a number."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import elman
from elman.data.examples import Reading
from elman.errors import DataError
from elman.records import Example
from elman.scoring.scorer import Scorer
from elman.training.recipes import best_settings
from elman.training.run import Run
from elman.training.tasks.numbers import NOT_A_NUMBER, NumberTask


@pytest.fixture(scope="module")
def words_with_numbers():
    """Words with the number 50,000, and 1,000 more for each a and 500 less for each b."""
    draw = np.random.default_rng(3)
    words = sorted({"".join(draw.choice(list("abcd"), draw.integers(2, 7))) for _ in range(220)})
    numbers = [50_000 + 1_000 * word.count("a") - 500 * word.count("b") for word in words]
    return Reading(tuple(Example(w, str(n)) for w, n in zip(words, numbers, strict=True)), len(words), {}, {})


@pytest.fixture(scope="module")
def number_config(tiny_model):
    """The config of a very small run that answers with a number."""
    settings = best_settings("number")
    train = replace(settings.train, epochs=12, batch_size=16, learning_rate=0.02, threads=1)
    model = tiny_model(dropout=0.0, input_dropout=0.0)
    shares = {"test_share": 0.2, "validation_share": 0.1, "label_column": "grams"}
    return replace(settings, name="scales", data="made up", model=model, train=train, **shares)


@pytest.fixture(scope="module")
def weighed(words_with_numbers, number_config, tmp_path_factory):
    """A run over the words that trained all its epochs."""
    run = Run(words_with_numbers, number_config, tmp_path_factory.mktemp("numbers") / "run")
    for _ in run.epochs():
        pass
    return run, run.finish()


def test_a_learnable_number_is_learned_and_answered_in_its_own_unit(weighed):
    run, report = weighed
    answers = elman.load(run.folder).predict(["dddd", "aaad", "bbdd"])
    assert report.test.r2 > 0.5
    assert all(48_000 < answer.value < 54_000 for answer in answers)
    assert answers[1].value > answers[0].value + 1_000 > answers[2].value + 1_000


def test_the_loaded_model_answers_as_the_report_says(weighed):
    run, report = weighed
    test = run.task.split.test
    values = np.array([one.value for one in elman.load(run.folder).predict([e.text for e in test])])
    misses = values - [float(e.label) for e in test]
    assert report.test.rmse == pytest.approx(np.sqrt(np.mean(misses**2)))
    assert report.test.mae == pytest.approx(np.abs(misses).mean())


def test_the_model_file_answers_as_the_network_in_training(weighed):
    run, _ = weighed
    text = run.task.split.test[0].text
    run.model.load_state_dict(run.state.best)
    run.model.eval()
    with torch.inference_mode():
        standardised = run.model(torch.from_numpy(run.task.vocabulary.encode(text))[:, None]).item()
    expected = standardised * run.task.deviation + run.task.mean
    assert elman.load(run.folder).predict(text).value == pytest.approx(expected, rel=1e-5)


def test_a_number_has_a_picture_and_a_verdict(weighed):
    run, report = weighed
    assert (run.folder / "answers.png").read_bytes().startswith(b"\x89PNG")
    baseline, constant = report.values["comparisons"]
    assert baseline["difference"] == pytest.approx(report.test.r2 - report.baseline.r2)
    assert (constant["with"], constant["score"]) == ("constant", "explained variance")
    assert "that of ridge regression on character n-grams (" in report.verdict


def test_the_label_is_the_name_of_the_column(weighed):
    assert weighed[0].task.labels.names == ("grams",)
    assert weighed[0].task.description() == "a number, 'grams'; grouped split"


def test_rows_without_a_number_are_dropped_and_counted(words_with_numbers, number_config):
    odd = (Example("abcdabcd", "heavy"), Example("dcbadcba", "nan"), Example("aaaabbbb", "inf"))
    reading = replace(
        words_with_numbers, examples=(*words_with_numbers.examples, *odd), lines=words_with_numbers.lines + 3
    )
    task = NumberTask(reading, number_config)
    assert task.dropped == {NOT_A_NUMBER: 3}
    assert sum(task.sizes.values()) == words_with_numbers.lines


@pytest.mark.parametrize(("label", "message"), [("heavy", "no row has a number"), ("7", "one number only")])
def test_strings_without_numbers_to_learn_get_one_clear_error(words_with_numbers, number_config, label, message):
    examples = tuple(replace(example, label=label) for example in words_with_numbers.examples)
    with pytest.raises(DataError, match=message):
        NumberTask(replace(words_with_numbers, examples=examples), number_config)


def test_each_part_is_scored_once(weighed, monkeypatch):
    run, report = weighed
    logits, scored = Scorer.logits, []
    monkeypatch.setattr(Scorer, "logits", lambda self, ids: scored.append(len(ids)) or logits(self, ids))
    artifact = elman.load(run.folder).artifact
    _, findings = run.task.measure(artifact)
    assert sorted(scored) == sorted([run.task.sizes["validation"], run.task.sizes["test"]])
    assert (findings.test, findings.evaluation.report) == (report.test, report.test)
