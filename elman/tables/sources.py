"""Sources: where rows come from. Files of every format, several files as one table, and standard input."""

import shutil
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from elman.checks import shown
from elman.errors import DataError
from elman.tables.chunks import Chunk, JsonChunk, list_names
from elman.tables.columnar.arrays import check_same_types
from elman.tables.columnar.objects import ObjectColumns
from elman.tables.columnar.parquet import ParquetSource
from elman.tables.delimited import DelimitedSource
from elman.tables.formats import STANDARD, Format, TextOptions, format_of, is_table
from elman.tables.jsonl import JsonLinesSource
from elman.tables.lines import open_lines, open_table

if TYPE_CHECKING:
    import pyarrow


PATH_CHARACTERS = 1000
"""Most characters of a path that a message shows."""


class Source(Protocol):
    """A table that is read once, from start to end.

    Args:
        title: its name in messages.
        columns: the names of its columns, in order; empty for JSON Lines, unless the file was searched for them.
        has_header: whether a first line names them.
        has_mark: whether it begins with a byte order mark.
        newline: the end of its lines.
        encoding: the encoding of its text; None for UTF-8.
        kind: its format, as `Format.kind`; None for a query.
        delimiter: the character between its cells; None if it has none.
        notes: what a user should know of how it is read, one sentence each.
    """

    title: str
    columns: tuple[str, ...]
    has_header: bool
    has_mark: bool
    newline: str
    encoding: str | None
    kind: str | None
    delimiter: str | None
    notes: tuple[str, ...]

    def chunks(self) -> Iterator[Chunk]:
        """Return the rows in order.

        Raises:
            DataError: a row cannot be read, and such rows are not skipped.
        """

    def schema(self) -> "pyarrow.Schema":
        """Return the names and Arrow types of the columns."""


def find_tables(inputs: Sequence[str]) -> list[str]:
    """Return the tables that files, globs and folders name, those of each input in the order of their names.

    Hidden files in a folder, and those whose name or folder begins with ``_``, are left out.

    Raises:
        DataError: an input names no table.
    """
    return [path for one in inputs for path in _find_tables_of(one)]


@contextmanager
def open_source(
    paths: Sequence[str],
    *,
    column: str,
    form: Format | None = None,
    skip: bool = False,
    typed: bool = False,
    options: TextOptions | None = None,
) -> Iterator[Source]:
    """Open a table, or several that follow each other as one.

    Args:
        paths: its files; ``-`` for standard input.
        column: the column of the strings to answer for, by its name or its number from 1.
        form: their format; each file's name decides if None.
        skip: return rows that cannot be read as `Malformed` rather than stop at the first.
        typed: search JSON Lines for their columns and types before the first chunk; other formats state them.
        options: how text files are read, where their names and contents are not enough.

    Raises:
        DataError: a file cannot be read, or has no such column.
        SettingError: the format of a file is unknown.
    """
    options = options or TextOptions()
    with ExitStack() as stack:
        forms = [form or format_of(path) for path in paths]
        needs_two = [typed and form.kind == "jsonl" for form in forms]
        places = [
            stack.enter_context(_read_twice(path)) if twice else path
            for path, twice in zip(paths, needs_two, strict=True)
        ]
        files = list(zip(places, forms, map(_title_of, paths), strict=True))
        schema = _find_schema(files, column, options) if any(needs_two) else None
        openers = [partial(_open_one, *file, column, skip=skip, schema=schema, options=options) for file in files]
        first = stack.enter_context(openers[0]())
        streams = {number for number, place in enumerate(places[1:]) if place == STANDARD}
        yield first if len(paths) == 1 else JoinedSource(first, openers[1:], streams)


@contextmanager
def _open_one(
    path: str,
    form: Format,
    title: str,
    column: str,
    *,
    skip: bool,
    schema: "pyarrow.Schema | None",
    options: TextOptions,
) -> Iterator[Source]:
    if form.kind == "parquet":
        with _read_twice(path) as place, open_table(place) as file:
            yield ParquetSource(file, title, column, skip=skip)
        return
    with open_lines(path, form, title, options.encoding) as lines:
        if form.kind == "jsonl":
            yield JsonLinesSource(lines, column, skip=skip, schema=schema)
        else:
            yield DelimitedSource(lines, form.kind, column, skip=skip, options=options)


