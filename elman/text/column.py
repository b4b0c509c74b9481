"""Column: many strings as Arrow keeps them, one after the other, without a Python string for each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

_OFFSETS = {"string": np.int32, "large_string": np.int64}
"""The types of Arrow that are read, by their names, and the numbers that say where their strings begin."""


@dataclass(frozen=True, eq=False)
class TextColumn(Sequence[str | None]):
    """N strings, some of which can be missing; it behaves as a list of them.

    Args:
        data: UTF-8, (bytes,), uint8.
        starts: the place of the first byte of each, and after them the end of the last, (N + 1,), int64, never falling.
        missing: which are missing, (N,); they have no bytes.
    """

    data: NDArray[np.uint8]
    starts: NDArray[np.int64]
    missing: NDArray[np.bool_]

    def __len__(self) -> int:
        """Return the number of strings."""
        return len(self.missing)

    @overload
    def __getitem__(self, place: int) -> str | None: ...

    @overload
    def __getitem__(self, place: slice) -> "TextColumn": ...

    def __getitem__(self, place: int | slice) -> "str | None | TextColumn":
        """Return one string, or adjacent ones as a column, without a copy."""
        if isinstance(place, slice):
            start, stop, step = place.indices(len(self))
            if step != 1:
                raise ValueError("a column of texts can only be cut into adjacent strings")
            stop = max(start, stop)
            return TextColumn(self.data, self.starts[start : stop + 1], self.missing[start:stop])
        place = range(len(self))[place]
        if self.missing[place]:
            return None
        return self.data[self.starts[place] : self.starts[place + 1]].tobytes().decode()

    def __iter__(self) -> Iterator[str | None]:
        """Yield the strings."""
        return (self[place] for place in range(len(self)))


def view_column(values: Any) -> TextColumn | None:
    """Return a column of strings of Arrow without a string for each; None if it is of another kind.

    Args:
        values: an array or a chunked array of pyarrow, which is recognised by its methods, or anything else.
    """
    if str(getattr(values, "type", "")) not in _OFFSETS:
        return None
    chunks = values.chunks if hasattr(values, "chunks") else [values]
    if not all(hasattr(chunk, "buffers") for chunk in chunks):
        return None
    columns = [_view_array(chunk) for chunk in chunks if len(chunk)]
    if any((column.missing & (np.diff(column.starts) > 0)).any() for column in columns):
        return None  # Arrow allows bytes where a string is missing, but few write them
    return columns[0] if len(columns) == 1 else _join(columns)


def _view_array(array: Any) -> TextColumn:
    validity, offsets, data = array.buffers()
    part = slice(array.offset, array.offset + len(array))
    missing = np.zeros(len(array), np.bool_)
    if array.null_count:
        missing = np.unpackbits(np.frombuffer(validity, np.uint8), bitorder="little")[part] == 0
    starts = np.frombuffer(offsets, _OFFSETS[str(array.type)])[part.start : part.stop + 1].astype(np.int64)
    return TextColumn(np.frombuffer(data if data is not None else b"", np.uint8), starts, missing)


def _join(columns: Sequence[TextColumn]) -> TextColumn:
    """Return several columns as one."""
    data, missing = [np.empty(0, np.uint8)], [np.empty(0, np.bool_)]
    lengths = [np.zeros(1, np.int64)]
    for column in columns:
        data.append(column.data[column.starts[0] : column.starts[-1]])
        lengths.append(np.diff(column.starts))
        missing.append(column.missing)
    return TextColumn(np.concatenate(data), np.concatenate(lengths).cumsum(), np.concatenate(missing))
