"""CSV and TSV: rows of cells between delimiters, read line by line.

Cells are strings and stay unchanged. A row that cannot be read is reported with its file and line.
"""

import csv
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from elman.checks import count_of
from elman.errors import DataError
from elman.tables.chunks import (
    CHARACTERS,
    FIRST_ROWS,
    ROWS,
    Chunk,
    Malformed,
    TextChunk,
    find_column,
    weigh_cells,
)
from elman.tables.columnar.arrays import arrow
from elman.tables.formats import CELL_CHARACTERS, COLUMNS, DELIMITERS, TextOptions
from elman.tables.lines import Lines

if TYPE_CHECKING:
    import pyarrow


Cells = Sequence[str]
"""The cells of a row."""

_Block = tuple[list[str], list[Cells]]
"""Rows: the text of each, and its cells."""

LONG_CELL = f"expected cells of at most {CELL_CHARACTERS:,} characters"

CANDIDATES = (",", ";", "\t", "|")
"""Delimiters that are recognised in a first line without the one that the file's name promises."""


class DelimitedSource:
    """A CSV or TSV file; see `elman.tables.sources.Source`.

    Args:
        lines: its lines.
        kind: ``csv`` or ``tsv``, which promises a delimiter.
        column: the column of the strings to answer for; see `find_in_first_row`.
        skip: return rows that cannot be read as `Malformed` rather than stop at the first.
        options: how to read it, where its name and content are not enough.

    Raises:
        DataError: the first row cannot be read, or there is no such column.
    """

    def __init__(self, lines: Lines, kind: str, column: str, *, skip: bool, options: TextOptions | None = None) -> None:
        options = options or TextOptions()
        self._lines, self._skip = lines, skip
        self.title, self.encoding = lines.title, lines.encoding
        self.kind: str | None = kind
        self.notes: tuple[str, ...] = ()
        self.delimiter: str | None = options.delimiter or self._recognise(DELIMITERS[kind])
        self._reader, self._width = csv.reader(lines, delimiter=self.delimiter or DELIMITERS[kind], strict=True), 0
        row = self._next(skip=True)
        if row is None:
            message = f"{lines.title}: is empty; expected a first line that names the columns"
            raise DataError(message, code="empty_table")
        if isinstance(row, Malformed):
            raise DataError(f"{row.place}: {row.problem}", code=row.code, line=1)
        line, first = row
        if len(first) > COLUMNS:
            raise DataError(f"{lines.title}: expected at most {COLUMNS:,} columns, got {len(first):,}")
        self.has_header, self._position = find_in_first_row(column, first, lines.title, header=options.header)
        self.columns = tuple(first if self.has_header else (f"column_{k + 1}" for k in range(len(first))))
        self._width = len(first)
        self._before = [] if self.has_header else [(line, first)]
        self.has_mark, self.newline = lines.has_mark, lines.newline

    def _recognise(self, delimiter: str) -> str:
        """Return the delimiter of the first line, and note if it is another one than the file's name promises."""
        first = self._lines.peek()
        if delimiter in first:
            return delimiter
        found = max(CANDIDATES, key=first.count)
        if found not in first:
            return delimiter
        shown_as = "tabs" if found == "\t" else repr(found)
        self.notes = (f"{self.title}: cells are separated by {shown_as} (another choice: --delimiter)",)
        return found

    def schema(self) -> "pyarrow.Schema":
        """Return the columns, all of strings, because the file states no types."""
        pa = arrow()
        return pa.schema([(column, pa.string()) for column in self.columns])

    def chunks(self) -> Iterator[Chunk]:
        """See `elman.tables.sources.Source.chunks`."""
        most = FIRST_ROWS if self._lines.is_stream else ROWS
        part = _Part(most, self._before)
        for block in self._blocks():
            left: _Block | Malformed = block
            while True:
                left = part.add(left)
                if not part.is_full:
                    break
                yield self._chunk(part)
                most = min(2 * most, ROWS)
                part = _Part(most)
        yield self._chunk(part)

    def _chunk(self, part: "_Part") -> Chunk:
        names = [row[self._position] for row in part.cells]
        malformed, delimiter = tuple(part.malformed), self.delimiter or ""
        return TextChunk(self.columns, names, delimiter, part.lines, part.cells, malformed, self._lines.done)

    def _blocks(self) -> Iterator[_Block | Malformed]:
        """Yield the rows that follow, many at a time where each of them is one line."""
        while True:
            lines = self._lines.take_block()
            cells = self._parse(lines) if lines else []
            if cells:
                yield self._drop_blank((lines, cells))
                continue
            if cells is None:
                self._lines.return_block()
            if (row := self._next(skip=self._skip)) is None:
                return
            yield row if isinstance(row, Malformed) else self._drop_blank(([row[0]], [row[1]]))

    def _drop_blank(self, block: _Block) -> _Block:
        """Drop blank lines, unless there is one column, in which they are rows."""
        lines, cells = block
        if all(cells):
            return block
        if len(self.columns) == 1:
            return lines, [row or [""] for row in cells]
        kept = [number for number, row in enumerate(cells) if row]
        return [lines[number] for number in kept], [cells[number] for number in kept]

    def _parse(self, lines: Sequence[str]) -> list[Cells] | None:
        """Return the cells of each line; None unless every line is a row without a problem."""
        try:
            # The garbage collector does not visit tuples of strings again and again, as it does lists.
            rows: list[Cells] = list(map(tuple, csv.reader(lines, delimiter=self.delimiter or "", strict=True)))
        except csv.Error:
            return None
        is_plain = len(rows) == len(lines) and {self._width, 0}.issuperset(map(len, rows))
        return rows if is_plain else None

    def _next(self, *, skip: bool) -> tuple[str, list[str]] | Malformed | None:
        """Return the text and the cells of the next row, or why it cannot be read; None at the end."""
        try:
            row = next(self._reader)
        except StopIteration:
            return None
        except csv.Error as error:
            problem = f"expected cells between {self.delimiter!r}, got: {error}"
            return self._lines.take_malformed(LONG_CELL if "field limit" in str(error) else problem, skip=skip)
        if self._lines.problem:
            return self._lines.take_malformed(self._lines.problem, skip=skip)
        if row and self._width and len(row) != self._width:
            problem = f"expected {count_of(self._width, 'cell')} as in the first row, got {len(row)}"
            return self._lines.take_malformed(problem, skip=skip)
        text = self._lines.take()
        return text, row


