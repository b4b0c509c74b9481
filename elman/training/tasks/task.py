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
from elman.evaluation.plots import Figure
from elman.model.file import Artifact
from elman.prediction.predictor import Predictor
from elman.records import EvalReport, NumberReport, TagReport
from elman.training.network import SequenceModel
from elman.version import __version__

Report = EvalReport | TagReport | NumberReport


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
