"""Sources: where rows come from. CSV, TSV and JSON Lines (plain, gzip or zstd), Parquet, and standard input.

Text is read line by line, so that a row that cannot be read is told by its file and line. Nothing is guessed: a
delimited file's cells are strings, and stay as they are.
"""

import csv
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from typing import IO, TYPE_CHECKING, Any, Protocol

from elman.errors import DataError
from elman.tables.chunks import (
    CHARACTERS,
    ROWS,
    ArrowChunk,
    Chunk,
    JsonChunk,
    Malformed,
    TextChunk,
    arrow,
    kind_of,
    wider,
)
from elman.tables.formats import DELIMITERS, STANDARD, Format, format_of
from elman.tables.lines import Lines, open_table, opened_lines

if TYPE_CHECKING:
    import pyarrow

STRETCH = 64 * 2**20
"""Bytes of Parquet rows that are read together, about."""


class Source(Protocol):
    """A table that is read once, from its beginning to its end.

    Args:
        called: what errors call it.
        columns: the names of its columns, in their order; of JSON Lines none, unless they were looked for.
        has_header: whether a first line names them.
        marked: whether it begins with a byte order mark.
        newline: what ends its lines.
    """

    called: str
    columns: tuple[str, ...]
    has_header: bool
    marked: bool
    newline: str

    def chunks(self) -> Iterator[Chunk]:
        """Return the rows, in their order.

        Raises:
            DataError: a row cannot be read, and such rows are not to be skipped.
        """

    def schema(self) -> "pyarrow.Schema":
        """Return the names and Arrow types of the columns."""


@contextmanager
def open_source(
    paths: Sequence[str], *, column: str, form: Format | None = None, skip: bool = False, typed: bool = False
) -> Iterator[Source]:
    """Open a table, or several that follow each other as one.

    Args:
        paths: its files; ``-`` for standard input.
        column: the column of the strings to answer for; a number counts columns from 1 in a table without a header.
        form: their format; by the name of each where None.
        skip: hand on rows that cannot be read as `Malformed` rather than stop at the first.
        typed: find the columns of JSON Lines, and their kinds, before the first chunk; other formats have them.

    Raises:
        DataError: one cannot be read, or has no such column.
        SettingError: one has no format that Elman knows.
    """
    with ExitStack() as stack:
        kept = [stack.enter_context(_kept(path)) if path == STANDARD and typed else path for path in paths]
        forms = [form or format_of(path) for path in paths]
        named = list(zip(kept, forms, map(_called, paths), strict=True))
        schema = _schema_of(named, column) if typed and any(form.kind == "jsonl" for form in forms) else None

        def opened(number: int) -> AbstractContextManager[Source]:
            return _open_one(*named[number], column, skip=skip, schema=schema)

        first = stack.enter_context(opened(0))
        yield first if len(paths) == 1 else JoinedSource(first, [partial(opened, k) for k in range(1, len(paths))])


@contextmanager
def _open_one(
    path: str, form: Format, called: str, column: str, *, skip: bool, schema: "pyarrow.Schema | None"
) -> Iterator[Source]:
    if form.kind == "parquet":
        with _kept(path) as place, open_table(place) as file:
            yield ParquetSource(file, called, column)
        return
    with opened_lines(path, form, called) as lines:
        if form.kind == "jsonl":
            yield JsonLinesSource(lines, column, skip=skip, schema=schema)
        else:
            yield DelimitedSource(lines, DELIMITERS[form.kind], column, skip=skip)


class JoinedSource:
    """Several tables of the same columns, one behind the other; see `Source`.

    Args:
        first: the first of them, opened.
        others: what opens each of the others when its turn comes.
    """

    def __init__(self, first: Source, others: Sequence[Callable[[], AbstractContextManager[Source]]]) -> None:
        self._first, self._others = first, others
        self.called, self.columns, self.has_header = first.called, first.columns, first.has_header
        self.marked, self.newline = first.marked, first.newline

    def schema(self) -> "pyarrow.Schema":
        """See `Source.schema`."""
        return self._first.schema()

    def chunks(self) -> Iterator[Chunk]:
        """See `Source.chunks`."""
        count = 1 + len(self._others)
        first: Callable[[], AbstractContextManager[Source]] = lambda: nullcontext(self._first)  # noqa: E731
        for number, opened in enumerate([first, *self._others]):
            with opened() as source:
                if source.columns != self.columns:
                    raise DataError(
                        f"{source.called}: expected the columns of {self.called}, {', '.join(self.columns)}; "
                        f"got {', '.join(source.columns)}"
                    )
                for chunk in source.chunks():
                    done = None if chunk.done is None else (number + chunk.done) / count
                    yield replace(chunk, done=done)


