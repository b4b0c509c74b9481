"""Parquet: columns with types, read in batches of rows that take a limited amount of memory when they are decoded."""

from collections.abc import Iterable, Iterator, Sequence
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from elman.checks import shown
from elman.columns import TextColumn
from elman.errors import DataError
from elman.tables.chunks import ROWS, ArrowChunk, Chunk, Malformed, find_column
from elman.tables.columnar.arrays import (
    arrow,
    cast_columns,
    check_text,
    combine,
    is_text,
    leave_out,
    read_texts,
    refuse_type,
    view_texts,
)
from elman.tables.columnar.footer import Footer
from elman.tables.columnar.groups import plan_group
from elman.tables.columnar.weights import CHUNK_BYTES, ROW_BYTES, cut_batch
from elman.tables.formats import CELL_CHARACTERS, COLUMNS
from elman.tables.values import format_json

if TYPE_CHECKING:
    import pyarrow


class ParquetSource:
    """A Parquet file; see `elman.tables.sources.Source`.

    Args:
        file: it, opened for reading.
        title: the name of the file in messages.
        column: the column of the strings to answer for: its name, or its number if no column has that name.
        row_groups: the row groups to read, which follow each other; all if None.
        skip: return rows whose string is too long as `Malformed` rather than stop at the first.

    Raises:
        DataError: the file is not Parquet, has too many columns, or has no such column of strings.
    """

    has_header, has_mark, newline = True, False, "\n"
    encoding: str | None = None
    kind: str | None = "parquet"
    delimiter: str | None = None
    notes: tuple[str, ...] = ()

    def __init__(
        self,
        file: IO[bytes],
        title: str,
        column: str,
        row_groups: Sequence[int] | None = None,
        *,
        skip: bool = False,
    ) -> None:
        self.title, self._raw, self._skip = title, file, skip
        self._file = open_parquet(file, title)
        self._schema = self._file.schema_arrow
        self.columns = tuple(self._schema.names)
        self._position = find_column(column, self.columns, title, by_number=True)
        kind = self._schema.field(self._position).type
        if not is_text(kind):
            raise refuse_type(column, kind.value_type if arrow().types.is_dictionary(kind) else kind, title)
        check_text(self._schema, title)
        self._footer = _read_footer(file, title, self._file.num_row_groups)
        rows = self._footer.rows
        self._groups = list(range(len(rows)) if row_groups is None else row_groups)
        self._first = 1 + sum(rows[: self._groups[0]]) if self._groups else 1
        self._total = sum(rows[k] for k in self._groups)

    def schema(self) -> "pyarrow.Schema":
        """See `elman.tables.sources.Source.schema`."""
        return self._schema

    def chunks(self) -> Iterator[Chunk]:
        """See `elman.tables.sources.Source.chunks`."""
        read, batches = 0, _gather(self._parts(), ROWS)
        while True:
            try:
                batch = next(batches, None)
            except (arrow().ArrowException, OSError, ValueError) as error:
                message = f"{self.title}, after row {self._first + read - 1:,}: cannot be read ({_first_line(error)})"
                raise DataError(message, line=self._first + read) from None
            if batch is None:
                return
            first, read = self._first + read, read + batch.num_rows
            yield self._chunk(batch, first, read / self._total)

    def _parts(self) -> Iterator[tuple["pyarrow.RecordBatch", int]]:
        """Yield all rows in parts, none of which has more rows or bytes than a chunk, each with its bytes."""
        row = self._first
        for group in self._groups:
            plan, file = plan_group(self._raw, self._footer, self._file, group, self.title, most_rows=ROWS), self._file
            if plan.as_dictionary:
                options = {"metadata": file.metadata, "read_dictionary": plan.as_dictionary}
                file = arrow().parquet.ParquetFile(self._raw, **options)
            for batch in file.iter_batches(plan.rows, row_groups=[group], use_threads=False):
                for part, size in cut_batch(batch, most_rows=ROWS):
                    if size > ROW_BYTES:
                        message = f"expected a row of at most {ROW_BYTES:,} bytes, got {size:,}; leave long columns out"
                        raise DataError(f"{self.title}, row {row:,}: {message}", line=row)
                    if plan.as_dictionary:
                        columns = cast_columns(part.columns, self._schema)
                        part = arrow().RecordBatch.from_arrays(columns, schema=self._schema)
                    yield part, size
                    row += part.num_rows

    def _chunk(self, batch: "pyarrow.RecordBatch", first: int, done: float) -> Chunk:
        self._check_strings(batch, first)
        column = batch.column(self._position)
        try:
            names = view_texts(column, self.columns[self._position])
        except UnicodeDecodeError:
            raise self._refuse_bytes(batch, self._position, first) from None
        long = find_long(names)
        malformed = [self._describe_row(batch.slice(row, 1), names[row] or "", first + row) for row in long]
        if long:
            batch, left = leave_out(batch, long), set(long)
            names = [name for row, name in enumerate(names) if row not in left]
        return ArrowChunk(batch, names, done, malformed, position=self._position)

    def _describe_row(self, row: "pyarrow.RecordBatch", name: str, number: int) -> Malformed:
        """Return a row whose name is too long as one that cannot be read."""
        place, problem = f"{self.title}, row {number:,}", describe_long_name(len(name))
        if not self._skip:
            message = f"{place}: {problem}; fix it, or skip such rows with --on-error skip"
            raise DataError(message, code="malformed_row", line=number)
        (values,) = ArrowChunk(row, [name], position=self._position).rows()
        return Malformed(place, problem, format_json(dict(zip(self.columns, values, strict=True))))

    def _check_strings(self, batch: "pyarrow.RecordBatch", first: int) -> None:
        """Check that all strings are UTF-8, which Arrow only checks where it must."""
        pa = arrow()
        try:
            batch.validate(full=True)
        except pa.ArrowInvalid as error:
            for position, column in enumerate(batch.columns):
                try:
                    column.validate(full=True)
                except pa.ArrowInvalid:
                    raise self._refuse_bytes(batch, position, first) from None
            message = f"{self.title}, after row {first - 1:,}: cannot be read ({_first_line(error)})"
            raise DataError(message, line=first) from None

    def _refuse_bytes(self, batch: "pyarrow.RecordBatch", position: int, first: int) -> DataError:
        row = first + _find_bytes(batch.column(position))
        message = f"expected UTF-8 in the column '{shown(self.columns[position])}', got other bytes; convert the column"
        return DataError(f"{self.title}, row {row:,}: {message}", line=row)


