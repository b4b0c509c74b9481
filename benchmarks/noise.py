"""Verdicts on pure noise: how often a report says that the model is better than its baseline, where nothing can be.

    python benchmarks/noise.py [--strings 200] [--labels 2] [--seeds 20] [--epochs N]

Each seed draws random strings with random labels and trains the default recipe of `elman train` on them, with the
default split. A test at 5 %, both sides, may call one win in 40 by chance.
"""

import argparse
import random
import string
import tempfile
from collections import Counter
from pathlib import Path

from elman.data.examples import Reading
from elman.evaluation.verdict import BETTER
from elman.records import Example
from elman.training.options import new_config
from elman.training.run import RunReport
from elman.training.shortcut import train_run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strings", type=int, default=200)
    parser.add_argument("--labels", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--epochs", type=int, help="instead of those of the recipe")
    arguments = parser.parse_args()
    options = {} if arguments.epochs is None else {"epochs": arguments.epochs}
    answers: Counter[str] = Counter()
    for seed in range(arguments.seeds):
        reading = draw_noise(arguments.strings, arguments.labels, seed)
        report = train_on(reading, {**options, "seed": seed, "threads": 1})
        answers[report.values["answer"]] += 1
        print(f"seed {seed}: {report.verdict}", flush=True)
    print(f"{answers[BETTER]} of {arguments.seeds} verdicts claim a win: {dict(answers)}")


def draw_noise(strings: int, labels: int, seed: int) -> Reading:
    """Return random strings of 4 to 9 letters, each with a random label."""
    draw = random.Random(seed)
    examples = tuple(
        Example("".join(draw.choices(string.ascii_lowercase, k=draw.randint(4, 9))), f"label {draw.randrange(labels)}")
        for _ in range(strings)
    )
    return Reading(examples, len(examples), {}, {})


def train_on(reading: Reading, options: dict[str, int]) -> RunReport:
    """Train as `elman train` does with these options, and return the report."""
    with tempfile.TemporaryDirectory() as folder:
        return train_run(reading, new_config("noise.csv", "noise", options), Path(folder, "run"))


if __name__ == "__main__":
    main()
