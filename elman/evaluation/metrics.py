"""Metrics: numbers about probabilities and the truth. scikit-learn counts; this module adds what it does not have."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    mean_absolute_error,
    mean_squared_error,
    precision_recall_fscore_support,
    r2_score,
    roc_auc_score,
)

from elman.evaluation.intervals import DRAWS, Interval, bound_f1, bound_share
from elman.evaluation.uncertainty import bound_label_scores, bound_number_scores, bound_ranking, bound_tag_scores
from elman.reports import EvalReport, LabelScore, NumberReport, Outcomes, TagReport

CALIBRATION_BINS = 15
TOP = (2, 3, 4, 5)

NO_ANSWER = -1
"""The label id of an answer for which the model abstains."""

Probabilities = NDArray[np.float64]
LabelIds = NDArray[np.int64]


def score(
    probabilities: Probabilities,
    truth: LabelIds,
    labels: Sequence[str],
    *,
    reasons: Sequence[str | None] = (),
    draws: int = DRAWS,
) -> EvalReport:
    """Score a classifier.

    Args:
        probabilities: (N, C), rows sum to 1.
        truth: label ids, (N,), N at least 1.
        labels: the C names.
        reasons: why each example is not answered; None if it is. Empty if all are.
        draws: bootstrap samples of the intervals; 0 leaves the intervals out.

    >>> report = score(np.array([[0.9, 0.1], [0.6, 0.4]]), np.array([0, 1]), ["Dutch", "Greek"])
    >>> report.accuracy, round(report.nll, 3)
    (0.5, 0.511)
    """
    answered = find_answered(reasons, len(truth))
    guesses = np.full(len(truth), NO_ANSWER)
    guesses[answered] = probabilities[answered].argmax(axis=1)
    per_label, macro_f1 = _score_each_label(guesses, truth, labels)
    ranks = rank_truth(probabilities[answered], truth[answered])
    examples, answers = len(truth), len(ranks)
    report = EvalReport(
        examples=examples,
        accuracy=float(accuracy_score(truth, guesses)),
        top_k={k: int((ranks < k).sum()) / examples for k in TOP},
        macro_f1=macro_f1,
        nll=None,
        brier=None,
        calibration_error=None,
        per_label=per_label,
        abstentions=count_reasons(reasons),
        outcomes=Outcomes((guesses == truth).astype(np.float64), np.ones(examples)),
    )
    shares = {
        "accuracy": report.accuracy,
        **{f"top_{k}": share for k, share in report.top_k.items() if k < len(labels)},
    }
    intervals = {name: bound_share(share * examples, examples) for name, share in shares.items()}
    if answers:
        probabilities, kept = probabilities[answered], truth[answered]
        losses = {"nll": lose_likelihood(probabilities, kept), "brier": _lose_brier(probabilities, kept)}
        right = int((ranks < 1).sum())
        report = replace(
            report,
            nll=float(losses["nll"].mean()),
            brier=float(losses["brier"].mean()),
            calibration_error=calibration_error(probabilities, kept),
            answered_accuracy=right / answers,
            **_score_two_labels(probabilities, kept, labels),
        )
        intervals["answered_accuracy"] = bound_share(right, answers)
        if draws:
            confidence = probabilities.max(axis=1)
            named = ("macro_f1", "nll", "brier", "calibration_error")
            intervals |= bound_label_scores(
                {name: getattr(report, name) for name in named},
                truth=truth,
                guesses=guesses,
                answered=answered,
                losses=losses,
                confidence=confidence,
                bins=place_in_bins(confidence),
                labels=len(labels),
                draws=draws,
            )
            if report.roc_auc is not None and report.pr_auc is not None and report.positive is not None:
                positive = list(labels).index(report.positive)
                areas = {"roc_auc": report.roc_auc, "pr_auc": report.pr_auc}
                intervals |= bound_ranking(areas, probabilities[:, positive], kept == positive, draws=draws)
    return replace(report, intervals=intervals if draws else {})


def _score_each_label(guesses: LabelIds, truth: LabelIds, labels: Sequence[str]) -> tuple[dict[str, LabelScore], float]:
    """Return the scores of each label that has examples, and the mean of their F1."""
    precision, recall, f1, support = precision_recall_fscore_support(
        truth, guesses, labels=np.arange(len(labels)), zero_division=0.0
    )
    hits = np.bincount(truth[guesses == truth], minlength=len(labels))
    answers = np.bincount(guesses[guesses != NO_ANSWER], minlength=len(labels))
    present = support > 0

    def bound(k: int) -> dict[str, Interval]:
        right, misses = int(hits[k]), int(support[k] + answers[k] - 2 * hits[k])
        shares = {"recall": bound_share(right, int(support[k])), "f1": bound_f1(right, misses)}
        return shares if not answers[k] else {"precision": bound_share(right, int(answers[k])), **shares}

    scores = {
        name: LabelScore(float(precision[k]), float(recall[k]), float(f1[k]), int(support[k]), bound(k))
        for k, name in enumerate(labels)
        if present[k]
    }
    return scores, float(f1[present].mean())


def _score_two_labels(probabilities: Probabilities, truth: LabelIds, labels: Sequence[str]) -> dict[str, Any]:
    """Return the label of two that is rarer, and the areas under its curves; nothing if there are more or one only."""
    if len(labels) != 2:
        return {}
    positive = find_positive(truth)
    is_positive, chances = truth == positive, probabilities[:, positive]
    if is_positive.all() or not is_positive.any():
        return {"positive": labels[positive]}
    return {
        "positive": labels[positive],
        "roc_auc": float(roc_auc_score(is_positive, chances)),
        "pr_auc": float(average_precision_score(is_positive, chances)),
    }


def find_positive(truth: LabelIds) -> int:
    """Return the id of the rarer of two labels, 0 or 1; the second one if they are equally frequent.

    >>> find_positive(np.array([0, 1, 1])), find_positive(np.array([0, 1]))
    (0, 1)
    """
    return int(2 * int(np.sum(truth == 1)) <= len(truth))


def list_thresholds(chances: NDArray[np.float64], positive: NDArray[np.bool_]) -> list[dict[str, Any]]:
    """Return what answering the rarer of two labels from each probability on would give.

    Args:
        chances: its probability, (N,).
        positive: whether it is the true label, (N,).

    >>> [row["recall"] for row in list_thresholds(np.array([0.15, 0.85]), np.array([True, True]))][:3]
    [1.0, 0.5, 0.5]
    """
    rows = []
    for tenths in range(1, 10):
        answers = chances >= tenths / 10
        hits, total, found = int((answers & positive).sum()), int(positive.sum()), int(answers.sum())
        false = found - hits
        rows.append(
            {
                "threshold": tenths / 10,
                "answers": found,
                "precision": hits / found if found else None,
                "recall": hits / total if total else None,
                "false_positive_rate": false / (len(chances) - total) if len(chances) > total else None,
                "f1": 2 * hits / (found + total) if found + total else None,
                "intervals": {
                    **({"precision": list(bound_share(hits, found))} if found else {}),
                    **({"recall": list(bound_share(hits, total))} if total else {}),
                    **({"f1": list(bound_f1(hits, false + total - hits))} if found + total - hits else {}),
                },
            }
        )
    return rows


def curve_of_coverage(
    probabilities: Probabilities, truth: LabelIds
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return how accurate a classifier is if it answers only the examples of which it is surest.

    Args:
        probabilities: (N, C).
        truth: label ids, (N,), N at least 1.

    Returns:
        The share that is answered, rising to 1; the probability of the least sure answer; and the accuracy of the
        answers; each (N,), one for each number of answers. Equal probabilities share one accuracy, that of all of them.

    >>> curve_of_coverage(np.array([[0.6, 0.4], [0.9, 0.1]]), np.array([1, 0]))[2].tolist()
    [1.0, 0.5]
    """
    sure, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    order = np.argsort(-sure, kind="stable")
    limits, counts = sure[order], np.arange(1, len(sure) + 1)
    last = np.searchsorted(-limits, -limits, side="right") - 1
    accuracy: NDArray[np.float64] = (np.cumsum(right[order]) / counts)[last]
    return counts / len(sure), limits, accuracy


