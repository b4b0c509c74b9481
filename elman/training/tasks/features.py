"""Answer a row of named numbers with a number: a plain linear regression.

Training uses standardised and decorrelated features, so that gradient descent is as fast in every direction. The model
file reads and answers in the units of the columns: its weights contain the scales.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import train_test_split
from torch import Tensor

from elman.checks import count_of
from elman.data.batches import EncodedExamples
from elman.data.examples import FeatureReading
from elman.data.splits import BY_HEART, NOTHING_KEPT, RANDOM
from elman.data.steps import features_to_steps
from elman.errors import DataError, SettingError
from elman.evaluation.metrics import score_numbers
from elman.evaluation.scores import NumberEvaluation, evaluate_numbers
from elman.evaluation.verdict import CONSTANT, compare
from elman.files import digest_of
from elman.model.file import Artifact
from elman.model.tensors import HEAD_BIAS, HEAD_WEIGHT
from elman.prediction.predictor import Predictor
from elman.text.vocabulary import Labels
from elman.training.config import RunConfig
from elman.training.tasks.numbers import Numbers, measure_scale
from elman.training.tasks.task import Findings, Task

Rows = NDArray[np.int64]
"""Positions of rows in the table."""


class FeatureTask(Task):
    """Named numbers, and the number to predict from them; no recurrence.

    Args:
        reading: the features and the number of each row.
        config: what to do with them; its network has no cells.

    Raises:
        SettingError: the config asks for cells, for another number of features, or for another kind of split.
        DataError: there are too few rows, or a column is constant.
    """

    kind = "features"

    def __init__(self, reading: FeatureReading, config: RunConfig) -> None:
        if config.model.cell != "none":
            raise SettingError(f"features are fitted without recurrence: leave --cell out; got {config.model.cell!r}")
        if config.model.input_size != len(reading.columns):
            raise SettingError(
                f"{count_of(len(reading.columns), 'feature')} need a network with input_size {len(reading.columns)}; "
                f"got {config.model.input_size}"
            )
        self.config, self.reading, self.dropped = config, reading, reading.dropped
        self.labels = Labels((reading.number,))
        self.parts = self._split()
        self.split_kind = config.split
        self.notes = (BY_HEART,) if config.split == NOTHING_KEPT else ()
        self.sizes = {name: len(rows) for name, rows in self.parts.items()}
        self.fingerprint = digest_of(
            *(
                np.ascontiguousarray(part[rows])
                for rows in self.parts.values()
                for part in (reading.features, reading.numbers)
            )
        )
        learned = reading.features[self.parts["train"]]
        self.mean, self.deviation = measure_scale(reading.numbers[self.parts["train"]], reading.number)
        for column, name in enumerate(reading.columns):
            measure_scale(learned[:, column], name)
        self.means, self.whitening = learned.mean(axis=0), _compute_whitening(learned, reading.columns)
        self.training, self.validation = (self._encode(self.parts[part]) for part in ("train", "validation"))

    def _split(self) -> dict[str, Rows]:
        config, rows = self.config, np.arange(len(self.reading.numbers))
        if config.split not in (RANDOM, NOTHING_KEPT):
            raise SettingError(f"split of rows of numbers must be {RANDOM} or {NOTHING_KEPT}; got {config.split!r}")
        if config.split == NOTHING_KEPT:
            return dict.fromkeys(("train", "validation", "test"), rows)
        test, validation = round(config.test_share * len(rows)), round(config.validation_share * len(rows))
        if min(test, validation) < 1 or len(rows) - test - validation < len(self.reading.columns) + 1:
            raise DataError(f"too few rows to split: {len(rows)}; give more, or fit all of them with --split none")
        rest, held = train_test_split(rows, test_size=test, random_state=config.split_seed)
        train, chosen = train_test_split(rest, test_size=validation, random_state=config.split_seed)
        return {"train": train, "validation": chosen, "test": held}

    def _encode(self, rows: Rows) -> EncodedExamples:
        features = ((self.reading.features[rows] - self.means) @ self.whitening).astype(np.float32)
        targets = ((self.reading.numbers[rows] - self.mean) / self.deviation).astype(np.float32)
        return EncodedExamples(features[:, None, :], targets)

    def artifact(self, weights: Mapping[str, Tensor], provenance: dict[str, Any]) -> Artifact:
        """Return the model, reading and answering in the units of the columns; see `Task.artifact`."""
        slopes = self.whitening @ weights[HEAD_WEIGHT].double().numpy()[0] * self.deviation
        bias = float(weights[HEAD_BIAS][0]) * self.deviation + self.mean - slopes @ self.means
        tensors = {HEAD_WEIGHT: slopes[None].astype(np.float32), HEAD_BIAS: np.array([bias], np.float32)}
        return self.build_artifact(tensors, provenance, columns=self.reading.columns)

    def measure(self, artifact: Artifact) -> tuple[Artifact, Findings]:
        """Measure the model beside the exact least-squares solution; see `Task.measure`."""
        predictor = Predictor(artifact)
        features, numbers = self.reading.features, self.reading.numbers
        train, held = self.parts["train"], self.parts["test"]

        def evaluate(rows: Rows) -> NumberEvaluation:
            return evaluate_numbers(predictor, features_to_steps(features[rows]), numbers[rows])

        test = evaluate(held)
        exact = LinearRegression().fit(features[train], numbers[train])
        slopes, bias = artifact.tensors[HEAD_WEIGHT][0].astype(float), float(artifact.tensors[HEAD_BIAS][0])
        differences = np.append(slopes - exact.coef_, bias - exact.intercept_)
        constant = score_numbers(np.full(len(held), self.mean), numbers[held])
        assert test.report.outcomes is not None and constant.outcomes is not None
        name = f"always answering {self.mean:.4g}"
        comparison = compare(
            test.report.outcomes, constant.outcomes, kind=CONSTANT, name=name, score="explained variance"
        )
        return artifact, Findings(
            test=test.report,
            validation=evaluate(self.parts["validation"]).report,
            baseline=score_numbers(exact.predict(features[held]), numbers[held]),
            values={
                "weights": dict(zip(self.reading.columns, slopes.tolist(), strict=True)),
                "intercept": bias,
                "furthest_from_least_squares": float(np.abs(differences).max()),
            },
            evaluation=test,
            comparisons=(comparison,),
        )

    def verdict(self, findings: Findings) -> str:
        """Write the equation and its distance to the exact solution; see `Task.verdict`."""
        values = findings.values
        written = write_equation(self.reading.number, values["weights"], values["intercept"])
        furthest = values["furthest_from_least_squares"]
        return (
            f"{written}; no weight is further than {furthest:.2g} from the exact least-squares solution. "
            f"{super().verdict(findings)}"
        )

    def remarks(self, findings: Findings) -> tuple[str, ...]:
        """Explain the baseline; see `Task.remarks`."""
        return ("The baseline is the exact least-squares solution of the same training part.",)

    def description(self) -> str:
        """Return the columns that are answered and read; see `Task.description`."""
        return f"a number, {self.labels.names[0]!r}, of {', '.join(self.reading.columns)}"


def write_equation(number: str, slopes: Mapping[str, float], bias: float) -> str:
    """Return a linear regression as people write it.

    Args:
        number: the name of the column that is answered.
        slopes: the weight of each column.
        bias: the intercept.

    >>> write_equation("price", {"area": 3.0, "age": -0.5}, 2.0)
    'price = 3 · area − 0.5 · age + 2'
    """
    terms = [*((slope, f" · {name}") for name, slope in slopes.items()), (bias, "")]
    signed = "".join(f" {'−' if value < 0 else '+'} {abs(value):.4g}{name}" for value, name in terms)
    return f"{number} = {signed.removeprefix(' + ').lstrip()}"


def _compute_whitening(features: Numbers, names: Sequence[str]) -> Numbers:
    """Return the matrix, (F, F), that makes centred features uncorrelated, with variance 1."""
    deviations = features.std(axis=0)
    correlations = np.atleast_2d(np.corrcoef(features, rowvar=False))
    variances, directions = np.linalg.eigh(correlations)
    if variances[0] <= 1e-9:
        raise DataError(f"one of the columns {', '.join(names)} follows from the others; leave it out")
    whitening: Numbers = directions / np.sqrt(variances) / deviations[:, None]
    return whitening
