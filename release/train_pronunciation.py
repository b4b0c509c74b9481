"""Train the model `pronunciation` in two steps: much dropout first, then little.

    python release/train_pronunciation.py --out FOLDER [--data FOLDER] [--threads 1]

The first step is 20 of 24 epochs with dropout of 0.3. It fits the words badly: its accuracy in training, with dropout, is that of
the validation part. The second step begins with its weights and takes 7 epochs with dropout of 0.1 and a new schedule. The
same command continues an interrupted run.
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from elman.data.pairs import PairReading
from elman.data.reading import read_named
from elman.reports import EpochResult
from elman.training.averages import RunningAverage
from elman.training.config import RunConfig
from elman.training.recipes import best_settings
from elman.training.run import CONFIG, Run

FIRST, STOPPED, SECOND = 24, 20, 7
"""Epochs of the schedule of the first step, how many of them are taken, and epochs of the second step."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="the folder of both runs")
    parser.add_argument("--data", type=Path, help="the folder of the named set; downloaded if not given")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    reading = read_named("pronunciation", arguments.data)
    assert isinstance(reading, PairReading)
    first = open_run(reading, settings(arguments.threads, FIRST, 0.3, 0.3, 2e-3), arguments.out / "first")
    show(first.epochs() if first.state.epoch < STOPPED else iter(()), first, STOPPED)
    begun = (arguments.out / "second" / CONFIG).exists()
    second = open_run(reading, settings(arguments.threads, SECOND, 0.1, 0.1, 1e-3), arguments.out / "second")
    if not begun:
        second.model.load_state_dict(first.state.best)
        average = second.config.train.average
        second.state.average = RunningAverage(second.model, second.state.tables, average)
    show(second.epochs(), second, SECOND)
    print(second.finish().verdict)


def settings(threads: int, epochs: int, dropout: float, input_dropout: float, rate: float) -> RunConfig:
    """Return the settings of one step."""
    config = best_settings("pairs")
    assert config.writer is not None
    train = replace(config.train, epochs=epochs, threads=threads, products="bfloat16", learning_rate=rate)
    shape = replace(config.writer, dropout=dropout, input_dropout=input_dropout)
    return replace(config, name="pronunciation", data="pronunciation", split="given", writer=shape, train=train)


def open_run(reading: PairReading, config: RunConfig, folder: Path) -> Run:
    """Return a new run, or the one that the folder holds."""
    return Run(reading, config, folder, resume=(folder / CONFIG).exists())


def show(epochs: Iterator[EpochResult], run: Run, most: int) -> None:
    """Train up to an epoch, and print what each did."""
    for result in epochs:
        print(run.describe_epoch(result), flush=True)
        if result.epoch >= most:
            break


if __name__ == "__main__":
    main()
