"""Train what `languages` begins with: a network that tells nationalities by last names.

    python -m release.last_names --nana WHEEL --run FOLDER [--hidden-size 128]

WHEEL is that of name2nat 0.5.1 (Apache-2.0; `pip download --no-deps name2nat==0.5.1`), which holds the names of NaNa. The
last word of each name is taught once with each of its nationalities. The network has the shape of `languages`, without
a bag: what `elman train --init` keeps is how strings are read. The same command continues an interrupted run.
"""

import argparse
from dataclasses import replace
from pathlib import Path

from elman.training.config import RunConfig
from elman.training.recipes import recipe
from elman.training.run import CONFIG
from elman.training.shortcut import train_run
from release.origins.sources import load_nana, tidy

EPOCHS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nana", type=Path, required=True, help="the wheel of name2nat 0.5.1")
    parser.add_argument("--run", type=Path, required=True, help="the folder of the run")
    parser.add_argument("--hidden-size", type=int, default=128, help="numbers in each hidden state (128)")
    arguments = parser.parse_args()
    pairs = list_last_names(load_nana(arguments.nana))
    model, training = recipe("gru")
    settings = RunConfig(
        name="last-names",
        data="last names of NaNa",
        model=replace(model, bag_orders=(), word_buckets=0, hidden_size=arguments.hidden_size),
        train=replace(training, epochs=EPOCHS, threads=1),
        split="stratified",
        test_share=0.01,
        validation_share=0.02,
        baseline="none",
    )
    columns = [name for name, _ in pairs], [word for _, word in pairs]
    train_run(columns, settings, arguments.run, resume=(arguments.run / CONFIG).exists())


def list_last_names(names: dict[str, list[str]]) -> list[tuple[str, str]]:
    """Return the last word of each name with each of its nationality words, every pair once, sorted.

    >>> list_last_names({"Kari Nordmann": ["Norwegian"], "Ola Nordmann": ["Norwegian", "Danish"], "Plato": ["Greek"]})
    [('Nordmann', 'Danish'), ('Nordmann', 'Norwegian')]
    """
    pairs = set()
    for raw, words in names.items():
        *others, last = tidy(raw).split() or [""]
        if others:
            pairs.update((last, word) for word in words)
    return sorted(pairs)


if __name__ == "__main__":
    main()
