"""Reusable buffers: new memory costs more than much of the arithmetic in it."""

import weakref
from collections import deque
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

LARGE = 2**18
"""Bytes from which on a buffer is pooled; for less, the allocator is as fast as the pool."""


class BufferPool:
    """Memory that the passes of one module use again and again.

    A buffer is in use while any tensor refers to its memory: a view, or what autograd saved for a backward pass. It
    returns to the pool when the last of them is deleted, and no earlier: whether a graph is kept or dropped, under
    `torch.utils.checkpoint`, and if threads share the module.

    >>> pool, like = BufferPool(), torch.empty(0)
    >>> first = pool.take("gates", like, 256, 256)
    >>> address = first.data_ptr()
    >>> pool.take("gates", like, 256, 256).data_ptr() == address
    False
    >>> del first
    >>> pool.take("gates", like, 256, 256).data_ptr() == address
    True
    """

    def __init__(self) -> None:
        self._free: dict[str, deque[NDArray[Any]]] = {}  # threads may share it: append and pop of a deque are atomic

    def __reduce__(self) -> tuple[type["BufferPool"], tuple[()]]:
        """Make a copy of a module start with an empty pool."""
        return BufferPool, ()

    def take(self, name: str, like: Tensor, *shape: int) -> Tensor:
        """Return a tensor with arbitrary values.

        Args:
            name: what it is for; buffers of one name share memory, one after the other.
            like: a tensor of the same type, on the same device. Only the memory of the CPU is pooled.
            shape: of the tensor.
        """
        size = torch.Size(shape).numel() * like.element_size()
        if size < LARGE or like.device.type != "cpu":
            return like.new_empty(shape)
        free = self._free.setdefault(name, deque())
        try:
            memory = free.pop()  # the one used last: most likely it is still in the cache
        except IndexError:
            memory = _allocate(size)
        if memory.nbytes < size:
            memory = _allocate(size)
        # Only the storage of the new tensor refers to `lent`: it is deleted together with the last tensor on it.
        lent = memory[:size]
        weakref.finalize(lent, free.append, memory).atexit = False
        return torch.frombuffer(lent, dtype=like.dtype).view(shape)


def _allocate(size: int) -> NDArray[Any]:
    """Return new memory of this many bytes, aligned as torch aligns it."""
    memory: NDArray[Any] = torch.empty(size, dtype=torch.uint8, device="cpu").numpy()
    return memory
