"""Pictures of a training and of scores. Each function returns a figure; `save_figure` writes it.

matplotlib is imported here and in `elman.evaluation.drawings` only.
"""

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from elman.evaluation.metrics import LabelIds, Probabilities, calibration_error, confusion, reliability
from elman.evaluation.scores import Evaluation, NumberEvaluation
from elman.files import write_atomically
from elman.reports import EpochResult

INK, FIRST, SECOND, FAINT = "#222222", "#1f5fa8", "#d1600a", "#bbbbbb"


@dataclass(frozen=True)
class Picture:
    """A figure with a title.

    Args:
        title: what it shows.
        figure: the figure.
    """

    title: str
    figure: Figure


def draw_pictures(evaluation: Evaluation | NumberEvaluation | None) -> dict[str, Picture]:
    """Draw the pictures of an evaluation of the test part.

    Args:
        evaluation: what to draw; None has no pictures.

    Returns:
        The pictures by file name; empty if the model answers no example.
    """
    if evaluation is not None and len(evaluation.truth) == 0:
        return {}
    match evaluation:
        case Evaluation():
            return _draw_answered_labels(evaluation)
        case NumberEvaluation(answers=answers, truth=truth, name=name):
            return {"answers.png": Picture("Answers beside the truth, test part", plot_answers(answers, truth, name))}
        case None:
            return {}


def _draw_answered_labels(evaluation: Evaluation) -> dict[str, Picture]:
    probabilities, truth, labels = evaluation.probabilities, evaluation.truth, evaluation.labels
    confused = plot_confusion(probabilities, truth, labels)
    reliable = plot_reliability(evaluation.uncalibrated_probabilities, probabilities, truth)
    pictures = {
        "confusion.png": Picture("Confusion matrix of the test part", confused),
        "reliability.png": Picture("Reliability of the test part", reliable),
    }
    if evaluation.images is not None:
        mistakes = plot_mistakes(evaluation.images, probabilities, truth, labels)
        pictures["mistakes.png"] = Picture("The most confident mistakes on the test part", mistakes)
    return pictures


def save_figure(figure: Figure, path: Path, *, dots_per_inch: int = 120) -> None:
    """Write a figure as PNG, whole or not at all."""
    buffer = io.BytesIO()
    FigureCanvasAgg(figure)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # a label in a script that is not in the font
        figure.savefig(buffer, format="png", dpi=dots_per_inch)
    write_atomically(path, buffer.getvalue())


def plot_curves(history: Sequence[EpochResult], kept: int | None = None) -> Figure:
    """Draw loss and accuracy of both parts by epoch; a model that answers with a number has no accuracy.

    Args:
        history: the epochs.
        kept: the epoch that is marked as kept; the best if None.
    """
    known = all(result.accuracy is not None for result in history)
    figure = Figure(figsize=(9 if known else 5.2, 3.6), layout="constrained")
    epochs = [float(result.epoch) for result in history]
    kept = kept or max((result.epoch for result in history if result.is_best), default=None)
    loss = "Loss (nats; validation: calibrated)" if known else "Loss (squared error, standardised)"
    panels = [(loss, [r.loss for r in history], [r.validation_loss for r in history])]
    if known:
        right = [100 * (result.accuracy or 0.0) for result in history]
        panels.append(("Accuracy (%)", right, [100 * (result.validation_accuracy or 0.0) for result in history]))
    marker = "o" if len(history) <= 60 else None
    for axes, (title, training, validation) in zip(
        figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True
    ):
        axes.plot(epochs, training, color=FIRST, marker=marker, markersize=3, label="training (dropout on)")
        axes.plot(epochs, validation, color=SECOND, marker=marker, markersize=3, label="validation")
        if kept is not None:
            axes.axvline(kept, color=FAINT, linestyle="--", zorder=0, label=f"kept: epoch {kept}")
        axes.set_title(title)
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.25)
    axes.legend(frameon=False, fontsize=8)
    return figure


