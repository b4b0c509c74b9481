"""The task of new strings: what is read and written, what is left out, and the report."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from elman.data.examples import Reading
from elman.data.splits import STRATIFIED, Split
from elman.errors import DataError, SettingError
from elman.evaluation.writing import score_counted, score_generator
from elman.model.writing import WriterConfig
from elman.prediction.generator import Generator
from elman.records import Example
from elman.training.config import RunConfig, TrainConfig
from elman.training.fitting import start_training
from elman.training.loop import train
from elman.training.recipes import best_settings
from elman.training.tasks.generate import GenerateTask
from elman.training.tasks.registry import build_task

STARTS, ENDS = ["ka", "mi", "ta", "no", "ri", "se", "yo", "ha", "ku", "ma"], ("moto", "ra", "na", "ko", "mi")
NAMES = [start + end for start in STARTS for end in ENDS]


def reading_of(*examples: Example) -> Reading:
    return Reading(examples, len(examples), {}, {})


@pytest.fixture(scope="module")
def names() -> Reading:
    return reading_of(*(Example(name, "") for name in NAMES))


@pytest.fixture(scope="module")
def labelled() -> Reading:
    return reading_of(*(Example(name.capitalize(), "o" if name.endswith("o") else "a") for name in NAMES))


@pytest.fixture
def config() -> Callable[..., RunConfig]:
    def build(**changes: Any) -> RunConfig:
        best = best_settings("generate")
        shape = WriterConfig(hidden_size=12, embedding_size=6, dropout=0.0, input_dropout=0.0)
        settings = TrainConfig(epochs=3, learning_rate=0.02, threads=1)
        shares = {"test_share": 0.2, "validation_share": 0.2}
        return replace(best, name="tiny", data="made up", writer=shape, train=settings, **shares, **changes)

    return build


def test_a_string_is_read_after_its_label_and_the_mark_and_written_before_the_mark(labelled, config):
    task = build_task(labelled, config())
    assert isinstance(task, GenerateTask)
    batch = next(iter(task.training.batches(4)))
    assert batch.inputs.shape[0] == batch.targets.shape[0] + 1
    assert set(batch.inputs[0]) <= {1, 2} and set(batch.inputs[1]) == {0} and set(batch.targets[-1]) == {0}
    assert np.array_equal(batch.inputs[2:], batch.targets[:-1])


def test_a_string_counts_by_its_symbols(names, config):
    task = GenerateTask(names, config())
    lengths = {len(batch.targets): batch.weights for batch in task.training.batches(100)}
    assert lengths[7][0] / lengths[5][0] == pytest.approx(7 / 5) and task.training.weights.mean() == pytest.approx(1)


def test_settings_that_depend_on_the_data_are_chosen(names, labelled, config):
    without, with_labels = build_task(names, config()).config, build_task(labelled, config()).config
    assert without.writer.label_size == 0 < with_labels.writer.label_size
    open_config = replace(config(), writer=WriterConfig(), train=TrainConfig())
    chosen = build_task(names, open_config).config
    assert chosen.train.epochs == 24 and chosen.writer.dropout > 0


def test_capitals_are_small_letters_only_if_no_string_has_one(names, labelled, config):
    assert build_task(names, config()).config.normalisation.lower_case
    assert not build_task(labelled, config()).config.normalisation.lower_case


def test_one_label_for_all_is_no_label_and_is_noted(config):
    task = GenerateTask(reading_of(*(Example(name, "Greek") for name in NAMES)), config())
    assert task.known_labels is None and "all strings have the label Greek" in task.notes[-1]


def test_labels_for_some_strings_alone_are_refused(config):
    with pytest.raises(
        DataError, match="some strings have a label and others have none; give all of them one, or none"
    ):
        GenerateTask(reading_of(*(Example(name, "x" * (name[0] == "k")) for name in NAMES)), config())


def test_an_empty_source_is_refused_in_one_line(config):
    with pytest.raises(DataError, match="no usable example in 0 lines"):
        GenerateTask(reading_of(), config())


def test_the_task_needs_strings_and_a_network_that_writes(names, config):
    with pytest.raises(SettingError, match="needs a network that writes"):
        replace(config(), writer=None)


def test_a_string_with_a_symbol_of_no_training_string_is_counted_and_not_scored(config):
    examples = [Example(name, "") for name in NAMES]
    kept, test = tuple(examples[1::5] + examples[2::5]), tuple(examples[::5])
    split = Split(kept, test, (*test, Example("кім", "")), STRATIFIED, 0)
    task = GenerateTask(reading_of(*examples), config(), split)
    task.settle()
    _, state = start_training(task, task.config)
    list(train(state, task.training, task.validation, calibrate=False))
    artifact = task.artifact(state.best, {})
    _, findings = task.measure(artifact)
    report = score_generator(Generator(artifact), split.test)
    assert report.examples == 11 and report.abstentions == {"unknown symbol": 1}
    assert findings.test.nats_per_symbol == report.nats_per_symbol
    assert findings.baseline.abstentions == {"unknown symbol": 1}
    assert [one.examples for one in findings.comparisons] == [10, 10]


def test_the_loss_of_the_loop_is_the_score_of_the_model_file(labelled, config):
    task = build_task(labelled, config())
    _, state = start_training(task, task.config)
    losses = [result.validation_loss for result in train(state, task.training, task.validation, calibrate=False)]
    assert losses[-1] < losses[0]
    model = Generator(task.artifact(state.best, {}))  # whose weights have 16 bits
    assert score_generator(model, task.split.validation).nats_per_symbol == pytest.approx(min(losses), abs=2e-3)


def test_every_training_string_is_recognised_and_none_is_in_the_file(labelled, config):
    task = build_task(labelled, config())
    _, state = start_training(task, task.config)
    artifact = task.artifact({name: tensor.detach() for name, tensor in state.model.state_dict().items()}, {})
    model = Generator(artifact)
    assert all(model.is_seen(example.text) for example in task.split.train)
    assert sum(bool(model.is_seen(example.text)) for example in task.split.test) <= 2
    assert artifact.longest == 2 * max(len(example.text) for example in task.split.train)


def test_the_report_has_samples_of_each_label_and_how_many_are_learned_by_heart(labelled, config):
    task = build_task(labelled, config())
    _, state = start_training(task, task.config)
    list(train(state, task.training, task.validation, calibrate=False))
    _, findings = task.measure(task.artifact(state.best, {}))
    values = findings.values
    assert sorted(values["samples"]) == ["a", "o"] and len(values["samples"]["a"]) == 20
    assert 0 <= values["seen_share"] <= 1 and values["written"] == pytest.approx(1000, abs=2)
    assert any("are in the training part" in remark for remark in task.remarks(findings))
    assert "log-probability of a symbol" in task.verdict(findings) and "nats" in task.verdict(findings)


def test_without_a_baseline_the_frequencies_of_symbols_are_left(names, config):
    task = build_task(names, config(baseline="none"))
    _, state = start_training(task, task.config)
    list(train(state, task.training, task.validation, calibrate=False))
    _, findings = task.measure(task.artifact(state.best, {}))
    assert findings.baseline is None and [one.kind for one in findings.comparisons] == ["constant"]


def test_the_counted_model_knows_the_labels(labelled, config):
    task = GenerateTask(labelled, config())
    with_labels = score_counted(task._count(), task.split.test)
    assert with_labels.nats_per_symbol < score_counted(task._count(order=1), task.split.test).nats_per_symbol