class DelimitedSource:
    """A CSV or TSV file; see `Source`.

    Args:
        lines: its lines.
        delimiter: between cells.
        column: as in `open_source`.
        skip: as in `open_source`.
    """

    def __init__(self, lines: Lines, delimiter: str, column: str, *, skip: bool) -> None:
        self._lines, self._delimiter, self._skip = lines, delimiter, skip
        self.called = lines.called
        csv.field_size_limit(max(csv.field_size_limit(), CHARACTERS))  # a cell may be as long as a chunk
        self._reader, self._width = csv.reader(lines, delimiter=delimiter, strict=True), 0
        row = self._next()
        if row is None:
            raise DataError(
                f"{lines.called}: is empty; expected a first line that names the columns", code="empty_table"
            )
        if isinstance(row, Malformed):
            raise DataError(f"{row.place}: {row.problem}", code="malformed_row", line=lines.malformed_line)
        line, first = row
        self.has_header = column in first or not column.isdecimal()
        self.columns = tuple(first if self.has_header else (f"column_{k + 1}" for k in range(len(first))))
        self._width = len(first)
        self._place = _place_of(column if self.has_header else f"column_{column}", self.columns, lines.called)
        self._before = [] if self.has_header else [(line, first)]
        self.marked, self.newline = lines.marked, lines.newline

    def schema(self) -> "pyarrow.Schema":
        """See `Source.schema`: all strings, for the file says nothing of their kind."""
        pa = arrow()
        return pa.schema([(column, pa.string()) for column in self.columns])

    def chunks(self) -> Iterator[Chunk]:
        """See `Source.chunks`."""
        rows, malformed, characters = self._before, list[Malformed](), 0
        while (row := self._next()) is not None:
            if isinstance(row, Malformed):
                malformed.append(_skipped(row, self._skip, self._lines.malformed_line))
            elif row[1] or len(self.columns) == 1:  # a blank line is a row where there is one column, else nothing
                rows.append(row if row[1] else (row[0], [""]))
            characters += len(row.text if isinstance(row, Malformed) else row[0])
            if len(rows) + len(malformed) >= ROWS or characters >= CHARACTERS:
                yield self._chunk(rows, malformed)
                rows, malformed, characters = [], [], 0
        yield self._chunk(rows, malformed)

    def _chunk(self, rows: Sequence[tuple[str, list[str]]], malformed: Sequence[Malformed]) -> Chunk:
        lines, cells = [line for line, _ in rows], [row for _, row in rows]
        names = [row[self._place] for row in cells]
        return TextChunk(self.columns, names, self._delimiter, lines, cells, tuple(malformed), self._lines.done)

    def _next(self) -> tuple[str, list[str]] | Malformed | None:
        """Return the next row as it stood and its cells, or why it cannot be read; None at the end."""
        try:
            row = next(self._reader)
        except StopIteration:
            return None
        except csv.Error as error:
            return self._lines.take_malformed(f"expected cells between {self._delimiter!r}, got: {error}")
        if self._lines.problem:
            return self._lines.take_malformed(self._lines.problem)
        if row and self._width and len(row) != self._width:
            return self._lines.take_malformed(f"expected {self._width} cells as in the first row, got {len(row)}")
        return self._lines.take(), row


class JsonLinesSource:
    """A file of one JSON object a line; see `Source`.

    Args:
        lines: its lines.
        column: the key of the strings to answer for.
        skip: as in `open_source`.
        schema: its columns and their kinds, where they were looked for.
    """

    has_header = True

    def __init__(self, lines: Lines, column: str, *, skip: bool, schema: "pyarrow.Schema | None" = None) -> None:
        self._lines, self._column, self._skip, self._schema = lines, column, skip, schema
        self.called, self.columns = lines.called, tuple(schema.names) if schema is not None else ()
        self.marked, self.newline = lines.marked, lines.newline

    def schema(self) -> "pyarrow.Schema":
        """See `Source.schema`."""
        assert self._schema is not None, "ask for it with typed=True"
        return self._schema

    def chunks(self) -> Iterator[Chunk]:
        """See `Source.chunks`."""
        kept, objects, malformed, characters, is_first = list[str](), list[Any](), list[Malformed](), 0, True
        for line in self._lines:
            value, problem = self._parsed(line)
            characters += len(line)
            if problem:
                row = self._lines.take_malformed(problem)
                malformed.append(_skipped(row, self._skip, self._lines.malformed_line))
            else:
                line = self._lines.take()
                if value is not None:
                    kept.append(line)
                    objects.append(value)
            if len(kept) + len(malformed) >= ROWS or characters >= CHARACTERS:
                yield self._chunk(kept, objects, malformed, is_first)
                kept, objects, malformed, characters, is_first = [], [], [], 0, False
        yield self._chunk(kept, objects, malformed, is_first)

    def _chunk(
        self, lines: Sequence[str], objects: Sequence[Any], malformed: Sequence[Malformed], is_first: bool
    ) -> Chunk:
        columns = self.columns or tuple(dict.fromkeys(key for one in objects for key in one))
        if is_first and objects and self._column not in columns:
            _place_of(self._column, columns, self._lines.called)
        names = [one.get(self._column) for one in objects]
        return JsonChunk(columns, names, lines, objects, tuple(malformed), self._lines.done, self._schema)

    def _parsed(self, line: str) -> tuple[dict[str, Any] | None, str | None]:
        """Return the object of a line, None where the line is blank, and what is wrong with it."""
        if self._lines.problem or not line.strip():
            return None, self._lines.problem
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            return None, f"expected a JSON object, got: {getattr(error, 'msg', None) or 'a value beyond all bounds'}"
        if not isinstance(value, dict):
            return None, f"expected a JSON object, got {type(value).__name__}"
        name = value.get(self._column)
        if name is not None and not isinstance(name, str):
            return None, f"expected a string or null under {self._column!r}, got {type(name).__name__}"
        return value, None


