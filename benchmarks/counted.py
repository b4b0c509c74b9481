"""The counted model on makemore's names: what a network that writes names has to be better than.

    python benchmarks/counted.py FOLDER [--orders 4 5 6 7]

FOLDER holds names.txt of github.com/karpathy/makemore. Two splits are measured: that of the lectures (shuffled with
seed 42 of Python's random, 80 / 10 / 10 %), also of the different names alone, sorted first; and that of makemore.py
(torch's seed 3407, the last 1,000 of a random order are the test part). The scores are nats a character, with the end
mark counted, of each part after the first.
"""

import argparse
import random
import time
from collections.abc import Sequence
from pathlib import Path

from elman.evaluation.counted import fit_counted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--orders", type=int, nargs="+", default=[4, 5, 6, 7])
    arguments = parser.parse_args()
    names = (arguments.folder / "names.txt").read_text(encoding="utf-8").split()
    splits = {
        "lecture split": split_as_lectures(names),
        "lecture split, different names": split_as_lectures(sorted(set(names))),
        "makemore.py's split": split_as_makemore(names),
    }
    for title, (train, *others) in splits.items():
        print(f"{title}: {len(train):,} names to count, {', '.join(f'{len(part):,}' for part in others)} to score")
        for order in arguments.orders:
            start = time.perf_counter()
            model = fit_counted(train, order)
            found = " / ".join(f"{model.score(part).nats_per_symbol:.4f}" for part in others)
            print(f"    {order}-grams: {found}, {time.perf_counter() - start:.1f} s")


def split_as_lectures(names: Sequence[str]) -> tuple[list[str], list[str], list[str]]:
    """Return the training, validation and test part of the lectures."""
    shuffled = list(names)
    random.seed(42)
    random.shuffle(shuffled)
    first, second = int(0.8 * len(names)), int(0.9 * len(names))
    return shuffled[:first], shuffled[first:second], shuffled[second:]


def split_as_makemore(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the training and the test part of makemore.py."""
    import torch

    torch.manual_seed(3407)
    shuffled = [names[place] for place in torch.randperm(len(names)).tolist()]
    return shuffled[:-1000], shuffled[-1000:]


if __name__ == "__main__":
    main()
