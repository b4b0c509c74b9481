"""Row groups: how to read one of a Parquet file in limited memory, decided from its pages before it is read."""

from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from elman.checks import shown
from elman.errors import DataError
from elman.tables.columnar.arrays import arrow
from elman.tables.columnar.footer import ColumnChunk, Footer
from elman.tables.columnar.pages import DELTA_STRINGS, Page, count_most_bytes, find_longest_entry, read_pages
from elman.tables.columnar.weights import CHUNK_BYTES

if TYPE_CHECKING:
    import pyarrow

PAGES_BYTES = 64 * 2**20
"""Bytes that the pages of a row group which are in memory at the same time may take, however small the file is."""

NESTED_BYTES = 80 * 2**20
"""Bytes that the lists of a row group may take, all of which might be in one row, however small the file is."""

RATIO = 16
"""Bytes that each packed byte of a row group adds to these limits."""

SLOT_BYTES = 32
"""Most bytes that Arrow takes for a value of limited width."""

LEVEL_BYTES = 16
"""Bytes that Arrow takes for a value in a list: the value or its index, and its place in the list."""


@dataclass(frozen=True)
class GroupPlan:
    """How to read a row group.

    Args:
        rows: how many rows at a time.
        as_dictionary: the columns of strings inside lists to read as dictionaries.
    """

    rows: int
    as_dictionary: list[str]


def plan_group(file: IO[bytes], footer: Footer, opened: Any, group: int, title: str, *, most_rows: int) -> GroupPlan:
    """Decide how to read a row group.

    Args:
        file: the Parquet file.
        footer: its description.
        opened: the same file, opened by Arrow.
        group: the number of the row group.
        title: the name of the file in messages.
        most_rows: the most rows to read at a time.

    Raises:
        DataError: the row group takes too much memory even if few rows are read at a time.
        OSError, ValueError: a page or a description is damaged.
    """
    chunks = footer.read_columns(group)
    if len(chunks) != len(opened.schema):
        raise ValueError("its description is damaged")
    columns = [_Column.read(file, chunk, opened.schema.column(k)) for k, chunk in enumerate(chunks)]
    packed = sum(column.packed for column in columns)
    needed = sum(column.page_bytes for column in columns)
    if needed > PAGES_BYTES + RATIO * packed:
        raise _refuse_group(title, group, needed, packed, max(columns, key=lambda one: one.page_bytes).path)
    nested = [column for column in columns if column.is_nested]
    as_dictionary: list[_Column] = []
    needed, limit = sum(column.nested_bytes for column in nested), NESTED_BYTES + RATIO * packed
    while needed > limit:
        largest = max(nested, key=lambda one: 0 if one in as_dictionary else one.entry_bytes, default=None)
        if largest is None or largest in as_dictionary or not largest.entry_bytes:
            raise _refuse_group(title, group, needed, packed, max(nested, key=lambda one: one.nested_bytes).path)
        as_dictionary.append(largest)
        needed -= largest.entry_bytes
    by_row = sum(column.longest for column in columns if not column.is_nested)
    by_row += sum(_count_slots(field.type) * SLOT_BYTES for field in opened.schema_arrow)
    by_row += needed // max(1, footer.rows[group])
    rows = max(1, min(most_rows, CHUNK_BYTES // max(1, by_row)))
    while rows > 1 and _count_plain_bytes(columns, rows) > CHUNK_BYTES:
        rows //= 2
    return GroupPlan(rows, [column.path for column in as_dictionary])


@dataclass(frozen=True)
class _Column:
    """A column of a row group.

    Args:
        path: its name, with those of the lists and objects that contain it.
        packed: its bytes in the file.
        is_nested: whether it is inside a list.
        values: how many it has, nulls included.
        longest: the bytes of the longest entry of its dictionary, or of a string that shares text with others.
        page_bytes: the bytes that its pages take which are in memory at the same time.
        pages: its pages of strings without a dictionary.
    """

    path: str
    packed: int
    is_nested: bool
    values: int
    longest: int
    page_bytes: int
    pages: list[Page]

    @property
    def entry_bytes(self) -> int:
        """The bytes of the strings, if all of them are the longest entry."""
        return self.values * self.longest

    @property
    def nested_bytes(self) -> int:
        """The bytes that all values take."""
        return self.values * LEVEL_BYTES + sum(page.size for page in self.pages) + self.entry_bytes

    @classmethod
    def read(cls, file: IO[bytes], chunk: ColumnChunk, schema: Any) -> "_Column":
        """Read the headers of its pages, and its dictionary."""
        pages = read_pages(file, chunk)
        data = [page for page in pages if not page.is_dictionary]
        dictionaries = [page for page in pages if page.is_dictionary]
        of_strings = schema.physical_type == "BYTE_ARRAY"
        longest = schema.length if schema.physical_type == "FIXED_LEN_BYTE_ARRAY" else 0
        if of_strings:
            entries = [find_longest_entry(file, page, chunk.codec) for page in dictionaries]
            entries += [page.size for page in data if page.encoding == DELTA_STRINGS]
            longest = max(entries, default=0)
        in_memory = [max((page.memory for page in some), default=0) for some in (dictionaries, data)]
        return cls(
            schema.path,
            sum(page.packed for page in pages),
            schema.max_repetition_level > 0,
            sum(page.values for page in data),
            longest,
            sum(in_memory),
            data if of_strings else [],
        )


def _count_plain_bytes(columns: list[_Column], rows: int) -> int:
    return sum(count_most_bytes(column.pages, rows) for column in columns if column.pages and not column.is_nested)


def _count_slots(kind: "pyarrow.DataType") -> int:
    """Return how many values a value of a type takes at least; a list of fixed size takes its values even if null."""
    types = arrow().types
    if isinstance(kind, arrow().BaseExtensionType):
        return _count_slots(kind.storage_type)
    if types.is_fixed_size_list(kind):
        return max(1, int(kind.list_size) * _count_slots(kind.value_type))
    if types.is_struct(kind):
        return sum(_count_slots(field.type) for field in kind) + 1
    return 1


def _refuse_group(title: str, group: int, needed: int, packed: int, column: str) -> DataError:
    return DataError(
        f"{title}: row group {group:,} has {packed:,} bytes, and takes {needed:,} when it is read, most of them for "
        f"'{shown(column)}'; write the file with smaller row groups, or leave the column out"
    )
