"""Evaluation: a model and examples to a report of its scores, beside what a simple baseline would have answered."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from elman.errors import DataError
from elman.evaluation.metrics import (
    LabelIds,
    Probabilities,
    negative_log_likelihood,
    score,
    score_numbers,
    score_tags,
)
from elman.prediction.predictor import Predictor
from elman.records import EvalReport, Example, NumberReport, TagReport
from elman.scoring.probabilities import softmax
from elman.text.vocabulary import Labels


@dataclass(frozen=True)
class Evaluation:
    """The scores of a classifier and the numbers that they were made from.

    Args:
        report: the scores, of calibrated probabilities.
        uncalibrated: the scores at temperature 1.
        probabilities: calibrated, (N, C).
        uncalibrated_probabilities: at temperature 1, (N, C).
        truth: label ids, (N,).
    """

    report: EvalReport
    uncalibrated: EvalReport
    probabilities: Probabilities
    uncalibrated_probabilities: Probabilities
    truth: LabelIds


def evaluate(predictor: Predictor, examples: Sequence[Example]) -> Evaluation:
    """Score a model on normalised examples, with the forward pass that answers users.

    Raises:
        DataError: a label is not among the model's.
    """
    labels = predictor.artifact.labels
    truth = labels.encode([example.label for example in examples])
    return _evaluation(predictor, predictor.logits([example.text for example in examples]), truth)


def evaluate_encoded(predictor: Predictor, sequences: Sequence[NDArray[Any]], truth: LabelIds) -> Evaluation:
    """Score a model on encoded sequences.

    Args:
        predictor: the model.
        sequences: as `elman.scoring.scorer.Scorer.logits` reads them.
        truth: label ids, (N,).
    """
    return _evaluation(predictor, predictor.scorer.logits(sequences), truth)


def _evaluation(predictor: Predictor, logits: NDArray[np.float32], truth: LabelIds) -> Evaluation:
    labels = predictor.artifact.labels
    probabilities, uncalibrated = softmax(logits, predictor.artifact.temperature), softmax(logits)
    return Evaluation(
        report=score(probabilities, truth, labels.names),
        uncalibrated=score(uncalibrated, truth, labels.names),
        probabilities=probabilities,
        uncalibrated_probabilities=uncalibrated,
        truth=truth,
    )


def evaluate_tags(predictor: Predictor, examples: Sequence[Example]) -> TagReport:
    """Score a tagger on normalised examples, whose label is a tag for each symbol of the text.

    Raises:
        DataError: a tag is not among the model's, or a string has more or fewer tags than symbols.
    """
    if any(len(example.text) != len(example.label) for example in examples):
        raise DataError(
            "tags are scored one for each symbol; got a string that has more or fewer; give pairs of a length"
        )
    artifact = predictor.artifact
    logits = predictor.scorer.logits_of_steps([artifact.vocabulary.encode(example.text) for example in examples])
    truth = [artifact.labels.encode(list(example.label)) for example in examples]
    probabilities = softmax(np.concatenate(logits), artifact.temperature)
    nll = negative_log_likelihood(probabilities, np.concatenate(truth))
    return score_tags([one.argmax(axis=1) for one in logits], truth, nll)


def evaluate_numbers(
    predictor: Predictor, sequences: Sequence[NDArray[Any]], truth: NDArray[np.float64]
) -> NumberReport:
    """Score a model that answers with a number.

    Args:
        predictor: the model.
        sequences: as `elman.scoring.scorer.Scorer.logits` reads them.
        truth: (N,).
    """
    return score_numbers(predictor.scorer.logits(sequences)[:, 0].astype(np.float64), truth)


def fit_baseline(examples: Sequence[Example], *, seed: int = 0, **settings: Any) -> Pipeline:
    """Fit the baseline that every model is held against: logistic regression on character n-grams of 1 to 5.

    Of the simple settings that `benchmarks/baseline.py` compares none is ahead of it by more than chance.

    Args:
        examples: normalised, of at least two labels.
        seed: of the solver.
        settings: other values, as scikit-learn's `Pipeline.set_params` takes them.
    """
    baseline = make_pipeline(
        TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 5), lowercase=False),
        LogisticRegression(C=30.0, max_iter=300, random_state=seed),
    )
    baseline.set_params(**settings)
    baseline.fit(
        [example.text for example in examples],
        [example.label for example in examples],
        logisticregression__sample_weight=[example.count for example in examples],
    )
    return baseline


def evaluate_baseline(baseline: Pipeline, examples: Sequence[Example], labels: Labels) -> EvalReport:
    """Score a baseline on normalised examples; labels that it never saw get probability 0."""
    probabilities = np.zeros((len(examples), len(labels)))
    columns = labels.encode(list(baseline.classes_))
    probabilities[:, columns] = baseline.predict_proba([example.text for example in examples])
    return score(probabilities, labels.encode([example.label for example in examples]), labels.names)


def majority(training: Sequence[Example], examples: Sequence[Example]) -> tuple[str, float]:
    """Return the most frequent label of the training examples, and the accuracy of always answering it."""
    counts: Counter[str] = Counter()
    for example in training:
        counts[example.label] += example.count
    label = counts.most_common(1)[0][0]
    return label, sum(example.label == label for example in examples) / len(examples)


def verdict(model: EvalReport, baseline: EvalReport) -> str:
    """Say in words whether the model earns its place beside the baseline, within one standard error of accuracy."""
    gap = model.accuracy - baseline.accuracy
    error = float(np.sqrt(baseline.accuracy * (1 - baseline.accuracy) / baseline.examples))
    points = f"{abs(gap) * 100:.1f} points"
    if gap > error:
        return f"The model beats the baseline by {points} of accuracy."
    if gap >= 0:
        return (
            f"The model is ahead of the baseline by {points} of accuracy, "
            f"which is within one standard error ({error * 100:.1f}): call it even."
        )
    return (
        f"The model does NOT beat the baseline: it is {points} of accuracy behind "
        "logistic regression on character n-grams. Use the baseline, more data, or another setting."
    )
