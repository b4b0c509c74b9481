"""Packing: how the numbers of a tensor are stored in a model file, and what they become when it is read.

Float32 is stored in the fewest bits that lose nothing: 16, or 4 or 8 with a scale for each row. Training rounds large
tables so that they fit 8 or 4 bits (`round_rows`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.model.header import SCALE

Tensors = Mapping[str, NDArray[Any]]

FIRST = 1024
"""How many numbers of a tensor are rounded to 16 bits before all of them are, and how many rows to 8 bits."""

MOST_OF_BYTE = np.float32(128)
"""The largest size that a number of 8 bits can have in a file that Elman did not write."""


@dataclass(frozen=True)
class Form:
    """A way to store a matrix: whole numbers of few bits, and a scale for each row.

    Args:
        bits: of a number.
        largest: the largest whole number that is used; the smallest is its negative.
        dtype: of the tensor in the file. In one of uint8 there are two numbers in a byte.
    """

    bits: int
    largest: np.float32
    dtype: type[np.integer[Any]]

    def store(self, name: str, whole: NDArray[np.float32], scales: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
        """Return a matrix as the file holds it, by its name, and the scales of its rows."""
        if self.dtype is np.int8:
            return {name: whole.astype(np.int8), name + SCALE: scales}
        return {name: _pair(whole), name + SCALE: _narrow(scales)}

    def can_store(self, shape: tuple[int, ...]) -> bool:
        """Return whether a tensor of this shape can have this form."""
        return len(shape) == 2 and (self.dtype is np.int8 or shape[1] % 2 == 0)


FOUR, EIGHT = Form(4, np.float32(7), np.uint8), Form(8, np.float32(127), np.int8)

TABLE = 1024
"""How many rows make a matrix a table, whose rows are rounded to 4 bits if that is asked for. A table has most of the
numbers, and a string reads few of its rows; a matrix that all strings are multiplied with keeps 8 bits."""

SHARES = (1.0, 0.9, 0.8, 0.7, 0.6)
"""Where a row is cut when it is rounded to 4 bits, as shares of its largest number. The best of them is used: with so
few steps, it can pay to cut the largest numbers so that the others have finer ones."""

LOW = 0x0F
"""The first of the two numbers in a byte: they are stored with `ZERO` added."""

ZERO = 8


def pack(name: str, tensor: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Return a tensor as a model file holds it, without loss: float32 in the fewest bits, other types unchanged.

    Args:
        name: of the tensor.
        tensor: of any shape; only matrices can have 8 bits, and those with an even number of columns 4.

    Returns:
        The tensor by its name, and the scales of its rows, (rows,), if it has 8 or 4 bits.
    """
    narrow = _narrow(tensor)
    if narrow.dtype != np.float32:
        return {name: narrow}
    for form in (FOUR, EIGHT):
        if form.can_store(tensor.shape) and (parts := _fit(tensor, form)) is not None:
            return form.store(name, *parts)
    return {name: tensor}


def quantise(name: str, tensor: NDArray[Any], bits: int = EIGHT.bits) -> dict[str, NDArray[Any]]:
    """Return a tensor as `pack` does, but matrices of floats rounded to 8 bits, or tables to 4.

    Args:
        name: of the tensor.
        tensor: of any shape.
        bits: 8 or 4. With 4, matrices of fewer than `TABLE` rows or an odd number of columns get 8.
    """
    if tensor.ndim != 2 or tensor.dtype.kind != "f":
        return pack(name, tensor)
    if bits == FOUR.bits and len(tensor) >= TABLE and FOUR.can_store(tensor.shape):
        return FOUR.store(name, *_cut(tensor))
    return EIGHT.store(name, *_divide(tensor, EIGHT.largest))


def round_rows(tensor: NDArray[np.float32], bits: int = EIGHT.bits) -> NDArray[np.float32]:
    """Return a matrix as it is when `quantise` has rounded its rows; `pack` stores it so.

    >>> round_rows(np.array([[127, 12.3], [0, 0]], np.float32)).tolist()
    [[127.0, 12.0], [0.0, 0.0]]
    """
    rounded: NDArray[np.float32] = unpack(quantise("", tensor, bits))[""]
    return rounded


def divide_rows(tensor: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]] | None:
    """Return a matrix as whole numbers of at most 8 bits and the scale of each row; None if that is not exactly it."""
    if tensor.ndim != 2 or tensor.dtype != np.float32:
        return None
    found = next((parts for form in (FOUR, EIGHT) if (parts := _fit(tensor, form)) is not None), None)
    return None if found is None else (found[0].astype(np.int8), found[1])


