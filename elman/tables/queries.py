"""Queries: rows that a database gives, in chunks, while it still works on the rest.

A query is sent as it was written, inside a transaction that is never committed. Its rows come through a cursor on the
server, where the driver has one. A URL may hold a password: nothing here shows it, and no error says what a row holds.
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
from elman.tables.chunks import CHARACTERS, ROWS, ArrowChunk, Chunk, arrow, kind_of, plain_text, plain_value

if TYPE_CHECKING:
    import pyarrow
    from sqlalchemy import Connection, CursorResult
    from sqlalchemy.engine import URL

FETCHED = 2048
"""Rows that the database hands over at a time."""

PACKAGES = {"MySQLdb": "mysqlclient", "psycopg": "psycopg[binary]", "psycopg2": "psycopg2-binary"}
"""What to install for a module of another name."""

_DIGITS = {True: 38, False: 76}  # of Arrow's decimals, of 128 bits and of 256


@dataclass(frozen=True)
class Query:
    """A question to a database.

    Args:
        url: where the database is, as SQLAlchemy writes it; it may hold a password, so it is never shown as it is.
        sql: one statement that gives rows. To go on with a job they must be the same again: that takes an ORDER BY.
    """

    url: str = field(repr=False)
    sql: str = field(repr=False)

    @property
    def place(self) -> str:
        """Where the database is, without a password or anything else that may be secret.

        Raises:
            SettingError: the URL is none.

        >>> Query("postgresql+psycopg://ada:secret@host/people?sslpassword=secret", "select 1").place
        'postgresql+psycopg://ada:***@host/people'
        """
        return self.parsed().set(query={}).render_as_string(hide_password=True)

    def parsed(self) -> "URL":
        """Return the URL in its parts.

        Raises:
            MissingExtraError: SQLAlchemy is not installed.
            SettingError: the URL is none.
        """
        try:
            from sqlalchemy import make_url
            from sqlalchemy.exc import ArgumentError
        except ModuleNotFoundError as error:
            raise MissingExtraError(f"queries need the package {error.name}: pip install 'elman[sql]'") from None
        try:
            return make_url(self.url)
        except (ArgumentError, ValueError):  # their words may hold the password
            raise SettingError(
                "expected the URL of a database, such as postgresql+psycopg://user@host/database or "
                "sqlite:///people.db, got something else; write special characters of a password as %40 and the like"
            ) from None

    def to_dict(self) -> dict[str, str]:
        """Return what tells this query from others, without anything secret, as plain values for JSON."""
        return {"place": self.place, "sql": hashlib.sha256(self.sql.encode(errors="replace")).hexdigest()}


@contextmanager
def open_query(query: Query, *, column: str) -> Iterator["QuerySource"]:
    """Send a query to its database, and read the first of its rows.

    Args:
        query: it.
        column: the column of the strings to answer for.

    Raises:
        DataError: the database cannot be reached or refuses the query; or there is no such column, or not of strings.
        MissingExtraError: SQLAlchemy or the database's driver is not installed.
        SettingError: the URL is none.
    """
    place = query.place
    with ExitStack() as stack:
        connection = _connected(query, place)
        stack.callback(_end, connection.close)
        try:
            result = connection.exec_driver_sql(query.sql)
        except Exception as error:  # drivers raise what they like
            raise DataError(f"{place}: the query failed ({_complaint(error, query)})") from None
        stack.callback(_end, result.close)  # first, for SQLite keeps its lock while there is a cursor
        if not result.returns_rows:
            raise DataError(f"{place}: expected a query that gives rows, such as a SELECT; it gives none")
        yield QuerySource(result, place, column)


class QuerySource:
    """The rows of a query; see `elman.tables.sources.Source`.

    The first chunk says of which kind a column is. A column that is NULL all through it holds strings. JSON objects are
    kept as JSON text, and so are lists that Arrow has no kind for.

    Args:
        result: the rows, as SQLAlchemy gives them.
        called: what errors call them.
        column: the column of the strings to answer for.

    Raises:
        DataError: there is no such column, it does not hold strings, or the rows cannot be read.
    """

    has_header, marked, newline = True, False, "\n"

    def __init__(self, result: "CursorResult[Any]", called: str, column: str) -> None:
        self.called, self.columns = called, tuple(result.keys())
        if (found := self.columns.count(column)) != 1:
            there = f"{found} of that name" if found else f"the columns {', '.join(self.columns)}"
            raise DataError(
                f"{called}: expected one column {column!r}, found {there}; name the right one with --column"
            )
        self._result, self._read = result, 0
        blocks = self._all_blocks()
        first = next(blocks, [])
        self._kinds = [_Kind.of(values) for values in zip(*first, strict=True)] or [_Kind.of(())] * len(self.columns)
        self._blocks = chain([first] if first else [], blocks)
        self._place = self.columns.index(column)
        kind = self._kinds[self._place]
        if kind.type != arrow().string() or kind.is_json:
            said = "JSON" if kind.is_json else kind.type
            raise DataError(f"{called}: expected strings in the column {column!r}, got {said}")

    def schema(self) -> "pyarrow.Schema":
        """See `elman.tables.sources.Source.schema`."""
        return arrow().schema([(name, kind.type) for name, kind in zip(self.columns, self._kinds, strict=True)])

    def chunks(self) -> Iterator[Chunk]:
        """See `elman.tables.sources.Source.chunks`."""
        return map(self._chunk, self._blocks)

    def _all_blocks(self) -> Iterator[list[Sequence[Any]]]:
        """Yield the rows of a chunk each."""
        block, characters = list[Sequence[Any]](), 0
        parts = self._result.partitions(FETCHED)
        while (rows := self._next(parts)) is not None:
            block += rows
            characters += sum(len(value) for row in rows for value in row if isinstance(value, str | bytes))
            if len(block) >= ROWS or characters >= CHARACTERS:
                yield block
                block, characters = [], 0
        if block:
            yield block

    def _next(self, parts: Iterator[Sequence[Sequence[Any]]]) -> Sequence[Sequence[Any]] | None:
        try:
            rows = next(parts, None)
        except Exception as error:  # drivers raise what they like, and may say what a row holds
            raise DataError(f"{self.called}, after row {self._read:,}: the query failed ({_name_of(error)})") from None
        self._read += len(rows or ())
        return rows

    def _chunk(self, block: Sequence[Sequence[Any]]) -> Chunk:
        arrays = []
        for name, kind, values in zip(self.columns, self._kinds, zip(*block, strict=True), strict=True):
            array = kind.array(values)
            if array is None:
                raise DataError(
                    f"{self.called}, row {self._read - len(block) + 1:,} and those after it: expected values of the "
                    f"kind {kind.type} in the column {name!r}, as in the first rows, and got others; cast the column "
                    "in the query, to text for one"
                )
            arrays.append(array)
        batch = arrow().RecordBatch.from_arrays(arrays, schema=self.schema())
        of_json = frozenset(place for place, kind in enumerate(self._kinds) if kind.is_json)
        return ArrowChunk(batch, batch.column(self._place).to_pylist(), json_columns=of_json)


@dataclass(frozen=True)
class _Kind:
    """What a column holds: an Arrow type, and whether its strings are JSON."""

    type: Any
    is_json: bool = False

    @classmethod
    def of(cls, values: Sequence[Any]) -> "_Kind":
        """Return the kind that holds some values as they are; that of text where none does."""
        pa, text = arrow(), cls(arrow().string())
        is_json = any(isinstance(value, Mapping | list | tuple) for value in values)
        if all(isinstance(value, str | UUID | None) for value in values):
            return text
        found = _wide(kind_of(values))
        if found != pa.string() and _is_settled(found) and cls(found).array(values) is not None:
            return cls(found)
        return cls(pa.string(), is_json)

    def array(self, values: Sequence[Any]) -> "pyarrow.Array | None":
        """Return values of this kind as an Arrow array; None where it would not say the same."""
        pa = arrow()
        if self.is_json:
            values = [None if one is None else json.dumps(plain_value(one), ensure_ascii=False) for one in values]
        if self.type == pa.string():
            return pa.array([None if one is None else plain_text(one) for one in values], self.type)
        try:
            array = pa.array(values, self.type)
        except (pa.ArrowException, ValueError, TypeError, OverflowError):
            return None
        if pa.types.is_floating(self.type):  # a number that is none does not equal itself
            return array if all(isinstance(one, float | int | None) for one in values) else None
        # Arrow cuts 1.5 to 1, drops the hour of a day and what a record has more, all without a word.
        return array if array.to_pylist() == list(values) else None


def _wide(kind: "pyarrow.DataType") -> "pyarrow.DataType":
    """Return a type with room for what the rows to come may hold: digits, and instants told by one clock."""
    pa = arrow()
    if pa.types.is_decimal(kind):
        fits = kind.precision <= _DIGITS[True]
        return (pa.decimal128 if fits else pa.decimal256)(_DIGITS[fits], kind.scale)
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        return pa.timestamp(kind.unit, "UTC")
    return kind


def _is_settled(kind: "pyarrow.DataType") -> bool:
    """Return whether rows to come will have values of this kind too: not where objects or empty lists were seen."""
    pa = arrow()
    if pa.types.is_list(kind):
        return _is_settled(kind.value_type)
    return not (pa.types.is_null(kind) or pa.types.is_nested(kind))


def _connected(query: Query, place: str) -> "Connection":
    from sqlalchemy import NullPool, create_engine
    from sqlalchemy.exc import NoSuchModuleError

    url = query.parsed()
    try:
        dialect = url.get_dialect()
        if dialect.is_async:
            raise SettingError(f"{place}: {url.drivername} is asynchronous; name another, as postgresql+psycopg is")
        file = url.database or ":memory:"
        if dialect.name == "sqlite" and not file.startswith((":memory:", "file:")) and not os.path.exists(file):
            raise DataError(f"{place}: there is no such file")  # SQLite would make it
        engine = create_engine(url, poolclass=NullPool, hide_parameters=True)
        return engine.connect().execution_options(stream_results=True, yield_per=FETCHED, no_parameters=True)
    except NoSuchModuleError:
        raise MissingExtraError(
            f"{place}: no installed package knows databases of the kind {url.drivername!r}; expected one such as "
            "postgresql+psycopg, mysql+pymysql or sqlite, or a package of SQLAlchemy's that brings it"
        ) from None
    except ImportError as error:
        package = PACKAGES.get(error.name or "", error.name or url.get_driver_name())
        raise MissingExtraError(f"{place}: needs the driver {package}: pip install '{package}'") from None
    except ElmanError:
        raise
    except Exception as error:  # drivers raise what they like
        raise DataError(f"{place}: cannot be reached ({_complaint(error, query)})") from None


def _end(close: Callable[[], object]) -> None:
    with suppress(Exception):  # what is broken has nothing more to say
        close()


def _complaint(error: Exception, query: Query) -> str:
    """Return what a database says of a question that it refuses, in one line."""
    original = getattr(error, "orig", None) or error
    if any(kind.__name__ in ("DataError", "IntegrityError") for kind in type(original).__mro__):
        return _name_of(error)  # what these say is about values
    said = " ".join((str(original).strip().splitlines() or [""])[0].split())
    secrets = [query.parsed().password, *query.parsed().query.values()]
    for secret in sorted((text for text in secrets if isinstance(text, str) and text), key=len, reverse=True):
        said = said.replace(secret, "***")
    return said or _name_of(error)


def _name_of(error: Exception) -> str:
    """Return the name of an error and its code in SQL; its words may say what a row holds."""
    original = getattr(error, "orig", None) or error
    code = getattr(original, "sqlstate", None) or getattr(original, "pgcode", None)
    return f"{type(original).__name__}, SQLSTATE {code}" if code else type(original).__name__
