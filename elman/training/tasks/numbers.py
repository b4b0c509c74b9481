"""Numbers as answers: of strings through a network, and of named numbers through a plain linear regression.

Both train on standardised numbers (mean 0, variance 1 in the training part), so that a loss of 1 is what always
answering the mean costs; features are decorrelated too, so that gradient descent goes down as fast in every direction.
The model file reads and answers in the columns' own units: all of that is folded into the head.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from torch import Tensor

from elman.data.batches import EncodedExamples
from elman.data.examples import FeatureReading, Reading
from elman.data.splits import BY_HEART, NOTHING_KEPT
from elman.errors import DataError, SettingError
from elman.evaluation.metrics import score_numbers
from elman.evaluation.plots import plot_answers
from elman.evaluation.scores import evaluate_numbers
from elman.files import digest_of
from elman.model.file import Artifact
from elman.model.tensors import BAG_WEIGHT, HEAD_BIAS, HEAD_WEIGHT
from elman.prediction.predictor import Predictor
from elman.records import Example, NumberReport
from elman.text.ngrams import inventory
from elman.text.vocabulary import Labels, Vocabulary
from elman.training.config import RunConfig
from elman.training.network import SequenceModel
from elman.training.tasks.strings import normalise_examples, sizes_of, split_for
from elman.training.tasks.task import Findings, Task

LARGEST = 1e30
"""A little below what float32 holds, which the model file is written in."""

NOT_A_NUMBER = "not a number"
Numbers = NDArray[np.float64]


def with_numbers(examples: Sequence[Example], config: RunConfig) -> tuple[list[Example], int]:
    """Return the examples whose label is a finite number, and how many others there are.

    Raises:
        DataError: there is none.
    """
    kept = [example for example in examples if _is_number(example.label)]
    if not kept:
        raise DataError(f"{config.data}: no row has a number in the column {config.label_column!r}")
    return kept, len(examples) - len(kept)


def numbers_of(examples: Sequence[Example]) -> Numbers:
    """Return the numbers that stand as the examples' labels, (N,), float64."""
    return np.array([float(example.label) for example in examples])


class NumberTask(Task):
    """Strings with a number each.

    Args:
        reading: the strings; the label of each example is its number.
        config: what to do with them.

    Raises:
        DataError: there is no number, all are the same, or they cannot be split.
    """

    def __init__(self, reading: Reading, config: RunConfig) -> None:
        self.config = config
        examples, dropped = normalise_examples(reading, config.normalisation)
        kept, lost = with_numbers(examples, config)
        self.dropped = {**dropped, **({NOT_A_NUMBER: lost} if lost else {})}
        self.split = split_for(config, kept)
        self.sizes, self.notes, self.fingerprint = sizes_of(self.split), self.split.notes, self.split.fingerprint
        self.split_kind = config.split
        self.vocabulary = Vocabulary.from_texts((e.text for e in self.split.train), min_count=config.symbol_min_count)
        self.labels = Labels((config.label_column,))
        self.mean, self.deviation = _scale(numbers_of(self.split.train), config.label_column)
        self.training, self.validation = self._encoded(self.split.train), self._encoded(self.split.validation)

    def _encoded(self, examples: Sequence[Example]) -> EncodedExamples:
        targets = ((numbers_of(examples) - self.mean) / self.deviation).astype(np.float32)
        return EncodedExamples([self.vocabulary.encode(e.text) for e in examples], targets)

    def network(self) -> SequenceModel:
        """Return the untrained network; see `Task.network`."""
        shape = self.config.model
        batches = (batch.inputs for batch in self.training.batches(4096))
        ngrams = inventory(batches, shape.bag_orders, shape.bag_min_count)
        return SequenceModel(shape, symbols=len(self.vocabulary), labels=1, inventory=ngrams)

    def artifact(self, weights: Mapping[str, Tensor], provenance: dict[str, Any]) -> Artifact:
        """Return the model, its answers in the number's own unit; see `Task.artifact`."""
        tensors = {name: tensor.numpy() for name, tensor in weights.items()}
        tensors[HEAD_WEIGHT] = tensors[HEAD_WEIGHT] * np.float32(self.deviation)
        tensors[HEAD_BIAS] = (tensors[HEAD_BIAS] * self.deviation + self.mean).astype(np.float32)
        if self.config.model.bag_orders:
            tensors[BAG_WEIGHT] = tensors[BAG_WEIGHT] * np.float32(self.deviation)
        return Artifact(
            name=self.config.name,
            config=self.config.model,
            tensors=tensors,
            vocabulary=self.vocabulary,
            labels=self.labels,
            normalisation=self.config.normalisation,
            temperature=1.0,
            provenance=provenance,
            answers="number",
        )

    def findings(self, predictor: Predictor) -> Findings:
        """Measure the model beside ridge regression on n-grams; see `Task.findings`."""

        def scored(examples: Sequence[Example]) -> tuple[Numbers, NumberReport]:
            encoded, truth = [self.vocabulary.encode(e.text) for e in examples], numbers_of(examples)
            return truth, evaluate_numbers(predictor, encoded, truth)

        truth, test = scored(self.split.test)
        ridge = make_pipeline(
            TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), lowercase=False), Ridge(alpha=1.0)
        )
        ridge.fit([e.text for e in self.split.train], numbers_of(self.split.train))
        baseline = score_numbers(ridge.predict([e.text for e in self.split.test]), truth)
        answers = predictor.logits([e.text for e in self.split.test])[:, 0]
        ahead = test.r2 > baseline.r2
        return Findings(
            test=test,
            validation=scored(self.split.validation)[1],
            baseline=baseline,
            verdict=(
                f"The model explains {(test.r2 - baseline.r2) * 100:.1f} points more of the variance than the baseline."
                if ahead
                else "The model does NOT beat the baseline, ridge regression on character n-grams. "
                "Use the baseline, more data, or another setting."
            ),
            rows=_rows(test, scored(self.split.validation)[1], baseline),
            remarks=("The baseline is ridge regression on character n-grams of 1 to 4, fitted on the same part.",),
            pictures={
                "answers.png": (
                    "Answers beside the truth, test part",
                    plot_answers(answers, truth, self.labels.names[0]),
                )
            },
        )

    def description(self) -> str:
        """Say what is answered; see `Task.description`."""
        return f"a number, {self.labels.names[0]!r}; {self.split.kind} split"


