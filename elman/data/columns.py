"""Columns: the cells of some columns of a table, by the reader that `elman annotate` has.

Rows that cannot be read are counted. Bytes that are not text always stop the reading: the whole file has another
encoding then.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from elman.checks import is_missing
from elman.errors import DataError, SettingError
from elman.tables.chunks import ArrowChunk, Chunk, JsonChunk, Malformed, find_column
from elman.tables.delimited import find_in_first_row
from elman.tables.formats import DELIMITERS, PACKINGS, WORKBOOKS, Format, TextOptions, format_of, is_table
from elman.tables.lines import open_lines
from elman.tables.sources import Source, find_tables, open_source
from elman.tables.sql.queries import Query, open_query


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows of a table.

    Args:
        columns: the cells of each column that was asked for, in order; None if missing.
        malformed: how many rows among these cannot be read. They come before the others.
    """

    columns: tuple[Sequence[Any], ...]
    malformed: int = 0


def list_tables(path: Path) -> list[str]:
    """Return the tables that a path names: one file, or those of a folder or glob; none if it names no table.

    Raises:
        DataError: it is a workbook.
    """
    if path.suffix[1:].lower() in WORKBOOKS:
        try:
            format_of(str(path))
        except SettingError as error:
            raise DataError(str(error)) from None
    if path.is_file():
        return [str(path)] if is_table(str(path)) else []
    try:
        return find_tables([str(path)])
    except DataError:
        return []


def read_columns(
    tables: Sequence[str] | Query,
    columns: Mapping[str, str],
    options: TextOptions,
    *,
    skip: bool,
    notes: list[str],
) -> Iterator[Rows]:
    """Yield the cells of some columns of a table, some rows at a time.

    Args:
        tables: the files of the table, which follow each other; or a query, which returns one.
        columns: the names or numbers of the columns, by the option that names each. The first holds strings.
        options: how text files are read.
        skip: count rows that cannot be read, rather than stop at the first.
        notes: gets what a user should know of how the table is read.

    Raises:
        DataError: a file cannot be read, a column is unknown, bytes are not UTF-8, or a row cannot be read and ``skip``
            is False.
    """
    is_number = [column.isascii() and column.isdecimal() for column in columns.values()]
    if options.header is None and not all(is_number):
        options = replace(options, header=True)
    option, strings = next(iter(columns.items()))
    with _name_option(option), _open(tables, strings, options) as source:
        notes.extend(source.notes)
        if source.kind == "jsonl":
            yield from _read_objects(source, columns, skip=skip)
            return
        first = list(source.columns) if source.has_header else None
        places = _find_all(source, columns, first, options) if first is not None else None
        for chunk in source.chunks():
            malformed = _count_malformed(chunk.malformed, skip=skip)
            if places is None:
                places = _find_all(source, columns, next(iter(chunk.rows())), options)
            yield Rows((chunk.names, *(_cells_of(chunk, place) for place in places[1:])), malformed)


def _open(tables: Sequence[str] | Query, column: str, options: TextOptions) -> AbstractContextManager[Source]:
    if isinstance(tables, Query):
        return open_query(tables, column=column, skip=True)
    return open_source(tables, column=column, skip=True, options=options)


def read_lines(path: Path, options: TextOptions, *, skip: bool) -> Iterator[tuple[int, str | None]]:
    """Yield the number and the text of each line of a file, plain or packed; None for a line that is too long.

    Raises:
        DataError: the file cannot be read, bytes are not UTF-8, or a line is too long and ``skip`` is False.
    """
    form = Format("csv", PACKINGS.get(path.suffix[1:].lower()))
    with open_lines(str(path), form, str(path), options.encoding) as lines:
        for number, _ in enumerate(lines, start=1):
            if problem := lines.problem:
                malformed = lines.take_malformed(problem, skip=True)
                _count_malformed([malformed], skip=skip)
                yield number, None
            else:
                yield number, lines.take()


def _read_objects(source: Source, columns: Mapping[str, str], *, skip: bool) -> Iterator[Rows]:
    """Yield the values of keys; a key that no object has is refused at the end."""
    keys: dict[str, None] = {}
    for chunk in source.chunks():
        malformed = _count_malformed(chunk.malformed, skip=skip)
        keys |= dict.fromkeys(chunk.columns)
        assert isinstance(chunk, JsonChunk)
        others = ([_drop_missing(one.get(key)) for one in chunk.objects] for key in list(columns.values())[1:])
        yield Rows((chunk.names, *others), malformed)
    for option, key in columns.items():
        if keys and key not in keys:
            with _name_option(option):
                find_column(key, list(keys), source.title)


def _find_all(source: Source, columns: Mapping[str, str], first: Sequence[Any], options: TextOptions) -> list[int]:
    """Return the position of each column, by the rule that every table has.

    Args:
        source: the table.
        columns: as in `read_columns`.
        first: the first row of a text file, or the names of the columns.
        options: as in `read_columns`.
    """
    places, is_text = [], source.kind in DELIMITERS
    for option, column in columns.items():
        with _name_option(option):
            header = options.header if is_text else True
            has_header, place = find_in_first_row(column, first, source.title, header=header)
        if has_header != source.has_header:
            raise DataError(
                f"{source.title}: {', '.join(columns.values())} are numbers of columns and cells of the first row; say "
                "--header if that row names the columns, or --no-header if it does not",
                code="unknown_column",
            )
        places.append(place)
    return places


def _cells_of(chunk: Chunk, place: int) -> Sequence[Any]:
    if isinstance(chunk, ArrowChunk):
        if place in chunk.json_columns:  # a list or an object is no label
            return [row[place] for row in chunk.rows()]
        return [_drop_missing(value) for value in chunk.values.column(place).to_pylist()]
    return [row[place] for row in chunk.rows()]


def _drop_missing(value: Any) -> Any:
    return None if is_missing(value) else value


def _count_malformed(rows: Sequence[Malformed], *, skip: bool) -> int:
    """Count the rows that cannot be read; raise if they are not skipped, or the bytes of one are not text."""
    for row in rows:
        if not row.is_text:
            raise DataError(f"{row.place}: {row.problem}", code=row.code, line=row.line)
        if not skip:
            message = f"{row.place}: {row.problem}; fix it, or drop such rows with --on-error skip"
            raise DataError(message, code="malformed_row", line=row.line)
    return len(rows)


@contextmanager
def _name_option(option: str) -> Iterator[None]:
    """Let a message about an unknown column name the option of the command that reads examples."""
    try:
        yield
    except DataError as error:
        if error.code != "unknown_column":
            raise
        raise DataError(str(error).replace("--column", option.split()[0]), code=error.code, line=error.line) from None
