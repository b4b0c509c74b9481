"""Examples whose labels are numbers."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from elman.errors import DataError
from elman.records import Example


def select_numbers(examples: Sequence[Example], column: str, source: str) -> tuple[list[Example], int]:
    """Return the examples whose label is a finite number, and how many others there are.

    Args:
        examples: of a source.
        column: that holds the numbers, for the message.
        source: the name of the data, for the message.

    Raises:
        DataError: no label is a number.

    >>> select_numbers([Example("ito", "3"), Example("lee", "nan")], "age", "people.csv")
    ([Example(text='ito', label='3', count=1)], 1)
    """
    kept = [example for example in examples if _is_number(example.label)]
    if not kept:
        raise DataError(f"{source}: no row has a number in the column {column!r}", code="empty_table")
    return kept, len(examples) - len(kept)


def parse_numbers(examples: Sequence[Example]) -> NDArray[np.float64]:
    """Return the labels of the examples as numbers, (N,), float64."""
    return np.array([float(example.label) for example in examples])


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