def open_parquet(file: IO[bytes], title: str) -> Any:
    """Return a Parquet file whose metadata have been read.

    Raises:
        DataError: it is not Parquet, or has too many columns.
    """
    pa = arrow()
    try:
        opened = pa.parquet.ParquetFile(file)
        columns = opened.metadata.num_columns
        names = opened.schema_arrow.names
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(f"{title}: cannot be read as Parquet ({_first_line(error)})") from None
    if max(columns, len(names)) > COLUMNS:
        message = f"expected at most {COLUMNS:,} columns, those inside objects included, got {columns:,}"
        raise DataError(f"{title}: {message}; leave some out")
    return opened


def _read_footer(file: IO[bytes], title: str, groups: int) -> Footer:
    try:
        footer = Footer(file)
    except (OSError, ValueError) as error:
        raise DataError(f"{title}: cannot be read as Parquet ({_first_line(error)})") from None
    if len(footer.rows) != groups:
        raise DataError(f"{title}: cannot be read as Parquet (its description is damaged)")
    return footer


def find_long(names: Sequence[str | None]) -> list[int]:
    """Return the places of names with more characters than a cell may have."""
    if isinstance(names, TextColumn):  # a character has at least one byte
        places: Iterable[int] = np.flatnonzero(names.sizes > CELL_CHARACTERS).tolist()
    else:
        places = range(len(names))
    return [place for place in places if len(names[place] or "") > CELL_CHARACTERS]


def describe_long_name(size: int) -> str:
    """Return the problem of a name with too many characters."""
    return f"expected at most {CELL_CHARACTERS:,} characters, got {size:,}"


def _gather(parts: Iterable[tuple["pyarrow.RecordBatch", int]], rows: int) -> Iterator["pyarrow.RecordBatch"]:
    """Put small parts, each with its bytes, together into batches of limited rows and bytes."""
    batches, count, size = list["pyarrow.RecordBatch"](), 0, 0
    for batch, more in parts:
        if batches and (count + batch.num_rows > rows or size + more > CHUNK_BYTES):
            yield combine(batches)
            batches, count, size = [], 0, 0
        batches.append(batch)
        count, size = count + batch.num_rows, size + more
    if batches:
        yield combine(batches)


def _find_bytes(column: "pyarrow.Array") -> int:
    """Return the first row whose string is not UTF-8."""
    for row in range(len(column)):
        try:
            read_texts(column.slice(row, 1), "")
            column[row].as_py()
        except UnicodeDecodeError:
            return row
        except (DataError, ArithmeticError, ValueError, LookupError):
            continue
    return 0


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
