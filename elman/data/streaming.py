"""Streaming: from a source larger than memory to a folder of shards, in two passes.

The first pass reads the source some rows at a time, normalises the strings, and writes them to bucket files by the hash
of the string without its accents. All copies and spellings of a string are then in one bucket, which fits in memory, so
the second pass can count copies, divide the strings into parts and add spellings without accents bucket by bucket, as
`elman.data.splits` and `elman.data.augment` do for examples in memory.
"""

import errno
import os
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.checks import count_of
from elman.data.augment import add_folded_spellings
from elman.data.columns import list_tables
from elman.data.examples import BLANK, MAX_CHARACTERS, Columns, Reading, Tally, read_strings
from elman.data.shards import Index, Shard, Shards, name_part, name_shard
from elman.data.splits import (
    PARTS,
    Borders,
    check_hashed,
    fingerprint_counts,
    fold_all,
    hash_strings,
)
from elman.errors import DataError, TrainingError
from elman.records import Example
from elman.tables.formats import TextOptions
from elman.tables.sql.queries import Query
from elman.text.normalisation import Normalisation
from elman.text.scripts import has_letter
from elman.text.vocabulary import MOST_LABELS, Labels

SHARD_BYTES = 2**28
"""About how much memory a shard takes at most while it is encoded."""

BUCKETS = 256
"""How many files the first pass writes; each must fit in memory as Python objects."""

WAITING_CHARACTERS = 2**23
"""How many characters wait to be written to buckets together."""

SAMPLE = 20_000
"""How many rows of the source are kept as they are, to advise on settings."""

LEAST_FREE = 2**26
"""Bytes of the disk that are left free."""

OnRows = Callable[[str, int], None]
"""Called with ``read`` or ``written`` and the number of rows so far."""


@dataclass(frozen=True)
class StreamedReading(Reading):
    """Examples in shards. Those in ``examples`` are a sample of the rows that train, as they are in the source.

    Args:
        shards: all examples.
    """

    shards: Shards = field(kw_only=True)

    @classmethod
    def of_shards(cls, shards: Shards) -> "StreamedReading":
        """Return the examples of a complete folder of shards."""
        index = shards.index
        return cls(
            shards.load_part("sample"), index.lines, index.dropped, index.repaired, tuple(index.notes), shards=shards
        )


def stream_examples(
    path: Path | str | Query,
    folder: Path,
    *,
    normalisation: Normalisation,
    seed: int = 0,
    test_share: float = 0.1,
    validation_share: float = 0.05,
    text: str = "name",
    label: str = "label",
    max_characters: int = MAX_CHARACTERS,
    options: TextOptions | None = None,
    on_error: str = "skip",
    shard_bytes: int | None = None,
    on_rows: OnRows | None = None,
) -> StreamedReading:
    """Write the examples of a source to shards; shards of the same source that are complete are used again.

    If anything fails, the folder is removed.

    Args:
        path: as in `elman.data.examples.read_examples`.
        folder: of the shards. What else it holds is removed.
        normalisation: how strings are prepared.
        seed: of the hash that divides the strings and the shards.
        test_share: as in `elman.data.splits.split_examples`.
        validation_share: as there.
        text: as in `elman.data.examples.read_examples`.
        label: as there.
        max_characters: as there.
        options: as there.
        on_error: as there.
        shard_bytes: about how much memory a shard takes at most; `SHARD_BYTES` if None.
        on_rows: shows how far it is.

    Raises:
        DataError: the source cannot be read, there are too few examples to split, or too many labels.
        TrainingError: the disk is full.
    """
    shard_bytes = SHARD_BYTES if shard_bytes is None else shard_bytes
    borders = Borders(test_share, validation_share)
    origin = {
        "source": _describe_source(path),
        "reading": [text, label, max_characters, str(options or TextOptions()), on_error, str(normalisation)],
        "split": [seed, test_share, validation_share, borders.most],
        "shards": [shard_bytes, BUCKETS],
    }
    found = Shards.open(folder)
    if found is not None and found.index.origin == origin:
        return StreamedReading.of_shards(found)
    with _write_folder(folder):
        rows = _Rows(folder, borders, seed, on_rows)
        columns = read_strings(
            path,
            rows.tally,
            text=text,
            label=label,
            max_characters=max_characters,
            options=options,
            on_error=on_error,
        )
        rows.distribute(columns, normalisation)
        return StreamedReading.of_shards(_Compaction(rows, folder, shard_bytes).run(origin, on_rows))


def normalise_columns(
    columns: Iterator[Columns], normalisation: Normalisation, tally: Tally
) -> Iterator[tuple[Sequence[str], Sequence[str], Sequence[str]]]:
    """Yield some strings, their labels and their normalised texts; strings without a text are dropped and counted."""
    for strings, labels in columns:
        texts = normalisation.apply_all(strings)
        if all(texts):
            yield strings, labels, texts
            continue
        kept = [place for place, text in enumerate(texts) if text]
        tally.examples -= len(texts) - len(kept)
        tally.dropped[BLANK] += len(texts) - len(kept)
        yield (
            [strings[place] for place in kept],
            [labels[place] for place in kept],
            [texts[place] for place in kept],
        )


