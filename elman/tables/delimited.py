"""CSV and TSV: rows of cells between delimiters, read line by line.

Nothing is guessed: cells are strings and stay unchanged. A row that cannot be read is reported with its file and line.
"""

import csv
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from elman.errors import DataError
from elman.tables.chunks import CHARACTERS, ROWS, Chunk, Malformed, TextChunk, arrow, find_column
from elman.tables.lines import Lines

if TYPE_CHECKING:
    import pyarrow


class DelimitedSource:
    """A CSV or TSV file; see `elman.tables.sources.Source`.

    Args:
        lines: its lines.
        delimiter: the character between cells.
        column: the column of the strings to answer for; a number counts columns from 1 in a table without a header.
        skip: return rows that cannot be read as `Malformed` rather than stop at the first.

    Raises:
        DataError: the first row cannot be read, or there is no such column.
    """

    def __init__(self, lines: Lines, delimiter: str, column: str, *, skip: bool) -> None:
        self._lines, self._delimiter, self._skip = lines, delimiter, skip
        self.title = lines.title
        csv.field_size_limit(max(csv.field_size_limit(), CHARACTERS))  # a cell may be as long as a chunk
        self._reader, self._width = csv.reader(lines, delimiter=delimiter, strict=True), 0
        row = self._next(skip=True)
        if row is None:
            message = f"{lines.title}: is empty; expected a first line that names the columns"
            raise DataError(message, code="empty_table")
        if isinstance(row, Malformed):
            raise DataError(f"{row.place}: {row.problem}", code="malformed_row", line=1)
        line, first = row
        self.has_header = column in first or not column.isdecimal()
        self.columns = tuple(first if self.has_header else (f"column_{k + 1}" for k in range(len(first))))
        self._width = len(first)
        self._position = find_column(column if self.has_header else f"column_{column}", self.columns, lines.title)
        self._before = [] if self.has_header else [(line, first)]
        self.has_mark, self.newline = lines.has_mark, lines.newline

    def schema(self) -> "pyarrow.Schema":
        """Return the columns, all of strings, because the file states no types."""
        pa = arrow()
        return pa.schema([(column, pa.string()) for column in self.columns])

    def chunks(self) -> Iterator[Chunk]:
        """See `elman.tables.sources.Source.chunks`."""
        rows, malformed, characters = self._before, list[Malformed](), 0
        while (row := self._next(skip=self._skip)) is not None:
            if isinstance(row, Malformed):
                malformed.append(row)
            elif row[1] or len(self.columns) == 1:  # a blank line is a row if there is one column, otherwise nothing
                rows.append(row if row[1] else (row[0], [""]))
            characters += len(row.text if isinstance(row, Malformed) else row[0])
            if len(rows) + len(malformed) >= ROWS or characters >= CHARACTERS:
                yield self._chunk(rows, malformed)
                rows, malformed, characters = [], [], 0
        yield self._chunk(rows, malformed)

    def _chunk(self, rows: Sequence[tuple[str, list[str]]], malformed: Sequence[Malformed]) -> Chunk:
        lines, cells = [line for line, _ in rows], [row for _, row in rows]
        names = [row[self._position] for row in cells]
        return TextChunk(self.columns, names, self._delimiter, lines, cells, tuple(malformed), self._lines.done)

    def _next(self, *, skip: bool) -> tuple[str, list[str]] | Malformed | None:
        """Return the text and the cells of the next row, or why it cannot be read; None at the end."""
        try:
            row = next(self._reader)
        except StopIteration:
            return None
        except csv.Error as error:
            return self._lines.take_malformed(f"expected cells between {self._delimiter!r}, got: {error}", skip=skip)
        if self._lines.problem:
            return self._lines.take_malformed(self._lines.problem, skip=skip)
        if row and self._width and len(row) != self._width:
            problem = f"expected {self._width} cells as in the first row, got {len(row)}"
            return self._lines.take_malformed(problem, skip=skip)
        return self._lines.take(), row
