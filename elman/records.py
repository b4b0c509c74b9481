"""Records that several packages share: frozen, without torch, and without behaviour beyond their own fields."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from elman.markup import escape, render_bar, render_card, render_note, render_table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Intervals = dict[str, tuple[float, float]]
"""The ends of the interval of each score, by its name."""

UNKNOWN = 0
"""The id of all symbols that a vocabulary does not contain."""


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled string.

    Args:
        text: the string, as in its source or normalised.
        label: its label.
        count: how many copies the source has, at least 1.
    """

    text: str
    label: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Candidate:
    """One possible answer.

    Args:
        label: the answer.
        probability: calibrated, between 0 and 1.
    """

    label: str
    probability: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """The answer of a model for one string, and how certain it is.

    Args:
        name: the string before normalisation; the path of a picture.
        label: the most likely label, or all tags as one string; None if the model abstains.
        probability: the calibrated probability of ``label``; None if the model abstains.
        top: the most likely labels, best first; empty if the model read nothing.
        normalised: what the model read.
        unknown: the distinct symbols of ``normalised`` that the model does not know.
        script: the script of ``name``, as `elman.text.scripts.script_of` names it.
        transliterated: whether letters of another script were read in Latin spelling.
        reason: why the model abstains; None if it answers.
        model: the name of the model.
        value: the number, if the model answers with one; None otherwise.
    """

    name: str
    label: str | None
    probability: float | None
    top: tuple[Candidate, ...]
    normalised: str
    unknown: tuple[str, ...]
    script: str
    transliterated: bool
    reason: str | None
    model: str
    value: float | None = None

    @property
    def abstained(self) -> bool:
        """Whether the model gives no answer; ``reason`` says why."""
        return self.reason is not None

    def to_dict(self) -> dict[str, Any]:
        """Return the prediction as plain values for JSON, in the order that the command line prints.

        ``value`` is included only if the answer is a number.
        """
        return {
            "name": self.name,
            "label": self.label,
            "probability": self.probability,
            "top": [{"label": c.label, "probability": c.probability} for c in self.top],
            "abstained": self.abstained,
            "reason": self.reason,
            "normalised": self.normalised,
            "unknown": list(self.unknown),
            "script": self.script,
            "transliterated": self.transliterated,
            "model": self.model,
            **({} if self.value is None else {"value": self.value}),
        }

    def _repr_html_(self) -> str:
        """Return the prediction as a notebook shows it: the answers with their probabilities, and what was unusual."""
        notes = [f"read as {self.normalised}"] if self.normalised not in ("", self.name.lower()) else []
        notes += [f"unknown: {' '.join(self.unknown)}"] if self.unknown else []
        notes += ["transliterated"] if self.transliterated else []
        rows = [
            [escape(one.label), f"{one.probability:.1%}".replace("%", " %"), render_bar(one.probability)]
            for one in self.top
        ]
        answer = self.label if self.value is None else f"{self.value:.6g}"
        return render_card(
            f"{self.name} → {'no answer' if answer is None else answer}",
            render_note(f"The model abstains: {self.reason}" if self.reason else ""),
            render_table(rows, escaped=True) if rows else "",
            render_note("; ".join([*notes, f"model: {self.model}"])),
        )


@dataclass(frozen=True)
class PredictionColumns:
    """Answers for many names in columns, for tables; they need far less memory than as many `Prediction`.

    Args:
        labels: the labels, in the order of their ids.
        best: ids of the most likely labels, best first, (N, top), int32; −1 if the name was not read.
        probabilities: of these labels, (N, top), float64; NaN if the name was not read.
        reason_ids: why the model abstained, (N,), int8, as a position in ``reasons``; −1 if it answered.
        reasons: in words.
        model: the name of the model.
    """

    labels: tuple[str, ...]
    best: "NDArray[np.int32]"
    probabilities: "NDArray[np.float64]"
    reason_ids: "NDArray[np.int8]"
    reasons: tuple[str, ...]
    model: str

    def __len__(self) -> int:
        """Return the number of names."""
        return len(self.best)

    def __getitem__(self, position: int) -> tuple[str | None, float | None, str | None]:
        """Return label, probability and reason of one name, as in its `Prediction`."""
        reason = int(self.reason_ids[position])
        if reason >= 0:
            return None, None, self.reasons[reason]
        return self.labels[int(self.best[position, 0])], float(self.probabilities[position, 0]), None


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


def _list_intervals(intervals: Intervals) -> dict[str, list[float]]:
    """Return intervals as JSON has them."""
    return {name: list(ends) for name, ends in intervals.items()}


def _count_abstentions(abstentions: dict[str, int]) -> dict[str, Any]:
    """Return as plain values how often a model abstains, in all and by reason."""
    return {"abstained": sum(abstentions.values()), "abstentions": abstentions}
