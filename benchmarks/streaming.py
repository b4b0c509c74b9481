"""The time and the memory of streaming: a table of made-up names to shards, and from shards to the first batches.

    python benchmarks/streaming.py
    python benchmarks/streaming.py --rows 50000000 --folder FOLDER

The process only streams; another one has written the table. Its memory is the largest that the system has counted,
with Python and all libraries.
"""

import argparse
import multiprocessing
import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from elman.data.shards import ShardedExamples
from elman.data.streaming import stream_examples
from elman.text.normalisation import Normalisation
from elman.text.vocabulary import Vocabulary

SYLLABLES = np.array(["ka", "mi", "ta", "no", "né", "öl", "ström", "son", "dorf", "berg", "ov", "ski"])
LABELS, PIECE = 176, 100_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="for the table and the shards; a temporary one if not given")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        table = Path(folder) / "names.csv"
        writer = multiprocessing.get_context("spawn").Process(target=write_table, args=(table, arguments.rows))
        writer.start()
        writer.join()
        print(f"{arguments.rows:,} rows, {table.stat().st_size / 1e6:,.0f} MB; at the start {peak():,.0f} MB of memory")
        started = time.perf_counter()
        shards = stream_examples(table, Path(folder) / "shards", normalisation=Normalisation()).shards
        seconds = time.perf_counter() - started
        size = sum(shards.index.bytes.values()) / 1e6
        print(f"{len(shards)} shards, {size:,.0f} MB: {arguments.rows / seconds:,.0f} rows a second, {peak():,.0f} MB")
        source = ShardedExamples(
            shards, Vocabulary.from_counts(shards.index.symbols), lambda shard: np.ones(len(shard), np.float32)
        )
        started = time.perf_counter()
        examples = sum(len(batch.weights) for batch in source.batches(128, np.random.default_rng(0)))
        seconds = time.perf_counter() - started
        print(f"batches of 128: {examples / seconds:,.0f} examples a second, {peak():,.0f} MB")


def write_table(path: Path, rows: int) -> None:
    """Write names of six syllables with random labels."""
    draw = np.random.default_rng(1)
    with open(path, "w", encoding="utf-8") as file:
        file.write("name,label\n")
        for start in range(0, rows, PIECE):
            count = min(PIECE, rows - start)
            names = SYLLABLES[draw.integers(0, len(SYLLABLES), (count, 6))].tolist()
            labels = draw.integers(0, LABELS, count).tolist()
            pairs = zip(names, labels, strict=True)
            file.write("".join(f"{''.join(one[:3])} {''.join(one[3:])},L{label}\n" for one, label in pairs))


def peak() -> float:
    """Return the most memory that this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
