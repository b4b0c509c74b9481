"""Columns: many values as Arrow keeps them, one after the other, without a Python object for each.

They behave as sequences of Python values, and become arrays of Arrow without a loop over their values. Arrow itself is
imported only for that.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from elman.extras import extra

_OFFSETS = {"string": np.int32, "large_string": np.int64}
"""The types of Arrow that are read, by their names, and the numbers that say where their strings begin."""

_HALVES = "surrogatepass"
"""Python strings can have halves of surrogate pairs, which Arrow has not."""


@dataclass(frozen=True, eq=False)
class TextColumn(Sequence[str | None]):
    """N strings, some of which can be missing.

    Args:
        data: UTF-8, (bytes,), uint8.
        starts: the place of the first byte of each, and after them the end of the last, (N + 1,), int64, never falling.
        missing: which are missing, (N,); they have no bytes.
    """

    data: NDArray[np.uint8]
    starts: NDArray[np.int64]
    missing: NDArray[np.bool_]

    @classmethod
    def pack(cls, strings: Sequence[str | None]) -> "TextColumn":
        """Return strings as a column; None is missing.

        >>> list(TextColumn.pack(["Müller", None, ""]))
        ['Müller', None, '']
        """
        if isinstance(strings, TextColumn):
            return strings
        texts = [text or "" for text in strings]
        joined, starts = "".join(texts), np.zeros(len(texts) + 1, np.int64)
        np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)), out=starts[1:])
        data = np.frombuffer(joined.encode("utf-8", _HALVES), np.uint8)
        if len(data) > len(
            joined
        ):  # the places are of characters, each of which begins with another byte than 10xxxxxx
            starts = np.append(np.flatnonzero(data & 0xC0 != 0x80), len(data))[starts]
        missing = np.fromiter((text is None for text in strings), np.bool_, len(texts))
        return cls(data, starts, missing)

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
        return self.data[self.starts[place] : self.starts[place + 1]].tobytes().decode("utf-8", _HALVES)

    def __iter__(self) -> Iterator[str | None]:
        """Yield the strings."""
        content = self.data[self.starts[0] : self.starts[-1]].tobytes()
        starts = (self.starts - self.starts[0]).tolist()
        missing = self.missing.tolist()
        if content.isascii():
            text = content.decode("ascii")
            strings = (text[start:end] for start, end in zip(starts, starts[1:], strict=False))
        else:
            strings = (
                content[start:end].decode("utf-8", _HALVES) for start, end in zip(starts, starts[1:], strict=False)
            )
        return (None if is_missing else string for string, is_missing in zip(strings, missing, strict=True))

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """The bytes of each string, (N,), int64."""
        sizes: NDArray[np.int64] = np.diff(self.starts)
        return sizes

    def take(self, places: NDArray[Any]) -> "TextColumn":
        """Return the strings at some places, (n,), in that order.

        >>> list(TextColumn.pack(["a", "bc", None]).take(np.array([1, 2, 1])))
        ['bc', None, 'bc']
        """
        sizes = self.sizes[places]
        starts = np.concatenate([[0], np.cumsum(sizes)])
        shift = np.repeat(self.starts[places] - starts[:-1], sizes)
        return TextColumn(self.data[shift + np.arange(len(shift))], starts, self.missing[places])

    def join(self, counts: NDArray[Any]) -> "TextColumn":
        """Return longer strings: the first of ``counts[0]`` of these one after the other, and so on.

        Args:
            counts: how many become one, (n,); their sum is N. A string of none is missing.

        >>> list(TextColumn.pack(["a", "; ", "b", "c"]).join(np.array([3, 0, 1])))
        ['a; b', None, 'c']
        """
        ends = np.concatenate([[0], np.cumsum(counts)])
        return TextColumn(self.data, self.starts[ends], counts == 0)

    def to_arrow(self) -> Any:
        """Return the strings as an array of pyarrow, of large strings only if they are too many bytes for others.

        Raises:
            MissingExtraError: pyarrow is not installed.
        """
        pa, is_large = arrow(), self.starts[-1] > np.iinfo(np.int32).max
        kind = pa.large_string() if is_large else pa.string()
        offsets = np.ascontiguousarray(self.starts, np.int64 if is_large else np.int32)
        valid = None if not self.missing.any() else pa.py_buffer(np.packbits(~self.missing, bitorder="little"))
        buffers = [valid, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(self.data))]
        return pa.Array.from_buffers(kind, len(self), buffers)


@dataclass(frozen=True, eq=False)
class CodedColumn(Sequence[str | None]):
    """N strings that are among a few, some of which can be missing.

    Args:
        texts: the strings that there are.
        codes: of each, its place among them, (N,), integers; −1 if it is missing.

    >>> list(CodedColumn(("Dutch", "Greek"), np.array([1, -1, 0])))
    ['Greek', None, 'Dutch']
    """

    texts: Sequence[str]
    codes: NDArray[Any]

    def __len__(self) -> int:
        """Return the number of strings."""
        return len(self.codes)

    def __getitem__(self, place: Any) -> Any:
        """Return one string, or some of them as a column."""
        if isinstance(place, slice):
            return CodedColumn(self.texts, self.codes[place])
        code = self.codes[place]
        return None if code < 0 else self.texts[code]

    def __iter__(self) -> Iterator[str | None]:
        """Yield the strings."""
        return iter(self.replace(self.texts, None))

    def replace(self, others: Sequence[Any], missing: Any) -> list[Any]:
        """Return a list with another value for each string.

        Args:
            others: the values, in the order of ``texts``.
            missing: the value for a missing string.
        """
        values = [*others, missing]
        return [values[code] for code in self.codes.tolist()]

    def to_arrow(self) -> Any:
        """Return the strings as an array of pyarrow, of its type of dictionaries.

        Raises:
            MissingExtraError: pyarrow is not installed.
        """
        pa = arrow()
        codes = pa.array(self.codes.astype(np.int32), mask=self.codes < 0)
        return pa.DictionaryArray.from_arrays(codes, pa.array(list(self.texts), pa.string()))


@dataclass(frozen=True, eq=False)
class NumberColumn(Sequence[float | None]):
    """N numbers, some of which can be missing.

    Args:
        values: (N,), float64; NaN if it is missing.

    >>> list(NumberColumn(np.array([0.5, np.nan])))
    [0.5, None]
    """

    values: NDArray[np.float64]

    def __len__(self) -> int:
        """Return the number of numbers."""
        return len(self.values)

    def __getitem__(self, place: Any) -> Any:
        """Return one number, or some of them as a column."""
        if isinstance(place, slice):
            return NumberColumn(self.values[place])
        value = float(self.values[place])
        return None if value != value else value  # NaN differs from itself

    def __iter__(self) -> Iterator[float | None]:
        """Yield the numbers."""
        return (None if value != value else value for value in self.values.tolist())

    def round(self, digits: int) -> "NumberColumn":
        """Return the numbers with so many decimal places."""
        return NumberColumn(np.round(self.values, digits))

    def to_arrow(self) -> Any:
        """Return the numbers as an array of pyarrow.

        Raises:
            MissingExtraError: pyarrow is not installed.
        """
        missing = np.isnan(self.values)
        return arrow().array(np.ascontiguousarray(self.values), mask=missing if missing.any() else None)


Column = TextColumn | CodedColumn | NumberColumn


def arrow() -> Any:
    """Return pyarrow.

    Raises:
        MissingExtraError: it is not installed.
    """
    with extra("tables", purpose="a column of Arrow"):
        import pyarrow
    return pyarrow


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
    if any((column.missing & (column.sizes > 0)).any() for column in columns):
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
        lengths.append(column.sizes)
        missing.append(column.missing)
    return TextColumn(np.concatenate(data), np.concatenate(lengths).cumsum(), np.concatenate(missing))
