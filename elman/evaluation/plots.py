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

from elman.evaluation.metrics import LabelIds, Probabilities, calibration_error, confusion, reliability
from elman.files import write_atomically
from elman.model.config import NO_CELL, ModelConfig
from elman.model.tensors import HEAD_WEIGHT, NGRAMS, name_layer
from elman.prediction.explanation import Explanation
from elman.records import EpochResult

__all__ = [
    "Figure",
    "plot_answers",
    "plot_confusion",
    "plot_curves",
    "plot_explanation",
    "plot_mistakes",
    "plot_network",
    "plot_reliability",
    "save_figure",
]

INK, FIRST, SECOND, FAINT = "#222222", "#1f5fa8", "#d1600a", "#bbbbbb"


def save_figure(figure: Figure, path: Path, *, dots_per_inch: int = 120) -> None:
    """Write a figure as PNG, whole or not at all."""
    buffer = io.BytesIO()
    FigureCanvasAgg(figure)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # a label in a script that the font lacks
        figure.savefig(buffer, format="png", dpi=dots_per_inch)
    write_atomically(path, buffer.getvalue())


def plot_curves(history: Sequence[EpochResult], kept: int | None = None) -> Figure:
    """Draw loss and accuracy of both parts by epoch; a number as the answer has no accuracy.

    Args:
        history: the epochs.
        kept: the epoch that is marked as kept; the best where None.
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
    """Draw the images whose wrong answer the model was surest of, the surest first.

    Args:
        images: (N, rows, columns).
        probabilities: (N, C).
        truth: label ids, (N,).
        labels: the C names.
        most: how many are drawn at most.
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
        said = f"{labels[answers[position]]} ({labels[truth[position]]}) {sure[position]:.0%}"
        axes.set_title(said, fontsize=8, parse_math=False)
    return figure


def plot_explanation(explanation: Explanation) -> Figure:
    """Draw how the answer moves letter by letter, forwards and backwards, and which letters carry it."""
    letters = list(explanation.normalised)
    figure = Figure(figsize=(max(6.4, 0.42 * len(letters) + 3.2), 6.6), layout="constrained")
    figure.suptitle(
        f"{explanation.name}: {explanation.label} {explanation.probability:.1%}", fontsize=12, parse_math=False
    )
    forwards, backwards, bars = figure.subplots(3, 1)
    places = np.arange(len(letters))
    for axes, steps, title in (
        (forwards, explanation.forwards, "read forwards: what the model says if the name ends at this letter"),
        (backwards, explanation.backwards, "read backwards: what it says if the name begins at this letter"),
    ):
        shares = np.array([[step[name] for step in steps] for name in explanation.shown])
        image = axes.imshow(100 * shares, cmap="Blues", vmin=0, vmax=100, aspect="auto")
        axes.set_yticks(range(len(explanation.shown)), explanation.shown, parse_math=False)
        axes.set_title(title, fontsize=9)
        for row, column in np.argwhere(shares >= 0.005):
            colour = "white" if shares[row, column] > 0.55 else INK
            said = f"{100 * shares[row, column]:.0f}"
            axes.text(column, row, said, ha="center", va="center", fontsize=7, color=colour)
    figure.colorbar(image, ax=[forwards, backwards], shrink=0.8, label="probability (%)")
    nats = np.array(explanation.evidence)
    bars.bar(places, nats, color=np.where(nats >= 0, FIRST, SECOND))
    bars.axhline(0, color=INK, linewidth=0.8)
    bars.set_xlim(-0.5, len(letters) - 0.5)
    bars.set_ylabel("nats")
    evidence = f"evidence for {explanation.label}: what its log-odds lose when the letter is hidden"
    bars.set_title(evidence, fontsize=9, parse_math=False)
    for axes in (forwards, backwards, bars):
        axes.set_xticks(places, letters, parse_math=False)
    return figure


