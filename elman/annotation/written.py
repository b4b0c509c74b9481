"""Written answers in tables: what a model of pairs writes for each row."""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from elman.annotation.annotator import DIGITS, AnnotateConfig, Annotator, Answer, NewColumn, Summary
from elman.checks import shown
from elman.errors import DataError, SettingError
from elman.prediction.loading import AnyModel
from elman.prediction.predictor import Predictor
from elman.prediction.transcriber import Transcriber
from elman.records import Prediction
from elman.tables.chunks import Chunk, find_column

UNKNOWN_LABEL = "unknown label: the model does not know {label}"


class PairAnnotator(Annotator):
    """Answers for chunks of a table with a model of pairs: the best answers and their probabilities.

    Args:
        transcriber: the model.
        config: the settings; what only a label can have is refused.

    Raises:
        SettingError: a setting has no effect, or is invalid.
    """

    def __init__(self, transcriber: Transcriber, config: AnnotateConfig) -> None:
        self.transcriber, self.config, self.artifact = transcriber, config, transcriber.artifact
        settings: dict[str, Any] = {
            "abstain_below": config.abstain_below,
            "level": config.level,
            "prior": config.prior,
            "set": config.coverage,
            "unfamiliar_below": config.unfamiliar_below,
            "all": config.every,
            "add": "familiar" in config.add or None,
        }
        if useless := [name for name, value in settings.items() if value not in (None, 0.0, False)]:
            raise SettingError(
                f"--{useless[0].replace('_', '-')} has no effect on {shown(transcriber.name)}, which "
                f"{self.artifact.kind}; leave it out"
            )
        if (config.label or config.label_column) and not transcriber.labels:
            name = "--label" if config.label else "--label-column"
            raise SettingError(f"{shown(transcriber.name)} learned without labels; leave {name} out")
        transcriber.find_label(config.label)  # checks it
        transcriber.answer_all([], top=config.top, beam=config.beam)  # checks the numbers

    @property
    def columns(self) -> dict[str, type]:
        """The new columns; see `Annotator.columns`."""
        prefix, columns = self.config.prefix, dict[str, type]()
        for rank in range(1, self.config.top + 1):
            which = f"_{rank}" if rank > 1 else ""
            columns |= {f"{prefix}label{which}": str, f"{prefix}probability{which}": float}
        columns |= {f"{prefix}{name}": str for name in self.config.add}
        return columns | {f"{prefix}reason": str}

    def check_table(self, columns: Sequence[str]) -> None:
        """Check that a table has the column of the labels; see `Annotator.check_table`.

        Raises:
            DataError: it has not.
        """
        if self.config.label_column is None:
            return
        try:
            find_column(self.config.label_column, columns, by_number=True)
        except DataError as error:
            message = str(error).replace("--column", "--label-column")
            raise DataError(message, code=error.code, line=error.line) from None

    def read_labels(self, chunk: Chunk) -> Sequence[str | None] | None:
        """Return the label of each row; None if no column has them."""
        column = self.config.label_column
        if column is None:
            return None
        cells = [None] * len(chunk.names) if column not in chunk.columns and not column.isdecimal() else None
        return cells or chunk.strings(column)

    def annotate(
        self,
        names: Sequence[str | None],
        answer: Answer | None = None,
        labels: Sequence[str | None] | None = None,
    ) -> tuple[dict[str, NewColumn], Summary]:
        """Return the new columns for some rows, and their summary; see `Annotator.annotate`."""
        del answer
        told = [self.config.label] * len(names) if labels is None else list(map(_spell, labels))
        answers = self._answer_all(names, told)
        values: dict[str, NewColumn] = {"reason": [one.reason for one in answers]}
        for rank in range(self.config.top):
            which = f"_{rank + 1}" if rank else ""
            tops = [one.top[rank] if rank < len(one.top) else None for one in answers]
            values[f"label{which}"] = [None if top is None else top.label for top in tops]
            values[f"probability{which}"] = [None if top is None else round(top.probability, DIGITS) for top in tops]
        values["script"] = [None if name is None else one.script for name, one in zip(names, answers, strict=True)]
        values["unknown"] = [" ".join(one.unknown) or None for one in answers]
        prefix = self.config.prefix
        summary = Summary(len(answers), abstained=Counter(one.reason for one in answers if one.reason))
        return {column: values[column.removeprefix(prefix)] for column in self.columns}, summary

    def _answer_all(self, names: Sequence[str | None], labels: Sequence[str | None]) -> list[Prediction]:
        """Answer for rows; there is no answer for one with a label that the model does not know."""
        known = set(self.transcriber.labels)
        told = [label if label in known else None for label in labels]
        answers = self.transcriber.answer_all(names, top=self.config.top, beam=self.config.beam, labels=told)
        return [
            one
            if label is None or label in known or one.reason is not None
            else replace(one, label=None, probability=None, top=(), reason=UNKNOWN_LABEL.format(label=shown(label)))
            for one, label in zip(answers, labels, strict=True)
        ]


def _spell(label: str | None) -> str | None:
    """Return a label in its one spelling, None if it is missing."""
    return unicodedata.normalize("NFC", (label or "").strip()) or None


def build_annotator(model: AnyModel, config: AnnotateConfig) -> Annotator:
    """Return what answers for the rows of a table.

    Args:
        model: any that reads strings.
        config: the settings.

    Raises:
        SettingError: the model reads no strings, or as the annotator.
    """
    if isinstance(model, Predictor):
        return Annotator(model, config)
    if isinstance(model, Transcriber):
        return PairAnnotator(model, config)
    kind = model.artifact.kind
    raise SettingError(f"{shown(model.name)} {kind}; a table's column needs a model of strings: {kind.remedy}")
