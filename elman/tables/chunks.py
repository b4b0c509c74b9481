"""Chunks: some rows of a table, as their source has them and in the forms that outputs need.

A chunk keeps each row as its source has it: of a text file the line itself, of Parquet the Arrow values. An output of
the same kind writes exactly that again, so no row changes on the way through.
"""

import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from elman.checks import find_similar, is_missing, shown
from elman.errors import DataError
from elman.tables.columnar.arrays import arrow, count_columns, plain_values, read_texts, refuse_type, to_array

if TYPE_CHECKING:
    import pyarrow

ROWS = 32_768
"""Most rows of a chunk."""

FIRST_ROWS = 512
"""Rows of the first chunk of standard input, for an early answer; each chunk then has twice as many."""

CHARACTERS = 16 * 2**20
"""Most bytes of a chunk's rows as Python values, about, unless a single row takes more."""

CELL_BYTES, VALUE_BYTES, LIST_BYTES, OBJECT_BYTES = 8, 40, 64, 96
"""Bytes that Python takes for a cell at least, for a value, and for a list or an object beside its values, about."""

LARGEST_OBJECT = 64 * 2**20
"""Most bytes of one JSON object as Python values, about."""

LISTED = 20
"""Most columns that a message names."""


@dataclass(frozen=True, slots=True)
class Malformed:
    """A row that cannot be read.

    Args:
        place: its file and line, for messages.
        problem: what was expected and what came, without any content of the row.
        text: the row, unchanged.
        line: the number of its line, from 1; None if it is not from a text file.
        is_text: whether its bytes are text in the encoding of the file.
    """

    place: str
    problem: str
    text: str
    line: int | None = None
    is_text: bool = True

    @property
    def code(self) -> str:
        """The code of the error about it, one of `elman.errors.DATA_CODES`."""
        return "malformed_row" if self.is_text else "wrong_encoding"


@dataclass(frozen=True)
class TextChunk:
    """Rows of a delimited file.

    Args:
        columns: the names of the columns, in order.
        names: the strings to answer for, one for each row; None if missing.
        dialect: the delimiter of the lines, or ``jsonl``; None if the chunk has no lines.
        lines: the rows, unchanged, without line ends.
        cells: the cells of each row.
        malformed: rows among these that were skipped.
        done: the share of the source that has been read so far, 0 to 1; None if unknown.
    """

    columns: tuple[str, ...]
    names: Sequence[str | None]
    dialect: str
    lines: Sequence[str]
    cells: Sequence[Sequence[str]]
    malformed: Sequence[Malformed] = ()
    done: float | None = None

    def strings(self, column: str) -> list[str | None]:
        """Return the values of a column as text, None if missing.

        Raises:
            DataError: no column or more than one has this name or number.
        """
        position = find_column(column, self.columns, by_number=True)
        return [row[position] for row in self.cells]

    def rows(self) -> Iterator[Sequence[Any]]:
        """Return the rows as Python values, in the order of the columns."""
        return iter(self.cells)

    def batch(self) -> "pyarrow.RecordBatch":
        """Return the rows as Arrow columns of strings, because a delimited file states no types."""
        pa = arrow()
        columns = list(zip(*self.cells, strict=True)) or [()] * len(self.columns)
        arrays = [pa.array(values, pa.string()) for values in columns]
        return pa.RecordBatch.from_arrays(arrays, list(self.columns))

    def digest(self) -> str:
        """Return a hexadecimal digest of all values, to recognise the same rows later."""
        return _digest(self.lines, self.malformed)


@dataclass(frozen=True)
class JsonChunk:
    """Objects of a JSON Lines file.

    Args:
        columns: every key of the file's objects if the file was searched for them, otherwise those of this chunk.
        names: the strings to answer for, as in `TextChunk`.
        lines: the rows, unchanged.
        objects: the rows as Python values.
        malformed: rows that were skipped.
        done: the share that has been read, as in `TextChunk`.
        schema: the Arrow types of the columns, if the file was searched for them.
    """

    columns: tuple[str, ...]
    names: Sequence[str | None]
    lines: Sequence[str]
    objects: Sequence[Mapping[str, Any]]
    malformed: Sequence[Malformed] = ()
    done: float | None = None
    schema: "pyarrow.Schema | None" = None
    dialect: str = field(default="jsonl", init=False)

    def strings(self, column: str) -> list[str | None]:
        """Return the values under a key as text, None if missing; numbers and booleans as Python writes them.

        Raises:
            DataError: a value is a list or an object.
        """
        values = [one.get(column) for one in self.objects]
        for value in values:
            if isinstance(value, list | dict):
                raise refuse_type(column, type(value).__name__)
        return [None if is_missing(value) else str(value) for value in values]

    def rows(self) -> Iterator[Sequence[Any]]:
        """Return the rows as Python values, in the order of the columns; None where an object lacks a key."""
        return ([one.get(column) for column in self.columns] for one in self.objects)

    def batch(self) -> "pyarrow.RecordBatch":
        """Return the rows as Arrow columns."""
        pa = arrow()
        assert self.schema is not None
        arrays = [to_array([one.get(of.name) for one in self.objects], of.type) for of in self.schema]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def digest(self) -> str:
        """Return a hexadecimal digest of all values, to recognise the same rows later."""
        return _digest(self.lines, self.malformed)


