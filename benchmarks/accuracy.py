"""Accuracy on the 18 languages, by protocol: mean and spread over seeds, beside the baseline on the same splits.

    python benchmarks/accuracy.py stratified10 --data FOLDER     five seeds, 42 to 46: the tutorials' split
    python benchmarks/accuracy.py stratified20 --data FOLDER     seed 0: the published 80/20 split
    python benchmarks/accuracy.py grouped10 --data FOLDER        five seeds, 42 to 46: no string in two parts
    python benchmarks/accuracy.py grouped10 --init MODEL         the same, from the cells and tables of another model
    python benchmarks/accuracy.py elman-hand --data FOLDER       the Elman cell by hand, on stratified10
    python benchmarks/accuracy.py elman-hand-plain --data FOLDER the same without any n-grams

The test part is scikit-learn's train_test_split of all lines (stratified) or of all strings (grouped) with that seed.
"""

import argparse
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from elman.data.reading import read_named
from elman.model.file import load_artifact
from elman.model.shipped import find_model
from elman.training.recipes import recipe
from elman.training.run import Run, RunConfig
from elman.training.tuning import begin_with

PROTOCOLS = {
    "stratified10": ("gru", False, "stratified", 0.1, range(42, 47)),
    "stratified20": ("gru", False, "stratified", 0.2, range(1)),
    "grouped10": ("gru", False, "grouped", 0.1, range(42, 47)),
    "elman-hand": ("elman", True, "stratified", 0.1, range(42, 47)),
    "elman-hand-plain": ("elman", True, "stratified", 0.1, range(42, 47)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("protocol", choices=PROTOCOLS)
    parser.add_argument("--data", type=Path, help="folder of the 18-language names; downloaded if missing")
    parser.add_argument("--seeds", type=int, nargs="+", help="instead of the protocol's")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--init", help="a model that each training begins with, as for elman train")
    parser.add_argument("--learning-rate", type=float, help="the highest; that of elman train if not given")
    arguments = parser.parse_args()
    cell, by_hand, kind, test_share, seeds = PROTOCOLS[arguments.protocol]
    reading = read_named("languages", arguments.data)
    model, training = recipe(cell, by_hand=by_hand)
    if arguments.protocol.endswith("plain"):
        model = replace(model, ngram_orders=(), bag_orders=())
    rows = []
    print("seed  accuracy  top 2  macro-F1  calibration error  seconds | baseline: accuracy  top 2  macro-F1")
    for seed in arguments.seeds or seeds:
        config = RunConfig(
            name="benchmark",
            data="languages",
            model=model,
            train=training,
            split=kind,
            split_seed=seed,
            test_share=test_share,
            init=arguments.init,
        )
        if arguments.init:
            config = begin_with(load_artifact(find_model(arguments.init)), config)
            config = replace(config, model=replace(config.model, bag_orders=model.bag_orders))
        rate = arguments.learning_rate or config.train.learning_rate
        train = replace(config.train, seed=seed, threads=arguments.threads, learning_rate=rate)
        config = replace(config, train=train)
        with tempfile.TemporaryDirectory() as folder:
            run = Run(reading, config, Path(folder, "run"))
            started = time.perf_counter()
            for _ in run.epochs():
                pass
            seconds = time.perf_counter() - started
            report = run.finish()
        ours, simple = report.test, report.baseline
        rows.append(
            (ours.accuracy, ours.top_k[2], ours.macro_f1, ours.calibration_error, seconds)
            + (simple.accuracy, simple.top_k[2], simple.macro_f1)
        )
        print(f"{seed:>4}  " + _format(rows[-1]), flush=True)
    print("mean  " + _format(tuple(np.mean(rows, axis=0))))
    print("sd    " + _format(tuple(np.std(rows, axis=0, ddof=1) if len(rows) > 1 else np.zeros(8))))
    print(json.dumps({"protocol": arguments.protocol, "model": model.__dict__, "train": training.__dict__}))


def _format(row: tuple[float, ...]) -> str:
    accuracy, top_2, f1, error, seconds, baseline, baseline_2, baseline_f1 = row
    return (
        f"{accuracy:8.2%}  {top_2:6.2%}  {f1:7.2%}  {error:17.4f}  {seconds:7.1f} | "
        f"{baseline:18.2%}  {baseline_2:6.2%}  {baseline_f1:7.2%}"
    )


if __name__ == "__main__":
    main()
