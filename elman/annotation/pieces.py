"""Pieces: Parquet files cut into shares of rows, each of which one process annotates."""

import json
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import IO, Any

from threadpoolctl import threadpool_limits

from elman.annotation.annotator import AnnotateConfig, Summary
from elman.annotation.job import read_state
from elman.annotation.parts import format_malformed
from elman.annotation.paths import name_side_file, show_path
from elman.annotation.written import build_annotator
from elman.errors import DataError, ElmanError, SettingError, WorkerError
from elman.files import find_scratch_files, fit_name, open_atomically
from elman.model.files import parse_model
from elman.prediction.loading import wrap_model
from elman.tables.columnar.arrays import arrow
from elman.tables.columnar.parquet import ParquetSource
from elman.tables.formats import Format, format_of
from elman.tables.lines import open_table
from elman.tables.sinks import sink_for
from elman.version import __version__

ROWS = 2**19
"""Rows of a piece, about: some tens of seconds of work, which is lost if the process dies."""


DEATHS = 8
"""Processes that may die while they write one piece. Ray would replace them without limit."""


READERS = 16
"""Files whose metadata are read at the same time, because storage can be slow to respond."""


PARQUET = Format("parquet")


@dataclass(frozen=True)
class Piece:
    """Rows that become one file.

    Args:
        number: its place among the pieces.
        source: the file that contains them.
        name: the path of the file to write, inside the output folder.
        row_groups: the row groups of the source that contain them.
        rows: how many.
        state: of the source, as `elman.annotation.job.read_state` returns it.
    """

    number: int
    source: str
    name: str
    row_groups: tuple[int, ...]
    rows: int
    state: tuple[int, ...]


def cut_tables(tables: Mapping[str, str], column: str) -> list[Piece]:
    """Cut tables into pieces, in the order of their rows.

    Args:
        tables: each table's file, and the path of its output in the folder to write.
        column: the column of the strings to answer for.

    Raises:
        DataError: a table cannot be read or lacks the column, or two pieces would have one name.
        SettingError: a table is not Parquet.
    """
    for path in (*tables, *tables.values()):
        if format_of(path) != PARQUET:
            raise SettingError(
                f"{show_path(path)}: expected Parquet, the only format that the engine ray reads and writes"
            )
    with ThreadPoolExecutor(READERS) as pool:
        found = [
            piece for cuts in pool.map(lambda one: _cut_table(one[0], one[1], column), tables.items()) for piece in cuts
        ]
    pieces = [Piece(number, *rest) for number, rest in enumerate(found)]
    names = {piece.name: piece for piece in pieces}
    for piece in pieces:
        if names[piece.name] is not piece:
            raise DataError(
                f"{show_path(piece.source)}: two tables would become {show_path(piece.name)} in the folder; annotate "
                "them separately"
            )
    return pieces


class PieceAnnotator:
    """Annotates pieces, in a process of the cluster.

    Args:
        model: the content of a model file.
        config: the settings.
        folder: the folder to write to.
        version: the version of Elman that started the job.
    """

    def __init__(self, model: bytes, config: AnnotateConfig, folder: str, version: str) -> None:
        threadpool_limits(1)  # each core has a process of its own
        self._annotator = build_annotator(wrap_model(parse_model(model, "the model of the job")), config)
        self._folder, self._version = Path(folder), version

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, list[str]]:
        """Write the files of some pieces, each given as JSON; return the result of each, also as JSON."""
        return {"result": [json.dumps(self._try_to_write(json.loads(piece))) for piece in batch["piece"]]}

    def _try_to_write(self, piece: Mapping[str, Any]) -> dict[str, Any]:
        """Return the number of a piece, and its summary or an error."""
        try:
            if self._version != __version__:
                raise WorkerError(
                    f"expected Elman {self._version} on all machines, the version that started the job; got "
                    f"{__version__}"
                )
            summary = self.write(Piece(**piece))
        except OSError as error:
            problem = f"{show_path(error.filename or piece['name'])}: {error.strerror or error}"
            return {"number": piece["number"], "error": problem}
        except Exception as error:  # the message of an unexpected error may quote a name
            message = (
                str(error) if isinstance(error, ElmanError) else f"{show_path(piece['source'])}: {type(error).__name__}"
            )
            return {"number": piece["number"], "error": message}
        return {"number": piece["number"], "summary": summary.to_dict()}

    def write(self, piece: Piece) -> Summary:
        """Write the file of a piece, and return the summary of its rows.

        Rows that cannot be read go into a file beside it if they are skipped; see `name_side_file`.

        Raises:
            DataError: the source cannot be read, or has changed.
            OSError: the file cannot be written.
            WorkerError: too many processes died while they wrote it.
        """
        annotator, summary, path = self._annotator, Summary(), self._folder / piece.name
        if len(find_scratch_files(path)) >= DEATHS:  # each process that dies leaves one
            problem = f"{DEATHS} processes died while they wrote {show_path(piece.name)}; they may need more memory"
            raise WorkerError(f"{show_path(piece.source)}: {problem}")
        with ExitStack() as stack:
            file = stack.enter_context(open_table(piece.source))
            out = stack.enter_context(open_atomically(path))
            side = self._open_side_file(path, stack)  # it gets its name first: the file of a piece says that it is done
            if read_state(piece.source)[0] != piece.state[0]:
                raise DataError(f"{show_path(piece.source)}: has changed since the job began; start it again")
            skip = annotator.config.skip_malformed
            source = ParquetSource(file, piece.source, annotator.config.column, piece.row_groups, skip=skip)
            annotator.check_table(source.columns)
            sink = sink_for(PARQUET, source, annotator.columns)
            add = stack.enter_context(sink.writer(out))
            for chunk in source.chunks():
                columns, part = annotator.annotate(chunk.names, self._answer, annotator.read_labels(chunk))
                add(sink.part(chunk, columns))
                summary += part + Summary(malformed=len(chunk.malformed))
                if side is not None:
                    side.writelines(map(format_malformed, chunk.malformed))
        return summary

    def _answer(self, *names: Any) -> Any:
        """Answer for the names of a chunk, with one thread: each core has a process of its own."""
        return self._annotator.answer(*names, threads=1)

    def _open_side_file(self, path: Path, stack: ExitStack) -> IO[bytes] | None:
        """Open the file for the rows of a piece that are skipped; None if rows are not skipped."""
        if not self._annotator.config.skip_malformed:
            return None
        return stack.enter_context(open_atomically(Path(name_side_file(str(path))), keep_empty=False))


def _cut_table(source: str, name: str, column: str) -> list[tuple[Any, ...]]:
    """Return the pieces of one table, without their numbers."""
    state = tuple(read_state(source))
    with open_table(source) as file:
        ParquetSource(file, source, column)  # checks that the column exists
        metadata = arrow().parquet.ParquetFile(file).metadata
    sizes = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
    cuts: list[tuple[list[int], int]] = [([], 0)]
    for group, size in enumerate(sizes):
        groups, rows = cuts[-1]
        if groups and rows + size > ROWS:
            cuts.append(([group], size))
        else:
            cuts[-1] = ([*groups, group], rows + size)
    folder, stem = os.path.split(name.removesuffix(PurePath(name).suffix))
    names = [os.path.join(folder, fit_name(stem, after=f".{place:05}.parquet")) for place in range(len(cuts))]
    names = names if len(cuts) > 1 else [name]
    path = os.path.abspath(source)  # processes of the cluster have another working folder
    return [(path, part, tuple(groups), rows, state) for part, (groups, rows) in zip(names, cuts, strict=True)]
