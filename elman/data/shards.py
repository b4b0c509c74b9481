"""Shards: encoded examples in files, each small enough for memory, and the batches that are drawn from them.

A shard is an ``.npz`` file of five arrays, without pickled objects. All spellings of a string are in one shard. The
folder also holds the validation and the test part, in the same form, and ``index.json``, which is written last: without
it the shards are incomplete. `elman.data.streaming` writes all of them.
"""

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from elman.data.batches import Batch, EncodedExamples
from elman.errors import SettingError, TrainingError
from elman.files import open_atomically, write_atomically
from elman.records import Example
from elman.text.vocabulary import Labels, Vocabulary

INDEX = "index.json"

CHARACTER_BYTES, EXAMPLE_BYTES = 18, 64
"""About how much memory a character and an example of a shard take while the shard is encoded."""


@dataclass(frozen=True)
class Shard:
    """Some examples, in the order of the file.

    Args:
        text: all strings one after the other, UTF-8, uint8.
        lengths: characters of each string, (N,), int64.
        labels: label ids, (N,), int64.
        counts: how many copies each example represents, (N,), int64.
        folded: whether it is a spelling without accents that was added for training, (N,), bool.
    """

    text: NDArray[np.uint8]
    lengths: NDArray[np.int64]
    labels: NDArray[np.int64]
    counts: NDArray[np.int64]
    folded: NDArray[np.bool_]

    @classmethod
    def of_examples(cls, examples: Sequence[Example], labels: Labels, *, own: int | None = None) -> "Shard":
        """Return a shard of normalised examples.

        Args:
            examples: N of them.
            labels: all labels.
            own: how many of the examples come from the source; all if None. Those after them were added for training.
        """
        text = "".join(example.text for example in examples).encode("utf-8", "surrogatepass")
        return cls(
            np.frombuffer(text, np.uint8),
            np.fromiter((len(example.text) for example in examples), np.int64, len(examples)),
            labels.encode([example.label for example in examples]),
            np.fromiter((example.count for example in examples), np.int64, len(examples)),
            np.arange(len(examples)) >= (len(examples) if own is None else own),
        )

    @classmethod
    def join(cls, shards: Sequence["Shard"]) -> "Shard":
        """Return the examples of several shards in one."""
        columns = (np.concatenate([getattr(one, field.name) for one in shards]) for field in fields(cls))
        return cls(*columns)

    @classmethod
    def load(cls, path: Path) -> "Shard":
        """Read a shard.

        Raises:
            TrainingError: the file is missing or damaged.
        """
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return cls(*(arrays[field.name].astype(kind) for field, kind in zip(fields(cls), _KINDS, strict=True)))
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            raise TrainingError(
                f"{path}: is missing or damaged ({error}); remove {path.parent} and start again"
            ) from None

    def save(self, path: Path) -> None:
        """Write the shard, whole or not at all."""
        stored = {field.name: getattr(self, field.name) for field in fields(self)}
        small = {"lengths": np.uint16, "labels": np.uint16}
        with open_atomically(path) as file:
            np.savez(file, **{name: array.astype(small.get(name, array.dtype)) for name, array in stored.items()})

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.lengths)

    @property
    def bytes(self) -> int:
        """About how much memory the examples take while they are encoded."""
        return CHARACTER_BYTES * int(self.lengths.sum()) + EXAMPLE_BYTES * len(self)

    def read_text(self) -> str:
        """Return all strings one after the other."""
        return self.text.tobytes().decode("utf-8", "surrogatepass")

    def select(self, names: Sequence[str], rows: NDArray[np.int64] | None = None) -> tuple[Example, ...]:
        """Return some of the examples, or all of them.

        Args:
            names: of all labels.
            rows: which examples; all if None.
        """
        joined, ends = self.read_text(), np.cumsum(self.lengths)
        rows = np.arange(len(self)) if rows is None else rows
        columns = (values[rows].tolist() for values in (ends - self.lengths, ends, self.labels, self.counts))
        return tuple(
            Example(joined[start:end], names[label], count) for start, end, label, count in zip(*columns, strict=True)
        )


_KINDS = (np.uint8, np.int64, np.int64, np.int64, np.bool_)


@dataclass(frozen=True)
class Index:
    """What ``index.json`` holds.

    Args:
        origin: of what and how the shards were made.
        lines: as in `elman.data.examples.Reading`.
        dropped: as there; of strings without a symbol after normalisation, too.
        repaired: as there.
        notes: as there.
        labels: of all parts, in alphabetical order.
        rows: of the source, of each label.
        strings: different examples of each label in each part.
        copies: rows of each label that train.
        fingerprint: of the split.
        symbols: how often each symbol is in the training part; copies of an example count once.
        counts: how many training examples represent so many copies: [label id, copies, examples].
        letterless: training examples without a letter, of each label.
        lengths: for each shard, how many examples have so many characters: [characters, examples].
        bytes: of each file.
    """

    origin: dict[str, Any]
    lines: int
    dropped: dict[str, int]
    repaired: dict[str, int]
    notes: list[str]
    labels: list[str]
    rows: list[int]
    strings: dict[str, list[int]]
    copies: list[int]
    fingerprint: str
    symbols: dict[str, int]
    counts: list[tuple[int, int, int]]
    letterless: list[int]
    lengths: list[list[tuple[int, int]]]
    bytes: dict[str, int]

    @property
    def sizes(self) -> dict[str, int]:
        """How many different examples each part holds, without spellings that were added."""
        return {part: sum(counts) for part, counts in self.strings.items()}


