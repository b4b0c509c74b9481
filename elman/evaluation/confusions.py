"""The picture of what is confused: the whole matrix of a few labels; of many labels, those that are confused most."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from elman.evaluation.figures import (
    QUIET,
    RIGHT_SHADES,
    SANS,
    SECOND,
    WRONG_SHADES,
    dress,
    make_figure,
    shorten,
    write_cells,
)
from elman.evaluation.metrics import LabelIds, Probabilities
from elman.evaluation.mistakes import list_confused

MOST_LABELS, MOST_PAIRS = 30, 25
"""The labels of a matrix, and the pairs beside it if there are more labels."""

Counts = NDArray[np.int64]


def plot_confusion(probabilities: Probabilities, truth: LabelIds, labels: Sequence[str]) -> Figure:
    """Draw how often each answer is given for each true label: counts, shaded by their share of the true label.

    Labels that are confused with each other are beside each other. With more than `MOST_LABELS` labels, those are drawn
    that are confused most; a last column counts the other answers, and beside the matrix are the pairs that are
    confused most often. The size of the picture and the memory do not depend on the number of labels.

    Args:
        probabilities: (N, C).
        truth: label ids, (N,).
        labels: the C names.
    """
    answers = probabilities.argmax(axis=1)
    if len(labels) <= MOST_LABELS:
        side = max(4.0, 0.42 * len(labels) + 1.8)
        figure = make_figure(side + 0.8, side)
        axes = figure.subplots()
        chosen = order_by_confusion(answers, truth, np.arange(len(labels)))
        counts = count_answers(answers, truth, chosen)[:, :-1]
        _draw_matrix(axes, counts, [shorten(labels[label]) for label in chosen.tolist()])
        dress(axes, "Answers by true label", grid="", frame=False)
        return figure
    figure = make_figure(24, 15)
    matrix, bars = figure.subplots(1, 2, width_ratios=(2.4, 1))
    chosen = order_by_confusion(answers, truth, choose_confused(answers, truth))
    counts = count_answers(answers, truth, chosen)
    names = [shorten(labels[label]) for label in chosen.tolist()]
    _draw_matrix(matrix, counts, names, others=True)
    dress(matrix, f"The {len(chosen)} labels of {len(labels):,} that are confused most", grid="", frame=False)
    _draw_pairs(bars, probabilities, truth, labels)
    return figure


def choose_confused(answers: LabelIds, truth: LabelIds, most: int = MOST_LABELS) -> LabelIds:
    """Return the labels of the pairs that are confused most often, in either direction, at most so many; then others.

    Args:
        answers: label ids, (N,).
        truth: label ids, (N,).
        most: how many labels.
    """
    wrong = answers != truth
    ends = np.sort(np.stack([answers[wrong], truth[wrong]], axis=1), axis=1)
    pairs, counts = np.unique(ends, axis=0, return_counts=True)
    of_pairs = pairs[np.argsort(-counts, kind="stable")].ravel()
    frequent, support = np.unique(truth, return_counts=True)
    ranked = np.concatenate([of_pairs, frequent[np.argsort(-support, kind="stable")]])
    chosen: LabelIds = np.array(list(dict.fromkeys(ranked.tolist()))[:most], np.int64)
    return chosen


def order_by_confusion(answers: LabelIds, truth: LabelIds, chosen: LabelIds) -> LabelIds:
    """Return labels in an order that puts labels beside each other that are confused with each other.

    Groups of neighbours grow into one row, the most confused first: the two groups are joined whose ends share the most
    mistakes, as shares of the examples of both labels.

    Args:
        answers: label ids, (N,).
        truth: label ids, (N,).
        chosen: the labels to order, (K,).
    """
    counts = count_answers(answers, truth, chosen)
    support = np.maximum(counts.sum(axis=1), 1)
    shares = counts[:, :-1] / support[:, None]
    likeness = shares + shares.T
    groups = [[place] for place in range(len(chosen))]
    while len(groups) > 1:
        ends = [(one, other) for one in range(len(groups)) for other in range(one)]
        joins = (
            (likeness[left[-1], right[0]], one, other, left + right)
            for one, other in ends
            for left in (groups[one], groups[one][::-1])
            for right in (groups[other], groups[other][::-1])
        )
        _, one, other, joined = max(joins, key=lambda join: join[0])
        groups = [group for place, group in enumerate(groups) if place not in (one, other)] + [joined]
    order = chosen[groups[0]]
    return order if order[0] <= order[-1] else order[::-1]  # either direction is as good: keep that of the labels


def count_answers(answers: LabelIds, truth: LabelIds, chosen: LabelIds) -> Counts:
    """Return how many examples of each chosen label (row) got each chosen answer (column) or, last, another one.

    Args:
        answers: label ids, (N,).
        truth: label ids, (N,).
        chosen: the labels, (K,).

    Returns:
        (K, K + 1), int64.

    >>> count_answers(np.array([0, 2, 2]), np.array([0, 0, 2]), np.array([2, 0])).tolist()
    [[1, 0, 0], [1, 1, 0]]
    """
    size = len(chosen)
    places = np.full(int(max(answers.max(), truth.max(), chosen.max())) + 1, size)
    places[chosen] = np.arange(size)
    rows, columns = places[truth], places[answers]
    shown = rows < size
    flat = np.bincount(rows[shown] * (size + 1) + columns[shown], minlength=size * (size + 1))
    return flat.reshape(size, size + 1).astype(np.int64)


def _draw_matrix(axes: Axes, counts: Counts, names: Sequence[str], *, others: bool = False) -> None:
    """Draw counts in cells: right answers in green, mistakes in brass, the darker the larger the share of the label."""
    support = counts.sum(axis=1)
    shares = 100 * counts / np.maximum(support, 1)[:, None]
    right = np.where(np.eye(*shares.shape) > 0, shares, np.nan)  # cells of NaN are not drawn
    axes.imshow(shares, cmap=WRONG_SHADES, vmin=0, vmax=100)
    axes.imshow(right, cmap=RIGHT_SHADES, vmin=0, vmax=100)
    columns = [*names, "another label"] if others else names
    axes.set_xticks(range(len(columns)), columns, rotation=90, parse_math=False)
    rows = [f"{name} ({n:,})" for name, n in zip(names, support.tolist(), strict=True)]
    axes.set_yticks(range(len(names)), rows, parse_math=False)
    axes.set_xlabel("answered; the darker, the larger the share of the true label")
    axes.set_ylabel("true label (examples)")
    write_cells(axes, counts, shares)


def _draw_pairs(axes: Axes, probabilities: Probabilities, truth: LabelIds, labels: Sequence[str]) -> None:
    """Draw the pairs that are confused most often, as bars."""
    pairs = list_confused(probabilities, truth, labels, most=MOST_PAIRS)
    places = np.arange(len(pairs))
    axes.barh(places, [pair["examples"] for pair in pairs], color=SECOND, height=0.7)
    names = [f"{shorten(pair['label'])} → {shorten(pair['answer'])}" for pair in pairs]
    axes.set_yticks(places, names, parse_math=False)
    axes.set_ylim(max(1, len(pairs)) - 0.5, -0.5)  # the most frequent first
    axes.set_xlim(0, 1.45 * max((pair["examples"] for pair in pairs), default=1))  # room for the shares
    style: dict[str, Any] = {"va": "center", "fontsize": 9, "color": QUIET, "fontfamily": SANS}
    for place, pair in enumerate(pairs):
        axes.text(pair["examples"], place, f" {pair['share']:.0%} of the label", **style)
    axes.set_xlabel("examples")
    dress(axes, "Most frequent confusions: true label → answer", grid="x")
