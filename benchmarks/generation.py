"""How surprising names are to a model that learned to write them, on the splits of makemore, in nats a symbol.

    python benchmarks/generation.py ../shared/data/generation/names.txt [--splits lecture unique makemore] [--epochs 24]

The names are those of A. Karpathy's makemore (MIT licence), one on each line. Three splits are measured:

lecture    the lectures': `random.seed(42)`, shuffle, the first 80 % to train, the next 10 % to validate
unique     the same, of the distinct names in alphabetical order: no name is in two parts
makemore   that of makemore.py: `torch.manual_seed(3407)`, `torch.randperm`, the last 1,000 names to test

The end of a name counts as a symbol. Beside the network, which has the default settings of `elman train --task
generate`, is the counted model of the report: n-grams of up to six symbols with Kneser–Ney smoothing. The first two
splits are scored on the validation part, as in the lectures, which also chooses the epoch; of the third every thirtieth
name of the training part chooses the epoch, and the test part chooses nothing. Prints JSON.
"""

import argparse
import json
import random
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from elman.data.examples import Reading
from elman.data.splits import STRATIFIED, Split
from elman.data.texts import read_texts
from elman.evaluation.counted import fit_counted
from elman.evaluation.writing import score_counted, score_generator
from elman.prediction.generator import Generator
from elman.records import Example
from elman.training.config import RunConfig
from elman.training.fitting import start_training
from elman.training.loop import train
from elman.training.recipes import best_settings
from elman.training.tasks.generate import GenerateTask

SPLITS = ("lecture", "unique", "makemore")
ORDER = 6


def split_names(names: Sequence[Example], kind: str) -> Split:
    """Return the names in three parts; of the first two kinds the validation part is scored."""
    examples = list(names)
    if kind == "unique":
        examples = [Example(text, "") for text in sorted({example.text for example in examples})]
    if kind == "makemore":
        torch.manual_seed(3407)
        order = torch.randperm(len(examples)).tolist()
        shuffled = [examples[place] for place in order]
        rest, test = shuffled[:-1000], shuffled[-1000:]
        validation = rest[::30]  # some names choose the epoch; nearly all of the training part is left
        kept = [example for place, example in enumerate(rest) if place % 30]
        return Split(tuple(kept), tuple(validation), tuple(test), STRATIFIED, 3407)
    random.seed(42)
    random.shuffle(examples)
    first, second = int(0.8 * len(examples)), int(0.9 * len(examples))
    validation = tuple(examples[first:second])
    return Split(tuple(examples[:first]), validation, validation, STRATIFIED, 42)


def measure(reading: Reading, kind: str, config: RunConfig) -> dict[str, Any]:
    """Train on a split, and return the scores of the network and of the counted model."""
    task = GenerateTask(reading, config, split_names(reading.examples, kind))
    task.settle()
    _, state = start_training(task, task.config)
    start = time.perf_counter()
    for result in train(state, task.training, task.validation, calibrate=False):
        print(f"{kind}: epoch {result.epoch}: {result.loss:.4f}, validation {result.validation_loss:.4f}", flush=True)
    seconds = time.perf_counter() - start
    artifact = task.artifact(state.best, {})
    network = score_generator(Generator(artifact), task.split.test)
    counted = score_counted(fit_counted([example.text for example in task.split.train], ORDER), task.split.test)
    return {
        "split": kind,
        "part": "test" if kind == "makemore" else "validation",
        "names": {part: len(task.split.part(part)) for part in ("train", "validation", "test")},
        "nats_per_symbol": network.nats_per_symbol,
        "interval": network.intervals["nats_per_symbol"],
        "counted": counted.nats_per_symbol,
        "parameters": artifact.parameters,
        "epochs": state.epoch,
        "seconds": round(seconds),
    }


def main() -> None:
    """Measure the splits, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", type=Path)
    parser.add_argument("--splits", nargs="+", choices=SPLITS, default=list(SPLITS))
    parser.add_argument("--epochs", type=int, default=24)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    best = best_settings("generate")
    config = replace(best, train=replace(best.train, epochs=options.epochs, seed=options.seed))
    reading = read_texts(options.names)
    found = [measure(reading, kind, config) for kind in options.splits]
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
