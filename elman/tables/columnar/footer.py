"""Footer: the row groups and columns that a Parquet file describes at its end.

It is read here as well as by Arrow, because Arrow ends the process for some damaged descriptions of columns.
https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
"""

from dataclasses import dataclass
from typing import IO

from elman.tables.columnar.thrift import INT32, INT64, LIST, STRUCT, Struct, ThriftReader

CODECS = {0: "uncompressed", 1: "snappy", 2: "gzip", 4: "brotli", 6: "zstd", 7: "lz4_raw"}
"""What packs pages, by its number in Parquet and its name in Arrow; others are not unpacked here."""

_ROW_GROUPS, _COLUMNS, _ROWS = (4, LIST), (1, LIST), (3, INT64)  # of FileMetaData and RowGroup
_DESCRIPTION, _CODEC, _VALUES, _PACKED = (3, STRUCT), (4, INT32), (5, INT64), (7, INT64)  # of ColumnMetaData
_DATA_START, _DICTIONARY_START = (9, INT64), (11, INT64)


@dataclass(frozen=True, slots=True)
class ColumnChunk:
    """The part of a column that is in one row group.

    Args:
        start: where its first page begins in the file.
        packed: its bytes in the file.
        values: how many it has, nulls included.
        codec: what packs its pages, one of `CODECS`; empty if it is another.
    """

    start: int
    packed: int
    values: int
    codec: str


class Footer:
    """The description of a Parquet file.

    Args:
        file: the file, opened for reading.

    Raises:
        OSError, ValueError: it cannot be read.
    """

    def __init__(self, file: IO[bytes]) -> None:
        size = file.seek(0, 2)
        file.seek(max(0, size - 8))
        length = int.from_bytes(file.read(4), "little")
        file.seek(max(0, size - 8 - length))
        self._content = file.read(length)
        groups = self._read(0).get(_ROW_GROUPS, [])
        self._places = [place for place, _ in groups]
        self.rows = tuple(_find(group, _ROWS) for _, group in groups)

    def read_columns(self, group: int) -> list[ColumnChunk]:
        """Return the columns of a row group, in their order.

        Raises:
            ValueError: they cannot be read.
        """
        columns = self._read(self._places[group]).get(_COLUMNS, [])
        return [_describe(column.get(_DESCRIPTION, Struct())) for _, column in columns]

    def _read(self, place: int) -> Struct:
        try:
            return ThriftReader(self._content, place).read_struct(with_lists=True)
        except (IndexError, RecursionError):
            raise ValueError("its description is damaged") from None


def _describe(column: Struct) -> ColumnChunk:
    start = _find(column, _DATA_START)
    first = column.get(_DICTIONARY_START, 0)
    start = first if 0 < first < start else start
    return ColumnChunk(start, _find(column, _PACKED), _find(column, _VALUES), CODECS.get(_find(column, _CODEC), ""))


def _find(fields: Struct, key: tuple[int, int]) -> int:
    value = fields.get(key)
    if not isinstance(value, int) or value < 0:
        raise ValueError("its description is damaged")
    return value
