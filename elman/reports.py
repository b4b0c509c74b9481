"""Reports: what training steps and epochs did, and the scores of a model on one part of the data; frozen records.

They are apart from `elman.records` because predictions do without them.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Intervals = dict[str, tuple[float, float]]
"""The ends of the interval of each score, by its name."""


@dataclass(frozen=True, slots=True)
class StepResult:
    """What one training step did.

    Args:
        epoch: from 1.
        step: within the epoch, from 1.
        steps: the number of steps in an epoch.
        loss: mean of the batch, nats; the squared error if the answer is a number.
        accuracy: of the batch, between 0 and 1; None if the answer is a number.
        learning_rate: the rate that the step used.
    """

    epoch: int
    step: int
    steps: int
    loss: float
    accuracy: float | None
    learning_rate: float


@dataclass(frozen=True, slots=True)
class EpochResult:
    """What one pass over the training part did.

    Args:
        epoch: from 1.
        loss: mean training loss, nats; the squared error if the answer is a number.
        accuracy: on the training part, measured while training (with dropout), between 0 and 1; of steps if each step
            has a target; None if the answer is a number.
        validation_loss: mean negative log-likelihood on the validation part after calibration, nats; or squared error.
        validation_accuracy: of the validation part, as ``accuracy``.
        learning_rate: at the end of the epoch.
        seconds: of this epoch, including validation.
        is_best: whether the validation score is the best so far.
    """

    epoch: int
    loss: float
    accuracy: float | None
    validation_loss: float
    validation_accuracy: float | None
    learning_rate: float
    seconds: float
    is_best: bool


@dataclass(frozen=True, eq=False, slots=True)
class Outcomes:
    """What each of N strings adds to the main score of a model: the sum of the gains over the sum of the sizes.

    Two models are compared by their gains on the same strings; see `elman.evaluation.verdict`.

    Args:
        gains: (N,), float64; NaN for a string that is not scored.
        sizes: (N,), float64.
    """

    gains: "NDArray[np.float64]"
    sizes: "NDArray[np.float64]"


@dataclass(frozen=True, slots=True)
class LabelScore:
    """Scores of one label.

    Args:
        precision: share of the answers with this label that are right.
        recall: share of the examples of this label that are answered with it.
        f1: the harmonic mean of the two.
        support: the number of examples of this label.
        intervals: the lowest and the highest value of each score that its few examples leave possible, by field.
    """

    precision: float
    recall: float
    f1: float
    support: int
    intervals: Intervals = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the scores as plain values for JSON."""
        return {
            "precision": self.precision,
            "recall": self.recall,
            "f1": self.f1,
            "support": self.support,
            "intervals": _list_intervals(self.intervals),
        }


