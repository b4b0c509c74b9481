"""Many strings as ids in two arrays: what fast code reads, without an object for each string."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class EncodedStrings:
    """Strings as symbol ids, one behind the other.

    It counts and indexes as a sequence of (T,) arrays.

    Args:
        ids: of all symbols, (characters,), integers.
        lengths: symbols of each string, (N,), int64, at least 1.

    >>> strings = EncodedStrings.gathered([np.array([3, 1]), np.array([2])])
    >>> len(strings), strings[0].tolist(), strings.chosen(np.array([1, 0])).ids.tolist()
    (2, [3, 1], [2, 3, 1])
    """

    ids: NDArray[Any]
    lengths: NDArray[np.int64]

    @classmethod
    def gathered(cls, sequences: "Sequence[NDArray[Any]] | EncodedStrings") -> "EncodedStrings":
        """Gather the ids of separate strings, each (T,); strings that are gathered already stay as they are."""
        if isinstance(sequences, EncodedStrings):
            return sequences
        lengths = np.fromiter(map(len, sequences), np.int64, len(sequences))
        return cls(np.concatenate(sequences) if len(sequences) else np.empty(0, np.int64), lengths)

    def __len__(self) -> int:
        """Return the number of strings."""
        return len(self.lengths)

    def __getitem__(self, position: int) -> NDArray[Any]:
        """Return the ids of one string, (T,)."""
        start = self.starts[position]
        return self.ids[start : start + self.lengths[position]]

    def separate(self) -> list[NDArray[Any]]:
        """Return the ids of each string, (T,) each."""
        return np.split(self.ids, self.starts[1:]) if len(self) else []

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """Where each string begins among the ids, (N,), int64."""
        starts: NDArray[np.int64] = np.cumsum(self.lengths) - self.lengths
        return starts

    def chosen(self, rows: NDArray[np.int64]) -> "EncodedStrings":
        """Return the strings at ``rows``, in that order."""
        lengths = self.lengths[rows]
        moved = np.repeat(self.starts[rows] - (np.cumsum(lengths) - lengths), lengths)
        return EncodedStrings(self.ids[moved + np.arange(len(moved))], lengths)
