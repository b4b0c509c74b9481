"""Parquet: columns with types, read in batches of rows."""

from collections.abc import Iterator, Sequence
from typing import IO, TYPE_CHECKING

from elman.errors import DataError
from elman.tables.chunks import ROWS, ArrowChunk, Chunk, arrow, find_column

if TYPE_CHECKING:
    import pyarrow

BATCH_BYTES = 64 * 2**20
"""Approximate bytes of the rows that are read together."""


class ParquetSource:
    """A Parquet file; see `elman.tables.sources.Source`.

    Args:
        file: it, opened for reading.
        title: the name of the file in messages.
        column: the column of the strings to answer for.
        row_groups: the row groups to read; all if None.

    Raises:
        DataError: the file is not Parquet, or has no such column of strings.
    """

    has_header, has_mark, newline = True, False, "\n"
    encoding: str | None = None
    kind: str | None = "parquet"
    delimiter: str | None = None
    notes: tuple[str, ...] = ()

    def __init__(self, file: IO[bytes], title: str, column: str, row_groups: Sequence[int] | None = None) -> None:
        pa = arrow()
        self.title = title
        try:
            self._file = pa.parquet.ParquetFile(file)
            self.columns = tuple(self._file.schema_arrow.names)
            self._position = find_column(column, self.columns, title)
            kind = self._file.schema_arrow.field(self._position).type
        except (pa.ArrowException, OSError, ValueError) as error:
            raise DataError(f"{title}: cannot be read as Parquet ({_first_line(error)})") from None
        kind = kind.value_type if pa.types.is_dictionary(kind) else kind
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)):
            raise DataError(f"{title}: expected strings in the column {column!r}, got {kind}", code="not_strings")
        groups = range(self._file.num_row_groups) if row_groups is None else row_groups
        sizes = [
            (self._file.metadata.row_group(k).num_rows, self._file.metadata.row_group(k).total_byte_size)
            for k in groups
        ]
        self._groups, self._total = list(groups), sum(rows for rows, _ in sizes)
        widest = max((size / rows for rows, size in sizes if rows), default=1.0)
        self._rows = max(1, min(ROWS, int(BATCH_BYTES / max(widest, 1.0))))

    def schema(self) -> "pyarrow.Schema":
        """See `elman.tables.sources.Source.schema`."""
        return self._file.schema_arrow

    def chunks(self) -> Iterator[Chunk]:
        """See `elman.tables.sources.Source.chunks`."""
        pa, read = arrow(), 0
        try:
            for batch in self._file.iter_batches(self._rows, row_groups=self._groups, use_threads=False):
                read += batch.num_rows
                names = batch.column(self._position).cast(pa.string()).to_pylist()
                yield ArrowChunk(batch, names, read / self._total)
        except (pa.ArrowException, OSError, ValueError) as error:
            message = f"{self.title}, after row {read}: cannot be read ({_first_line(error)})"
            raise DataError(message, line=read + 1) from None


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