@dataclass(frozen=True, slots=True)
class EvalReport:
    """Scores of one classifier on one part of the data.

    An example for which the model abstains is not answered right. It has no probability, so ``nll``, ``brier`` and
    ``calibration_error`` are of the other examples, and None if there is no other.

    Args:
        examples: how many were scored.
        accuracy: share of examples whose most likely label is right.
        top_k: share of examples whose label is among the k most likely; keys 2 to 5.
        macro_f1: unweighted mean of the labels' F1, over labels with examples.
        nll: mean negative log-likelihood, nats.
        brier: mean squared distance between the probabilities and the truth, 0 to 2.
        calibration_error: expected calibration error over 15 equal bins, 0 to 1.
        per_label: the scores of each label that has examples.
        answered_accuracy: the accuracy without the examples for which the model abstains; None if there is no other.
        abstentions: for how many of the examples the model abstains, by reason.
        positive: of two labels the one with fewer examples, which the next two scores are about; None if there are
            more.
        roc_auc: area under the ROC curve: how often an example of ``positive`` gets a higher probability than another.
        pr_auc: area under the precision-recall curve: the average precision.
        intervals: the 95 % interval of each score, by its key in `to_dict`.
        outcomes: which examples are answered right, to compare two models; not part of `to_dict`.
    """

    examples: int
    accuracy: float
    top_k: dict[int, float]
    macro_f1: float
    nll: float | None
    brier: float | None
    calibration_error: float | None
    per_label: dict[str, LabelScore] = field(default_factory=dict)
    answered_accuracy: float | None = None
    abstentions: dict[str, int] = field(default_factory=dict)
    positive: str | None = None
    roc_auc: float | None = None
    pr_auc: float | None = None
    intervals: Intervals = field(default_factory=dict)
    outcomes: Outcomes | None = field(default=None, compare=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values for JSON; ``top_k`` becomes ``top_2`` to ``top_5``."""
        two = {"positive": self.positive, "roc_auc": self.roc_auc, "pr_auc": self.pr_auc}
        return {
            "examples": self.examples,
            "accuracy": self.accuracy,
            **{f"top_{k}": share for k, share in self.top_k.items()},
            "macro_f1": self.macro_f1,
            **({} if self.positive is None else two),
            "nll": self.nll,
            "brier": self.brier,
            "calibration_error": self.calibration_error,
            "answered_accuracy": self.answered_accuracy,
            **_count_abstentions(self.abstentions),
            "intervals": _list_intervals(self.intervals),
            "per_label": {label: scores.to_dict() for label, scores in self.per_label.items()},
        }


@dataclass(frozen=True, slots=True)
class TagReport:
    """Scores of a tagger on one part of the data.

    The symbols of a string for which the model abstains are not tagged right; ``nll`` is of the other strings.

    Args:
        examples: how many strings were scored.
        symbols: how many symbols the strings have.
        symbol_accuracy: share of symbols whose tag is right.
        string_accuracy: share of strings whose tags are all right.
        nll: mean negative log-likelihood of a symbol's tag, nats; None if the answers have no probabilities.
        abstentions: for how many of the strings the model abstains, by reason.
        intervals: the 95 % interval of each score, by field.
        outcomes: how many symbols of each string are tagged right, to compare two models; not part of `to_dict`.
    """

    examples: int
    symbols: int
    symbol_accuracy: float
    string_accuracy: float
    nll: float | None = None
    abstentions: dict[str, int] = field(default_factory=dict)
    intervals: Intervals = field(default_factory=dict)
    outcomes: Outcomes | None = field(default=None, compare=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values for JSON."""
        scores = ("examples", "symbols", "symbol_accuracy", "string_accuracy", "nll")
        return {
            **{name: getattr(self, name) for name in scores},
            **_count_abstentions(self.abstentions),
            "intervals": _list_intervals(self.intervals),
        }


@dataclass(frozen=True, slots=True)
class NumberReport:
    """Scores of predicted numbers on one part of the data, without the examples for which the model abstains.

    The scores are None if it abstains for all.

    Args:
        examples: how many there are.
        r2: share of the variance that is explained, at most 1; always answering the mean of this part has 0.
        rmse: root of the mean squared error, in the number's own unit.
        mae: mean absolute error, in the number's own unit.
        abstentions: for how many of the examples the model abstains, by reason.
        intervals: the 95 % interval of each score, by field.
        outcomes: what each example adds to the explained variance, to compare two models; not part of `to_dict`.
    """

    examples: int
    r2: float | None
    rmse: float | None
    mae: float | None
    abstentions: dict[str, int] = field(default_factory=dict)
    intervals: Intervals = field(default_factory=dict)
    outcomes: Outcomes | None = field(default=None, compare=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values for JSON."""
        return {
            **{name: getattr(self, name) for name in ("examples", "r2", "rmse", "mae")},
            **_count_abstentions(self.abstentions),
            "intervals": _list_intervals(self.intervals),
        }


@dataclass(frozen=True, slots=True)
class TranscriptionReport:
    """Scores of a model that writes a string for each string that it reads, on one part of the data.

    A string for which the model abstains is wrong, and all symbols of its shortest reference are missing.

    Args:
        examples: how many strings were read.
        symbols: how many symbols the nearest references have.
        word_error_rate: share of strings whose first answer is not among the references.
        symbol_error_rate: edits from the first answers to their nearest references over ``symbols``; it can exceed 1.
        right_in_three: share of strings one of whose first three answers is a reference; None if there is one answer.
        abstentions: for how many of the strings the model abstains, by reason.
        intervals: the 95 % interval of each score, by field.
        per_label: the scores of the strings of each label; empty without labels.
        outcomes: which strings are answered right, to compare two models; not part of `to_dict`.
    """

    examples: int
    symbols: int
    word_error_rate: float
    symbol_error_rate: float
    right_in_three: float | None = None
    abstentions: dict[str, int] = field(default_factory=dict)
    intervals: Intervals = field(default_factory=dict)
    per_label: dict[str, "TranscriptionReport"] = field(default_factory=dict)
    outcomes: Outcomes | None = field(default=None, compare=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values for JSON."""
        scores = ("examples", "symbols", "word_error_rate", "symbol_error_rate")
        three = {} if self.right_in_three is None else {"right_in_three": self.right_in_three}
        return {
            **{name: getattr(self, name) for name in scores},
            **three,
            **_count_abstentions(self.abstentions),
            "intervals": _list_intervals(self.intervals),
            **(
                {"per_label": {label: one.to_dict() for label, one in self.per_label.items()}} if self.per_label else {}
            ),
        }


@dataclass(frozen=True, slots=True)
class WritingReport:
    """Scores of a model that writes new strings, on one part of the data: how surprising it finds the strings there.

    Strings that the model cannot write, because they have a symbol that it has never seen, are not scored. The scores
    are None if it can write none.

    Args:
        examples: how many strings there are.
        symbols: how many symbols those that are scored have, their ends counted.
        nats_per_symbol: the mean surprise of a symbol after those before it, nats.
        bits_per_symbol: the same in bits.
        perplexity: its exponential: so many equally likely symbols would be as surprising.
        abstentions: how many strings cannot be written, by reason.
        intervals: the 95 % interval of each score, by field.
        outcomes: the log-probability of each string, to compare two models; not part of `to_dict`.
    """

    examples: int
    symbols: int
    nats_per_symbol: float | None
    bits_per_symbol: float | None
    perplexity: float | None
    abstentions: dict[str, int] = field(default_factory=dict)
    intervals: Intervals = field(default_factory=dict)
    outcomes: Outcomes | None = field(default=None, compare=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values for JSON."""
        scores = ("examples", "symbols", "nats_per_symbol", "bits_per_symbol", "perplexity")
        return {
            **{name: getattr(self, name) for name in scores},
            **_count_abstentions(self.abstentions),
            "intervals": _list_intervals(self.intervals),
        }


def _list_intervals(intervals: Intervals) -> dict[str, list[float]]:
    """Return intervals as JSON has them."""
    return {name: list(ends) for name, ends in intervals.items()}


def _count_abstentions(abstentions: dict[str, int]) -> dict[str, Any]:
    """Return as plain values how often a model abstains, in all and by reason."""
    return {"abstained": sum(abstentions.values()), "abstentions": abstentions}


Report = EvalReport | TagReport | NumberReport | TranscriptionReport | WritingReport
"""The scores of any kind of model."""
