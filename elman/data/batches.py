"""Batches: encoded examples in groups of equal length, so that nothing is padded, packed or masked."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from elman.data.augment import shift_images
from elman.errors import SettingError
from elman.records import Example
from elman.text.encoded import EncodedStrings
from elman.text.vocabulary import Labels, Vocabulary


@dataclass(frozen=True)
class Batch:
    """Sequences of one length.

    Args:
        inputs: symbol ids, (T, B), int64, or numbers, (T, B, I), float32.
        targets: label ids, (B,), int64; one for each step, (T, B), int64; or numbers, (B,), float32. If strings are
            written, the ids of their symbols, packed, (N,), int64; see `elman.data.packed`.
        weights: how much each target counts in the loss, (B,), float32; (N,) if strings are written.
        positions: of each example in the data that it comes from, (B,), int64.
        sizes: if strings are written, how many of them have a symbol at each step; None otherwise.
        labels: ids of the labels that condition what is written, (B,), int64; None if none does.
    """

    inputs: NDArray[Any]
    targets: NDArray[Any]
    weights: NDArray[np.float32]
    positions: NDArray[np.int64]
    sizes: tuple[int, ...] | None = None
    labels: NDArray[np.int64] | None = None

    def every(self, step: int, first: int = 0) -> "Batch":
        """Return the sequences ``first``, ``first + step`` and so on, which can be none."""
        mine = slice(first, None, step)
        inputs, positions = self.inputs[:, mine], self.positions[mine]
        if self.sizes is None:
            return Batch(inputs, self.targets[..., mine], self.weights[mine], positions)
        kept = np.concatenate([np.arange(size) % step == first for size in self.sizes])
        sizes = [len(range(first, size, step)) for size in self.sizes]
        return Batch(
            inputs,
            self.targets[kept],
            self.weights[kept],
            positions,
            tuple(size for size in sizes if size),
            None if self.labels is None else self.labels[mine],
        )


class BatchSource(Protocol):
    """Where training batches come from."""

    def __len__(self) -> int:
        """Return the number of examples."""

    def steps(self, batch_size: int) -> int:
        """Return how many batches of at most ``batch_size`` hold all examples once."""

    def batches(self, batch_size: int, shuffle: np.random.Generator | None = None, *, skip: int = 0) -> Iterator[Batch]:
        """Yield every example once; see `EncodedExamples.batches`."""

    def draw(self, draws: int, shuffle: np.random.Generator) -> Iterator[Batch]:
        """Yield batches of one example; see `EncodedExamples.draw`."""


class EncodedExamples:
    """Examples as numbers, grouped by length: the source of batches.

    Args:
        inputs: for each example symbol ids, (T,), int64, or int32, which batches hold as int64; numbers, (T, I),
            float32; or pixels, (T, I), uint8, which batches hold as float32 from 0 to 1.
        targets: label ids, (N,), int64; numbers, (N,), float32; or for each example its tags' ids, (T,), int64.
        weights: one for each example, (N,); ones if None.
        shift: move images at random by up to so many rows and columns in shuffled batches.
    """

    def __init__(
        self,
        inputs: Sequence[NDArray[Any]],
        targets: NDArray[Any] | Sequence[NDArray[np.int64]],
        weights: NDArray[np.float32] | None = None,
        *,
        shift: int = 0,
    ) -> None:
        self.shift = shift
        self.weights = np.ones(len(inputs), np.float32) if weights is None else weights.astype(np.float32)
        by_length: defaultdict[int, list[int]] = defaultdict(list)
        for position, sequence in enumerate(inputs):
            by_length[len(sequence)].append(position)
        self.targets = targets
        self._groups = []
        self._positions = np.empty((len(inputs), 2), np.int64)  # the group of each example, and its place there
        for group, (_, members) in enumerate(sorted(by_length.items())):
            self._place(group, np.array(members))
            sequences = np.stack([inputs[position] for position in members], axis=1)
            of_group = [targets[position] for position in members]
            aligned = np.stack(of_group, axis=-1) if np.ndim(of_group[0]) else np.array(of_group)
            self._groups.append((np.array(members), sequences, aligned))

    @classmethod
    def of_strings(
        cls,
        examples: Sequence[Example],
        vocabulary: Vocabulary,
        labels: Labels,
        weights: NDArray[np.float32] | None = None,
    ) -> "EncodedExamples":
        """Encode labelled strings.

        Args:
            examples: with normalised text of at least one symbol.
            vocabulary: to encode the text with.
            labels: to encode the labels with.
            weights: as in `EncodedExamples`.
        """
        strings = vocabulary.encode_all([example.text for example in examples])
        return cls.of_encoded(strings, labels.encode([example.label for example in examples]), weights)

    @classmethod
    def of_encoded(
        cls, strings: EncodedStrings, targets: NDArray[Any], weights: NDArray[np.float32] | None = None
    ) -> "EncodedExamples":
        """Return examples that are encoded already, with one target each.

        Args:
            strings: N of them.
            targets: label ids, (N,), int64, or numbers, (N,), float32.
            weights: as in `EncodedExamples`.
        """
        examples = cls([], targets[:0])
        examples.targets = targets
        examples.weights = np.ones(len(strings), np.float32) if weights is None else weights.astype(np.float32)
        examples._positions = np.empty((len(strings), 2), np.int64)
        for group, length in enumerate(np.unique(strings.lengths)):
            members = np.flatnonzero(strings.lengths == length)
            sequences = strings.ids[strings.starts[members] + np.arange(length)[:, None]]
            examples._place(group, members)
            examples._groups.append((members, sequences, targets[members]))
        return examples

    def _place(self, group: int, members: NDArray[np.int64]) -> None:
        """Note the group of some examples, and their places there."""
        self._positions[members, 0], self._positions[members, 1] = group, np.arange(len(members))

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.weights)

    @property
    def answers(self) -> int:
        """How many targets all examples have: one each, or one for each step."""
        return sum(targets.size for _, _, targets in self._groups)

    def steps(self, batch_size: int) -> int:
        """Return how many batches of at most ``batch_size`` hold all examples once."""
        return sum(-(-len(positions) // batch_size) for positions, _, _ in self._groups)

    def batches(self, batch_size: int, shuffle: np.random.Generator | None = None, *, skip: int = 0) -> Iterator[Batch]:
        """Yield every example once, in batches of at most ``batch_size`` sequences of one length.

        Args:
            batch_size: B at most.
            shuffle: draws the order of examples within each length and of batches; None: the order of the data.
            skip: leave out so many batches at the beginning; the others are the same.
        """
        pieces: list[tuple[int, NDArray[np.int64]]] = []
        for group, (positions, _, _) in enumerate(self._groups):
            order = np.arange(len(positions)) if shuffle is None else shuffle.permutation(len(positions))
            pieces += [(group, order[start : start + batch_size]) for start in range(0, len(order), batch_size)]
        places = np.arange(len(pieces)) if shuffle is None else shuffle.permutation(len(pieces))
        if self.shift and shuffle is not None:
            for group, members in (pieces[piece] for piece in places[:skip]):  # they draw how far their images move
                self._batch(group, members, shuffle)
        for group, members in (pieces[piece] for piece in places[skip:]):
            yield self._batch(group, members, shuffle)

    def draw(self, draws: int, shuffle: np.random.Generator) -> Iterator[Batch]:
        """Yield batches of one example: a label drawn uniformly, then an example of it by its weight (tutorial T1).

        The draw uses the weights up, so each example that is drawn counts as 1.

        Args:
            draws: how many.
            shuffle: draws the labels and the examples.

        Raises:
            SettingError: the targets are not labels.
        """
        if not isinstance(self.targets, np.ndarray) or self.targets.dtype.kind != "i":
            raise SettingError("only examples with a label each can be drawn label by label; leave draws out")
        members = [np.flatnonzero(self.targets == label) for label in np.unique(np.asarray(self.targets))]
        upto = [np.cumsum(self.weights[of_label], dtype=np.float64) for of_label in members]
        for _ in range(draws):
            label = shuffle.integers(len(members))
            drawn = np.searchsorted(upto[label], shuffle.random() * upto[label][-1], side="right")
            group, member = self._positions[members[label][drawn]]
            batch = self._batch(group, np.array([member]), shuffle)
            yield Batch(batch.inputs, batch.targets, np.ones(1, np.float32), batch.positions)

    def _batch(self, group: int, members: NDArray[np.int64], shuffle: np.random.Generator | None) -> Batch:
        positions, sequences, targets = self._groups[group]
        chosen, inputs = positions[members], sequences[:, members]
        if self.shift and shuffle is not None:
            inputs = shift_images(inputs, self.shift, shuffle)
        if inputs.dtype == np.uint8:
            inputs = inputs.astype(np.float32) / 255
        elif inputs.dtype == np.int32:
            inputs = inputs.astype(np.int64)
        return Batch(np.ascontiguousarray(inputs), targets[..., members], self.weights[chosen], chosen)