class _Rows:
    """The rows of the source after the first pass, in buckets.

    Args:
        folder: of the buckets.
        borders: of the parts.
        seed: of the hash.
        on_rows: shows how far it is.
    """

    def __init__(self, folder: Path, borders: Borders, seed: int, on_rows: OnRows | None) -> None:
        self.folder, self.borders, self.seed, self.on_rows = folder, borders, seed, on_rows
        self.tally = Tally()
        self.labels: Counter[str] = Counter()
        self.sample = _Sample(SAMPLE, seed)
        self._waiting: defaultdict[int, list[str]] = defaultdict(list)
        self._characters = 0

    def distribute(self, columns: Iterator[Columns], normalisation: Normalisation) -> None:
        """Normalise all strings, and write each with its label to the bucket of its hash."""
        for strings, labels, texts in normalise_columns(columns, normalisation, self.tally):
            folds = fold_all(texts)
            hashes = hash_strings(map(folds.__getitem__, texts), self.seed)
            self.borders.add(hashes)
            self.sample.add(strings, labels, hashes)
            self._count(labels)
            for bucket, text, label in zip((hashes % BUCKETS).tolist(), texts, labels, strict=True):
                self._waiting[bucket].append(f"{text}\t{folds[text]}\t{label}\n")
            self._characters += 2 * sum(map(len, texts)) + sum(map(len, labels))
            if self._characters >= WAITING_CHARACTERS:
                self._write()
            if self.on_rows is not None:
                self.on_rows("read", self.tally.lines)
        self._write()

    def _count(self, labels: Sequence[str]) -> None:
        self.labels.update(labels)
        if len(self.labels) > MOST_LABELS:
            Labels(tuple(self.labels))  # refuses them

    def _write(self) -> None:
        """Append what waits to the buckets, if the disk has room for it."""
        _check_disk(self.folder)
        for bucket, lines in self._waiting.items():
            with open(self._path(bucket), "ab") as file:
                file.write("".join(lines).encode("utf-8", "surrogatepass"))
        self._waiting.clear()
        self._characters = 0

    def take(self, bucket: int) -> tuple[list[Example], dict[str, str]]:
        """Return the examples of a bucket, each text and label once, with their folds, and remove its file."""
        path = self._path(bucket)
        if not path.exists():
            return [], {}
        lines = path.read_bytes().decode("utf-8", "surrogatepass").split("\n")
        path.unlink()
        counts = Counter(lines)
        del counts[""]
        rows = [line.split("\t") for line in counts]
        examples = [Example(text, label, count) for (text, _, label), count in zip(rows, counts.values(), strict=True)]
        return examples, {text: fold for text, fold, _ in rows}

    def choose_parts(self, examples: Sequence[Example], folds: dict[str, str]) -> NDArray[np.int64]:
        """Return the position in `PARTS` of the part of each example, (N,)."""
        return self.borders.choose_parts(hash_strings((folds[example.text] for example in examples), self.seed))

    def _path(self, bucket: int) -> Path:
        return self.folder / f"bucket-{bucket:03}"


class _Sample:
    """Some rows of the source, drawn at random in one pass."""

    def __init__(self, most: int, seed: int) -> None:
        self._most, self._draw, self._border = most, np.random.default_rng(seed), 1.0
        self._kept: list[tuple[float, Example, int]] = []

    def add(self, strings: Sequence[str], labels: Sequence[str], hashes: NDArray[np.uint64]) -> None:
        """Offer rows with the hashes of their strings; those with the lowest drawn numbers are kept."""
        drawn = self._draw.random(len(strings))
        for row in np.flatnonzero(drawn < self._border).tolist():
            self._kept.append((float(drawn[row]), Example(strings[row], labels[row]), int(hashes[row])))
        if len(self._kept) > 2 * self._most:
            self._keep()

    def _keep(self) -> None:
        self._kept.sort(key=lambda one: one[0])
        del self._kept[self._most :]
        if len(self._kept) == self._most:
            self._border = self._kept[-1][0]

    def list_training(self, borders: Borders) -> list[Example]:
        """Return the rows that train."""
        self._keep()
        parts = borders.choose_parts(np.array([one[2] for one in self._kept], np.uint64))
        return [one[1] for one, part in zip(self._kept, parts.tolist(), strict=True) if PARTS[part] == "train"]