@dataclass(frozen=True)
class Shards:
    """A complete folder of shards.

    Args:
        folder: that holds them.
        index: what they hold.
    """

    folder: Path
    index: Index

    @classmethod
    def open(cls, folder: Path) -> "Shards | None":
        """Return the shards in a folder; None if they are missing or incomplete."""
        try:
            index = Index(**json.loads((folder / INDEX).read_text(encoding="utf-8")))
            complete = all((folder / name).stat().st_size == size for name, size in index.bytes.items())
        except (OSError, ValueError, TypeError):
            return None
        return cls(folder, index) if complete else None

    @classmethod
    def complete(cls, folder: Path, index: Index) -> "Shards":
        """Write the index of shards that are all written."""
        write_atomically(folder / INDEX, json.dumps(asdict(index)).encode())
        return cls(folder, index)

    def __len__(self) -> int:
        """Return the number of shards."""
        return len(self.index.lengths)

    def load(self, shard: int) -> Shard:
        """Read a shard by its number.

        Raises:
            TrainingError: the file is missing or damaged.
        """
        return Shard.load(self.folder / name_shard(shard))

    def load_part(self, name: str) -> tuple[Example, ...]:
        """Return the examples of the validation or the test part, or the ``sample``; see `elman.data.streaming`.

        Raises:
            TrainingError: as `load`.
        """
        return Shard.load(self.folder / name_part(name)).select(self.index.labels)

    def sample(self, most: int, seed: int) -> tuple[Example, ...]:
        """Return the training examples of the source, or so many of them, drawn at random.

        Args:
            most: at least 1.
            seed: of the draw.
        """
        draw, found, own = np.random.default_rng(seed), list[Example](), self.index.sizes["train"]
        left = own
        for number in range(len(self)):
            shard = self.load(number)
            rows = np.flatnonzero(~shard.folded)
            wanted = most - len(found)
            count = len(rows) if wanted >= left else int(draw.hypergeometric(len(rows), left - len(rows), wanted))
            left -= len(rows)
            chosen = rows if count == len(rows) else np.sort(draw.choice(rows, count, replace=False))
            found += shard.select(self.index.labels, chosen)
        return tuple(found)

    def remove(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)


class ShardedExamples:
    """Training examples in shards, of which one at a time is in memory: a source of batches.

    Shuffled batches come shard by shard. The order of the shards is drawn, and then the order within each of them.

    Args:
        shards: of the examples.
        vocabulary: to encode the strings with.
        weigh: returns how much each example of a shard counts in the loss, (N,), float32.
    """

    def __init__(self, shards: Shards, vocabulary: Vocabulary, weigh: Callable[[Shard], NDArray[np.float32]]) -> None:
        self.shards, self.vocabulary, self.weigh = shards, vocabulary, weigh
        self._lengths = [Counter(dict(pairs)) for pairs in shards.index.lengths]
        sizes = [lengths.total() for lengths in self._lengths]
        self._starts = np.cumsum([0, *sizes])

    def __len__(self) -> int:
        """Return the number of examples."""
        return int(self._starts[-1])

    def steps(self, batch_size: int) -> int:
        """Return how many batches of at most ``batch_size`` hold all examples once."""
        return sum(self._steps_of(shard, batch_size) for shard in range(len(self.shards)))

    def _steps_of(self, shard: int, batch_size: int) -> int:
        return sum(-(-count // batch_size) for count in self._lengths[shard].values())

    def batches(self, batch_size: int, shuffle: np.random.Generator | None = None, *, skip: int = 0) -> Iterator[Batch]:
        """Yield every example once; see `elman.data.batches.EncodedExamples.batches`.

        Shards of which all batches are skipped are not read.

        Raises:
            TrainingError: a shard is missing or damaged.
        """
        order = np.arange(len(self.shards)) if shuffle is None else shuffle.permutation(len(self.shards))
        seeds = None if shuffle is None else shuffle.integers(2**63, size=len(self.shards))
        for shard in order.tolist():
            steps = self._steps_of(shard, batch_size)
            if skip < steps:
                within = None if seeds is None else np.random.default_rng(seeds[shard])
                start = self._starts[shard]
                for batch in self._encode(shard).batches(batch_size, within, skip=skip):
                    yield Batch(batch.inputs, batch.targets, batch.weights, batch.positions + start)
            skip = max(0, skip - steps)

    def draw(self, draws: int, shuffle: np.random.Generator) -> Iterator[Batch]:
        """Refuse to draw single examples, label by label.

        Raises:
            SettingError: always.
        """
        raise SettingError("examples in shards cannot be drawn label by label; leave draws or --stream out")

    def _encode(self, number: int) -> EncodedExamples:
        shard = self.shards.load(number)
        strings = self.vocabulary.encode_joined(shard.read_text(), shard.lengths)
        return EncodedExamples.of_encoded(strings, shard.labels, self.weigh(shard))


def name_shard(number: int) -> str:
    """Return the name of the file of a shard.

    >>> name_shard(7)
    '00007.npz'
    """
    return f"{number:05}.npz"


def name_part(name: str) -> str:
    """Return the name of the file of the validation or the test part, or of the sample.

    >>> name_part("test")
    'test.npz'
    """
    return f"{name}.npz"
