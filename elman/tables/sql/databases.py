"""Databases: connections that can only read, and their errors without anything of the URL.

Changes are forbidden by the database's own means: SQLite opens the file for reading, and asks for permission for what a
statement does; PostgreSQL, MySQL, MariaDB and Oracle have transactions that only read.
"""

import logging
import os
import re
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from elman.errors import DataError, ElmanError, MissingExtraError, SettingError
from elman.extras import driver, extra

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.engine import URL

FIRST_STATEMENTS = {
    "mysql": "SET SESSION TRANSACTION READ ONLY",
    "mariadb": "SET SESSION TRANSACTION READ ONLY",
    "oracle": "SET TRANSACTION READ ONLY",
    "postgresql": "SET TRANSACTION READ ONLY",
}
"""What tells a database to forbid changes, by SQLAlchemy's name of its dialect."""

_ADDRESSES = re.compile(
    r"""(["'`]).*?\1 | (?<!\w) (?: (?:~|\.{1,2}|[a-z]:)?[/\\]\S+ | [\d.]{7,} | (?:[0-9a-f]*:){2,}[0-9a-f.]* )""",
    re.VERBOSE,
)
"""What a message about a connection may quote: names in quotation marks, paths, and addresses of either version."""


def parse_url(url: str) -> "URL":
    """Return the URL of a database in its parts.

    Raises:
        MissingExtraError: SQLAlchemy is not installed.
        SettingError: the URL is not valid.
    """
    with extra("sql"):
        from sqlalchemy import make_url
        from sqlalchemy.exc import ArgumentError
    try:
        return make_url(url)
    except (ArgumentError, ValueError):  # their messages may contain the password
        raise SettingError(
            "expected the URL of a database, such as postgresql+psycopg://user@host/database or "
            "sqlite:///people.db, got something else; write special characters of a password as %40 and the like"
        ) from None


def mask_url(url: "URL") -> str:
    """Return the kind of a database and nothing else of its URL.

    >>> mask_url(parse_url("postgresql+psycopg://ada:secret@host/people"))
    'postgresql+psycopg://***'
    """
    return f"{url.drivername}://***"


def connect(url: "URL", *, fetch_rows: int) -> "Connection":
    """Connect to a database, and forbid changes.

    Args:
        url: the database.
        fetch_rows: how many rows a cursor on the server sends at a time.

    Raises:
        DataError: the database cannot be reached.
        MissingExtraError: its driver is not installed.
        SettingError: its driver is asynchronous.
    """
    from sqlalchemy import NullPool, create_engine
    from sqlalchemy.exc import NoSuchModuleError

    for library in ("sqlalchemy", "psycopg"):  # they would print tracebacks and the names of users
        logging.getLogger(library).addHandler(logging.NullHandler())
    place = mask_url(url)
    try:
        with driver(url.drivername, place=place):
            dialect = url.get_dialect()
        if dialect.is_async:
            raise SettingError(f"{place}: {url.drivername} is asynchronous; name another, such as postgresql+psycopg")
        if dialect.name == "sqlite" and dialect.driver == "pysqlite":
            url = _open_for_reading(url, place)
        with driver(dialect.driver, place=place):
            engine = create_engine(url, poolclass=NullPool, hide_parameters=True)
            connection = forbid_changes(engine.connect())
        return connection.execution_options(stream_results=True, yield_per=fetch_rows, no_parameters=True)
    except NoSuchModuleError:
        raise MissingExtraError(
            f"{place}: no installed package supports databases of the kind {url.drivername!r}; expected one such as "
            "postgresql+psycopg, mysql+pymysql or sqlite, or install the package that adds it to SQLAlchemy"
        ) from None
    except ElmanError:
        raise
    except Exception as error:  # drivers raise errors of any kind
        raise DataError(f"{place}: cannot be reached ({describe_error(error, url, quotes=False)})") from None


def forbid_changes(connection: "Connection") -> "Connection":
    """Tell the database of a new connection to forbid changes, by its own means if it has any."""
    name = connection.dialect.name
    if name == "sqlite":
        connection.exec_driver_sql("PRAGMA query_only=ON")
        raw: Any = connection.connection.driver_connection
        if hasattr(raw, "set_authorizer"):
            raw.set_authorizer(_authorize)
            raw.text_factory = partial(str, encoding="utf-8", errors="surrogateescape")
    elif name == "postgresql":
        with suppress(NotImplementedError):  # a driver that cannot set it itself
            return connection.execution_options(postgresql_readonly=True)
    if name in FIRST_STATEMENTS:
        connection.exec_driver_sql(FIRST_STATEMENTS[name])
    return connection


def close_quietly(close: Callable[[], object]) -> None:
    """Close something; after an error, closing may fail too and has nothing to add."""
    with suppress(Exception):
        close()


def describe_error(error: Exception, url: "URL", *, quotes: bool = True) -> str:
    """Return a database's reason for a refusal, in one line, without anything of the URL.

    Args:
        error: what its driver raised.
        url: the URL of the database.
        quotes: keep what the message has in quotes, such as the name of a column. A refused connection quotes
            addresses and names of users.
    """
    original = getattr(error, "orig", None) or error
    if any(kind.__name__ in ("DataError", "IntegrityError") for kind in type(original).__mro__):
        return name_error(error)  # these messages show values
    text = str(original.args[-1]) if len(original.args) == 2 else str(original)  # the first may be the error's number
    message = " ".join((text.strip().splitlines() or [""])[0].split())
    if not quotes:
        message = _ADDRESSES.sub("***", message)
    for secret in _find_secrets(url):
        message = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", "***", message, flags=re.IGNORECASE)
    return message or name_error(error)


def name_error(error: Exception) -> str:
    """Return an error's name and SQL code, because its message may show what a row holds."""
    original = getattr(error, "orig", None) or error
    code = getattr(original, "sqlstate", None) or getattr(original, "pgcode", None)
    return f"{type(original).__name__}, SQLSTATE {code}" if code else type(original).__name__


def _find_secrets(url: "URL") -> list[str]:
    """Return all parts of a URL that a message must not show, the longest first, as they are and as URLs write them."""
    parts: list[Any] = [url.username, url.password, url.host, url.database]
    for key, value in url.query.items():
        parts += [key, *([value] if isinstance(value, str) else value)]
    texts = {str(part) for part in parts if part}
    return sorted(texts | {quote(text, safe="") for text in texts}, key=len, reverse=True)


def _open_for_reading(url: "URL", place: str) -> "URL":
    """Return the URL of an SQLite file that opens it only for reading; SQLite would create a file that is missing."""
    file = url.database or ":memory:"
    if ":memory:" in file or url.query.get("mode") == "memory":
        return url
    if not file.startswith("file:"):
        if not os.path.exists(file):
            raise DataError(f"{place}: no such file")
        file = Path(file).absolute().as_uri()
    return url.set(database=file, query={**url.query, "mode": "ro", "uri": "true"})


def _authorize(action: int, first: str | None, second: str | None, database: str | None, source: str | None) -> int:
    """Tell SQLite whether a statement may do something: read, and call functions but the one that runs other code."""
    import sqlite3

    loads = action == sqlite3.SQLITE_FUNCTION and (second or "").casefold() == "load_extension"
    reads = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE)
    return sqlite3.SQLITE_OK if action in reads and not loads else sqlite3.SQLITE_DENY
