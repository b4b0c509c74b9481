"""Pairs: from strings and their targets to a model file with its report."""

import json
from dataclasses import replace

import numpy as np
import pytest
from pairs import make_labelled, make_pairs, spell, tiny_config

import elman
from elman.data.pairs import PairReading, join_parts
from elman.errors import DataError, SettingError, TrainingError
from elman.model.writer import load_writer
from elman.records import Pair
from elman.training.run import Run
from elman.training.tasks.pairs import PairTask
from elman.training.transcribed import choose_pairs, transcribe


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run that trained all its epochs."""
    run = Run(make_pairs(), tiny_config(), tmp_path_factory.mktemp("pairs") / "run")
    for _ in run.epochs():
        pass
    return run, run.finish()


def test_a_small_network_learns_to_write(trained):
    run, report = trained
    assert report.test.word_error_rate < 0.3 and report.test.symbol_error_rate < 0.1
    letterwise, constant = report.values["comparisons"]
    assert (
        constant["answer"] == "better" and letterwise["answer"] == "cannot tell"
    )  # a letter alone tells what to write
    assert report.baseline.word_error_rate == 0
    history = report.history
    assert history[-1].validation_loss < 0.3 * history[0].validation_loss
    model = elman.load(run.folder)
    wrong = sum(model.predict(source).label != spell(source) for source in ("abc", "cxb", "bca", "xab"))
    assert wrong <= 1


def test_a_report_says_what_was_measured(trained):
    run, report = trained
    values = json.loads((run.folder / "report.json").read_text())
    assert set(values["test"]) >= {"word_error_rate", "symbol_error_rate", "right_in_three", "intervals"}
    text = (run.folder / "report.md").read_text()
    assert "whole strings wrong" in text and "symbol errors" in text
    assert values["split"]["kind"] == "grouped" and values["labels"] == []
    assert "symbols" in run.describe() and "attention: additive" in run.describe()


def test_the_file_has_everything_that_an_answer_needs(trained):
    run, _ = trained
    writer = load_writer(run.folder / "model.safetensors")
    assert writer.targets.symbols == ("AH", "B", "K", "S") and writer.targets.form == "blanks"
    assert writer.kind.name == "pairs" and 0.05 < writer.temperature < 20
    assert writer.longest == 2 * max(len(spell(pair.source).split()) for pair in run.task.split.train)


def test_the_test_part_is_found_again(trained):
    run, report = trained
    model = elman.load(run.folder)
    pairs, part = choose_pairs(model, make_pairs(), None)
    assert part == "test" and transcribe(model, pairs).report == report.test
    others, part = choose_pairs(model, make_pairs(seed=3), None)
    assert part == "all" and len(others) == len(make_pairs(seed=3).examples)
    with pytest.raises(DataError, match="these are others"):
        choose_pairs(model, make_pairs(seed=3), "test")


def test_no_source_is_in_two_parts_and_all_its_targets_are_together():
    task = PairTask(make_pairs(), tiny_config())
    parts = [{pair.source for pair in task.split.part(name)} for name in ("train", "validation", "test")]
    assert sum(map(len, parts)) == len(set.union(*parts))
    several = [pair for pair in task.split.train if len(pair.targets) > 1]
    assert len(task.training) == len(task.split.train) + len(several)


def test_a_run_that_is_resumed_has_the_same_weights(trained, tmp_path):
    whole, _ = trained
    config = tiny_config()
    first = Run(make_pairs(), config, tmp_path / "run")
    epochs = first.epochs()
    next(epochs), next(epochs)
    epochs.close()
    rest = Run(make_pairs(), config, tmp_path / "run", resume=True)
    for _ in rest.epochs():
        pass
    for name, tensor in rest.state.model.state_dict().items():
        np.testing.assert_array_equal(tensor.numpy(), whole.state.model.state_dict()[name].numpy())
    with pytest.raises(TrainingError, match="other data"):
        Run(make_pairs(seed=1), config, tmp_path / "run", resume=True)


def test_data_that_come_with_parts_keep_them():
    given = make_pairs(60)
    test = PairReading((Pair("cab", ("K AH B",), (1,)),), 1, {}, {}, target_symbols="blanks")
    task = PairTask(join_parts(given, None, test, held_out=5), tiny_config())
    assert task.split_kind == "given" and task.sizes["validation"] == 5
    assert [pair.source for pair in task.split.test] == ["cab"]
    assert all(pair.source != "cab" for pair in task.split.train)


def test_a_target_that_cannot_be_written_has_no_loss_and_is_wrong_in_the_test():
    reading = make_pairs(60)
    rare, test = (
        PairReading(tuple(Pair(source, targets, (1,) * len(targets)) for source, targets in pairs.items()), 2, {}, {})
        for pairs in ({"ccc": ("ZZ",), "cbc": ("K B K", "ZZ")}, {"aba": ("ZZ",)})
    )
    task = PairTask(join_parts(reading, rare, test, target_symbols="blanks"), tiny_config())
    assert "ZZ" not in task.targets.symbols and task.sizes == {
        "train": len(task.split.train),
        "validation": 2,
        "test": 1,
    }
    assert len(task.validation) == 1 and task.validation.answers == 4
    with pytest.raises(DataError, match="no target of the validation part"):
        PairTask(join_parts(reading, test, rare, target_symbols="blanks"), tiny_config())


def test_a_label_decides_what_is_written(tmp_path):
    config = tiny_config(baseline="full")
    config = replace(config, train=replace(config.train, epochs=20))
    run = Run(make_labelled(), config, tmp_path / "run")
    for _ in run.epochs():
        pass
    report = run.finish()
    words = {name: one["word_error_rate"] for name, one in report.values["test"]["per_label"].items()}
    assert sorted(words) == ["backwards", "forwards"] and max(words.values()) < 0.5
    assert report.values["without_labels"]["word_error_rate"] > max(words.values()) + 0.2
    baseline = report.values["baseline"]["per_label"]
    assert baseline["forwards"]["word_error_rate"] == 0 < baseline["backwards"]["word_error_rate"]
    text = (run.folder / "report.md").read_text()
    assert "Without its labels" in text and "| forwards | " in text and "2 labels" in run.describe()
    model = elman.load(run.folder)
    assert model.labels == ("backwards", "forwards")
    pairs, part = choose_pairs(model, make_labelled(), None)
    assert part == "test" and transcribe(model, pairs).report == report.test
    told = model.predict(["abc", "abc"], label=["forwards", "backwards"])
    assert told[0].label != told[1].label and model.predict("abc").label


def test_one_label_for_all_pairs_conditions_nothing():
    reading = make_pairs(60)
    labelled = replace(reading, examples=tuple(replace(pair, label="Greek") for pair in reading.examples))
    plain, task = PairTask(reading, tiny_config()), PairTask(labelled, tiny_config())
    assert task.known_labels is None and task.fingerprint == plain.fingerprint
    assert task.notes == ("all pairs have the label Greek, so it conditions nothing",) and plain.notes == ()


def test_some_pairs_have_no_label_and_a_rare_label_is_none():
    reading = make_pairs(60)
    some = tuple(replace(pair, label="Greek" if place % 2 else "") for place, pair in enumerate(reading.examples))
    test = PairReading((Pair("cab", ("K AH B",), (1,), "Irish"),), 1, {}, {})
    task = PairTask(join_parts(replace(reading, examples=some), None, test, held_out=5), tiny_config())
    task.settle()
    assert task.known_labels.names == ("Greek",) and task.shape.label_size > 0
    assert set(next(task.training.batches(64)).labels.tolist()) == {0, 1}


def test_settings_that_cannot_work_are_refused():
    with pytest.raises(SettingError, match="needs a network that writes"):
        replace(tiny_config(), writer=None)
    with pytest.raises(SettingError, match="come with"):
        PairTask(make_pairs(60), replace(tiny_config(), split="given"))
