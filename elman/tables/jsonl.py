"""JSON Lines: one JSON object a line, read line by line."""

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from elman.checks import is_missing
from elman.errors import DataError
from elman.tables.chunks import (
    CHARACTERS,
    FIRST_ROWS,
    LARGEST_OBJECT,
    ROWS,
    Chunk,
    JsonChunk,
    Malformed,
    find_column,
    weigh_object,
)
from elman.tables.formats import CELL_CHARACTERS, COLUMNS
from elman.tables.lines import Lines

if TYPE_CHECKING:
    import pyarrow


class JsonLinesSource:
    """A file of one JSON object a line; see `elman.tables.sources.Source`.

    Args:
        lines: its lines.
        column: the key of the strings to answer for.
        skip: return rows that cannot be read as `Malformed` rather than stop at the first.
        schema: its columns and their types, if the file was searched for them.
    """

    has_header = True
    kind: str | None = "jsonl"
    delimiter: str | None = None
    notes: tuple[str, ...] = ()

    def __init__(self, lines: Lines, column: str, *, skip: bool, schema: "pyarrow.Schema | None" = None) -> None:
        self._lines, self._column, self._skip, self._schema = lines, column, skip, schema
        self.title, self.columns = lines.title, tuple(schema.names) if schema is not None else ()
        self.has_mark, self.newline = lines.has_mark, lines.newline
        self.encoding = lines.encoding

    def schema(self) -> "pyarrow.Schema":
        """See `elman.tables.sources.Source.schema`."""
        assert self._schema is not None, "open the file with typed=True"
        return self._schema

    def chunks(self) -> Iterator[Chunk]:
        """See `elman.tables.sources.Source.chunks`."""
        texts, objects, malformed, characters, is_first = list[str](), list[Any](), list[Malformed](), 0, True
        most = FIRST_ROWS if self._lines.is_stream else ROWS
        for line in self._lines:
            value, problem = self._parse(line)
            characters += weigh_object(line)
            if problem:
                malformed.append(self._lines.take_malformed(problem, skip=self._skip))
            else:
                text = self._lines.take()
                if value is not None:
                    texts.append(text)
                    objects.append(value)
            if len(texts) + len(malformed) >= most or characters >= CHARACTERS:
                yield self._chunk(texts, objects, malformed, is_first)
                texts, objects, malformed, characters, is_first = [], [], [], 0, False
                most = min(2 * most, ROWS)
        yield self._chunk(texts, objects, malformed, is_first)

    def _chunk(
        self, lines: Sequence[str], objects: Sequence[Any], malformed: Sequence[Malformed], is_first: bool
    ) -> Chunk:
        columns = self.columns or tuple(dict.fromkeys(key for one in objects for key in one))
        if len(columns) > COLUMNS:
            raise DataError(f"{self.title}: expected at most {COLUMNS:,} different keys, got {len(columns):,}")
        if is_first and objects and self._column not in columns:
            find_column(self._column, columns, self.title)
        names = [None if is_missing(name := one.get(self._column)) else name for one in objects]
        return JsonChunk(columns, names, lines, objects, tuple(malformed), self._lines.done, self._schema)

    def _parse(self, line: str) -> tuple[dict[str, Any] | None, str | None]:
        """Return the object of a line, None if the line is blank, and what is wrong with it, None if nothing is."""
        if self._lines.problem or not line.strip():
            return None, self._lines.problem
        if len(line) > CELL_CHARACTERS and weigh_object(line) > LARGEST_OBJECT:
            return None, f"expected an object that takes at most {LARGEST_OBJECT:,} bytes in memory"
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            found = getattr(error, "msg", None) or "a number that is too long, or values nested too deeply"
            return None, f"expected a JSON object, got: {found}"
        if not isinstance(value, dict):
            return None, f"expected a JSON object, got {type(value).__name__}"
        name = value.get(self._column)
        if not isinstance(name, str) and not is_missing(name):
            return None, f"expected a string or null under {self._column!r}, got {type(name).__name__}"
        if name is not None and not isinstance(name, str):  # NaN is a missing name in every format
            value[self._column] = None
        if len(line) > CELL_CHARACTERS and any(isinstance(v, str) and len(v) > CELL_CHARACTERS for v in value.values()):
            return None, f"expected strings of at most {CELL_CHARACTERS:,} characters"
        return value, None