def find_answered(reasons: Sequence[str | None], examples: int) -> NDArray[np.bool_]:
    """Return which of so many examples are answered, (N,), bool; all of them if there are no reasons."""
    return np.array([reason is None for reason in reasons]) if len(reasons) else np.full(examples, True)


def count_reasons(reasons: Iterable[str | None]) -> dict[str, int]:
    """Return how often each reason to abstain occurs, the most frequent first; None is no reason.

    >>> count_reasons(["blank", None, "too long", "blank"])
    {'blank': 2, 'too long': 1}
    """
    return dict(Counter(reason for reason in reasons if reason is not None).most_common())


def score_tags(
    guesses: Sequence[LabelIds],
    truth: Sequence[LabelIds],
    nll: float | None = None,
    *,
    losses: NDArray[np.float64] | None = None,
) -> TagReport:
    """Score tagged strings.

    Args:
        guesses: for each string the ids of its answered tags, (T,).
        truth: for each string the ids of its true tags, (T,).
        nll: mean negative log-likelihood of a tag, nats; None if the answers have no probabilities.
        losses: the sum of it over the tags of each string, (N,); NaN for a string that is not answered.

    >>> report = score_tags([np.array([0, 1]), np.array([1])], [np.array([0, 0]), np.array([1])])
    >>> round(report.symbol_accuracy, 3), report.string_accuracy
    (0.667, 0.5)
    """
    correct = [guess == true for guess, true in zip(guesses, truth, strict=True)]
    right, symbols = (np.array([measure(one) for one in correct], np.float64) for measure in (np.sum, len))
    whole = int((right == symbols).sum())
    values = {"symbol_accuracy": float(right.sum() / symbols.sum())}
    if nll is not None and losses is not None:
        values["nll"] = nll
    intervals = bound_tag_scores(values, right=right, symbols=symbols, losses=losses if "nll" in values else None)
    intervals["string_accuracy"] = bound_share(whole, len(correct))
    return TagReport(
        examples=len(correct),
        symbols=int(symbols.sum()),
        symbol_accuracy=values["symbol_accuracy"],
        string_accuracy=whole / len(correct),
        nll=nll,
        intervals=intervals,
        outcomes=Outcomes(right, symbols),
    )


