"""Mistakes: the pairs that are confused most often, and the wrong answers of the highest probability."""

import numpy as np

from elman.evaluation.metrics import list_thresholds
from elman.evaluation.mistakes import list_confused, list_surest_mistakes

LABELS = ("Dutch", "Greek", "Irish")
PROBABILITIES = np.array([[0.9, 0.1, 0.0], [0.2, 0.7, 0.1], [0.6, 0.3, 0.1], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4]])
TRUTH = np.array([1, 0, 1, 0, 2])


def test_pairs_are_counted_and_the_most_frequent_is_first():
    probabilities = np.concatenate([PROBABILITIES, PROBABILITIES[1:2]])
    assert list_confused(probabilities, np.append(TRUTH, 0), LABELS) == [
        {"label": "Dutch", "answer": "Greek", "examples": 3, "share": 1.0},
        {"label": "Greek", "answer": "Dutch", "examples": 2, "share": 1.0},
    ]
    assert list_confused(PROBABILITIES[4:], TRUTH[4:], LABELS) == []


def test_the_number_of_labels_does_not_matter():
    labels = [str(k) for k in range(2_000)]  # a matrix of all pairs would have four million cells
    sure = np.zeros((3, 2_000))
    sure[:, 1_999] = 1.0
    assert list_confused(sure, np.array([5, 5, 6]), labels, most=1) == [
        {"label": "5", "answer": "1999", "examples": 2, "share": 1.0}
    ]


def test_the_surest_mistakes_come_first_and_right_answers_are_none():
    found = list_surest_mistakes("vwxyz", PROBABILITIES, TRUTH, LABELS, most=3)
    assert [(one["text"], one["label"], one["answer"]) for one in found] == [
        ("v", "Greek", "Dutch"),
        ("y", "Dutch", "Greek"),
        ("w", "Dutch", "Greek"),
    ]
    assert [one["probability"] for one in found] == [0.9, 0.8, 0.7]


def test_thresholds_worked_by_hand():
    chances, positive = np.array([0.05, 0.3, 0.6, 0.95]), np.array([False, True, False, True])
    rows = {row["threshold"]: row for row in list_thresholds(chances, positive)}
    half = rows[0.5]
    assert (half["answers"], half["precision"], half["recall"], half["f1"]) == (2, 0.5, 0.5, 0.5)
    assert half["false_positive_rate"] == 0.5
    low, high = half["intervals"]["recall"]
    assert low < 0.5 < high
    nothing = list_thresholds(np.array([0.05]), np.array([True]))[-1]
    assert (nothing["answers"], nothing["precision"], nothing["recall"]) == (0, None, 0.0)
