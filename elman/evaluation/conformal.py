"""Conformal prediction: thresholds of prediction sets, fitted so that sets hold the right label as often as stated.

The threshold of a coverage is a quantile of the scores of true labels in strings that did not train the network, with
the correction for a finite number of them; `elman.model.sets` describes the scores and names the sources. The
temperature is fitted on the same strings. So that it does not know the strings whose scores are taken, it is fitted
anew for each fold without that fold.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.checks import count_of
from elman.evaluation.calibration import fit_temperature
from elman.evaluation.intervals import bound_share
from elman.evaluation.metrics import LabelIds, Probabilities
from elman.model.hierarchy import Levels
from elman.model.sets import COVERAGES, Sets, score_ranks
from elman.scoring.probabilities import softmax

FOLDS = 5

MANY = 2000
"""The least strings of which a part chooses the penalty; with fewer strings no penalty is used."""

PENALTIES = ((0.0, 1), (0.001, 5), (0.003, 5), (0.01, 5), (0.01, 2), (0.03, 3), (0.1, 3))
"""Penalties and free ranks to choose from."""

CHOOSING = 0.25
"""The share of many strings that chooses the penalty; the thresholds are fitted on the others."""


def fit_sets(
    logits: NDArray[np.floating],
    truth: LabelIds,
    *,
    levels: Levels | None = None,
    floor: float = 0.0,
    coverages: Sequence[float] = COVERAGES,
    seed: int = 0,
) -> Sets:
    """Return thresholds for prediction sets.

    Few strings give conservative sets: with fewer than 19, a set of coverage 0.95 holds all labels.

    Args:
        logits: finite, (N, C), of strings that did not train the network.
        truth: label ids, (N,), N at least 1.
        levels: of the labels; each gets thresholds of its own.
        floor: of the probabilities, as in `elman.scoring.probabilities.softmax`.
        coverages: rising, above 0 and below 1.
        seed: of the folds.
    """
    draw = np.random.default_rng(seed)
    probabilities = _cross_fit(logits, truth, floor, draw)
    penalty, free = 0.0, 1
    chosen = np.ones(len(truth), np.bool_)
    if len(truth) >= MANY:
        chosen[draw.permutation(len(truth))[: int(CHOOSING * len(truth))]] = False
        penalty, free = _choose_penalty(probabilities[~chosen], truth[~chosen], coverages[len(coverages) // 2])
    thresholds = []
    for of_level, true in list_levels(probabilities[chosen], truth[chosen], levels):
        scores = score_truth(of_level, true, penalty, free)
        thresholds.append(tuple(find_threshold(scores, coverage) for coverage in coverages))
    return Sets(tuple(coverages), tuple(thresholds), penalty, free, int(chosen.sum()))


def measure_sets(
    sets: Sets, probabilities: Probabilities, truth: LabelIds, levels: Levels | None = None
) -> list[dict[str, Any]]:
    """Return how often prediction sets hold the right label, and how large they are, as ``report.json`` has it.

    Args:
        sets: the thresholds.
        probabilities: calibrated, (N, C), of strings that neither trained the network nor fitted the thresholds.
        truth: label ids, (N,), N at least 1.
        levels: of the labels.

    Returns:
        For each level and each coverage: ``level`` (None without levels), ``coverage``, ``measured`` with its 95 %
        ``interval``, and ``mean_size``.
    """
    rows = []
    names = (None,) if levels is None else levels.names
    for place, (of_level, true) in enumerate(list_levels(probabilities, truth, levels)):
        for coverage in sets.coverages:
            order, sizes = sets.list_members(of_level, coverage, level=place)
            ranks = (order == true[:, None]).argmax(axis=1)
            held = int((ranks < sizes).sum())
            row = {"level": names[place], "coverage": coverage, "measured": held / len(true)}
            rows.append({**row, "interval": list(bound_share(held, len(true))), "mean_size": float(sizes.mean())})
    return rows


def describe_sets(rows: Sequence[dict[str, Any]], strings: int) -> tuple[str, ...]:
    """Return in words what `measure_sets` found for the labels, given how many strings fitted the thresholds."""
    found = [
        f"{100 * row['coverage']:g} %: {100 * row['measured']:.1f} %, mean size {row['mean_size']:.1f}"
        for row in rows
        if row["level"] == rows[0]["level"]
    ]
    text = f"Prediction sets on the test part, by coverage, hold the right label so often: {'; '.join(found)}."
    if strings < 1000:
        known = count_of(strings, "string")
        text += f" Their thresholds come from {known}, so they hold more labels than more strings would need."
    return (text,) if rows else ()


def find_threshold(scores: NDArray[np.float64], coverage: float) -> float:
    """Return the score that a new string's true label does not exceed with a probability of at least ``coverage``.

    >>> scores = np.arange(1.0, 20.0)
    >>> find_threshold(scores, 0.9), find_threshold(scores, 0.95), find_threshold(scores, 0.96)
    (18.0, 19.0, inf)
    """
    place = math.ceil(round((len(scores) + 1) * coverage, 9))
    return math.inf if place > len(scores) else float(np.partition(scores, place - 1)[place - 1])


def score_truth(probabilities: Probabilities, truth: LabelIds, penalty: float, free: int) -> NDArray[np.float64]:
    """Return the score of each string's true label, (N,)."""
    order = np.argsort(-probabilities, axis=1, kind="stable")
    ranks = (order == truth[:, None]).argmax(axis=1)
    scores = score_ranks(np.take_along_axis(probabilities, order, axis=1), penalty, free)
    own: NDArray[np.float64] = scores[np.arange(len(truth)), ranks]
    return own


def list_levels(
    probabilities: Probabilities, truth: LabelIds, levels: Levels | None
) -> list[tuple[Probabilities, LabelIds]]:
    """Return the probabilities and the true groups at each level, that of the labels first."""
    if levels is None:
        return [(probabilities, truth)]
    return [(levels.sum_probabilities(probabilities, name), levels.place_labels(name)[truth]) for name in levels.names]


def _cross_fit(logits: NDArray[np.floating], truth: LabelIds, floor: float, draw: np.random.Generator) -> Probabilities:
    """Return probabilities, (N, C), each fold's with the temperature of the other folds."""
    folds = draw.permutation(len(truth)) % FOLDS
    probabilities = np.empty(logits.shape)
    for fold in range(FOLDS):
        own = folds == fold
        temperature = fit_temperature(logits[~own], truth[~own], floor=floor) if not own.all() else 1.0
        probabilities[own] = softmax(logits[own], temperature, floor)
    return probabilities


def _choose_penalty(probabilities: Probabilities, truth: LabelIds, coverage: float) -> tuple[float, int]:
    """Return the penalty and the free ranks with the smallest sets."""

    def size(choice: tuple[float, int]) -> float:
        threshold = find_threshold(score_truth(probabilities, truth, *choice), coverage)
        sets = Sets((coverage,), ((threshold,),), *choice)
        return float(sets.list_members(probabilities, coverage)[1].mean())

    return min(PENALTIES, key=size)
