"""Names: what can be passed as a name or as a column of names, and the list of strings that it holds.

Columns of pandas, polars and Arrow and arrays of numpy are recognised by their methods, so none of these packages is
imported here.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from elman.checks import is_missing, shown
from elman.columns import view_column
from elman.errors import SettingError

_AS_LIST = ("to_pylist", "to_list", "tolist")
"""The methods that return the values of a column as a list: of Arrow, of pandas and polars, of numpy."""

_OF_TABLES = ("columns", "column_names", "schema")
"""Attributes of the types of tables: frames of pandas and polars, tables and record batches of Arrow, and others."""

_PLAIN = {str, type(None)}


def is_one_name(names: Any) -> bool:
    """Return whether a value is a single name, or a missing one, rather than a column of names.

    >>> is_one_name("Nakamura"), is_one_name(float("nan")), is_one_name(["Nakamura"])
    (True, True, False)
    """
    if isinstance(names, str | bytes) or _is_scalar(names):
        return True
    return not isinstance(names, Iterable) and is_missing(names)


def list_names(names: Any) -> list[str | None]:
    r"""Return the names of a column as a list; a missing one is None.

    Args:
        names: a list, an iterator or another iterable, or a column of pandas, polars, Arrow or numpy. A name is a
            string, UTF-8 in bytes, or missing, as `elman.checks.is_missing` says.

    Raises:
        SettingError: it is a table rather than a column, a single string, or something else; or one of the names is
            not a string, or not UTF-8.

    >>> list_names(iter(["Nakamura", b"M\xc3\xbcller", float("nan")]))
    ['Nakamura', 'Müller', None]
    """
    if isinstance(names, str | bytes):
        raise SettingError(f"names must be a list or a column of strings; got {type(names).__name__}: give [name]")
    _check_is_no_table(names)
    if _is_scalar(names):
        listed = [names]
    else:
        as_list = next((method for name in _AS_LIST if callable(method := getattr(names, name, None))), None)
        if as_list is None and not isinstance(names, Iterable):
            raise SettingError(f"names must be a string, or a list or a column of strings; got {type(names).__name__}")
        listed = list(names) if as_list is None else as_list()
    if set(map(type, listed)) <= _PLAIN:
        return listed
    return [_read_name(name, position) for position, name in enumerate(listed)]


def read_column(names: Any) -> Sequence[str | None]:
    """Return the names of a column as `list_names` does, but those of Arrow without a Python string for each.

    Raises:
        SettingError: as `list_names`.
    """
    column = view_column(names)
    return list_names(names) if column is None else column


def read_name(name: Any) -> str | None:
    """Return a single name as a string; None if it is missing.

    Raises:
        SettingError: it is not a string, or not UTF-8.
    """
    return _read_name(name, None)


def _is_scalar(value: Any) -> bool:
    """Return whether a value is a scalar of Arrow, or an array of numpy without dimensions."""
    return getattr(value, "ndim", None) == 0 or (hasattr(value, "as_py") and not isinstance(value, Iterable))


def _check_is_no_table(names: Any) -> None:
    kind = type(names)
    is_table = (
        isinstance(names, Mapping)
        or any(hasattr(kind, attribute) for attribute in _OF_TABLES)  # of the type: frames may compute theirs
        or getattr(getattr(names, "dtype", None), "names", None) is not None  # numpy's structured arrays
    )
    if is_table:
        raise SettingError(
            f"names must be one column; got a table ({kind.__name__}): give one of its columns, as "
            'predict(table["name"]), or use elman.annotate_frame(table, column="name")'
        )
    if getattr(names, "ndim", 1) > 1:
        raise SettingError(f"names must be one column; got {names.ndim} dimensions: give one of the columns")


def _read_name(name: Any, position: int | None) -> str | None:
    """Return one value of a column as a string; None if it is missing."""
    if isinstance(name, str):
        return str.__str__(name)  # of a subclass, such as numpy's, the plain string
    if is_missing(name):
        return None
    where = "" if position is None else f" at position {position}"
    if isinstance(name, bytes):
        try:
            return name.decode()
        except UnicodeDecodeError:
            raise SettingError(f"each name in bytes must be UTF-8; got {shown(repr(name))}{where}") from None
    if _is_scalar(name):
        return _read_name(name.as_py() if hasattr(name, "as_py") else name.item(), position)
    raise SettingError(f"each name must be a string; got {type(name).__name__}{where}")
