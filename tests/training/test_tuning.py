"""Trainings that start from a model: what is kept of it, and what cannot be."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from pairs import build_writer, make_pairs

from elman.data.examples import Reading
from elman.errors import ModelFileError, SettingError
from elman.model.file import load_artifact
from elman.model.tensors import (
    BAG_CODES,
    BAG_HIDDEN_BIAS,
    BAG_HIDDEN_WEIGHT,
    BAG_WEIGHT,
    EMBEDDING,
    HEAD_WEIGHT,
    WORDS,
    name_layer,
)
from elman.model.writer import load_writer, save_writer
from elman.prediction.transcriber import Transcriber
from elman.records import Example
from elman.training.options import apply_options, new_config, stored_config
from elman.training.shortcut import train_run
from elman.training.tasks.pairs import PairTask
from elman.training.tasks.registry import build_task
from elman.training.tuning import begin_with

SMALL = {"hidden_size": 4, "embedding_size": 3, "ngram_buckets": 16}


@pytest.fixture(scope="module")
def base(toy_reading, toy_folder, tmp_path_factory):
    """The file of a model that knows the labels and letters of the toy set."""
    folder = tmp_path_factory.mktemp("base")
    config = new_config(str(toy_folder), "base", {"epochs": 1})
    config = replace(config, model=replace(config.model, **SMALL, bag_min_count=1))
    train_run(toy_reading, config, folder)
    return folder / "model.safetensors"


def other_reading(labels: tuple[str, str]) -> Reading:
    """Return strings with letters that the toy set lacks, and one of its labels or none."""
    draw = np.random.default_rng(0)
    examples = [Example("".join(draw.choice(list("aeñ"), 5)), label) for _ in range(30) for label in labels]
    return Reading(tuple(examples), len(examples), {}, {})


def begin_task(base, labels=("New", "Other"), **changes):
    artifact = load_artifact(base)
    config = begin_with(artifact, new_config("data", "tuned", {"init": str(base), **changes}))
    return artifact, build_task(other_reading(labels), replace(config, init=str(base)))


def test_symbols_of_the_model_keep_their_ids_and_new_ones_follow(base):
    artifact, task = begin_task(base)
    known = artifact.vocabulary.symbols
    assert task.vocabulary.symbols[: len(known)] == known
    assert task.vocabulary.symbols[len(known) :] == ("ñ",)


def test_the_text_side_and_the_cells_are_kept(base):
    artifact, task = begin_task(base)
    torch.manual_seed(0)
    weights = {name: tensor.numpy() for name, tensor in task.network().state_dict().items()}
    old = artifact.tensors
    for layer in (name_layer(0, direction) for direction in range(artifact.config.directions)):
        assert all((weights[name] == old[name]).all() for name in layer)
    assert (weights[EMBEDDING][: len(artifact.vocabulary)] == old[EMBEDDING]).all()
    assert set(old[BAG_CODES].tolist()) < set(weights[BAG_CODES].tolist())


def test_rows_that_are_added_are_new_ones(base):
    artifact, task = begin_task(base)
    before = artifact.tensors[BAG_CODES]
    room = len(before) + 3
    task.config = replace(task.config, model=replace(task.config.model, bag_most=room))
    codes = task.network().state_dict()[BAG_CODES].numpy()
    assert len(codes) == room and set(before.tolist()) < set(codes.tolist())


def test_what_answers_is_kept_for_labels_that_both_have(base):
    artifact = load_artifact(base)
    shared = artifact.labels.names[1]
    _, task = begin_task(base, labels=(shared, "Other"))
    weights = {name: tensor.numpy() for name, tensor in task.network().state_dict().items()}
    new = task.labels.names.index(shared)
    assert (weights[HEAD_WEIGHT][new] == artifact.tensors[HEAD_WEIGHT][1]).all()
    rows = np.searchsorted(weights[BAG_CODES], artifact.tensors[BAG_CODES])
    assert (weights[BAG_WEIGHT][rows, new] == artifact.tensors[BAG_WEIGHT][:, 1]).all()
    assert not weights[BAG_WEIGHT][:, 1 - new].any()


def test_rows_of_a_bag_with_a_head_are_kept_whatever_the_labels_are(toy_reading, toy_folder, tmp_path):
    config = new_config(str(toy_folder), "base", {"epochs": 1})
    config = replace(config, model=replace(config.model, **SMALL, bag_size=2, bag_hidden=3, bag_min_count=1))
    config = replace(config, model=replace(config.model, word_buckets=9, word_size=2, separator=1))
    train_run(toy_reading, config, tmp_path)
    artifact, task = begin_task(tmp_path / "model.safetensors")
    weights = {name: tensor.numpy() for name, tensor in task.network().state_dict().items()}
    rows = np.searchsorted(weights[BAG_CODES], artifact.tensors[BAG_CODES])
    assert (weights[BAG_WEIGHT][rows] == artifact.tensors[BAG_WEIGHT]).all()
    for name in (BAG_HIDDEN_WEIGHT, BAG_HIDDEN_BIAS, WORDS):
        assert (weights[name] == artifact.tensors[name]).all()


def test_a_tuned_model_says_what_it_began_with(base, tmp_path):
    config = apply_options(new_config("data", "tuned", {"init": str(base)}), {"epochs": 1})
    train_run(other_reading(("New", "Other")), config, tmp_path)
    tuned = load_artifact(tmp_path / "model.safetensors")
    assert tuned.provenance["init"] == {"name": "base", "digest": load_artifact(base).digest}
    assert tuned.labels.names == ("New", "Other")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden_size": 5}, "hidden_size is 4; leave out the option that makes it 5"),
        ({"cell": "lstm"}, "cell is gru; leave out the option that makes it lstm"),
        ({"keep_case": True}, "reads strings as before"),
        ({"recipe": "t2b"}, "give one of them"),
        ({"tags": True}, "cannot begin a model that reads strings and answers with tags"),
    ],
)
def test_what_cannot_be_kept_is_refused(base, options, message):
    with pytest.raises(SettingError, match=message):
        new_config("data", "tuned", {"init": str(base), **options})


def test_a_model_that_is_not_there_is_refused():
    with pytest.raises(ModelFileError, match="nowhere"):
        new_config("data", "tuned", {"init": "nowhere"})


# Runs that train longer


def test_a_finished_run_trains_longer(toy_reading, toy_folder, tmp_path):
    config = new_config(str(toy_folder), "toy", {"epochs": 2})
    config = replace(config, model=replace(config.model, **SMALL))
    assert train_run(toy_reading, config, tmp_path).values["epochs"] == 2
    longer = stored_config(tmp_path, {"epochs": 4})
    report = train_run(toy_reading, longer, tmp_path, resume=True)
    assert (report.values["epochs"], report.values["complete"]) == (4, True)
    assert stored_config(tmp_path, {}).train.epochs == 4  # the next --resume needs no option


def test_a_run_cannot_become_shorter(toy_reading, toy_folder, tmp_path):
    config = new_config(str(toy_folder), "toy", {"epochs": 2})
    train_run(toy_reading, replace(config, model=replace(config.model, **SMALL)), tmp_path)
    with pytest.raises(SettingError, match="--epochs 1 is less than the 2 of the run"):
        stored_config(tmp_path, {"epochs": 1})


def tune_pairs(folder, reading, labels=()):
    """Return a task of pairs that starts from a random model in a file, and that model."""
    save_writer(build_writer(labels=labels), folder / "base.safetensors")
    base = Transcriber(load_writer(folder / "base.safetensors"))
    config = new_config("made up", "tuned", {"task": "pairs", "init": str(folder / "base.safetensors")})
    task = PairTask(reading, config)
    task.settle()
    return task, base


@pytest.mark.parametrize("labels", [(), ("Greek", "Polish")])
def test_pairs_that_start_from_a_model_write_at_first_what_it_writes(tmp_path, labels):
    some = tuple(
        replace(pair, label=["Greek", "Irish", ""][place % 3]) for place, pair in enumerate(make_pairs(90).examples)
    )
    task, base = tune_pairs(tmp_path, replace(make_pairs(90), examples=some), labels)
    assert task.vocabulary.symbols == tuple("abcdex") and task.targets.symbols == ("AH", "B", "K", "T", "S")
    assert task.known_labels.names == (*labels, *sorted({"Greek", "Irish"} - {*labels}))
    network = task.network()
    before = network.output.weight[5].clone()
    with torch.no_grad():
        network.output.bias[5] = -1e9  # the base has no S
    tuned = Transcriber(task.artifact(network.state_dict(), {}))
    for label in (None, "Greek", "Irish"):
        told = label if label in labels else None
        pairs = zip(tuned.predict(["abc", "dae"], label=label), base.predict(["abc", "dae"], label=told), strict=True)
        for one, other in pairs:
            assert one.label == other.label and one.probability == pytest.approx(other.probability, rel=5e-3)
    assert before.abs().sum() > 0 and task.config.train.learning_rate == 1e-3


def test_settings_of_pairs_that_must_stay_are_refused(tmp_path):
    task, _ = tune_pairs(tmp_path, make_pairs(40))
    for options, complaint in (
        ({"hidden_size": 13}, "hidden_size is 12"),
        ({"keep_case": True}, "normalisation"),
        ({"target_symbols": "characters"}, "target_symbols is blanks"),
    ):
        with pytest.raises(SettingError, match=complaint):
            new_config("made up", "tuned", {"task": "pairs", "init": str(tmp_path / "base.safetensors"), **options})
    with pytest.raises(SettingError, match="target_symbols is blanks"):
        PairTask(replace(make_pairs(40), target_symbols="characters"), task.config)
    with pytest.raises(ModelFileError, match="answers about what it reads|is a model that"):
        new_config("made up", "tuned", {"task": "pairs", "init": "languages"})
