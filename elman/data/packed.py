"""Packed examples: strings that are read and strings that are written, in batches without a padded step.

The sources of a batch have one length. Its targets differ in length; the longest is first, so that at step t the first
n_t of them have a symbol, or the mark of their end. *Packed* are the targets of all steps, one step after the other.

    targets   b a d ●      packed   b a h  a h i  d i ●  ● ●
              a h i ●      sizes    3 3 3 2
              h i ●
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from elman.data.batches import Batch
from elman.errors import SettingError
from elman.text.targets import MARK

NO_SYMBOL = -1


class PackedExamples:
    """Pairs of encoded strings, grouped by the length of their source: a source of batches.

    Args:
        sources: ids of each string that is read, (T,), int64, at least one.
        targets: ids of each string that is written, (S,), int64, without the mark of the end.
        weights: how much each pair counts, (N,); ones if None.
        labels: ids of the labels that condition what is written, (N,), int64; None if none does.

    >>> examples = PackedExamples([np.array([7, 8])] * 2, [np.array([5]), np.array([5, 6])])
    >>> batch = next(examples.batches(2))
    >>> batch.targets.tolist(), batch.sizes, batch.positions.tolist()
    ([5, 5, 6, 0, 0], (2, 2, 1), [1, 0])
    """

    def __init__(
        self,
        sources: Sequence[NDArray[np.int64]],
        targets: Sequence[NDArray[np.int64]],
        weights: NDArray[np.float32] | None = None,
        labels: NDArray[np.int64] | None = None,
    ) -> None:
        self.weights = np.ones(len(sources), np.float32) if weights is None else weights.astype(np.float32)
        self.labels = labels
        self.answers = sum(len(target) + 1 for target in targets)
        by_length: defaultdict[int, list[int]] = defaultdict(list)
        for position, source in enumerate(sources):
            by_length[len(source)].append(position)
        self._groups = []
        for _, members in sorted(by_length.items()):
            read = np.stack([sources[position] for position in members], axis=1)
            self._groups.append((np.array(members), read, _align([targets[position] for position in members])))

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.weights)

    def steps(self, batch_size: int) -> int:
        """Return how many batches of at most ``batch_size`` pairs hold all of them once."""
        return sum(-(-len(positions) // batch_size) for positions, _, _ in self._groups)

    def batches(self, batch_size: int, shuffle: np.random.Generator | None = None, *, skip: int = 0) -> Iterator[Batch]:
        """Yield every pair once; arguments as in `elman.data.batches.EncodedExamples.batches`."""
        pieces: list[tuple[int, NDArray[np.int64]]] = []
        for group, (positions, _, _) in enumerate(self._groups):
            order = np.arange(len(positions)) if shuffle is None else shuffle.permutation(len(positions))
            pieces += [(group, order[start : start + batch_size]) for start in range(0, len(order), batch_size)]
        places = np.arange(len(pieces)) if shuffle is None else shuffle.permutation(len(pieces))
        for group, members in (pieces[piece] for piece in places[skip:]):
            yield self._batch(group, members)

    def draw(self, draws: int, shuffle: np.random.Generator) -> Iterator[Batch]:
        """Refuse to draw pairs label by label.

        Raises:
            SettingError: always.
        """
        raise SettingError("only examples with a label each can be drawn label by label; leave draws out")

    def _batch(self, group: int, members: NDArray[np.int64]) -> Batch:
        positions, sources, targets = self._groups[group]
        lengths = (targets[:, members] != NO_SYMBOL).sum(0)
        members = members[np.argsort(-lengths, kind="stable")]
        chosen, written = positions[members], targets[: lengths.max(), members]
        is_symbol = written != NO_SYMBOL
        return Batch(
            inputs=np.ascontiguousarray(sources[:, members]),
            targets=written[is_symbol],
            weights=np.broadcast_to(self.weights[chosen], written.shape)[is_symbol],
            positions=chosen,
            sizes=tuple(is_symbol.sum(1).tolist()),
            labels=None if self.labels is None else self.labels[chosen],
        )


def _align(targets: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return targets with the mark of their end as columns, (longest + 1, n), and `NO_SYMBOL` after it."""
    aligned = np.full((max(map(len, targets)) + 1, len(targets)), NO_SYMBOL, np.int64)
    for column, target in enumerate(targets):
        aligned[: len(target), column] = target
        aligned[len(target), column] = MARK
    return aligned