class Unpacked(Mapping[str, NDArray[Any]]):
    """The tensors of a file with the number types that scoring uses, float32, and int64 for codes.

    A tensor is unpacked when it is first read: an answer for one name needs a few rows of the largest ones.

    Args:
        stored: the tensors as the file has them, with the scales of those of 8 and 4 bits.
    """

    def __init__(self, stored: Tensors) -> None:
        self.stored, self._wide, self._rows = stored, dict[str, NDArray[Any]](), dict[str, NDArray[np.int8]]()
        self._tensors = {name: tensor for name, tensor in stored.items() if not _is_scale(name, stored)}

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Return a tensor."""
        if name not in self._wide:
            self._wide[name] = self._widen(name, self._tensors[name])
        return self._wide[name]

    def __iter__(self) -> Iterator[str]:
        """Return the names, in the order of the file."""
        return iter(self._tensors)

    def __len__(self) -> int:
        """Return how many tensors there are."""
        return len(self._tensors)

    def find_type(self, name: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """Return the shape and the number type of a tensor; it is not unpacked for that."""
        tensor = self._tensors[name]
        shape = (len(tensor), 2 * tensor.shape[1]) if tensor.dtype == np.uint8 else tensor.shape
        return shape, np.dtype(np.float32 if tensor.dtype in (np.uint8, np.int8, np.float16) else tensor.dtype)

    def find_rows(self, name: str) -> tuple[NDArray[np.int8], NDArray[np.float32]] | None:
        """Return a matrix of 8 or 4 bits as whole numbers, and the scale of each row; None if it has other numbers."""
        if (scales := self.find_scales(name)) is None:
            return None
        if name not in self._rows:
            tensor = self._tensors[name]
            self._rows[name] = tensor if tensor.dtype == np.int8 else _split(tensor)
        return self._rows[name], scales

    def find_scales(self, name: str) -> NDArray[np.float32] | None:
        """Return the scale of each row of a matrix of 8 or 4 bits; None if it has other numbers."""
        if name not in self._tensors or self._tensors[name].dtype not in (np.int8, np.uint8):
            return None
        return self.stored[name + SCALE].astype(np.float32, copy=False)

    def _widen(self, name: str, tensor: NDArray[Any]) -> NDArray[Any]:
        if (rows := self.find_rows(name)) is not None:
            with np.errstate(over="ignore", invalid="ignore"):  # `are_finite` says whether all are finite
                wide: NDArray[Any] = rows[0] * rows[1][:, None]
            return wide
        return tensor.astype(np.float32 if tensor.dtype == np.float16 else tensor.dtype)  # a copy in any case


def _is_scale(name: str, stored: Tensors) -> bool:
    return name.endswith(SCALE) and name.removesuffix(SCALE) in stored


def unpack(tensors: Tensors) -> Unpacked:
    """Return the tensors of a file with the number types that scoring uses: float32, and int64 for codes."""
    return Unpacked(tensors)


def find_rows(tensors: Tensors, name: str) -> tuple[NDArray[np.int8], NDArray[np.float32]] | None:
    """Return a matrix of 8 or 4 bits as whole numbers, and the scale of each row; None if it has other numbers."""
    return tensors.find_rows(name) if isinstance(tensors, Unpacked) else None


def shape_of(tensors: Tensors, name: str) -> tuple[int, ...]:
    """Return the shape of a tensor; it is not unpacked for that."""
    return tensors.find_type(name)[0] if isinstance(tensors, Unpacked) else tensors[name].shape


def find_types(tensors: Tensors) -> dict[str, tuple[tuple[int, ...], np.dtype[Any]]]:
    """Return the shape and the number type of each tensor; none is unpacked for that."""
    if isinstance(tensors, Unpacked):
        return {name: tensors.find_type(name) for name in tensors}
    return {name: (tensor.shape, tensor.dtype) for name, tensor in tensors.items()}


def are_finite(tensors: Tensors) -> bool:
    """Return whether all numbers of tensors are finite.

    A matrix of 8 or 4 bits is unpacked for that only if its scales are so large that they do not say.
    """
    for name in tensors:
        scales = tensors.find_scales(name) if isinstance(tensors, Unpacked) else None
        with np.errstate(over="ignore", invalid="ignore"):
            if scales is not None and np.isfinite(scales * MOST_OF_BYTE).all():
                continue
            if not np.isfinite(tensors[name]).all():
                return False
    return True


def find_fewest_bits(tensors: Tensors) -> int:
    """Return the fewest bits that a number has in the tensors of a file: 4, 8 or 16; 16 also if all have more."""
    types = {tensor.dtype.type for tensor in tensors.values()}
    return next((form.bits for form in (FOUR, EIGHT) if form.dtype in types), 16)


def are_packed(tensors: Tensors) -> bool:
    """Return whether the tensors of a file are as `pack` stores them, so that they can be written again unchanged."""
    wide = Unpacked(tensors)
    for name in wide:
        if _are_rows_packed(wide, name):
            continue
        stored = pack(name, wide[name])
        parts = (name, name + SCALE) if name + SCALE in stored else (name,)
        if not all(part in tensors and _are_same(stored[part], tensors[part]) for part in parts):
            return False
    return True


def _are_rows_packed(wide: Unpacked, name: str) -> bool:
    """Return whether a look at the rows shows that a matrix of 8 or 4 bits is as `pack` stores it; False if unsure.

    That takes less time and memory than to pack it again.
    """
    if (rows := wide.find_rows(name)) is None or not np.isfinite(rows[1]).all():
        return False
    (whole, scales), stored = rows, wide.stored[name + SCALE]
    form = FOUR if wide.stored[name].dtype == FOUR.dtype else EIGHT
    largest = np.maximum(whole.max(axis=1, initial=0), -whole.min(axis=1, initial=0).astype(np.int16))
    is_divided = (largest == form.largest) | (largest == 0) & (scales == 1)
    if not is_divided.all() or not np.array_equal(_shorten(scales), scales):
        return False
    first = pack(name, whole[:FIRST] * scales[:FIRST, None])[name]  # if these need so many bits, so do all
    return first.dtype == form.dtype and stored.dtype == (_narrow(scales) if form is FOUR else scales).dtype


def _are_same(first: NDArray[Any], second: NDArray[Any]) -> bool:
    return first.dtype == second.dtype and np.array_equal(first, second)


def _fit(tensor: NDArray[np.float32], form: Form) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
    """Return the whole numbers of a matrix and the scale of each row; None if they are not exactly the matrix."""
    for part in (tensor[:FIRST], tensor):
        whole, scales = _divide(part, form.largest)
        if not np.array_equal(whole * scales[:, None], part):
            return None
    return whole, scales


def _divide(tensor: NDArray[Any], largest: np.float32) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the rows of a matrix as whole numbers up to a size, float32, and the scale of each row."""
    scales = _shorten(np.abs(tensor).max(axis=1, initial=0).astype(np.float32) / largest)
    scales[scales == 0] = 1
    return np.rint(tensor / scales[:, None]), scales


