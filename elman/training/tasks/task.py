"""What a task owes to the run that trains it.

A task is everything about a training that depends on what is read and what is answered: how examples become numbers,
which network fits them, what stands in the model file, and how the trained model is measured. The run keeps the folder,
the epochs and the checkpoints, and knows none of it.
"""

import platform
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from elman.data.batches import EncodedExamples
from elman.data.examples import MAX_CHARACTERS
from elman.errors import SettingError
from elman.evaluation.plots import Figure
from elman.model.config import ModelConfig, TrainConfig
from elman.model.file import Artifact
from elman.prediction.predictor import Predictor
from elman.records import EvalReport, NumberReport, TagReport
from elman.text.normalisation import Normalisation
from elman.training.network import SequenceModel
from elman.version import __version__

LARGEST_SEED = 2**32 - 1
"""What scikit-learn takes."""

Report = EvalReport | TagReport | NumberReport


@dataclass(frozen=True)
class RunConfig:
    """Everything that decides what a run computes.

    Args:
        name: what the model will be called.
        data: where the examples come from, as the user gave it.
        model: the shape of the network.
        train: the way it is trained.
        task: ``label``, ``tags`` or ``number`` of strings; ``images``; or ``features`` for a linear regression.
        split: ``grouped``, ``stratified`` or ``none``.
        split_seed: of the shuffle before the split.
        test_share: kept for one last look.
        validation_share: chooses the epoch and the temperature.
        normalisation: how strings are prepared.
        symbol_min_count: rarer symbols are unknown ones.
        shared_alphabet: of ``tags``: every symbol that is read may be answered too.
        shift: of ``images``: in training they are moved at random by up to so many pixels each way.
        text_column: of a table.
        label_column: of a table; for ``number`` and ``features`` it holds the number.
        feature_columns: of a table, for ``features``.
        max_characters: longer strings are dropped.
        data_folder: where a named set lies.
    """

    name: str
    data: str
    model: ModelConfig = field(default_factory=ModelConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    task: str = "label"
    split: str = "grouped"
    split_seed: int = 0
    test_share: float = 0.1
    validation_share: float = 0.05
    normalisation: Normalisation = field(default_factory=Normalisation)
    symbol_min_count: int = 1
    shared_alphabet: bool = False
    shift: int = 0
    text_column: str = "name"
    label_column: str = "label"
    feature_columns: tuple[str, ...] = ()
    max_characters: int = MAX_CHARACTERS
    data_folder: str | None = None

    def __post_init__(self) -> None:
        """Check what no other config checks."""
        for name, share in (("test_share", self.test_share), ("validation_share", self.validation_share)):
            if not isinstance(share, int | float) or not 0 < share < 1:
                raise SettingError(f"the test and validation shares must be above 0 and below 1; {name} is {share!r}")
        if not isinstance(self.split_seed, int) or not 0 <= self.split_seed <= LARGEST_SEED:
            raise SettingError(f"seed must be a whole number from 0 to {LARGEST_SEED}; got {self.split_seed!r}")
        if not isinstance(self.shift, int) or isinstance(self.shift, bool) or self.shift < 0:
            raise SettingError(f"shift must be a whole number of pixels of at least 0; got {self.shift!r}")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "RunConfig":
        """Build a config from plain values, as ``config.json`` holds them."""
        plain = dict(values)
        return cls(
            model=ModelConfig.from_dict(plain.pop("model")),
            train=TrainConfig.from_dict(plain.pop("train")),
            normalisation=Normalisation(**plain.pop("normalisation")),
            feature_columns=tuple(plain.pop("feature_columns", ())),
            **plain,
        )


@dataclass(frozen=True)
class Findings:
    """What measuring a trained model found.

    Args:
        test: the model's scores on the test part.
        validation: its scores on the validation part.
        baseline: the scores of a simple baseline on the test part.
        verdict: whether the model earns its place, in words.
        rows: title, then the figure of the test part, the validation part and the baseline, as people read them.
        remarks: what a reader should know, one sentence each.
        values: more that ``report.json`` holds.
        pictures: title and figure, by file name.
    """

    test: Report
    validation: Report
    baseline: Report
    verdict: str
    rows: tuple[tuple[str, ...], ...]
    remarks: tuple[str, ...] = ()
    values: dict[str, Any] = field(default_factory=dict)
    pictures: dict[str, tuple[str, Figure]] = field(default_factory=dict)


class Task(ABC):
    """Examples of one kind, ready to be trained on and measured.

    Attributes:
        training: what to learn from.
        validation: what chooses the epoch.
        dropped: how many lines of the source did not become an example, by reason.
        notes: what a user should know of the data.
        sizes: examples in the ``train``, ``validation`` and ``test`` part.
        split_kind: ``grouped``, ``stratified``, ``none``, ``random`` (rows) or ``given`` (by the source).
        fingerprint: of the split: equal data split alike have equal ones.
    """

    training: EncodedExamples
    validation: EncodedExamples
    dropped: dict[str, int]
    notes: tuple[str, ...] = ()
    sizes: dict[str, int]
    fingerprint: str
    split_kind: str

    @abstractmethod
    def network(self) -> SequenceModel:
        """Return the untrained network; the seed has been set."""

    @abstractmethod
    def artifact(self, weights: Mapping[str, Tensor], provenance: dict[str, Any]) -> Artifact:
        """Return the model with these weights, calibrated on the validation part."""

    @abstractmethod
    def findings(self, predictor: Predictor) -> Findings:
        """Measure the model, looking at the test part."""

    @abstractmethod
    def description(self) -> str:
        """Say what is answered, and how the examples were split, in one line."""

    def sample(self, model: SequenceModel) -> str | None:
        """Return what the network makes of one example just now, for those who watch; None where it shows nothing."""
        del model
        return None


def versions() -> dict[str, str]:
    """Return the versions of what trains."""
    return {
        "elman": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }


def shipped_weights(weights: Mapping[str, Tensor]) -> dict[str, Any]:
    """Return weights as numpy arrays, rounded to what float16 holds; those beyond it stay as they are."""
    return {name: _rounded(tensor).numpy() for name, tensor in weights.items()}


def _rounded(tensor: Tensor) -> Tensor:
    if not tensor.is_floating_point():
        return tensor
    half = tensor.half().float()
    return half if bool(half.isfinite().all()) else tensor