class FeatureTask(Task):
    """A plain linear regression: a few named numbers in, one number out, no recurrence.

    Args:
        reading: the features and the number of each row.
        config: what to do with them; its network has no cells.

    Raises:
        SettingError: the config asks for cells, or for another number of features.
        DataError: there are too few rows, or a column is constant.
    """

    def __init__(self, reading: FeatureReading, config: RunConfig) -> None:
        if config.model.cell != "none":
            raise SettingError(f"features are fitted without recurrence: leave --cell out; got {config.model.cell!r}")
        if config.model.input_size != len(reading.columns):
            raise SettingError(
                f"{len(reading.columns)} features need a network with input_size {len(reading.columns)}; "
                f"got {config.model.input_size}"
            )
        self.config, self.reading, self.dropped = config, reading, reading.dropped
        self.labels = Labels((reading.number,))
        self.parts, self.notes = self._split()
        self.split_kind = NOTHING_KEPT if config.split == NOTHING_KEPT else "random"
        self.sizes = {name: len(rows) for name, rows in self.parts.items()}
        self.fingerprint = digest_of(
            *(
                np.ascontiguousarray(part[rows])
                for rows in self.parts.values()
                for part in (reading.features, reading.numbers)
            )
        )
        learned = reading.features[self.parts["train"]]
        self.mean, self.deviation = _scale(reading.numbers[self.parts["train"]], reading.number)
        for column, name in enumerate(reading.columns):
            _scale(learned[:, column], name)
        self.means, self.whitening = learned.mean(axis=0), _whitening(learned, reading.columns)
        self.training, self.validation = (self._encoded(self.parts[part]) for part in ("train", "validation"))

    def _split(self) -> tuple[dict[str, NDArray[np.int64]], tuple[str, ...]]:
        config, rows = self.config, np.arange(len(self.reading.numbers))
        if config.split not in ("grouped", NOTHING_KEPT):  # grouped is the default of strings
            raise SettingError(f"rows of numbers are split at random, or not at all with none; got {config.split!r}")
        if config.split == NOTHING_KEPT:
            return dict.fromkeys(("train", "validation", "test"), rows), (BY_HEART,)
        test, validation = round(config.test_share * len(rows)), round(config.validation_share * len(rows))
        if min(test, validation) < 1 or len(rows) - test - validation < len(self.reading.columns) + 1:
            raise DataError(f"too few rows to split: {len(rows)}; give more, or fit all of them with --split none")
        rest, held = train_test_split(rows, test_size=test, random_state=config.split_seed)
        train, chosen = train_test_split(rest, test_size=validation, random_state=config.split_seed)
        return {"train": train, "validation": chosen, "test": held}, ()

    def _encoded(self, rows: NDArray[np.int64]) -> EncodedExamples:
        features = ((self.reading.features[rows] - self.means) @ self.whitening).astype(np.float32)
        targets = ((self.reading.numbers[rows] - self.mean) / self.deviation).astype(np.float32)
        return EncodedExamples(features[:, None, :], targets)

    def network(self) -> SequenceModel:
        """Return the untrained linear layer; see `Task.network`."""
        return SequenceModel(self.config.model, symbols=1, labels=1)

    def artifact(self, weights: Mapping[str, Tensor], provenance: dict[str, Any]) -> Artifact:
        """Return the model, reading and answering in the columns' own units; see `Task.artifact`."""
        slopes = self.whitening @ weights[HEAD_WEIGHT].double().numpy()[0] * self.deviation
        bias = float(weights[HEAD_BIAS][0]) * self.deviation + self.mean - slopes @ self.means
        return Artifact(
            name=self.config.name,
            config=self.config.model,
            tensors={HEAD_WEIGHT: slopes[None].astype(np.float32), HEAD_BIAS: np.array([bias], np.float32)},
            vocabulary=Vocabulary(()),
            labels=self.labels,
            normalisation=self.config.normalisation,
            temperature=1.0,
            provenance=provenance,
            reads="features",
            answers="number",
            columns=self.reading.columns,
        )

    def findings(self, predictor: Predictor) -> Findings:
        """Measure the model beside the exact least-squares solution; see `Task.findings`."""
        features, numbers = self.reading.features, self.reading.numbers

        def scored(part: str) -> NumberReport:
            rows = self.parts[part]
            return evaluate_numbers(predictor, list(features[rows][:, None].astype(np.float32)), numbers[rows])

        test, validation = scored("test"), scored("validation")
        exact = LinearRegression().fit(features[self.parts["train"]], numbers[self.parts["train"]])
        baseline = score_numbers(exact.predict(features[self.parts["test"]]), numbers[self.parts["test"]])
        tensors = predictor.artifact.tensors
        slopes, bias = tensors[HEAD_WEIGHT][0].astype(float), float(tensors[HEAD_BIAS][0])
        furthest = float(np.abs(np.append(slopes - exact.coef_, bias - exact.intercept_)).max())
        answers = features[self.parts["test"]] @ slopes + bias
        said = equation(self.reading.number, self.reading.columns, slopes, bias)
        return Findings(
            test=test,
            validation=validation,
            baseline=baseline,
            verdict=f"{said}; no weight is further than {furthest:.2g} from the exact least-squares solution.",
            rows=_rows(test, validation, baseline),
            remarks=("The baseline is the exact least-squares solution of the same training part.",),
            values={"weights": dict(zip(self.reading.columns, slopes.tolist(), strict=True)), "intercept": bias},
            pictures={
                "answers.png": (
                    "Answers beside the truth, test part",
                    plot_answers(answers, numbers[self.parts["test"]], self.reading.number),
                )
            },
        )

    def description(self) -> str:
        """Say what is answered; see `Task.description`."""
        return f"a number, {self.labels.names[0]!r}, of {', '.join(self.reading.columns)}"


