"""Metrics: numbers about probabilities and the truth. scikit-learn counts; this module adds what it does not have."""

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    mean_absolute_error,
    mean_squared_error,
    precision_recall_fscore_support,
    r2_score,
)

from elman.records import EvalReport, LabelScore, NumberReport, TagReport

CALIBRATION_BINS = 15
TOP = (2, 3, 4, 5)

NO_ANSWER = -1
"""The label id of an answer for which the model abstains."""

Probabilities = NDArray[np.float64]
LabelIds = NDArray[np.int64]


def score(
    probabilities: Probabilities, truth: LabelIds, labels: Sequence[str], *, reasons: Sequence[str | None] = ()
) -> EvalReport:
    """Score a classifier.

    Args:
        probabilities: (N, C), rows sum to 1.
        truth: label ids, (N,), N at least 1.
        labels: the C names.
        reasons: why each example is not answered; None if it is. Empty if all are.

    >>> report = score(np.array([[0.9, 0.1], [0.6, 0.4]]), np.array([0, 1]), ["Dutch", "Greek"])
    >>> report.accuracy, round(report.nll, 3)
    (0.5, 0.511)
    """
    answered = find_answered(reasons, len(truth))
    guesses = np.full(len(truth), NO_ANSWER)
    guesses[answered] = probabilities[answered].argmax(axis=1)
    all_truth, share = truth, float(answered.mean())
    probabilities, truth = probabilities[answered], truth[answered]
    precision, recall, f1, support = precision_recall_fscore_support(
        all_truth, guesses, labels=np.arange(len(labels)), zero_division=0.0
    )
    present = support > 0
    return EvalReport(
        examples=len(all_truth),
        accuracy=float(accuracy_score(all_truth, guesses)),
        top_k={k: top_k_accuracy(probabilities, truth, k) * share if share else 0.0 for k in TOP},
        macro_f1=float(f1[present].mean()),
        nll=negative_log_likelihood(probabilities, truth) if share else None,
        brier=brier_score(probabilities, truth) if share else None,
        calibration_error=calibration_error(probabilities, truth) if share else None,
        answered_accuracy=top_k_accuracy(probabilities, truth, 1) if share else None,
        per_label={
            name: LabelScore(float(precision[k]), float(recall[k]), float(f1[k]), int(support[k]))
            for k, name in enumerate(labels)
            if present[k]
        },
        abstentions=count_reasons(reasons),
    )


def find_answered(reasons: Sequence[str | None], examples: int) -> NDArray[np.bool_]:
    """Return which of so many examples are answered, (N,), bool; all of them if there are no reasons."""
    return np.array([reason is None for reason in reasons]) if len(reasons) else np.full(examples, True)


def count_reasons(reasons: Iterable[str | None]) -> dict[str, int]:
    """Return how often each reason to abstain occurs, the most frequent first; None is no reason.

    >>> count_reasons(["blank", None, "too long", "blank"])
    {'blank': 2, 'too long': 1}
    """
    return dict(Counter(reason for reason in reasons if reason is not None).most_common())


def score_tags(guesses: Sequence[LabelIds], truth: Sequence[LabelIds], nll: float | None = None) -> TagReport:
    """Score tagged strings.

    Args:
        guesses: for each string the ids of its answered tags, (T,).
        truth: for each string the ids of its true tags, (T,).
        nll: mean negative log-likelihood of a tag, nats; None if the answers have no probabilities.

    >>> report = score_tags([np.array([0, 1]), np.array([1])], [np.array([0, 0]), np.array([1])])
    >>> round(report.symbol_accuracy, 3), report.string_accuracy
    (0.667, 0.5)
    """
    right = [guess == true for guess, true in zip(guesses, truth, strict=True)]
    symbols = np.concatenate(right)
    return TagReport(len(right), len(symbols), float(symbols.mean()), float(np.mean([r.all() for r in right])), nll)


