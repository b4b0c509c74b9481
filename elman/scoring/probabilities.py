"""Probabilities: logits to calibrated probabilities, and the best answers."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

FEW_ANSWERS = 8
"""The most best answers that are found one by one; for more, all are sorted."""


def best_of(
    logits: Array, top: int, temperature: float = 1.0, floor: float = 0.0
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Return the most likely answers and their probabilities, both (N, top), best first; logits are (N, C).

    Temperature and floor are those of `softmax`. Equal answers are in the order of the labels.

    >>> best_of(np.log(np.array([[1, 2, 1]], np.float32)), top=2)
    (array([[1, 0]], dtype=int32), array([[0.5 , 0.25]]))
    """
    return rank(softmax(logits, temperature, floor), top)


def rank(probabilities: NDArray[np.float64], top: int) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Return the most likely answers and their probabilities, as `best_of`, from probabilities, (N, C)."""
    if top > FEW_ANSWERS:
        order = np.argsort(-probabilities, axis=1, kind="stable")[:, :top]
    else:
        left = probabilities.copy()
        order = np.empty((len(left), min(top, left.shape[1])), np.int64)
        for place in range(order.shape[1]):
            order[:, place] = left.argmax(axis=1)
            np.put_along_axis(left, order[:, place : place + 1], -1.0, axis=1)
    return order.astype(np.int32), np.take_along_axis(probabilities, order, axis=1)


def softmax(logits: NDArray[np.floating], temperature: float = 1.0, floor: float = 0.0) -> NDArray[np.float64]:
    """Return calibrated probabilities: the softmax of logits / temperature over the last axis, float64.

    A floor is a share of all answers that no string tells, such as wrong labels: it is spread evenly over the labels.
    All of them are NaN if a logit is NaN, or the largest one infinite.

    >>> softmax(np.array([[0.0, 0.0]])).tolist()
    [[0.5, 0.5]]
    >>> softmax(np.array([[1000.0, 0.0]]), floor=0.5).tolist()
    [[0.75, 0.25]]
    """
    with allow_overflow():
        scaled = logits.astype(np.float64) / temperature
        powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
        probabilities: NDArray[np.float64] = powers / powers.sum(axis=-1, keepdims=True)
        if floor:
            probabilities = (1 - floor) * probabilities + floor / probabilities.shape[-1]
    return probabilities


def allow_overflow() -> np.errstate:
    """Return a context in which large numbers become infinite without a warning.

    `elman.prediction` checks the answers. Each thread needs its own.
    """
    return np.errstate(over="ignore", invalid="ignore")
