"""A regressor of short strings with the interface of scikit-learn."""

import math
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin

from elman.estimators.estimator import PROVENANCE, SequenceEstimator, read_fit
from elman.estimators.inputs import read_numbers


class SequenceRegressor(RegressorMixin, SequenceEstimator):  # type: ignore[misc]
    """A recurrent network that answers a string with a number.

    Its settings are those of `elman train --number`, with the same defaults. It trains in memory: nothing is written
    until `save`. ``X`` is one-dimensional: a list, an array or a column of strings.

    Args:
        cell: as of `SequenceClassifier`, like all parameters that follow.
        hidden_size: as there.
        layers: as there.
        directions: as there.
        embedding_size: as there.
        ngrams: as there.
        dropout: as there.
        epochs: as there.
        batch_size: as there.
        optimiser: as there.
        learning_rate: as there.
        schedule: as there.
        weight_decay: as there.
        clip: as there.
        patience: as there.
        validation_fraction: share of the strings that chooses the epoch; otherwise as there.
        keep_case: as there.
        keep_script: as there.
        max_characters: as there.
        random_state: as there.
        device: as there.
        n_jobs: as there.
        verbose: as there.
        init: as there.

    Attributes:
        predictor_: the model, an `elman.Predictor`.
        history_: what each epoch did; a notebook shows its curves.
        n_iter_: how many epochs were done.
        best_epoch_: the epoch whose weights are kept; None if a loaded file does not say it.
        dropped_: how many strings were left out of `fit`, by reason.

    >>> words = [letter * length for letter in "abcd" for length in range(1, 9)]
    >>> model = SequenceRegressor(hidden_size=8, epochs=3).fit(words, [float(len(word)) for word in words])
    >>> model.predict(["aaa", "bbbb"]).shape
    (2,)
    """

    _task = "number"

    def fit(self, X: Any, y: Any, sample_weight: Any = None, eval_set: Any = None) -> Self:  # noqa: N803
        """Train on strings and their numbers.

        Args:
            X: the strings, (N,).
            y: a finite number for each.
            sample_weight: as in `SequenceClassifier.fit`.
            eval_set: a pair ``(X, y)`` that chooses the epoch; if None, a share of ``X`` does.

        Raises:
            SettingError: a parameter, ``X``, ``y``, ``sample_weight`` or ``eval_set`` cannot be used.
            ModelFileError: ``init`` is no model.
            NonFiniteLossError: the loss became infinite or not a number.
            MissingExtraError: torch is not installed.
        """
        strings, weights, held = read_fit(X, sample_weight, eval_set)
        numbers = read_numbers(y, len(strings))
        checked = None
        if held is not None:
            checked = held[0], _to_texts(read_numbers(held[1], len(held[0]), "eval_set[1]"))
        facts = {"mean": float(np.average(numbers, weights=weights))}
        self._train(strings, _to_texts(numbers), weights, checked, self._settings(), facts)
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:  # noqa: N803
        """Return the number of each string, (N,), float64.

        A string that the model cannot read gets the mean of `fit`; NaN if the model file does not say it.

        Raises:
            SettingError: ``X`` cannot be used.
            NotFittedError: the estimator is not fitted.
        """
        readable, logits = self._score(X)
        facts = self.predictor_.artifact.provenance.get(PROVENANCE)
        mean = facts.get("mean") if isinstance(facts, dict) else None
        numbers = np.full(len(readable), mean if isinstance(mean, float) else math.nan)
        numbers[readable] = logits[:, 0]
        return numbers


def _to_texts(numbers: NDArray[np.float64]) -> list[str]:
    """Return numbers as texts that parse to the same numbers."""
    return [repr(number) for number in numbers.tolist()]
