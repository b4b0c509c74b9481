"""Images as sequences: a row of pixels is a step, and the answer is a label."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from torch import Tensor

from elman.data.batches import EncodedExamples
from elman.data.images import ImageReading
from elman.errors import DataError, SettingError
from elman.evaluation.calibration import fit_temperature
from elman.evaluation.metrics import LabelIds, score
from elman.evaluation.plots import plot_mistakes
from elman.evaluation.scores import evaluate_encoded
from elman.files import digest_of
from elman.model.file import Artifact
from elman.prediction.predictor import Predictor
from elman.records import EvalReport
from elman.text.vocabulary import Labels, Vocabulary
from elman.training.config import RunConfig
from elman.training.network import SequenceModel
from elman.training.tasks.labels import classifier_findings
from elman.training.tasks.task import Findings, Task, shipped_weights

BASELINE_IMAGES = 10_000
"""The baseline is fitted on no more: it takes seconds so, and twice as many move it by less than a point."""


class ImageTask(Task):
    """Labelled images of one size, with a test part of their own.

    Args:
        reading: the images.
        config: what to do with them; ``input_size`` of its network is the width of the images.

    Raises:
        SettingError: the network reads rows of another width.
        DataError: there are too few images to keep some for validation.
    """

    def __init__(self, reading: ImageReading, config: RunConfig) -> None:
        rows, columns = reading.images.shape[1:]
        if config.model.input_size != columns:
            raise SettingError(f"rows of {columns} pixels need input_size {columns}; got {config.model.input_size}")
        if config.shift >= min(rows, columns):
            raise SettingError(
                f"shift must be less than the size of the images, {min(rows, columns)}; got {config.shift}"
            )
        if config.split != "grouped":  # the default of strings
            raise SettingError(f"images come with a test part of their own; leave --split out; got {config.split!r}")
        self.config, self.reading, self.dropped, self.split_kind = config, reading, reading.dropped, "given"
        self.shape = (rows, columns)
        self.labels = Labels(reading.names)
        held = max(len(reading.names), round(config.validation_share * len(reading.labels)))
        try:
            train, validation = train_test_split(
                np.arange(len(reading.labels)), test_size=held, random_state=config.split_seed, stratify=reading.labels
            )
        except ValueError as error:
            raise DataError(f"too few images to keep some for validation ({error}); give more") from None
        self.train, self.held = np.sort(train), np.sort(validation)
        self.sizes = {"train": len(self.train), "validation": len(self.held), "test": len(reading.test_labels)}
        self.fingerprint = digest_of(
            reading.images, reading.labels, reading.test_images, reading.test_labels, self.held
        )
        self.training = EncodedExamples(reading.images[self.train], reading.labels[self.train], shift=config.shift)
        self.validation = EncodedExamples(reading.images[self.held], reading.labels[self.held])

    def network(self) -> SequenceModel:
        """Return the untrained network; see `Task.network`."""
        return SequenceModel(self.config.model, symbols=1, labels=len(self.labels))

    def artifact(self, weights: Mapping[str, Tensor], provenance: dict[str, Any]) -> Artifact:
        """Return the calibrated model; see `Task.artifact`."""
        artifact = Artifact(
            name=self.config.name,
            config=self.config.model,
            tensors=shipped_weights(weights),
            vocabulary=Vocabulary(()),
            labels=self.labels,
            normalisation=self.config.normalisation,
            temperature=1.0,
            provenance=provenance,
            reads="images",
            picture=self.shape,
        )
        logits = Predictor(artifact).scorer.logits(as_steps(self.reading.images[self.held]))
        return replace(artifact, temperature=fit_temperature(logits, self.reading.labels[self.held]))

    def findings(self, predictor: Predictor) -> Findings:
        """Measure the model beside logistic regression on pixels; see `Task.findings`."""
        reading = self.reading
        test = evaluate_encoded(predictor, as_steps(reading.test_images), reading.test_labels)
        validation = evaluate_encoded(predictor, as_steps(reading.images[self.held]), reading.labels[self.held])
        baseline, of_validation = self._baseline()
        mistakes = plot_mistakes(reading.test_images, test.probabilities, test.truth, self.labels.names)
        fitted = min(BASELINE_IMAGES, len(self.train))
        return classifier_findings(
            predictor,
            test,
            validation,
            baseline,
            of_validation,
            values={},
            remarks=(f"The baseline is logistic regression on the pixels of {fitted:,} training images.",),
            pictures={"mistakes.png": ("The most confident mistakes on the test part", mistakes)},
        )

    def _baseline(self) -> tuple[EvalReport, EvalReport]:
        """Return the baseline's scores on the test and on the validation part."""
        reading = self.reading
        chosen = np.random.default_rng(self.config.split_seed).permutation(self.train)[:BASELINE_IMAGES]
        fitted = LogisticRegression(C=0.1, max_iter=200, tol=1e-3).fit(
            _flat(reading.images[chosen]), reading.labels[chosen]
        )

        def scored(images: NDArray[np.uint8], truth: LabelIds) -> EvalReport:
            probabilities = np.zeros((len(truth), len(self.labels)))
            probabilities[:, fitted.classes_] = fitted.predict_proba(_flat(images))
            return score(probabilities, truth, self.labels.names)

        return (
            scored(reading.test_images, reading.test_labels),
            scored(reading.images[self.held], reading.labels[self.held]),
        )

    def description(self) -> str:
        """Say what is answered; see `Task.description`."""
        return f"{len(self.labels)} labels; {self.shape[0]} rows of {self.shape[1]} pixels; the source's own test part"


def as_steps(images: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
    """Return images, (N, rows, columns), as sequences of rows with pixels from 0 to 1."""
    return list(images.astype(np.float32) / np.float32(255))


def _flat(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    return images.reshape(len(images), -1).astype(np.float32) / np.float32(255)
