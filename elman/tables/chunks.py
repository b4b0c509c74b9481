"""Chunks: some rows of a table, as their source had them and in the forms that outputs want.

A chunk keeps what its source said of a row: of a text file the line itself, of Parquet the Arrow values. An output of
the same kind writes that again, so that nothing of a row changes on the way through.
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

from elman.errors import DataError, MissingExtraError

if TYPE_CHECKING:
    import pyarrow

ROWS = 32_768
"""Rows of a chunk, at most."""

CHARACTERS = 32 * 2**20
"""Characters of a chunk's lines, at most, but for one row."""


@dataclass(frozen=True, slots=True)
class Malformed:
    """A row that cannot be read.

    Args:
        place: its file and line, in words.
        problem: what was expected and what came, without anything that the row holds.
        text: the row as it stood.
    """

    place: str
    problem: str
    text: str


@dataclass(frozen=True)
class TextChunk:
    """Rows of a delimited file.

    Args:
        columns: the names of the columns, in their order.
        names: the strings to answer for, one for each row; None where there is none.
        dialect: what the lines are written in: the delimiter, or ``jsonl``; None of a chunk that has no lines.
        lines: the rows as they stood, without their line ends.
        cells: the cells of each row.
        malformed: rows that stood among these and were left out.
        done: the share of the source that has been read so far, 0 to 1; None where nobody knows.
    """

    columns: tuple[str, ...]
    names: Sequence[str | None]
    dialect: str
    lines: Sequence[str]
    cells: Sequence[Sequence[str]]
    malformed: Sequence[Malformed] = ()
    done: float | None = None

    def rows(self) -> Iterator[Sequence[Any]]:
        """Return the rows as Python values in the order of the columns."""
        return iter(self.cells)

    def batch(self) -> "pyarrow.RecordBatch":
        """Return the rows as Arrow columns: strings, for a delimited file says nothing of their kind."""
        pa = arrow()
        columns = list(zip(*self.cells, strict=True)) or [()] * len(self.columns)
        arrays = [pa.array(values, pa.string()) for values in columns]
        return pa.RecordBatch.from_arrays(arrays, list(self.columns))

    def digest(self) -> str:
        """Return what tells these rows from others: a digest of all their values, in hexadecimal."""
        return _digest(self.lines, self.malformed)


@dataclass(frozen=True)
class JsonChunk:
    """Objects of a JSON Lines file; what `TextChunk` has too is the same.

    Args:
        columns: every key that an object of the file has, where they were looked for; else those of this chunk.
        names: as in `TextChunk`, and likewise ``lines``, ``malformed``, ``done`` and ``dialect``.
        lines: the rows as they stood.
        objects: the rows as Python values.
        malformed: rows that were left out.
        done: the share that has been read.
        schema: the Arrow types of the columns, where they were looked for.
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
        """Return the rows as Python values in the order of the columns; a key that an object lacks is None."""
        return ([one.get(column) for column in self.columns] for one in self.objects)

    def batch(self) -> "pyarrow.RecordBatch":
        """Return the rows as Arrow columns."""
        pa = arrow()
        assert self.schema is not None
        arrays = [typed([one.get(of.name) for one in self.objects], of.type) for of in self.schema]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def digest(self) -> str:
        """Return what tells these rows from others: a digest of all their values, in hexadecimal."""
        return _digest(self.lines, self.malformed)


@dataclass(frozen=True)
class ArrowChunk:
    """Rows of a Parquet file or of a query; what `TextChunk` has too is the same.

    Args:
        values: the rows.
        names: as in `TextChunk`, and likewise the rest.
        done: the share that has been read.
        malformed: none.
        json_columns: the places of columns whose strings are JSON; text files get what it says.
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
        """The names of the columns, in their order."""
        return tuple(self.values.schema.names)

    def rows(self) -> Iterator[Sequence[Any]]:
        """Return the rows as Python values in the order of the columns."""
        columns = [column.to_pylist() for column in self.values.columns]
        for place in self.json_columns:
            columns[place] = [None if text is None else json.loads(text) for text in columns[place]]
        return zip(*columns, strict=True)

    def batch(self) -> "pyarrow.RecordBatch":
        """Return the rows as Arrow columns."""
        return self.values

    def digest(self) -> str:
        """Return what tells these rows from others: a digest of all their values, in hexadecimal."""
        return hashlib.sha256(self.values.serialize()).hexdigest()


Chunk = TextChunk | JsonChunk | ArrowChunk


def arrow() -> Any:
    """Return pyarrow.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"tables need the package {error.name}: pip install 'elman[tables]'") from None
    return pyarrow


def typed(values: Sequence[Any], kind: "pyarrow.DataType") -> "pyarrow.Array":
    """Return Python values as an Arrow array; text stands for what has no kind of its own.

    Raises:
        DataError: a value is of another kind.
    """
    pa = arrow()
    if kind == pa.string():
        return pa.array([None if value is None else plain_text(value) for value in values], kind)
    try:
        return pa.array(values, kind)
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        raise DataError(
            f"expected values of the kind {kind} in a column, as in the rows before, and got others; write CSV or JSONL"
        ) from None


def kind_of(values: Sequence[Any]) -> "pyarrow.DataType":
    """Return the Arrow type that holds Python values; string for values of several kinds, null where all are None."""
    pa = arrow()
    try:
        return pa.array(values).type
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        return pa.string()


def wider(kind: "pyarrow.DataType", other: "pyarrow.DataType") -> "pyarrow.DataType":
    """Return the Arrow type that holds the values of two; string where no other does."""
    pa = arrow()
    schemas = [pa.schema([("x", each)]) for each in (kind, other)]
    try:
        return pa.unify_schemas(schemas, promote_options="permissive").field("x").type
    except pa.ArrowException:
        return pa.string()


def plain_text(value: Any) -> str:
    """Return a value as a cell of a text file holds it: JSON for lists and objects, base64 for bytes, ISO for dates.

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
    """Return a value as JSON can hold it; infinite numbers and such that are none become None.

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
