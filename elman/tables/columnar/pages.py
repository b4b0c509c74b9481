"""Pages: how much memory the pages of a Parquet file take, read from their headers before anything is unpacked.

Some hundred bytes of a page may become gigabytes: by packing, by a dictionary of one long string, by nulls of a wide
type, or by a list that repeats one value. The file's own statistics may be wrong, but the reader trusts the headers of
pages, which are a struct of Thrift's compact protocol:
https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
"""

from dataclasses import dataclass
from typing import IO

import numpy as np

from elman.tables.columnar.arrays import arrow
from elman.tables.columnar.footer import ColumnChunk
from elman.tables.columnar.thrift import INT32, STRUCT, Struct, ThriftReader

DELTA_STRINGS = 7
"""The number of the encoding DELTA_BYTE_ARRAY, in which strings share their first bytes."""

HEADER_BYTES = 16 * 2**20
"""Most bytes of a page's header, as for Arrow."""

_DATA, _DICTIONARY, _DATA_V2 = 0, 2, 3  # PageType
_DELTA_LENGTHS = 6  # DELTA_LENGTH_BYTE_ARRAY

# Fields of PageHeader, and of the header inside it that each type of page has.
_TYPE, _SIZE, _PACKED = (1, INT32), (2, INT32), (3, INT32)
_INNER = {_DATA: (5, STRUCT), _DICTIONARY: (7, STRUCT), _DATA_V2: (8, STRUCT)}
_VALUES, _ENCODING = (1, INT32), {_DATA: (2, INT32), _DICTIONARY: (2, INT32), _DATA_V2: (4, INT32)}

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


def read_pages(file: IO[bytes], column: ColumnChunk) -> list[Page]:
    """Return the pages of a column in one row group.

    Raises:
        OSError, ValueError: a header cannot be read.
    """
    start, values, pages = column.start, column.values, list[Page]()
    while start < column.start + column.packed and values > 0:
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
        codec: what packs it, as in `ColumnChunk`.
    """
    most = max(0, page.size - 4 * page.values)  # each string follows the four bytes of its length
    if not codec or most < 64 or page.values > _MOST_ENTRIES:
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
    if codec == "uncompressed":
        return content
    unpacked: bytes = arrow().Codec(codec).decompress(content, size, asbytes=True)
    return unpacked


def _read_page(file: IO[bytes], start: int) -> Page:
    length = 512
    while True:
        file.seek(start)
        content = file.read(length)
        header = ThriftReader(content)
        try:
            fields = header.read_struct()
            break
        except (IndexError, ValueError, RecursionError):
            if len(content) < length or length >= HEADER_BYTES:
                raise ValueError("the header of a page is damaged") from None
            length *= 8
    kind = fields.get(_TYPE, -1)
    inner: Struct = fields.get(_INNER[kind], Struct()) if kind in _INNER else Struct()
    values, encoding = inner.get(_VALUES, 0), inner.get(_ENCODING.get(kind, _VALUES), 0)
    place, packed, size = start + header.place, fields.get(_PACKED, 0), fields.get(_SIZE, 0)
    return Page(place, packed, size, values, encoding, kind == _DICTIONARY)