class JoinedSource:
    """Several tables with the same columns, one after the other; see `Source`.

    Args:
        first: the first of them, open.
        others: functions that open the others, each when its turn comes.
        streams: the positions of those others that can be read only once.
    """

    def __init__(
        self,
        first: Source,
        others: Sequence[Callable[[], AbstractContextManager[Source]]],
        streams: Collection[int] = (),
    ) -> None:
        self._first, self._others, self._streams = first, others, streams
        self.title, self.columns, self.has_header = first.title, first.columns, first.has_header
        self.has_mark, self.newline = first.has_mark, first.newline
        self.encoding, self.kind, self.delimiter, self.notes = first.encoding, first.kind, first.delimiter, first.notes

    def schema(self) -> "pyarrow.Schema":
        """See `Source.schema`."""
        schema = self._first.schema()
        for source in self._open_others():
            check_same_types(schema, self.title, source.schema(), source.title)
        return schema

    def chunks(self) -> Iterator[Chunk]:
        """See `Source.chunks`."""
        count = 1 + len(self._others)
        first: Callable[[], AbstractContextManager[Source]] = lambda: nullcontext(self._first)  # noqa: E731
        for _ in self._open_others():
            pass  # before the first row is read
        for number, open_next in enumerate([first, *self._others]):
            with open_next() as source:
                self._check_columns(source)
                for chunk in source.chunks():
                    done = None if chunk.done is None else (number + chunk.done) / count
                    yield replace(chunk, done=done)

    def _open_others(self) -> Iterator[Source]:
        """Open the others that can be read again, one by one, and check that they have the same columns."""
        for number, open_next in enumerate(self._others):
            if number not in self._streams:
                with open_next() as source:
                    self._check_columns(source)
                    yield source

    def _check_columns(self, source: Source) -> None:
        if source.columns != self.columns:
            raise DataError(
                f"{source.title}: expected the columns of {self.title}, {list_names(self.columns)}; "
                f"got {list_names(source.columns)}"
            )


def _find_schema(files: Sequence[tuple[str, Format, str]], column: str, options: TextOptions) -> "pyarrow.Schema":
    """Read JSON Lines files once, and return their columns with types that hold all of their values."""
    columns = ObjectColumns(files[0][2])
    for path, form, title in files:
        with _open_one(path, form, title, column, skip=True, schema=None, options=options) as source:
            for chunk in source.chunks():
                if isinstance(chunk, JsonChunk):
                    columns.add(chunk.objects)
    return columns.schema()


def _title_of(path: str) -> str:
    return "standard input" if path == STANDARD else path


@contextmanager
def _read_twice(path: str) -> Iterator[str]:
    """Yield a path that can be read more than once: standard input is copied to a temporary file without a name."""
    if path != STANDARD:
        yield path
        return
    named = not Path("/proc/self/fd").is_dir()  # elsewhere a file cannot be opened again without its name
    with tempfile.NamedTemporaryFile(prefix="elman-") if named else tempfile.TemporaryFile() as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
        file.flush()
        yield file.name if named else f"/proc/self/fd/{file.fileno()}"


def _find_tables_of(one: str) -> list[str]:
    path = Path(one)
    if one == STANDARD or path.is_file():
        return [one]
    if path.is_dir():
        found = sorted(str(file) for file in path.rglob("*") if file.is_file() and _is_data(file.relative_to(path)))
        found = [file for file in found if is_table(file)]
        problem = "contains no table"
    else:
        found = sorted(file for file in glob(one, recursive=True) if Path(file).is_file())
        problem = "no such file, and no file matches this pattern"
    if not found:
        raise DataError(f"{shown(one, PATH_CHARACTERS)}: {problem}; expected CSV, TSV, JSON Lines or Parquet")
    return found


def _is_data(path: Path) -> bool:
    """Return whether no part of a path is hidden, or begins with ``_``, which marks files that are not data."""
    return not any(part.startswith((".", "_")) for part in path.parts)
