"""Elman reads short sequences with small recurrent networks.

>>> import elman
>>> elman.load("languages").predict("Nakamura").label
'Japanese'

Predicting needs no deep-learning framework. Training needs ``pip install 'elman[train]'``; the names that need it are
loaded when first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from elman.errors import (
    DamagedModelError,
    DataError,
    ElmanError,
    HubError,
    MissingExtraError,
    ModelFileError,
    NewerModelError,
    NonFiniteLossError,
    NotAModelError,
    SettingError,
    TrainingError,
    WorkerError,
)
from elman.extras import extra
from elman.model.config import ModelConfig
from elman.records import Candidate, Example, Likelihood, Prediction, PredictionColumns, Sample
from elman.version import __version__

if TYPE_CHECKING:
    from elman.annotation.frames import annotate_frame
    from elman.data.examples import read_examples
    from elman.estimators.classifier import SequenceClassifier
    from elman.estimators.regressor import SequenceRegressor
    from elman.export.file import export_onnx
    from elman.prediction.generator import Generator
    from elman.prediction.loading import load
    from elman.prediction.predictor import Predictor
    from elman.prediction.transcriber import Transcriber
    from elman.reports import EpochResult, EvalReport
    from elman.scoring.system import system
    from elman.shares.estimates import estimate_shares
    from elman.training.config import RunConfig, TrainConfig
    from elman.training.recipes import best_settings
    from elman.training.run import RunReport
    from elman.training.shortcut import train_run

__all__ = [
    "Candidate",
    "DamagedModelError",
    "DataError",
    "ElmanError",
    "EpochResult",
    "EvalReport",
    "Example",
    "Generator",
    "HubError",
    "Likelihood",
    "MissingExtraError",
    "ModelConfig",
    "ModelFileError",
    "NewerModelError",
    "NonFiniteLossError",
    "NotAModelError",
    "Prediction",
    "PredictionColumns",
    "Predictor",
    "RunConfig",
    "RunReport",
    "Sample",
    "SequenceClassifier",
    "SequenceRegressor",
    "SettingError",
    "TrainConfig",
    "TrainingError",
    "Transcriber",
    "WorkerError",
    "__version__",
    "annotate_frame",
    "best_settings",
    "estimate_shares",
    "export_onnx",
    "load",
    "read_examples",
    "system",
    "train_run",
]

_LAZY = {
    "EpochResult": "elman.reports",
    "EvalReport": "elman.reports",
    "annotate_frame": "elman.annotation.frames",
    "estimate_shares": "elman.shares.estimates",
    "export_onnx": "elman.export.file",
    "Predictor": "elman.prediction.predictor",
    "Generator": "elman.prediction.generator",
    "Transcriber": "elman.prediction.transcriber",
    "load": "elman.prediction.loading",
    "read_examples": "elman.data.examples",
    "RunConfig": "elman.training.config",
    "RunReport": "elman.training.run",
    "SequenceClassifier": "elman.estimators.classifier",
    "SequenceRegressor": "elman.estimators.regressor",
    "TrainConfig": "elman.training.config",
    "best_settings": "elman.training.recipes",
    "system": "elman.scoring.system",
    "train_run": "elman.training.shortcut",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        with extra("train", purpose=f"elman.{name}"):
            return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'elman' has no attribute {name!r}")
