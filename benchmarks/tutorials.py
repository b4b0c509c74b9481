"""The tutorials' exercises on the recipes of their names, and Elman's best on the digits.

    python benchmarks/tutorials.py hello                           seeds 0 to 4 and 42 to 46, cell and layer
    python benchmarks/tutorials.py digits --data FOLDER            rnn, gru, lstm at the tutorial's settings, 2 epochs
    python benchmarks/tutorials.py best-digits --data FOLDER       Elman's best recipe for images
    python benchmarks/tutorials.py digits-speed --data FOLDER      images a second against a DataLoader and nn.GRU
    python benchmarks/tutorials.py linear                          true weights recovered from made-up flats

The name classifiers are compared by `elman compare --tutorials`. FOLDER has the four IDX files; without it they
are downloaded.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from elman.data.examples import FeatureReading
from elman.data.images import ImageReading
from elman.data.reading import read_named
from elman.training.config import RunConfig
from elman.training.recipes import RECIPES, best_settings
from elman.training.run import Run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("exercise", choices=("hello", "digits", "best-digits", "digits-speed", "linear"))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--last", action="store_true", help="digits: the last weights, not their running average")
    parser.add_argument("--way", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.way is not None:
        train_in_turns(arguments.way, arguments.data)
        return
    print(f"torch {torch.__version__}, {arguments.threads} threads")
    match arguments.exercise:
        case "hello":
            hello()
        case "digits":
            settings = RECIPES["t4"].config
            if arguments.last:
                settings = replace(settings, train=replace(settings.train, average=0.0))
            for cell in ("rnn", "gru", "lstm"):
                digits(settings, cell, arguments)
        case "best-digits":
            digits(best_settings("images"), best_settings("images").model.cell, arguments)
        case "digits-speed":
            digits_speed(arguments)
        case "linear":
            linear(arguments.seed)


def hello() -> None:
    """Print from which epoch on the word is right, counted in two ways, and the loss of the last epoch.

    A tutorial prints the word of the network before the epoch's step, Elman the word after it.
    """
    settings = RECIPES["t3"].config
    for start in ("refractory", "uniform"):
        for by_hand in (True, False):
            for seeds in (range(5), range(42, 47)):
                found = [_run_hello(settings, start, by_hand, seed) for seed in seeds]
                before, after, losses = zip(*found, strict=True)
                print(
                    f"{start:>10} start, {'cell by hand' if by_hand else 'layer':<12} seeds {seeds[0]} to {seeds[-1]}: "
                    f"right from epoch {_list_epochs(before)} as tutorials count, "
                    f"{_list_epochs(after)} after the step; "
                    f"loss at epoch 20, median {statistics.median(losses):.3f} a letter, "
                    f"{5 * statistics.median(losses):.3f} a word"
                )


def _run_hello(settings: RunConfig, start: str, by_hand: bool, seed: int) -> tuple[int | None, int | None, float]:
    model = replace(settings.model, by_hand=by_hand, initialisation=start)
    config = replace(settings, model=model, train=replace(settings.train, seed=seed), data="hello")
    with tempfile.TemporaryDirectory() as folder:
        run = Run(read_named("hello"), config, Path(folder, "run"))
        words, losses = [run.task.sample(run.model)], []
        for epoch in run.epochs():
            words.append(run.task.sample(run.model))
            losses.append(epoch.loss)
    right = [word == "hello → ohlol" for word in words]
    return _first_epoch(right[:-1]), _first_epoch(right[1:]), losses[-1]


def _first_epoch(right: list[bool]) -> int | None:
    """Return from which epoch, counted from 1, the word stays right; None if never."""
    last_wrong = max((k for k, is_right in enumerate(right) if not is_right), default=-1)
    return None if last_wrong == len(right) - 1 else last_wrong + 2


def _list_epochs(found: tuple[int | None, ...]) -> str:
    return ", ".join("never" if epoch is None else str(epoch) for epoch in found)


def digits(settings: RunConfig, cell: str, arguments: argparse.Namespace) -> None:
    """Train on the digits and print the accuracy on the test part of the data set."""
    train = replace(settings.train, seed=arguments.seed, threads=arguments.threads)
    config = replace(settings, data="mnist", train=train, model=replace(settings.model, cell=cell))
    with tempfile.TemporaryDirectory() as folder:
        run = Run(read_named("mnist", arguments.data), config, Path(folder, "run"))
        for epoch in run.epochs():
            print(
                f"  epoch {epoch.epoch}  validation {epoch.validation_accuracy:.2%}  {epoch.seconds:.0f} s", flush=True
            )
        report = run.finish()
    test = report.values["test"]
    print(
        f"{cell}: {test['accuracy']:.2%} of {test['examples']:,} test images (baseline on pixels "
        f"{report.values['baseline']['accuracy']:.2%}), calibration error {test['calibration_error']:.4f}, "
        f"{report.values['seconds']:.0f} s of training, {report.values['parameters']:,} parameters",
        flush=True,
    )


class RowGRU(nn.Module):
    """The tutorial's network: 2 layers of 128, batch first, a linear layer on the last output."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(28, 128, num_layers=2, batch_first=True)
        self.head = nn.Linear(128, 10)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Read (B, 28, 28) and score the digits, (B, 10)."""
        outputs, _ = self.gru(rows, torch.zeros(2, len(rows), 128))
        return self.head(outputs[:, -1])


def digits_speed(arguments: argparse.Namespace, *, rounds: int = 12, steps: int = 60) -> None:
    """Train the tutorial's GRU in the tutorial's way and in Elman's, by turns, and compare images a second.

    Each way has a process of its own that waits while another works: two thread pools in one process would disturb each
    other.
    """
    ways = {"DataLoader, nn.GRU": "tutorial", "Elman, nn.GRU": "elman-library", "Elman": "elman"}
    folder = [] if arguments.data is None else ["--data", str(arguments.data)]
    command = [sys.executable, __file__, "digits-speed", "--threads", str(arguments.threads), *folder, "--way"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    workers = {name: subprocess.Popen([*command, way], **pipes) for name, way in ways.items()}
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name, worker in workers.items():
            print(steps, file=worker.stdin, flush=True)
            seconds = float(worker.stdout.readline())
            if turn:  # the first round allocates what later ones reuse
                spent[name].append(seconds)
    rates = {name: 100 * steps / statistics.median(seconds) for name, seconds in spent.items()}
    for name, rate in rates.items():
        print(f"{name:<20} {rate:8,.0f} images a second   ratio {rate / rates['DataLoader, nn.GRU']:.2f}")
    for worker in workers.values():
        worker.kill()


def train_in_turns(way: str, folder: Path | None) -> None:
    """Train by the number of steps on each line of standard input, and print their seconds."""
    reading = read_named("mnist", folder)
    assert isinstance(reading, ImageReading)
    left, started = 0, 0.0

    def pause(_: object = None) -> None:
        nonlocal left, started
        left -= 1
        if left <= 0:
            if started:
                print(time.perf_counter() - started, flush=True)
            left, started = int(sys.stdin.readline()), time.perf_counter()

    if way == "tutorial":
        _train_as_tutorial(reading, pause)
        return
    settings = RECIPES["t4"].config
    model = replace(settings.model, cell="gru", fused=way == "elman")
    config = replace(settings, data="mnist", model=model, train=replace(settings.train, epochs=1000, average=0.0))
    with tempfile.TemporaryDirectory() as scratch:
        for _ in Run(reading, config, Path(scratch, "run")).epochs(on_step=pause):
            pass


def _train_as_tutorial(reading: ImageReading, pause: Callable[[], None]) -> None:
    torch.manual_seed(0)
    images = torch.from_numpy(reading.images.astype(np.float32) / 255)
    loader = DataLoader(TensorDataset(images, torch.from_numpy(reading.labels)), batch_size=100, shuffle=True)
    model = RowGRU()
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    while True:
        for rows, labels in loader:
            loss = nn.functional.cross_entropy(model(rows), labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            pause()


def linear(seed: int) -> None:
    """Fit rents of made-up flats, whose two features are correlated, and compare the weights with the true ones."""
    draw = np.random.default_rng(seed)
    rooms = draw.integers(1, 7, 400).astype(float)
    area = 18 * rooms + draw.normal(10, 8, 400)
    rent = 120 * rooms + 8.5 * area + 230 + draw.normal(0, 0.05, 400)
    reading = FeatureReading(("rooms", "area"), "rent", np.stack([rooms, area], axis=1), rent, 400, {}, {})
    for name, settings in (("t5-linear", RECIPES["t5-linear"].config), ("default", best_settings("features"))):
        model = replace(settings.model, input_size=2)
        config = replace(settings, data="flats", model=model, label_column="rent", feature_columns=("rooms", "area"))
        with tempfile.TemporaryDirectory() as folder:
            run = Run(reading, config, Path(folder, "run"))
            for _ in run.epochs():
                pass
            values = run.finish().values
        weights = [*values["weights"].values(), values["intercept"]]
        furthest = max(abs(got - true) for got, true in zip(weights, (120, 8.5, 230), strict=True))
        print(f"{name}: {values['verdict']} R² {values['test']['r2']:.6f}; furthest from the truth: {furthest:.4f}")


if __name__ == "__main__":
    main()
