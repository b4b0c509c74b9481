"""Training on many strings with many labels: what one command takes, and what its model scores.

    python benchmarks/large.py WHEEL                                      all of NaNa, the default settings
    python benchmarks/large.py WHEEL --strings 50000 --labels 172 --epochs 2
    python benchmarks/large.py WHEEL --ranks --strings 60000               two processes against one, by turns

WHEEL is that of name2nat 0.5.1 (Apache-2.0; `pip download --no-deps name2nat==0.5.1`), which holds the NaNa names. It
is only read and never run. The split is 8:1:1 within each label. The training runs in a process of its own, as
`elman train` does in a shell; its memory is the most that the system has counted.
"""

import argparse
import csv
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
from names import Pairs, read_nana_pairs

SPLIT = ("--split", "stratified", "--test-share", "0.1", "--validation-share", "0.1")
ROUNDS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--strings", type=int, help="a sample of so many, drawn with a fixed seed; all if not given")
    parser.add_argument("--labels", type=int, help="only the most frequent labels; all if not given")
    parser.add_argument("--epochs", type=int, help="passes; chosen by Elman if not given")
    parser.add_argument("--learning-rate", type=float, help="the highest; that of elman train if not given")
    parser.add_argument("--batch-size", type=int, help="of all processes together, with --ranks", default=128)
    parser.add_argument("--folder", type=Path, help="keep the run here; a temporary folder if not given")
    parser.add_argument("--ranks", action="store_true", help="time one epoch with one process and with two")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        table = Path(scratch) / "names.csv"
        pairs = choose(read_nana_pairs(arguments.wheel), arguments.strings, arguments.labels)
        write(table, pairs)
        print(f"{len(pairs):,} strings, {len({label for _, label in pairs})} labels", flush=True)
        if arguments.ranks:
            compare_ranks(table, Path(scratch), arguments.batch_size)
        else:
            asked = {"--epochs": arguments.epochs, "--learning-rate": arguments.learning_rate}
            measure(table, arguments.folder or Path(scratch) / "run", asked)


def choose(pairs: Pairs, strings: int | None, labels: int | None) -> Pairs:
    """Return a sample of names: of the most frequent labels of the whole, in their shares."""
    if labels is not None:
        kept = {label for label, _ in Counter(label for _, label in pairs).most_common(labels)}
        pairs = [pair for pair in pairs if pair[1] in kept]
    if strings is None or strings >= len(pairs):
        return pairs
    return [pairs[place] for place in np.random.default_rng(0).permutation(len(pairs))[:strings].tolist()]


def write(path: Path, pairs: Pairs) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("name", "label"), *pairs])


def measure(table: Path, run: Path, asked: dict[str, float | None]) -> None:
    """Train with one command and the options that are asked for, and print its time, its memory and its scores."""
    chosen = [part for option, value in asked.items() if value is not None for part in (option, str(value))]
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "elman", "train", table, "--out", run, *SPLIT, *chosen], check=True)
    seconds = time.perf_counter() - started
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    report = json.loads((run / "report.json").read_text())
    sizes = {name: (run / name).stat().st_size / 1e6 for name in ("checkpoint.safetensors", "model.safetensors")}
    print(f"{seconds:,.0f} s in all, {report['seconds']:,.0f} s of them training; at most {memory:,.0f} MB of memory")
    print(f"{report['epochs']} epochs; " + ", ".join(f"{name} {size:.1f} MB" for name, size in sizes.items()))
    for name in ("test", "baseline"):
        if report[name] is not None:
            top = {1: report[name]["accuracy"]} | {rank: report[name][f"top_{rank}"] for rank in (3, 5)}
            print(f"{name}: " + ", ".join(f"P@{rank} {100 * share:.2f} %" for rank, share in top.items()))


def compare_ranks(table: Path, scratch: Path, batch_size: int) -> None:
    """Print the names a second of two processes, and of one with one thread and with as many as there are cores."""
    cores = len(os.sched_getaffinity(0))
    ways = ((1, 1), (1, cores), (2, max(1, cores // 2)))  # processes, and threads of each
    rates: dict[tuple[int, int], list[float]] = {way: [] for way in ways}
    for turn in range(ROUNDS):
        for ranks, threads in ways:
            run = scratch / f"run{turn}{ranks}{threads}"
            torchrun = ("torch.distributed.run", "--nproc-per-node", str(ranks), "-m") if ranks > 1 else ()
            command = [sys.executable, "-m", *torchrun, "elman", "train", table, "--out", run, *SPLIT, "--epochs", "1"]
            options = ("--threads", str(threads), "--baseline", "none", "--batch-size", str(batch_size))
            environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
            subprocess.run([*command, *options], check=True, stdout=subprocess.DEVNULL, env=environment)
            report = json.loads((run / "report.json").read_text())
            rate = report["split"]["train"] / report["seconds"]
            rates[ranks, threads].append(rate)
            print(f"round {turn + 1}: {ranks} of {threads} threads, {rate:,.0f} names a second", flush=True)
    *single, two = (statistics.median(found) for found in rates.values())
    for (_, threads), one in zip(ways, single, strict=False):
        print(f"two processes against one of {threads} threads, {cores} cores: {two / one:.2f}")


if __name__ == "__main__":
    main()
