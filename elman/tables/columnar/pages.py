"""Pages: how much memory the pages of a Parquet file take, read from their headers before anything is unpacked.

Some hundred bytes of a page may become gigabytes: by packing, by a dictionary of one long string, by nulls of a wide
type, or by a list that repeats one value. The file's own statistics may be wrong, but the reader trusts the headers of
pages, which are a struct of Thrift's compact protocol:
https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
"""

from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from elman.tables.columnar.arrays import arrow

if TYPE_CHECKING:
    import pyarrow.parquet

DELTA_STRINGS = 7
"""The number of the encoding DELTA_BYTE_ARRAY, in which strings share their first bytes."""

HEADER_BYTES = 16 * 2**20
"""Most bytes of a page's header, as for Arrow."""

_DATA, _DICTIONARY, _DATA_V2 = 0, 2, 3  # PageType
_DELTA_LENGTHS = 6  # DELTA_LENGTH_BYTE_ARRAY

# Fields of PageHeader, and of the header inside it that each type of page has.
_TYPE, _SIZE, _PACKED = 1, 2, 3
_INNER = {_DATA: 5, _DICTIONARY: 7, _DATA_V2: 8}
_VALUES, _ENCODING = 1, {_DATA: 2, _DICTIONARY: 2, _DATA_V2: 4}

