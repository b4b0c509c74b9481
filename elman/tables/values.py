"""Values: Python values as cells of a text file and as JSON, and times that Python's own types cannot hold."""

import base64
import json
import math
import re
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

from elman.errors import DataError

HALVES = re.compile("[\ud800-\udfff]")
"""Halves of surrogate pairs, which Python's strings may hold and UTF-8 may not."""

_DAYS = 719_468  # from 0000-03-01 to 1970-01-01


def plain_text(value: Any) -> str:
    """Return a value as a cell of a text file: JSON for lists and objects, base64 for bytes, ISO 8601 for times.

    >>> plain_text(None), plain_text(1.5), plain_text([1, "a"]), plain_text(date(2001, 2, 3))
    ('', '1.5', '[1, "a"]', '2001-02-03')
    """
    if isinstance(value, str):
        return value if value.isprintable() else value.encode("utf-8", "replace").decode()
    if value is None:
        return ""
    if isinstance(value, float):
        return str(value)
    plain = value if isinstance(value, list | dict) else plain_value(value)
    return plain_text(plain) if isinstance(plain, str) else format_json(plain)


def plain_value(value: Any) -> Any:
    """Return a value as JSON can represent it; NaN and infinity become None.

    >>> plain_value({"a": [date(2001, 2, 3), float("nan"), b"xy"]})
    {'a': ['2001-02-03', None, 'eHk=']}
    """
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return {str(key): plain_value(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain_value(each) for each in value]
    return str(value)


def format_json(value: Any) -> str:
    r"""Return a value as JSON in one line; NaN and infinity become null, half surrogates their escape.

    Raises:
        DataError: the value is nested too deeply.

    >>> print(format_json({"a\ud800": [1, "é", float("inf")]}))
    {"a\ud800": [1, "é", null]}
    """
    try:
        try:
            text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        except (TypeError, ValueError):
            text = json.dumps(plain_value(value), ensure_ascii=False)
    except RecursionError:
        message = "expected values that JSON can hold, got lists or objects that are nested too deeply"
        raise DataError(message, code="malformed_row") from None
    if text.isascii():
        return text
    return HALVES.sub(lambda half: f"\\u{ord(half[0]):04x}", text)


def replace_halves(value: Any) -> Any:
    r"""Return a value with a question mark for each half surrogate in its strings, as UTF-8 cannot hold them.

    >>> replace_halves(["a\ud800", {"b": "\udfff"}])
    ['a?', {'b': '?'}]
    """
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {key: replace_halves(each) for key, each in value.items()}
    return [replace_halves(each) for each in value] if isinstance(value, list) else value


def format_date(days: int) -> str:
    """Return a date as ISO 8601, whatever its year.

    Args:
        days: since 1970-01-01.

    >>> format_date(0), format_date(2_932_897), format_date(-719_529)
    ('1970-01-01', '10000-01-01', '-0001-12-31')
    """
    # http://howardhinnant.github.io/date_algorithms.html, civil_from_days: years begin in March, eras have 400 years.
    era, day = divmod(days + _DAYS, 146_097)
    year = (day - day // 1460 + day // 36_524 - day // 146_096) // 365
    day -= 365 * year + year // 4 - year // 100
    shifted = (5 * day + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    year += 400 * era + (month <= 2)
    return f"{'-' if year < 0 else ''}{abs(year):04}-{month:02}-{day - (153 * shifted + 2) // 5 + 1:02}"


def format_moment(ticks: int, unit: str) -> str:
    """Return a date and time as ISO 8601, whatever its year.

    Args:
        ticks: since 1970-01-01.
        unit: of the ticks: ``s``, ``ms``, ``us`` or ``ns``.

    >>> format_moment(253_402_300_800, "s"), format_moment(1, "ns")
    ('10000-01-01T00:00:00', '1970-01-01T00:00:00.000000001')
    """
    days, rest = divmod(ticks, 86_400 * _TICKS[unit])
    return f"{format_date(days)}T{format_time(rest, unit)}"


def format_time(ticks: int, unit: str) -> str:
    """Return a time of day as ISO 8601, with the digits that its unit has.

    Args:
        ticks: since midnight.
        unit: as for `format_moment`.

    >>> format_time(14_706, "s"), format_time(1_500, "us"), format_time(1_234, "ns")
    ('04:05:06', '00:00:00.001500', '00:00:00.000001234')
    """
    seconds, rest = divmod(ticks, _TICKS[unit])
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour:02}:{minute:02}:{second:02}{_format_fraction(rest, unit)}"


def format_duration(ticks: int, unit: str) -> str:
    """Return a duration as `datetime.timedelta` writes it, however long it is.

    Args:
        ticks: its length.
        unit: as for `format_moment`.

    >>> format_duration(93_600, "s"), format_duration(-1, "ns")
    ('1 day, 2:00:00', '-1 day, 23:59:59.999999999')
    """
    days, rest = divmod(ticks, 86_400 * _TICKS[unit])
    seconds, rest = divmod(rest, _TICKS[unit])
    count = f"{days} day{'' if abs(days) == 1 else 's'}, " if days else ""
    return f"{count}{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}{_format_fraction(rest, unit)}"


_TICKS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def _format_fraction(ticks: int, unit: str) -> str:
    """Return a fraction of a second with six digits as Python does, with nine if they are needed, with none if zero."""
    nanoseconds = ticks * (10**9 // _TICKS[unit])
    if not nanoseconds:
        return ""
    return f".{nanoseconds:09}" if nanoseconds % 1000 else f".{nanoseconds // 1000:06}"