@dataclass(frozen=True)
class ArrowChunk:
    """Rows of a Parquet file or of a query.

    Args:
        values: the rows.
        names: the strings to answer for, as in `TextChunk`.
        done: the share that has been read, as in `TextChunk`.
        malformed: rows that were skipped.
        json_columns: the positions of columns whose strings are JSON; text files get the values inside.
        position: the column that the names are from; text files get the names where it has bytes.
    """

    values: "pyarrow.RecordBatch"
    names: Sequence[str | None]
    done: float | None = None
    malformed: Sequence[Malformed] = ()
    json_columns: frozenset[int] = frozenset()
    position: int | None = None
    lines: None = field(default=None, init=False)
    dialect: None = field(default=None, init=False)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        return tuple(self.values.schema.names)

    def strings(self, column: str) -> list[str | None]:
        """Return the values of a column as text, None if missing; bytes are UTF-8, numbers as Python writes them.

        Raises:
            DataError: no column or more than one has this name or number; the values are lists, objects or other bytes.
        """
        position = find_column(column, self.columns, by_number=True)
        if position == self.position:
            return list(self.names)
        if position in self.json_columns:
            raise refuse_type(column, "JSON")
        try:
            return read_texts(self.values.column(position), column)
        except UnicodeDecodeError:
            raise refuse_type(column, "bytes that are not UTF-8") from None

    def rows(self) -> Iterator[Sequence[Any]]:
        """Return the rows as values that text and JSON can represent, in the order of the columns."""
        columns = [
            list(self.names) if position == self.position else plain_values(column)
            for position, column in enumerate(self.values.columns)
        ]
        for position in self.json_columns:
            columns[position] = [None if text is None else json.loads(text) for text in columns[position]]
        return zip(*columns, strict=True)

    def batch(self) -> "pyarrow.RecordBatch":
        """Return the rows as Arrow columns."""
        return self.values

    def digest(self) -> str:
        """Return a hexadecimal digest of all values, to recognise the same rows later."""
        sink = _Hash()
        with arrow().ipc.new_stream(sink, self.values.schema) as stream:  # a batch alone lacks its dictionaries
            stream.write_batch(self.values)
        sink.digest.update(_describe(self.malformed))
        return sink.digest.hexdigest()


Chunk = TextChunk | JsonChunk | ArrowChunk


def weigh_cells(line: str, cells: Sequence[str]) -> int:
    """Return the bytes that a row of cells takes, about."""
    return len(line) + VALUE_BYTES * len(cells)


def weigh_object(line: str) -> int:
    """Return the bytes that the object of a line takes, about: three characters may become an object.

    >>> weigh_object('{"a": []}')
    169
    """
    return len(line) + OBJECT_BYTES * line.count("{") + LIST_BYTES * line.count("[") + VALUE_BYTES * line.count(",")


def cut_chunk(chunk: Chunk) -> Iterator[Chunk]:
    """Cut a chunk whose rows would take far more memory in another format: of many columns, or with long names of them.

    Chunks from Parquet and queries are cut when they are read.
    """
    size = sum(len(name) + CELL_BYTES for name in chunk.columns)
    if isinstance(chunk, JsonChunk) and chunk.schema is not None:
        size += sum(CELL_BYTES * count_columns(field.type) for field in chunk.schema)
    rows, count = max(1, 2 * CHARACTERS // max(1, size)), len(chunk.names)
    if isinstance(chunk, ArrowChunk) or rows >= count or (isinstance(chunk, JsonChunk) and chunk.schema is None):
        yield chunk
        return
    for start in range(0, count, rows):
        part = slice(start, start + rows)
        malformed = chunk.malformed if start == 0 else ()
        some = replace(chunk, names=chunk.names[part], lines=chunk.lines[part], malformed=malformed)
        if isinstance(some, TextChunk):
            yield replace(some, cells=some.cells[part])
        else:
            yield replace(some, objects=some.objects[part])


def find_column(column: str, columns: Sequence[str], title: str = "", *, by_number: bool = False) -> int:
    """Return the position of the one column with this name, or with this number.

    Args:
        column: its name.
        columns: the names of all columns.
        title: the table, for the message.
        by_number: whether a number counts columns from 1 if no column has it as its name.

    Raises:
        DataError: no column or more than one has this name.

    >>> find_column("2", ["name", "id"], by_number=True)
    1
    """
    positions = [position for position, name in enumerate(columns) if name == column]
    if len(positions) == 1:
        return positions[0]
    is_number = by_number and not positions and len(column) < 9 and column.isascii() and column.isdecimal()
    if is_number and 1 <= int(column) <= len(columns):
        return int(column) - 1
    where = f"{title}: " if title else ""
    found = f"{len(positions)} of that name" if positions else f"the columns {list_names(columns)}"
    similar = None if positions else find_similar(column, columns)
    action = f"did you mean --column '{shown(similar)}'?" if similar else "name the right one with --column"
    raise DataError(f"{where}expected one column '{shown(column)}', found {found}; {action}", code="unknown_column")


def list_names(columns: Sequence[str]) -> str:
    """Return the names of columns for a message, the first of them if they are many.

    >>> list_names([]), list_names(["id", "name"])
    ('(none)', 'id, name')
    """
    names = ", ".join(map(shown, columns[:LISTED]))
    return f"{names} and {len(columns) - LISTED:,} more" if len(columns) > LISTED else names or "(none)"


class _Hash(io.RawIOBase):
    """A file whose content becomes a digest."""

    def __init__(self) -> None:
        self.digest = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        self.digest.update(content)
        return len(content)


def _digest(lines: Sequence[str], malformed: Sequence[Malformed]) -> str:
    digest = hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape"))
    digest.update(_describe(malformed))
    return digest.hexdigest()


def _describe(malformed: Sequence[Malformed]) -> bytes:
    return repr([(row.place, row.text) for row in malformed]).encode("utf-8", "surrogateescape")