class ParquetSource:
    """A Parquet file; see `Source`.

    Args:
        file: it, opened.
        called: what errors call it.
        column: the column of the strings to answer for.
        row_groups: the row groups to read; all where None.
    """

    has_header, marked, newline = True, False, "\n"

    def __init__(self, file: IO[bytes], called: str, column: str, row_groups: Sequence[int] | None = None) -> None:
        pa = arrow()
        self.called, self._column = called, column
        try:
            self._file = pa.parquet.ParquetFile(file)
            self.columns = tuple(self._file.schema_arrow.names)
            kind = self._file.schema_arrow.field(_place_of(column, self.columns, called)).type
        except (pa.ArrowException, OSError, ValueError) as error:
            raise DataError(f"{called}: cannot be read as Parquet ({_first_line(error)})") from None
        kind = kind.value_type if pa.types.is_dictionary(kind) else kind
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)):
            raise DataError(f"{called}: expected strings in the column {column!r}, got {kind}", code="not_strings")
        groups = range(self._file.num_row_groups) if row_groups is None else row_groups
        sizes = [
            (self._file.metadata.row_group(k).num_rows, self._file.metadata.row_group(k).total_byte_size)
            for k in groups
        ]
        self._groups, self._total = list(groups), sum(rows for rows, _ in sizes)
        widest = max((size / rows for rows, size in sizes if rows), default=1.0)
        self._rows = max(1, min(ROWS, int(STRETCH / max(widest, 1.0))))

    def schema(self) -> "pyarrow.Schema":
        """See `Source.schema`."""
        return self._file.schema_arrow

    def chunks(self) -> Iterator[Chunk]:
        """See `Source.chunks`."""
        pa, read = arrow(), 0
        try:
            for batch in self._file.iter_batches(self._rows, row_groups=self._groups, use_threads=False):
                read += batch.num_rows
                names = batch.column(self.columns.index(self._column)).cast(pa.string()).to_pylist()
                yield ArrowChunk(batch, names, read / self._total)
        except (pa.ArrowException, OSError, ValueError) as error:
            message = f"{self.called}, after row {read}: cannot be read ({_first_line(error)})"
            raise DataError(message, line=read) from None


def _schema_of(named: Sequence[tuple[str, Format, str]], column: str) -> "pyarrow.Schema":
    """Read JSON Lines files once, and return their columns with the kinds that hold all of their values."""
    pa = arrow()
    kinds: dict[str, Any] = {}
    for path, form, called in named:
        with _open_one(path, form, called, column, skip=True, schema=None) as source:
            for chunk in source.chunks():
                for key, values in zip(chunk.columns, zip(*chunk.rows(), strict=True), strict=False):
                    kinds[key] = wider(kinds.get(key, pa.null()), kind_of(values))
    return pa.schema([(key, pa.string() if pa.types.is_null(kind) else kind) for key, kind in kinds.items()])


def _called(path: str) -> str:
    return "standard input" if path == STANDARD else path


@contextmanager
def _kept(path: str) -> Iterator[str]:
    """Give a path whose content can be read twice."""
    if path != STANDARD:
        yield path
        return
    with tempfile.NamedTemporaryFile(prefix="elman-") as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
        file.flush()
        yield file.name


def _place_of(column: str, columns: Sequence[str], called: str) -> int:
    places = [place for place, name in enumerate(columns) if name == column]
    if len(places) == 1:
        return places[0]
    found = f"{len(places)} of that name" if places else f"the columns {', '.join(columns) or '(none)'}"
    message = f"{called}: expected one column {column!r}, found {found}; name the right one with --column"
    raise DataError(message, code="unknown_column")


def _skipped(row: Malformed, skip: bool, line: int) -> Malformed:
    if not skip:
        message = f"{row.place}: {row.problem}; mend it, or leave such rows out with --on-error skip"
        raise DataError(message, code="malformed_row", line=line)
    return row


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
