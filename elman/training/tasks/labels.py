"""Classify a string: one of a few labels is the answer."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from elman.checks import count_of
from elman.data.augment import FOLDED_WEIGHT, add_folded_spellings
from elman.data.batches import EncodedExamples
from elman.data.examples import Reading
from elman.data.splits import Split, ceiling, fold_texts
from elman.evaluation.baseline import Baseline, describe_fit, evaluate_baseline
from elman.evaluation.calibration import fit_floor, fit_prior, fit_temperature
from elman.evaluation.conformal import describe_sets, fit_sets
from elman.evaluation.familiarity import fit_familiarity
from elman.evaluation.intervals import bound_share_of
from elman.evaluation.metrics import LabelIds, find_answered
from elman.evaluation.scores import (
    NGRAM_BASELINE,
    Evaluation,
    compare_labels,
    evaluate_logits,
    find_majority,
    list_findings,
    list_selected,
    list_sets,
    measure_calibration,
)
from elman.evaluation.titles import describe_labels
from elman.model.file import Artifact
from elman.model.hierarchy import Levels, build_levels
from elman.prediction.predictor import Predictor
from elman.records import Example
from elman.reports import EvalReport
from elman.scoring.probabilities import softmax
from elman.tables.small import read_levels
from elman.text.evidence import evidence_of
from elman.text.placeholders import PLACEHOLDERS, find_placeholders
from elman.text.vocabulary import Labels
from elman.training.allowance import fit_for
from elman.training.config import RunConfig
from elman.training.loop import example_weights
from elman.training.tasks.advice import note_case, note_dropped, refuse_several_labels
from elman.training.tasks.strings import Importance, look_up, normalise_examples, split_for
from elman.training.tasks.task import Findings, Task, round_weights

LEAST_KNOWN = 1000
"""The fewest strings of a validation part with which familiarity is measured."""

Answers = tuple[NDArray[np.float32], LabelIds, Sequence[str | None]]
"""Logits, (N, C), the true label ids, (N,), and why the model abstains, as in `elman.evaluation.metrics.score`."""


class LabelTask(Task):
    """Strings with a label each.

    Args:
        reading: the examples of a source.
        config: what to do with them.
        split: their parts, with normalised text, if the caller divides them.
        importance: how much examples count beside others, by normalised text and label; 1 if not given.

    Raises:
        DataError: the examples cannot be split, or a label is several labels in one cell.
    """

    kind = "label"

    def __init__(
        self,
        reading: Reading,
        config: RunConfig,
        *,
        split: Split | None = None,
        importance: Importance | None = None,
    ) -> None:
        self.config = config
        refuse_several_labels(Counter(example.label for example in reading.examples))
        examples, self.dropped = normalise_examples(reading, config.normalisation)
        self.labels = Labels.from_names(example.label for example in examples)
        self.levels = find_levels(config, self.labels)
        folds = fold_texts(examples)
        self.split = split or split_for(config, examples, folds=folds)
        self.sizes, self.fingerprint, self.incomplete = self.split.sizes, self.split.fingerprint, self.split.incomplete
        self.notes = (
            *self.split.notes,
            *note_dropped(reading, config.max_characters),
            *note_case(reading, self.split.train, config.normalisation),
        )
        self.split_kind = self.split.kind
        learned = add_folded_spellings(self.split.train, folds=folds)
        self.vocabulary = self.collect_symbols(e.text for e in learned)
        counts = np.array([example.count for example in learned])
        weights = example_weights(self.labels.encode([e.label for e in learned]), counts, config.train)
        weights[len(self.split.train) :] *= FOLDED_WEIGHT
        weights *= look_up(importance or {}, learned)
        self.training = EncodedExamples.of_strings(learned, self.vocabulary, self.labels, weights)
        self.validation = EncodedExamples.of_strings(self.split.validation, self.vocabulary, self.labels)

    def artifact(self, weights: Mapping[str, Tensor], provenance: dict[str, Any]) -> Artifact:
        """Return the model, with the number of training examples of each label; see `Task.artifact`."""
        counts = self.count_examples()
        per_label = {name: counts[name] for name in self.labels.names}
        data = {**provenance["data"], "training_examples_per_label": per_label}
        artifact = self.build_artifact(
            round_weights(weights), {**provenance, "data": data}, evidence=self.find_evidence()
        )
        return replace(artifact, levels=self.levels, placeholders=self.find_placeholders())

    def count_examples(self) -> Mapping[str, int]:
        """Return how many training examples each label has."""
        return Counter(example.label for example in self.split.train)

    def find_evidence(self) -> str:
        """Return which symbols an answer can rest on; see `elman.text.evidence`."""
        return evidence_of(self.split.train, self.vocabulary)

    def find_placeholders(self) -> tuple[str, ...] | None:
        """Return which strings say that something is missing, without those of the training part; None: all of them."""
        found = find_placeholders(example.text for example in self.split.train)
        return None if found == PLACEHOLDERS else found

    def fit_baseline(self, artifact: Artifact) -> Baseline:
        """Return the baseline of the config, fitted on the training part."""
        return fit_for(artifact, self.split.train, self.config.baseline)

    def list_labels(self) -> Sequence[Example]:
        """Return examples whose labels and counts are those of the training part, to find its most frequent label."""
        return self.split.train

    def measure(self, artifact: Artifact) -> tuple[Artifact, Findings]:
        """Measure the model beside logistic regression on n-grams; see `Task.measure`."""
        predictor, split = Predictor(artifact), self.split
        fitted = None if self.config.baseline == "none" else self.fit_baseline(artifact)
        label, share = find_majority(self.list_labels(), split.test)
        interval = list(bound_share_of(share, len(split.test)))
        artifact, findings = measure_classifier(
            artifact,
            test=self._answer(predictor, split.test),
            validation=self._answer(predictor, split.validation),
            baseline=evaluate_baseline(fitted, split.test, self.labels) if fitted else None,
            baseline_validation=evaluate_baseline(fitted, split.validation, self.labels) if fitted else None,
            values={
                "majority": {"label": label, "accuracy": share, "interval": interval},
                "ceiling": ceiling(split.test),
                **({"baseline_fit": fitted.to_dict()} if fitted else {}),
            },
            calibrate=self.is_calibrated,
            texts=[example.text for example in split.test],
        )
        artifact = self.add_familiarity(artifact)
        assert isinstance(findings.test, EvalReport) and isinstance(findings.baseline, EvalReport | None)
        truth = [example.label for example in split.test]
        comparisons = compare_labels(findings.test, truth, label, findings.baseline, name=NGRAM_BASELINE)
        return artifact, replace(findings, comparisons=comparisons)

    def calibrate(self, artifact: Artifact) -> Artifact:
        """Fit the temperature on the validation part; see `Task.calibrate`."""
        if not self.is_calibrated:
            return artifact
        artifact = calibrate_classifier(artifact, self._answer(Predictor(artifact), self.split.validation))[0]
        return self.add_familiarity(artifact)

    def add_familiarity(self, artifact: Artifact) -> Artifact:
        """Return the model with what measures how familiar a string is, if enough strings were kept back for that."""
        known = [example.text for example in self.split.validation]
        learned = [example.text for example in self.split.train]
        if not self.is_calibrated or not learned or len(known) < LEAST_KNOWN:
            return artifact
        found = fit_familiarity(artifact, learned, known, threshold=0.0, seed=self.config.train.seed)
        return replace(artifact, familiarity=found)

    def _answer(self, predictor: Predictor, examples: Sequence[Example]) -> Answers:
        texts, truth = [e.text for e in examples], self.labels.encode([e.label for e in examples])
        return predictor.logits(texts), truth, predictor.abstentions(texts)

    def remarks(self, findings: Findings) -> tuple[str, ...]:
        """Explain the baseline, the limits of the data, and the calibration; see `Task.remarks`."""
        fit = findings.values.get("baseline_fit")
        sets = findings.values.get("sets")
        return (
            *([describe_fit(fit)] if fit else []),
            *(describe_sets(sets["rows"], sets["strings"]) if sets else ()),
            *describe_labels(findings.values),
        )

    def description(self) -> str:
        """Return the number of labels and the kind of split; see `Task.description`."""
        return f"{count_of(len(self.labels), 'label')}; {self.split_kind} split"


def find_levels(config: RunConfig, labels: Labels) -> Levels | None:
    """Return the levels of the labels from the table that a config names, if it names one.

    Raises:
        DataError: the table cannot be read, or does not fit the labels.
    """
    return None if config.levels is None else build_levels(*read_levels(config.levels), labels.names)


def measure_classifier(
    artifact: Artifact,
    *,
    test: Answers,
    validation: Answers,
    baseline: EvalReport | None,
    baseline_validation: EvalReport | None,
    values: dict[str, Any],
    calibrate: bool = True,
    images: NDArray[np.uint8] | None = None,
    texts: Sequence[str] = (),
) -> tuple[Artifact, Findings]:
    """Calibrate a model that answers with a label, and score what it answered.

    Args:
        artifact: the model.
        test: what it answered on the test part, before calibration.
        validation: what it answered on the validation part.
        baseline: the baseline's scores on the test part; None if there is no baseline.
        baseline_validation: its scores on the validation part.
        values: as in `Findings`.
        calibrate: fit the temperature on the validation part.
        images: of the test part, if images are read.
        texts: of the test part, if strings are read.
    """

    def evaluate(answers: Answers, images: NDArray[np.uint8] | None = None) -> Evaluation:
        logits, truth, reasons = answers
        return evaluate_logits(
            logits, truth, artifact.labels, artifact.temperature, floor=artifact.floor, reasons=reasons, images=images
        )

    strings = None
    if calibrate:
        artifact, strings = calibrate_classifier(artifact, validation)
    evaluation = evaluate(test, images)
    findings = Findings(
        test=evaluation.report,
        validation=evaluate(validation).report,
        baseline=baseline,
        baseline_validation=baseline_validation,
        values={
            **values,
            "calibration": measure_calibration(evaluation, artifact.temperature, strings=strings),
            **list_findings(evaluation, evaluation.select(texts)),
            **list_sets(evaluation, artifact),
            **list_selected(evaluation),
        },
        evaluation=evaluation,
    )
    return artifact, findings


def calibrate_classifier(artifact: Artifact, validation: Answers) -> tuple[Artifact, int | None]:
    """Choose temperature and floor of a model that answers with a label, its prior, and the thresholds of its sets.

    Args:
        artifact: the model.
        validation: what it answered before calibration.

    Returns:
        The calibrated model, and on how many strings the temperature was chosen; None if it reads none of them.
    """
    logits, truth, reasons = validation
    answered = find_answered(reasons, len(truth)) & np.isfinite(logits).all(axis=1)
    if not answered.any():
        return artifact, None
    logits, truth = logits[answered], truth[answered]
    floor = fit_floor(logits, truth)
    sets = fit_sets(logits, truth, levels=artifact.levels, floor=floor)
    temperature = fit_temperature(logits, truth, floor=floor)
    prior = tuple(float(f"{share:.4g}") for share in fit_prior(softmax(logits, temperature, floor), truth))
    counts = np.bincount(truth, minlength=len(artifact.labels)).tolist()
    per_label = {"validation_examples_per_label": dict(zip(artifact.labels.names, counts, strict=True))}
    provenance = {**artifact.provenance, "data": {**artifact.provenance.get("data", {}), **per_label}}
    calibrated = replace(artifact, temperature=temperature, floor=floor, provenance=provenance, prior=prior, sets=sets)
    return calibrated, int(answered.sum())
