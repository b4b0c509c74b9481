"""Weights of 8 and 4 bits: file size, scores and changed answers of the shipped model, on its own test part.

    python benchmarks/weights.py --data FOLDER

    python benchmarks/weights.py --data FOLDER --products [--seeds 42 43 44]

bfloat16 products in training against float32: accuracy on the grouped split, on the same seeds, and seconds. To save
time, the network has half the width of the recipe.
"""

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from elman.data.reading import read_named
from elman.data.splits import split_examples
from elman.evaluation.metrics import negative_log_likelihood
from elman.model.file import load_artifact, save_artifact
from elman.model.shipped import find_model
from elman.prediction.predictor import Predictor
from elman.scoring.probabilities import softmax
from elman.training.recipes import recipe
from elman.training.run import Run, RunConfig
from elman.training.tasks.strings import normalise_examples


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--products", action="store_true")
    parser.add_argument("--seeds", type=int, nargs="+", default=[42, 43, 44])
    arguments = parser.parse_args()
    reading = read_named("languages", arguments.data)
    if arguments.products:
        compare_products(reading, arguments.seeds)
    else:
        compare_weights(reading)


def compare_weights(reading) -> None:
    """Print one row for each kind of weights."""
    artifact = load_artifact(find_model("languages"))
    examples, _ = normalise_examples(reading, artifact.normalisation)
    split = artifact.provenance["split"]
    part = split_examples(examples, split["kind"], seed=split["seed"], validation_share=0.1).test
    truth = artifact.labels.encode([example.label for example in part])
    texts, exact = [example.text for example in part], None
    print("| weights | file | accuracy | log loss | answers changed | largest change of a probability |")
    print("|---|---:|---:|---:|---:|---:|")
    for weights in ("float", "int8", "int4"):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "model.safetensors")
            save_artifact(artifact, file, weights=weights)
            rounded = load_artifact(file)
            probabilities = softmax(Predictor(rounded).logits(texts), rounded.temperature, rounded.floor)
            size = file.stat().st_size / 1e6
        exact = probabilities if exact is None else exact
        answers = probabilities.argmax(axis=1)
        print(
            f"| {weights} | {size:.2f} MB | {np.mean(answers == truth):.2%} | "
            f"{negative_log_likelihood(probabilities, truth):.4f} | "
            f"{np.mean(answers != exact.argmax(axis=1)):.2%} | {np.abs(probabilities - exact).max():.3f} |"
        )


def compare_products(reading, seeds: list[int]) -> None:
    """Print accuracy and seconds of training for each kind of products."""
    model, training = recipe("gru")
    model = replace(model, hidden_size=64, ngram_orders=(2, 3))
    for products in ("float32", "bfloat16"):
        accuracies, seconds = [], []
        for seed in seeds:
            config = RunConfig(
                name="benchmark",
                data="languages",
                model=model,
                train=replace(training, seed=seed, products=products),
                split="grouped",
                split_seed=seed,
            )
            with tempfile.TemporaryDirectory() as folder:
                run = Run(reading, config, Path(folder, "run"))
                started = time.perf_counter()
                for _ in run.epochs():
                    pass
                seconds.append(time.perf_counter() - started)
                artifact = run.task.artifact(run.state.best, {"data": {}})
                test = run.task.split.test
                truth = artifact.labels.encode([example.label for example in test])
                logits = Predictor(artifact).logits([example.text for example in test])
                accuracies.append(float(np.mean(logits.argmax(axis=1) == truth)))
        print(
            f"{products}: accuracy {', '.join(f'{accuracy:.2%}' for accuracy in accuracies)} on seeds "
            f"{', '.join(map(str, seeds))}; {np.mean(seconds):.0f} s a run",
            flush=True,
        )


if __name__ == "__main__":
    main()
