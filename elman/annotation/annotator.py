"""Annotation: the rows of a table, with the model's answers in new columns.

The output has every row once, in the order of the input, with all of its columns unchanged. The names of new columns
have a prefix.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from elman.checks import shown
from elman.errors import SettingError
from elman.prediction.predictor import Predictor
from elman.records import PredictionColumns
from elman.tables.formats import TextOptions

PREFIX = "elman_"


DIGITS = 6
"""Decimal places of a probability in a table."""


Answer = Callable[[Sequence[str | None]], PredictionColumns]


@dataclass(frozen=True)
class AnnotateConfig:
    """The settings of an annotation.

    Args:
        column: the column of the strings, by its name or its number from 1.
        top: how many labels to write for each row, at least 1.
        abstain_below: abstain if the best label's probability is lower, 0 to 1.
        prefix: the first part of the names of new columns.
        skip_malformed: skip rows that cannot be read, and write them to another file, rather than stop.
        text: how text files are read, where their names and contents are not enough.

    Raises:
        SettingError: the prefix or the column is empty.
    """

    column: str = "name"
    top: int = 1
    abstain_below: float = 0.0
    prefix: str = PREFIX
    skip_malformed: bool = False
    text: TextOptions = TextOptions()

    def __post_init__(self) -> None:
        """Check the names; the predictor checks the rest."""
        if not self.prefix or not self.column:
            raise SettingError("the column and the prefix of new columns need at least one character")


@dataclass(frozen=True)
class Summary:
    """Counts of the rows of a table.

    Args:
        rows: rows that were written.
        labels: rows that were answered with each label; empty if the answers are numbers or tags.
        abstained: rows that were not answered, by reason.
        malformed: rows that could not be read and were skipped.
    """

    rows: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    abstained: Counter[str] = field(default_factory=Counter)
    malformed: int = 0

    def __add__(self, other: "Summary") -> "Summary":
        """Return the counts of both tables together."""
        labels, abstained = self.labels + other.labels, self.abstained + other.abstained
        return Summary(self.rows + other.rows, labels, abstained, self.malformed + other.malformed)

    def to_dict(self) -> dict[str, Any]:
        """Return the summary as plain values for JSON, the most frequent labels and reasons first."""
        return {
            "rows": self.rows,
            "labels": dict(self.labels.most_common()),
            "abstained": dict(self.abstained.most_common()),
            "malformed": self.malformed,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Summary":
        """Return the summary that `to_dict` wrote."""
        return cls(values["rows"], Counter(values["labels"]), Counter(values["abstained"]), values["malformed"])


@dataclass(frozen=True)
class Progress:
    """The progress of an annotation.

    Args:
        summary: of the rows so far.
        done: the share of the input that has been read, 0 to 1; None if unknown.
        kept: whether the last part is from an earlier run, which was interrupted.
        notes: what a user should know of how the input is read, one sentence each.
    """

    summary: Summary
    done: float | None
    kept: bool
    notes: tuple[str, ...] = ()


class Annotator:
    """Answers for chunks of a table with one model.

    Args:
        predictor: the model; it reads strings.
        config: the settings.

    Raises:
        SettingError: the model reads something else, or a setting is invalid.
    """

    def __init__(self, predictor: Predictor, config: AnnotateConfig) -> None:
        artifact = predictor.artifact
        name = shown(predictor.name)
        if artifact.kind.reads != "strings":
            raise SettingError(f"{name} reads {artifact.kind.reads}; a table's column needs a model of strings")
        if artifact.kind.answers == "label":
            predictor.check_columns(top=config.top, abstain_below=config.abstain_below)
        elif config.top != 1:
            raise SettingError(f"{name} answers with {artifact.kind.answers}, one for each row; got top {config.top}")
        self.predictor, self.config = predictor, config

    @property
    def columns(self) -> dict[str, type]:
        """The new columns, each with the type of its values, `str` or `float`; a value is None without an answer."""
        prefix = self.config.prefix
        if self.predictor.artifact.kind.answers == "number":
            return {f"{prefix}value": float, f"{prefix}reason": str}
        columns: dict[str, type] = {}
        for rank in range(1, min(self.config.top, len(self.predictor.labels)) + 1):
            which = f"_{rank}" if rank > 1 else ""
            columns |= {f"{prefix}label{which}": str, f"{prefix}probability{which}": float}
        return {**columns, f"{prefix}reason": str}

    def answer(self, names: Sequence[str | None]) -> PredictionColumns:
        """Answer in this process."""
        return self.predictor.predict_columns(names, top=self.config.top, abstain_below=self.config.abstain_below)

    def annotate(
        self, names: Sequence[str | None], answer: Answer | None = None
    ) -> tuple[dict[str, list[Any]], Summary]:
        """Return the new columns for some rows, and their summary.

        Args:
            names: the strings of the rows.
            answer: the function that answers, if the model answers with labels; `answer` if None.
        """
        if self.predictor.artifact.kind.answers == "label":
            return self._format_labels((answer or self.answer)(names))
        answers = self.predictor.predict(names, top=1, abstain_below=self.config.abstain_below)
        summary = Summary(len(answers), abstained=Counter(one.reason for one in answers if one.reason))
        reasons = [one.reason for one in answers]
        if self.predictor.artifact.kind.answers == "number":
            values = [None if one.abstained else one.value for one in answers]
            return dict(zip(self.columns, (values, reasons), strict=True)), summary
        rounded = [None if one.probability is None else round(one.probability, DIGITS) for one in answers]
        return dict(zip(self.columns, ([one.label for one in answers], rounded, reasons), strict=True)), summary

    def _format_labels(self, answers: PredictionColumns) -> tuple[dict[str, list[Any]], Summary]:
        answered = answers.reason_ids < 0
        labels, reasons = np.array([*answers.labels, None], object), np.array([*answers.reasons, None], object)
        chosen = np.where(answered[:, None], answers.best, -1)
        probabilities = np.round(answers.probabilities, DIGITS).astype(object)
        probabilities[~answered] = None
        values = [column.tolist() for pair in zip(labels[chosen].T, probabilities.T, strict=True) for column in pair]
        counts = np.bincount(chosen[answered, 0], minlength=len(answers.labels)).tolist()
        abstained = np.bincount(answers.reason_ids[~answered], minlength=len(answers.reasons)).tolist()
        summary = Summary(
            len(answers),
            Counter({label: count for label, count in zip(answers.labels, counts, strict=True) if count}),
            Counter({reason: count for reason, count in zip(answers.reasons, abstained, strict=True) if count}),
        )
        return dict(zip(self.columns, [*values, reasons[answers.reason_ids].tolist()], strict=True)), summary