def score_numbers(guesses: NDArray[np.float64], truth: NDArray[np.float64]) -> NumberReport:
    """Score predicted numbers, both (N,).

    >>> score_numbers(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 4.0])).r2
    0.7857142857142857
    """
    alone = len(truth) < 2  # one number has no variance to explain
    values = {
        "r2": 0.0 if alone else float(r2_score(truth, guesses)),
        "rmse": float(np.sqrt(mean_squared_error(truth, guesses))),
        "mae": float(mean_absolute_error(truth, guesses)),
    }
    squares = (truth - truth.mean()) ** 2
    return NumberReport(
        examples=len(truth),
        r2=values["r2"],
        rmse=values["rmse"],
        mae=values["mae"],
        intervals={} if alone else bound_number_scores(values, guesses, truth),
        outcomes=Outcomes(squares - (guesses - truth) ** 2, squares),
    )


def rank_truth(probabilities: Probabilities, truth: LabelIds) -> NDArray[np.int64]:
    """Return how many labels come before the true one, (N,); 0 is an answer that is right.

    The order of the labels decides ties, as in `predict`.
    """
    own = probabilities[np.arange(len(truth)), truth][:, None]
    tied = (probabilities == own) & (np.arange(probabilities.shape[1]) < truth[:, None])
    ranks: NDArray[np.int64] = ((probabilities > own) | tied).sum(axis=1)
    return ranks


