"""Parity: how much the answers of an ONNX file differ from Elman's own."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.extras import extra
from elman.model.file import Artifact
from elman.scoring.probabilities import allow_overflow
from elman.scoring.reference import ReferenceScorer
from elman.text.ngrams import EDGE

INPUTS, LONGEST = 64, 20
"""How many inputs are drawn, and the most symbols of a string among them."""


def measure_difference(artifact: Artifact, content: bytes) -> float:
    """Return the largest difference between two sets of logits, of ONNX Runtime and of `elman.scoring.reference`.

    Args:
        artifact: a model.
        content: of its ONNX file.

    Returns:
        For random inputs, as a share of the largest logit if that is above 1; NaN if the numbers overflow.

    Raises:
        MissingExtraError: the package onnxruntime is not installed.
    """
    with extra("onnx"):
        import onnxruntime
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    sequences = _draw_inputs(artifact)
    (first, *_), name = session.get_outputs(), session.get_inputs()[0].name
    (found,) = session.run([first.name], {name: _stack(artifact, sequences)})
    scorer = ReferenceScorer(artifact.config, artifact.tensors)
    if artifact.kind.answers == "tags":
        steps = scorer.logits_of_steps(sequences)
        found, expected = np.concatenate([row[: len(own)] for row, own in zip(found, steps, strict=True)]), steps
        return _compare(found, np.concatenate(expected))
    return _compare(found.reshape(INPUTS, -1), scorer.logits(sequences))


def _compare(found: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    with allow_overflow():
        return float(np.abs(found - expected).max() / max(1.0, np.abs(expected).max()))


def _draw_inputs(artifact: Artifact) -> list[NDArray[Any]]:
    """Draw random inputs as `ReferenceScorer` reads them: ids, (T,), or numbers, (T, I)."""
    draw = np.random.default_rng(0)
    if artifact.kind.reads == "strings":
        lengths = draw.integers(1, LONGEST + 1, INPUTS)
        return [draw.integers(0, len(artifact.vocabulary), length) for length in lengths]
    steps = artifact.picture[0] if artifact.kind.reads == "images" else 1
    return list(draw.random((INPUTS, steps, artifact.config.input_size), np.float32))


def _stack(artifact: Artifact, sequences: list[NDArray[Any]]) -> NDArray[Any]:
    """Return the inputs as one batch of the graph."""
    if artifact.kind.reads == "features":
        return np.concatenate(sequences)
    if artifact.kind.reads == "images":
        return np.stack(sequences)
    return pad_ids(sequences)


def pad_ids(sequences: list[NDArray[Any]]) -> NDArray[np.int64]:
    """Return the ids of strings as one batch, with −1 after the end of shorter ones: (N, length of the longest).

    >>> pad_ids([np.array([3]), np.array([1, 2])]).tolist()
    [[3, -1], [1, 2]]
    """
    padded = np.full((len(sequences), max(map(len, sequences))), EDGE, np.int64)
    for row, ids in zip(padded, sequences, strict=True):
        row[: len(ids)] = ids
    return padded
