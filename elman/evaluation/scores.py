"""Evaluation: a model and examples to a report of its scores, beside the scores of a simple baseline."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.errors import DataError
from elman.evaluation.calibration import is_at_bound
from elman.evaluation.conformal import measure_sets
from elman.evaluation.metrics import (
    NO_ANSWER,
    LabelIds,
    Probabilities,
    calibration_error_by_chance,
    count_reasons,
    curve_of_coverage,
    find_answered,
    list_thresholds,
    negative_log_likelihood,
    score,
    score_numbers,
    score_tags,
)
from elman.evaluation.mistakes import list_confused, list_surest_mistakes
from elman.evaluation.verdict import BASELINE, CONSTANT, Comparison, compare
from elman.model.file import Artifact
from elman.prediction.inputs import NOT_FINITE
from elman.prediction.predictor import Predictor
from elman.records import Example
from elman.reports import EvalReport, NumberReport, Outcomes, TagReport
from elman.scoring.probabilities import allow_overflow, softmax
from elman.text.vocabulary import Labels

BLOCK = 4096
"""Strings whose familiarity is measured together."""

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
        answered: which of all examples are answered, bool; N of them.
    """

    report: EvalReport
    uncalibrated: EvalReport
    probabilities: Probabilities
    uncalibrated_probabilities: Probabilities
    truth: LabelIds
    labels: tuple[str, ...]
    images: NDArray[np.uint8] | None = None
    answered: NDArray[np.bool_] | None = None

    def select(self, texts: Sequence[str]) -> list[str]:
        """Return the strings that are answered, N, of all that were read; none if there are none."""
        if self.answered is None or not len(texts):
            return []
        return [text for text, is_answered in zip(texts, self.answered.tolist(), strict=True) if is_answered]


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
    logits = predictor.logits(texts)
    reasons = list_reasons(predictor, texts, logits)
    return evaluate_logits(logits, truth, artifact.labels, artifact.temperature, floor=artifact.floor, reasons=reasons)


def list_reasons(predictor: Predictor, texts: Sequence[str], logits: NDArray[np.float32]) -> list[str | None]:
    """Return why a model that answers with a label abstains for normalised strings, (N,); None where it answers.

    Args:
        predictor: the model.
        texts: the strings, (N,).
        logits: of the model, (N, C).
    """
    reasons, artifact = predictor.abstentions(texts), predictor.artifact
    familiarity = artifact.familiarity
    if familiarity is None or familiarity.threshold == 0:
        return reasons
    read = np.flatnonzero([reason is None for reason in reasons])
    for start in range(0, len(read), BLOCK):
        rows = read[start : start + BLOCK]
        strings = artifact.vocabulary.encode_all([texts[row] for row in rows.tolist()])
        with allow_overflow():
            measures = familiarity.measure_strings(strings, logits[rows], artifact.temperature)
            familiar = familiarity.rank(measures, strings)
        for row in rows[familiar < familiarity.threshold].tolist():
            reasons[row] = familiarity.reason
    return reasons


def evaluate_logits(
    logits: NDArray[np.float32],
    truth: LabelIds,
    labels: Labels,
    temperature: float,
    *,
    floor: float = 0.0,
    reasons: Sequence[str | None] = (),
    images: NDArray[np.uint8] | None = None,
) -> Evaluation:
    """Score the logits of a classifier.

    Args:
        logits: (N, C).
        truth: label ids, (N,).
        labels: the C labels.
        temperature: what logits are divided by, above 0.
        floor: as in `elman.scoring.probabilities.softmax`.
        reasons: why the model abstains, as in `elman.evaluation.metrics.score`.
        images: what was read, (N, rows, columns), uint8; None for strings.
    """
    probabilities, uncalibrated = softmax(logits, temperature, floor), softmax(logits)
    reasons = _add_not_finite(reasons, np.isfinite(probabilities.sum(axis=1) + uncalibrated.sum(axis=1)))
    answered = find_answered(reasons, len(truth))
    return Evaluation(
        report=score(probabilities, truth, labels.names, reasons=reasons),
        uncalibrated=score(uncalibrated, truth, labels.names, reasons=reasons, draws=0),
        probabilities=probabilities[answered],
        uncalibrated_probabilities=uncalibrated[answered],
        truth=truth[answered],
        labels=labels.names,
        images=None if images is None else images[answered],
        answered=answered,
    )


def measure_calibration(evaluation: Evaluation, temperature: float, *, strings: int | None = None) -> dict[str, Any]:
    """Return what ``calibration`` of ``report.json`` holds.

    Args:
        evaluation: of a classifier.
        temperature: what its logits are divided by.
        strings: how many strings the temperature was fitted on, if it was.
    """
    known = len(evaluation.truth) > 0
    return {
        "temperature": temperature,
        "at_bound": strings is not None and is_at_bound(temperature),
        "strings": strings,
        "error_before": evaluation.uncalibrated.calibration_error,
        "error_after": evaluation.report.calibration_error,
        "error_by_chance": calibration_error_by_chance(evaluation.probabilities) if known else None,
    }


