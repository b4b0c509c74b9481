"""Evaluation: a model and examples to a report of its scores, beside the scores of a simple baseline."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from elman.errors import DataError
from elman.evaluation.metrics import (
    NO_ANSWER,
    LabelIds,
    Probabilities,
    count_reasons,
    find_answered,
    negative_log_likelihood,
    score,
    score_numbers,
    score_tags,
)
from elman.prediction.inputs import NOT_FINITE
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
        probabilities: calibrated, (N, C), of the N examples that are answered.
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
        answers: the predicted numbers, (N,), of the N examples that are answered.
        truth: the true ones, (N,).
        name: what the number is.
    """

    report: NumberReport
    answers: NDArray[np.float64]
    truth: NDArray[np.float64]
    name: str


def evaluate(predictor: Predictor, examples: Sequence[Example]) -> Evaluation:
    """Score a model on normalised examples: what it answers users, and whether it abstains.

    Raises:
        DataError: the model does not have one of the labels.
    """
    artifact, texts = predictor.artifact, [example.text for example in examples]
    truth = artifact.labels.encode([example.label for example in examples])
    logits, reasons = predictor.logits(texts), predictor.abstentions(texts)
    return evaluate_logits(logits, truth, artifact.labels, artifact.temperature, reasons=reasons)


def evaluate_logits(
    logits: NDArray[np.float32],
    truth: LabelIds,
    labels: Labels,
    temperature: float,
    *,
    reasons: Sequence[str | None] = (),
    images: NDArray[np.uint8] | None = None,
) -> Evaluation:
    """Score the logits of a classifier.

    Args:
        logits: (N, C).
        truth: label ids, (N,).
        labels: the C labels.
        temperature: what logits are divided by, above 0.
        reasons: why the model abstains, as in `elman.evaluation.metrics.score`.
        images: what was read, (N, rows, columns), uint8; None for strings.
    """
    probabilities, uncalibrated = softmax(logits, temperature), softmax(logits)
    reasons = _add_not_finite(reasons, np.isfinite(probabilities.sum(axis=1) + uncalibrated.sum(axis=1)))
    answered = find_answered(reasons, len(truth))
    return Evaluation(
        report=score(probabilities, truth, labels.names, reasons=reasons),
        uncalibrated=score(uncalibrated, truth, labels.names, reasons=reasons),
        probabilities=probabilities[answered],
        uncalibrated_probabilities=uncalibrated[answered],
        truth=truth[answered],
        labels=labels.names,
        images=None if images is None else images[answered],
    )


def _add_not_finite(reasons: Sequence[str | None], finite: NDArray[np.bool_]) -> list[str | None]:
    """Return the reasons to abstain, with one more for each example without one whose answer is not finite."""
    given = reasons if len(reasons) else [None] * len(finite)
    return [
        NOT_FINITE if reason is None and not is_finite else reason
        for reason, is_finite in zip(given, finite.tolist(), strict=True)
    ]


def evaluate_tags(predictor: Predictor, examples: Sequence[Example]) -> TagReport:
    """Score a tagger on normalised examples, whose label is a tag for each symbol of the text.

    Raises:
        DataError: the model does not have one of the tags, or a string has more or fewer tags than symbols.
    """
    if any(len(example.text) != len(example.label) for example in examples):
        raise DataError("each symbol needs one tag; got a string with more or fewer tags; give pairs of equal length")
    artifact, texts = predictor.artifact, [example.text for example in examples]
    logits = predictor.scorer.logits_of_steps([artifact.vocabulary.encode(text) for text in texts])
    truth = [artifact.labels.encode(list(example.label)) for example in examples]
    return evaluate_tag_logits(logits, truth, artifact.temperature, reasons=predictor.abstentions(texts))


def evaluate_tag_logits(
    logits: Sequence[NDArray[np.float32]],
    truth: Sequence[LabelIds],
    temperature: float,
    *,
    reasons: Sequence[str | None] = (),
) -> TagReport:
    """Score the logits of a tagger.

    Args:
        logits: of each string, (T, C).
        truth: the ids of its tags, (T,).
        temperature: what logits are divided by, above 0.
        reasons: why the model abstains, as in `elman.evaluation.metrics.score`.
    """
    reasons = _add_not_finite(reasons, np.array([np.isfinite(one).all() for one in logits]))
    answered = np.flatnonzero(find_answered(reasons, len(truth))).tolist()
    nll = None
    if answered:
        probabilities = softmax(np.concatenate([logits[place] for place in answered]), temperature)
        nll = negative_log_likelihood(probabilities, np.concatenate([truth[place] for place in answered]))
    guesses = [
        one.argmax(axis=1) if reason is None else np.full(len(one), NO_ANSWER)
        for one, reason in zip(logits, reasons, strict=True)
    ]
    return replace(score_tags(guesses, truth, nll), abstentions=count_reasons(reasons))


def evaluate_numbers(
    predictor: Predictor,
    sequences: Sequence[NDArray[Any]],
    truth: NDArray[np.float64],
    *,
    reasons: Sequence[str | None] = (),
) -> NumberEvaluation:
    """Score a model that answers with a number.

    Args:
        predictor: the model.
        sequences: as `elman.scoring.scorer.Scorer.logits` reads them.
        truth: (N,).
        reasons: why the model abstains, as in `elman.evaluation.metrics.score`.
    """
    answers = predictor.scorer.logits(sequences)[:, 0].astype(np.float64)
    reasons = _add_not_finite(reasons, np.isfinite(answers))
    answered = find_answered(reasons, len(truth))
    answers, examples, truth = answers[answered], len(truth), truth[answered]
    scores = score_numbers(answers, truth) if len(answers) else NumberReport(0, None, None, None)
    report = replace(scores, examples=examples, abstentions=count_reasons(reasons))
    return NumberEvaluation(report, answers, truth, predictor.labels[0])


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
