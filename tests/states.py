"""States of trainings on made-up strings: what tests of the loop and of checkpoints share."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import torch

from elman.data.batches import EncodedExamples
from elman.model.config import ModelConfig
from elman.records import Example
from elman.reports import EpochResult
from elman.text.ngrams import inventory
from elman.text.vocabulary import Labels, Vocabulary
from elman.training.config import TrainConfig
from elman.training.loop import train
from elman.training.network import SequenceModel
from elman.training.ranks import Ranks
from elman.training.state import TrainingState

LABELS = Labels(("Alfa", "Beta", "Gamma"))
VOCABULARY = Vocabulary(tuple("abcmnoxyz"))
PLAIN = {field.name: 0.0 for field in fields(ModelConfig) if field.name.endswith("dropout")}


def encode(examples: Sequence[Example]) -> EncodedExamples:
    """Return the examples as numbers."""
    return EncodedExamples.of_strings(examples, VOCABULARY, LABELS)


def strings(count: int, *, seed: int = 0, length: int | None = None) -> list[Example]:
    """Return made-up strings whose letters tell the label."""
    draw = np.random.default_rng(seed)
    letters = {"Alfa": "abc", "Beta": "mno", "Gamma": "xyz"}
    return [
        Example("".join(draw.choice(list(letters[label]), length or draw.integers(1, 5))), label)
        for _, label in zip(range(count), LABELS.names * count, strict=False)
    ]


def mislabel(examples: Sequence[Example]) -> list[Example]:
    """Return the strings with other labels: the better the strings are learned, the higher the loss on these."""
    names = LABELS.names
    return [Example(e.text, names[(names.index(e.label) + 1) % len(names)]) for e in examples]


TRAINING, VALIDATION = encode(strings(60)), encode(strings(20, seed=1))


def begin(
    shape: ModelConfig, data: EncodedExamples = TRAINING, *, ranks: Ranks | None = None, **settings: Any
) -> TrainingState:
    """Return a state before its first step; the seed draws the weights too."""
    config = TrainConfig(**{"epochs": 3, "batch_size": 8, "learning_rate": 0.02, **settings})
    torch.manual_seed(config.seed)
    ngrams = inventory((batch.inputs for batch in data.batches(64)), shape.bag_orders, shape.bag_min_count)
    model = SequenceModel(shape, symbols=len(VOCABULARY), labels=len(LABELS), inventory=ngrams)
    return TrainingState(model, config, steps_in_epoch=config.draws or data.steps(config.batch_size), ranks=ranks)


def finish(state: TrainingState, data: EncodedExamples = TRAINING, held: EncodedExamples = VALIDATION) -> TrainingState:
    """Train until the end and return the state."""
    for _ in train(state, data, held):
        pass
    return state


def copy_trained(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Return a copy of what training changes."""
    return {name: weight.detach().clone() for name, weight in model.named_parameters()}


def are_equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    """Return whether two models have the same weights to the bit."""
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def outcome(result: EpochResult) -> dict[str, Any]:
    """Return what an epoch did, without the time that it took."""
    return {name: getattr(result, name) for name in EpochResult.__slots__ if name != "seconds"}


NO_NGRAMS = {**PLAIN, "ngram_orders": (), "bag_orders": ()}


def begin_with(config: ModelConfig, data: EncodedExamples, labels: int, **settings: Any) -> TrainingState:
    """Return a state of a network whose inputs and answers are not those of the made-up strings."""
    torch.manual_seed(0)
    training = TrainConfig(**{"epochs": 60, "batch_size": 8, "learning_rate": 0.05, **settings})
    model = SequenceModel(config, symbols=5, labels=labels)
    return TrainingState(model, training, steps_in_epoch=training.draws or data.steps(training.batch_size))


def sums() -> EncodedExamples:
    """Return rows of numbers; the answer to each is a weighted sum of its numbers."""
    inputs = np.random.default_rng(0).standard_normal((12, 1, 3)).astype(np.float32)
    return EncodedExamples(list(inputs), (inputs[:, 0] @ np.array([1, -2, 0.5], np.float32)))
