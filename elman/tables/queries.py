"""Queries: rows that a database returns, read in chunks while the database still works on the rest.

A query is sent as it was written, inside a transaction that is never committed. If the driver has cursors on the
server, the rows come through one. A URL may contain a password: no message shows it, and none shows what a row holds.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any
from uuid import UUID

from elman.errors import DataError, ElmanError, MissingExtraError, SettingError
from elman.extras import driver, extra
from elman.tables.arrays import arrow, type_of
from elman.tables.chunks import CHARACTERS, ROWS, ArrowChunk, Chunk, find_column
from elman.tables.values import plain_text, plain_value

if TYPE_CHECKING:
    import pyarrow
    from sqlalchemy import Connection, CursorResult
    from sqlalchemy.engine import URL

FETCH_ROWS = 2048
"""Rows that are fetched from the database at a time."""

_DIGITS = {True: 38, False: 76}  # of Arrow's decimals, of 128 bits and of 256


@dataclass(frozen=True)
class Query:
    """A query to a database.

    Args:
        url: the database, as SQLAlchemy writes it; it may contain a password, so it is never shown in full.
        sql: one statement that returns rows. To resume a job the rows must be the same again: that takes an ORDER BY.
    """

    url: str = field(repr=False)
    sql: str = field(repr=False)

    @property
    def place(self) -> str:
        """The URL without the password and without other parts that may be secret.

        Raises:
            SettingError: the URL is not valid.

        >>> Query("postgresql+psycopg://ada:secret@host/people?sslpassword=secret", "select 1").place
        'postgresql+psycopg://ada:***@host/people'
        """
        return self.parse_url().set(query={}).render_as_string(hide_password=True)

    def parse_url(self) -> "URL":
        """Return the URL in its parts.

        Raises:
            MissingExtraError: SQLAlchemy is not installed.
            SettingError: the URL is not valid.
        """
        with extra("sql"):
            from sqlalchemy import make_url
            from sqlalchemy.exc import ArgumentError
        try:
            return make_url(self.url)
        except (ArgumentError, ValueError):  # their messages may contain the password
            raise SettingError(
                "expected the URL of a database, such as postgresql+psycopg://user@host/database or "
                "sqlite:///people.db, got something else; write special characters of a password as %40 and the like"
            ) from None

    def to_dict(self) -> dict[str, str]:
        """Return what identifies this query, without anything secret, as plain values for JSON."""
        return {"place": self.place, "sql": hashlib.sha256(self.sql.encode(errors="replace")).hexdigest()}


@contextmanager
def open_query(query: Query, *, column: str) -> Iterator["QuerySource"]:
    """Send a query to its database, and read the first of its rows.

    Args:
        query: the query.
        column: the column of the strings to answer for.

    Raises:
        DataError: the database cannot be reached or refuses the query, or there is no such column of strings.
        MissingExtraError: SQLAlchemy or the database's driver is not installed.
        SettingError: the URL is not valid.
    """
    place = query.place
    with ExitStack() as stack:
        connection = _connect(query, place)
        stack.callback(_close_quietly, connection.close)
        try:
            result = connection.exec_driver_sql(query.sql)
        except Exception as error:  # drivers raise errors of any kind
            raise DataError(f"{place}: the query failed ({_describe(error, query)})") from None
        stack.callback(_close_quietly, result.close)  # first, because SQLite keeps its lock while a cursor is open
        if not result.returns_rows:
            raise DataError(f"{place}: expected a query that returns rows, such as a SELECT; it returns none")
        yield QuerySource(result, place, column)


class QuerySource:
    """The rows of a query; see `elman.tables.sources.Source`.

    The first chunk decides the type of each column. A column whose values are all NULL there holds strings. JSON
    objects are stored as JSON text, and so are lists for which Arrow has no type.

    Args:
        result: the rows, as SQLAlchemy returns them.
        title: the database, for messages.
        column: the column of the strings to answer for.

    Raises:
        DataError: there is no such column of strings, or the rows cannot be read.
    """

    has_header, has_mark, newline = True, False, "\n"

    def __init__(self, result: "CursorResult[Any]", title: str, column: str) -> None:
        self.title, self.columns = title, tuple(result.keys())
        self._position = find_column(column, self.columns, title)
        self._result, self._read = result, 0
        blocks = self._all_blocks()
        first = next(blocks, [])
        self._types = [_Type.of(values) for values in zip(*first, strict=True)] or [_Type.of(())] * len(self.columns)
        self._blocks = chain([first] if first else [], blocks)
        kind = self._types[self._position]
        if kind.arrow != arrow().string() or kind.is_json:
            found = "JSON" if kind.is_json else kind.arrow
            raise DataError(f"{title}: expected strings in the column {column!r}, got {found}", code="not_strings")

    def schema(self) -> "pyarrow.Schema":
        """See `elman.tables.sources.Source.schema`."""
        return arrow().schema([(name, kind.arrow) for name, kind in zip(self.columns, self._types, strict=True)])

    def chunks(self) -> Iterator[Chunk]:
        """See `elman.tables.sources.Source.chunks`."""
        return map(self._chunk, self._blocks)

    def _all_blocks(self) -> Iterator[list[Sequence[Any]]]:
        """Yield the rows of a chunk each."""
        block, characters = list[Sequence[Any]](), 0
        parts = self._result.partitions(FETCH_ROWS)
        while (rows := self._fetch(parts)) is not None:
            block += rows
            characters += sum(len(value) for row in rows for value in row if isinstance(value, str | bytes))
            if len(block) >= ROWS or characters >= CHARACTERS:
                yield block
                block, characters = [], 0
        if block:
            yield block

    def _fetch(self, parts: Iterator[Sequence[Sequence[Any]]]) -> Sequence[Sequence[Any]] | None:
        try:
            rows = next(parts, None)
        except Exception as error:  # drivers raise errors of any kind, whose messages may show what a row holds
            message = f"{self.title}, after row {self._read:,}: the query failed ({_name_of(error)})"
            raise DataError(message, line=self._read + 1) from None
        self._read += len(rows or ())
        return rows

    def _chunk(self, block: Sequence[Sequence[Any]]) -> Chunk:
        arrays = []
        for name, kind, values in zip(self.columns, self._types, zip(*block, strict=True), strict=True):
            array = kind.array(values)
            if array is None:
                message = (
                    f"{self.title}, row {self._read - len(block) + 1:,} or one after it: expected values of the type "
                    f"{kind.arrow} in the column {name!r}, as in the first rows, got others; cast the column in the "
                    "query, for example to text"
                )
                raise DataError(message, code="malformed_row")
            arrays.append(array)
        batch = arrow().RecordBatch.from_arrays(arrays, schema=self.schema())
        of_json = frozenset(position for position, kind in enumerate(self._types) if kind.is_json)
        return ArrowChunk(batch, batch.column(self._position).to_pylist(), json_columns=of_json)


@dataclass(frozen=True)
class _Type:
    """The type of a column: an Arrow type, and whether its strings are JSON."""

    arrow: Any
    is_json: bool = False

    @classmethod
    def of(cls, values: Sequence[Any]) -> "_Type":
        """Return the type that holds some values unchanged, or strings if none does."""
        pa, text = arrow(), cls(arrow().string())
        is_json = any(isinstance(value, Mapping | list | tuple) for value in values)
        if all(isinstance(value, str | UUID | None) for value in values):
            return text
        found = _widen(type_of(values))
        if found != pa.string() and _is_settled(found) and cls(found).array(values) is not None:
            return cls(found)
        return cls(pa.string(), is_json)

    def array(self, values: Sequence[Any]) -> "pyarrow.Array | None":
        """Return values of this type as an Arrow array; None if the array would change them."""
        pa = arrow()
        if self.is_json:
            values = [None if one is None else json.dumps(plain_value(one), ensure_ascii=False) for one in values]
        if self.arrow == pa.string():
            return pa.array([None if one is None else plain_text(one) for one in values], self.arrow)
        try:
            array = pa.array(values, self.arrow)
        except (pa.ArrowException, ValueError, TypeError, OverflowError):
            return None
        if pa.types.is_floating(self.arrow):  # NaN does not equal itself, so the values cannot be compared
            return array if all(isinstance(one, float | int | None) for one in values) else None
        # Arrow silently cuts 1.5 to 1, and drops the hour of a date and unknown fields of a record.
        return array if array.to_pylist() == list(values) else None


def _widen(kind: "pyarrow.DataType") -> "pyarrow.DataType":
    """Return a type that later rows fit too: with the most digits, and with instants in UTC."""
    pa = arrow()
    if pa.types.is_decimal(kind):
        fits = kind.precision <= _DIGITS[True]
        return (pa.decimal128 if fits else pa.decimal256)(_DIGITS[fits], kind.scale)
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        return pa.timestamp(kind.unit, "UTC")
    return kind


def _is_settled(kind: "pyarrow.DataType") -> bool:
    """Return whether later rows have this type too, which objects and empty lists do not promise."""
    pa = arrow()
    if pa.types.is_list(kind):
        return _is_settled(kind.value_type)
    return not (pa.types.is_null(kind) or pa.types.is_nested(kind))


def _connect(query: Query, place: str) -> "Connection":
    from sqlalchemy import NullPool, create_engine
    from sqlalchemy.exc import NoSuchModuleError

    url = query.parse_url()
    try:
        with driver(url.drivername, place=place):
            dialect = url.get_dialect()
        if dialect.is_async:
            raise SettingError(f"{place}: {url.drivername} is asynchronous; name another, such as postgresql+psycopg")
        file = url.database or ":memory:"
        if dialect.name == "sqlite" and not file.startswith((":memory:", "file:")) and not os.path.exists(file):
            raise DataError(f"{place}: no such file")  # SQLite would create it
        with driver(dialect.driver, place=place):
            engine = create_engine(url, poolclass=NullPool, hide_parameters=True)
            return engine.connect().execution_options(stream_results=True, yield_per=FETCH_ROWS, no_parameters=True)
    except NoSuchModuleError:
        raise MissingExtraError(
            f"{place}: no installed package supports databases of the kind {url.drivername!r}; expected one such as "
            "postgresql+psycopg, mysql+pymysql or sqlite, or install the package that adds it to SQLAlchemy"
        ) from None
    except ElmanError:
        raise
    except Exception as error:  # drivers raise errors of any kind
        raise DataError(f"{place}: cannot be reached ({_describe(error, query)})") from None


def _close_quietly(close: Callable[[], object]) -> None:
    with suppress(Exception):  # after an error, closing may fail too and has nothing to add
        close()


def _describe(error: Exception, query: Query) -> str:
    """Return a database's reason for refusing a query, in one line and without secrets."""
    original = getattr(error, "orig", None) or error
    if any(kind.__name__ in ("DataError", "IntegrityError") for kind in type(original).__mro__):
        return _name_of(error)  # these messages show values
    message = " ".join((str(original).strip().splitlines() or [""])[0].split())
    url = query.parse_url()
    secrets = [text for text in (url.password, *url.query.values()) if isinstance(text, str) and text]
    for secret in sorted(secrets, key=len, reverse=True):
        message = message.replace(secret, "***")
    return message or _name_of(error)


def _name_of(error: Exception) -> str:
    """Return an error's name and SQL code, because its message may show what a row holds."""
    original = getattr(error, "orig", None) or error
    code = getattr(original, "sqlstate", None) or getattr(original, "pgcode", None)
    return f"{type(original).__name__}, SQLSTATE {code}" if code else type(original).__name__
