"""Packing: how the numbers of a tensor are stored in a model file, and what they become when it is read.

Float32 is stored in the fewest bits that lose nothing: 16, or 8 with a scale for each row. Training rounds weights so
that they fit (`round_rows`).
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.model.header import SCALE

Tensors = Mapping[str, NDArray[Any]]

FIRST = 1024
"""How many numbers of a tensor are rounded to 16 bits before all of them are, and how many rows to 8 bits."""

MOST_OF_BYTE = np.float32(128)
"""The largest size that a number of 8 bits can have in a file that Elman did not write."""

LARGEST = np.float32(127)
"""The largest number of 8 bits that is used; the smallest is its negative."""


def pack(name: str, tensor: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Return a tensor as a model file holds it, without loss: float32 in the fewest bits, other types unchanged.

    Args:
        name: of the tensor.
        tensor: of any shape; only matrices can have 8 bits.

    Returns:
        The tensor by its name, and the scales of its rows, (rows,), float32, if it has 8 bits.
    """
    narrow = _narrow(tensor)
    if narrow.dtype != np.float32 or narrow.ndim != 2:
        return {name: narrow}
    for part in (tensor[:FIRST], tensor):
        whole, scales = _divide(part)
        if not np.array_equal(whole * scales[:, None], part):
            return {name: tensor}
    return {name: whole.astype(np.int8), name + SCALE: scales}


def quantise(name: str, tensor: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Return a tensor as `pack` does, but matrices of floats rounded to 8 bits."""
    if tensor.ndim != 2 or tensor.dtype.kind != "f":
        return pack(name, tensor)
    whole, scales = _divide(tensor)
    return {name: whole.astype(np.int8), name + SCALE: scales}


def round_rows(tensor: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a matrix whose rows are rounded to 8 bits and a scale each; `pack` stores it so.

    >>> round_rows(np.array([[127, 12.3], [0, 0]], np.float32)).tolist()
    [[127.0, 12.0], [0.0, 0.0]]
    """
    whole, scales = _divide(tensor)
    rounded: NDArray[np.float32] = whole * scales[:, None]
    return rounded


class Unpacked(Mapping[str, NDArray[Any]]):
    """The tensors of a file with the number types that scoring uses, float32, and int64 for codes.

    A tensor is unpacked when it is first read: an answer for one name needs a few rows of the largest ones.

    Args:
        stored: the tensors as the file has them, with the scales of those of 8 bits.
    """

    def __init__(self, stored: Tensors) -> None:
        self.stored, self._wide = stored, dict[str, NDArray[Any]]()
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

    def _widen(self, name: str, tensor: NDArray[Any]) -> NDArray[Any]:
        if tensor.dtype == np.int8:
            with np.errstate(over="ignore", invalid="ignore"):  # `are_finite` says whether all are finite
                wide: NDArray[Any] = tensor * self.stored[name + SCALE][:, None]
            return wide
        return tensor.astype(np.float32 if tensor.dtype == np.float16 else tensor.dtype)  # a copy in any case


def _is_scale(name: str, stored: Tensors) -> bool:
    return name.endswith(SCALE) and name.removesuffix(SCALE) in stored


def unpack(tensors: Tensors) -> Unpacked:
    """Return the tensors of a file with the number types that scoring uses: float32, and int64 for codes."""
    return Unpacked(tensors)


def find_rows(tensors: Tensors, name: str) -> tuple[NDArray[np.int8], NDArray[np.float32]] | None:
    """Return a matrix of 8 bits as its file has it, and the scale of each row; None if it has other numbers."""
    stored = tensors.stored if isinstance(tensors, Unpacked) else {}
    return (stored[name], stored[name + SCALE]) if name in stored and stored[name].dtype == np.int8 else None


def shape_of(tensors: Tensors, name: str) -> tuple[int, ...]:
    """Return the shape of a tensor; it is not unpacked for that."""
    return (tensors.stored if isinstance(tensors, Unpacked) else tensors)[name].shape


def find_types(tensors: Tensors) -> dict[str, tuple[tuple[int, ...], np.dtype[Any]]]:
    """Return the shape and the number type of each tensor; none is unpacked for that."""
    if not isinstance(tensors, Unpacked):
        return {name: (tensor.shape, tensor.dtype) for name, tensor in tensors.items()}
    wide = {np.dtype(np.int8): np.dtype(np.float32), np.dtype(np.float16): np.dtype(np.float32)}
    stored = {name: tensors.stored[name] for name in tensors}
    return {name: (tensor.shape, wide.get(tensor.dtype, tensor.dtype)) for name, tensor in stored.items()}


def are_finite(tensors: Tensors) -> bool:
    """Return whether all numbers of tensors are finite.

    A matrix of 8 bits is unpacked for that only if its scales are so large that they do not say.
    """
    for name in tensors:
        rows = find_rows(tensors, name)
        with np.errstate(over="ignore", invalid="ignore"):
            if rows is not None and np.isfinite(rows[1] * MOST_OF_BYTE).all():
                continue
            if not np.isfinite(tensors[name]).all():
                return False
    return True


def has_bytes(tensors: Tensors) -> bool:
    """Return whether some of the tensors of a file have 8 bits."""
    return any(tensor.dtype == np.int8 for tensor in tensors.values())


def are_packed(tensors: Tensors) -> bool:
    """Return whether the tensors of a file are as `pack` stores them, so that they can be written again unchanged."""
    for name, tensor in tensors.items():
        if tensor.dtype == np.int8:
            scales = tensors[name + SCALE]
            largest = np.maximum(tensor.max(axis=1, initial=0), -tensor.min(axis=1, initial=0).astype(np.int16))
            empty = (largest == 0) & (scales == 1)
            if not np.array_equal(_shorten(scales), scales) or not ((largest == LARGEST) | empty).all():
                return False
            parts = (part * scales[: len(part), None] for part in (tensor[:FIRST], tensor))
            if all(_narrow(part).dtype == np.float16 for part in parts):  # 16 bits would hold it
                return False
        elif not name.endswith(SCALE) and pack(name, tensor)[name] is not tensor:
            return False
    return True


def _divide(tensor: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the rows of a matrix as whole numbers from −127 to 127, float32, and the scale of each row."""
    scales = _shorten(np.abs(tensor).max(axis=1, initial=0).astype(np.float32) / LARGEST)
    scales[scales == 0] = 1
    return np.rint(tensor / scales[:, None]), scales


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
