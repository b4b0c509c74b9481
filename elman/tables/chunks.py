"""Chunks: some rows of a table, as their source has them and in the forms that outputs need.

A chunk keeps each row as its source has it: of a text file the line itself, of Parquet the Arrow values. An output of
the same kind writes exactly that again, so no row changes on the way through.
"""

import base64
import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import cached_property
from typing import TYPE_CHECKING, Any

from elman.errors import DataError
from elman.extras import extra

if TYPE_CHECKING:
    import pyarrow

ROWS = 32_768
"""Most rows of a chunk."""

CHARACTERS = 32 * 2**20
"""Most characters of a chunk's lines, unless a single row has more."""


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
        malformed: always empty.
        json_columns: the positions of columns whose strings are JSON; text files get the values inside.
    """

    values: "pyarrow.RecordBatch"
    names: Sequence[str | None]
    done: float | None = None
    malformed: Sequence[Malformed] = ()
    json_columns: frozenset[int] = frozenset()
    lines: None = field(default=None, init=False)
    dialect: None = field(default=None, init=False)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        return tuple(self.values.schema.names)

    def rows(self) -> Iterator[Sequence[Any]]:
        """Return the rows as Python values, in the order of the columns."""
        columns = [column.to_pylist() for column in self.values.columns]
        for position in self.json_columns:
            columns[position] = [None if text is None else json.loads(text) for text in columns[position]]
        return zip(*columns, strict=True)

    def batch(self) -> "pyarrow.RecordBatch":
        """Return the rows as Arrow columns."""
        return self.values

    def digest(self) -> str:
        """Return a hexadecimal digest of all values, to recognise the same rows later."""
        return hashlib.sha256(self.values.serialize()).hexdigest()


Chunk = TextChunk | JsonChunk | ArrowChunk


def find_column(column: str, columns: Sequence[str], title: str) -> int:
    """Return the position of the one column with this name.

    Args:
        column: its name.
        columns: the names of all columns.
        title: the table, for the message.

    Raises:
        DataError: no column or more than one has this name.
    """
    positions = [position for position, name in enumerate(columns) if name == column]
    if len(positions) == 1:
        return positions[0]
    found = f"{len(positions)} of that name" if positions else f"the columns {', '.join(columns) or '(none)'}"
    message = f"{title}: expected one column {column!r}, found {found}; name the right one with --column"
    raise DataError(message, code="unknown_column")


def arrow() -> Any:
    """Return pyarrow.

    Raises:
        MissingExtraError: it is not installed.
    """
    with extra("tables"):
        import pyarrow
        import pyarrow.parquet
    return pyarrow


def to_array(values: Sequence[Any], kind: "pyarrow.DataType") -> "pyarrow.Array":
    """Return Python values as an Arrow array; in an array of strings, values of other types become text.

    Raises:
        DataError: a value has another type.
    """
    pa = arrow()
    if kind == pa.string():
        return pa.array([None if value is None else plain_text(value) for value in values], kind)
    try:
        return pa.array(values, kind)
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        raise DataError(
            f"expected values of the type {kind} in a column, as in earlier rows, got others; write CSV or JSONL"
        ) from None


def type_of(values: Sequence[Any]) -> "pyarrow.DataType":
    """Return the Arrow type of Python values: string if their types differ, null if all are None."""
    pa = arrow()
    try:
        return pa.array(values).type
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        return pa.string()


def common_type(kind: "pyarrow.DataType", other: "pyarrow.DataType") -> "pyarrow.DataType":
    """Return the Arrow type that holds the values of two types; string if no other does."""
    pa = arrow()
    schemas = [pa.schema([("x", each)]) for each in (kind, other)]
    try:
        return pa.unify_schemas(schemas, promote_options="permissive").field("x").type
    except pa.ArrowException:
        return pa.string()


def plain_text(value: Any) -> str:
    """Return a value as a cell of a text file: JSON for lists and objects, base64 for bytes, ISO for dates.

    >>> plain_text(None), plain_text(1.5), plain_text([1, "a"]), plain_text(date(2001, 2, 3))
    ('', '1.5', '[1, "a"]', '2001-02-03')
    """
    if isinstance(value, str):
        return value if value.isprintable() else value.encode("utf-8", "replace").decode()
    if value is None:
        return ""
    plain = plain_value(value) if not isinstance(value, float) else str(value)
    return plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False, default=str)


def plain_value(value: Any) -> Any:
    """Return a value as JSON can represent it; NaN and infinity become None.

    >>> plain_value({"a": [date(2001, 2, 3), float("nan"), b"xy"]})
    {'a': ['2001-02-03', None, 'eHk=']}
    """
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return {str(key): plain_value(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain_value(each) for each in value]
    return str(value)


def _digest(lines: Sequence[str], malformed: Sequence[Malformed]) -> str:
    digest = hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape"))
    digest.update(repr([(row.place, row.text) for row in malformed]).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()
