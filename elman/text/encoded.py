"""Encoded strings: the ids of many strings in two arrays, without an object for each string."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class EncodedStrings:
    """The symbol ids of many strings, one string after the other; it behaves as a sequence of (T,) arrays.

    Args:
        ids: of all symbols, (sum of lengths,), integers.
        lengths: symbols of each string, (N,), int64; scoring needs at least 1 in each.

    >>> strings = EncodedStrings.gather([np.array([3, 1]), np.array([2])])
    >>> len(strings), strings[0].tolist(), strings.select(np.array([1, 0])).ids.tolist()
    (2, [3, 1], [2, 3, 1])
    """

    ids: NDArray[Any]
    lengths: NDArray[np.int64]

    @classmethod
    def gather(cls, sequences: "Sequence[NDArray[Any]] | EncodedStrings") -> "EncodedStrings":
        """Return separate strings, each (T,), in two arrays; `EncodedStrings` are returned unchanged."""
        if isinstance(sequences, EncodedStrings):
            return sequences
        if len(sequences) == 1:
            return cls(sequences[0], np.array([len(sequences[0])]))
        lengths = np.fromiter(map(len, sequences), np.int64, len(sequences))
        return cls(np.concatenate(sequences) if len(sequences) else np.empty(0, np.int64), lengths)

    def __len__(self) -> int:
        """Return the number of strings."""
        return len(self.lengths)

    def __getitem__(self, position: int) -> NDArray[Any]:
        """Return the ids of one string, (T,)."""
        start = self.starts[position]
        return self.ids[start : start + self.lengths[position]]

    def split(self) -> list[NDArray[Any]]:
        """Return the ids of each string in an array of its own, (T,)."""
        return np.split(self.ids, self.starts[1:]) if len(self) else []

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """Position of the first symbol of each string in ``ids``, (N,), int64."""
        starts: NDArray[np.int64] = np.cumsum(self.lengths) - self.lengths
        return starts

    def select(self, rows: NDArray[np.int64]) -> "EncodedStrings":
        """Return the strings at ``rows``, in that order."""
        lengths = self.lengths[rows]
        shift = np.repeat(self.starts[rows] - (np.cumsum(lengths) - lengths), lengths)
        return EncodedStrings(self.ids[shift + np.arange(len(shift))], lengths)

    def replace(self, rows: NDArray[np.int64], others: "EncodedStrings") -> "EncodedStrings":
        """Return the strings with others in the place of those at ``rows``.

        >>> strings = EncodedStrings.gather([np.array([3, 1]), np.array([2]), np.array([5])])
        >>> strings.replace(np.array([1]), EncodedStrings.gather([np.array([7, 7])])).ids.tolist()
        [3, 1, 7, 7, 5]
        """
        if len(rows) == 0:
            return self
        both = EncodedStrings(np.concatenate([self.ids, others.ids]), np.concatenate([self.lengths, others.lengths]))
        order = np.arange(len(self))
        order[rows] = len(self) + np.arange(len(rows))
        return both.select(order)
