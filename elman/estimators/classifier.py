"""A classifier of short strings with the interface of scikit-learn."""

from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin

from elman.checks import shown
from elman.errors import SettingError
from elman.estimators.estimator import PROVENANCE, SequenceEstimator, apply, read_fit
from elman.estimators.inputs import name_classes, read_labels, restore_classes
from elman.model.config import ModelConfig
from elman.model.file import Artifact
from elman.scoring.probabilities import softmax
from elman.training.config import RunConfig, TrainConfig


class SequenceClassifier(ClassifierMixin, SequenceEstimator):  # type: ignore[misc]
    """A recurrent network that answers a string with one of several labels.

    Its settings are those of `elman train`, with the same defaults. It trains in memory: nothing is written until
    `save`. ``X`` is one-dimensional: a list, an array or a column of strings.

    Args:
        cell: ``gru``, ``lstm``, or ``elman`` (also called ``rnn``).
        hidden_size: numbers in the state, for each direction.
        layers: recurrent layers.
        directions: 1 reads forwards, 2 forwards and backwards.
        embedding_size: numbers in the embedding of each symbol.
        ngrams: use n-grams beside the symbols.
        dropout: share of the final state that training drops, 0 up to 1. None: 0.5, or less from 20,000 strings on.
        epochs: passes over the strings; None: 18, and fewer over more than 20,000 strings.
        batch_size: strings of one length in a step.
        optimiser: ``adamw``, ``adam``, ``sgd`` or ``rmsprop``.
        learning_rate: the highest rate of the schedule.
        schedule: ``one-cycle`` or ``constant``.
        weight_decay: of the weight matrices.
        clip: the largest gradient norm; None: no limit.
        label_smoothing: share of the target that is spread over all labels, 0 up to 1.
        class_weight: None; ``balanced``, so that all classes count alike; or a dict from class to weight.
        patience: stop after so many epochs without a better validation loss; None: never.
        validation_fraction: share of the strings that chooses the epoch and the temperature, up to 0.5, where `fit`
            gets no ``eval_set``; 0: the strings that train choose the epoch, and probabilities are not calibrated.
        keep_case: tell upper from lower case.
        keep_script: do not write other scripts in Latin letters.
        max_characters: longer strings are left out of `fit`.
        random_state: the seed of weights, order, dropout and validation: a whole number, a ``RandomState``, or None for
            another seed in each call of `fit`.
        device: ``auto`` (a GPU if there is one), ``cpu``, ``cuda`` or ``mps``; predictions are made on the processor.
        n_jobs: threads of `fit`; -1: all; None: torch's default.
        verbose: 1 shows how far `fit` is: a bar on a terminal, one output in a notebook, lines elsewhere.
        init: the model to start from, shipped or your own, as for `elman train --init`: its symbols, tables and cells
            are kept. Parameters that have their default value are then those of the model, and ``learning_rate`` is
            0.002. None: start from random weights.

    Attributes:
        classes_: the labels, (C,), sorted, with the type of ``y``.
        predictor_: the model, an `elman.Predictor`: it explains answers and says where it abstains.
        history_: what each epoch did; a notebook shows its curves.
        n_iter_: how many epochs were done.
        best_epoch_: the epoch whose weights are kept; None if a loaded file does not say it.
        dropped_: how many strings were left out of `fit`, by reason.

    >>> names = [start + end for end in ("moto", "akis") for start in "ka mi ta no ri se yo ha ku ma".split()]
    >>> model = SequenceClassifier(hidden_size=8, epochs=3).fit(names, ["Japanese"] * 10 + ["Greek"] * 10)
    >>> model.classes_.tolist(), model.predict_proba(["kamoto"]).shape
    (['Greek', 'Japanese'], (1, 2))
    """

    _task = "label"

    def __init__(
        self,
        *,
        cell: str = ModelConfig.cell,
        hidden_size: int = ModelConfig.hidden_size,
        layers: int = ModelConfig.layers,
        directions: int = ModelConfig.directions,
        embedding_size: int = ModelConfig.embedding_size,
        ngrams: bool = True,
        dropout: float | None = ModelConfig.dropout,
        epochs: int | None = TrainConfig.epochs,
        batch_size: int = TrainConfig.batch_size,
        optimiser: str = TrainConfig.optimiser,
        learning_rate: float = TrainConfig.learning_rate,
        schedule: str = TrainConfig.schedule,
        weight_decay: float = TrainConfig.weight_decay,
        clip: float | None = TrainConfig.clip,
        label_smoothing: float = TrainConfig.label_smoothing,
        class_weight: Any = None,
        patience: int | None = TrainConfig.patience,
        validation_fraction: float = RunConfig.validation_share,
        keep_case: bool = False,
        keep_script: bool = False,
        max_characters: int = RunConfig.max_characters,
        random_state: Any = 0,
        device: str = TrainConfig.device,
        n_jobs: int | None = None,
        verbose: int = 0,
        init: str | Path | None = None,
    ) -> None:
        super().__init__(
            cell=cell,
            hidden_size=hidden_size,
            layers=layers,
            directions=directions,
            embedding_size=embedding_size,
            ngrams=ngrams,
            dropout=dropout,
            epochs=epochs,
            batch_size=batch_size,
            optimiser=optimiser,
            learning_rate=learning_rate,
            schedule=schedule,
            weight_decay=weight_decay,
            clip=clip,
            patience=patience,
            validation_fraction=validation_fraction,
            keep_case=keep_case,
            keep_script=keep_script,
            max_characters=max_characters,
            random_state=random_state,
            device=device,
            n_jobs=n_jobs,
            verbose=verbose,
            init=init,
        )
        self.label_smoothing = label_smoothing
        self.class_weight = class_weight

    def fit(self, X: Any, y: Any, sample_weight: Any = None, eval_set: Any = None) -> Self:  # noqa: N803
        """Train on strings and their labels.

        Every string counts, copies too; `elman train` counts copies once. Blank and too long strings are left out;
        `dropped_` counts them.

        Args:
            X: the strings, (N,).
            y: a label for each: integers, booleans or strings.
            sample_weight: how much each string counts in the loss, at least 0; strings of weight 0 are left out.
            eval_set: a pair ``(X, y)`` that chooses the epoch and the temperature; if None, a share of ``X`` does.

        Raises:
            SettingError: a parameter, ``X``, ``y``, ``sample_weight`` or ``eval_set`` cannot be used.
            ModelFileError: ``init`` is no model.
            NonFiniteLossError: the loss became infinite or not a number.
            MissingExtraError: torch is not installed.
        """
        strings, weights, held = read_fit(X, sample_weight, eval_set)
        labels = read_labels(y, len(strings))
        classes, ids = np.unique(labels, return_inverse=True)
        names = name_classes(classes)
        if len(classes) < 2:
            raise SettingError(f"y must have at least two classes; got 1 class: {names[0]}")
        checked = None if held is None else (held[0], self._name_answers(*held, classes, names))
        weights = weights * self._weigh_classes(classes)[ids]
        config = self._settings()
        dtype = "|O" if classes.dtype.kind == "O" else "|U" if classes.dtype.kind == "U" else classes.dtype.str
        self._train(strings, [names[place] for place in ids], weights, checked, config, {"dtype": dtype})
        return self

    def predict(self, X: Any) -> NDArray[Any]:  # noqa: N803
        """Return the most likely label of each string, (N,), with the type of ``y``.

        A string that the model cannot read, such as an empty one, gets the most frequent label of `fit`.

        Raises:
            SettingError: ``X`` cannot be used.
            NotFittedError: the estimator is not fitted.
        """
        probabilities = self.predict_proba(X)
        labels: NDArray[Any] = self.classes_[probabilities.argmax(axis=1)]
        return labels

    def predict_proba(self, X: Any) -> NDArray[np.float64]:  # noqa: N803
        """Return the calibrated probability of each label, (N, C), float64, in the order of `classes_`.

        A string that the model cannot read gets the share of each label in `fit`.

        Raises:
            SettingError: ``X`` cannot be used.
            NotFittedError: the estimator is not fitted.
        """
        readable, logits = self._score(X)
        artifact: Artifact = self.predictor_.artifact
        columns = artifact.labels.encode(name_classes(self.classes_))
        probabilities = np.tile(_find_shares(artifact), (len(readable), 1))
        probabilities[readable] = softmax(logits, artifact.temperature, artifact.floor)
        return np.ascontiguousarray(probabilities[:, columns])

    def predict_log_proba(self, X: Any) -> NDArray[np.float64]:  # noqa: N803
        """Return the logarithm of `predict_proba`."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def _settings(self) -> RunConfig:
        if not (self.class_weight is None or isinstance(self.class_weight, dict) or self.class_weight == "balanced"):
            raise SettingError(f"class_weight must be None, 'balanced' or a dict; got {self.class_weight!r}")
        weighting = 1.0 if self.class_weight == "balanced" else 0.0
        options = {"class_weighting": weighting, "label_smoothing": self.label_smoothing}
        return apply(super()._settings(), options)

    def _restore(self, artifact: Artifact) -> None:
        super()._restore(artifact)
        names = artifact.labels.names
        facts = artifact.provenance.get(PROVENANCE)
        dtype = facts.get("dtype") if isinstance(facts, dict) else None
        try:
            self.classes_ = restore_classes(names, str(dtype or "|U"))
            known = name_classes(self.classes_)
        except (ValueError, KeyError, TypeError, OverflowError):
            known = ()
        if sorted(known) != sorted(names):  # the file says another type than its labels have
            self.classes_ = restore_classes(names, "|U")

    def _weigh_classes(self, classes: NDArray[Any]) -> NDArray[np.float64]:
        """Return the weight of each class that `class_weight` names, (C,); 1 for the others."""
        if not isinstance(self.class_weight, dict):
            return np.ones(len(classes))
        if unknown := [label for label in self.class_weight if label not in classes.tolist()]:
            raise SettingError(f"class_weight names {unknown[0]!r}, which is no label of y")
        weights = np.array([float(self.class_weight.get(label, 1.0)) for label in classes.tolist()])
        if not (np.isfinite(weights) & (weights > 0)).all():
            raise SettingError("each weight in class_weight must be a finite number above 0")
        return weights

    def _name_answers(
        self, strings: list[str], answers: Any, classes: NDArray[Any], names: tuple[str, ...]
    ) -> list[str]:
        """Return the names of the labels of ``eval_set``."""
        by_label = dict(zip(classes.tolist(), names, strict=True))
        labels = read_labels(answers, len(strings), "eval_set[1]").tolist()
        if unknown := [label for label in labels if label not in by_label]:
            raise SettingError(f"eval_set has the label {shown(repr(unknown[0]))}, which y does not have")
        return [by_label[label] for label in labels]


def _find_shares(artifact: Artifact) -> NDArray[np.float64]:
    """Return the share of each label among the examples that trained a model, (C,); equal ones if it does not say."""
    data = artifact.provenance.get("data")
    counts = data.get("training_examples_per_label") if isinstance(data, dict) else None
    found = counts if isinstance(counts, dict) else {}
    numbers = [found.get(name, 0) for name in artifact.labels.names]
    if not all(isinstance(number, int) and 0 <= number < 2**53 for number in numbers) or not any(numbers):
        numbers = [1] * len(numbers)
    shares: NDArray[np.float64] = np.array(numbers, np.float64) / sum(numbers)
    return shares
