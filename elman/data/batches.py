"""Batches: encoded examples in groups of equal length, so that nothing is padded, packed or masked."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elman.records import Example
from elman.vocab import Labels, Vocabulary


@dataclass(frozen=True)
class Batch:
    """Sequences of one length.

    Args:
        inputs: symbol ids, (T, B), int64.
        targets: label ids, (B,), int64.
        weights: how much each example counts in the loss, (B,), float32.
        positions: where each example stands in the data it was drawn from, (B,), int64.
    """

    inputs: NDArray[np.int64]
    targets: NDArray[np.int64]
    weights: NDArray[np.float32]
    positions: NDArray[np.int64]


class EncodedExamples:
    """Examples as ids, gathered by length: what batches are drawn from.

    Args:
        examples: with normalised text of at least one symbol.
        vocabulary: to encode the text with.
        labels: to encode the labels with.
        weights: one for each example, (len(examples),); ones where None.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        vocabulary: Vocabulary,
        labels: Labels,
        weights: NDArray[np.float32] | None = None,
    ) -> None:
        self.targets = labels.encode([example.label for example in examples])
        self.weights = np.ones(len(examples), np.float32) if weights is None else weights.astype(np.float32)
        by_length: defaultdict[int, list[int]] = defaultdict(list)
        for position, example in enumerate(examples):
            by_length[len(example.text)].append(position)
        self._groups = []
        for _, members in sorted(by_length.items()):
            ids = np.stack([vocabulary.encode(examples[position].text) for position in members], axis=1)
            self._groups.append((np.array(members), ids))

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.targets)

    def steps(self, batch_size: int) -> int:
        """Return how many batches of at most ``batch_size`` hold all examples once."""
        return sum(-(-len(positions) // batch_size) for positions, _ in self._groups)

    def batches(self, batch_size: int, shuffle: np.random.Generator | None = None) -> Iterator[Batch]:
        """Yield every example once, in batches of at most ``batch_size`` sequences of one length.

        Args:
            batch_size: B at most.
            shuffle: draws the order of examples within each length and the order of batches; None keeps both.
        """
        pieces: list[tuple[int, NDArray[np.int64]]] = []
        for group, (positions, _) in enumerate(self._groups):
            order = np.arange(len(positions)) if shuffle is None else shuffle.permutation(len(positions))
            pieces += [(group, order[start : start + batch_size]) for start in range(0, len(order), batch_size)]
        for piece in range(len(pieces)) if shuffle is None else shuffle.permutation(len(pieces)):
            group, members = pieces[piece]
            positions, ids = self._groups[group]
            chosen = positions[members]
            yield Batch(np.ascontiguousarray(ids[:, members]), self.targets[chosen], self.weights[chosen], chosen)
