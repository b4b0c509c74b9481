"""Answer a string with a number.

Training uses standardised numbers (mean 0 and variance 1 in the training part), so a loss of 1 is that of always
answering the mean. The model file answers in the unit of the column: the head contains mean and deviation.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from torch import Tensor

from elman.data.batches import EncodedExamples
from elman.data.examples import Reading
from elman.data.numbers import parse_numbers, select_numbers
from elman.data.splits import Split
from elman.errors import DataError
from elman.evaluation.metrics import score_numbers
from elman.evaluation.scores import NumberEvaluation, evaluate_numbers
from elman.evaluation.verdict import BASELINE, CONSTANT, compare
from elman.model.file import Artifact
from elman.model.tensors import BAG_HEAD, BAG_OUTPUT, BAG_WEIGHT, HEAD_BIAS, HEAD_WEIGHT
from elman.prediction.predictor import Predictor
from elman.records import Example
from elman.reports import NumberReport
from elman.text.vocabulary import Labels
from elman.training.config import RunConfig
from elman.training.tasks.strings import Importance, look_up, normalise_examples, split_for
from elman.training.tasks.task import Findings, Task

LARGEST = 1e30
"""The largest number allowed; the model file holds float32, whose range is a little larger."""

BASELINE_STRINGS = 50_000
"""The quick baseline is fitted on at most so many strings, which takes seconds."""

NOT_A_NUMBER, RIDGE_BASELINE = "not a number", "ridge regression on character n-grams"
Numbers = NDArray[np.float64]


class NumberTask(Task):
    """Strings with a number each.

    Args:
        reading: the strings; the label of each example is its number.
        config: what to do with them.
        split: as in `elman.training.tasks.labels.LabelTask`.
        importance: as there.

    Raises:
        DataError: there is no number, all are the same, or they cannot be split.
    """

    kind = "number"

    def __init__(
        self,
        reading: Reading,
        config: RunConfig,
        *,
        split: Split | None = None,
        importance: Importance | None = None,
    ) -> None:
        self.config = config
        examples, dropped = normalise_examples(reading, config.normalisation)
        kept, lost = select_numbers(examples, config.label_column, config.data)
        self.dropped = {**dropped, **({NOT_A_NUMBER: lost} if lost else {})}
        self.split = split or split_for(config, kept)
        self.sizes, self.notes, self.fingerprint = self.split.sizes, self.split.notes, self.split.fingerprint
        self.split_kind = self.split.kind
        self.vocabulary = self.collect_symbols(e.text for e in self.split.train)
        self.labels = Labels((config.label_column,))
        self.mean, self.deviation = measure_scale(parse_numbers(self.split.train), config.label_column)
        self.training = self._encode(self.split.train, look_up(importance or {}, self.split.train))
        self.validation = self._encode(self.split.validation)

    def _encode(self, examples: Sequence[Example], weights: NDArray[np.float32] | None = None) -> EncodedExamples:
        targets = ((parse_numbers(examples) - self.mean) / self.deviation).astype(np.float32)
        return EncodedExamples([self.vocabulary.encode(e.text) for e in examples], targets, weights)

    def artifact(self, weights: Mapping[str, Tensor], provenance: dict[str, Any]) -> Artifact:
        """Return the model, its answers in the unit of the column; see `Task.artifact`."""
        tensors = {name: tensor.numpy() for name, tensor in weights.items()}
        tensors[HEAD_WEIGHT] = tensors[HEAD_WEIGHT] * np.float32(self.deviation)
        tensors[HEAD_BIAS] = (tensors[HEAD_BIAS] * self.deviation + self.mean).astype(np.float32)
        if self.config.model.bag_orders:
            last = [BAG_HEAD] if self.config.model.bag_size else [BAG_WEIGHT]
            for name in (*last, *([BAG_OUTPUT] if BAG_OUTPUT in tensors else [])):
                tensors[name] = tensors[name] * np.float32(self.deviation)
        return self.build_artifact(tensors, provenance)

    def measure(self, artifact: Artifact) -> tuple[Artifact, Findings]:
        """Measure the model beside ridge regression on n-grams; see `Task.measure`."""
        predictor = Predictor(artifact)

        def evaluate(examples: Sequence[Example]) -> NumberEvaluation:
            texts = [example.text for example in examples]
            encoded = [self.vocabulary.encode(text) for text in texts]
            return evaluate_numbers(predictor, encoded, parse_numbers(examples), reasons=predictor.abstentions(texts))

        test = evaluate(self.split.test)
        truth = parse_numbers(self.split.test)
        baseline = self._score_baseline(truth) if self.config.baseline != "none" else None
        constant = score_numbers(np.full(len(truth), self.mean), truth)
        others = (
            (BASELINE, RIDGE_BASELINE, baseline),
            (CONSTANT, f"always answering {self.mean:.4g}", constant),
        )
        own = test.report.outcomes
        return artifact, Findings(
            test=test.report,
            validation=evaluate(self.split.validation).report,
            baseline=baseline,
            evaluation=test,
            comparisons=tuple(
                compare(own, other.outcomes, kind=kind, name=name, score="explained variance")
                for kind, name, other in others
                if own is not None and other is not None and other.outcomes is not None
            ),
        )

    def _score_baseline(self, truth: Numbers) -> NumberReport:
        """Return the scores of the baseline on the test part, whose numbers are ``truth``."""
        ridge = make_pipeline(
            TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), lowercase=False), Ridge(alpha=1.0)
        )
        learned = self._choose_baseline_examples()
        ridge.fit([e.text for e in learned], parse_numbers(learned))
        return score_numbers(ridge.predict([e.text for e in self.split.test]), truth)

    def _choose_baseline_examples(self) -> Sequence[Example]:
        train = self.split.train
        if self.config.baseline == "full" or len(train) <= BASELINE_STRINGS:
            return train
        chosen = np.random.default_rng(self.config.train.seed).permutation(len(train))[:BASELINE_STRINGS]
        return [train[position] for position in np.sort(chosen).tolist()]

    def remarks(self, findings: Findings) -> tuple[str, ...]:
        """Explain the baseline; see `Task.remarks`."""
        if findings.baseline is None:
            return ()
        fitted, available = len(self._choose_baseline_examples()), len(self.split.train)
        sample = f"{fitted:,} of the {available:,} strings, drawn at random; --baseline full fits all of them"
        part = "the same part" if fitted == available else sample
        return (f"The baseline is {RIDGE_BASELINE} of 1 to 4, fitted on {part}.",)

    def description(self) -> str:
        """Return the column of the number and the kind of split; see `Task.description`."""
        return f"a number, {self.labels.names[0]!r}; {self.split_kind} split"


def measure_scale(numbers: Numbers, name: str) -> tuple[float, float]:
    """Return the mean and the standard deviation of a column.

    Raises:
        DataError: a number is too large, or all are the same.
    """
    mean, deviation = float(numbers.mean()), float(numbers.std())
    if max(abs(mean), deviation) > LARGEST:
        raise DataError(f"the column {name!r} holds numbers above {LARGEST:g}; use another unit")
    if deviation <= 1e-12 * max(1.0, abs(mean)):
        raise DataError(f"the column {name!r} holds one number only; there is nothing to learn from it")
    return mean, deviation