def score_numbers(guesses: NDArray[np.float64], truth: NDArray[np.float64]) -> NumberReport:
    """Score predicted numbers, both (N,).

    >>> score_numbers(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 4.0])).r2
    0.7857142857142857
    """
    alone = len(truth) < 2  # one number has no variance to explain
    return NumberReport(
        examples=len(truth),
        r2=0.0 if alone else float(r2_score(truth, guesses)),
        rmse=float(np.sqrt(mean_squared_error(truth, guesses))),
        mae=float(mean_absolute_error(truth, guesses)),
    )


def top_k_accuracy(probabilities: Probabilities, truth: LabelIds, k: int) -> float:
    """Return the share of rows whose truth is among the k most likely labels; 1 if k is C or more.

    The order of the labels decides ties, as in `predict`.
    """
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, :k]
    return float((best == truth[:, None]).any(axis=1).mean())


def negative_log_likelihood(probabilities: Probabilities, truth: LabelIds) -> float:
    """Return the mean negative log-likelihood of the truth, nats."""
    likelihood = probabilities[np.arange(len(truth)), truth]
    return float(np.abs(np.log(np.clip(likelihood, np.finfo(np.float64).tiny, 1.0))).mean())


def brier_score(probabilities: Probabilities, truth: LabelIds) -> float:
    """Return the mean squared distance to the truth, 0 to 2 (G. W. Brier, 1950, in the form for several classes)."""
    truths = np.eye(probabilities.shape[1])[truth]
    return float(((probabilities - truths) ** 2).sum(axis=1).mean())


def reliability(
    probabilities: Probabilities, truth: LabelIds, bins: int = CALIBRATION_BINS
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Group predictions by the probability of their label, in equal bins from 0 to 1.

    Returns:
        For each bin that is not empty: the number of predictions, their mean probability, and the share that is right.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == truth
    places = np.minimum((confidence * bins).astype(int), bins - 1)
    count = np.bincount(places, minlength=bins)
    filled = count > 0
    mean = np.bincount(places, weights=confidence, minlength=bins)[filled] / count[filled]
    share = np.bincount(places, weights=right, minlength=bins)[filled] / count[filled]
    return count[filled], mean, share


def calibration_error(probabilities: Probabilities, truth: LabelIds, bins: int = CALIBRATION_BINS) -> float:
    """Return the expected calibration error, 0 to 1: how much probabilities differ from the share that is right.

    Source: M. P. Naeini et al., "Obtaining well calibrated probabilities using Bayesian binning", 2015; of the most
    likely label, in equal bins.
    """
    count, mean, share = reliability(probabilities, truth, bins)
    return float((count * np.abs(mean - share)).sum() / count.sum())


def calibration_error_by_chance(probabilities: Probabilities, *, draws: int = 100, seed: int = 0) -> float:
    """Return the calibration error that a perfectly calibrated model would have on so few examples.

    Truths are drawn from the probabilities themselves, so these are right by construction; the error that remains is
    chance (J. Vaicenavicius et al., "Evaluating model calibration in classification", 2019).

    Args:
        probabilities: (N, C), rows sum to 1.
        draws: how many truths are drawn for each example.
        seed: of the draws.
    """
    random = np.random.default_rng(seed)
    upto = probabilities.cumsum(axis=1)
    last = probabilities.shape[1] - 1
    errors = []
    for _ in range(draws):
        drawn = (upto < random.random((len(probabilities), 1))).sum(axis=1)
        errors.append(calibration_error(probabilities, np.minimum(drawn, last)))
    return float(np.mean(errors))


def confusion(probabilities: Probabilities, truth: LabelIds) -> NDArray[np.int64]:
    """Return how many examples of each true label (row) got each answer (column): (C, C), int64."""
    matrix: NDArray[np.int64] = confusion_matrix(
        truth, probabilities.argmax(axis=1), labels=np.arange(probabilities.shape[1])
    )
    return matrix
