"""Pieces: Parquet files cut into shares of rows, each of which one process answers for."""

import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from threadpoolctl import threadpool_limits

from elman.annotation.annotator import AnnotateConfig, Annotator, Summary
from elman.annotation.job import state_of
from elman.errors import DataError, ElmanError, SettingError, WorkerError
from elman.files import find_scratch_files, open_atomically
from elman.model.file import parse_artifact
from elman.prediction.predictor import Predictor
from elman.records import PredictionColumns
from elman.tables.chunks import arrow
from elman.tables.formats import Format, format_of
from elman.tables.lines import open_table
from elman.tables.parquet import ParquetSource
from elman.tables.sinks import sink_for
from elman.version import __version__

ROWS = 2**19
"""Rows of a piece, about: some tens of seconds of work, which is what a death can cost."""


DEATHS = 8
"""Processes that may die over one piece: Ray starts others without end, but a piece that kills them all must end it."""


READERS = 16
"""Files whose ends are read at a time, to cut the work: they may lie on storage that is far away."""


PARQUET = Format("parquet")


@dataclass(frozen=True)
class Piece:
    """Rows that become one file.

    Args:
        number: its place among the pieces.
        source: the file that they stand in.
        name: the place and name of the file to write, in the folder.
        row_groups: those of the source's row groups that hold them.
        rows: how many there are.
        state: the source's, as `elman.annotation.job.state_of` gives it.
    """

    number: int
    source: str
    name: str
    row_groups: tuple[int, ...]
    rows: int
    state: tuple[int, ...]


def cut(tables: Mapping[str, str], column: str) -> list[Piece]:
    """Return the pieces of some tables, in the order of their rows.

    Args:
        tables: each table's file, and its place and name in the folder to write.
        column: the column of the strings to answer for.

    Raises:
        DataError: a table cannot be read or lacks the column, or two pieces would have one name.
        SettingError: a table is no Parquet.
    """
    for path in (*tables, *tables.values()):
        if format_of(path) != PARQUET:
            raise SettingError(f"{path}: expected Parquet, which is all that the engine ray reads and writes")
    with ThreadPoolExecutor(READERS) as pool:
        found = [piece for cuts in pool.map(lambda one: _cut(one[0], one[1], column), tables.items()) for piece in cuts]
    pieces = [Piece(number, *rest) for number, rest in enumerate(found)]
    names = {piece.name: piece for piece in pieces}
    for piece in pieces:
        if names[piece.name] is not piece:
            raise DataError(f"{piece.source}: two tables would become {piece.name} in the folder; annotate them apart")
    return pieces


class PieceAnnotator:
    """Answers for pieces, in a process of the cluster's.

    Args:
        model: a model file's content.
        config: what is asked.
        whole: the folder to write to.
        version: that of the Elman that asks.
    """

    def __init__(self, model: bytes, config: AnnotateConfig, whole: str, version: str) -> None:
        threadpool_limits(1)  # there is a process for each core
        self._annotator = Annotator(Predictor(parse_artifact(model, "the model of the job")), config)
        self._whole, self._version = Path(whole), version

    def __call__(self, batch: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
        """Write the files of some pieces, each as JSON; return what became of each, as JSON too."""
        return {"said": [json.dumps(self._said(json.loads(piece))) for piece in batch["piece"]]}

    def _said(self, piece: Mapping[str, Any]) -> dict[str, Any]:
        try:
            if self._version != __version__:
                raise WorkerError(
                    f"expected Elman {self._version} on all machines, as where the job began; got {__version__}"
                )
            summary = self.write(Piece(**piece))
        except OSError as error:
            return {"number": piece["number"], "error": f"{error.filename or piece['name']}: {error.strerror or error}"}
        except Exception as error:  # a name may stand in a message of other errors
            said = str(error) if isinstance(error, ElmanError) else f"{piece['source']}: {type(error).__name__}"
            return {"number": piece["number"], "error": said}
        return {"number": piece["number"], "summary": summary.to_dict()}

    def write(self, piece: Piece) -> Summary:
        """Write the file of a piece, and return what became of its rows.

        Raises:
            DataError: it cannot be read, or has changed.
            OSError: the file cannot be written.
            WorkerError: too many processes died over it.
        """
        annotator, summary, path = self._annotator, Summary(), self._whole / piece.name
        if _deaths(path) >= DEATHS:
            raise WorkerError(f"{piece.source}: {DEATHS} processes died over {piece.name}; they may want more memory")
        with open_table(piece.source) as file, open_atomically(path) as out:
            if state_of(piece.source)[0] != piece.state[0]:
                raise DataError(f"{piece.source}: has changed since the job began; start it again")
            source = ParquetSource(file, piece.source, annotator.config.column, piece.row_groups)
            sink = sink_for(PARQUET, source, annotator.columns)
            with sink.writer(out) as add:
                for chunk in source.chunks():
                    added, part = annotator.added(chunk.names, self._answer)
                    add(sink.part(chunk, added))
                    summary += part
        return summary

    def _answer(self, names: Sequence[str | None]) -> PredictionColumns:
        config = self._annotator.config
        return self._annotator.predictor.predict_columns(
            names, top=config.top, abstain_below=config.abstain_below, threads=1
        )


def _deaths(path: Path) -> int:
    """Return how many processes died while they wrote a file: each leaves what `open_atomically` began."""
    return len(find_scratch_files(path))


def _cut(source: str, name: str, column: str) -> list[tuple[Any, ...]]:
    """Return the pieces of one table, without their numbers."""
    state = tuple(state_of(source))
    with open_table(source) as file:
        ParquetSource(file, source, column)  # which checks that there is such a column
        metadata = arrow().parquet.ParquetFile(file).metadata
    sizes = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
    cuts: list[tuple[list[int], int]] = [([], 0)]
    for group, size in enumerate(sizes):
        groups, rows = cuts[-1]
        if groups and rows + size > ROWS:
            cuts.append(([group], size))
        else:
            cuts[-1] = ([*groups, group], rows + size)
    stem = name.removesuffix(PurePath(name).suffix)
    names = [f"{stem}.{place:05}.parquet" for place in range(len(cuts))] if len(cuts) > 1 else [name]
    path = os.path.abspath(source)  # processes of the cluster stand elsewhere
    return [(path, part, tuple(groups), rows, state) for part, (groups, rows) in zip(names, cuts, strict=True)]
