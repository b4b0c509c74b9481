"""Statements: a query is one statement that reads. What is not is refused before a database sees it.

This is no parser: it knows what each database quotes, and looks at the words outside. The database itself forbids
changes as well, where it can; see `elman.tables.sql.databases`.
"""

import re
from collections.abc import Iterator

from elman.checks import shown
from elman.errors import DataError

FIRST_WORDS = ("select", "with", "values", "table")
"""The words that a query may begin with."""

PROTECTED = ("sqlite", "postgresql", "mysql", "mariadb", "oracle")
"""The dialects of databases that forbid changes in a transaction themselves."""

_CHANGES = """
    alter backup bulk call commit create dbcc delete deny disable drop enable exec execute grant insert into kill
    merge reconfigure restore revoke rollback set shutdown truncate update use
"""
CHANGES = frozenset(_CHANGES.split())
"""Words that a query to any other database may not have outside quotes, because they may change something."""

CODE = "/*!"
"""The begin of a comment that MySQL runs."""

_COMMENT = r"/\*.*?(?:\*/|\Z)"
_STRING, _ESCAPED = r"'(?:[^']|'')*(?:'|\Z)", r"'(?:[^'\\]|''|\\.)*(?:'|\Z)"
_NAME, _ESCAPED_NAME = r'"(?:[^"]|"")*(?:"|\Z)', r'"(?:[^"\\]|""|\\.)*(?:"|\Z)'
_BACKTICKS, _BRACKETS = r"`(?:[^`]|``)*(?:`|\Z)", r"\[[^\]]*(?:\]|\Z)"
_DOLLARS = r"\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?(?:\$(?P=tag)\$|\Z)"
_DASHES, _DASHES_AND_SPACE, _HASH = r"--[^\r\n]*", r"--(?=\s|\Z)[^\r\n]*", r"\#[^\r\n]*"

_QUOTED = {
    "sqlite": (_COMMENT, _DASHES, _STRING, _NAME, _BACKTICKS, _BRACKETS),
    "postgresql": (_DASHES, rf"(?<!\w)[eE]{_ESCAPED}", _STRING, _NAME, rf"(?<![\w$]){_DOLLARS}"),
    "mysql": (_COMMENT, _DASHES_AND_SPACE, _HASH, _ESCAPED, _ESCAPED_NAME, _BACKTICKS),
    "oracle": (_COMMENT, _DASHES, _STRING, _NAME),
}
_QUOTED["mariadb"] = _QUOTED["mysql"]

# A database that is not known may read a backslash in a string as either.
_ANY = [(_COMMENT, _DASHES, _STRING, _NAME, _BACKTICKS), (_COMMENT, _DASHES, _ESCAPED, _ESCAPED_NAME, _BACKTICKS)]

_WORD = r"(?P<word>[^\W\d][\w$]*)"


def check_statement(sql: str, dialect: str, title: str) -> None:
    """Check that a query is one statement that reads.

    Args:
        sql: the query.
        dialect: the name of the database's dialect in SQLAlchemy.
        title: the database, for the message.

    Raises:
        DataError: it is not.
    """
    for patterns in [_QUOTED[dialect]] if dialect in _QUOTED else _ANY:
        _check_words(list(_split_words(sql, patterns)), dialect, title)


def _check_words(words: list[str], dialect: str, title: str) -> None:
    begin = next((word for word in words if word != "("), "")
    if begin not in FIRST_WORDS:
        message = "expected a query that reads and begins with SELECT, WITH, VALUES or TABLE"
        raise DataError(f"{title}: {message}, got {shown(begin, 20) or 'nothing'}")
    end = words.index(";") if ";" in words else len(words)
    if set(words[end:]) - {";"}:
        raise DataError(f"{title}: expected one statement, got several; leave out what follows the first ';'")
    if CODE in words:
        raise DataError(f"{title}: expected a query without comments like {CODE} … */, because MySQL runs them")
    changes = CHANGES.intersection(words)
    if dialect not in PROTECTED and changes:
        message = f"expected a query that only reads, got the word {min(changes).upper()}; this database cannot be told"
        raise DataError(f"{title}: {message} to forbid changes, so write the word in quotes if it is a name")


def _split_words(sql: str, patterns: tuple[str, ...]) -> Iterator[str]:
    """Yield the words of a query in lower case, its other characters one by one, and nothing that is quoted."""
    token, place = re.compile("|".join([*patterns, _WORD, r"\S"]), re.DOTALL), 0
    while (match := token.search(sql, place)) is not None:
        text, place = match[0], match.end()
        if text == "/" and sql.startswith("*", place):  # a comment that may contain others
            place = _end_of_comment(sql, place + 1)
        elif text.startswith((CODE, "/*M!")):
            yield CODE
        elif match["word"] is not None:
            yield text.lower()
        elif len(text) == 1:
            yield text


def _end_of_comment(sql: str, place: int) -> int:
    """Return where a comment ends, after the ends of all comments inside it."""
    depth = 1
    for match in re.finditer(r"/\*|\*/", sql[place:]):
        depth += 1 if match[0] == "/*" else -1
        if depth == 0:
            return place + match.end()
    return len(sql)
