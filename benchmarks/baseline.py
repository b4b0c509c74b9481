"""The two baselines on both splits, and settings of the full one.

    python benchmarks/baseline.py --data FOLDER [--seeds 100 101]

The seeds are not those of the reported figures. The first row is the baseline of every report, ``quick``; the second is
``--baseline full``.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from elman.data.reading import read_named
from elman.data.splits import split_examples
from elman.evaluation.baseline import FULL, QUICK, Baseline, evaluate_baseline, fit_baseline, fit_full
from elman.text.normalisation import Normalisation
from elman.text.vocabulary import Labels
from elman.training.tasks.strings import normalise_examples

SETTINGS: list[dict[str, object] | None] = [
    None,
    {},
    {"tfidfvectorizer__ngram_range": (1, 4)},
    {"logisticregression__C": 10.0},
    {"tfidfvectorizer__ngram_range": (1, 4), "logisticregression__C": 10.0},
    {"tfidfvectorizer__min_df": 2},
    {"tfidfvectorizer__analyzer": "char"},
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[100, 101])
    arguments = parser.parse_args()
    examples, _ = normalise_examples(read_named("languages", arguments.data), Normalisation())
    labels = Labels.from_names(example.label for example in examples)
    for kind in ("stratified", "grouped"):
        splits = [split_examples(examples, kind, seed=seed) for seed in arguments.seeds]
        for setting in SETTINGS:
            started, reports = time.perf_counter(), []
            for split in splits:
                if setting is None:
                    baseline = fit_baseline(split.train)
                else:
                    baseline = Baseline(fit_full(split.train, **setting), FULL, len(split.train), len(split.train))
                reports.append(evaluate_baseline(baseline, split.test, labels))
            seconds = (time.perf_counter() - started) / len(splits)
            accuracy, top_2 = (
                float(np.mean([value(report) for report in reports]))
                for value in (lambda r: r.accuracy, lambda r: r.top_k[2])
            )
            shown = QUICK if setting is None else setting or FULL
            print(
                f"{kind:10} accuracy {accuracy:.2%} top 2 {top_2:.2%} {seconds:5.1f} s  {shown}",
                flush=True,
            )


if __name__ == "__main__":
    main()