def plot_network(config: ModelConfig, *, symbols: int, labels: int, steps: Sequence[str] = "hello") -> Figure:
    """Draw a network unrolled over time, with the shapes of its weights and of what passes between them.

    Args:
        config: its shape.
        symbols: V, the unknown one included.
        labels: C; 1 where the answer is a number.
        steps: what stands at each step, at most ten are drawn.

    The shapes are those of one sequence of T steps; a batch puts B behind T.
    """
    steps = list(steps)[:10]
    layers = config.layers if config.cell != NO_CELL else 0
    lanes = [(layer, reverse) for layer in range(layers) for reverse in range(config.directions)]
    figure = Figure(figsize=(1.25 * len(steps) + 5.2, 1.0 * len(lanes) + 3.6), layout="constrained")
    axes = figure.subplots()
    axes.set_axis_off()
    shapes = config.tensor_shapes(symbols=symbols, labels=labels)
    size, width = config.step_size(symbols), len(steps)
    _note(axes, width, 0, f"input {'(T,) symbol ids' if not config.input_size else f'(T, {size}) numbers'}")
    if config.input_size:
        said = ""
    elif config.embedding_size:
        said = f"embedding ({symbols}, {size}) → (T, {size})"
    else:
        said = f"one-hot → (T, {size})"
    _note(axes, width, 0.8, said)
    for column, step in enumerate(steps):
        _box(axes, column, 0, step, FAINT)
    below = 0.0  # where the inputs of the layer stand
    for row, (layer, reverse) in enumerate(lanes, start=1):
        names, height = name_layer(layer, reverse), row + 0.2
        weights = f"W_ih {shapes[names.weight_ih]}  W_hh {shapes[names.weight_hh]}"
        way = "backwards" if reverse else "forwards"
        _note(axes, width, height, f"{config.cell}, layer {layer + 1}, {way}: {weights} → (T, {config.hidden_size})")
        for column in range(width):
            _box(axes, column, height, "h", SECOND if reverse else FIRST)
            _arrow(axes, (column, below + 0.28), (column, height - 0.28), FAINT, bow=0.45 if reverse else 0.0)
            if column + 1 < width:
                ends = [(column + 0.28, height), (column + 0.72, height)]
                _arrow(axes, *(reversed(ends) if reverse else ends))
        if reverse or config.directions == 1:
            below = height
    top, each = len(lanes) + 1.5, config.readout == "each"
    answer = f"(T, {labels}) logits" if each else f"({labels},) logits" if labels > 1 else "a number"
    head = f"head {shapes[HEAD_WEIGHT]} → {answer}" if config.head != "none" else f"no head: the output is {answer}"
    _note(axes, width, top, head)
    last = width - 1
    for column in range(width) if each else [last]:
        forwards = below - 1 if config.directions == 2 and lanes else below
        _arrow(axes, (column, forwards + 0.28), (column, top - 0.28), bow=0.3 if forwards < below else 0.0)
        if each and forwards < below:
            _arrow(axes, (column, below + 0.28), (column, top - 0.28))
        _box(axes, column, top, "y", INK)
    if not each and config.directions == 2 and lanes:
        _arrow(axes, (0.2, below + 0.25), (last - 0.25, top - 0.1))
    if config.bag_orders:
        orders = ", ".join(map(str, config.bag_orders))
        _note(axes, width, top + 0.45, f"+ bag of n-grams ({orders}) → ({labels},), straight into the logits")
    if config.ngram_orders:
        orders = ", ".join(map(str, config.ngram_orders))
        _note(axes, width, 0.45, f"+ hashed n-grams ({orders}) {shapes[NGRAMS]}")
    axes.set_xlim(-0.6, width + 3.4)
    axes.set_ylim(-0.6, top + 0.9)
    return figure


def _box(axes: Axes, x: float, y: float, said: str, colour: str) -> None:
    frame = {"boxstyle": "round,pad=0.35", "facecolor": "white", "edgecolor": colour, "linewidth": 1.4}
    axes.text(x, y, said or " ", ha="center", va="center", fontsize=10, bbox=frame, parse_math=False)


def _note(axes: Axes, width: int, y: float, said: str) -> None:
    axes.text(width - 0.35, y, said, ha="left", va="center", fontsize=8, color=INK, parse_math=False)


def _arrow(
    axes: Axes, start: tuple[float, float], end: tuple[float, float], colour: str = INK, *, bow: float = 0.0
) -> None:
    line = {"arrowstyle": "->", "color": colour, "linewidth": 1.0, "connectionstyle": f"arc3,rad={bow}"}
    axes.annotate("", xy=end, xytext=start, arrowprops=line)
