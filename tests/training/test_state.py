"""The state of a training: what is kept, and the checkpoint that lets a training continue."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import safetensors.torch
import torch
from states import (
    NO_NGRAMS,
    PLAIN,
    TRAINING,
    VALIDATION,
    are_equal,
    begin,
    begin_with,
    encode,
    finish,
    mislabel,
    outcome,
    strings,
    sums,
)

from elman.errors import TrainingError
from elman.model.config import ModelConfig
from elman.reports import StepResult
from elman.training import network
from elman.training.loop import train
from elman.training.state import copy_weights, use_weights

CARRIED = [("adamw", 0.0), ("adamw", 0.9), ("adam", 0.0), ("sgd", 0.0), ("sgd", 0.9), ("rmsprop", 0.0)]
"""Optimisers and averages, whose own tensors a checkpoint holds."""

TinyModel = Callable[..., ModelConfig]


# What is kept


def test_the_kept_epoch_is_the_best_one_by_default(tiny_model):
    held = encode(mislabel(strings(60)))
    state = begin(tiny_model(**PLAIN), epochs=6)
    assert state.kept_epoch is None
    finish(state, TRAINING, held)
    assert state.kept_epoch == min(state.history, key=lambda result: result.validation_loss).epoch < 6


def test_before_the_first_epoch_none_is_kept(tiny_model):
    assert begin(tiny_model(), keep="last").kept_epoch is None


def test_a_model_has_other_weights_inside_the_context_alone(tiny_model):
    model = begin(tiny_model()).model
    own, zeros = copy_weights(model), {name: torch.zeros_like(t) for name, t in model.state_dict().items()}
    with pytest.raises(KeyError), use_weights(model, zeros):
        assert not any(tensor.any() for tensor in model.state_dict().values())
        raise KeyError
    assert are_equal(copy_weights(model), own)


def test_no_other_weights_change_nothing(tiny_model):
    model = begin(tiny_model()).model
    own = copy_weights(model)
    with use_weights(model, {}):
        assert are_equal(copy_weights(model), own)


# Checkpoints


@pytest.mark.parametrize("least", [1, 8192], ids=["row by row", "whole tables"])
@pytest.mark.parametrize(("optimiser", "average"), CARRIED)
@pytest.mark.parametrize("step", [1, 13])
def test_a_training_that_is_killed_in_an_epoch_ends_with_the_weights_of_one_that_is_not(
    monkeypatch, tiny_model, tmp_path, optimiser, average, step, least
):
    monkeypatch.setattr(network, "LARGE", least)
    settings = {"epochs": 3, "optimiser": optimiser, "average": average, "seed": 2}
    whole = finish(begin(tiny_model(bag_size=2), **settings))
    state = begin(tiny_model(bag_size=2), **settings)

    def stop(result: StepResult) -> None:
        if state.step == step:
            state.save(tmp_path / "checkpoint")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        for _ in train(state, TRAINING, VALIDATION, on_step=stop):
            pass
    restored = begin(tiny_model(bag_size=2), **settings)
    torch.manual_seed(99)  # what follows depends on the checkpoint alone
    restored.restore(tmp_path / "checkpoint")
    assert restored.step == step
    finish(restored)
    assert are_equal(restored.model.state_dict(), whole.model.state_dict())
    assert are_equal(restored.best, whole.best)
    assert list(map(outcome, restored.history)) == list(map(outcome, whole.history))


@pytest.mark.parametrize(("optimiser", "average"), CARRIED)
def test_a_restored_training_ends_with_the_same_weights_as_an_uninterrupted_one(
    tiny_model, tmp_path, optimiser, average
):
    settings = {"epochs": 4, "optimiser": optimiser, "average": average, "seed": 2}
    whole = finish(begin(tiny_model(), **settings))

    stopped = begin(tiny_model(), **settings)
    for result in train(stopped, TRAINING, VALIDATION):
        if result.epoch == 2:
            stopped.save(tmp_path / "checkpoint")
            break
    del stopped
    torch.rand(100)  # random draws in between must not matter
    again = begin(tiny_model(), **settings)
    again.restore(tmp_path / "checkpoint")
    assert again.epoch == 2
    finish(again)

    assert are_equal(again.model.state_dict(), whole.model.state_dict())
    assert are_equal(again.best, whole.best)
    assert list(map(outcome, again.history)) == list(map(outcome, whole.history))


@pytest.fixture
def checkpoint(tiny_model: TinyModel, tmp_path: Path) -> Path:
    state = begin(tiny_model())
    next(train(state, TRAINING, VALIDATION))
    state.save(tmp_path / "checkpoint.safetensors")
    return tmp_path / "checkpoint.safetensors"


def test_a_checkpoint_is_tensors_and_text_and_no_pickle_is_read(tiny_model, checkpoint, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a pickle was read")

    for reader in ("load", "loads", "Unpickler", "_Unpickler"):
        monkeypatch.setattr(pickle, reader, refuse)
    monkeypatch.setattr(torch, "load", refuse)
    state = begin(tiny_model())
    state.restore(checkpoint)
    stored = safetensors.numpy.load(checkpoint.read_bytes())
    assert all(np.array_equal(stored[f"model.{name}"], tensor) for name, tensor in state.model.state_dict().items())


def test_restore_refuses_a_missing_file(tiny_model, tmp_path):
    with pytest.raises(TrainingError, match="absent"):
        begin(tiny_model()).restore(tmp_path / "absent")


@pytest.mark.parametrize("content", [b"", b"some text\n", b"\x80\x04N.", bytes(range(256))])
def test_restore_refuses_a_file_of_another_kind(tiny_model, tmp_path, content):
    (tmp_path / "other").write_bytes(content)
    with pytest.raises(TrainingError, match="other"):
        begin(tiny_model()).restore(tmp_path / "other")


def test_restore_refuses_a_model_file(tiny_model, tiny_file):
    with pytest.raises(TrainingError, match="not a checkpoint"):
        begin(tiny_model()).restore(tiny_file)


@pytest.mark.parametrize("text", ["{}", "[]", "3", "{", '{"config": {}}'])
def test_restore_refuses_tensors_with_another_document(tiny_model, tmp_path, text):
    content = safetensors.numpy.save({"random": np.zeros(1, np.uint8)}, {"training": text})
    (tmp_path / "other").write_bytes(content)
    with pytest.raises(TrainingError, match="other"):
        begin(tiny_model()).restore(tmp_path / "other")


@pytest.mark.parametrize("share", [0.01, 0.2, 0.5, 0.9, 0.999])
def test_restore_refuses_a_truncated_checkpoint(tiny_model, checkpoint, share):
    content = checkpoint.read_bytes()
    checkpoint.write_bytes(content[: int(share * len(content))])
    with pytest.raises(TrainingError, match="checkpoint"):
        begin(tiny_model()).restore(checkpoint)


@pytest.mark.parametrize("change", [{"batch_size": 9}, {"optimiser": "sgd"}, {"seed": 1}, {"clip": None}])
def test_restore_refuses_another_training_configuration(tiny_model, checkpoint, change):
    with pytest.raises(TrainingError, match="configuration"):
        begin(tiny_model(), **change).restore(checkpoint)


@pytest.mark.parametrize("change", [{"hidden_size": 9}, {"cell": "lstm"}, {"layers": 2}])
def test_restore_refuses_a_checkpoint_of_another_network(tiny_model, checkpoint, change):
    with pytest.raises(TrainingError, match="checkpoint"):
        begin(tiny_model(**change)).restore(checkpoint)


def rewrite(path, change):
    """Change the tensors and the document of a checkpoint."""
    tensors, document = safetensors.torch.load(path.read_bytes()), read_document(path)
    change(tensors, document)
    path.write_bytes(safetensors.torch.save(tensors, {"training": json.dumps(document)}))


def read_document(path):
    content = path.read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return json.loads(header["__metadata__"]["training"])


def drop(part):
    def change(tensors, document):
        names = [name for name in tensors if name.startswith(part)]
        assert names
        for name in names:
            del tensors[name]

    return change


def forget(*changes):
    """Change a checkpoint, and the list of its tensors, too, as one of an older Elman has none."""

    def change(tensors, document):
        for one in changes:
            one(tensors, document)
        del document["tensors"]

    return change


def reshape(tensors, document):
    tensors["optimiser.0.exp_avg"] = torch.zeros(2, 2)


def move(tensors, document):
    tensors["optimiser.999.exp_avg"] = torch.zeros(2, 2)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        *((drop(part), part) for part in ("random", "optimiser.", "optimiser.0.step", "average.", "best.")),
        *((forget(drop(part)), part.strip(".")) for part in ("random", "optimiser.", "average.", "best.")),
        (reshape, "optimiser.0.exp_avg"),
        (move, "optimiser.999.exp_avg"),
        (lambda tensors, document: document["shuffle"].pop("state"), "complete"),
        (lambda tensors, document: document["history"][0].pop("epoch"), "epoch"),
        (lambda tensors, document: tensors.update(random=torch.zeros(3)), "complete"),
    ],
)
def test_restore_refuses_a_checkpoint_that_lacks_something(tiny_model, tmp_path, change, problem):
    state = begin(tiny_model(), epochs=1, average=0.9)
    finish(state, TRAINING, VALIDATION)
    state.save(tmp_path / "checkpoint")
    rewrite(tmp_path / "checkpoint", change)
    with pytest.raises(TrainingError, match="is not a complete checkpoint") as refusal:
        begin(tiny_model(), epochs=1, average=0.9).restore(tmp_path / "checkpoint")
    assert problem in str(refusal.value) and "\n" not in str(refusal.value)


def test_a_checkpoint_of_an_older_elman_is_restored(tiny_model, tmp_path):
    state = begin(tiny_model(), epochs=2)
    finish(state, TRAINING, VALIDATION)
    state.save(tmp_path / "checkpoint")
    rewrite(tmp_path / "checkpoint", forget())
    again = begin(tiny_model(), epochs=2)
    again.restore(tmp_path / "checkpoint")
    assert again.history == state.history


def test_a_checkpoint_of_a_regressor_is_restored(tiny_model, tmp_path):
    data = sums()
    whole, stopped, again = (begin_with(tiny_model(input_size=3, **NO_NGRAMS), data, 1, epochs=2) for _ in range(3))
    finish(whole, data, data)
    next(train(stopped, data, data))
    stopped.save(tmp_path / "checkpoint")
    again.restore(tmp_path / "checkpoint")
    finish(again, data, data)
    assert are_equal(again.best, whole.best)
    assert list(map(outcome, again.history)) == list(map(outcome, whole.history))
