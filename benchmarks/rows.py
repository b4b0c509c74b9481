"""The cost of a training step by the rows of the tables: a million beside ten thousand, in one run.

    python benchmarks/rows.py

Both networks read the same made-up names. Their bags hold the n-grams of the names, and n-grams that no name has up to
the number of rows; the tables of hashed n-grams have as many rows. Epochs of the two alternate, and the ratio is that
of the median times of a step.
"""

import argparse
import statistics
import time

import numpy as np
import torch

from elman.data.batches import EncodedExamples
from elman.model.config import ModelConfig
from elman.text.encoded import EncodedStrings
from elman.text.ngrams import inventory
from elman.training.config import TrainConfig
from elman.training.loop import train
from elman.training.network import SequenceModel
from elman.training.state import TrainingState

SYMBOLS, LABELS, NAMES, LENGTH = 30, 172, 12_800, 14


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs=2, default=(10_000, 1_000_000))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    draw = np.random.default_rng(0)
    ids = draw.zipf(1.3, NAMES * LENGTH) % (SYMBOLS - 1) + 1
    names = EncodedExamples.of_encoded(EncodedStrings(ids, np.full(NAMES, LENGTH)), draw.integers(0, LABELS, NAMES))
    states = {rows: build(names, rows, arguments.rounds) for rows in arguments.rows}
    times: dict[int, list[float]] = {rows: [] for rows in arguments.rows}
    for _ in range(arguments.rounds):
        for rows, state in states.items():
            times[rows] += time_epoch(state, names)
    medians = {rows: statistics.median(found) for rows, found in times.items()}
    for rows, seconds in medians.items():
        print(f"{rows:>9,} rows in each table: {1000 * seconds:.2f} ms a step")
    few, many = arguments.rows
    print(f"ratio: {medians[many] / medians[few]:.2f}")


def build(names: EncodedExamples, rows: int, rounds: int) -> TrainingState:
    """Return a training before its first step; each of its tables has so many rows."""
    config = ModelConfig(bag_size=64, bag_most=rows, ngram_buckets=rows)
    known = inventory((batch.inputs for batch in names.batches(4096)), config.bag_orders, 1, most=rows)
    more = np.random.default_rng(1).integers(-(2**63), 2**63 - 1, rows - len(known))
    model = SequenceModel(config, symbols=SYMBOLS, labels=LABELS, inventory=np.union1d(known, more))
    return TrainingState(model, TrainConfig(epochs=rounds), steps_in_epoch=names.steps(128))


def time_epoch(state: TrainingState, names: EncodedExamples) -> list[float]:
    """Train for one epoch, and return the seconds of each step."""
    marks = [time.perf_counter()]
    next(train(state, names, names, on_step=lambda step: marks.append(time.perf_counter())))
    return np.diff(marks).tolist()


if __name__ == "__main__":
    main()
