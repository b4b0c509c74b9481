"""Classify an image: each row of pixels is one step."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from torch import Tensor

from elman.checks import count_of
from elman.data.batches import EncodedExamples
from elman.data.images import ImageReading
from elman.data.splits import GIVEN
from elman.data.steps import images_to_steps
from elman.errors import DataError, SettingError
from elman.evaluation.intervals import bound_share_of
from elman.evaluation.metrics import LabelIds, score
from elman.evaluation.scores import compare_labels
from elman.evaluation.titles import describe_labels
from elman.files import digest_of
from elman.model.file import Artifact
from elman.prediction.predictor import Predictor
from elman.reports import EvalReport
from elman.text.vocabulary import Labels
from elman.training.config import RunConfig
from elman.training.tasks.labels import Answers, measure_classifier
from elman.training.tasks.task import Findings, Task, round_weights

BASELINE_IMAGES = 10_000
"""The quick baseline is fitted on at most so many, which takes seconds; twice as many change it by
less than a point."""


class ImageTask(Task):
    """Labelled images of one size; the source comes with a test part.

    Args:
        reading: the images.
        config: what to do with them; ``input_size`` of its network is the width of the images.

    Raises:
        SettingError: the network reads rows of another width, or another setting does not fit images.
        DataError: there are too few images to keep some for validation.
    """

    kind = "images"

    def __init__(self, reading: ImageReading, config: RunConfig) -> None:
        rows, columns = reading.images.shape[1:]
        if config.model.input_size != columns:
            raise SettingError(f"rows of {columns} pixels need input_size {columns}; got {config.model.input_size}")
        if config.shift >= min(rows, columns):
            raise SettingError(
                f"shift must be less than the size of the images, {min(rows, columns)}; got {config.shift}"
            )
        if config.split != GIVEN:
            raise SettingError(f"images come with their own test part; leave --split out; got {config.split!r}")
        self.config, self.reading, self.dropped, self.split_kind = config, reading, reading.dropped, GIVEN
        self.shape = (rows, columns)
        self.labels = Labels(reading.names)
        size = max(len(reading.names), round(config.validation_share * len(reading.labels)))
        try:
            train, held = train_test_split(
                np.arange(len(reading.labels)), test_size=size, random_state=config.split_seed, stratify=reading.labels
            )
        except ValueError as error:
            raise DataError(f"too few images to keep some for validation ({error}); give more") from None
        self.train, self.held = np.sort(train), np.sort(held)
        self.sizes = {"train": len(self.train), "validation": len(self.held), "test": len(reading.test_labels)}
        self.fingerprint = digest_of(
            reading.images, reading.labels, reading.test_images, reading.test_labels, self.held
        )
        self.training = EncodedExamples(reading.images[self.train], reading.labels[self.train], shift=config.shift)
        self.validation = EncodedExamples(reading.images[self.held], reading.labels[self.held])

    def artifact(self, weights: Mapping[str, Tensor], provenance: dict[str, Any]) -> Artifact:
        """Return the model; see `Task.artifact`."""
        return self.build_artifact(round_weights(weights), provenance, picture=self.shape)

    def measure(self, artifact: Artifact) -> tuple[Artifact, Findings]:
        """Measure the model beside logistic regression on pixels; see `Task.measure`."""
        reading, scorer = self.reading, Predictor(artifact).scorer
        baseline, baseline_validation = self._score_baseline() if self.config.baseline != "none" else (None, None)

        def answer(images: NDArray[np.uint8], truth: LabelIds) -> Answers:
            return scorer.logits(images_to_steps(images)), truth, ()

        majority = int(np.bincount(reading.labels[self.train]).argmax())
        share = float((reading.test_labels == majority).mean())
        interval = list(bound_share_of(share, len(reading.test_labels)))
        artifact, findings = measure_classifier(
            artifact,
            test=answer(reading.test_images, reading.test_labels),
            validation=answer(reading.images[self.held], reading.labels[self.held]),
            baseline=baseline,
            baseline_validation=baseline_validation,
            values={"majority": {"label": self.labels.names[majority], "accuracy": share, "interval": interval}},
            images=reading.test_images,
        )
        assert isinstance(findings.test, EvalReport)
        truth = [self.labels.names[label] for label in reading.test_labels.tolist()]
        comparisons = compare_labels(
            findings.test, truth, self.labels.names[majority], baseline, name="logistic regression on the pixels"
        )
        return artifact, replace(findings, comparisons=comparisons)

    def _score_baseline(self) -> tuple[EvalReport, EvalReport]:
        """Return the baseline's scores on the test and on the validation part."""
        reading = self.reading
        chosen = np.random.default_rng(self.config.split_seed).permutation(self.train)[: self._count_baseline_images()]
        fitted = LogisticRegression(C=0.1, max_iter=200, tol=1e-3).fit(
            _flatten(reading.images[chosen]), reading.labels[chosen]
        )

        def score_part(images: NDArray[np.uint8], truth: LabelIds) -> EvalReport:
            probabilities = np.zeros((len(truth), len(self.labels)))
            probabilities[:, fitted.classes_] = fitted.predict_proba(_flatten(images))
            return score(probabilities, truth, self.labels.names)

        return (
            score_part(reading.test_images, reading.test_labels),
            score_part(reading.images[self.held], reading.labels[self.held]),
        )

    def _count_baseline_images(self) -> int:
        return len(self.train) if self.config.baseline == "full" else min(BASELINE_IMAGES, len(self.train))

    def remarks(self, findings: Findings) -> tuple[str, ...]:
        """Explain the baseline and the calibration; see `Task.remarks`."""
        images = count_of(self._count_baseline_images(), "training image")
        fitted = f"The baseline is logistic regression on the pixels of {images}."
        return (*([fitted] if findings.baseline else []), *describe_labels(findings.values))

    def description(self) -> str:
        """Return the labels and the size of the images; see `Task.description`."""
        rows, pixels = count_of(self.shape[0], "row"), count_of(self.shape[1], "pixel")
        return f"{count_of(len(self.labels), 'label')}; {rows} of {pixels}; the source's own test part"


def _flatten(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    return images.reshape(len(images), -1).astype(np.float32) / np.float32(255)
