"""Paths: how much each path of the network counts in the answer, fitted on names that it did not learn from.

A path that memorises its training names answers them too surely, and others too. One factor for each path and one
shift for each label, fitted by maximum likelihood, put that right; they become part of the weights. Vector scaling of
C. Guo et al., "On calibration of modern neural networks", ICML 2017, section 4.2, with a factor for each path rather
than for each label.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from elman.model.file import Artifact
from elman.model.tensors import BAG_HEAD, BAG_OUTPUT, HEAD_BIAS, HEAD_WEIGHT, WORDS_HEAD
from elman.prediction.predictor import Predictor
from elman.scoring.probabilities import softmax

OUTPUTS = (HEAD_WEIGHT, WORDS_HEAD, BAG_HEAD, BAG_OUTPUT)
"""The last matrix of each path: of the cells, of the table of words, of the bag, and of its hidden layer."""

DEVIATION = 0.5
"""Standard deviation of a label's shift before any name is seen."""

MOST = 40_000
"""So many names are enough."""


def weigh_paths(artifact: Artifact, texts: list[str], truth: NDArray[np.int64]) -> Artifact:
    """Return a model whose paths count as much as they should.

    Args:
        artifact: the model; each of its paths ends with one of `OUTPUTS`.
        texts: normalised names that it did not learn from, N of them.
        truth: the ids of their labels, (N,).
    """
    some = slice(None, None, -(-len(texts) // MOST))
    outputs = [name for name in OUTPUTS if name in artifact.tensors]
    parts = np.stack([score_path(artifact, name, outputs, texts[some]) for name in outputs])
    factors, shifts = fit_factors(parts, truth[some])
    weighed = {name: artifact.tensors[name] * factor for name, factor in zip(outputs, factors, strict=True)}
    weighed[HEAD_BIAS] = artifact.tensors[HEAD_BIAS] * factors[0] + shifts
    rounded = {name: tensor.astype(np.float16).astype(np.float32) for name, tensor in weighed.items()}
    return replace(artifact, tensors={**artifact.tensors, **rounded})


def take_prior_out(artifact: Artifact, counts: NDArray[np.int64], power: float) -> Artifact:
    """Return a model whose answers depend less on how frequent a label was.

    The logits lose the logarithm of the label's share to a power: logit adjustment, A. K. Menon et al., "Long-tail
    learning via logit adjustment", ICLR 2021, equation 9, of which this is a part.

    Args:
        artifact: the model.
        counts: of the training names of each label, (C,); 0 counts as 1.
        power: 0 to 1; with 1 all labels would be taken for equally frequent.
    """
    shares = np.maximum(counts, 1) / np.maximum(counts, 1).sum()
    bias = artifact.tensors[HEAD_BIAS] - power * np.log(shares)
    rounded = bias.astype(np.float16).astype(np.float32)
    return replace(artifact, tensors={**artifact.tensors, HEAD_BIAS: rounded})


def score_path(artifact: Artifact, path: str, outputs: list[str], texts: list[str]) -> NDArray[np.float32]:
    """Return what one path adds to the logits, (N, C); the bias counts to the first."""
    silent = {name: np.zeros_like(artifact.tensors[name]) for name in outputs if name != path}
    if path != outputs[0]:
        silent[HEAD_BIAS] = np.zeros_like(artifact.tensors[HEAD_BIAS])
    return Predictor(replace(artifact, tensors={**artifact.tensors, **silent})).logits(texts)


def fit_factors(
    parts: NDArray[np.float32], truth: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the most likely factors of the paths, (P,), and shifts of the labels, (C,).

    Args:
        parts: what each path adds to the logits, (P, N, C).
        truth: label ids, (N,).
    """
    paths, names, labels = parts.shape
    right = np.arange(names), truth

    def lose(point: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        factors, shifts = point[:paths], point[paths:]
        errors = softmax(np.tensordot(factors, parts, 1) + shifts)
        loss = -np.log(np.maximum(errors[right], np.finfo(np.float64).tiny)).sum()
        errors[right] -= 1
        slope = np.concatenate([np.tensordot(parts, errors, 2), errors.sum(axis=0) + shifts / DEVIATION**2])
        return float(loss + (shifts**2).sum() / DEVIATION**2 / 2) / names, slope / names

    start = np.concatenate([np.ones(paths), np.zeros(labels)])
    found = minimize(lose, start, method="L-BFGS-B", jac=True, options={"maxiter": 60})
    return found.x[:paths], found.x[paths:]
