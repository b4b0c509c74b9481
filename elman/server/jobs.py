"""Jobs: what the service tells its worker processes, and what they reply."""

from dataclasses import dataclass, field
from typing import Any

CHUNK = 2**18
"""Bytes of a table that are copied at a time."""

MOST_GROUPS = 1000
"""Groups whose shares are estimated in one table."""


@dataclass(frozen=True)
class MoreColumns:
    """What an annotated table says beside the best labels.

    The fields mean what they do in `elman.annotation.annotator.AnnotateConfig`.
    """

    level: str | None = None
    prior: str | None = None
    coverage: float | None = None
    every: bool = False
    add: tuple[str, ...] = ()
    unfamiliar_below: float | None = None


@dataclass(frozen=True)
class Job:
    """A table to annotate, or whose shares of labels to estimate.

    Args:
        model: the name of the model.
        model_bytes: the size of the model file, which follows; 0 if the process has the model.
        table_bytes: the size of the table, which follows.
        read_as: the format of the table, such as ``csv``.
        write_as: the format of the annotated table; None to estimate shares, which are written as JSON.
        column: the column of the names.
        top: how many labels to write for each row.
        abstain_below: abstain if the best label's probability is lower.
        header: as in `elman.tables.formats.TextOptions`, and likewise the two that follow.
        delimiter: the character between cells.
        encoding: the name of the encoding of a text file.
        most_rows: the most rows of the table.
        most_bytes: the most bytes of the annotated table; of the names and groups of the table to estimate shares.
        more: the fields of `MoreColumns`, as plain values.
        by: the column of the groups to estimate shares of; None for one group.
        level: of the labels to estimate shares of; None for the labels themselves.
    """

    model: str
    model_bytes: int
    table_bytes: int
    read_as: str
    write_as: str | None
    column: str
    top: int
    abstain_below: float
    header: bool | None
    delimiter: str | None
    encoding: str | None
    most_rows: int
    most_bytes: int
    more: dict[str, Any] = field(default_factory=dict)
    by: str | None = None
    level: str | None = None


@dataclass(frozen=True)
class Reply:
    """The result of a job.

    Args:
        rows: how many were read.
        abstained: for how many of them the model abstained.
        size: of the result, which follows; 0 without one.
        problem: why there is no result, a code of `elman.errors.DATA_CODES` or of `elman.server.uploads`; None if there
            is one.
        line: the line that has the problem; None if unknown.
        bug: the kind and place of an unexpected error; None if there was none.
        is_last: whether the process ends now.
    """

    rows: int = 0
    abstained: int = 0
    size: int = 0
    problem: str | None = None
    line: int | None = None
    bug: str | None = None
    is_last: bool = False
