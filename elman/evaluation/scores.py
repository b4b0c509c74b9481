"""Evaluation: a model and examples to a report of its scores, beside the scores of a simple baseline."""

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

NGRAM_BASELINE = "logistic regression on character n-grams"


@dataclass(frozen=True)
class Evaluation:
    """The scores of a classifier, and the numbers that they and their pictures are made from.

    Args:
        report: the scores, of calibrated probabilities.
        uncalibrated: the scores at temperature 1.
        probabilities: calibrated, (N, C).
        uncalibrated_probabilities: at temperature 1, (N, C).
        truth: label ids, (N,).
        labels: the C names.
        images: what was read, (N, rows, columns), uint8; None for strings.
    """

    report: EvalReport
    uncalibrated: EvalReport
    probabilities: Probabilities
    uncalibrated_probabilities: Probabilities
    truth: LabelIds
    labels: tuple[str, ...]
    images: NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class NumberEvaluation:
    """The scores of predicted numbers, and the numbers themselves.

    Args:
        report: the scores.
        answers: the predicted numbers, (N,).
        truth: the true ones, (N,).
        name: what the number is.
    """

    report: NumberReport
    answers: NDArray[np.float64]
    truth: NDArray[np.float64]
    name: str


def evaluate(predictor: Predictor, examples: Sequence[Example]) -> Evaluation:
    """Score a model on normalised examples, with the forward pass that answers users.

    Raises:
        DataError: the model does not have one of the labels.
    """
    artifact = predictor.artifact
    truth = artifact.labels.encode([example.label for example in examples])
    logits = predictor.logits([example.text for example in examples])
    return evaluate_logits(logits, truth, artifact.labels, artifact.temperature)


def evaluate_logits(
    logits: NDArray[np.float32],
    truth: LabelIds,
    labels: Labels,
    temperature: float,
    *,
    images: NDArray[np.uint8] | None = None,
) -> Evaluation:
    """Score the logits of a classifier.

    Args:
        logits: (N, C).
        truth: label ids, (N,).
        labels: the C labels.
        temperature: what logits are divided by, above 0.
        images: as in `Evaluation`.
    """
    probabilities, uncalibrated = softmax(logits, temperature), softmax(logits)
    return Evaluation(
        report=score(probabilities, truth, labels.names),
        uncalibrated=score(uncalibrated, truth, labels.names),
        probabilities=probabilities,
        uncalibrated_probabilities=uncalibrated,
        truth=truth,
        labels=labels.names,
        images=images,
    )


def evaluate_tags(predictor: Predictor, examples: Sequence[Example]) -> TagReport:
    """Score a tagger on normalised examples, whose label is a tag for each symbol of the text.

    Raises:
        DataError: the model does not have one of the tags, or a string has more or fewer tags than symbols.
    """
    if any(len(example.text) != len(example.label) for example in examples):
        raise DataError("each symbol needs one tag; got a string with more or fewer tags; give pairs of equal length")
    artifact = predictor.artifact
    logits = predictor.scorer.logits_of_steps([artifact.vocabulary.encode(example.text) for example in examples])
    truth = [artifact.labels.encode(list(example.label)) for example in examples]
    return evaluate_tag_logits(logits, truth, artifact.temperature)


def evaluate_tag_logits(
    logits: Sequence[NDArray[np.float32]], truth: Sequence[LabelIds], temperature: float
) -> TagReport:
    """Score the logits of a tagger.

    Args:
        logits: of each string, (T, C).
        truth: the ids of its tags, (T,).
        temperature: what logits are divided by, above 0.
    """
    nll = negative_log_likelihood(softmax(np.concatenate(logits), temperature), np.concatenate(truth))
    return score_tags([one.argmax(axis=1) for one in logits], truth, nll)


def evaluate_numbers(
    predictor: Predictor, sequences: Sequence[NDArray[Any]], truth: NDArray[np.float64]
) -> NumberEvaluation:
    """Score a model that answers with a number.

    Args:
        predictor: the model.
        sequences: as `elman.scoring.scorer.Scorer.logits` reads them.
        truth: (N,).
    """
    answers = predictor.scorer.logits(sequences)[:, 0].astype(np.float64)
    return NumberEvaluation(score_numbers(answers, truth), answers, truth, predictor.labels[0])


def fit_baseline(examples: Sequence[Example], *, seed: int = 0, **settings: Any) -> Pipeline:
    """Fit the baseline that every model is compared with: logistic regression on character n-grams of 1 to 5.

    None of the simple settings that `benchmarks/baseline.py` compares is better by more than chance.

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
    """Score a baseline on normalised examples; labels missing from its training part get probability 0."""
    probabilities = np.zeros((len(examples), len(labels)))
    columns = labels.encode(list(baseline.classes_))
    probabilities[:, columns] = baseline.predict_proba([example.text for example in examples])
    return score(probabilities, labels.encode([example.label for example in examples]), labels.names)


def find_majority(training: Sequence[Example], examples: Sequence[Example]) -> tuple[str, float]:
    """Return the most frequent label of the training examples, and the accuracy of always answering it."""
    counts: Counter[str] = Counter()
    for example in training:
        counts[example.label] += example.count
    label = counts.most_common(1)[0][0]
    return label, sum(example.label == label for example in examples) / len(examples)


def write_verdict(model: EvalReport, baseline: EvalReport, *, name: str = NGRAM_BASELINE) -> str:
    """Return in words whether a model beats its baseline, within one standard error of accuracy.

    Args:
        model: its scores.
        baseline: the scores of the baseline on the same examples.
        name: what the baseline is.
    """
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
        f"The model does NOT beat the baseline: it is {points} of accuracy behind {name}. "
        "Use the baseline, more data, or another setting."
    )