class _Compaction:
    """The second pass: from buckets to shards, and what is counted meanwhile.

    Args:
        rows: of the source.
        folder: of the shards.
        shard_bytes: about how much memory a shard takes at most.
    """

    def __init__(self, rows: _Rows, folder: Path, shard_bytes: int) -> None:
        self.rows, self.folder, self.shard_bytes = rows, folder, shard_bytes
        if not rows.labels:
            reasons = ", ".join(f"{count:,} {reason}" for reason, count in rows.tally.dropped.items() if count)
            message = f"no usable example in {count_of(rows.tally.lines, 'line')}; dropped: {reasons or 'none'}"
            raise DataError(message, code="empty_table")
        self.labels = Labels.from_names(rows.labels)
        self.parts: dict[str, list[Example]] = {"validation": [], "test": []}
        self.strings: dict[str, Counter[str]] = {part: Counter() for part in PARTS}
        self.symbols: Counter[str] = Counter()
        self.copies: Counter[str] = Counter()
        self.letterless: Counter[str] = Counter()
        self.counts: Counter[tuple[str, int]] = Counter()
        self.lengths: list[list[tuple[int, int]]] = []
        self.fingerprint = ""
        self._waiting: list[Shard] = []

    def run(self, origin: dict[str, Any], on_rows: OnRows | None) -> Shards:
        """Write the shards and their index."""
        written = 0
        for bucket in range(BUCKETS):
            examples, folds = self.rows.take(bucket)
            self._add(examples, folds)
            written += sum(example.count for example in examples)
            if on_rows is not None:
                on_rows("written", written)
        self._write_shard()
        check_hashed([self.strings[part].total() for part in PARTS])
        for part, examples in self.parts.items():
            Shard.of_examples(examples, self.labels).save(self.folder / name_part(part))
        sample = self.rows.sample.list_training(self.rows.borders)
        Shard.of_examples(sample, self.labels).save(self.folder / name_part("sample"))
        return Shards.complete(self.folder, self._index(origin))

    def _add(self, examples: Sequence[Example], folds: dict[str, str]) -> None:
        """Divide the examples of a bucket, and add those that train to the next shard."""
        chosen = self.rows.choose_parts(examples, folds).tolist()
        parts: dict[str, list[Example]] = {part: [] for part in PARTS}
        for example, part in zip(examples, chosen, strict=True):
            parts[PARTS[part]].append(example)
        self.fingerprint = fingerprint_counts(parts, self.fingerprint)
        for part, some in parts.items():
            self.strings[part].update(example.label for example in some)
            if part in self.parts:
                self.parts[part] += some
        own = parts["train"]
        learned = add_folded_spellings(own, folds=folds)
        self.symbols.update(chain.from_iterable(example.text for example in learned))
        for example in own:
            self.copies[example.label] += example.count
        self.letterless.update(example.label for example in own if not has_letter(example.text))
        self.counts.update((example.label, example.count) for example in learned)
        shard = Shard.of_examples(learned, self.labels, own=len(own))
        if sum(one.bytes for one in self._waiting) + shard.bytes > self.shard_bytes:
            self._write_shard()
        self._waiting.append(shard)

    def _write_shard(self) -> None:
        shard = Shard.join(self._waiting) if self._waiting else None
        self._waiting = []
        if shard is None or not len(shard):
            return
        _check_disk(self.folder)
        shard.save(self.folder / name_shard(len(self.lengths)))
        lengths, counts = np.unique(shard.lengths, return_counts=True)
        self.lengths.append(list(zip(lengths.tolist(), counts.tolist(), strict=True)))

    def _index(self, origin: dict[str, Any]) -> Index:
        tally, names = self.rows.tally, self.labels.names
        ids = {name: position for position, name in enumerate(names)}
        return Index(
            origin=origin,
            lines=tally.lines,
            dropped={reason: count for reason, count in tally.dropped.items() if count},
            repaired=dict(tally.repaired),
            notes=tally.notes,
            labels=list(names),
            rows=[self.rows.labels[name] for name in names],
            strings={part: [counter[name] for name in names] for part, counter in self.strings.items()},
            copies=[self.copies[name] for name in names],
            fingerprint=self.fingerprint,
            symbols=dict(self.symbols),
            counts=[(ids[label], copies, count) for (label, copies), count in sorted(self.counts.items())],
            letterless=[self.letterless[name] for name in names],
            lengths=self.lengths,
            bytes={path.name: path.stat().st_size for path in sorted(self.folder.glob("*.npz"))},
        )


def _describe_source(path: Path | str | Query) -> list[Any]:
    """Return the names, sizes and times of the files of a source, or the digest of a query, to recognise the source."""
    if isinstance(path, Query):
        return [path.to_dict()]
    path = Path(path)
    names = list_tables(path) or ([str(file) for file in sorted(path.iterdir())] if path.is_dir() else [])
    stats = [(os.path.abspath(name), os.stat(name)) for name in names]
    return [[name, found.st_size, found.st_mtime_ns] for name, found in stats]


@contextmanager
def _write_folder(folder: Path) -> Iterator[None]:
    """Make an empty folder, which is removed if what is written to it remains incomplete."""
    is_new = not folder.parent.exists()
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        yield
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        if is_new:
            with suppress(OSError):
                folder.parent.rmdir()
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _explain_full_disk(folder) from None
        raise


def _check_disk(folder: Path) -> None:
    """Check that the disk has some room.

    Raises:
        TrainingError: it has not.
    """
    if shutil.disk_usage(folder).free < LEAST_FREE:
        raise _explain_full_disk(folder)


def _explain_full_disk(folder: Path) -> TrainingError:
    return TrainingError(
        f"{folder}: the disk is full, and the shards need about as much room as the columns of strings and labels; "
        "free some, or give a folder on another disk with --out"
    )
