"""The first trade: a string in, one of a few labels out."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor

from elman.data.augment import FOLDED_WEIGHT, with_folded_spellings
from elman.data.batches import EncodedExamples
from elman.data.examples import Reading
from elman.data.splits import NOTHING_KEPT, ceiling
from elman.evaluation.calibration import fit_temperature
from elman.evaluation.metrics import calibration_error_by_chance
from elman.evaluation.plots import Figure, plot_confusion, plot_reliability
from elman.evaluation.scores import Evaluation, evaluate, evaluate_baseline, fit_baseline, majority, verdict
from elman.model.file import Artifact
from elman.prediction.predictor import Predictor
from elman.records import EvalReport
from elman.text.ngrams import inventory
from elman.text.vocabulary import Labels, Vocabulary
from elman.training.config import RunConfig
from elman.training.loop import example_weights
from elman.training.network import SequenceModel
from elman.training.tasks.strings import normalise_examples, sizes_of, split_for
from elman.training.tasks.task import Findings, Task, shipped_weights

SCORES = (
    ("accuracy", "accuracy", 100, "%"),
    ("one of the top 2", "top_2", 100, "%"),
    ("one of the top 3", "top_3", 100, "%"),
    ("one of the top 5", "top_5", 100, "%"),
    ("macro-F1", "macro_f1", 100, "%"),
    ("negative log-likelihood", "nll", 1, "nats"),
    ("Brier score", "brier", 1, ""),
    ("calibration error", "calibration_error", 1, ""),
)
"""What a table of a classifier's scores shows: title, field, factor and unit."""


class LabelTask(Task):
    """Strings with a label each.

    Args:
        reading: the examples, as a source gave them.
        config: what to do with them.

    Raises:
        DataError: the examples cannot be split.
    """

    def __init__(self, reading: Reading, config: RunConfig) -> None:
        self.config = config
        examples, self.dropped = normalise_examples(reading, config.normalisation)
        self.labels = Labels.from_names(example.label for example in examples)
        self.split = split_for(config, examples)
        self.sizes, self.notes, self.fingerprint = sizes_of(self.split), self.split.notes, self.split.fingerprint
        self.split_kind = config.split
        learned = with_folded_spellings(self.split.train)
        self.vocabulary = Vocabulary.from_texts((e.text for e in learned), min_count=config.symbol_min_count)
        counts = np.array([example.count for example in learned])
        weights = example_weights(self.labels.encode([e.label for e in learned]), counts, config.train)
        weights[len(self.split.train) :] *= FOLDED_WEIGHT
        self.training = EncodedExamples.of_strings(learned, self.vocabulary, self.labels, weights)
        self.validation = EncodedExamples.of_strings(self.split.validation, self.vocabulary, self.labels)

    def network(self) -> SequenceModel:
        """Return the untrained network; see `Task.network`."""
        shape = self.config.model
        batches = (batch.inputs for batch in self.training.batches(4096))
        ngrams = inventory(batches, shape.bag_orders, shape.bag_min_count)
        return SequenceModel(shape, symbols=len(self.vocabulary), labels=len(self.labels), inventory=ngrams)

    def artifact(self, weights: Mapping[str, Tensor], provenance: dict[str, Any]) -> Artifact:
        """Return the calibrated model; see `Task.artifact`."""
        counts = Counter(example.label for example in self.split.train)
        per_label = {name: counts[name] for name in self.labels.names}
        provenance = {**provenance, "data": {**provenance["data"], "training_examples_per_label": per_label}}
        artifact = Artifact(
            name=self.config.name,
            config=self.config.model,
            tensors=shipped_weights(weights),
            vocabulary=self.vocabulary,
            labels=self.labels,
            normalisation=self.config.normalisation,
            temperature=1.0,
            provenance=provenance,
        )
        if self.split.kind == NOTHING_KEPT:  # a temperature fitted on what was learned would only flatter
            return artifact
        logits = Predictor(artifact).logits([example.text for example in self.split.validation])
        truth = self.labels.encode([example.label for example in self.split.validation])
        return replace(artifact, temperature=fit_temperature(logits, truth))

    def findings(self, predictor: Predictor) -> Findings:
        """Measure the model beside logistic regression on n-grams; see `Task.findings`."""
        test, validation = evaluate(predictor, self.split.test), evaluate(predictor, self.split.validation)
        fitted = fit_baseline(self.split.train, seed=self.config.train.seed)
        baseline = evaluate_baseline(fitted, self.split.test, self.labels)
        of_validation = evaluate_baseline(fitted, self.split.validation, self.labels)
        label, share = majority(self.split.train, self.split.test)
        highest = ceiling(self.split.test)
        return classifier_findings(
            predictor,
            test,
            validation,
            baseline,
            of_validation,
            values={"majority": {"label": label, "accuracy": share}, "ceiling": highest},
            remarks=(
                "The baseline is logistic regression on character n-grams of 1 to 5, fitted on the same training part.",
                f"Always answering {label}: {share * 100:.1f} %.",
                f"The ceiling set by strings with several labels: {highest * 100:.1f} %.",
            ),
        )

    def description(self) -> str:
        """Say what is answered; see `Task.description`."""
        return f"{len(self.labels)} labels; {self.split.kind} split"


def classifier_findings(
    predictor: Predictor,
    test: Evaluation,
    validation: Evaluation,
    baseline: EvalReport,
    baseline_validation: EvalReport,
    *,
    values: dict[str, Any],
    remarks: tuple[str, ...],
    pictures: Mapping[str, tuple[str, Figure]] | None = None,
) -> Findings:
    """Gather what was found of a model that answers with a label."""
    by_chance = calibration_error_by_chance(test.probabilities)
    calibration = {
        "temperature": predictor.artifact.temperature,
        "error_before": test.uncalibrated.calibration_error,
        "error_after": test.report.calibration_error,
        "error_by_chance": by_chance,
    }
    sure = (
        f"Calibration error {calibration['error_before']:.3f} before and {calibration['error_after']:.3f} after "
        f"dividing the logits by {calibration['temperature']:.2f}; a perfectly calibrated model would measure "
        f"{by_chance:.3f} on so few examples."
    )
    parts = [report.to_dict() for report in (test.report, validation.report, baseline)]
    reliability = plot_reliability(test.uncalibrated_probabilities, test.probabilities, test.truth)
    return Findings(
        test=test.report,
        validation=validation.report,
        baseline=baseline,
        verdict=verdict(test.report, baseline),
        rows=tuple(
            (title, *(_cell(part[key], factor, unit) for part in parts))
            for title, key, factor, unit in SCORES
            if not key.startswith("top_") or int(key.removeprefix("top_")) < len(predictor.labels)
        ),
        remarks=(*remarks, sure),
        values={
            **values,
            "calibration": calibration,
            "baseline": {**baseline.to_dict(), "validation": baseline_validation.to_dict()},
        },
        pictures={
            "confusion.png": (
                "Confusion matrix of the test part",
                plot_confusion(test.probabilities, test.truth, predictor.labels),
            ),
            "reliability.png": ("Reliability of the test part", reliability),
            **(pictures or {}),
        },
    )


def _cell(value: float, factor: int, unit: str) -> str:
    return f"{value * factor:.{1 if factor == 100 else 3}f} {unit}".strip()