_DEPTH = 16  # of structs and lists in a header; five are enough
_MOST_ENTRIES = 2**20  # of a dictionary that is searched for its longest


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a column.

    Args:
        start: where its content begins in the file.
        packed: the bytes of its content in the file.
        size: the bytes of its content when it is unpacked.
        values: how many it has, nulls included.
        encoding: the number of its encoding.
        is_dictionary: whether it holds the dictionary of the others.
    """

    start: int
    packed: int
    size: int
    values: int
    encoding: int
    is_dictionary: bool

    @property
    def memory(self) -> int:
        """The bytes that the page takes while it is read."""
        lengths = 8 * self.values if self.encoding in (_DELTA_LENGTHS, DELTA_STRINGS) else 0
        return self.packed + self.size + lengths


def read_pages(file: IO[bytes], column: "pyarrow.parquet.ColumnChunkMetaData") -> list[Page]:
    """Return the pages of a column in one row group.

    Raises:
        OSError, ValueError: a header cannot be read.
    """
    start = column.data_page_offset
    if column.has_dictionary_page and column.dictionary_page_offset and column.dictionary_page_offset < start:
        start = column.dictionary_page_offset
    end, values, pages = start + column.total_compressed_size, column.num_values, list[Page]()
    while start < end and values > 0:
        page = _read_page(file, start)
        start = page.start + page.packed
        if page.values < 0 or page.size < 0 or page.packed < 0 or page.memory > 2**40:
            raise ValueError("a page has an impossible size")
        values -= 0 if page.is_dictionary else page.values
        pages.append(page)
    return pages


def find_longest_entry(file: IO[bytes], page: Page, codec: str) -> int:
    """Return the bytes of the longest string of a dictionary, or a number that is not lower.

    Args:
        file: the Parquet file.
        page: the page of the dictionary.
        codec: what packs it, by its name in Parquet.
    """
    most = max(0, page.size - 4 * page.values)  # each string follows the four bytes of its length
    if most < 64 or page.values > _MOST_ENTRIES:
        return most
    try:
        file.seek(page.start)
        content = _unpack(file.read(page.packed), page.size, codec)
    except (arrow().ArrowException, OSError, ValueError, KeyError):
        return most
    place, longest = 0, 0
    for _ in range(page.values):
        size = int.from_bytes(content[place : place + 4], "little")
        longest, place = max(longest, size), place + 4 + size
    return min(most, longest)


def count_most_bytes(pages: list[Page], rows: int) -> int:
    """Return the most bytes that the pages around a batch hold, for batches of some rows from the first row on.

    Args:
        pages: of one column without lists, so that each value is a row.
        rows: of a batch.
    """
    sizes = np.array([page.size for page in pages], np.int64)
    ends = np.cumsum([page.values for page in pages], dtype=np.int64)
    sums = np.concatenate([[0], np.cumsum(sizes)])
    firsts = np.concatenate([[0], ends[:-1]]) // rows * rows  # where the batches begin that begin in a page before it
    last = np.searchsorted(ends, firsts + rows, side="left")
    first = np.searchsorted(ends, firsts, side="right")
    inside = sums[np.minimum(last + 1, len(pages))] - sums[np.minimum(first, len(pages))]
    return int(inside.max(initial=0))


def _unpack(content: bytes, size: int, codec: str) -> bytes:
    if codec == "UNCOMPRESSED":
        return content
    name = {"SNAPPY": "snappy", "GZIP": "gzip", "BROTLI": "brotli", "ZSTD": "zstd", "LZ4_RAW": "lz4_raw"}[codec]
    unpacked: bytes = arrow().Codec(name).decompress(content, size, asbytes=True)
    return unpacked


def _read_page(file: IO[bytes], start: int) -> Page:
    length = 512
    while True:
        file.seek(start)
        content = file.read(length)
        header = _Struct(content)
        try:
            fields = header.read(_DEPTH)
            break
        except (IndexError, ValueError, RecursionError):
            if len(content) < length or length >= HEADER_BYTES:
                raise ValueError("the header of a page is damaged") from None
            length *= 8
    kind: Any = fields.get(_TYPE)
    kind = kind if isinstance(kind, int) else -1
    inner = fields.get(_INNER.get(kind, 0), {})
    inner = inner if isinstance(inner, dict) else {}
    values, encoding = inner.get(_VALUES, 0), inner.get(_ENCODING.get(kind, 0), 0)
    packed, size = fields.get(_PACKED, 0), fields.get(_SIZE, 0)
    if not all(isinstance(number, int) for number in (packed, size, values, encoding)):
        raise ValueError("the header of a page is damaged")
    return Page(start + header.place, packed, size, values, encoding, kind == _DICTIONARY)


class _Struct:
    """Reads one struct of Thrift's compact protocol, without a description of its fields.

    https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md

    Args:
        content: the bytes, from the first of the struct on.
    """

    def __init__(self, content: bytes) -> None:
        self._content, self.place = content, 0

    def read(self, depth: int) -> dict[int, Any]:
        """Return the values of the struct by the numbers of their fields.

        Raises:
            IndexError: the bytes end before the struct does.
            ValueError: the bytes are no struct.
        """
        fields, number = dict[int, Any](), 0
        while head := self._read_byte():
            number = number + (head >> 4) if head >> 4 else self._read_integer()
            fields[number] = self._read_value(head & 15, depth)
        return fields

    def _read_value(self, kind: int, depth: int) -> Any:
        if depth <= 0:
            raise ValueError("nested too deeply")
        if kind in (1, 2):  # a boolean is in its type
            return kind == 1
        if kind == 3:
            return self._read_byte()
        if kind in (4, 5, 6):
            return self._read_integer()
        if kind in (7, 8):  # a double, or bytes with their length
            self._skip(8 if kind == 7 else self._read_unsigned())
            return None
        if kind in (9, 10):  # a list or a set
            head = self._read_byte()
            for _ in range(head >> 4 if head >> 4 < 15 else self._read_unsigned()):
                self._read_value(3 if head & 15 in (1, 2) else head & 15, depth - 1)
            return None
        if kind == 12:
            return self.read(depth - 1)
        raise ValueError("an unknown type")

    def _read_byte(self) -> int:
        self.place += 1
        return self._content[self.place - 1]

    def _skip(self, size: int) -> None:
        self.place += size
        if self.place > len(self._content):
            raise IndexError("the bytes end")

    def _read_unsigned(self) -> int:
        value, shift = 0, 0
        while (byte := self._read_byte()) & 128:
            value, shift = value | (byte & 127) << shift, shift + 7
            if shift > 63:
                raise ValueError("a number is too long")
        return value | byte << shift

    def _read_integer(self) -> int:
        value = self._read_unsigned()
        return value >> 1 ^ -(value & 1)