def plot_confusion(probabilities: Probabilities, truth: LabelIds, labels: Sequence[str]) -> Figure:
    """Draw the confusion matrix: each row in per cent of its true label, beside the number of examples."""
    counts = confusion(probabilities, truth)
    support = counts.sum(axis=1)
    shares = 100 * counts / np.maximum(support, 1)[:, None]
    side = max(4.0, 0.42 * len(labels) + 1.8)
    figure = Figure(figsize=(side + 0.8, side), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=100)
    figure.colorbar(image, ax=axes, shrink=0.7, label="per cent of the true label")
    axes.set_xticks(range(len(labels)), labels, rotation=90, parse_math=False)
    rows = [f"{name} ({n})" for name, n in zip(labels, support, strict=True)]
    axes.set_yticks(range(len(labels)), rows, parse_math=False)
    axes.set_xlabel("answered")
    axes.set_ylabel("true label (examples)")
    if len(labels) <= 40:
        _write_cells(axes, shares)
    return figure


def _write_cells(axes: Axes, shares: NDArray[np.float64]) -> None:
    for row, column in np.argwhere(shares >= 0.5):
        colour = "white" if shares[row, column] > 55 else INK
        axes.text(column, row, f"{shares[row, column]:.0f}", ha="center", va="center", fontsize=7, color=colour)


def plot_reliability(before: Probabilities, after: Probabilities, truth: LabelIds) -> Figure:
    """Draw the share of answers that is right by their probability, before and after calibration."""
    figure = Figure(figsize=(4.8, 4.4), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=FAINT, linestyle="--", label="perfectly calibrated")
    for name, probabilities, colour in (("before", before, SECOND), ("after", after, FIRST)):
        count, mean, share = reliability(probabilities, truth)
        gap = calibration_error(probabilities, truth)
        axes.plot(mean, share, color=colour, alpha=0.6)
        axes.scatter(
            mean, share, s=6 + 250 * count / count.sum(), color=colour, label=f"{name}: calibration error {gap:.3f}"
        )
    axes.set(xlim=(0, 1.02), ylim=(0, 1.02), xlabel="probability of the answer", ylabel="share that is right")
    axes.set_title("Reliability (area: number of answers)", fontsize=10)
    legend = axes.legend(frameon=False, fontsize=8, loc="upper left")
    for handle in legend.legend_handles[1:]:
        handle.set_sizes([20])  # type: ignore[union-attr]
    axes.grid(alpha=0.25)
    return figure


def plot_answers(answers: NDArray[np.floating], truth: NDArray[np.float64], name: str) -> Figure:
    """Draw answered numbers beside the true ones, both (N,)."""
    figure = Figure(figsize=(4.6, 4.4), layout="constrained")
    axes = figure.subplots()
    ends = [float(min(answers.min(), truth.min())), float(max(answers.max(), truth.max()))]
    axes.plot(ends, ends, color=FAINT, linestyle="--", label="exactly right")
    axes.scatter(truth, answers, s=10, color=FIRST, alpha=0.6, linewidths=0)
    axes.set_xlabel(f"{name}, true", parse_math=False)
    axes.set_ylabel(f"{name}, answered", parse_math=False)
    axes.legend(frameon=False, fontsize=8)
    axes.grid(alpha=0.25)
    return figure


def plot_mistakes(
    images: NDArray[np.uint8], probabilities: Probabilities, truth: LabelIds, labels: Sequence[str], *, most: int = 24
) -> Figure:
    """Draw the images whose wrong answers have the highest probability, highest first.

    Args:
        images: (N, rows, columns).
        probabilities: (N, C).
        truth: label ids, (N,).
        labels: the C names.
        most: draw at most so many.
    """
    answers, sure = probabilities.argmax(axis=1), probabilities.max(axis=1)
    wrong = np.flatnonzero(answers != truth)
    shown = wrong[np.argsort(-sure[wrong], kind="stable")][:most]
    columns = 8
    rows = max(1, -(-len(shown) // columns))
    figure = Figure(figsize=(9, 1.45 * rows + 0.5), layout="constrained")
    figure.suptitle(f"The most confident of {len(wrong):,} mistakes among {len(truth):,}: answer (truth)", fontsize=10)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels:
        axes.set_axis_off()
    for axes, position in zip(panels, shown, strict=False):
        axes.imshow(images[position], cmap="gray_r")
        title = f"{labels[answers[position]]} ({labels[truth[position]]}) {sure[position]:.0%}"
        axes.set_title(title, fontsize=8, parse_math=False)
    return figure
