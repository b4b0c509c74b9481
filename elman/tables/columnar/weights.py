"""Weights: the memory that rows take when they are decoded, and batches cut so that no part takes too much.

A dictionary of one long string is small however often the string occurs, and so is a list of a million nulls. As text
and as Python values they are not.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from elman.tables.columnar.arrays import arrow, find_list_bounds, is_text

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow

CHUNK_BYTES = 16 * 2**20
"""Most bytes of a chunk's decoded values, unless a single row has more."""

ROW_BYTES = 32 * 2**20
"""Most bytes of one row's decoded values."""

VALUE_BYTES = 48
"""Bytes that a value takes as a Python object, beside its content."""

ESCAPE_BYTES = 6
"""Bytes of a control character in JSON."""

ESCAPED_BYTES = 2**20
"""Bytes of such characters that a batch may have before all of its strings are expected to consist of them."""


def weigh_rows(batch: "pyarrow.RecordBatch") -> "npt.NDArray[np.int64]":
    """Return the bytes that each row takes when it is decoded, with the names of its columns, as JSON repeats them.

    Args:
        batch: N rows.

    Returns:
        Shape (N,).
    """
    names = sum(len(name) for name in batch.schema.names)
    weights = np.full(batch.num_rows, names, np.int64)
    for column in batch.columns:
        weights += _weigh(column)
    return weights


def cut_batch(
    batch: "pyarrow.RecordBatch", *, most_rows: int, most_bytes: int = CHUNK_BYTES
) -> Iterator[tuple["pyarrow.RecordBatch", int]]:
    """Cut a batch into parts of limited rows and bytes; a row that alone has more bytes becomes a part.

    Args:
        batch: the rows.
        most_rows: the most rows of a part.
        most_bytes: the most bytes of a part.

    Yields:
        A part and its bytes.
    """
    ends, start, before = np.cumsum(weigh_rows(batch)), 0, 0
    while start < batch.num_rows:
        end = int(np.searchsorted(ends, before + most_bytes, side="right"))
        end = min(max(end, start + 1), start + most_rows, batch.num_rows)
        yield batch.slice(start, end - start), int(ends[end - 1]) - before
        start, before = end, int(ends[end - 1])


def _weigh(array: "pyarrow.Array") -> "npt.NDArray[np.int64]":
    """Return the bytes of each value of an array."""
    pa, kind = arrow(), array.type
    types = pa.types
    if isinstance(kind, pa.BaseExtensionType):
        return _weigh(array.storage)
    if types.is_dictionary(kind):
        entries = np.append(_weigh(array.dictionary), VALUE_BYTES)
        weights: npt.NDArray[np.int64] = entries[_read_integers(array.indices, len(entries) - 1)]
        return weights
    if types.is_run_end_encoded(kind):
        return _weigh(pa.compute.run_end_decode(array))
    if types.is_struct(kind):
        names = sum(len(field.name) for field in kind)
        members = (_weigh(array.field(k)) for k in range(kind.num_fields))
        return sum(members, np.full(len(array), VALUE_BYTES + names, np.int64))
    if types.is_union(kind):
        return np.full(len(array), VALUE_BYTES + array.nbytes, np.int64)
    if types.is_nested(kind):
        starts, ends, values = find_list_bounds(array)
        sums = np.concatenate([[0], np.cumsum(_weigh(values))])
        bounds = [np.asarray(part, np.int64) for part in (starts, ends)]
        sizes: npt.NDArray[np.int64] = np.maximum(sums[bounds[1]] - sums[bounds[0]], 0)
        return VALUE_BYTES + sizes
    return _weigh_flat(array)


def _weigh_flat(array: "pyarrow.Array") -> "npt.NDArray[np.int64]":
    pa, kind = arrow(), array.type
    if pa.types.is_null(kind):
        return np.full(len(array), 8, np.int64)  # every null is the same object
    if not is_text(kind):
        return np.full(len(array), VALUE_BYTES + (kind.bit_width + 7) // 8, np.int64)
    if pa.types.is_string_view(kind) or pa.types.is_binary_view(kind):  # for which Arrow has no binary_length
        array = array.cast(pa.binary())
    return VALUE_BYTES + _read_integers(pa.compute.binary_length(array), 0) * _find_growth(array)


def _find_growth(array: "pyarrow.Array") -> int:
    """Return how many times as long the longest strings of an array may be in JSON."""
    content = np.frombuffer(array.buffers()[2] or b"", np.uint8)
    escaped = content[content < 32]
    if ESCAPE_BYTES * np.count_nonzero((escaped < 8) | (escaped > 13)) > ESCAPED_BYTES:  # tabs and line ends are short
        return ESCAPE_BYTES
    return 1


def _read_integers(array: "pyarrow.Array", missing: int) -> "npt.NDArray[Any]":
    return np.asarray(array.fill_null(missing).to_numpy(zero_copy_only=False), np.int64)