def list_findings(evaluation: Evaluation, texts: Sequence[str] = ()) -> dict[str, Any]:
    """Return what ``report.json`` says of the mistakes of a classifier, and of the thresholds of two labels.

    Args:
        evaluation: of the classifier.
        texts: the strings that it answered, (N,); none if images are read. They must not get into the model file.
    """
    probabilities, truth, labels = evaluation.probabilities, evaluation.truth, evaluation.labels
    if not len(truth):
        return {}
    found: dict[str, Any] = {"confused": list_confused(probabilities, truth, labels)}
    if texts:
        found["surest_mistakes"] = list_surest_mistakes(texts, probabilities, truth, labels)
    if evaluation.report.roc_auc is not None and evaluation.report.positive is not None:
        positive = labels.index(evaluation.report.positive)
        rows = list_thresholds(probabilities[:, positive], truth == positive)
        found["thresholds"] = {"positive": evaluation.report.positive, "rows": rows}
    return found


CURVE_STEPS = 50
"""The most points of a curve in ``report.json``."""


def list_selected(evaluation: Evaluation) -> dict[str, Any]:
    """Return what ``report.json`` says of answering only the surest examples: accuracy by the share that is answered.

    The area under the curve of the error is that of R. El-Yaniv and Y. Wiener, "On the foundations of noise-free
    selective classification", 2010: 0 if no answer is wrong.
    """
    if not len(evaluation.truth):
        return {}
    answered, limits, accuracy = curve_of_coverage(evaluation.probabilities, evaluation.truth)
    chosen = np.unique(np.linspace(0, len(answered) - 1, CURVE_STEPS).round().astype(int)).tolist()
    rows = [
        {"answered": float(answered[k]), "abstain_below": float(limits[k]), "accuracy": float(accuracy[k])}
        for k in chosen
    ]
    return {"abstention": {"area_under_accuracy": float(accuracy.mean()), "rows": rows}}


def list_sets(evaluation: Evaluation, artifact: Artifact) -> dict[str, Any]:
    """Return what ``report.json`` says of a model's prediction sets; empty if it has none or answered nothing."""
    if artifact.sets is None or not len(evaluation.truth):
        return {}
    rows = measure_sets(artifact.sets, evaluation.probabilities, evaluation.truth, artifact.levels)
    return {"sets": {"strings": artifact.sets.strings, "rows": rows}}


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
    nll, losses = None, np.full(len(truth), np.nan)
    for place in answered:
        probabilities = softmax(logits[place], temperature)
        losses[place] = negative_log_likelihood(probabilities, truth[place]) * len(truth[place])
    if answered:
        nll = float(np.nansum(losses)) / sum(len(truth[place]) for place in answered)
    guesses = [
        one.argmax(axis=1) if reason is None else np.full(len(one), NO_ANSWER)
        for one, reason in zip(logits, reasons, strict=True)
    ]
    return replace(score_tags(guesses, truth, nll, losses=losses), abstentions=count_reasons(reasons))


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
    scores = NumberReport(0, None, None, None)
    if answered.any():
        scores = score_numbers(answers[answered], truth[answered])
    squares = (truth - truth.mean()) ** 2
    gains = np.where(answered, squares - (answers - truth) ** 2, np.nan)
    report = replace(scores, examples=len(truth), abstentions=count_reasons(reasons), outcomes=Outcomes(gains, squares))
    return NumberEvaluation(report, answers[answered], truth[answered], predictor.labels[0])


def find_majority(training: Sequence[Example], examples: Sequence[Example]) -> tuple[str, float]:
    """Return the most frequent label of the training examples, and the accuracy of always answering it."""
    counts: Counter[str] = Counter()
    for example in training:
        counts[example.label] += example.count
    label = counts.most_common(1)[0][0]
    return label, sum(example.label == label for example in examples) / len(examples)


def compare_labels(
    report: EvalReport, truth: Sequence[str], majority: str, baseline: EvalReport | None = None, *, name: str = ""
) -> tuple[Comparison, ...]:
    """Compare a classifier with its baseline, if there is one, and with always answering the majority label.

    Args:
        report: its scores.
        truth: the true labels of the same examples, (N,).
        majority: the most frequent label of the training part.
        baseline: the scores of the baseline on the same examples.
        name: what the baseline is.
    """
    assert report.outcomes is not None
    always = Outcomes(np.array([label == majority for label in truth], np.float64), np.ones(len(truth)))
    found = []
    if baseline is not None and baseline.outcomes is not None:
        found.append(compare(report.outcomes, baseline.outcomes, kind=BASELINE, name=name))
    return (*found, compare(report.outcomes, always, kind=CONSTANT, name=f"always answering {majority}"))
