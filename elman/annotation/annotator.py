"""Annotation: the rows of a table, with the model's answers in new columns.

The output has every row once, in the order of the input, with all of its columns unchanged. The names of new columns
have a prefix.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from elman.checks import check_choice, count_of, shown
from elman.columns import NumberColumn
from elman.errors import SettingError
from elman.model.file import Artifact
from elman.model.hierarchy import AUTO
from elman.model.prior import Prior
from elman.model.writer import Writer
from elman.prediction.options import BEAM, AnswerOptions
from elman.prediction.predictor import Predictor
from elman.records import PredictionColumns
from elman.tables.chunks import Chunk
from elman.tables.formats import TextOptions

PREFIX = "elman_"


DIGITS = 6
"""Decimal places of a probability in a table."""


SEPARATOR = "; "
"""What is between the labels of a prediction set in a table."""

MOST_WIDE = 1000
"""The most labels whose probabilities are all written, a column each."""

ADDABLE = ("script", "unknown", "familiar", "set")
"""What can be added to a table beside the answers."""

USUAL_COVERAGE = 0.9
"""The coverage of sets that are added without one."""

Answer = Callable[[Sequence[str | None]], PredictionColumns]

NewColumn = Sequence[Any]
"""A value for each row: a column without an object for each, or a list."""


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
        level: as in `elman.prediction.predictor.Predictor.predict`, and likewise ``prior`` and ``coverage``.
        prior: the shares of the labels.
        coverage: of the prediction sets, which get a column.
        unfamiliar_below: as in `elman.prediction.predictor.Predictor.predict`.
        label: of a model of pairs, the label of all rows.
        label_column: of a model of pairs, the column of the label of each row.
        beam: of a model of pairs, as in `elman.prediction.transcriber.Transcriber.predict`.
        every: write the probability of every label, or of every group of the level, in a column each.
        add: what else to write, of `ADDABLE`: the script, the symbols that the model does not know, how
            familiar the name is, and the set.

    Raises:
        SettingError: the prefix or the column is empty, or something unknown is to be added.
    """

    column: str = "name"
    top: int = 1
    abstain_below: float = 0.0
    prefix: str = PREFIX
    skip_malformed: bool = False
    text: TextOptions = TextOptions()
    level: str | None = None
    prior: Prior | None = None
    coverage: float | None = None
    every: bool = False
    add: tuple[str, ...] = ()
    unfamiliar_below: float | None = None
    label: str | None = None
    label_column: str | None = None
    beam: int = BEAM

    def __post_init__(self) -> None:
        """Check the names; the predictor checks the rest."""
        if self.label is not None and self.label_column is not None:
            raise SettingError("--label is the label of all rows, and --label-column has that of each; leave one out")
        for name in self.add:
            check_choice("what is added", name, ADDABLE)
        if "set" in self.add and self.coverage is None:
            object.__setattr__(self, "coverage", USUAL_COVERAGE)
        if not self.prefix or not self.column:
            raise SettingError("the column and the prefix of new columns need at least one character")

    @property
    def options(self) -> AnswerOptions:
        """What an answer says.

        Raises:
            SettingError: a value cannot work.
        """
        return AnswerOptions(
            self.top,
            self.abstain_below,
            self.level,
            self.prior,
            self.coverage,
            self.unfamiliar_below,
            familiar="familiar" in self.add,
            every=self.every,
        )


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

    Attributes:
        artifact: the record of the model.

    Args:
        predictor: the model; it reads strings.
        config: the settings.

    Raises:
        SettingError: the model reads something else, or a setting is invalid.
    """

    artifact: Artifact | Writer

    def __init__(self, predictor: Predictor, config: AnnotateConfig) -> None:
        artifact = predictor.artifact
        name = shown(predictor.name)
        if artifact.kind.reads != "strings":
            raise SettingError(f"{name} reads {artifact.kind.reads}; a table's column needs a model of strings")
        if artifact.kind.answers == "label":
            predictor.check_columns(config.options)
        elif config.top != 1:
            raise SettingError(f"{name} answers with {artifact.kind.answers}, one for each row; got top {config.top}")
        config.options.check(artifact)
        for option in ("label", "label_column", "beam"):
            if getattr(config, option) not in (None, BEAM):
                raise SettingError(f"--{option.replace('_', '-')} is for models of pairs, and {name} {artifact.kind}")
        self.predictor, self.config, self.artifact = predictor, config, predictor.artifact
        if config.every and len(self._labels) > MOST_WIDE:
            count = count_of(len(self._labels), "label")
            raise SettingError(f"at most {MOST_WIDE:,} labels get a column each, and {name} has {count}; use --top")

    @property
    def _labels(self) -> tuple[str, ...]:
        """The labels, or the groups of the level, that answers are of."""
        labels, levels, level = self.predictor.labels, self.predictor.artifact.levels, self.config.level
        return labels if levels is None or level in (None, AUTO) else levels.list_groups(level, labels)

    @property
    def columns(self) -> dict[str, type]:
        """The new columns, each with the type of its values, `str` or `float`; a value is None without an answer."""
        prefix, config = self.config.prefix, self.config
        columns: dict[str, type] = {}
        if self.predictor.artifact.kind.answers == "number":
            columns[f"{prefix}value"] = float
        else:
            most = len(self.predictor.labels) if config.level == AUTO else len(self._labels)
            for rank in range(1, min(config.top, most) + 1):
                which = f"_{rank}" if rank > 1 else ""
                columns |= {f"{prefix}label{which}": str, f"{prefix}probability{which}": float}
        columns |= {f"{prefix}level": str} if config.level == AUTO else {}
        columns |= {f"{prefix}set": str} if config.coverage is not None else {}
        columns |= {f"{prefix}{name}": float if name == "familiar" else str for name in config.add if name != "set"}
        columns |= {f"{prefix}reason": str}
        return columns | ({f"{prefix}p_{label}": float for label in self._labels} if config.every else {})

    def answer(self, names: Sequence[str | None], *, threads: int | None = None) -> PredictionColumns:
        """Answer in this process, with so many threads; see `elman.scoring.scorer.Scorer.logits`."""
        return self.predictor.answer_columns(names, self.config.options, threads=threads)

    def check_table(self, columns: Sequence[str]) -> None:
        """Check that a table has the columns that are read beside that of the strings, of which there are none here."""

    def read_labels(self, chunk: Chunk) -> Sequence[str | None] | None:
        """Return what the model is told about each row; None, because it is told nothing."""

    def annotate(
        self,
        names: Sequence[str | None],
        answer: Answer | None = None,
        labels: Sequence[str | None] | None = None,
    ) -> tuple[dict[str, NewColumn], Summary]:
        """Return the new columns for some rows, and their summary.

        Args:
            names: the strings of the rows.
            answer: the function that answers, if the model answers with labels; `answer` if None.
            labels: what the model is told about each row, as `read_labels` returns it.
        """
        if self.predictor.artifact.kind.answers == "label":
            answers = (answer or self.answer)(names)
            values, summary = _format_answers(answers), _summarise(answers)
        else:
            values, summary = self._answer_otherwise(names)
        values |= self._describe_names(names)
        prefix = self.config.prefix
        return {column: values[column.removeprefix(prefix)] for column in self.columns}, summary

    def _answer_otherwise(self, names: Sequence[str | None]) -> tuple[dict[str, NewColumn], Summary]:
        """Return the columns and the summary of a model that answers with tags or a number."""
        answers = self.predictor.predict(names, top=1, abstain_below=self.config.abstain_below)
        summary = Summary(len(answers), abstained=Counter(one.reason for one in answers if one.reason))
        rounded = [None if one.probability is None else round(one.probability, DIGITS) for one in answers]
        return {
            "value": [None if one.abstained else one.value for one in answers],
            "label": [one.label for one in answers],
            "probability": rounded,
            "reason": [one.reason for one in answers],
        }, summary

    def _describe_names(self, names: Sequence[str | None]) -> dict[str, list[Any]]:
        """Return the columns that describe the names themselves; empty for a missing name."""
        if not {"script", "unknown"} & set(self.config.add):
            return {}
        inputs = iter(self.predictor.reader.read_all([name for name in names if name is not None]))
        described = [None if name is None else next(inputs) for name in names]
        return {
            "script": [None if one is None else one.script for one in described],
            "unknown": [None if one is None else " ".join(one.unknown) or None for one in described],
        }


def _format_answers(answers: PredictionColumns) -> dict[str, NewColumn]:
    """Return the columns of the answers, without the prefix, with rounded numbers."""
    columns = answers.list_columns(separator=SEPARATOR).items()
    return {name: column.round(DIGITS) if isinstance(column, NumberColumn) else column for name, column in columns}


def _summarise(answers: PredictionColumns) -> Summary:
    """Return the counts of rows by label and by reason."""
    answered = answers.reason_ids < 0
    counts = np.bincount(answers.best[answered, 0], minlength=len(answers.labels)).tolist()
    abstained = np.bincount(answers.reason_ids[~answered], minlength=len(answers.reasons)).tolist()
    labels: Counter[str] = Counter()
    for label, count in zip(answers.labels, counts, strict=True):  # groups of two levels can have one name
        labels.update({label: count} if count else {})
    reasons = Counter({reason: count for reason, count in zip(answers.reasons, abstained, strict=True) if count})
    return Summary(len(answers), labels, reasons)