def _cut(tensor: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the rows of a matrix as whole numbers from −7 to 7, and the scale of each row, of 16 bits if it fits.

    Each row is cut where the sum of its squared errors is smallest, of the places in `SHARES`.
    """
    limit = np.abs(tensor).max(axis=1, initial=0).astype(np.float32)
    unit = np.where(limit == 0, np.float32(1), limit)[
        :, None
    ]  # in which errors are measured: their squares stay finite
    best, error = np.ones(len(tensor), np.float32), np.full(len(tensor), np.inf, np.float32)
    for share in SHARES:
        scales = _halve(share * limit / FOUR.largest)
        found = np.square((_round(tensor, scales) * scales[:, None] - tensor) / unit).sum(axis=1)
        best, error = np.where(found < error, scales, best), np.minimum(found, error)
    return _round(tensor, best), best


def _round(tensor: NDArray[Any], scales: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a matrix divided by the scales of its rows, as whole numbers from −7 to 7, float32."""
    return np.clip(np.rint(tensor / scales[:, None]), -FOUR.largest, FOUR.largest).astype(np.float32)


def _halve(scales: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return positive scales rounded to the numbers of 16 bits that are nearest, if those are normal; 1 for 0."""
    with np.errstate(over="ignore"):
        half = scales.astype(np.float16)
    limits = np.finfo(np.float16)
    is_normal = np.isfinite(half) & (half >= limits.smallest_normal)
    rounded = np.where(is_normal, half.astype(np.float32), _shorten(scales))
    return np.where(rounded == 0, np.float32(1), rounded)


def _pair(whole: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return a matrix of whole numbers from −7 to 7 with two numbers in a byte, the first in its lower half."""
    numbers = (whole + ZERO).astype(np.uint8)
    return (numbers[:, ::2] | numbers[:, 1::2] << 4).astype(np.uint8)


def _split(pairs: NDArray[np.uint8]) -> NDArray[np.int8]:
    """Return the matrix of which `_pair` made bytes, int8."""
    byte = np.arange(256, dtype=np.uint8)
    numbers = np.stack([byte & LOW, byte >> 4], axis=1).astype(np.int8) - ZERO
    return numbers.view(np.uint16)[:, 0][pairs].view(np.int8)


def _shorten(scales: NDArray[np.float32]) -> NDArray[np.float32]:
    """Round scales up to 16 significant bits: float32 holds their products with numbers of 8 bits exactly."""
    return ((scales.view(np.int32) + 0xFF) & ~0xFF).view(np.float32)


def _narrow(tensor: NDArray[Any]) -> NDArray[Any]:
    """Return a tensor of floats in 16 bits if that loses nothing, and unchanged otherwise."""
    if tensor.dtype != np.float32:
        return tensor
    for part in (tensor.flat[:FIRST], tensor):  # the first numbers show of most tensors that they need 32 bits
        with np.errstate(over="ignore"):
            half = part.astype(np.float16)
        if not np.array_equal(half.astype(np.float32), part):
            return tensor
    return half