def equation(number: str, columns: Sequence[str], slopes: NDArray[np.float64], bias: float) -> str:
    """Return a linear regression as a reader would write it.

    >>> equation("price", ["area", "age"], np.array([3.0, -0.5]), 2.0)
    'price = 3 · area − 0.5 · age + 2'
    """
    terms = [*((slope, f" · {name}") for slope, name in zip(slopes, columns, strict=True)), (bias, "")]
    signed = "".join(f" {'−' if value < 0 else '+'} {abs(value):.4g}{name}" for value, name in terms)
    return f"{number} = {signed.removeprefix(' + ').lstrip()}"


def _rows(*reports: NumberReport) -> tuple[tuple[str, ...], ...]:
    return (
        ("R²", *(f"{report.r2:.4f}" for report in reports)),
        ("root mean squared error", *(f"{report.rmse:.4g}" for report in reports)),
        ("mean absolute error", *(f"{report.mae:.4g}" for report in reports)),
    )


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _scale(numbers: Numbers, name: str) -> tuple[float, float]:
    """Return the mean and the standard deviation of a column."""
    mean, deviation = float(numbers.mean()), float(numbers.std())
    if max(abs(mean), deviation) > LARGEST:
        raise DataError(f"the column {name!r} holds numbers beyond {LARGEST:g}; give it in another unit")
    if deviation <= 1e-12 * max(1.0, abs(mean)):
        raise DataError(f"the column {name!r} holds one number only; there is nothing to learn from it")
    return mean, deviation


def _whitening(features: Numbers, names: Sequence[str]) -> Numbers:
    """Return the matrix, (F, F), that makes features from which the mean is taken uncorrelated, with variance 1."""
    deviations = features.std(axis=0)
    correlations = np.atleast_2d(np.corrcoef(features, rowvar=False))
    variances, directions = np.linalg.eigh(correlations)
    if variances[0] <= 1e-9:
        raise DataError(f"of the columns {', '.join(names)} one follows from the others; leave it out")
    whitening: Numbers = directions / np.sqrt(variances) / deviations[:, None]
    return whitening
