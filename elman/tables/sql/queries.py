"""Queries: rows that a database returns, read in chunks while the database still works on the rest.

A query is sent as it was written, over a connection that can only read. If the driver has cursors on the server, the
rows come through one. No message shows anything of the URL, and none shows what a row holds.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

from elman.checks import shown
from elman.errors import DataError
from elman.tables.chunks import ROWS, ArrowChunk, Chunk, Malformed, find_column
from elman.tables.columnar.arrays import arrow, check_text, is_text, read_texts, refuse_type
from elman.tables.columnar.parquet import describe_long_name
from elman.tables.columnar.weights import CHUNK_BYTES, VALUE_BYTES
from elman.tables.formats import CELL_CHARACTERS
from elman.tables.sql.databases import close_quietly, connect, describe_error, mask_url, name_error, parse_url
from elman.tables.sql.results import ResultType, read_text
from elman.tables.sql.statements import check_statement
from elman.tables.values import format_json, plain_value

if TYPE_CHECKING:
    import pyarrow
    from sqlalchemy import CursorResult

FETCH_ROWS = 2048
"""Most rows that are fetched from the database at a time."""

FIRST_ROWS = 64
"""Rows that are fetched before it is known how large rows are."""

Row = Sequence[Any]


@dataclass(frozen=True)
class Query:
    """A query to a database.

    Args:
        url: the database, as SQLAlchemy writes it; it may contain a password, so it is never shown.
        sql: one statement that returns rows. To resume a job the rows must be the same again: that takes an ORDER BY.
    """

    url: str = field(repr=False)
    sql: str = field(repr=False)

    @property
    def place(self) -> str:
        """The kind of the database, for messages, without anything else of the URL.

        Raises:
            SettingError: the URL is not valid.

        >>> Query("postgresql+psycopg://ada:secret@host/people?sslpassword=secret", "select 1").place
        'postgresql+psycopg://***'
        """
        return mask_url(parse_url(self.url))

    def to_dict(self) -> dict[str, str]:
        """Return what identifies this query, without anything secret, as plain values for JSON."""
        url = parse_url(self.url)
        parts = [url.drivername, url.username, url.host, url.port, url.database]
        return {"place": self.place, "database": _hash(repr(parts)), "sql": _hash(self.sql)}


@contextmanager
def open_query(query: Query, *, column: str, skip: bool = False) -> Iterator["QuerySource"]:
    """Send a query to its database, and read the first of its rows.

    Args:
        query: the query.
        column: the column of the strings to answer for: its name, or its number if no column has that name.
        skip: return rows that cannot be read as `Malformed` rather than stop at the first.

    Raises:
        DataError: the database cannot be reached or refuses the query, or there is no such column of strings.
        MissingExtraError: SQLAlchemy or the database's driver is not installed.
        SettingError: the URL is not valid.
    """
    url, place = parse_url(query.url), query.place
    with ExitStack() as stack:
        connection = connect(url, fetch_rows=FETCH_ROWS)
        stack.callback(close_quietly, connection.close)
        check_statement(query.sql, connection.dialect.name, place)
        try:
            result = connection.exec_driver_sql(query.sql)
        except Exception as error:  # drivers raise errors of any kind
            raise DataError(f"{place}: the query failed ({describe_error(error, url)})") from None
        stack.callback(close_quietly, result.close)  # first, because SQLite keeps its lock while a cursor is open
        if not result.returns_rows:
            raise DataError(f"{place}: expected a query that returns rows, such as a SELECT; it returns none")
        yield QuerySource(result, place, column, skip=skip)


class QuerySource:
    """The rows of a query; see `elman.tables.sources.Source`.

    The first chunk decides the type of each column. A column whose values are all NULL there holds strings. JSON
    objects are stored as JSON text, and so are lists for which Arrow has no type.

    Args:
        result: the rows, as SQLAlchemy returns them.
        title: the database, for messages.
        column: the column of the strings to answer for, as in `open_query`.
        skip: as in `open_query`.

    Raises:
        DataError: there is no such column of strings, or the rows cannot be read.
    """

    has_header, has_mark, newline = True, False, "\n"
    encoding: str | None = None
    kind: str | None = None
    delimiter: str | None = None
    notes: tuple[str, ...] = ()

    def __init__(self, result: "CursorResult[Any]", title: str, column: str, *, skip: bool = False) -> None:
        self.title, self.columns, self._skip = title, tuple(result.keys()), skip
        self._position = find_column(column, self.columns, title, by_number=True)
        self._result, self._fetched, self._read = result, 0, 0
        blocks = self._all_blocks()
        first = next(blocks, [])
        types = [ResultType.of(values) for values in zip(*first, strict=True)]
        self._types = types or [ResultType.of(())] * len(self.columns)
        self._blocks = chain([first] if first else [], blocks)
        kind = self._types[self._position]
        if kind.is_json or not is_text(kind.arrow):
            raise refuse_type(column, "JSON" if kind.is_json else kind.arrow, title)
        check_text(self.schema(), title)

    def schema(self) -> "pyarrow.Schema":
        """See `elman.tables.sources.Source.schema`."""
        return arrow().schema([(name, kind.arrow) for name, kind in zip(self.columns, self._types, strict=True)])

    def chunks(self) -> Iterator[Chunk]:
        """See `elman.tables.sources.Source.chunks`."""
        return map(self._chunk, self._blocks)

    def _all_blocks(self) -> Iterator[list[Row]]:
        """Yield the rows of a chunk each."""
        block, size, heaviest, count = list[Row](), 0, 1, min(FIRST_ROWS, FETCH_ROWS)
        while rows := self._fetch(count):
            weights = list(map(_weigh, rows))
            block += rows
            size, heaviest = size + sum(weights), max(heaviest, *weights)
            if len(block) >= ROWS or size >= CHUNK_BYTES:
                yield block
                block, size = [], 0
            count = max(1, min(FETCH_ROWS, ROWS - len(block), (CHUNK_BYTES - size) // heaviest))
        if block:
            yield block

    def _fetch(self, count: int) -> Sequence[Row]:
        try:
            rows = self._result.fetchmany(count)
        except Exception as error:  # drivers raise errors of any kind, whose messages may show what a row holds
            message = f"{self.title}, after row {self._fetched:,}: the query failed ({name_error(error)})"
            raise DataError(message, line=self._fetched + 1) from None
        self._fetched += len(rows)
        return rows

    def _chunk(self, block: Sequence[Row]) -> Chunk:
        first, self._read = self._read + 1, self._read + len(block)
        malformed = list[Malformed]()
        try:
            chunk = self._read_block(block, first)
            is_long = any(len(name or "") > CELL_CHARACTERS for name in chunk.names)
        except UnicodeError:
            is_long = True
        if is_long:
            problems = {row: problem for row, values in enumerate(block) if (problem := self._find_problem(values))}
            malformed = [self._describe_row(block[row], first + row, problem) for row, problem in problems.items()]
            chunk = self._read_block([values for row, values in enumerate(block) if row not in problems], first)
        of_json = frozenset(position for position, kind in enumerate(self._types) if kind.is_json)
        return ArrowChunk(chunk.values, chunk.names, None, malformed, of_json, self._position)

    def _read_block(self, block: Sequence[Row], first: int) -> ArrowChunk:
        """Return rows as Arrow columns.

        Raises:
            DataError: a value has another type than in the first rows.
            UnicodeError: a text is not UTF-8.
        """
        arrays = []
        columns = zip(*block, strict=True) if block else [()] * len(self.columns)
        for name, kind, values in zip(self.columns, self._types, columns, strict=True):
            array = kind.array(values)
            if array is None:
                message = (
                    f"{self.title}, row {first:,} or one after it: expected values of the type {kind.arrow} in the "
                    f"column '{shown(name)}', as in the first rows, got others; cast the column in the query, for "
                    "example to text"
                )
                raise DataError(message, code="malformed_row")
            arrays.append(array)
        batch = arrow().RecordBatch.from_arrays(arrays, schema=self.schema())
        return ArrowChunk(batch, read_texts(batch.column(self._position), self.columns[self._position]))

    def _find_problem(self, values: Row) -> str | None:
        """Return what is wrong with a row whose values have the right types; None if nothing is."""
        for name, kind, value in zip(self.columns, self._types, values, strict=True):
            if not kind.is_readable(value):
                return f"expected text in UTF-8 in the column '{shown(name)}', got other bytes"
        try:
            name = read_text(values[self._position]) or ""
        except UnicodeDecodeError:
            return f"expected text in UTF-8 in the column '{shown(self.columns[self._position])}', got other bytes"
        return describe_long_name(len(name)) if len(name) > CELL_CHARACTERS else None

    def _describe_row(self, values: Row, number: int, problem: str) -> Malformed:
        place = f"{self.title}, row {number:,}"
        if not self._skip:
            message = f"{place}: {problem}; fix it, or skip such rows with --on-error skip"
            raise DataError(message, code="malformed_row", line=number)
        return Malformed(place, problem, format_json(dict(zip(self.columns, map(plain_value, values), strict=True))))


def _weigh(row: Row) -> int:
    """Return the bytes that a row takes, about."""
    return sum(VALUE_BYTES + len(value) if isinstance(value, str | bytes) else VALUE_BYTES for value in row)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()
