"""Inputs: what an estimator takes as strings, labels, numbers and weights, and how it refuses anything else.

Errors are `elman.errors.SettingError`, which is a ValueError, as scikit-learn's tools expect.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.multiclass import type_of_target

from elman.checks import is_missing, shown
from elman.errors import SettingError
from elman.prediction.names import list_names

CLASSES = ("binary", "multiclass")
"""Targets that a classifier learns, as scikit-learn names them."""

_COLUMNS = ("columns", "column_names", "schema")


def list_strings(strings: Any, name: str = "X") -> list[str]:
    """Return one-dimensional strings as a list.

    Args:
        strings: a list or a tuple, a one-dimensional array, or a column of pandas, polars or Arrow.
        name: what messages call them.

    Raises:
        SettingError: they have another form, or one of them is missing or no string.

    >>> list_strings(np.array(["Ito", "Lee"]))
    ['Ito', 'Lee']
    """
    if isinstance(strings, str | bytes):
        raise SettingError(f"{name} must be a list or a column of strings; got a single string: give [{name}]")
    if isinstance(strings, Mapping) or any(hasattr(type(strings), attribute) for attribute in _COLUMNS):
        raise SettingError(f"{name} must be one column of strings; got a table ({type(strings).__name__}): select one")
    if hasattr(strings, "toarray"):
        raise SettingError(f"{name} must be strings; got a sparse matrix")
    dimensions = getattr(strings, "ndim", 1)
    if dimensions != 1:
        advice = f": give {name}.ravel() or one of its columns" if dimensions > 1 else ""
        raise SettingError(f"{name} must have one dimension; got {dimensions}{advice}")
    try:
        listed = list_names(strings)
    except SettingError as error:
        raise SettingError(f"{name}: {error}") from None
    missing = next((position for position, string in enumerate(listed) if string is None), None)
    if missing is not None:
        raise SettingError(f'{name} has a missing value at position {missing}: drop it, or give "" instead')
    return [string for string in listed if string is not None]


def read_labels(labels: Any, count: int, name: str = "y") -> NDArray[Any]:
    """Return the label of each string, (N,), in the type in which predictions will return it.

    Args:
        labels: integers, booleans, strings, or floats that are whole numbers: a list, an array, or a column.
        count: N.
        name: what messages call them.

    Raises:
        SettingError: they have another form or length, one is missing, or they are no labels.

    >>> read_labels([True, False], 2).tolist()
    [True, False]
    """
    values = _read_column(labels, count, name)
    if values.dtype == object and (narrow := np.array(values.tolist())).dtype.kind in "biu":
        values = narrow  # as pandas' nullable types
    if values.dtype.kind == "S" or any(isinstance(value, bytes) for value in values.tolist()):
        raise SettingError(f"{name} must hold integers, booleans or strings; got bytes: decode them")
    kind = type_of_target(values, input_name=name)
    if kind not in CLASSES:
        raise SettingError(f"Unknown label type: {kind}; {name} must hold labels: integers, booleans or strings")
    return values


def read_numbers(numbers: Any, count: int, name: str = "y") -> NDArray[np.float64]:
    """Return the number of each string, (N,), float64.

    Raises:
        SettingError: they have another form or length, or one of them is missing, infinite or no number.
    """
    values = _read_column(numbers, count, name)
    wrong = next((value for value in values.tolist() if not isinstance(value, int | float | Decimal)), None)
    if wrong is not None:
        raise SettingError(f"{name} must hold numbers; got {type(wrong).__name__}: {shown(repr(wrong))}")
    parsed: NDArray[np.float64] = values.astype(np.float64)
    if not np.isfinite(parsed).all():
        raise SettingError(f"{name} must hold finite numbers; got {parsed[~np.isfinite(parsed)][0]}")
    return parsed


def read_weights(weights: Any, count: int) -> NDArray[np.float64]:
    """Return the weight of each string, (N,), float64; ones if None.

    Raises:
        SettingError: they have another form or length, one is negative or not finite, or all are 0.
    """
    if weights is None:
        return np.ones(count)
    values = np.asarray(weights)
    if values.ndim == 0 and values.dtype.kind in "iuf":
        values = np.full(count, float(values))
    values = read_numbers(values, count, "sample_weight")
    if (values < 0).any() or not values.any():
        raise SettingError("sample_weight must be at least 0, and above 0 for one string at least")
    return values


def read_pair(pair: Any) -> tuple[Any, Any]:
    """Return the strings and answers of ``eval_set``: a pair, or a list with one pair.

    Raises:
        SettingError: it is neither.
    """
    if isinstance(pair, list) and len(pair) == 1:
        (pair,) = pair
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise SettingError("eval_set must be a pair (X, y), or a list with one such pair")
    return pair[0], pair[1]


def name_classes(classes: NDArray[Any]) -> tuple[str, ...]:
    """Return how a model file calls each class.

    Raises:
        SettingError: two classes have the same name.

    >>> name_classes(np.array([1, 2])), name_classes(np.array([False, True]))
    (('1', '2'), ('False', 'True'))
    """
    names = tuple(str(label) for label in classes.tolist())
    if len(set(names)) != len(names):
        raise SettingError(f"y must hold labels with different names; got {shown(', '.join(names), 200)}")
    return names


def restore_classes(names: tuple[str, ...], dtype: str) -> NDArray[Any]:
    """Return the classes of names in a model file, sorted, with the type that they had.

    Raises:
        ValueError: a name is no value of that type.

    >>> restore_classes(("10", "9"), "<i8").tolist(), restore_classes(("a", "b"), "|O").tolist()
    ([9, 10], ['a', 'b'])
    """
    kind = np.dtype(dtype)
    if kind.kind == "b":
        return np.array(sorted({"False": False, "True": True}[name] for name in names), kind)
    if kind.kind in "iuf":
        return np.sort(np.array([float(name) if kind.kind == "f" else int(name) for name in names], kind))
    return np.array(sorted(names), object if kind.kind == "O" else None)


def _read_column(values: Any, count: int, name: str) -> NDArray[Any]:
    """Return a column as an array of one dimension without missing values."""
    if values is None:
        raise SettingError(f"{name} should be a 1d array, and it is None: give one value for each string")
    if isinstance(values, str | bytes) or not hasattr(values, "__len__"):
        raise SettingError(f"{name} must be a list or a column; got {type(values).__name__}")
    column = np.asarray(values)
    if column.ndim == 2 and column.shape[1] == 1:
        column = column[:, 0]
    if column.ndim != 1:
        raise SettingError(f"{name} must have one dimension; got {column.ndim}")
    if len(column) != count:
        raise SettingError(f"X and {name} must have the same length; got {count} and {len(column)}")
    missing = next((position for position, value in enumerate(column.tolist()) if is_missing(value)), None)
    if missing is not None:
        raise SettingError(f"{name} has a missing value at position {missing} (NaN or None): drop it and its string")
    return column
