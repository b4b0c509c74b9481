"""The baseline of a run, and how much work it may take: a fifth of the training's, both counted and not timed.

A clock would give another baseline whenever the machine is busy. So the work is counted: the products of the recurrent
layers and the steps of the optimiser on one side, the products of n-grams and labels on the other. The rates below
convert one into the other. They assume a training that is faster than on the machine where they were measured, so the
baseline takes less than a fifth of the time almost everywhere.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from elman.evaluation.baseline import Baseline, fit_baseline
from elman.model.config import NO_CELL, ModelConfig
from elman.model.file import Artifact
from elman.model.tensors import name_layer
from elman.records import Example

SHARE = 0.2
"""The largest share of the training's time."""

PRODUCTS_A_SECOND, STEP_SECONDS = 25e9, 0.3e-3
"""Products of recurrent layers in a second of training, and the time that each step takes beside them."""

BASELINE_PRODUCTS_A_SECOND = 250e6
"""Products of an n-gram with a label in a second, as `elman.evaluation.baseline.count_products` counts them."""


def fit_for(artifact: Artifact, examples: Sequence[Example], kind: str, *, available: int | None = None) -> Baseline:
    """Fit the baseline of a model on its training part.

    Args:
        artifact: the model; its provenance says how it was trained.
        examples: its training part, normalised.
        kind: ``quick`` or ``full``.
        available: how many strings the training part has, if the examples are a sample of it.
    """
    seed = artifact.provenance.get("train", {}).get("seed", 0)
    allowed = allow_products(examples, artifact)
    if available is None:
        return fit_baseline(examples, kind, allowed=allowed, seed=seed)
    allowed = None if allowed is None else allowed * available / len(examples)
    fitted = fit_baseline(examples, kind, allowed=allowed, seed=seed)
    return replace(fitted, available=available, is_streamed=True)


def allow_products(examples: Sequence[Example], artifact: Artifact) -> float | None:
    """Return how many products of an n-gram with a label the baseline may take; None if the model does not say.

    Args:
        examples: of the training part, normalised.
        artifact: the model; its provenance says how it was trained.
    """
    trained = artifact.provenance.get("train")
    if not trained:
        return None
    lengths = Counter(len(example.text) for example in examples)
    characters = sum(length * count for length, count in lengths.items())
    steps = sum(-(-count // trained["batch_size"]) for count in lengths.values())
    if trained["draws"] is not None:
        steps, characters = trained["draws"], characters * trained["draws"] // len(examples)
    weights = count_weights(artifact.config, symbols=len(artifact.vocabulary), labels=len(artifact.labels))
    products = 3 * weights * characters  # forwards once, backwards twice
    seconds = artifact.provenance["epochs"] * (products / PRODUCTS_A_SECOND + steps * STEP_SECONDS)
    return float(SHARE * seconds * BASELINE_PRODUCTS_A_SECOND)


def count_weights(model: ModelConfig, *, symbols: int, labels: int) -> int:
    """Return how many weights of the recurrent layers multiply each step.

    >>> count_weights(ModelConfig(cell="elman", hidden_size=4, directions=1, embedding_size=3), symbols=9, labels=2)
    28
    """
    if model.cell == NO_CELL:
        return 0
    shapes = model.tensor_shapes(symbols=symbols, labels=labels)
    layers = (name_layer(layer, direction) for layer in range(model.layers) for direction in range(model.directions))
    matrices = [shapes[name] for names in layers for name in (names.weight_ih, names.weight_hh)]
    return sum(rows * columns for rows, columns in matrices)
