"""Pictures of a training and of scores. Each function returns a figure; `figures.save_figure` writes it.

matplotlib is imported here and in the other modules of pictures only: `figures`, `confusions` and `drawings`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from elman.checks import count_of
from elman.evaluation.confusions import plot_confusion
from elman.evaluation.figures import FAINT, FIRST, SECOND, shorten
from elman.evaluation.metrics import LabelIds, Probabilities, calibration_error, curve_of_coverage, reliability
from elman.evaluation.scores import Evaluation, NumberEvaluation
from elman.reports import EpochResult


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
        "abstention.png": Picture(
            "Accuracy on the test part by the share answered", plot_abstention(probabilities, truth)
        ),
    }
    if evaluation.images is not None:
        mistakes = plot_mistakes(evaluation.images, probabilities, truth, labels)
        pictures["mistakes.png"] = Picture("The most confident mistakes on the test part", mistakes)
    return pictures


def plot_abstention(probabilities: Probabilities, truth: LabelIds) -> Figure:
    """Draw the accuracy of the surest answers by the share of examples that they are.

    Args:
        probabilities: (N, C).
        truth: label ids, (N,), N at least 1.
    """
    answered, limits, accuracy = curve_of_coverage(probabilities, truth)
    figure = Figure(figsize=(6.4, 4.4), layout="constrained")
    axes = figure.subplots()
    axes.plot(100 * answered, 100 * accuracy, color=FIRST)
    axes.axhline(100 * accuracy[-1], color=FAINT, linewidth=0.8, linestyle="--")
    for limit in (0.5, 0.9):
        place = int((limits >= limit).sum()) - 1
        if 0 <= place < len(answered) - 1:
            axes.plot(100 * answered[place], 100 * accuracy[place], "o", color=SECOND)
            axes.annotate(
                f"abstain below {limit:g}",
                (100 * answered[place], 100 * accuracy[place]),
                xytext=(7, 5),
                textcoords="offset points",
                fontsize=8,
            )
    axes.set_xlim(0, 100)
    axes.set_xlabel("answered, surest first (%)")
    axes.set_ylabel("right among the answers (%)")
    axes.set_title(f"mean {100 * accuracy.mean():.1f} %; all answered {100 * accuracy[-1]:.1f} %", fontsize=10)
    return figure


def plot_curves(history: Sequence[EpochResult], kept: int | None = None, *, by_heart: bool = False) -> Figure:
    """Draw loss and accuracy of both parts by epoch; a model that answers with a number has no accuracy.

    Args:
        history: the epochs.
        kept: the epoch that is marked as kept; the best if None.
        by_heart: nothing was kept back, so both parts are the same examples; there is one curve.
    """
    known = all(result.accuracy is not None for result in history)
    figure = Figure(figsize=(9 if known else 5.2, 3.6), layout="constrained")
    epochs = [float(result.epoch) for result in history]
    kept = kept or max((result.epoch for result in history if result.is_best), default=None)
    nats = "Loss (nats)" if by_heart else "Loss (nats; validation: calibrated)"
    loss = nats if known else "Loss (squared error, standardised)"
    panels = [(loss, [r.loss for r in history], [r.validation_loss for r in history])]
    if known:
        right = [100 * (result.accuracy or 0.0) for result in history]
        panels.append(("Accuracy (%)", right, [100 * (result.validation_accuracy or 0.0) for result in history]))
    marker = "o" if len(history) <= 60 else None
    for axes, (title, training, validation) in zip(
        figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True
    ):
        name = "all examples, learned by heart" if by_heart else "training (dropout on)"
        axes.plot(epochs, training, color=FIRST, marker=marker, markersize=3, label=name)
        if not by_heart:
            axes.plot(epochs, validation, color=SECOND, marker=marker, markersize=3, label="validation")
        if kept is not None:
            axes.axvline(kept, color=FAINT, linestyle="--", zorder=0, label=f"kept: epoch {kept}")
        axes.set_title(title)
        axes.set_xlabel("epoch")
        axes.set_ylabel("nats" if title == nats else "per cent" if title == "Accuracy (%)" else "squared error")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.25)
    axes.legend(frameon=False, fontsize=8)
    return figure


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
    mistakes = count_of(len(wrong), "mistake")
    figure.suptitle(f"The most confident of {mistakes} among {len(truth):,}: answer (truth)", fontsize=10)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels:
        axes.set_axis_off()
    for axes, position in zip(panels, shown, strict=False):
        axes.imshow(images[position], cmap="gray_r")
        answer, right = (shorten(labels[ids[position]]) for ids in (answers, truth))
        title = f"{answer} ({right}) {sure[position]:.0%}"
        axes.set_title(title, fontsize=8, parse_math=False)
    return figure