class _Part:
    """The rows of a chunk, as far as they have been read.

    Args:
        most: the most rows.
        rows: those that come first, each with its text and its cells.
    """

    def __init__(self, most: int, rows: Sequence[tuple[str, Cells]] = ()) -> None:
        self.lines: list[str] = [text for text, _ in rows]
        self.cells: list[Cells] = [cells for _, cells in rows]
        self.malformed: list[Malformed] = []
        self._most, self._characters = most, 0

    @property
    def is_full(self) -> bool:
        """Whether the next row belongs to the next chunk."""
        return len(self.lines) + len(self.malformed) >= self._most or self._characters >= CHARACTERS

    def add(self, block: _Block | Malformed) -> _Block:
        """Add the first rows of a block, as many as the chunk may have, and return the others."""
        if isinstance(block, Malformed):
            self.malformed.append(block)
            self._characters += len(block.text)
            return [], []
        lines, cells = block
        cost = weigh_cells("", cells[0]) if cells else 0  # all rows have the same number of cells
        ends = list(accumulate(len(line) + cost for line in lines))
        room = self._most - len(self.lines) - len(self.malformed)
        count = min(len(lines), room, bisect_left(ends, CHARACTERS - self._characters) + 1)
        self.lines += lines[:count]
        self.cells += cells[:count]
        self._characters += ends[count - 1] if count else 0
        return lines[count:], cells[count:]


def find_in_first_row(column: str, first: Sequence[str], title: str, *, header: bool | None) -> tuple[bool, int]:
    """Return whether the first row names the columns, and the position of a column, from 0.

    A column is given by its name, or by its number from 1. A number that is also a name is refused, unless ``header``
    says which of both is meant.

    Args:
        column: the name or the number.
        first: the cells of the first row.
        title: the name of the table in messages.
        header: True: the first row names the columns; False: it does not; None: it does unless a number is given.

    Raises:
        DataError: there is no such column, or several, or both readings are possible.

    >>> find_in_first_row("2", ["1", "Nakamura"], "people.csv", header=None)
    (False, 1)
    """
    number = int(column) if column.isascii() and column.isdecimal() and len(column) < 10 else 0
    by_number = 1 <= number <= len(first)
    if header is None and by_number and column in first:
        raise DataError(
            f"{title}: {column!r} is the number of a column and a cell of the first row; say --header if that row "
            "names the columns, or --no-header if it does not",
            code="unknown_column",
        )
    if header is False or (header is None and by_number):
        if not by_number:
            raise DataError(
                f"{title}: without a header expected the number of a column, 1 to {len(first)}; got {column!r}",
                code="unknown_column",
            )
        return False, number - 1
    if header and by_number and column not in first:
        return True, number - 1
    return True, find_column(column, first, title)