def top_k_accuracy(probabilities: Probabilities, truth: LabelIds, k: int) -> float:
    """Return the share of rows whose truth is among the k most likely labels; 1 if k is C or more."""
    return float((rank_truth(probabilities, truth) < k).mean())


def negative_log_likelihood(probabilities: Probabilities, truth: LabelIds) -> float:
    """Return the mean negative log-likelihood of the truth, nats."""
    return float(lose_likelihood(probabilities, truth).mean())


def brier_score(probabilities: Probabilities, truth: LabelIds) -> float:
    """Return the mean squared distance to the truth, 0 to 2 (G. W. Brier, 1950, in the form for several classes)."""
    return float(_lose_brier(probabilities, truth).mean())


def lose_likelihood(probabilities: Probabilities, truth: LabelIds) -> NDArray[np.float64]:
    """Return the negative log-likelihood of each truth, (N,), nats."""
    likelihood = probabilities[np.arange(len(truth)), truth]
    return np.abs(np.log(np.clip(likelihood, np.finfo(np.float64).tiny, 1.0)))


def _lose_brier(probabilities: Probabilities, truth: LabelIds) -> NDArray[np.float64]:
    """Return the squared distance of each row to its truth, (N,): Σ p² without the truth, and (1 − p)² of the truth."""
    own = probabilities[np.arange(len(truth)), truth]
    squares: NDArray[np.float64] = np.einsum("nc,nc->n", probabilities, probabilities)
    return squares - own**2 + (1 - own) ** 2


def reliability(
    probabilities: Probabilities, truth: LabelIds, bins: int = CALIBRATION_BINS
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Group predictions by the probability of their label, in equal bins from 0 to 1.

    Returns:
        For each bin that is not empty: the number of predictions, their mean probability, and the share that is right.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == truth
    places = place_in_bins(confidence, bins)
    count = np.bincount(places, minlength=bins)
    filled = count > 0
    mean = np.bincount(places, weights=confidence, minlength=bins)[filled] / count[filled]
    share = np.bincount(places, weights=right, minlength=bins)[filled] / count[filled]
    return count[filled], mean, share


def place_in_bins(confidence: NDArray[np.float64], bins: int = CALIBRATION_BINS) -> NDArray[np.int64]:
    """Return the bin of each probability, (N,), from 0; the last one includes 1."""
    return np.minimum((confidence * bins).astype(np.int64), bins - 1)


def calibration_error(probabilities: Probabilities, truth: LabelIds, bins: int = CALIBRATION_BINS) -> float:
    """Return the expected calibration error, 0 to 1: how much probabilities differ from the share that is right.

    Source: M. P. Naeini et al., "Obtaining well calibrated probabilities using Bayesian binning", 2015; of the most
    likely label, in equal bins.
    """
    count, mean, share = reliability(probabilities, truth, bins)
    return float((count * np.abs(mean - share)).sum() / count.sum())


def calibration_error_by_chance(probabilities: Probabilities, *, draws: int = 100, seed: int = 0) -> float:
    """Return the calibration error that a perfectly calibrated model would have on so few examples.

    Whether an answer is right is drawn with its own probability, so these are right by construction; the error that
    remains is chance (J. Vaicenavicius et al., "Evaluating model calibration in classification", 2019).

    Args:
        probabilities: (N, C), rows sum to 1.
        draws: how often it is drawn for each example.
        seed: of the draws.
    """
    random, confidence = np.random.default_rng(seed), probabilities.max(axis=1)
    places, errors = place_in_bins(confidence), []
    for _ in range(draws):
        surplus = confidence - (random.random(len(confidence)) < confidence)
        errors.append(np.abs(np.bincount(places, weights=surplus)).sum() / len(confidence))
    return float(np.mean(errors))
