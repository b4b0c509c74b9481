"""Train `origins`: on the names of the training part, and on some of them a second time in another form.

    python -m release.origins.train --built FOLDER --run FOLDER [--epochs N] [--share S]

The forms are those of `release.origins.variants`: a part alone, parts in another order, initials, titles. The settings are
those of the shipped model: scripts are kept, because a script is evidence; the network is small enough for the package.
The same command continues an interrupted run.
"""

import argparse
import random
from dataclasses import replace
from pathlib import Path

from elman.model.config import ModelConfig
from elman.text.normalisation import Normalisation
from elman.training.config import RunConfig, TrainConfig
from elman.training.run import CONFIG
from elman.training.shortcut import train_run
from elman.training.tuning import TUNING_RATE
from release.origins.audit import read_rows
from release.origins.rows import Row
from release.origins.variants import vary

SHAPE = ModelConfig(
    hidden_size=96,
    ngram_buckets=16_384,
    bag_most=60_000,
    bag_size=48,
    bag_hidden=256,
    bag_words=True,
    word_buckets=32_768,
)
EPOCHS, SHARE, SEED = 5, 0.5, 0
RARE = 5
"""Symbols that occur fewer times are unknown ones."""

SETTINGS = RunConfig(
    name="origins",
    data="names of origins",
    model=SHAPE,
    train=TrainConfig(epochs=EPOCHS, seed=SEED, threads=1),
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
    taught = [(row.name, row.label) for row in rows]
    for row in rows:
        if row.kind == "full" and rng.random() < share:
            variant = vary(row.name, rng)
            if variant != row.name:
                taught.append((variant, row.label))
    return taught


if __name__ == "__main__":
    main()
