"""Train `origins`: on the names of the training part, and on some of them a second time in another form.

    python -m release.origins.train --built FOLDER --run FOLDER [--epochs N] [--share S]

The forms are those of `release.origins.variants`: a part alone, parts in another order, initials, titles. Names in other
scripts than Latin are taught several times, because there are few of them. The settings are those of the shipped model:
scripts are kept, because a script is evidence; the network is small enough for the package. The same command continues
an interrupted run.
"""

import argparse
import random
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

from elman.model.config import ModelConfig
from elman.text.normalisation import Normalisation
from elman.training.config import RunConfig, TrainConfig
from elman.training.run import CONFIG
from elman.training.shortcut import train_run
from elman.training.tuning import TUNING_RATE
from release.origins.audit import read_rows
from release.origins.drawing import is_character, root_of_people
from release.origins.rows import Row
from release.origins.variants import vary

SHAPE = ModelConfig(
    hidden_size=96,
    ngram_buckets=16_384,
    bag_most=125_000,
    bag_size=64,
    bag_hidden=256,
    bag_words=True,
    word_buckets=65_536,
)
EPOCHS, SHARE, SEED = 6, 0.3, 0

COPIES = 4
"""How often a name in another script than Latin is taught, if its origin has the most people of those with its script.
One name in fifteen is written so; with one copy each, hardly any of their n-grams would have a row in the bag."""

SHARED = {"Chinese": 1426.0, "Japanese": 124.0, "Korean": 78.0, "Taiwanese": 24.0, "Vietnamese": 98.0}
"""Millions of people of the origins that write some surnames alike in Han script (United Nations, World Population
Prospects 2022, rounded)."""
RARE = 5
"""Symbols that occur fewer times are unknown ones."""

SETTINGS = RunConfig(
    name="origins",
    data="names of origins",
    model=SHAPE,
    train=TrainConfig(epochs=EPOCHS, seed=SEED, threads=1, row_weighting=0.5),
    split="stratified",
    test_share=0.01,
    validation_share=0.02,
    normalisation=Normalisation(transliterate=False),
    symbol_min_count=RARE,
    baseline="none",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--built", type=Path, required=True, help="what release.origins.build or audit wrote")
    parser.add_argument("--run", type=Path, required=True, help="the folder of the run")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--init", help="a model of the same settings, from which the training continues")
    parser.add_argument("--share", type=float, default=SHARE, help="of the full names that are taught in a second form")
    arguments = parser.parse_args()
    taught = add_variants(read_rows(arguments.built / "train.csv"), arguments.share, random.Random(SEED))
    settings = replace(SETTINGS, train=replace(SETTINGS.train, epochs=arguments.epochs))
    if arguments.init:
        settings = replace(settings, init=arguments.init, train=replace(settings.train, learning_rate=TUNING_RATE))
    columns = [name for name, _ in taught], [label for _, label in taught]
    train_run(columns, settings, arguments.run, resume=(arguments.run / CONFIG).exists())


def add_variants(rows: list[Row], share: float, rng: random.Random) -> list[tuple[str, str]]:
    """Return names with their labels, each as it is written and a share of the full names in another form, too.

    Args:
        rows: of the training part.
        share: of the full names that have a second form, 0 to 1.
        rng: decides which, and the form of each.
    """
    copies = count_copies(rows)
    taught = [(row.name, row.label) for row, number in zip(rows, copies, strict=True) for _ in range(number)]
    for row in rows:
        if row.kind == "full" and rng.random() < share:
            variant = vary(row.name, rng)
            if variant != row.name:
                taught.append((variant, row.label))
    return taught


def count_copies(rows: list[Row]) -> list[int]:
    """Return how often each name is taught: names in Latin script once, others by the people of their origin.

    The number of drawn names follows the root of the people (`release.origins.drawing.PEOPLE`), and so do these copies:
    together they follow the people themselves, as the names that one meets do.

    Family names of one character are taught so often that their symbols are known.

    >>> rows = [Row("林", label, "faker", "Han", "part") for label in ("Chinese", "Japanese")]
    >>> count_copies([*rows, Row("Lin", "Chinese", "faker", "Latin", "part"), Row("森", "Japanese", "faker", "Han", "part")])
    [5, 1, 1, 5]
    """
    labels: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        labels[row.name].add(row.label)
    return [_count_copies(row, labels[row.name]) for row in rows]


def _count_copies(row: Row, labels: set[str]) -> int:
    """Return how often a row is taught, given the labels of all rows with its name."""
    if row.script == "Latin":
        return 1
    copies = max(1, round(COPIES * _rank(row, labels)))
    is_likeliest = all(_rank(row, labels) >= _rank(row._replace(label=other), labels) for other in labels)
    return max(copies, RARE) if is_likeliest and is_character(row.name) else copies


def _rank(row: Row, labels: set[str]) -> float:
    """Return the share of a row's origin in what is taught for its name, from 0 to 1 for the largest."""
    if row.script == "Han" and len(labels) > 1 and labels <= SHARED.keys():
        return SHARED[row.label] / max(SHARED[label] for label in labels)
    return root_of_people(row.label)


if __name__ == "__main__":
    main()
