"""Pictures: matplotlib lives here and nowhere else. Each function returns a figure; `save_figure` writes it."""

import io
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from elman.files import write_atomically
from elman.metrics import LabelIds, Probabilities, calibration_error, confusion, reliability
from elman.records import EpochResult

INK, FIRST, SECOND, FAINT = "#222222", "#1f5fa8", "#d1600a", "#bbbbbb"


def save_figure(figure: Figure, path: Path, *, dots_per_inch: int = 120) -> None:
    """Write a figure as PNG, whole or not at all."""
    buffer = io.BytesIO()
    FigureCanvasAgg(figure)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # a label in a script that the font lacks
        figure.savefig(buffer, format="png", dpi=dots_per_inch)
    write_atomically(path, buffer.getvalue())


def plot_curves(history: Sequence[EpochResult]) -> Figure:
    """Draw loss and accuracy of both parts by epoch, with the best epoch marked."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    epochs = [result.epoch for result in history]
    best = max((result.epoch for result in history if result.is_best), default=None)
    panels = [
        ("Loss (nats; validation: calibrated)", [r.loss for r in history], [r.validation_loss for r in history]),
        ("Accuracy (%)", [100 * r.accuracy for r in history], [100 * r.validation_accuracy for r in history]),
    ]
    for axes, (title, training, validation) in zip(figure.subplots(1, 2), panels, strict=True):
        axes.plot(epochs, training, color=FIRST, marker="o", markersize=3, label="training (dropout on)")
        axes.plot(epochs, validation, color=SECOND, marker="o", markersize=3, label="validation")
        if best is not None:
            axes.axvline(best, color=FAINT, linestyle="--", zorder=0, label=f"kept: epoch {best}")
        axes.set_title(title)
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.25)
    axes.legend(frameon=False, fontsize=8)
    return figure


def plot_confusion(probabilities: Probabilities, truth: LabelIds, labels: Sequence[str]) -> Figure:
    """Draw the confusion matrix, each row in per cent of its true label; the number of examples stands beside it."""
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
    """Draw stated probability against the share that is right, before and after calibration."""
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
