"""Mistakes: which labels a model confuses most, and the wrong answers that it is surest of."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from elman.evaluation.metrics import LabelIds, Probabilities

MOST_PAIRS, MOST_MISTAKES = 10, 20


def list_confused(
    probabilities: Probabilities, truth: LabelIds, labels: Sequence[str], *, most: int = MOST_PAIRS
) -> list[dict[str, Any]]:
    """Return the pairs of a true label and a wrong answer that occur most often, the most frequent first.

    The memory does not depend on the number of labels.

    Args:
        probabilities: (N, C).
        truth: label ids, (N,).
        labels: the C names.
        most: at most so many pairs.

    Returns:
        For each pair ``label``, ``answer``, the number of ``examples``, and their ``share`` of those of the label.

    >>> list_confused(np.array([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6]]), np.array([0, 1, 1]), ["Dutch", "Greek"])
    [{'label': 'Greek', 'answer': 'Dutch', 'examples': 1, 'share': 0.5}]
    """
    answers, support = probabilities.argmax(axis=1), np.bincount(truth, minlength=len(labels))
    wrong = answers != truth
    pairs, counts = np.unique(np.stack([truth[wrong], answers[wrong]]), axis=1, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:most]
    return [
        {
            "label": labels[label],
            "answer": labels[answer],
            "examples": int(counts[place]),
            "share": float(counts[place] / support[label]),
        }
        for place, (label, answer) in zip(order.tolist(), pairs[:, order].T.tolist(), strict=True)
    ]


def list_surest_mistakes(
    texts: Sequence[str],
    probabilities: Probabilities,
    truth: LabelIds,
    labels: Sequence[str],
    *,
    most: int = MOST_MISTAKES,
) -> list[dict[str, Any]]:
    """Return the wrong answers with the highest probability, the surest first. A wrong label in the data is often here.

    The texts are the user's own data: they belong in a report, never in a model file or its card.

    Args:
        texts: the strings, (N,).
        probabilities: (N, C).
        truth: label ids, (N,).
        labels: the C names.
        most: at most so many.

    Returns:
        For each ``text``, ``label``, ``answer``, and the ``probability`` of the answer.
    """
    answers, sure = probabilities.argmax(axis=1), probabilities.max(axis=1)
    wrong = np.flatnonzero(answers != truth)
    order = wrong[np.argsort(-sure[wrong], kind="stable")][:most]
    return [
        {
            "text": texts[place],
            "label": labels[truth[place]],
            "answer": labels[answers[place]],
            "probability": float(sure[place]),
        }
        for place in order.tolist()
    ]
